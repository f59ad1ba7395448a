"""Seeds that a council may replace by its own: crosswalks, which system wins, phases, targets and the like.

The other seeds in dbt_project/seeds follow the handbook or a definition, and cannot be replaced.
"""

import csv
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path

from send_ready import sen2, tables
from send_ready.settings import PROJECT
from send_ready.tables import TableError

SEEDS = PROJECT / "dbt_project" / "seeds"
CROSSWALKS, TARGETS, SEN2 = "crosswalks", "targets", sen2.FOLDER  # folders of SEND_CONFIG
SYSTEMS = ("capita_one", "ehc_hub", "census", "social_care", "ilacs", "dfe", "sen2")
COLOURS = ("blue", "red", "amber", "green")
RESIDENTIAL = "xwalk_residential"  # of which a value may mean one code up to a survey year, and another after it
LONGEST = 2_000  # characters of one value

Row = dict[str, str]


@dataclass(frozen=True)
class AllowedValues:
    """The values that a column may hold, in words and as a test."""

    in_words: str
    is_allowed: Callable[[str], bool]
    may_be_blank: bool = False


@dataclass(frozen=True)
class TableRules:
    """The rules for a council's copy of a seed: its key, the values of columns, and if it needs every shipped key.

    Keys and values are compared without outer spaces; with `ignores_case` capitals do not count in a key. Columns of
    `later` may be left out, and are blank; with `is_filled` a key that is left out has the shipped row.
    """

    key: tuple[str, ...]
    values: dict[str, AllowedValues] = field(default_factory=dict)
    is_complete: bool = False
    ignores_case: bool = False
    later: tuple[str, ...] = ()
    is_filled: bool = False


_CODE = AllowedValues(
    "a code of up to ten letters and digits, or blank",
    lambda value: bool(re.fullmatch("[A-Za-z0-9]{1,10}", value)),
    may_be_blank=True,
)


def seed_names(folder: str | None = None) -> list[str]:
    """The names of the seeds that a council may replace: all of them, or those of one folder of SEND_CONFIG."""
    crosswalks = [path.stem for path in SEEDS.glob("xwalk/xwalk_*.csv")]
    found = {
        CROSSWALKS: [*crosswalks, "survivorship", "gias_phase", "census_terms", "attendance_codes"],
        TARGETS: ["kpi_targets", "kpi_comparators", "kpi_action_rag"],
        SEN2: [path.stem for path in SEEDS.glob("sen2/*.csv")],
    }
    return sorted(name for each, held in found.items() if folder in (None, each) for name in held)


def path_in_config(name: str) -> Path:
    """The path in SEND_CONFIG of a council's own seed."""
    folder = next(each for each in (CROSSWALKS, TARGETS, SEN2) if name in seed_names(each))
    return Path(folder, f"{name}.csv")


def shipped_path(name: str) -> Path:
    """The path of a shipped seed."""
    (path,) = SEEDS.glob(f"*/{name}.csv")
    return path


