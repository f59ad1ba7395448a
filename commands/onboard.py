"""`make onboard`: from the files in the inbox to a draft of SEND_CONFIG, and what still stands between them and lists.

SEND_HOME/onboard/onboarding.xlsx      in which an analyst confirms
                     draft/            a SEND_CONFIG with all that is proposed, what is not confirmed marked as such
                     answers.json      what was answered, also about files that are not there today
                     before/           what was written over, workbooks and files of SEND_CONFIG
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from onboarding import adopt, answers, book, draft, gaps, proposals, survey
from onboarding.gaps import Gap
from onboarding.proposals import ABSENT, OPEN, Proposals
from onboarding.survey import Survey
from operations.settle import trial as trial_of
from publish.report import list_columns
from send_ready import confined, files, runs
from send_ready import settings as environment
from send_ready.home import ONBOARDING, Lock
from send_ready.settings import PROJECT, Settings
from send_ready.words import counted, first_few
from warehouse import run_data

DRAFT, TRIAL, WRITTEN = "draft", "trial", "draft.json"
SHOWN = 30  # gaps on the screen; all stand in the workbook


def onboard(given: Settings, *, adopts: bool, tries: bool) -> int:
    """The exit status after all was written and told: 1 when an answer, or the workbook, cannot be used."""
    with files.locked(given.home / Lock.ONBOARDING), trial_of(given) as (in_force, _):
        return _onboard(given, in_force, adopts=adopts, tries=tries)


def _onboard(given: Settings, in_force: Settings, *, adopts: bool, tries: bool) -> int:
    folder = given.home / ONBOARDING
    folder.mkdir(parents=True, exist_ok=True)
    confined.remove_tree(folder / TRIAL)
    if adopts and not given.config:
        print("SEND_CONFIG names no folder to copy what is confirmed into. Make one, set SEND_CONFIG to it, run again.")
        return 1
    back = _read_back(folder)
    for line in (*back.faults, *back.notes):
        print(line)
    if back.faults:
        print(
            f"\n{folder / book.NAME} was left as it is, and nothing was written. Put it right, or move it away to "
            "begin with a new one; what was answered before is kept."
        )
        return 1
    if not os.path.isdir(in_force.inbox):
        print(f"There is no inbox at {in_force.inbox}. Put the exports there, or set SEND_INBOX to where they are.")
        return 1
    given_answers = {**answers.load(folder), **back.answers}
    print(f"Looking at everything in {in_force.inbox} …", flush=True)
    found = survey.look(in_force)
    rows = proposals.propose(found, in_force, given_answers)
    found = survey.without_values(found)
    faults = book.fault_lines(rows.rows, back.rows) + book.unknown_lines(given_answers, back.rows, rows.rows)
    answers.keep(folder, given_answers)
    _print_files(found)
    whole = draft.draft_of(rows, in_force, only_confirmed=False)
    kept = _write_draft(folder, whole, rows)
    missing, said = _try(folder, given, in_force) if tries else ([], ["The lists were not tried: TRIAL=no."])
    said = [*_openly(rows), *said]
    _keep_before(folder)
    book.write(folder / book.NAME, replace(rows, survey=found), missing, said)
    print(f"\nDraft in {folder / DRAFT}, which is in force nowhere: {counted(len(whole.files), 'file')}")
    for line in (*(f"  {name}: {words}" for name, words in sorted(whole.said.items())), *kept):
        print(line)
    print(f"\nConfirm in {folder / book.NAME}, and run make onboard again.")
    _print_gaps(missing, said)
    for line in faults:
        print(line)
    has_left_some = given.config is not None and adopts and _adopt(folder, rows, in_force, given.config)
    return 1 if faults or has_left_some else 0


def _read_back(folder: Path) -> book.ReadBack:
    path = folder / book.NAME
    if not path.exists():
        return book.ReadBack({}, {}, (), ())
    with tempfile.TemporaryDirectory() as work:
        return book.read(path, Path(work))


def _keep_before(folder: Path) -> None:
    """Keep the workbook that an analyst filled before it is written anew."""
    path = folder / book.NAME
    if data := files.held(path):
        files.write_bytes(folder / adopt.BEFORE / f"{moment()}_{book.NAME}", data)


def moment() -> str:
    return f"{environment.now():%Y%m%dT%H%M%S}"


def _print_files(found: Survey) -> None:
    print(f"\n{counted(found.files, 'file')}, {counted(len(found.seen), 'table')}")
    for seen in found.seen:
        rows = f"{counted(seen.table.rows, 'row')} from line {seen.table.first_line} on"
        rows += f", {counted(seen.table.set_aside, 'line')} of titles and totals" if seen.table.set_aside else ""
        print(f"  {seen.table.title}: {rows}")
        if seen.feed:
            print(f"    {seen.feed}, by its name")
            continue
        likely = survey.likely(found, seen)
        for each in likely:
            print(f"    {each.score:3.0f}  {each.feed}: {each.why}")
        if not likely:
            print("    like no feed")
    for name, note in found.notes:
        print(f"  {name}: {note}")


def _write_draft(folder: Path, whole: draft.Draft, rows: Proposals) -> list[str]:
    """Write the draft anew, but for files that somebody changed; lines that name those."""
    record = runs.read_record(folder / WRITTEN) or {}
    written = {name: known for name, known in record.items() if isinstance(known, str) and confined.is_plain(name)}
    by_hand = adopt.changed_by_hand(folder / DRAFT, written)
    confined.remove_tree(folder / DRAFT)
    for name, data in whole.files.items():
        files.write_bytes(folder / DRAFT / name, by_hand.get(name, data))
    for name, data in by_hand.items():
        files.write_bytes(folder / DRAFT / name, data)
    files.write_json(folder / WRITTEN, {name: adopt.digest(data) for name, data in whole.files.items()})
    return [f"  {name}: kept as you changed it" for name in sorted(by_hand)]


def _try(folder: Path, given: Settings, in_force: Settings) -> tuple[list[Gap], list[str]]:
    """What is missing from lists that are built of the draft, and sentences about it.

    What nobody confirmed counts as if it were right: it shows what is to be gained. The night of the trial lies in a
    SEND_HOME of its own, which goes at the end.
    """
    home, config = folder / TRIAL, folder / TRIAL / "config"
    try:
        _lay_over(config, given, folder / DRAFT)
        print("Trying the draft: reading everything, and building the lists …", flush=True)
        command = [sys.executable, "-m", "commands.trial", str(home), str(config)]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, errors="replace")
        if done.returncode:
            files.write_bytes(folder / "trial.log", (done.stdout + done.stderr).encode())
            last = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "")
            return [], [f"The lists could not be tried: {last} More in {folder / 'trial.log'}."]
        tried = replace(in_force, home=home, config=config, run_id="trial")
        run = runs.find(tried)
        with run_data.opened(run) as con:
            blanks = [
                (name, column.column_name, column.header, blank, rows)
                for name, column, blank, rows in list_columns.blanks(con)
            ]
        missing = gaps.find_gaps(blanks, gaps.facts_of(run, tried))
        rows = {name: count for name, *_, count in blanks}
        said = [
            f"{name}: {counted(count, 'child', 'children')} on it, as far as these files tell."
            for name, count in rows.items()
        ]
        return missing, [*said, f"{counted(len(missing), 'gap')}: see the sheet What is missing."]
    finally:
        confined.remove_tree(home)


def _lay_over(config: Path, given: Settings, drafted: Path) -> None:
    """A configuration of the council's own files with those of the draft laid over them."""
    config.mkdir(parents=True)
    for source in (given.config, drafted):
        if source and source.is_dir():
            shutil.copytree(source, config, dirs_exist_ok=True)


