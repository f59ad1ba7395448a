"""Steps of the pipeline as forks of one process that has imported every room: see nursery.py."""

import atexit
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
PATIENCE = 120.0  # seconds for one step, on the busiest machine


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
        self._process.wait(PATIENCE)


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

    def wait(self, seconds: float = PATIENCE) -> Ended | None:
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
