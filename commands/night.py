"""`make run`: the nightly load, once, in this terminal."""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from commands import play_dag
from commands.play_dag import Played
from send_ready import confined, files, runs
from send_ready.home import ANSWER_KEY, INBOX, LANDING, SAMPLE_PARTIAL, Lock
from send_ready.runs import Run
from send_ready.settings import SAMPLE_LA_CODE, Settings

NO_PACK, STOPPED = 1, 130


def run(settings: Settings) -> int:
    """Run the night for D. The exit status: 0 when this run made a pack, 130 when it was stopped, else 1."""
    stoppable()
    try:
        with one_at_a_time(settings.home):
            print(f"Annex A lists as at {settings.as_at}, LA {settings.la_code}, from {settings.inbox}", flush=True)
            fill_inbox(settings)
            this = runs.begin(settings)
            day = this.as_at.isoformat()
            _tell_times(this, play_dag.play(settings, this, "send_nightly", {"as_at": day}, ["begin"]))
            return _conclude(settings, this)
    except KeyboardInterrupt:
        print("\nStopped. Nothing half-made is published; the same command starts again.", flush=True)
        return STOPPED


def stoppable() -> None:
    """Ctrl-C and a polite kill stop in order, also where a shell in the background set Ctrl-C to be ignored."""
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.default_int_handler)


@contextmanager
def one_at_a_time(home: Path) -> Iterator[None]:
    """One at a time at a prompt of one SEND_HOME: they share an Airflow."""
    busy = f"Another run is at work in {home}: waiting for it to end."
    with files.locked(home / Lock.NIGHT, lambda: print(busy, flush=True)):
        yield


def fill_inbox(settings: Settings) -> None:
    """Write the sample council where nothing is, but never into a folder that somebody named, nor for a real council.

    A folder that somebody named may lie on a drive that does not answer, so it is not even looked at here: `begin`
    does, and tells. Where exports have landed, as in a restored SEND_HOME, another council is not to join them.
    """
    if settings.inbox != settings.home / INBOX or settings.la_code != SAMPLE_LA_CODE:
        return
    if any((settings.home / LANDING).glob("*")) or settings.inbox.is_symlink():
        return
    if settings.inbox.exists() and any(settings.inbox.iterdir()):
        return
    from sample import council

    started = time.perf_counter()
    partial = settings.home / SAMPLE_PARTIAL  # all of it or nothing, should this be stopped
    confined.remove_tree(partial)  # of another day, perhaps
    council.write(partial, as_at=settings.as_at, answer_key=settings.home / ANSWER_KEY, has_last_return=True)
    os.replace(partial, settings.inbox)
    seconds = time.perf_counter() - started
    print(f"The inbox was empty: wrote the exports of an invented council there in {seconds:.1f} s", flush=True)


def _tell_times(this: Run, played: Played) -> None:
    """Add where the time went to the progress: the steps' work, starting their programs, Airflow itself.

    Steps that work side by side come to more than the time that passes.
    """
    work = sum(step["work_seconds"] for step in played.steps)
    programs = max(work, sum(task["seconds"] for task in played.tasks))  # none are known of an Airflow that broke down
    starting, airflow = programs - work, max(played.seconds - programs, 0.0)
    line = {
        "step": "night",
        "feed": None,
        "outcome": "done",
        "rows": None,
        "note": f"{work:.1f} s of work, {starting:.1f} s to start programs, {airflow:.1f} s of Airflow",
        "wall_seconds": round(played.seconds, 3),
        "work_seconds": round(work, 3),
        "start_seconds": round(starting, 3),
        "airflow_seconds": round(airflow, 3),
    }
    with files.appended(this.progress) as progress:
        progress.write(json.dumps(line).encode() + b"\n")
    print(runs.say(line), flush=True)


def _conclude(settings: Settings, this: Run) -> int:
    """The closing table, and the exit status: what counts is a pack of this very run."""
    from publish.summary import made, summary

    print("\n" + summary(this, settings), flush=True)
    return 0 if made(this) else NO_PACK
