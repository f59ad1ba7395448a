"""What the rules need of the Annex A layout: columns, headers and codes, from dbt_project/seeds/spec."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass

from send_ready.settings import PROJECT

LAYOUT_VERSION = "2022-11"  # a test holds it to the one that publish/ writes
SPEC = PROJECT / "dbt_project" / "seeds" / "spec"


@dataclass(frozen=True)
class ListColumn:
    """One column of a list. `kind` is text, date, count or percentage."""

    column_name: str
    header: str
    kind: str
    code_set: str | None


@dataclass(frozen=True)
class ListLayout:
    """One list: its name for people (List 1), its name in files and tables (list_1), its columns in order."""

    name: str
    key: str
    columns: tuple[ListColumn, ...]


def lists() -> list[ListLayout]:
    """Both lists in the layout in force."""
    found: dict[str, list[ListColumn]] = {}
    for row in _rows("annex_a_columns.csv"):
        column = ListColumn(row["column_name"], row["header"], row["data_type"], row["code_set"] or None)
        found.setdefault(row["list_name"], []).append(column)
    return [ListLayout(name, name.lower().replace(" ", "_"), tuple(columns)) for name, columns in found.items()]


def codes() -> dict[str, list[str]]:
    """The values of every code set, in order."""
    found: dict[str, list[str]] = {}
    for row in _rows("annex_a_codes.csv"):
        found.setdefault(row["code_set"], []).append(row["value"])
    return found


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (SPEC / name).open(encoding="utf-8", newline="") as file:
        yield from (row for row in csv.DictReader(file) if row["layout_version"] == LAYOUT_VERSION)
