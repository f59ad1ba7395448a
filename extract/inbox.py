"""What the inbox holds that no feed knows."""

from collections.abc import Iterator
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
