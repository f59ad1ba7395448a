"""Nights of invented councils, each played once for all tests of a session that look at what came of it.

Nobody changes anything in the folders that these give: all workers share them.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from sample import council
from send_ready import files
from send_ready.settings import PROJECT
from tests.golden.pipeline import Pipeline

AS_AT = date(2026, 11, 16)


def once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that is made by the first test of the session that asks for it; the others wait meanwhile."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with files.locked(folder.with_name(f"{name}.lock")):
        if not folder.exists():
            partial = folder.with_name(f"{name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            make(partial)
            partial.rename(folder)
    return folder


@dataclass(frozen=True)
class Drawn:
    """An invented council, and how many of its records are wrong in some way, as a share."""

    plans: int
    sen_support: int
    seed: int
    faults: float

    def write(self, inbox: Path, answer_key: Path) -> None:
        council.write(
            inbox,
            as_at=AS_AT,
            plans=self.plans,
            sen_support=self.sen_support,
            seed=self.seed,
            faults=self.faults,
            answer_key=answer_key,
        )


CLEAN = Drawn(800, 1200, seed=21, faults=0.0)
FAULTY = Drawn(800, 1200, seed=21, faults=0.1)  # the same, but for the faults
OTHER = Drawn(400, 800, seed=13, faults=0.05)


@dataclass(frozen=True)
class Night:
    """A night of a drawn council, whose lists are in both styles of codes."""

    drawn: Drawn
    folder: Path

    @property
    def inbox(self) -> Path:
        return self.folder / "inbox"

    @property
    def answer_key(self) -> Path:
        return self.folder / "key.csv"

    @property
    def warehouse(self) -> Path:
        """The published one."""
        return self.folder / "home" / "serving" / "warehouse.duckdb"

    @property
    def lettered(self) -> Pipeline:
        return Pipeline(self.folder / "home", self.inbox, AS_AT)

    @property
    def plain(self) -> Pipeline:
        return Pipeline(self.folder / "plain", self.inbox, AS_AT)


def of(drawn: Drawn, tmp_path_factory: pytest.TempPathFactory) -> Night:
    """The night of a council."""

    def play(folder: Path) -> None:
        night = Night(drawn, folder)
        drawn.write(night.inbox, night.answer_key)
        night.lettered.night()
        shutil.copytree(night.lettered.home, night.plain.home, symlinks=True, copy_function=os.link)
        night.plain.publish("plain")

    return Night(drawn, once(tmp_path_factory, f"night_{drawn.seed}_{drawn.faults}", play))


def of_kpis(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """The night of the council whose every KPI was worked out by hand."""
    exports = PROJECT / "tests" / "golden" / "kpi_council" / "exports"

    def play(folder: Path) -> None:
        Pipeline(folder / "home", exports, AS_AT).night()

    return Pipeline(once(tmp_path_factory, "night_of_kpis", play) / "home", exports, AS_AT)
