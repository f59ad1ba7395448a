"""A small council's SEND_HOME, whose steps are processes that can be killed."""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from sample import council
from tests.golden.pipeline import FEEDS, PROJECT

EVE, DAY = date(2026, 11, 15), date(2026, 11, 16)
STEPS: tuple[tuple[str, ...], ...] = (
    ("begin",),
    *(("extract", feed) for feed in FEEDS),
    ("validate-feeds",),
    ("build",),
    ("validate-lists",),
    ("publish",),
    ("serve",),
    ("summary",),
)
PATIENCE = 120.0  # seconds for one step, on the busiest machine


class Nursery:
    """The process that steps are forked from. See nursery.py."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.nursery"],
            cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self._process.stdout and self._process.stdout.readline() == "ready\n"

    def ask(self, **asked: Any) -> int:
        assert self._process.stdin and self._process.stdout
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


@dataclass
class House:
    """One SEND_HOME. `set` is what else its steps find in their environment."""

    nursery: Nursery
    home: Path
    inbox: Path
    set: dict[str, str] = field(default_factory=dict)

    def start(self, *arguments: str, run_id: str = "night", as_at: date = DAY, kill_at: int = 0, **more: str) -> Step:
        """Begin a step, and leave it at work."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("SEND_", "AIRFLOW", "AS_AT"))}
        given = {"SEND_HOME": self.home, "SEND_INBOX": self.inbox, "SEND_RUN_ID": run_id, "AS_AT": as_at}
        environment = kept | {key: str(value) for key, value in given.items()} | self.set | more
        said = Path(tempfile.mkstemp(dir=self.home.parent, prefix="said_")[1])
        return Step(self.nursery, arguments=arguments, environment=environment, said=str(said), kill_at=kill_at)

    def run(self, *arguments: str, **options: Any) -> Ended:
        """A step, from its beginning to its end."""
        ended = self.start(*arguments, **options).wait()
        assert ended, f"{arguments} does not end"
        return ended

    def night(self, steps: tuple[tuple[str, ...], ...] = STEPS, **options: Any) -> None:
        """Steps in order, each of which has to end well."""
        for step in steps:
            ended = self.run(*step, **options)
            assert ended.status == 0, f"{step}: {ended}"


def drop_exports(inbox: Path, day: date) -> None:
    """The exports of one day of a small council, dropped a minute ago."""
    before = {path.name for path in inbox.glob("*")}
    council.write(inbox, as_at=day, plans=60, sen_support=100, seed=5, answer_key=inbox.with_name("answer_key.csv"))
    for path in inbox.iterdir():
        if path.name not in before:
            then = path.stat().st_mtime - 60
            os.utime(path, (then, then))


def moved_in(after_eve: Path, nursery: Nursery, folder: Path) -> House:
    """The council's house, copied to another folder."""
    for name in ("home", "inbox"):
        shutil.copytree(after_eve / name, folder / name, symlinks=True)
    return House(nursery, folder / "home", folder / "inbox")
