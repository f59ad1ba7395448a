"""The fork server of `make run`: a step that it forks says and ends as one that starts by itself, whatever happens."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from commands import fork_server, program
from sample import council
from send_ready import files, runs
from send_ready.settings import PROJECT
from tests.faults.house import DAY
from tests.golden.pipeline import FEEDS
from tests.steps import SEND_READY
from tests.waiting import HANG, until

FIRST, SECOND, *_ = FEEDS


@dataclass(frozen=True)
class Served:
    """A SEND_HOME with a run that was begun, and a fork server."""

    environment: dict[str, str]
    server: psutil.Process

    @property
    def home(self) -> Path:
        return Path(self.environment["SEND_HOME"])

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        """A step as a task of Airflow starts it."""
        return subprocess.Popen(
            [SEND_READY, *arguments], cwd=PROJECT, env=self.environment | more, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def run(self, *arguments: str, **more: str) -> tuple[int, str]:
        """The exit status of a step, and what it said."""
        step = self.start(*arguments, **more)
        said, _ = step.communicate(timeout=HANG)
        return step.returncode, said

    def begin(self) -> None:
        """Begin the run; every feed is read then, and one of them is told."""
        assert self.run("begin")[0] == 0
        until("all feeds were read", lambda: self.read() == FEEDS)
        assert self.run("extract", FIRST)[0] == 0

    def waiting(self, feed: str) -> psutil.Process:
        """The step that waits for the lock of a feed, as soon as there is one."""
        lock = str(self.home / "locks" / feed.replace(".", "__"))

        def found() -> list[psutil.Process]:
            at_work = []
            for child in self.server.children():
                with suppress(psutil.Error):
                    at_work += [child for file in child.open_files() if file.path == lock]
            return at_work

        return until("a step waits", found)[0]

    def read(self) -> list[str]:
        """The feeds that were read; one twice that was read again."""
        return sorted(feed for step, feed in self.done() if step == "extract")

    def done(self) -> list[tuple[str, str]]:
        """What the steps of the run noted as done, and of which feed or list."""
        progress = self.home / "runs" / self.environment["SEND_RUN_ID"] / "progress.jsonl"
        lines = map(json.loads, progress.read_text().splitlines() if progress.exists() else ())
        return [(line["step"], line["feed"]) for line in lines if line["outcome"] == "done"]


@contextmanager
def serving(folder: Path, *first: str) -> Iterator[Served]:
    """A fork server that begins one step by itself, or none, and an inbox with a small council's exports."""
    council.write(folder / "inbox", as_at=DAY, plans=60, sen_support=100, seed=5, answer_key=folder / "key.csv")
    sockets = folder / "sockets"
    sockets.mkdir(0o700)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SEND_", "AIRFLOW", "AS_AT"))}
    given = {"SEND_HOME": folder / "home", "SEND_INBOX": folder / "inbox", "AS_AT": DAY, "SEND_RUN_ID": "one"}
    environment = kept | {key: str(value) for key, value in given.items()} | {program.SERVER: str(sockets)}
    command = [sys.executable, "-m", "commands.fork_server", str(sockets), *first]
    with subprocess.Popen(command, cwd=PROJECT, env=environment, stdin=subprocess.PIPE) as server:
        until("the server listens", (sockets / program.LIGHT).exists)
        process = psutil.Process(server.pid)
        yield Served(environment, process)
        at_work = process.children(recursive=True) if server.poll() is None else []
        assert server.stdin
        server.stdin.close()
    assert psutil.wait_procs(at_work, HANG)[1] == [], "what it forked ends with it"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served")) as found:
        yield found


@pytest.fixture
def served(server: Served, request: pytest.FixtureRequest) -> Served:
    """A run of the test's own."""
    found = Served(server.environment | {"SEND_RUN_ID": runs.tidy(request.node.name)}, server.server)
    found.begin()
    return found


@contextmanager
def held(served: Served, feed: str) -> Iterator[None]:
    """Whoever reads this feed waits, as long as the block lasts."""
    with files.locked(served.home / "locks" / feed.replace(".", "__")):
        yield


