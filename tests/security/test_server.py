"""`make airflow`, started as it is: who can reach it, who can sign in, and what a form can make it do."""

import json
import os
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest

from tests.steps import SEND_READY
from tests.waiting import until

PROJECT = Path(__file__).resolve().parents[2]
LOOPBACK = {"127.0.0.1", "::1"}
HOSTILE = [
    "$(touch pwned)",
    "`touch pwned`",
    "'; touch pwned; '",
    '"; touch pwned; "',
    "{{ 7 * 7 }}",
    "../../pwned",
    "=1+1",
]


SECRETS = {
    "SEND_PUBLISH_URL": "postgresql://send_loader:s3cret-publish@127.0.0.1:1/send",
    "SEND_ALERT_URL": "json://bot:s3cret-alert@127.0.0.1:1/s3cret-token "
    "mailto://bot:s3cret-mail@127.0.0.1:1?from=a@b.example&to=c@d.example",
}


@dataclass
class Server:
    """An Airflow of the test's own, in a SEND_HOME of its own."""

    home: Path
    process: psutil.Process
    url: str
    token: str = ""

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {self.token}"} if self.token else {}
        )
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def listening(self) -> set[str]:
        """Addresses on which any of its processes listens."""
        family = [self.process, *self.process.children(recursive=True)]
        return {
            each.laddr.ip
            for process in family
            for each in process.net_connections()
            if each.status == psutil.CONN_LISTEN
        }


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "inbox").mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SEND_", "AIRFLOW"))}
    env = (
        kept | SECRETS | {"SEND_HOME": str(folder / "home"), "SEND_INBOX": str(folder / "inbox"), "SEND_LA_CODE": "999"}
    )
    with open(folder / "said", "wb") as said:
        command = [SEND_READY, "airflow", str(port)]
        child = subprocess.Popen(command, cwd=PROJECT, env=env, stdout=said, stderr=said, umask=0o000)
    found = Server(folder / "home", psutil.Process(child.pid), f"http://127.0.0.1:{port}")
    try:
        until("the server is up", lambda: _is_up(found), folder / "said", pause=0.3)
        yield found
    finally:
        family = [*found.process.children(recursive=True), found.process]
        for process in family:
            process.terminate()
        for process in psutil.wait_procs(family, timeout=60)[1]:
            process.kill()
        child.wait()


def _is_up(server: Server) -> bool:
    try:
        status, health = server.ask("GET", "/api/v2/monitor/health")
    except OSError:
        return False
    parts = ("metadatabase", "scheduler", "triggerer", "dag_processor")
    return status == 200 and all(health[part]["status"] == "healthy" for part in parts)


def test_it_can_be_reached_from_this_machine_only(server: Server) -> None:
    assert server.listening() <= LOOPBACK
    assert "127.0.0.1" in server.listening()


def test_nobody_signs_in_without_the_password_that_was_made_for_this_server(server: Server) -> None:
    assert server.ask("GET", "/api/v2/dags")[0] == 401
    assert server.ask("GET", "/auth/token")[0] != 201
    for password in ("admin", "airflow", "password", "", "send"):
        assert server.ask("POST", "/auth/token", {"username": "admin", "password": password})[0] in (400, 401, 422)
    assert len(_password(server)) >= 16


def test_a_form_starts_nothing_but_steps(server: Server) -> None:
    """What somebody types arrives in the step as it is: as text, whatever a shell or a template would make of it."""
    status, answer = server.ask("POST", "/auth/token", {"username": "admin", "password": _password(server)})
    assert status == 201
    server.token = answer["access_token"]
    said = server.home.parent / "said"
    until("the DAG is read", lambda: server.ask("GET", "/api/v2/dags/annex_a_request")[0] == 200, said, pause=0.3)
    runs = "/api/v2/dags/annex_a_request/dagRuns"
    for wrong in ({"kind": HOSTILE[0]}, {"notified_on": HOSTILE[1]}, {"as_at": "2026-11-16$(touch pwned)"}):
        conf = {"notified_on": "2025-11-17", "kind": "full_inspection"} | wrong
        assert server.ask("POST", runs, {"logical_date": None, "conf": conf})[0] in (400, 422), wrong
    assert server.ask("PATCH", "/api/v2/dags/annex_a_request", {"is_paused": False})[0] == 200
    conf = {"notified_on": "2025-11-17", "unique_ids": HOSTILE, "seed": HOSTILE[0], "as_at": "2026-11-16"}
    for name in ("../../$(touch pwned)", "$(touch pwned)", "{{ 7 * 7 }}"):
        assert server.ask("POST", runs, {"logical_date": None, "conf": conf, "dag_run_id": name})[0] in (400, 422)
    status, run = server.ask("POST", runs, {"logical_date": None, "conf": conf})
    assert status == 200, run
    record = server.home / "out" / "inspections" / "2025-11-17_full_inspection" / "request.json"
    until("the request is recorded", record.exists, said, pause=0.3)
    (version,) = json.loads(record.read_text())["versions"]
    assert (version["unique_ids"], version["seed"]) == (HOSTILE, HOSTILE[0])
    task = f"{runs}/{quote(run['dag_run_id'])}/taskInstances/request"
    until("the task has ended", lambda: "'state': 'success'" in str(server.ask("GET", task)[1]), said, pause=0.3)
    assert "Version 1 of" in json.dumps(server.ask("GET", f"{task}/logs/1")[1])  # read as a file: nothing serves it
    assert not [
        place for place in (PROJECT, server.home, server.home.parent, Path("/tmp")) if (place / "pwned").exists()
    ]


def test_only_their_owner_can_read_its_files(server: Server) -> None:
    """The password, the keys of the session and the logs of the steps among them."""
    found = [path for path in server.home.rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o077]
    assert [str(path.relative_to(server.home)) for path in found] == []
    names = {path.name for path in server.home.rglob("*")}
    assert {"airflow.cfg", "airflow.db", "simple_auth_manager_passwords.json.generated"} <= names
    assert any(path.suffix == ".log" for path in server.home.rglob("*"))


def test_no_secret_is_written_down(server: Server) -> None:
    for path in (path for path in server.home.parent.rglob("*") if path.is_file()):
        assert b"s3cret" not in path.read_bytes(), path.relative_to(server.home.parent)


def _password(server: Server) -> str:
    (path,) = server.home.rglob("simple_auth_manager_passwords.json.generated")
    return str(json.loads(path.read_text())["admin"])
