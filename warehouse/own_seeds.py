"""Tables that a council may put in place of shipped ones: crosswalks, which system wins, phases, targets and the like.

Whatever else lies in dbt_project/seeds is what the handbook or a definition says, and is nobody's to change.
"""

import csv
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from send_ready import tables
from send_ready.settings import PROJECT
from send_ready.tables import TableError

SEEDS = PROJECT / "dbt_project" / "seeds"
CROSSWALKS, TARGETS = "crosswalks", "targets"  # folders of SEND_CONFIG
SYSTEMS = ("capita_one", "ehc_hub")
COLOURS = ("blue", "red", "amber", "green")
LONGEST = 2_000  # characters of one value

Row = dict[str, str]


@dataclass(frozen=True)
class Values:
    """What a column may hold, in words and as a test."""

    said: str
    fits: Callable[[str], bool]
    may_be_blank: bool = False


@dataclass(frozen=True)
class Table:
    """What makes a row the only one of its kind, what its columns may hold, and whether each shipped key must stand.

    Keys and values as they count: without outer spaces; `plain` says that case does not count in a key either.
    """

    key: tuple[str, ...]
    values: dict[str, Values] = field(default_factory=dict)
    is_complete: bool = False
    plain: bool = False


def names(folder: str | None = None) -> list[str]:
    """The seeds that a council may have of its own: all, or those that it puts into one folder of SEND_CONFIG."""
    crosswalks = [path.stem for path in SEEDS.glob("xwalk/xwalk_*.csv")]
    found = {
        CROSSWALKS: [*crosswalks, "survivorship", "gias_phase"],
        TARGETS: ["kpi_targets", "kpi_comparators", "kpi_action_rag"],
    }
    return sorted(name for each, held in found.items() if folder in (None, each) for name in held)


def place(name: str) -> Path:
    """Where in SEND_CONFIG a council's own stands."""
    return Path(CROSSWALKS if name in names(CROSSWALKS) else TARGETS, f"{name}.csv")


def shipped(name: str) -> Path:
    """Where a seed ships."""
    (path,) = SEEDS.glob(f"*/{name}.csv")
    return path


def table(name: str) -> Table:
    """What a council's own copy of a seed may hold."""
    if name.startswith("xwalk_"):
        return Table(("local_value",), {"code": _one_of(*_codes(name), may_be_blank=True)}, plain=True)
    system = _one_of(*SYSTEMS)
    kpi = _one_of(*_column("kpi_catalogue", "kpi_id"))
    whole = Values("a whole number", lambda value: bool(re.fullmatch(r"\d{1,4}", value)), may_be_blank=True)
    ages = {f"{which}_age_{end}": whole for which in ("low", "high") for end in ("min", "max")}
    text = Values("text", bool)
    return {
        "survivorship": Table(
            ("fact",),
            {"first_source": system, "second_source": _one_of(*SYSTEMS, may_be_blank=True)},
            is_complete=True,
        ),
        "gias_phase": Table(
            ("priority",),
            {"priority": Values(whole.said, whole.fits), **ages, "annex_a_phase": _one_of(*_phases())},
        ),
        "kpi_targets": Table(("kpi_id",), {"kpi_id": kpi, "target_value": _number(), "amber_margin": _number(least=0)}),
        "kpi_comparators": Table(
            ("kpi_id", "breakdown_type", "breakdown_value"),
            {"kpi_id": kpi, "value": _number(), "period": text, "release": text},
        ),
        "kpi_action_rag": Table(
            ("reason",), {"rag": _one_of(*COLOURS, may_be_blank=True), "within_days": whole}, is_complete=True
        ),
    }[name]


