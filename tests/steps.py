"""Steps of the pipeline as forks of one process that has imported every room: see nursery.py."""

import atexit
import json
import os
import select
import signal
import socketserver
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from tests.waiting import HANG

PROJECT = Path(__file__).resolve().parents[1]
SEND_READY = str(Path(sys.executable).with_name("send-ready"))


class Nursery:
    """The process that steps are forked from. See nursery.py."""

    _one_at_a_time = Lock()

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.nursery"],
            cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self._process.stdout and self._process.stdout.readline() == "ready\n"

    def ask(self, **asked: Any) -> int:
        assert self._process.stdin and self._process.stdout
        with self._one_at_a_time:
            print(json.dumps(asked), file=self._process.stdin, flush=True)
            return int(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(HANG)


@contextmanager
def nursery() -> Iterator[Nursery]:
    """A nursery for as long as the block lasts."""
    made = Nursery()
    try:
        yield made
    finally:
        made.close()


@cache
def shared() -> Nursery:
    """One for all tests of a process: starting Python and importing the rooms takes longer than most steps.

    To fork from the tests' own process would hang sooner or later: libraries that ran in it have threads, and locks.
    """
    made = Nursery()
    atexit.register(made.close)
    return made


@dataclass(frozen=True)
class Ended:
    """How a step ended, and what it said on stdout and stderr."""

    status: int
    said: str


class Step:
    """A step at work."""

    def __init__(self, nursery: Nursery, **asked: Any) -> None:
        self._nursery, self._said = nursery, Path(asked["said"])
        self.pid = nursery.ask(**asked)
        self._watched = os.pidfd_open(self.pid)

    def wait(self, seconds: float = HANG) -> Ended | None:
        """How it ended; None when it is still at work after so long."""
        if not select.select([self._watched], [], [], seconds)[0]:
            return None
        os.close(self._watched)
        status = self._nursery.ask(wait=self.pid)
        return Ended(status, self._said.read_text(encoding="utf-8", errors="replace"))

    def kill(self) -> Ended:
        os.kill(self.pid, signal.SIGKILL)
        ended = self.wait()
        assert ended
        return ended


# For SEND_COMMAND: has a step done by a fork, and says and ends as that does.
CLIENT = """#!{python} -ES
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as line, line.makefile("rw") as file:
    line.connect({address!r})
    print(json.dumps([sys.argv[1:], dict(os.environ)]), file=file, flush=True)
    status, said = json.loads(file.readline())
print(said, end="", flush=True)
sys.exit(status if status >= 0 else 128 - status)
"""


class _Answering(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        arguments, environment = json.loads(self.rfile.readline())
        with tempfile.NamedTemporaryFile() as said:
            ended = Step(shared(), arguments=arguments, environment=environment, said=said.name).wait()
        assert ended, f"{arguments} does not end"
        self.wfile.write(f"{json.dumps([ended.status, ended.said])}\n".encode())


@contextmanager
def program() -> Iterator[Path]:
    """A program to name as SEND_COMMAND, as long as the block lasts: what Airflow starts is then a fork."""
    with tempfile.TemporaryDirectory(prefix="steps_") as folder:
        address, client = f"{folder}/socket", Path(folder, "send-ready")
        client.write_text(CLIENT.format(python=sys.executable, address=address))
        client.chmod(0o700)
        with socketserver.ThreadingUnixStreamServer(address, _Answering) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            yield client
            server.shutdown()