def test_a_forked_step_says_and_ends_as_one_by_itself(served: Served) -> None:
    for arguments, status in (
        (("verdict", FIRST), 0),
        (("verdict", "no.feed"), 2),
        (("chosen-day", "2026-11-17"), 99),
        (("chosen-day", ""), 0),
        *((("verdict", "--nonsense"), 2), (("validate-feeds", "--nonsense"), 2), (("build", "--nonsense"), 2)),
    ):
        forked = served.run(*arguments)
        assert forked == served.run(*arguments, **{program.SERVER: ""})
        assert forked[0] == status, (arguments, forked)


def test_a_step_that_is_killed_ends_its_task_in_the_same_way(served: Served) -> None:
    with held(served, FIRST):
        step = served.start("extract", FIRST)
        served.waiting(FIRST).kill()
        step.communicate(timeout=HANG)
    assert step.returncode == -signal.SIGKILL
    assert served.run("extract", FIRST)[0] == 0


def test_a_step_ends_with_the_task_that_started_it(served: Served) -> None:
    with held(served, FIRST):
        step = served.start("extract", FIRST)
        forked = served.waiting(FIRST)
        step.terminate()
        step.communicate(timeout=HANG)
        assert step.returncode == -signal.SIGTERM
        assert psutil.wait_procs([forked], HANG)[1] == []


def test_without_the_server_a_step_starts_by_itself(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        served.begin()
        with held(served, FIRST):
            step = served.start("extract", FIRST)
            forked = served.waiting(FIRST)
            served.server.kill()
            said, _ = step.communicate(timeout=HANG)
            assert psutil.wait_procs([forked], HANG)[1] == []
        assert step.returncode == 1
        assert said == "The process that steps are forked from has ended. The next try does without it.\n"
        status, said = served.run("extract", FIRST)
        assert status == 0 and "fresh" in said


def test_what_the_dag_lets_begin_is_begun_and_told_when_its_task_comes(served: Served) -> None:
    status, said = served.run("extract", SECOND)
    assert status == 0 and said.startswith(f"extract         {SECOND} ")
    assert served.read() == FEEDS, "the first try takes what there is"

    status, said = served.run("extract", SECOND)
    assert status == 0 and said.startswith(f"extract         {SECOND} ")
    assert served.read() == sorted([*FEEDS, SECOND]), "the second does it again"


def test_a_run_is_carried_on_to_its_lists_and_anew_from_what_is_done_again(tmp_path: Path) -> None:
    with serving(tmp_path, "begin") as served:
        lists = ("validate-lists", "List 2")
        until("the rules on the lists have run", lambda: lists in served.done())
        assert served.run("extract", FIRST)[0] == 0
        for step in ("validate-feeds", "build"):
            assert served.run(step)[0] == 0
        done = served.done()
        assert served.read() == FEEDS and len(done) == len(set(done)), "the first try takes what there is"

        assert served.run("extract", FIRST)[0] == 0
        assert served.run("validate-lists")[0] == 0
        assert served.done().count(lists) == 2, "what they were made of has been read again"


def test_a_step_that_was_killed_before_its_task_came_is_told_as_killed(server: Served) -> None:
    served = Served(server.environment | {"SEND_RUN_ID": "killed"}, server.server)
    with held(served, FIRST):
        assert served.run("begin")[0] == 0
        served.waiting(FIRST).kill()
        assert served.run("extract", FIRST)[0] == -signal.SIGKILL
    assert served.run("extract", FIRST)[0] == 0


def test_nothing_is_begun_after_a_step_that_failed(server: Served) -> None:
    served = Served(server.environment | {"SEND_RUN_ID": "nothing", "SEND_LA_CODE": "no code"}, server.server)
    assert served.run("begin")[0] == 2
    assert served.run("chosen-day", "2026-11-17", SEND_LA_CODE="999")[0] == 99
    until("only the servers for the rules and for dbt are left", lambda: len(server.server.children()) == 2)
    assert not (served.home / "runs" / "nothing").exists()


def test_only_whoever_runs_the_night_can_ask_for_a_step(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(served.environment[program.SERVER])
    assert folder.stat().st_mode & 0o077 == 0
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as other:
        listening.bind(str(folder / "trial"))
        listening.listen()
        other.connect(str(folder / "trial"))
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
        assert fork_server._received(listening) is None
        assert other.recv(1) == b""


@pytest.mark.parametrize("sent", [b"", b"\0" * 8, b"short"], ids=["nothing", "empty", "cut off"])
def test_half_a_request_is_no_step(served: Served, sent: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(Path(served.environment[program.SERVER], program.LIGHT)))
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""
    assert served.run("chosen-day", "")[0] == 0
