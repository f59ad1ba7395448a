"""`make run`: the real DAG, once, in this terminal, on embedded defaults.

This process only watches. Airflow runs in a child, with its own log, and each step in a child of that; what the
steps note in the run's progress is shown here as it comes.
"""

import fcntl
import json
import os
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
INTERRUPTED = 130


def run(settings: Settings) -> int:
    """Run the night for D. The exit status: 0 when this run made a pack, 130 when it was stopped, else 1."""
    os.umask(files.PRIVATE_UMASK)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    started = time.perf_counter()
    run_id = settings.run_id or f"{settings.as_at}_{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    settings = replace(settings, run_id=run_id)
    try:
        with _alone(settings.home):
            print(f"Annex A lists as at {settings.as_at}, LA {settings.la_code}, from {settings.inbox}")
            _fill_inbox(settings)
            this = runs.begin(settings)
            report = _through_airflow(settings, this)
            _close(this, report, time.perf_counter() - started)
            return _conclude(settings, this)
    except KeyboardInterrupt:
        print("\nStopped. Nothing half-made was published; start again with the same command.", flush=True)
        return INTERRUPTED


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One night at a time in one SEND_HOME. The lock goes with the process, however that ends."""
    home.mkdir(parents=True, exist_ok=True)
    with open(home / ".night.lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Another run is at work in {home}: waiting for it to end.", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fill_inbox(settings: Settings) -> None:
    """Write the sample council, but never into a folder that somebody named, nor for a real council."""
    if settings.inbox.exists() and any(settings.inbox.iterdir()):
        return
    if settings.inbox != settings.home / "inbox" or settings.la_code != SAMPLE_LA_CODE:
        print(f"The inbox {settings.inbox} is empty: the lists are made from what had landed before.")
        return
    from sample import council

    started = time.perf_counter()
    partial = settings.home / ".sample.partial"  # all of it or nothing, should this be stopped
    council.write(partial, as_at=settings.as_at, answer_key=settings.home / "sample" / "answer_key.csv")
    os.replace(partial, settings.inbox)
    seconds = time.perf_counter() - started
    print(f"The inbox was empty: wrote the exports of an invented council there in {seconds:.1f} s", flush=True)


def _through_airflow(settings: Settings, this: Run) -> dict[str, Any]:
    """Run the DAG in a child process and show the progress. The report of dag_once.py, empty if it wrote none."""
    report, log = this.folder / "airflow.json", this.folder / "airflow.log"
    report.unlink(missing_ok=True)
    env = airflow_home.environment(settings, "run") | {"SEND_RUN_ID": this.run_id, "AS_AT": this.as_at.isoformat()}
    command = [sys.executable, "-m", "send_ready.dag_once", this.as_at.isoformat(), str(report)]
    print(f"Starting Airflow, which logs to {log}", flush=True)
    lines = _lines(this.progress)
    with open(log, "wb") as output:
        # In a session of its own, so that Ctrl-C comes here first and everything is stopped in order.
        child = subprocess.Popen(
            command, cwd=PROJECT, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
        try:
            while child.poll() is None:
                _show(lines)
                time.sleep(LOOK_SECONDS)
        finally:
            _stop(child)
    _show(lines)
    return files.read_json(report) if report.exists() else {}


def _lines(progress: Path) -> Iterator[dict[str, Any] | None]:
    """The lines that are added to the progress from now on; None when there is no whole line to read."""
    position = progress.stat().st_size if progress.exists() else 0
    while True:
        if progress.exists():
            with open(progress, "rb") as file:
                file.seek(position)
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    position += len(line)
                    yield json.loads(line)
        yield None


def _show(lines: Iterator[dict[str, Any] | None]) -> None:
    while (line := next(lines)) is not None:
        print(runs.say(line), flush=True)


def _stop(child: subprocess.Popen[bytes]) -> None:
    """End the child and everything that it started; nothing is left when it ended by itself."""
    if child.poll() is not None:
        return
    import psutil

    family = [*psutil.Process(child.pid).children(recursive=True), psutil.Process(child.pid)]
    for process in family:
        process.terminate()
    for process in psutil.wait_procs(family, timeout=5)[1]:
        process.kill()
    child.wait()


def _close(this: Run, report: dict[str, Any], seconds: float) -> None:
    """Note where the time went: in the steps' work, in starting their programs, and in Airflow itself."""
    tasks = report.get("tasks", [])
    for task in tasks:
        if task["state"] in ("failed", "upstream_failed") and not task["task"].startswith("verdict."):
            print(f"{task['task']} {task['state'].replace('_', ' ')} after {task['tries']} tries: see {this.folder}/airflow.log")
    if not tasks:
        print(f"Airflow did not run the DAG: see {this.folder}/airflow.log")
    steps = [json.loads(line) for line in this.progress.read_text("utf-8").splitlines()] if this.progress.exists() else []
    work = sum(step["work_seconds"] for step in steps)
    processes = sum(task["seconds"] for task in tasks)
    line = {
        "step": "night",
        "feed": None,
        "outcome": report.get("state", "failed"),
        "rows": None,
        "note": f"work {work:.1f} s, starting its {len(tasks)} programs {processes - work:.1f} s, "
        f"Airflow itself {seconds - processes:.1f} s",
        "wall_seconds": round(seconds, 3),
        "work_seconds": round(work, 3),
        "start_seconds": round(processes - work, 3),
        "airflow_seconds": round(seconds - processes, 3),
    }
    with open(this.progress, "a", encoding="utf-8") as progress:
        progress.write(json.dumps(line) + "\n")
    print(runs.say(line), flush=True)


def _conclude(settings: Settings, this: Run) -> int:
    """The closing table, and the exit status: a pack of this run is what counts."""
    from publish.summary import summary

    manifest = this.out / "manifest.json"
    if not manifest.exists() or files.read_json(manifest).get("run_id") != this.run_id:
        print(f"No pack was made for {this.as_at}. What went wrong is in {this.folder}/airflow.log", flush=True)
        return 1
    print("\n" + summary(this, settings), flush=True)
    return 0