def table_rules(name: str) -> TableRules:
    """The rules for a council's own copy of a seed."""
    if name.startswith("xwalk_"):
        # Where no code is published none ships, and the council's own guide has them.
        allowed = _one_of(*codes(name), may_be_blank=True) if codes(name) else _CODE
        if name == RESIDENTIAL:
            year = AllowedValues("a year of four digits", lambda value: bool(re.fullmatch(r"20\d\d", value)), True)
            years = dict.fromkeys(("first_year", "last_year"), year)
            return TableRules(
                ("local_value", "first_year"), {"code": allowed, **years}, ignores_case=True, later=tuple(years)
            )
        return TableRules(("local_value",), {"code": allowed}, ignores_case=True)
    system = _one_of(*SYSTEMS)
    kpi = _one_of(*_column("kpi_catalogue", "kpi_id"))
    whole = AllowedValues("a whole number", lambda value: bool(re.fullmatch(r"\d{1,4}", value)), may_be_blank=True)
    ages = {f"{which}_age_{end}": whole for which in ("low", "high") for end in ("min", "max")}
    text = AllowedValues("text", bool)
    year = AllowedValues("a year of four digits", lambda value: bool(re.fullmatch(r"20\d\d", value)))
    last_year = AllowedValues(year.in_words, year.is_allowed, may_be_blank=True)
    tag = AllowedValues("a name that XML allows", lambda value: bool(sen2.XML_NAME.fullmatch(value)))
    path = AllowedValues(
        "names that XML allows, with / between", lambda value: all(map(tag.is_allowed, value.split("/"))), True
    )
    return {
        "survivorship": TableRules(
            ("fact",),
            {
                "fact": _one_of(*_column("survivorship", "fact")),
                "first_source": system,
                **dict.fromkeys(("second_source", "third_source"), _one_of(*SYSTEMS, may_be_blank=True)),
            },
            later=("third_source",),
            is_filled=True,
        ),
        "census_terms": TableRules(
            ("year", "term"),
            {
                "year": year,
                "term": _one_of("spring", "summer", "autumn"),
                "start": _day(),
                "end": _day(),
                "half_term_2": _day(may_be_blank=True),
            },
            is_filled=True,
        ),
        "attendance_codes": TableRules(
            ("code",),
            {
                **dict.fromkeys(("is_possible", "is_absence"), _one_of("Y", "N")),
                "is_authorised": _one_of("Y", "N", may_be_blank=True),
            },
            is_filled=True,
        ),
        "gias_phase": TableRules(
            ("priority",),
            {"priority": AllowedValues(whole.in_words, whole.is_allowed), **ages, "annex_a_phase": _one_of(*_phases())},
        ),
        "kpi_targets": TableRules(
            ("kpi_id",), {"kpi_id": kpi, "target_value": _number(), "amber_margin": _number(least=0)}
        ),
        "kpi_comparators": TableRules(
            ("kpi_id", "breakdown_type", "breakdown_value"),
            {"kpi_id": kpi, "value": _number(), "period": text, "release": text},
        ),
        "kpi_action_rag": TableRules(
            ("reason",), {"rag": _one_of(*COLOURS, may_be_blank=True), "within_days": whole}, is_complete=True
        ),
        sen2.ELEMENTS: TableRules(  # what the rows come to together, sen2.check says
            ("module", "position"),
            {
                "module": _one_of(*_column(sen2.ELEMENTS, "module")),
                "position": AllowedValues(whole.in_words, whole.is_allowed),
                "first_year": year,
                "last_year": last_year,
                "path": path,
                "tag": tag,
                "data_type": _one_of(*sen2.DATA_TYPES),
            },
        ),
        sen2.CODES: TableRules(
            ("code_set", "code"),
            {
                "code_set": _one_of(*_column(sen2.ELEMENTS, "code_set")),
                "first_year": year,
                "last_year": last_year,
            },
        ),
        sen2.SURVEYS: TableRules(
            ("survey_year",), {"survey_year": year, "survey_day": _day(), "due_day": _day()}, is_filled=True
        ),
        "sen2_spellings": TableRules(
            ("module", "spelling"),
            {
                "module": _one_of(*_column(sen2.ELEMENTS, "module")),
                "spelling": text,
                "column_name": _one_of(*_column(sen2.ELEMENTS, "column_name")),
            },
        ),
        sen2.ITEMS: TableRules(
            ("column_name",), {"column_name": _one_of(*_column(sen2.ITEMS, "column_name"))}, is_filled=True
        ),
        sen2.THRESHOLDS: TableRules(  # of which form a value must be, expectations/sen2.py says
            ("threshold",),
            {"threshold": _one_of(*_column(sen2.THRESHOLDS, "threshold")), "value": text},
            is_filled=True,
        ),
        "sen2_comparators": TableRules(
            ("measure", "breakdown_value"),
            {
                "measure": _one_of(*_column("sen2_measure_definitions", "measure")),
                "value": _number(),
                "period": text,
                "release": text,
            },
        ),
    }[name]


def rows_of(path: Path) -> list[Row]:
    """The rows of a council's own seed, with the columns of the shipped one and without repeated lines.

    Raises TableError for a file that breaks a rule of the seed.
    """
    name = path.stem
    if name not in seed_names():
        raise TableError(f"{path}: no table of this name is a council's to change. Names: {', '.join(seed_names())}.")
    rules, columns = table_rules(name), columns_of(name)
    found = tables.read_rows(path, [name for name in columns if name not in rules.later], rules.later)
    if not found:
        raise TableError(f"{path} has no row. Begin with a copy of {shipped_path(name)}, or remove it.")
    lines = [(line, {column: value.strip() for column, value in row.items()}) for line, row in found]
    rows = _distinct(path, rules, lines)
    for line, row in lines:
        _check(path, line, row, rules)
    if rules.is_complete:
        (key,) = rules.key
        held, needed = {row[key] for row in rows}, _column(name, key)
        if missing := [value for value in needed if value not in held]:
            raise TableError(f"{path}: there is no row for {', '.join(missing)}. Compare with {shipped_path(name)}.")
        if unknown := sorted(held - set(needed)):
            raise TableError(f"{path}: {key} {unknown[0]!r} is not one of: {', '.join(needed)}.")
    if rules.is_filled:
        own = {_key(rules, row) for row in rows}
        rows += [row for row in _shipped_rows(name) if _key(rules, row) not in own]
    return rows


