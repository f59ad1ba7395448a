"""Airflow's database is lost, broken, locked or stopped while a night runs: no step's work is lost, nothing hangs."""

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from send_ready import dag_once, night, settings
from send_ready.settings import Settings

# The pipeline of these nights: each step says that it was done, and `build` does something to the database as well.
STAND_IN = """#!{python}
import json, os, subprocess, sys
step, run = sys.argv[1], os.environ["SEND_HOME"] + "/runs/" + os.environ["SEND_RUN_ID"]
os.makedirs(run, exist_ok=True)
done = dict(step=step, feed=os.environ.get("SEND_FEED"), outcome="done", rows=7, note=None, wall_seconds=0.1)
with open(run + "/progress.jsonl", "a") as progress:
    progress.write(json.dumps(done | dict(work_seconds=0.1)) + "\\n")
if step == "build" and os.path.exists({folder!r} + "/meddle.py"):
    subprocess.run([sys.executable, {folder!r} + "/meddle.py"], check=True, stdout=subprocess.DEVNULL)
if step == "publish":
    out = os.environ["SEND_HOME"] + "/out/" + os.environ["AS_AT"]
    os.makedirs(out, exist_ok=True)
    with open(out + "/manifest.json", "w") as manifest:
        json.dump(dict(run_id=os.environ["SEND_RUN_ID"]), manifest)
"""

LOCK = """
import os, sqlite3, subprocess, sys, time
if len(sys.argv) == 1:  # a child of its own keeps the lock: the step goes on, and so does the night
    held = subprocess.Popen([sys.executable, __file__, "hold"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                            start_new_session=True)
    assert held.stdout.readline() == b"locked\\n"
else:
    lock = sqlite3.connect({database!r}, timeout=60)
    lock.execute("BEGIN EXCLUSIVE")
    print("locked", flush=True)
    give_up = time.monotonic() + 30
    while os.path.exists(__file__) and time.monotonic() < give_up:
        time.sleep(0.1)
"""


@dataclass
class Prompt:
    """Somebody at a prompt, and the SQLite that `make run` keeps for itself."""

    given: Settings
    folder: Path
    capsys: pytest.CaptureFixture[str]

    @property
    def database(self) -> Path:
        return self.given.home / "airflow" / "run" / "airflow.db"

    def run(self, run_id: str, meddle: str = "") -> tuple[int, str]:
        script = self.folder / "meddle.py"
        script.write_text(meddle)
        try:
            return night.run(replace(self.given, run_id=run_id)), self.capsys.readouterr().out
        finally:
            script.unlink()


def stand_in(folder: Path) -> Path:
    program = folder / "stand-in"
    program.write_text(STAND_IN.format(python=sys.executable, folder=str(folder)))
    program.chmod(0o700)
    return program


@pytest.fixture
def prompt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Prompt]:
    monkeypatch.setenv("SEND_COMMAND", str(stand_in(tmp_path)))
    monkeypatch.setattr("publish.summary.summary", lambda run, _: f"What came of {run.run_id}")
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "capita_one_students_20261116.csv").write_text("Student ID\n")
    umask, handlers = os.umask(0o077), [(each, signal.getsignal(each)) for each in (signal.SIGTERM, signal.SIGINT)]
    given = {"SEND_HOME": str(tmp_path / "home"), "SEND_INBOX": str(inbox), "SEND_LA_CODE": "888"}
    yield Prompt(settings.load(given | {"AS_AT": "2026-11-16"}), tmp_path, capsys)
    os.umask(umask)
    for each, handler in handlers:
        signal.signal(each, handler)


def test_the_database_of_make_run_is_lost_locked_and_broken(prompt: Prompt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dag_once, "LOST_SECONDS", 4)
    status, said = prompt.run("lost", f"import os; os.unlink({str(prompt.database)!r})")
    assert status == 0, said

    prompt.database.write_bytes(b"rubbish" * 5000)
    status, said = prompt.run("locked", LOCK.format(database=str(prompt.database)))
    assert status == 1, said
    assert "Airflow did not run the DAG to its end. " in said and "database is locked" in said
    assert "What steps had done is kept. Mend that, and start again." in said
    assert "build " in said and "What came of locked" in said

    status, said = prompt.run("after")
    assert status == 0 and "What came of after" in said
