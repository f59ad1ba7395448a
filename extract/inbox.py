"""What the inbox holds that no feed knows, and what came too late."""

from collections.abc import Collection, Iterator
from datetime import datetime
from pathlib import Path

from extract import contract as contracts
from extract import landing
from send_ready import issues, runs
from send_ready.issues import Issue
from send_ready.runs import Run
from send_ready.settings import Settings


def unrecognised(settings: Settings) -> Iterator[Path]:
    """Files of the inbox whose names belong to no feed."""
    every = contracts.load_all(settings)
    for path in landing.inbox_files(settings.inbox):
        if not any(landing.recognise(path, settings.inbox, contract) for contract in every):
            yield path


def later(settings: Settings, since: datetime, used: Collection[str]) -> list[str]:
    """Names of files for any feed that have come since a moment, landed or not; `used` holds hashes of those in use."""
    found = set()
    for contract in contracts.load_all(settings):
        history = landing.history(settings.home, contract)
        known = {(file.file_name, file.size, file.mtime_ns) for file in history}
        landed = (file for file in history if file.sha256 not in used)
        found |= {file.file_name for file in landed if datetime.fromisoformat(file.landed_at) > since}
        for path in landing.inbox_files(settings.inbox):
            if seen := landing.recognise(path, settings.inbox, contract):
                about = path.stat()
                if (seen.file_name, about.st_size, about.st_mtime_ns) not in known:
                    found.add(seen.file_name)
    return sorted(found)


def survey(run: Run, settings: Settings) -> None:
    """Report files that no feed knows. They are not landed: nobody can say what they hold."""
    with runs.step(run, "begin") as step:
        found = list(unrecognised(settings))
        expected = ", ".join(sorted(contract.file_name for contract in contracts.load_all(settings)))
        issues.write(
            run.issues("inbox"),
            [
                Issue(
                    category="File",
                    rule="F-17",
                    severity="query",
                    message="The file's name belongs to no feed, so it was left alone.",
                    fix=f"Name it <feed>_<YYYYMMDD>.csv or .xlsx. Feeds: {expected}.",
                    owner="Data team",
                    file_name=str(path.relative_to(settings.inbox)),
                )
                for path in found
            ],
        )
        step.note = f"{len(found)} files of no known feed" if found else None