def repeated_lines(path: Path) -> list[int]:
    """The numbers of lines of a council's own seed that repeat an earlier line. The seed can be read."""
    rules, columns = table_rules(path.stem), columns_of(path.stem)
    found = tables.read_rows(path, [name for name in columns if name not in rules.later], rules.later)
    rows_of(path)  # that it can be read at all
    seen: list[int] = []
    if len(found) > 1:
        held: set[tuple[str, ...]] = set()
        for line, row in found:
            key = _key(rules, {column: value.strip() for column, value in row.items()})
            if key in held:
                seen.append(line)
            held.add(key)
    return seen


def columns_of(name: str) -> list[str]:
    """The columns of a shipped seed."""
    with open(shipped_path(name), encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


def _distinct(path: Path, rules: TableRules, lines: list[tuple[int, Row]]) -> list[Row]:
    """The rows without repeats. Raises TableError for a key that is blank, or has two different rows."""
    first: dict[tuple[str, ...], tuple[int, Row]] = {}
    what = "its value" if rules.ignores_case else f"its {' and '.join(rules.key)}"
    for line, row in lines:
        for column in rules.key:
            if not row[column] and column not in rules.later:
                raise TableError(f"{path}, line {line}: there is no {column}. Take the line out.")
        at, before = first.setdefault(_key(rules, row), (line, row))
        if _rest(rules, row) != _rest(rules, before):
            raise TableError(f"{path}, line {line}: {what} stands in line {at} already. Keep one of them.")
    return [row for _, row in first.values()]


def _key(rules: TableRules, row: Row) -> tuple[str, ...]:
    return tuple(row[column].lower() if rules.ignores_case else row[column] for column in rules.key)


def _rest(rules: TableRules, row: Row) -> Row:
    return {column: value for column, value in row.items() if column not in rules.key}


def _check(path: Path, line: int, row: Row, rules: TableRules) -> None:
    for column, value in row.items():
        if len(value) > LONGEST:
            raise TableError(f"{path}, line {line}: {column} has {len(value):,} characters (limit {LONGEST:,}).")
        values = rules.values.get(column)
        if values and not (values.may_be_blank and not value) and not values.is_allowed(value):
            raise TableError(f"{path}, line {line}: {column} is {value[:40]!r}, and must be {values.in_words}.")


def _one_of(*allowed: str, may_be_blank: bool = False) -> AllowedValues:
    blank = ", or blank" if may_be_blank else ""
    return AllowedValues(f"one of: {', '.join(allowed)}{blank}", frozenset(allowed).__contains__, may_be_blank)


def _number(least: float = -math.inf) -> AllowedValues:
    said = "a number" if least < 0 else f"a number from {least:g}"
    return AllowedValues(
        said, lambda value: bool(re.fullmatch(r"-?\d{1,9}(\.\d{1,9})?", value)) and float(value) >= least
    )


def _day(may_be_blank: bool = False) -> AllowedValues:
    def is_day(value: str) -> bool:
        try:
            return bool(re.fullmatch(r"\d{4}-\d{2}-\d{2}", value) and date.fromisoformat(value))
        except ValueError:
            return False

    return AllowedValues("a date as YYYY-MM-DD", is_day, may_be_blank)


def _shipped_rows(name: str) -> list[Row]:
    with open(shipped_path(name), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def _column(name: str, column: str) -> tuple[str, ...]:
    """The distinct values of a column of a shipped seed that are not blank, in order."""
    with open(shipped_path(name), encoding="utf-8", newline="") as file:
        return tuple(dict.fromkeys(row[column] for row in csv.DictReader(file) if row[column]))


@cache
def codes(crosswalk: str) -> tuple[str, ...]:
    """The standard codes of a crosswalk: those of its shipped rows, and those that have a name."""
    with open(shipped_path("code_names"), encoding="utf-8", newline="") as file:
        named = [row["code"] for row in csv.DictReader(file) if row["code_set"] == crosswalk.removeprefix("xwalk_")]
    return tuple(dict.fromkeys([*_column(crosswalk, "code"), *named]))


@cache
def _phases() -> tuple[str, ...]:
    with open(shipped_path("annex_a_codes"), encoding="utf-8", newline="") as file:
        return tuple(row["value"] for row in csv.DictReader(file) if row["code_set"] == "phase")
