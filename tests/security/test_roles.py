"""Every role of Airflow's two sign-ins against every request of its API that could forge a release or show a child.

Airflow, its sign-in and the steps that ask, decide and release are real; what lies between the call and the frozen
version is not: a stand-in freezes a version of one child. One server for each sign-in, and one call for each outcome.
"""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import httpx
import psutil
import pytest

from commands import airflow_home
from inspection.verify import verify, version_hash
from send_ready import files, settings
from tests import steps, waiting
from tests.steps import SEND_READY

PROJECT = Path(__file__).resolve().parents[2]
DAG = "/api/v2/dags/annex_a_request"
SIGN_INS = ("simple", "fab")
# Whoever may release has the least role that can answer; nobody else may, however much else they can do.
ROLES = {"vera": "viewer", "uma": "user", "olive": "op", "ada": "admin", "amina": "user"}
APPROVER, OTHERS = "amina", ("vera", "uma", "olive", "ada")
FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
CHILD, TYPED = "Zebedee Quillfeather", "S-TRACKED-4711"  # in the lists; and a Unique ID, typed into the form
BRIEF = "**Full inspection**. To release: **version 1** of the lists: 1 child.\n"
LISTS = "annex_a_person_level_lists.xlsx"
LONDON = ZoneInfo("Europe/London")
REAL = ("request", "question", "release")
STAND_IN = """#!{python} -ES
import os, sys
if sys.argv[1] in {real!r}:
    os.execv({program!r}, [{program!r}, *sys.argv[1:]])
if sys.argv[1] == "freeze":
    os.chdir({project!r})
    os.execv({python!r}, [{python!r}, "-m", "tests.security.freeze_one", {child!r}, {brief!r}])
"""
USERS_OF_FAB = """
import json, sys
from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
with get_application_builder() as builder:
    for name, role in json.loads(sys.argv[1]).items():
        mail, its = name + "@council.example", builder.sm.find_role(role)
        assert builder.sm.add_user(name, name, "Test", mail, its, name + "'s own"), name
"""


