"""One DAG, once, in this terminal, on embedded defaults: for `make run` and `make drill`.

`play` only watches. Airflow runs in a child, with its own log; what the steps note in the run's progress is shown as it
comes. The child is this module's `main`. Another child imports what steps need while Airflow starts, and forks each
step that Airflow asks for: fork_server.py.

usage: python -m commands.play_dag DAG CONF REPORT     CONF is the run's configuration in JSON
"""

import gc
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

import psutil  # type: ignore[import-untyped]

from commands import airflow_home, program
from send_ready import disk, files, runs
from send_ready.runs import Run
from send_ready.settings import PROJECT, Settings

LOOK_SECONDS = 0.1  # how often the progress is read
# What Airflow says each second, and for ever, when its database did not take what came of a task: locked, or no room.
LOST, LOST_SECONDS = b"No tasks to run. unrunnable tasks", 30
PLAYED_BY = "PLAYED_BY"  # in the environment of all that is started here: whose it is
NO_PARENT = 1  # exit status of the child, which nobody reads
DAGS = PROJECT / "dags"  # each in a file of its name
PERSON = "approve"  # the task that waits for one: nobody is there to ask


@dataclass(frozen=True)
class Played:
    """What came of one run of a DAG."""

    tasks: list[dict[str, Any]]  # in order of their start: task, state, tries, seconds; none when Airflow did not start
    steps: list[dict[str, Any]]  # the lines of progress of this time
    seconds: float

    def state(self, task_id: str) -> str:
        """How a task ended; empty when it was never reached."""
        return next((str(task["state"]) for task in self.tasks if task["task"] == task_id), "")


def play(
    settings: Settings, this: Run, dag_id: str, conf: dict[str, Any], first: Sequence[str], **needed: str
) -> Played:
    """Run the DAG in a child process, show its progress, and name what failed.

    `first` is the step that waits for no other, with its arguments, and `needed` what its task finds in the
    environment: it is begun while Airflow starts, and what comes after it.
    """
    started = time.perf_counter()
    report, log = this.folder / "airflow.json", this.folder / runs.AIRFLOW_LOG
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "commands.play_dag", dag_id, json.dumps(conf), str(report)]
    of_run = {"AS_AT": this.as_at.isoformat(), "SEND_RUN_ID": this.run_id, PLAYED_BY: str(os.getpid())}
    only = {"AIRFLOW__CORE__DAGS_FOLDER": str(_file_of(dag_id))}  # the others would be read, and kept, for nothing
    env = airflow_home.environment(settings, "run") | of_run | only
    print(f"Starting Airflow, which logs to {log}", flush=True)
    coming, steps = _lines(this.progress), []
    with open(log, "wb") as output, open(log, "rb") as said, _fork_server(env | needed, first, output) as of_server:
        child = _child(command, env | of_server, output)
        try:
            lost = 0
            while child.poll() is None and lost < LOST_SECONDS:
                steps += _show(coming)
                for line in said:
                    lost = lost + 1 if LOST in line else 0
                time.sleep(LOOK_SECONDS)
        finally:
            _stop(child)
    steps += _show(coming)
    tasks = files.read_json(report)["tasks"] if report.exists() else []
    _tell_failures(log, tasks)
    return Played(tasks, steps, time.perf_counter() - started)


@contextmanager
def _fork_server(env: dict[str, str], first: Sequence[str], output: BinaryIO) -> Iterator[dict[str, str]]:
    """A fork server as long as the block lasts, and what tells steps of it.

    None where somebody named another program for the steps. Where there is no room for its sockets, or it does not
    start, each step does without.
    """
    if "SEND_COMMAND" in env:
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="send_ready_", ignore_cleanup_errors=True) as folder:
        child = _child([sys.executable, "-m", "commands.fork_server", folder, *first], env, output)
        try:
            yield {program.SERVER: folder}
        finally:
            _stop(child)


def _child(command: list[str], env: dict[str, str], output: BinaryIO) -> subprocess.Popen[bytes]:
    """A process in a session of its own, so that Ctrl-C comes to this one first and everything is stopped in order."""
    stdin = subprocess.PIPE  # closed when this process ends, however it ends
    return subprocess.Popen(
        command, cwd=PROJECT, env=env, stdin=stdin, stdout=output, stderr=output, start_new_session=True
    )