def read(path: Path) -> list[Row]:
    """The rows of a council's own seed, by its name, with the columns of the shipped one and without repeated lines.

    Raises TableError.
    """
    name = path.stem
    if name not in names():
        raise TableError(f"{path}: no table of this name is a council's to change. Names: {', '.join(names())}.")
    wanted, columns = table(name), header(name)
    found = tables.read(path, columns)
    if not found:
        raise TableError(f"{path} has no row. Begin with a copy of {shipped(name)}, or remove it.")
    lines = [(line, {column: value.strip() for column, value in row.items()}) for line, row in found]
    rows = _distinct(path, wanted, lines)
    for line, row in lines:
        _check(path, line, row, wanted)
    if wanted.is_complete:
        (key,) = wanted.key
        held, needed = {row[key] for row in rows}, _column(name, key)
        if missing := [value for value in needed if value not in held]:
            raise TableError(f"{path}: there is no row for {', '.join(missing)}. Compare with {shipped(name)}.")
        if unknown := sorted(held - set(needed)):
            raise TableError(f"{path}: {key} {unknown[0]!r} is not one of: {', '.join(needed)}.")
    return rows


def repeated(path: Path) -> list[int]:
    """The lines of a council's own seed, one that can be read, that say once more what an earlier line says."""
    found = tables.read(path, header(path.stem))
    kept = read(path)
    seen: list[int] = []
    if len(found) > len(kept):
        held: set[tuple[str, ...]] = set()
        for line, row in found:
            key = _key(table(path.stem), {column: value.strip() for column, value in row.items()})
            if key in held:
                seen.append(line)
            held.add(key)
    return seen


def header(name: str) -> list[str]:
    """The columns of a shipped seed."""
    with open(shipped(name), encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


def _distinct(path: Path, wanted: Table, lines: list[tuple[int, Row]]) -> list[Row]:
    """The rows, each once. Raises TableError for a key that is blank, or stands for two things."""
    first: dict[tuple[str, ...], tuple[int, Row]] = {}
    what = "its value" if wanted.plain else f"its {' and '.join(wanted.key)}"
    for line, row in lines:
        for column in wanted.key:
            if not row[column]:
                raise TableError(f"{path}, line {line}: there is no {column}. Take the line out.")
        at, before = first.setdefault(_key(wanted, row), (line, row))
        if _rest(wanted, row) != _rest(wanted, before):
            raise TableError(f"{path}, line {line}: {what} stands in line {at} already. Keep one of them.")
    return [row for _, row in first.values()]


def _key(wanted: Table, row: Row) -> tuple[str, ...]:
    return tuple(row[column].lower() if wanted.plain else row[column] for column in wanted.key)


def _rest(wanted: Table, row: Row) -> Row:
    return {column: value for column, value in row.items() if column not in wanted.key}


def _check(path: Path, line: int, row: Row, wanted: Table) -> None:
    for column, value in row.items():
        if len(value) > LONGEST:
            raise TableError(f"{path}, line {line}: {column} has {len(value):,} characters (limit {LONGEST:,}).")
        values = wanted.values.get(column)
        if values and not (values.may_be_blank and not value) and not values.fits(value):
            raise TableError(f"{path}, line {line}: {column} is {value[:40]!r}, and must be {values.said}.")


def _one_of(*allowed: str, may_be_blank: bool = False) -> Values:
    blank = ", or blank" if may_be_blank else ""
    return Values(f"one of: {', '.join(allowed)}{blank}", frozenset(allowed).__contains__, may_be_blank)


def _number(least: float = -math.inf) -> Values:
    said = "a number" if least < 0 else f"a number from {least:g}"
    return Values(said, lambda value: bool(re.fullmatch(r"-?\d{1,9}(\.\d{1,9})?", value)) and float(value) >= least)


@cache
def _column(name: str, column: str) -> tuple[str, ...]:
    """The values of a column of a shipped seed that are not blank, each once, in order."""
    with open(shipped(name), encoding="utf-8", newline="") as file:
        return tuple(dict.fromkeys(row[column] for row in csv.DictReader(file) if row[column]))


@cache
def _codes(crosswalk: str) -> tuple[str, ...]:
    """The standard codes of a crosswalk: those that a shipped row leads to, and those that have a name."""
    with open(shipped("code_names"), encoding="utf-8", newline="") as file:
        named = [row["code"] for row in csv.DictReader(file) if row["code_set"] == crosswalk.removeprefix("xwalk_")]
    return tuple(dict.fromkeys([*_column(crosswalk, "code"), *named]))


@cache
def _phases() -> tuple[str, ...]:
    with open(shipped("annex_a_codes"), encoding="utf-8", newline="") as file:
        return tuple(row["value"] for row in csv.DictReader(file) if row["code_set"] == "phase")