@dataclass
class Server:
    """An Airflow with one of the two sign-ins, in a SEND_HOME of its own."""

    sign_in: str
    folder: Path
    program: Path
    port: int = 0
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def log(self) -> Path:
        return self.folder / "airflow.log"

    @property
    def released(self) -> Path:
        return self.home / "out" / "inspections" / "release_log.jsonl"

    def start(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        (self.folder / "inbox").mkdir(parents=True)
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("SEND_", "AIRFLOW", "AS_AT"))}
        env = kept | {
            "SEND_HOME": str(self.home),
            "SEND_INBOX": str(self.folder / "inbox"),
            "SEND_COMMAND": str(self.program),
            "SEND_APPROVERS": APPROVER,
        }
        if self.sign_in == "fab":
            self._start_fab(env)
        else:
            passwords = self.folder / "passwords.json"
            passwords.write_text(json.dumps({user: f"{user}'s own" for user in ROLES}))
            users = "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_"
            env[f"{users}USERS"] = ",".join(f"{user}:{role}" for user, role in ROLES.items())
            env[f"{users}PASSWORDS_FILE"] = str(passwords)
            self._begin([SEND_READY, "airflow", str(self.port)], env)
        waiting.until("the server answers", self._answers, self.log, pause=0.5)
        waiting.until("the DAG is read", self._is_read, self.log, pause=0.5)

    def _start_fab(self, env: dict[str, str]) -> None:
        """As docker-compose.yml has it, on SQLite."""
        given = settings.load(env)
        address = f"http://127.0.0.1:{self.port}"
        keys = ("AIRFLOW__API__SECRET_KEY", "AIRFLOW__API_AUTH__JWT_SECRET")
        env = airflow_home.environment(given, "server") | {
            **{key: value for key, value in env.items() if key.startswith("SEND_")},
            **{key: secrets.token_hex(32) for key in keys},
            "AIRFLOW__CORE__AUTH_MANAGER": FAB,
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__BASE_URL": address,
        }
        of_page = {airflow_home.DATABASE: env[airflow_home.DATABASE] + airflow_home.PATIENCE_OF_PAGE}
        env[airflow_home.DATABASE] += airflow_home.PATIENCE
        airflow = str(Path(sys.executable).with_name("airflow"))
        roles = json.dumps({user: role.title() for user, role in ROLES.items()})
        for command in ([airflow, "db", "migrate"], [sys.executable, "-c", USERS_OF_FAB, roles]):
            done = subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
        self._begin([airflow, "api-server", "--host", "127.0.0.1", "--port", str(self.port)], env | of_page)
        self._begin([airflow, "scheduler", "--skip-serve-logs"], env)
        self._begin([airflow, "dag-processor"], env)

    def _begin(self, command: list[str], env: dict[str, str]) -> None:
        with open(self.log, "ab") as log:
            self.processes.append(
                subprocess.Popen(command, cwd=PROJECT, env=env, stdout=log, stderr=log, start_new_session=True)
            )

    def stop(self) -> None:
        family = [each for process in self.processes for each in _family(process.pid)]
        for each in family:
            each.send_signal(signal.SIGKILL)
        psutil.wait_procs(family, timeout=60)
        for process in self.processes:
            process.wait()

    def ask(self, user: str, method: str, path: str, body: Any = None) -> httpx.Response:
        base = f"http://127.0.0.1:{self.port}"
        if user not in self.tokens:
            given = {"username": user, "password": f"{user}'s own"}
            self.tokens[user] = httpx.post(f"{base}/auth/token", json=given, timeout=120).json()["access_token"]
        headers = {"Authorization": f"Bearer {self.tokens[user]}"}
        return httpx.request(method, base + path, json=body, headers=headers, timeout=120)

    def trigger(self, notified_on: str, **more: Any) -> str:
        """A call of the inspectors, whose exports count as read: that is another test."""
        conf = {"notified_on": notified_on, "as_at": "2026-11-16", "unique_ids": [TYPED]}
        made = self.ask("uma", "POST", f"{DAG}/dagRuns", {"logical_date": None, "conf": conf, **more})
        assert made.status_code == 200, made.text
        run_id = str(made.json()["dag_run_id"])
        path = f"{DAG}/dagRuns/{quote(run_id)}/taskGroupInstances/read"
        self.until(
            "its exports count as read", lambda: self.ask("uma", "PATCH", path, {"new_state": "success"}).is_success
        )
        return run_id

    def state(self, run_id: str, task: str) -> str:
        return str(self.ask("ada", "GET", f"{DAG}/dagRuns/{quote(run_id)}/taskInstances/{task}").json()["state"])

    def until(self, what: str, true: Callable[[], bool]) -> None:
        try:
            waiting.until(what, true, self.log, pause=0.5)
        except AssertionError as hung:
            path = f"{DAG}/dagRuns/~/taskInstances?limit=1000"
            tasks = self.ask("ada", "GET", path).json()["task_instances"]
            keys = ("dag_run_id", "task_id", "state", "try_number", "start_date", "end_date", "pid")
            states = "\n".join(str([each[key] for key in keys]) for each in tasks if each["state"])
            raise AssertionError(f"{hung}\n{states}") from hung

    def until_asked(self, run_id: str) -> None:
        self.until(f"{run_id} waits for a person", lambda: self.state(run_id, "approve") == "awaiting_input")

    def said(self, run_id: str, task: str, try_number: int = 1) -> str:
        path = f"{DAG}/dagRuns/{quote(run_id)}/taskInstances/{task}/logs/{try_number}?full_content=true"
        return self.ask("ada", "GET", path).text

    def answer(self, user: str, run_id: str) -> httpx.Response:
        path = f"{DAG}/dagRuns/{quote(run_id)}/taskInstances/approve/-1/hitlDetails"
        return self.ask(user, "PATCH", path, {"chosen_options": ["Approve"], "params_input": {"comment": "Checked"}})

    def _answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/api/v2/monitor/health").status_code == 200
        except httpx.TransportError:
            return False

    def _is_read(self) -> bool:
        return self.ask("ada", "PATCH", DAG, {"is_paused": False}).status_code == 200


