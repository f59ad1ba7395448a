"""What the next night would make of a council's own sources, and of the feeds that are prepared from them.

It is played in a folder of its own, which goes again: the files land there, are read, and each SELECT is run. Nothing
is left out that the night would say.
"""

import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stderr, suppress
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Any

from commands.new_codes import new_codes
from extract import choose
from extract import contract as contracts
from extract.inbox import arrivals, survey, takers
from extract.inbox.arrivals import Snapshot
from extract.own import prepare
from extract.own.feed import GIAS_FEED
from extract.own.land import land_sources
from extract.own.prepare import Preparation
from publish.report.check import BAD, CARE, OK, Line, Section
from send_ready import database, files, runs
from send_ready.database import literal
from send_ready.home import LANDING
from send_ready.runs import Run
from send_ready.settings import Settings
from send_ready.words import counted, first_few, short_date

TOLD = 60  # things that are told one by one


def own_files(given: Settings, night: date) -> tuple[list[Section], set[str], list[Line]]:
    """Sections about sources and prepared feeds, the names of the latter, and their codes that no crosswalk has.

    Nothing where no source is declared.
    """
    sources = takers.active_sources(given)
    if not sources:
        return [], set(), []
    prepared = [each for each in prepare.load_all(given) if set(each.sources) & {one.feed for one in sources}]
    with tempfile.TemporaryDirectory() as folder:
        trial = replace(given, home=Path(folder), as_at=night, run_id="check")
        feeds = {each.feed.replace("__", ".", 1) for each in prepared}
        taken = {f"{one.source}/{one.feed}" for one in sources} | {each.replace(".", "/", 1) for each in feeds}
        taken |= {GIAS_FEED.replace(".", "/", 1)} if any(each.uses_gias for each in prepared) else set()
        for place in sorted(taken):
            if (landed := given.home / LANDING / place).is_dir():
                shutil.copytree(landed, trial.home / LANDING / place, copy_function=_link)
        run = runs.begin(trial)
        _wait_for_nothing(run, trial)
        with redirect_stderr(io.StringIO()):
            with suppress(choose.InboxError):  # whose reason is among the issues
                land_sources(run, trial)
            for feed in sorted(feeds):
                with suppress(choose.InboxError):
                    choose.extract(run, trial, feed)
        held = files.read_json(run.folder / runs.SOURCES) if (run.folder / runs.SOURCES).exists() else []
        results = [runs.feed_result(run, feed) or {} for feed in sorted(feeds)]
        codes = [line for result in results for line in _codes(run, given, result)]
        return [*_sections(held, results, list(_told(run)), prepared)], feeds, codes


def _codes(run: Run, given: Settings, result: dict[str, Any]) -> Iterator[Line]:
    if result.get("typed_path"):
        feed = f"{result['source']}.{result['feed']}"
        with database.scratch(threads=1) as con:
            con.execute(f"CREATE VIEW typed AS FROM read_parquet({literal(run.home / result['typed_path'])})")
            yield from new_codes(given, con, contracts.load(feed, given), feed)


def _day(on_record: str | None) -> str:
    return short_date(date.fromisoformat(on_record)) if on_record else ""


def _sections(
    held: list[dict[str, Any]], results: list[dict[str, Any]], told: list[Line], prepared: list[Preparation]
) -> Iterator[Section]:
    lines = []
    for each in held:
        reads = [one.feed.replace("__", ".", 1) for one in prepared if each["source"] in one.sources]
        in_use = [file for file in each["files"] if file["is_in_use"]]
        days = sorted({str(file["data_date"]) for file in in_use})
        state = "Missing" if not in_use else "Stale" if each["is_stale"] else "Fresh"
        said = f"{counted(each['rows'], 'row')} of {first_few([file['file_name'] for file in in_use], 3)}"
        said = said if in_use else "No file of it can be used"
        said += f"; read by {', '.join(reads)}" if reads else "; read by no preparation"
        level = OK if state == "Fresh" and reads else CARE
        lines.append(Line(level, (each["source"], state, _day(days[0]) if days else "", each["owner"], said)))
    headers = ("Source", "It would be", "Oldest data date", "Owner", "Of what")
    yield Section("Your own files", headers, tuple(lines), "None.")
    lines = []
    for result in results:
        made = result.get("prepared") or {}
        rows = " and ".join(f"{count:,} of {name}" for name, count in (made.get("rows_in") or {}).items())
        said = f"{counted(made.get('rows_out') or 0, 'row')} out of {rows}" if rows else "no row could be made"
        if aside := result.get("rows_quarantined"):
            said += f"; {aside:,} set aside"
        if missing := result.get("columns_missing"):
            said += f"; blank: {', '.join(missing)}"
        status = str(result.get("status", "missing"))
        level = OK if status == "fresh" else CARE if status == runs.UNUSED else BAD
        name = f"{result.get('source')}.{result.get('feed')}"
        cells = (name, status.capitalize(), _day(result.get("data_date")), str(result.get("owner")), said)
        lines.append(Line(level, cells))
    headers = ("Feed", "It would be", "Data date", "Owner", "Of what")
    yield Section("Feeds prepared from them", headers, tuple(lines), "No preparation reads them.")
    rest = (Line(CARE, ("", "", f"and {len(told) - TOLD:,} more", "")),) if len(told) > TOLD else ()
    titles = ("File", "Line", "What would be told", "What to do")
    yield Section("What would be told of them", titles, (*told[:TOLD], *rest), "Nothing.")


def _told(run: Run) -> Iterator[Line]:
    """What is an error or a query in the issues of the trial."""
    paths = sorted(map(str, (run.folder / "issues").glob("*.parquet")))
    if not paths:
        return
    listed = ", ".join(map(literal, paths))
    with database.scratch(threads=1) as con:
        found = con.execute(f"""
            SELECT severity, file_name, line_no, rule || ' ' || message, fix, feed
            FROM read_parquet([{listed}], union_by_name = true) WHERE severity <> 'note'
            ORDER BY severity = 'query', feed, file_name, line_no, rule, message""").fetchall()
    for severity, name, line, message, fix, feed in found:
        cells = (name or feed or "", str(line or ""), message, fix)
        yield Line(CARE if severity == "query" else BAD, cells)


def _link(one: str, other: str) -> None:
    """The same bytes under another name: what has landed is never written to."""
    try:
        os.link(one, other)
    except OSError:
        shutil.copy2(one, other)


def _wait_for_nothing(run: Run, given: Settings) -> None:
    """Let files count as settled that are as they are now: nothing is kept of what is read."""
    now = Snapshot.taken(arrivals.list_exports(given.inbox)[0])
    earlier = replace(now, at=now.at - 2 * arrivals.SETTLE_SECONDS)
    files.write_json(run.folder / survey.FIRST_SNAPSHOT, asdict(earlier))
