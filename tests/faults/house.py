"""A small council's SEND_HOME, whose steps are processes that can be killed."""

import os
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from sample import council
from tests.golden.pipeline import FEEDS
from tests.steps import Ended, Nursery, Step

EVE, DAY = date(2026, 11, 15), date(2026, 11, 16)
STEPS: tuple[tuple[str, ...], ...] = (
    ("begin",),
    *(("extract", feed) for feed in FEEDS),
    ("validate-feeds",),
    ("build",),
    ("validate-lists",),
    ("validate-sen2",),
    ("publish",),
    ("serve",),
    ("summary",),
)


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