def _family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [*process.children(recursive=True), process]


@pytest.fixture(scope="module", params=SIGN_INS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp(request.param)
    with steps.program() as program:
        stand_in = folder / "send-ready"
        about = {"program": str(program), "project": str(PROJECT), "child": CHILD, "brief": BRIEF}
        stand_in.write_text(STAND_IN.format(python=sys.executable, real=REAL, **about))
        stand_in.chmod(0o700)
        made = Server(request.param, folder, stand_in)
        try:
            made.start()
            yield made
        finally:
            made.stop()


@dataclass(frozen=True)
class Try:
    """One request: what it is for, and the users whom Airflow lets do it. Nobody else is let, which is checked."""

    what: str
    method: str
    path: str  # below the run, or from the root with a slash
    body: Any = None
    may: tuple[str, ...] = ()


DAY = datetime.now(LONDON).date().isoformat()
FORGED = {
    "chosen_options": ["Approve"],
    "params_input": {"comment": "I saw them all"},
    "responded_at": "2026-11-16T09:00:00+00:00",
    "responded_by_user": {"id": APPROVER, "name": APPROVER},
}
EDITORS = ("uma", "olive", "ada")
OPERATORS = ("olive", "ada")  # whom both sign-ins let write XComs; the simple one lets every editor
XCOM = "taskInstances/{task}/xcomEntries"


def tries(user: str, lists: Path, ti_id: str) -> list[Try]:
    """What somebody may try on a call that waits for its approver, none of which ends its waiting."""
    forged = {"map_index": -1, "value": FORGED}
    path = {"map_index": -1, "value": str(lists)}
    approve, freeze = XCOM.format(task="approve"), XCOM.format(task="freeze")
    key = f"return_value_{user}"
    event = {"chosen_options": ["Approve"], "params_input": {"comment": "Mine"}}
    setting = {"key": "SEND_APPROVERS", "value": user}
    connection = {"connection_id": f"send_alerts_{user}", "conn_type": "http", "host": "elsewhere.invalid"}
    account = {
        "username": f"{APPROVER} {user}",
        "email": f"{user}@elsewhere.example",
        "password": f"{APPROVER}'s own",
        "first_name": APPROVER,
        "last_name": "Test",
        "roles": [{"name": "Op"}],
    }
    return [
        Try("an answer of somebody else's", "PATCH", "taskInstances/approve/-1/hitlDetails", event),
        Try("the XCom of approve", "POST", approve, {"key": "return_value", **forged}),
        Try("the XCom of approve, changed", "PATCH", f"{approve}/return_value", forged, EDITORS),
        Try("another XCom of approve", "POST", approve, {"key": key, **forged}, EDITORS),
        Try("the XCom of freeze", "POST", freeze, {"key": "return_value", **path}),
        Try("the XCom of freeze, changed", "PATCH", f"{freeze}/return_value", path, EDITORS),
        Try("another XCom of freeze", "POST", freeze, {"key": key, **path}, EDITORS),
        Try("that XCom, removed", "DELETE", f"{freeze}/{key}", None, EDITORS),
        Try("a variable of the setting's name", "POST", "/api/v2/variables", setting),
        Try("the setting, changed", "PATCH", "/api/v2/variables/SEND_APPROVERS", setting, ("olive", "ada")),
        Try("a connection", "POST", "/api/v2/connections", connection, ("olive", "ada")),
        Try("the run's note", "PATCH", "", {"note": f"approved by {APPROVER}"}, EDITORS),
        Try("the run's parameters", "PATCH", "", {"conf": {"notified_on": "2025-01-06"}}),
        Try("an account of the approver's name", "POST", "/auth/fab/v1/users", account, ("ada",)),
        Try(
            "the approver's password", "PATCH", f"/auth/fab/v1/users/{APPROVER}?update_mask=password", account, ("ada",)
        ),
        # What tasks use, on the same address: no person's sign-in is good there.
        Try("the answer, as a task", "PATCH", f"/execution/hitlDetails/{ti_id}", {"ti_id": ti_id, **event}),
        Try("the question, as a task", "POST", f"/execution/hitlDetails/{ti_id}", {"ti_id": ti_id, "subject": "Hello"}),
        Try("an XCom, as a task", "POST", "/execution/xcoms/annex_a_request/x/approve/return_value", FORGED),
    ]


SHOWN = (
    "",
    "taskInstances?limit=100",
    "taskInstances/approve",
    "taskInstances/request",
    "taskInstances/freeze",
    "taskInstances/approve/-1/hitlDetails",
    "hitlDetails",
    "taskInstances/~/xcomEntries?limit=100",
    "taskInstances/approve/xcomEntries/return_value",
    "taskInstances/freeze/xcomEntries/return_value",
    "taskInstances/request/logs/1?full_content=true",
    "taskInstances/freeze/logs/1?full_content=true",
    "taskInstances/approve/logs/1?full_content=true",
    "taskInstances/release/logs/1?full_content=true",
    "/api/v2/variables",
    "/api/v2/connections",
    "/api/v2/config",
    "/api/v2/eventLogs?limit=100",
    "/api/v2/dagSources/annex_a_request",
    "/ui/grid/runs/annex_a_request",
)


def at(server: Server, run_id: str, path: str) -> str:
    return path if path.startswith("/") else f"{DAG}/dagRuns/{quote(run_id)}{'/' if path else ''}{path}"


def decided(server: Server) -> list[dict[str, Any]]:
    return [json.loads(line) for line in server.released.read_text().splitlines()] if server.released.exists() else []


def call(server: Server, day: str) -> Path:
    return server.home / "out" / "inspections" / f"{day}_full_inspection"


@pytest.fixture(scope="module")
def waiting_run(server: Server) -> str:
    run_id = server.trigger(DAY)
    server.until_asked(run_id)
    return run_id


def test_a_call_that_waits_is_released_by_its_approver_alone(server: Server, waiting_run: str) -> None:
    """All that all roles can try while a call waits, then its approver's answer, then all of it once more."""
    version = call(server, DAY) / "v1"
    shown = server.ask("vera", "GET", at(server, waiting_run, "taskInstances/approve/-1/hitlDetails")).json()
    assert shown["body"] == BRIEF
    assert [each["name"] for each in shown["assigned_users"]] == [APPROVER]
    assert version_hash(version) in json.dumps(shown["params"])

    def everybody_tries() -> None:
        for user in OTHERS:
            ti_id = server.ask(user, "GET", at(server, waiting_run, "taskInstances/approve")).json()["id"]
            for one in tries(user, version / LISTS, ti_id):
                done = server.ask(user, one.method, at(server, waiting_run, one.path), one.body)
                told = f"{server.sign_in}: {one.what} by {user}: {done.status_code} {done.text[:300]}"
                print(told)
                assert done.status_code < 500, told
                if one.may and user not in one.may:
                    no = (404, 405) if "/fab/" in one.path and server.sign_in == "simple" else (403,)
                    assert done.status_code in no, told
                if one.what.startswith("another") and user in OPERATORS:
                    assert done.is_success or done.status_code == 409, told  # it is there: the attack is a real one

    everybody_tries()
    assert server.state(waiting_run, "approve") == "awaiting_input"
    assert not server.released.exists() and not (version.parent / "released").exists()
    for user in OTHERS:
        assert server.answer(user, waiting_run).status_code == 403

    waiting.until_let_go(server.log, waiting_run)
    assert server.answer(APPROVER, waiting_run).status_code == 200
    server.until("it is released", lambda: server.state(waiting_run, "released") == "success")
    (line,) = decided(server)
    told = line["decision"]
    assert (told["by"], told["option"], told["comment"], told["source"]) == (APPROVER, "Approve", "Checked", "Airflow")
    assert told["user_id"] == next(each["id"] for each in shown["assigned_users"])
    assert told["version_sha256"] == version_hash(version) and told["airflow_run_id"] == waiting_run
    assert told["brief_sha256"] == files.sha256(version / "brief.md")
    record = server.ask("vera", "GET", at(server, waiting_run, "taskInstances/approve/-1/hitlDetails")).json()
    responded = datetime.fromisoformat(record["responded_at"]).replace(microsecond=0)
    assert datetime.fromisoformat(told["at"]) == responded

    receipt = files.read_json(version.parent / "released" / "v1" / "receipt.json")
    assert receipt["is_late"] is False
    assert not (version.parent / "alerts.jsonl").exists()

    before = server.released.read_bytes()
    everybody_tries()
    again = {"dry_run": False, "only_failed": False, "dag_run_id": waiting_run, "task_ids": ["release"]}
    assert server.ask("uma", "POST", f"{DAG}/clearTaskInstances", again).is_success
    server.until("release ran again", lambda: server.state(waiting_run, "release") == "success")
    assert server.released.read_bytes() == before
    assert verify(server.home / "out" / "inspections") == []


def test_nobody_sees_a_child(server: Server, waiting_run: str) -> None:
    """In what is rendered, handed on, logged or asked; of the parameters that somebody typed, the run alone tells."""
    for user in OTHERS:
        for path in SHOWN:
            seen = server.ask(user, "GET", at(server, waiting_run, path))
            assert seen.status_code < 500, (user, path, seen.text[:300])
            assert "Quillfeather" not in seen.text, (user, path)
            if "/" in path and not path.startswith("/api/v2/eventLogs"):
                assert TYPED not in seen.text.replace(json.dumps({"unique_ids": [TYPED]}), ""), (user, path)
        tasks = server.ask(user, "GET", at(server, waiting_run, "taskInstances?limit=100")).json()["task_instances"]
        assert TYPED not in json.dumps([each["rendered_fields"] for each in tasks]), user
    assert not [path for path in server.home.rglob("*.log") if b"Quillfeather" in path.read_bytes()]


def test_what_is_marked_by_hand_is_not_released(server: Server, waiting_run: str) -> None:
    """A forged answer, and `approve` marked as done by whoever may edit it: nobody has approved."""
    day = "2026-11-09"
    run_id = server.trigger(day)
    server.until_asked(run_id)
    before = decided(server)
    xcom = {"key": "return_value", "map_index": -1, "value": FORGED}
    done = {"new_state": "success", "include_downstream": False}
    let = []
    for user in OTHERS:
        posted = server.ask(user, "POST", at(server, run_id, XCOM.format(task="approve")), xcom)
        marked = server.ask(user, "PATCH", at(server, run_id, "taskInstances/approve"), done)
        let.append((user, posted.is_success, marked.is_success))
    assert let[0] == ("vera", False, False)
    assert any(posted for _, posted, _ in let) and any(marked for _, _, marked in let), let
    ended = ("up_for_retry", "failed")
    server.until("release has failed", lambda: server.state(run_id, "release") in ended)
    why = "Nobody has approved version 1"
    server.until("its log says why", lambda: why in server.said(run_id, "release"))

    for user in OTHERS:
        server.ask(user, "PATCH", at(server, run_id, "taskInstances/release"), {"new_state": "success"})
        server.ask(user, "PATCH", at(server, run_id, ""), {"state": "success"})
    assert decided(server) == before
    assert not (call(server, day) / "released").exists()


def test_a_run_that_comes_back_under_its_name_is_not_another_call(server: Server, waiting_run: str) -> None:
    """Deleted, and triggered for another day under the same ID, which leads to the version that was frozen before."""
    before = decided(server)
    deleted = server.ask("ada", "DELETE", at(server, waiting_run, ""))
    assert deleted.is_success, deleted.text
    run_id = server.trigger("2026-11-02", dag_run_id=waiting_run)
    assert run_id == waiting_run
    server.until("it is refused", lambda: server.state(run_id, "request") in ("up_for_retry", "failed"))
    why = "is not begun again for 2026-11-02_full_inspection"
    server.until("its log says why", lambda: why in server.said(run_id, "request"))
    assert decided(server) == before
