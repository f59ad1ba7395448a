"""One run: its folder, its as-at date, the result of each feed, and the time of each step."""

import json
import os
import re
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from send_ready import confined, files, machine
from send_ready.errors import RunError as RunError  # from here for every room
from send_ready.home import LANDING, OUT, RUNS, TYPED, Lock
from send_ready.settings import Settings

RECORD = "run.json"
AIRFLOW_LOG = "airflow.log"  # in the run's folder: of no other runs
KEEP = 14  # run folders kept; landing is what must be backed up
UNUSED = "unused"  # an optional feed of which no file ever came
SOURCES = "sources.json"  # in the run's folder: how the council's own sources stand
ABSENT = "absent"  # a feed of which the council says that it has none (extract/absent.py)
ROWS = ("rows_in_file", "rows_accepted", "rows_quarantined", "rows_duplicate")  # the first is the sum of the others
STATUSES = ("fresh", "stale", "refused", "missing", ABSENT, UNUSED)
PLACES = {  # where a feed's result may say that its files are; no sign that DuckDB takes for a pattern
    "landing_path": re.compile(rf"{LANDING}/[\w./-]+"),
    "typed_path": re.compile(rf"{TYPED}/[\w./-]+\.parquet"),
    "quarantine_path": re.compile(rf"{TYPED}/[\w./-]+\.parquet"),
}


@dataclass(frozen=True)
class Run:
    """A folder under SEND_HOME/runs. Steps find one another's results here, by name."""

    home: Path
    run_id: str
    as_at: date
    la_code: str

    @property
    def folder(self) -> Path:
        return self.home / RUNS / self.run_id

    @property
    def record(self) -> Path:
        """The path of the run's record: which run it is, and when it was begun."""
        return self.folder / RECORD

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse.duckdb"

    @property
    def unfinished(self) -> Path:
        """The path of a file that exists while the warehouse is built, and stays when that is killed or fails."""
        return self.folder / "unfinished"

    @property
    def progress(self) -> Path:
        """One JSON line for each thing done: step, feed, rows, wall, cpu and work seconds, peak memory."""
        return self.folder / "progress.jsonl"

    @property
    def out(self) -> Path:
        """The pack of the as-at date."""
        return self.home / OUT / self.as_at.isoformat()

    def feed_result(self, feed: str) -> Path:
        """The path of the result of one feed (`source.feed`)."""
        return self.folder / "feeds" / f"{feed.replace('.', '__')}.json"

    def issues(self, stage: str) -> Path:
        """The path of the issues that one stage found."""
        return self.folder / "issues" / f"{stage}.parquet"


def tidy(run_id: str) -> str:
    """A run's name as a folder name: Airflow's has colons and a plus."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", run_id)


def begin(settings: Settings) -> Run:
    """The new run, or the same run when it is begun twice."""
    run_id = tidy(settings.run_id or f"{settings.as_at}_{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    run = Run(settings.home, run_id, settings.as_at, settings.la_code)
    with files.locked(settings.home / Lock.RUNS):
        if found := read_record(run.record):
            as_at, la_code = found.get("as_at"), found.get("la_code")
            if (as_at, la_code) != (run.as_at.isoformat(), run.la_code):
                raise RunError(
                    f"Run {run_id} was begun for {as_at}, LA {la_code}, not for {run.as_at}, LA {run.la_code}. Use "
                    "another SEND_RUN_ID."
                )
            return run
        earlier = begun(settings.home)
        # After every other, also when the clock went back.
        begun_at = max([datetime.now(UTC), *(_begun_at(folder) + timedelta(microseconds=1) for folder in earlier[-1:])])
        _forget(settings.home, earlier[: max(0, len(earlier) - KEEP + 1)])
        about = {"run_id": run_id, "as_at": run.as_at, "la_code": run.la_code, "begun_at": begun_at.isoformat()}
        files.write_json(run.record, about)
    return run


def find(settings: Settings) -> Run:
    """The run named by SEND_RUN_ID, else the one begun last. Raises RunError when there is none."""
    names = [tidy(settings.run_id)] if settings.run_id else [folder.name for folder in begun(settings.home)]
    folder = settings.home / RUNS / (names[-1] if names else "")
    if not (folder / RECORD).exists():
        raise RunError(f"There is no run at {folder}. Begin one with `send-ready begin`.")
    return _run_of_folder(folder)


def whole(settings: Settings) -> list[Run]:
    """The runs whose warehouse is complete, the newest first."""
    found = []
    for folder in reversed(begun(settings.home)):
        with suppress(RunError):
            run = _run_of_folder(folder)
            if run.warehouse.exists() and not run.unfinished.exists():
                found.append(run)
    return found


def _run_of_folder(folder: Path) -> Run:
    """The run of a folder. Raises RunError."""
    found = read_record(folder / RECORD) or {}
    try:
        if found["run_id"] != folder.name:
            raise ValueError
        return Run(folder.parent.parent, folder.name, date.fromisoformat(found["as_at"]), found["la_code"])
    except (LookupError, TypeError, ValueError):
        raise RunError(
            f"{folder / RECORD} is damaged. Begin the run again with `send-ready begin`, or another one."
        ) from None


@dataclass
class Step:
    """The facts that a step adds to its line of progress. `work` leaves out start-up and imports."""

    name: str
    feed: str | None = None
    rows: int | None = None
    note: str | None = None
    work: float = 0.0
    details: dict[str, Any] = field(default_factory=dict)


@contextmanager
def step(run: Run, name: str, feed: str | None = None) -> Iterator[Step]:
    """Time a step's work and add a line to the run's progress, also when it fails.

    Raises RunError where the machine is behind an error, as with a full disk, in whichever words the work reports it.
    """
    try:
        with _timed(run, name, feed) as doing:
            yield doing
    except Exception as error:
        if told := machine.refused(error, run.home):
            raise RunError(told) from error
        raise


@contextmanager
def _timed(run: Run, name: str, feed: str | None) -> Iterator[Step]:
    doing = Step(name, feed)
    wall, cpu = time.perf_counter(), time.process_time()
    outcome = "failed"
    try:
        yield doing
        outcome = "done"
    finally:
        seconds = time.perf_counter() - wall
        usage = resource.getrusage(resource.RUSAGE_SELF)
        line = {
            "step": name,
            "feed": feed,
            "outcome": outcome,
            "rows": doing.rows,
            "note": doing.note,
            "wall_seconds": round(seconds, 3),
            "work_seconds": round(doing.work or seconds, 3),
            "cpu_seconds": round(time.process_time() - cpu, 3),
            "process_cpu_seconds": round(time.process_time(), 3),
            "peak_mb": round(usage.ru_maxrss / 1024, 1),
            **doing.details,
        }
        run.folder.mkdir(parents=True, exist_ok=True)
        with files.appended(run.progress) as log:
            log.write(json.dumps(line).encode() + b"\n")
        print(say(line), file=sys.stderr, flush=True)


def noted(line: bytes) -> dict[str, Any] | None:
    """A line of progress; None when it is unfinished, as a killed process leaves it."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and {"step", "feed", "outcome"} <= found.keys() else None


