"""Airflow's database is lost, broken, locked or stopped while a night runs: no step's work is lost, nothing hangs."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from commands import airflow_home, night, play_dag
from inspection import watch
from inspection.alerts import send
from send_ready import settings
from send_ready.settings import Settings
from tests import servers
from tests.end_to_end.test_inspection_day import free_port
from tests.golden.pipeline import FEEDS
from tests.waiting import until

AIRFLOW = [str(Path(sys.executable).with_name("airflow"))]

# The pipeline of these nights: each step says that it was done, and `build` does something to the database as well.
STAND_IN = """#!{python} -IS
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
    give_up = time.monotonic() + 300
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


def test_the_database_of_make_run_is_broken_locked_and_lost(prompt: Prompt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(play_dag, "LOST_SECONDS", 4)
    prompt.database.parent.mkdir(parents=True, mode=0o700)
    prompt.database.with_name("migrated").write_text(version("apache-airflow"))
    prompt.database.write_bytes(b"rubbish" * 5000)
    status, said = prompt.run("locked", LOCK.format(database=str(prompt.database)))
    assert status == 1, said
    assert "Airflow did not run the DAG to its end. " in said and "database is locked" in said
    assert "What steps had done is kept. Mend that, and start again." in said
    assert "build " in said and "What came of locked" in said

    status, said = prompt.run("lost", f"import os; os.unlink({str(prompt.database)!r})")
    assert status == 0 and "What came of lost" in said, said


# A team server, on PostgreSQL

OUTAGE = 6.0  # seconds
STOP = """
import os, time
open({folder!r} + "/building", "a").close()
while not os.path.exists({folder!r} + "/go on"):
    time.sleep(0.1)
"""


class Team:
    """Airflow's services on a PostgreSQL, each started again when it ends, as docker-compose.yml has it."""

    def __init__(self, given: Settings, database: str, program: Path) -> None:
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.log = given.home / "team.log"
        self.environment = airflow_home.environment(given, "server") | {
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database.replace("postgresql:", "postgresql+psycopg2:", 1),
            # For the triggerer, which nights do without: its driver (asyncpg) is in Airflow's image, and not here.
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": f"sqlite+aiosqlite:///{given.home}/none.db",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.base}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__SECRET_KEY": "of the tests",
            "AIRFLOW__API_AUTH__JWT_SECRET": "of the tests, and longer than it would otherwise have to be, by far",
            "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
            "SEND_COMMAND": str(program),
        }
        self._stopping = threading.Event()
        self._keepers: list[threading.Thread] = []

    def __enter__(self) -> "Team":
        subprocess.run([*AIRFLOW, "db", "migrate"], env=self.environment, check=True, capture_output=True)
        for service in (["api-server"], ["dag-processor"], ["scheduler", "--skip-serve-logs"]):
            self._keepers.append(threading.Thread(target=self._keep, args=(service,)))
            self._keepers[-1].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for keeper in self._keepers:
            keeper.join()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer of Airflow's API; nothing while it has none."""
        try:
            token = httpx.get(f"{self.base}/auth/token", timeout=60).json()["access_token"]
            headers = {"Authorization": f"Bearer {token}"}
            found = httpx.request(method, f"{self.base}/api/v2/{path}", json=body, headers=headers, timeout=60)
            return found.json() if found.is_success else None
        except (httpx.HTTPError, ValueError, KeyError):
            return None

    def ended(self, runs: str) -> str | None:
        """How the one run of a DAG ended; None while it has not."""
        found = (self.ask("GET", runs) or {"dag_runs": []})["dag_runs"]
        return next((run["state"] for run in found if run["state"] in ("success", "failed")), None)

    def until(self, what: str, true: Callable[[], Any]) -> Any:
        return until(what, true, self.log, pause=0.3)

    def _keep(self, service: list[str]) -> None:
        with open(self.log, "ab") as log:
            while not self._stopping.is_set():
                process = subprocess.Popen(
                    [*AIRFLOW, *service], env=self.environment, cwd=self.log.parent, stdout=log, stderr=log
                )
                while process.poll() is None and not self._stopping.wait(0.2):
                    pass
                _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
        for each in family:
            each.kill()
    process.wait()


def test_the_database_of_the_team_server_stops_while_a_night_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    given = settings.load({"SEND_HOME": str(home), "SEND_LA_CODE": "888", "AS_AT": "2026-11-16"})
    (tmp_path / "meddle.py").write_text(STOP.format(folder=str(tmp_path)))
    monkeypatch.setattr(watch, "SECOND_LOOK", 0.5)
    with servers.server() as postgres:
        url = postgres.url(postgres.database())
        watched = replace(given, airflow_database=url)
        with Team(given, url, stand_in(tmp_path)) as team:
            dag = "dags/send_nightly"
            team.until("the DAG is switched on", lambda: team.ask("PATCH", dag, {"is_paused": False}))
            team.until("build begins", (tmp_path / "building").exists)

            postgres.stop("immediate")
            watch.watch_round(watched, settings.now())
            (told,) = send.latest_lines(send.common_record(home))
            assert told["title"] == "Airflow cannot be reached"
            (tmp_path / "go on").touch()  # so that the step ends while nobody can be told
            time.sleep(OUTAGE)
            postgres.start()

            ended = team.until("the night ends", lambda: team.ended(f"{dag}/dagRuns"))
        watch.watch_round(watched, settings.now())
    assert len(send.latest_lines(send.common_record(home))) == 1
    assert ended == "success"
    [folder] = (home / "runs").iterdir()
    done = [json.loads(line)["step"] for line in (folder / "progress.jsonl").read_text().splitlines()]
    once = ("begin", "validate-feeds", "validate-lists", "publish", "serve", "summary")
    assert done.count("extract") == len(FEEDS) and [done.count(step) for step in once] == [1] * len(once)
    assert done.count("build") in (1, 2)  # tried again where Airflow never heard how it ended
