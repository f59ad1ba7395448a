"""`make run`: the real DAG, once, in this terminal, on embedded defaults.

This process only watches. Airflow runs in a child, with its own log, and each step in a child of that; what the
steps note in the run's progress is shown here as it comes.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from send_ready import airflow_home, files, runs
from send_ready.runs import Run
from send_ready.settings import PROJECT, SAMPLE_LA_CODE, Settings

LOOK_SECONDS = 0.1  # how often the progress is read
NO_PACK, STOPPED = 1, 130


def run(settings: Settings) -> int:
    """Run the night for D. The exit status: 0 when this run made a pack, 130 when it was stopped, else 1."""
    os.umask(files.PRIVATE_UMASK)
    for stop in (signal.SIGINT, signal.SIGTERM):  # also where a shell in the background set Ctrl-C to be ignored
        signal.signal(stop, signal.default_int_handler)
    run_id = settings.run_id or f"{settings.as_at}_{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    settings = replace(settings, run_id=run_id)
    try:
        with _alone(settings.home):
            print(f"Annex A lists as at {settings.as_at}, LA {settings.la_code}, from {settings.inbox}", flush=True)
            _fill_inbox(settings)
            started = time.perf_counter()
            this = runs.begin(settings)
            tasks, steps = _through_airflow(settings, this)
            _tell_failures(this, tasks)
            _tell_times(this, tasks, steps, time.perf_counter() - started)
            return _conclude(settings, this)
    except KeyboardInterrupt:
        print("\nStopped. Nothing half-made is published; the same command starts again.", flush=True)
        return STOPPED


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One night at a time in one SEND_HOME."""
    busy = f"Another run is at work in {home}: waiting for it to end."
    with files.locked(home / "locks" / "night", lambda: print(busy, flush=True)):
        yield


def _fill_inbox(settings: Settings) -> None:
    """Write the sample council, but never into a folder that somebody named, nor for a real council."""
    if settings.inbox.exists() and any(settings.inbox.iterdir()):
        return
    if settings.inbox != settings.home / "inbox" or settings.la_code != SAMPLE_LA_CODE:
        print(f"The inbox {settings.inbox} is empty: the lists are made from what had landed before.", flush=True)
        return
    from sample import council

    started = time.perf_counter()
    partial = settings.home / ".sample.partial"  # all of it or nothing, should this be stopped
    council.write(partial, as_at=settings.as_at, answer_key=settings.home / "answer_key.csv")
    os.replace(partial, settings.inbox)
    seconds = time.perf_counter() - started
    print(f"The inbox was empty: wrote the exports of an invented council there in {seconds:.1f} s", flush=True)


def _through_airflow(settings: Settings, this: Run) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Run the DAG in a child process and show the progress. What became of the tasks, and the steps' own lines."""
    report, log = this.folder / "airflow.json", this.folder / "airflow.log"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "send_ready.dag_once", this.as_at.isoformat(), str(report)]
    env = airflow_home.environment(settings, "run") | {"SEND_RUN_ID": this.run_id}
    print(f"Starting Airflow, which logs to {log}", flush=True)
    coming, steps = _lines(this.progress), []
    with open(log, "wb") as output:
        # In a session of its own, so that Ctrl-C comes here first and everything is stopped in order.
        child = subprocess.Popen(command, cwd=PROJECT, env=env, stdout=output, stderr=output, start_new_session=True)
        try:
            while child.poll() is None:
                steps += _show(coming)
                time.sleep(LOOK_SECONDS)
        finally:
            _stop(child)
    steps += _show(coming)
    return files.read_json(report)["tasks"] if report.exists() else [], steps


def _lines(progress: Path) -> Iterator[dict[str, Any] | None]:
    """The lines that are added to the progress from now on; None each time that there is no whole line more."""
    progress.touch()
    with open(progress, "rb") as file:
        place = file.seek(0, os.SEEK_END)
        while True:
            line = file.readline()
            if line.endswith(b"\n"):
                place = file.tell()
                yield json.loads(line)
            else:
                file.seek(place)
                yield None


def _show(coming: Iterator[dict[str, Any] | None]) -> list[dict[str, Any]]:
    shown = []
    while (line := next(coming)) is not None:
        print(runs.say(line), flush=True)
        shown.append(line)
    return shown


def _stop(child: subprocess.Popen[bytes]) -> None:
    """End the child, and what it started, if it has not ended by itself."""
    if child.poll() is not None:
        return
    import psutil  # type: ignore[import-untyped]

    airflow = psutil.Process(child.pid)
    family = [*airflow.children(recursive=True), airflow]
    for process in family:
        process.terminate()
    for process in psutil.wait_procs(family, timeout=5)[1]:
        process.kill()
    child.wait()


def _tell_failures(this: Run, tasks: list[dict[str, Any]]) -> None:
    """Name what failed, with what its program said last. Verdicts are in the closing table."""
    log = this.folder / "airflow.log"
    text = log.read_text("utf-8", errors="replace")
    if not tasks:
        print(f"Airflow did not run the DAG. {text.strip().rpartition(chr(10))[2]}\nThe whole story: {log}", flush=True)
    for task in tasks:
        if task["state"] == "failed" and not task["task"].startswith("verdict."):
            print(f"{task['task']} failed {task['tries']} times. {_last_words(text, task['task'])}", flush=True)
            print(f"The whole story: {log}", flush=True)
    if skipped := [task["task"] for task in tasks if task["state"] == "upstream_failed"]:
        print(f"For that reason these did not run: {', '.join(skipped)}", flush=True)


def _last_words(log: str, task: str) -> str:
    last_try = log.rpartition(f"starting task_id={task} ")[2].partition("Command exited with return code")[0]
    said = re.findall(r"^\S+ \[\w+ *\] (.*?) *\[airflow\.task\.hooks\.", last_try, re.MULTILINE)
    return said[-1] if said else ""


def _tell_times(this: Run, tasks: list[dict[str, Any]], steps: list[dict[str, Any]], seconds: float) -> None:
    """Add where the time went to the progress: the steps' work, starting their programs, Airflow itself."""
    work = sum(step["work_seconds"] for step in steps)
    programs = sum(task["seconds"] for task in tasks)
    starting, airflow = programs - work, seconds - programs
    line = {
        "step": "night",
        "feed": None,
        "outcome": "done",
        "rows": None,
        "note": f"{work:.1f} s of work, {starting:.1f} s to start programs, {airflow:.1f} s of Airflow",
        "wall_seconds": round(seconds, 3),
        "work_seconds": round(work, 3),
        "start_seconds": round(starting, 3),
        "airflow_seconds": round(airflow, 3),
    }
    with open(this.progress, "a", encoding="utf-8") as progress:
        progress.write(json.dumps(line) + "\n")
    print(runs.say(line), flush=True)


def _conclude(settings: Settings, this: Run) -> int:
    """The closing table, and the exit status: what counts is a pack of this very run."""
    from publish.summary import summary

    print("\n" + summary(this, settings), flush=True)
    manifest = this.out / "manifest.json"
    return 0 if manifest.exists() and files.read_json(manifest)["run_id"] == this.run_id else NO_PACK