def say(line: dict[str, Any]) -> str:
    """A line of progress in words: step, feed, rows, seconds."""
    rows = f"{line['rows']:>10,} rows" if line["rows"] is not None else " " * 15
    what = f"{line['step']:<15} {line['feed'] or '':<28} {rows} {line['wall_seconds']:>7.1f} s"
    return what + (f"  {line['note']}" if line["note"] else "") + ("  FAILED" if line["outcome"] == "failed" else "")


def feed_result(run: Run, feed: str) -> dict[str, Any] | None:
    """The result of one feed (`source.feed`); None when its extract did not end, or the result is damaged."""
    return _placed(run, run.feed_result(feed))


def feed_results(run: Run) -> list[dict[str, Any]]:
    """The results of every feed of the run, in order of name, without optional feeds that the council does not use.

    Raises RunError when one is damaged.
    """
    results = []
    for path in sorted((run.folder / "feeds").glob("*.json")):
        found = _placed(run, path)
        if not found:
            feed = path.stem.replace("__", ".", 1)
            raise RunError(f"{path} is damaged. Run `send-ready extract {feed}`, and then this step again.")
        results.append(found)
    return [result for result in results if result["status"] != UNUSED]


def _placed(run: Run, path: Path) -> dict[str, Any] | None:
    """A feed's result with valid paths; None when its rows do not add up, as after damage.

    Raises RunError when files lie elsewhere.
    """
    found = read_record(path)
    if found and not all(map(_adds_up, (found, *found.get("files", ())))):
        return None
    for name, place in PLACES.items():
        if found and found.get(name) is not None:
            confined.below(run.home, found[name], path, place)
    return found


def _adds_up(counted: Any) -> bool:
    """Whether accepted, quarantined and duplicate rows add up to those read, or nothing was counted."""
    if not isinstance(counted, dict):
        return False
    held: list[Any] = [counted.get(name) for name in ROWS]
    if any(each is None for each in held):
        return True
    return all(type(each) is int and each >= 0 for each in held) and held[0] == sum(held[1:])


def read_record(path: Path) -> dict[str, Any] | None:
    """The contents of a JSON record; None when it is missing or damaged."""
    try:
        found = files.read_json(path)
    except (FileNotFoundError, ValueError, files.NoRegularFileError):
        return None
    return found if isinstance(found, dict) else None


def begun(home: Path) -> list[Path]:
    """The folders of all runs, oldest first."""
    folders = (record.parent for record in (home / RUNS).glob(f"[!.]*/{RECORD}"))
    return [folder for _, folder in sorted((_begun_at(folder), folder) for folder in folders)]


def _begun_at(folder: Path) -> datetime:
    """When a run was begun; when its record does not say so, the time of the record."""
    record = folder / RECORD
    try:
        return datetime.fromisoformat((read_record(record) or {})["begun_at"])
    except (KeyError, ValueError, TypeError):
        return datetime.fromtimestamp(record.stat().st_mtime, UTC)


def _forget(home: Path, old: list[Path]) -> None:
    """Remove the folders of old runs, and what an interrupted removal left. Of a link, the link is removed."""
    for folder in old:
        os.replace(folder, folder.with_name(f".{folder.name}.old"))
    for trash in (home / RUNS).glob(".*.old"):
        confined.remove_tree(trash)
