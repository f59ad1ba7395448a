"""The day of an inspection, played on Airflow's real server with the real pipeline: call, approval, release.

This call, of a Monday long past, is late; one of today, in time, is in tests/security/test_roles.py.
Steps are forks; in test_drill each is a Python of its own, as for a council.
"""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import psutil
import pytest

from inspection.verify import verify
from send_ready import files
from tests import steps, waiting
from tests.steps import SEND_READY

PROJECT = Path(__file__).resolve().parents[2]
COUNCIL = PROJECT / "tests" / "golden" / "council" / "2026-11-16"
AS_AT = "2026-11-16"
LONDON = ZoneInfo("Europe/London")
USERS = {"amina": "op", "raj": "op", "admin": "admin"}
PASSWORD = "four words that differ"
DAG = "/api/v2/dags/annex_a_request"


class Server:
    """`make airflow` in a folder of its own, and its API."""

    def __init__(self, folder: Path, program: Path) -> None:
        self.home, self.port = folder / "home", free_port()
        passwords = folder / "passwords.json"
        passwords.write_text(json.dumps({user: f"{user}'s own" for user in USERS}))
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o600)
        users = ",".join(f"{user}:{role}" for user, role in USERS.items())
        self.log = folder / "airflow.log"
        self.environment = {
            key: value for key, value in os.environ.items() if not key.startswith(("SEND_", "AIRFLOW", "AS_AT"))
        } | {
            "SEND_HOME": str(self.home),
            "SEND_INBOX": str(COUNCIL),
            "SEND_COMMAND": str(program),
            "SEND_APPROVERS": "amina,raj",
            "SEND_RELEASE_PASSWORD_FILE": str(folder / "password"),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": users,
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.tokens: dict[str, str] = {}

    def start(self) -> None:
        command = [SEND_READY, "airflow", str(self.port)]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, cwd=PROJECT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        self.until("the server answers", self._answers)
        self.until("the DAG is read", lambda: self.ask("PATCH", DAG, {"is_paused": False}).status_code == 200)

    def kill(self) -> None:
        """As a power cut would."""
        assert self.process
        family = [*psutil.Process(self.process.pid).children(recursive=True), psutil.Process(self.process.pid)]
        for process in family:
            process.send_signal(signal.SIGKILL)
        psutil.wait_procs(family, timeout=60)
        self.process.wait()
        with open(self.log, "a", encoding="utf-8") as log:
            log.write(f"{waiting.KILLED}\n")

    def ask(self, method: str, path: str, body: Any = None, user: str = "admin") -> httpx.Response:
        base = f"http://127.0.0.1:{self.port}"
        if user not in self.tokens:
            given = {"username": user, "password": f"{user}'s own"}
            self.tokens[user] = httpx.post(f"{base}/auth/token", json=given, timeout=120).json()["access_token"]
        headers = {"Authorization": f"Bearer {self.tokens[user]}"}
        return httpx.request(method, base + path, json=body, headers=headers, timeout=120)

    def call(self, **conf: Any) -> str:
        """The call comes: trigger the DAG. Gives the run."""
        made = self.ask("POST", f"{DAG}/dagRuns", {"logical_date": None, "conf": {"as_at": AS_AT, **conf}})
        assert made.status_code == 200, made.text
        return str(made.json()["dag_run_id"])

    def states(self, run_id: str) -> dict[str, str]:
        found = self.ask("GET", f"{DAG}/dagRuns/{run_id}/taskInstances?limit=100").json()["task_instances"]
        return {task["task_id"]: task["state"] for task in found}

    def question(self, run_id: str) -> dict[str, Any]:
        """What the approver is shown, once the run waits for one."""
        self.until(
            f"{run_id} waits for a person",
            lambda: self.states(run_id)["approve"] == "awaiting_input",
            lambda: "failed" in self.states(run_id).values(),
        )
        found: dict[str, Any] = self.ask("GET", self._hitl(run_id)).json()
        return found

    def answer(self, run_id: str, user: str, option: str, comment: str = "") -> httpx.Response:
        """What the API says. Asked once more, as a person would, when Airflow's SQLite was locked for too long."""
        waiting.until_let_go(self.log, run_id)
        body, before = {"chosen_options": [option], "params_input": {"comment": comment}}, self.log.stat().st_size
        answered = self.ask("PATCH", self._hitl(run_id), body, user)
        if answered.status_code == 500 and b"database is locked" in self.log.read_bytes()[before:]:
            answered = self.ask("PATCH", self._hitl(run_id), body, user)
        return answered

    def ended(self, run_id: str) -> str:
        state: list[str] = []

        def has_ended() -> bool:
            state[:] = [self.ask("GET", f"{DAG}/dagRuns/{run_id}").json()["state"]]
            return state[0] in ("success", "failed")

        self.until(f"{run_id} has ended", has_ended)
        return state[0]

    def until(self, what: str, true: Callable[[], bool], hopeless: Callable[[], bool] = lambda: False) -> None:
        def is_so() -> bool:
            assert not hopeless(), f"{what}: never. {self.log.read_text()[-4000:]}"
            return true()

        waiting.until(what, is_so, self.log, pause=0.5)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/api/v2/monitor/health").status_code == 200
        except httpx.TransportError:
            return False

    def _hitl(self, run_id: str) -> str:
        return f"{DAG}/dagRuns/{run_id}/taskInstances/approve/-1/hitlDetails"


def free_port() -> int:
    """A port that is free, as are the two that follow it in airflow_home."""
    for port in range(18_000, 19_000, 7):
        try:
            for each in (port, port + 713, port + 714):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", each))
        except OSError:
            continue
        return port
    raise AssertionError("no free port")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with steps.program() as program:
        server = Server(tmp_path_factory.mktemp("inspection"), program)
        server.start()
        yield server
        server.kill()


def folder(server: Server, notified_on: str, kind: str = "full_inspection") -> Path:
    return server.home / "out" / "inspections" / f"{notified_on}_{kind}"


def test_a_late_day_with_a_rejection_a_restart_and_two_people(server: Server) -> None:
    kind, notified_on = "monitoring_inspection", "2026-10-12"
    call = folder(server, notified_on, kind)
    first = server.call(notified_on=notified_on, kind=kind, unique_ids=["S-001"])
    server.until("the alarm is written", lambda: (call / "alerts.jsonl").exists())
    shown = server.question(first)
    brief = (call / "v1" / "brief.md").read_text()
    assert shown["body"].strip() == brief.strip()
    assert not (call / "released").exists()

    # A rejection needs a reason: without one, the question comes again.
    assert server.answer(first, "raj", "Reject").status_code == 200
    server.until("the question comes again", lambda: server.question(first)["response_received"] is False)
    assert server.answer(first, "raj", "Reject", "List 2 lacks two schools").status_code == 200
    assert server.ended(first) == "failed"
    assert server.states(first)["rejected"] == "failed"
    assert not (call / "released").exists()

    # The next version waits while everything is killed and started again; then one of two people is first.
    second = server.call(notified_on=notified_on, kind=kind)
    server.question(second)
    server.kill()
    server.start()
    server.question(second)
    assert server.answer(second, "amina", "Approve", "Checked").status_code == 200
    assert server.answer(second, "raj", "Reject", "No").status_code == 409
    assert server.ended(second) == "success"

    assert {path.name for path in (call / "released").iterdir()} == {"v2"}
    receipt = files.read_json(call / "released" / "v2" / "receipt.json")
    assert (receipt["decision"]["by"], receipt["decision"]["comment"]) == ("amina", "Checked")
    assert receipt["is_late"] is True
    assert receipt["late_by_seconds"] > 30 * 86_400
    alerts = [json.loads(line) for line in (call / "alerts.jsonl").read_text().splitlines()]
    assert "missed" in {alert["level"] for alert in alerts}
    assert "annex_a_person_level_lists_encrypted.xlsx" in receipt["to_send"]
    log = [json.loads(line) for line in (call.parent / "release_log.jsonl").read_text().splitlines()]
    assert [(line["decision"]["by"], line["decision"]["option"]) for line in log] == [
        ("raj", "Reject"),
        ("amina", "Approve"),
    ]
    assert verify(call.parent) == []


def test_a_call_of_tomorrow_fails_at_once_and_says_why(server: Server) -> None:
    tomorrow = (datetime.now(LONDON) + timedelta(days=1)).date().isoformat()
    run = server.call(notified_on=tomorrow)
    assert server.ended(run) == "failed"
    states = server.states(run)
    assert states["request"] == "failed"
    assert {state for task, state in states.items() if task not in ("request", "rejected")} <= {
        "upstream_failed",
        "skipped",
    }
    logged = server.ask("GET", f"{DAG}/dagRuns/{run}/taskInstances/request/logs/1?full_content=true").text
    assert "that day has not come yet" in logged
    assert not folder(server, tomorrow).exists()