def main(dag_id: str, conf: dict[str, Any], report: Path) -> None:
    """The child: runs the DAG; the report says how each task ended and how long it took."""
    gc.disable()  # what is imported stays, and looking for what could go takes a seventh of the start
    import httpx
    from airflow.api_fastapi.execution_api.versions import bundle
    from airflow.configuration import get_airflow_home
    from airflow.dag_processing.dagbag import BundleDagBag
    from airflow.sdk.execution_time.supervisor import in_process_api_server

    threading.Thread(target=_end_with_parent, daemon=True).start()
    _migrate(Path(get_airflow_home()))
    bag = BundleDagBag(_file_of(dag_id), bundle_path=DAGS, bundle_name="dags-folder")
    if bag.import_errors:
        raise SystemExit("\n".join(bag.import_errors.values()))
    dag = bag.dags[dag_id]
    dag.deadline = None  # dag.test of Airflow 3.3.2 breaks with one; whoever started this is watching anyway
    for task in dag.tasks:
        task.retry_delay = timedelta(seconds=1)  # somebody is waiting at a prompt
    # What tasks talk to takes a while to answer for the first time: here, so that no step is charged for it. It would
    # make an interface for each of its ten versions. Tasks here speak the newest, which needs the one before it.
    bundle.versions = bundle.versions[:2]
    httpx.Client(transport=in_process_api_server().transport, base_url="http://in-process").get("/health")
    gc.freeze()
    gc.enable()
    done = _tasks_of_unused(report.parent, psutil.Process().create_time())
    run = dag.test(run_conf=conf, mark_success_pattern="|".join([PERSON, *done]))
    tasks = sorted(run.get_task_instances(), key=lambda task: (task.start_date is None, task.start_date))
    files.write_json(
        report,
        {
            "state": run.state,
            "tasks": [
                {
                    "task": task.task_id,
                    "state": task.state,
                    "tries": task.try_number,
                    "seconds": round(task.duration or 0.0, 3),
                }
                for task in tasks
            ],
        },
    )


def _tasks_of_unused(folder: Path, began: float) -> Iterator[str]:
    """Tasks of the feeds that this run has found to be without a file, which a council may do without: all they have to
    do is done, and their verdict is green. So a feed that nobody uses costs a night next to nothing.
    """
    for path in (folder / "feeds").glob("*.json"):
        if path.stat().st_mtime >= began and (runs.read_record(path) or {}).get("status") == runs.UNUSED:
            yield from (re.escape(f"{group}.{path.stem}") for group in ("read", "verdict"))


def _file_of(dag_id: str) -> Path:
    return DAGS / f"{dag_id}.py"


def _end_with_parent() -> None:
    """Wait until whoever plays this is gone, and end with it, so that the next to play meets nobody at work."""
    os.read(sys.stdin.fileno(), 1)
    for step in psutil.Process().children(recursive=True):
        step.kill()
    os._exit(NO_PARENT)


def _migrate(home: Path) -> None:
    """Make Airflow's SQLite, once for each version of Airflow, and anew when it is damaged or half made.

    Nothing in it is missed: it says how earlier runs of this one DAG went, as their folders do.
    """
    stamp, database = home / "migrated", home / "airflow.db"
    wanted = version("apache-airflow")
    if stamp.exists() and stamp.read_text() == wanted and _is_sound(database):
        return
    from airflow.utils.db import initdb

    for left_over in home.glob(f"{database.name}*"):
        left_over.unlink()
    initdb()
    files.write_bytes(stamp, wanted.encode())


def _is_sound(database: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=rw", uri=True)) as con:
            con.execute("SELECT version_num FROM alembic_version")
            return bool(con.execute("PRAGMA quick_check").fetchone() == ("ok",))
    except sqlite3.DatabaseError:
        return False


def _lines(progress: Path) -> Iterator[dict[str, Any] | None]:
    """The lines that are added to the progress from now on; None each time that there is no whole line more."""
    progress.touch()
    with open(progress, "rb") as file:
        place = file.seek(0, os.SEEK_END)
        while True:
            line = file.readline()
            if line.endswith(b"\n"):
                place = file.tell()
                if step := runs.noted(line):
                    yield step
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
    """End the child, if it has not ended by itself, and what it started: steps outlive an Airflow that was killed."""
    family = list(_family())
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    for process in psutil.wait_procs(family, timeout=5)[1]:
        process.kill()
    child.wait()


def _family() -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(PLAYED_BY) == str(os.getpid()):
                yield process


def _tell_failures(log: Path, tasks: list[dict[str, Any]]) -> None:
    """Name what failed, with what its program said last. Verdicts are in the closing table."""
    text = log.read_text("utf-8", errors="replace")
    if not tasks:
        before = text.partition(LOST.decode())[0]
        errors = re.findall(r"^[\w.]+(?:Error|Exception): .+$", before, re.MULTILINE) or before.splitlines()[-1:]
        why = disk.now(log.parent) or "".join(errors[-1:])
        print(f"Airflow did not run the DAG to its end. {why}", flush=True)
        print(f"What steps had done is kept. Mend that, and start again. The whole story: {log}", flush=True)
    for task in tasks:
        if task["state"] == "failed" and not task["task"].startswith("verdict."):
            print(f"{task['task']} failed {task['tries']} times. {_last_words(text, task['task'])}", flush=True)
            print(f"The whole story: {log}", flush=True)
    if skipped := [task["task"] for task in tasks if task["state"] == "upstream_failed"]:
        print(f"For that reason these did not run: {', '.join(skipped)}", flush=True)


def _last_words(log: str, task: str) -> str:
    last_try, _, ended = log.rpartition(f"starting task_id={task} ")[2].partition("Command exited with return code")
    if killed := re.match(r" -(\d+)", ended):
        return f"Signal {killed[1]} ended it: somebody killed it, or the system did when memory ran out. Run again."
    said = re.findall(r"^\S+ \[\w+ *\] (.*?) *\[airflow\.task\.hooks\.", last_try, re.MULTILINE)
    return said[-1] if said else ""


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]), Path(sys.argv[3]))