def _openly(rows: Proposals) -> list[str]:
    """What is still to be confirmed, sheet by sheet."""
    said = []
    for name in book.LAYOUTS:
        held = [
            row for row in rows.rows if row.key[0] == name and row.state == OPEN and (row.proposed or name == ABSENT)
        ]
        if held and name == ABSENT:
            said.append(
                f"{counted(len(held), 'feed')} for which nothing was found: "
                f"{first_few([row.key[1] for row in held], 5)}."
            )
        elif held:
            said.append(
                f"{counted(len(held), 'row')} of the sheet {name} to be confirmed: in force nowhere until then."
            )
    return said or ["Everything that is proposed was answered."]


def _print_gaps(missing: Sequence[Gap], said: Sequence[str]) -> None:
    print("\nWhat still stands between these files and right lists")
    for line in said:
        print(f"  {line}")
    for gap in missing[:SHOWN]:
        blank = f"blank for {gap.blank:,} of {gap.rows:,}" if gap.rows else "empty"
        print(f"  {gap.list_name}, {gap.header}: {blank}. {gap.why}")
    if len(missing) > SHOWN:
        print(f"  and {len(missing) - SHOWN} more, in the sheet What is missing")


def _adopt(folder: Path, rows: Proposals, in_force: Settings, config: Path) -> bool:
    """Whether a file of SEND_CONFIG was left as it is, after what is confirmed was copied there."""
    confirmed = draft.draft_of(rows, in_force, only_confirmed=True)
    record: Mapping[str, object] = runs.read_record(folder / WRITTEN) or {}
    by_hand = adopt.changed_by_hand(folder / DRAFT, {name: str(known) for name, known in record.items()})
    confirmed = draft.Draft(
        {**confirmed.files, **by_hand}, {**confirmed.said, **dict.fromkeys(by_hand, "as you changed it")}
    )
    print(f"\nInto {config}")
    if not confirmed.files:
        print("  Nothing is confirmed yet, so nothing was copied.")
        return False
    done = adopt.adopt(confirmed, config, folder, moment())
    for line in done.lines:
        print(f"  {line}")
    print("  make check says whether it can be used.")
    return done.has_left_some
