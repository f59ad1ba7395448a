"""Drawn councils, whose SEN2 return the models and the second reading make: for longer than a test may.

    python -m tests.end_to_end.sen2_walk --councils 200 [--first 1]

Tells each difference by council, person, module and element, and ends with status 1 when there was any.
"""

import argparse
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, cast

import duckdb
import pytest

from tests.dbt import harness
from tests.end_to_end import sen2_councils, sen2_from_exports
from tests.end_to_end.sen2_differences import differences
from tests.end_to_end.sen2_from_exports import MODULES
from warehouse.own_seeds import SEEDS

DAYS = {  # of the survey of 2027 unless a year is asked
    "before the year": "2026-03-13",
    "well before": "2026-11-16",
    "the last day of December": "2026-12-31",
    "the first of January": "2027-01-01",
    "before the survey day": "2027-01-20",
    "the survey day": "2027-01-21",
    "the day after": "2027-01-22",
    "before the due day": "2027-02-20",
    "the due day": "2027-03-11",
    "after the due day": "2027-03-12",
}
YEARS = (None, None, None, 2023, 2024, 2025, 2026, 2027, 2028)
MAPPED = {"work_based_learning": "Internship,S", "direct_payment": "Education,E"}  # as a council maps its own words


@dataclass(frozen=True)
class Tried:
    """One drawn council: on which day, for which survey, with or without placements."""

    seed: int
    as_at: date
    year: int | None
    has_placements: bool

    def __str__(self) -> str:
        asked = f" for {self.year}" if self.year else ""
        return f"council {self.seed} at {self.as_at}{asked}, with{'' if self.has_placements else 'out'} placements"

    def differences(self, folder: Path, seeds: Path) -> list[str]:
        council = sen2_councils.council(self.seed, self.as_at, self.year, has_placements=self.has_placements)
        inbox = council.write(folder / "inbox")
        expected = sen2_from_exports.tables(sen2_from_exports.Council(inbox, self.as_at, self.year, seeds=seeds))
        return differences(expected, made(council.build(folder / "warehouse.duckdb", self.year, seeds)))


def tried(seed: int) -> Tried:
    """The council of a number: any day with any year."""
    dice = Random(seed)  # noqa: S311
    day = date.fromisoformat(dice.choice(list(DAYS.values())))
    return Tried(seed, day, dice.choice(YEARS), dice.random() < 0.6)


def made(warehouse: Path, prefix: str = "sen2_") -> dict[str, list[dict[str, Any]]]:
    """The tables of schema sen2 by module; in what is published their names have no prefix."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        found = {}
        for module in ("sen2", *dict(MODULES)):
            rows = con.execute(f"FROM sen2.{prefix}{'header' if module == 'sen2' else module}")
            names: list[str] = [column[0] for column in rows.description or ()]
            found[module] = [dict(zip(names, row, strict=True)) for row in rows.fetchall()]
    return found


def seeds_with_codes(folder: Path) -> Path:
    """The shipped seeds, and words of a council's own for what has no code as shipped."""
    shutil.copytree(SEEDS, folder)
    for name, row in MAPPED.items():
        with open(folder / "xwalk" / f"xwalk_{name}.csv", "a", encoding="utf-8") as file:
            file.write(f"{row}\n")
    return folder


@dataclass(frozen=True)
class Base:
    """Where tests/nights.py keeps what is made once, of a walk that no test runner has begun."""

    folder: Path

    def getbasetemp(self) -> Path:
        return self.folder


def walk(first: int, councils: int) -> Iterator[tuple[Tried, list[str]]]:
    with TemporaryDirectory() as folder:
        harness.workers[:] = [cast(pytest.TempPathFactory, Base(Path(folder)))]
        seeds = seeds_with_codes(Path(folder) / "seeds")
        for seed in range(first, first + councils):
            one = tried(seed)
            with TemporaryDirectory(dir=folder) as place:
                yield one, one.differences(Path(place), seeds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--councils", type=int, default=20)
    parser.add_argument("--first", type=int, default=1)
    asked = parser.parse_args()
    worst = 0
    for one, said in walk(asked.first, asked.councils):
        print(f"{one}: {len(said)} differences", flush=True)
        print(*(f"    {line}" for line in said), sep="\n", end="\n" if said else "", flush=True)
        worst = max(worst, len(said))
    return int(worst > 0)


if __name__ == "__main__":
    sys.exit(main())
