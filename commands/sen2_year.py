"""`make sen2`: the SEN2 return of a year as at a day, from the run of that day, with what would stop it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from commands import night
from commands.steps import run_in_force
from expectations.sen2 import validate_sen2
from inspection.sen2_return import next_serial_of
from publish import pack
from publish.sen2 import beside, document
from publish.sen2 import pack as sen2_pack
from publish.sen2.file_issues import check_file
from publish.summary import made
from send_ready import confined, database, files, folders, runs
from send_ready.home import Lock
from send_ready.issues import SEVERITIES
from send_ready.runs import Run, RunError
from send_ready.settings import FIRST_SEN2, LAST_SEN2, Settings, now
from send_ready.words import short_date
from warehouse import run_data
from warehouse.dbt import build_return


def make(given: Settings, year: int | None) -> int:
    """The exit status after the return was made and what came of it printed: 0, or 1 without a run to make it from."""
    night.stoppable()
    try:
        if not (found := _run_of_day(given)):
            print(f"There is no run as at {given.as_at} yet: it is made now.", flush=True)
            if night.run(given):
                return night.NO_PACK
            found = _run_of_day(given)
        if not found:
            return night.NO_PACK
        with night.one_at_a_time(given.home):
            _tell(*_made(replace(given, run_id=found.run_id), found, year))
        return 0
    except KeyboardInterrupt:
        print("\nStopped. Nothing half-made is left; the same command starts again.", flush=True)
        return night.STOPPED


def _run_of_day(given: Settings) -> Run | None:
    """The newest whole run as at the day; of today, if there is none, the newest whole run of any day."""
    found = runs.whole(given)
    of_day = [run for run in found if run.as_at == given.as_at]
    return next(iter(of_day or (found if given.as_at == now().date() else [])), None)


def _made(given: Settings, run: Run, year: int | None) -> tuple[Run, dict[str, Any], Path, list[dict[str, Any]]]:
    """The run, what its return is, the folder that it is in, and its issues."""
    _, in_force = run_in_force(given)
    if "sen2" not in (made(run) or {}):
        pack.publish(run, in_force, next_serial_of(run.home))
    with run_data.opened(run) as con:
        its_own = document.made(con, run).survey.year
    if year in (None, its_own):
        about = files.read_json(run.out / pack.MANIFEST)["sen2"]
        return run, about, run.out / sen2_pack.FOLDER, _issues(run)
    if not FIRST_SEN2 <= int(year or 0) <= LAST_SEN2:
        raise RunError(f"YEAR={year} is not a year of a SEN2 return. Give one from {FIRST_SEN2} on, such as {its_own}.")
    folder = run.out / sen2_pack.FOLDER / str(year)
    with _beside(run) as copy, files.locked(run.home / Lock.PUBLISH):
        build_return(run, in_force, int(year or 0), copy)
        validate_sen2(copy, in_force)
        check_file(copy, in_force)
        folder.parent.mkdir(exist_ok=True)
        with folders.replaced(folder) as partial, run_data.opened(copy) as con:
            about = sen2_pack.write(partial, con, copy, in_force, next_serial_of(run.home))
            beside.compare_with_read(partial, con, run, in_force)
        pack.seal_again(run.out)
        return run, about, folder, _issues(copy)


@contextmanager
def _beside(run: Run) -> Iterator[Run]:
    """A run as at the same day in a folder of its own, which goes when the block ends, or with the next night."""
    copy = replace(run, run_id=f".{run.run_id}.sen2.old")
    confined.remove_tree(copy.folder)
    try:
        yield copy
    finally:
        confined.remove_tree(copy.folder)


def _issues(run: Run) -> list[dict[str, Any]]:
    """The issues of the return: rule, severity and how many each stands for."""
    paths = ", ".join(database.literal(path) for path in sorted((run.folder / "issues" / "sen2").glob("*.parquet")))
    if not paths:
        return []
    with database.scratch(threads=1) as con:
        return run_data.rows(con, f"SELECT rule, severity, count FROM read_parquet([{paths}])")


def _tell(run: Run, about: dict[str, Any], folder: Path, issues: list[dict[str, Any]]) -> None:
    """Print what was made, what would stop it, and where it is."""
    print(f"\nSEN2 as at {short_date(run.as_at)}: {sen2_pack.in_words(about)}")
    counted = Counter[str]()
    for issue in issues:
        counted[issue["severity"]] += issue["count"]
    print(", ".join(f"{counted[severity]:,} {severity}" for severity in SEVERITIES if counted[severity]) or "No issue")
    for path in sorted(folder.glob("*")):
        if about["file_name"] and not path.name.startswith("."):
            print(path)
