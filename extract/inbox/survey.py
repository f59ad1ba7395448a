"""What the inbox holds that no feed knows, and what came too late."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path

from extract import contract as contracts
from extract import landing, removed
from extract.inbox import arrivals, takers
from extract.inbox.arrivals import Snapshot
from extract.own import prepare, source
from send_ready import configuration, files, issues, runs
from send_ready.issues import Issue
from send_ready.runs import Run
from send_ready.settings import Settings

MEND = "Let the account that runs the night read it, or have its drive mended; the next run takes what is there."
CONNECT = "If exports should lie there, connect its drive, and run again. Otherwise nothing: what had landed is in use."

FIRST_SNAPSHOT = "inbox.json"  # in a run's folder


def unrecognised(paths: Iterable[Path], settings: Settings) -> Iterator[Path]:
    """Files of the inbox whose names belong to no feed, and to no source."""
    every = takers.load_all(settings)
    for path in paths:
        if not takers.claimed_by(path, every):
            yield path


def late_files(settings: Settings, since: datetime, used: Collection[str], as_at: date) -> list[str]:
    """Names of files for any feed that came too late for a pack, landed or not.

    `used` holds the hashes of all that the pack considered: every file with a data date up to `as_at`, its day. Of
    those with a later one, what has landed since a moment. When the inbox cannot be read, that stands among them.
    """
    exports, unreadable = arrivals.list_exports(settings.inbox)
    found = {
        f"whatever lies in {each.path}, which cannot be read ({each.reason})"
        for each in unreadable
        if each.path == settings.inbox
    }
    for contract in takers.load_all(settings):
        if contract.source != source.FOLDER and prepare.file_of(contract.name, settings):
            continue  # made of sources, whose files are looked at by themselves
        history = landing.history(settings.home, contract)
        gone = removed.removed_records(settings.home, contract)
        known = {(file.file_name, file.size, file.mtime_ns) for file in (*history, *gone)}
        for file in history:
            # Where the data date tells it, the clock is not asked: it may have gone back.
            is_of_its_days = file.data_date is None or file.data_date <= as_at
            if file.sha256 not in used and (is_of_its_days or datetime.fromisoformat(file.landed_at) > since):
                found.add(file.file_name)
        for path, about in exports:
            seen = arrivals.recognise(path, settings.inbox, contract)
            if seen and (seen.file_name, about.st_size, about.st_mtime_ns) not in known:
                found.add(seen.file_name)
    return sorted(found)


def survey(run: Run, settings: Settings) -> None:
    """Report files that no feed knows, and what cannot be looked at, which stops nothing.

    Files of no feed are not landed: nobody can say what they hold. Raises RunError for a past day that needs a file
    which was removed.
    """
    settled = configuration.settled_for(run)
    removed.check_day(settings, run.as_at)
    with runs.step(run, "begin") as step:
        if settings.inbox.parent == settings.home:  # our own; another's that is not there may be a drive that is gone
            with suppress(FileExistsError):
                settings.inbox.mkdir()
        exports, unreadable = arrivals.list_exports(settings.inbox)
        files.write_json(run.folder / FIRST_SNAPSHOT, asdict(Snapshot.taken(exports)))
        unreadable = [each for each in unreadable if each.path == settings.inbox or not each.is_gone]
        no_files = [each for each in unreadable if each.is_no_file and arrivals.is_export(each.path)]
        unreadable = [each for each in unreadable if not each.is_no_file]
        found = list(unrecognised((path for path, _ in exports), settings))
        expected = ", ".join(sorted(contract.file_name for contract in contracts.load_all(settings)))
        said = [
            _issue(
                "F-17",
                "query",
                "The file's name belongs to no feed, so it was left alone.",
                f"Name it <feed>_<YYYYMMDD>.csv, .xlsx or .ods; or, if its layout is your own, run make onboard, which "
                f"says what it seems to be and drafts a source for it. Feeds: {expected}.",
                arrivals.name_in_inbox(path, settings.inbox),
            )
            for path in found
        ]
        said += [
            _issue("F-17", "query", f"{each.reason}, so it was left alone.", "Copy the file itself into the inbox.",
                   arrivals.name_in_inbox(each.path, settings.inbox))
            for each in no_files
        ]  # fmt: skip
        said += [_issue("F-18", "error", f"The inbox cannot be read. {each}.", MEND) for each in unreadable]
        said += configuration.issues(settled)
        issues.write(run.issues("inbox"), said)
        notes = [f"{len(found)} files of no known feed"] if found else []
        notes += [f"{len(no_files)} links or the like, left alone"] if no_files else []
        notes += [issue.message for issue in said if issue.rule == "F-18"]
        notes += [f"{name} of SEND_CONFIG has no effect" for name in settled.unused]
        notes += [each.in_words for each in settled.held if each.state != configuration.COUNCIL]
        if not exports and not unreadable:  # no issue: a day that is built again, or restored, has the same pack
            notes.append(f"The inbox is empty. {CONNECT}")
        step.note = "; ".join(notes) or None


def first_snapshot(run: Run) -> Snapshot | None:
    """What the inbox held when the run was begun; None when nobody looked."""
    try:
        return Snapshot(**files.read_json(run.folder / FIRST_SNAPSHOT))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _issue(rule: str, severity: str, message: str, fix: str, file_name: str | None = None) -> Issue:
    return Issue("File", rule, severity, message, fix, "Data team", file_name=file_name)
