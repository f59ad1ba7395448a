"""The layout of the Annex A lists: headers, order, kinds and codes, from dbt_project/seeds/spec."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from send_ready.settings import PROJECT

LAYOUT_VERSION = "2022-11"
SPEC = PROJECT / "dbt_project" / "seeds" / "spec"
COUNCILS = Path(__file__).with_name("councils.csv")  # DfE local authority numbers and names


@dataclass(frozen=True)
class ListColumn:
    """One column of a list."""

    column_name: str
    header: str
    kind: str  # text | date | count | percentage
    code_set: str | None


@dataclass(frozen=True)
class ListLayout:
    """One list: its name (List 1), its columns in order, and its names elsewhere."""

    name: str
    columns: tuple[ListColumn, ...]

    @property
    def key(self) -> str:
        """The list's name in file names, such as list_1."""
        return self.name.lower().replace(" ", "_")

    @property
    def sheet(self) -> str:
        return self.name.replace(" ", "_")

    @property
    def table(self) -> str:
        return f"annex_a.rpt_annex_a__{self.key}"


def lists() -> list[ListLayout]:
    """Both lists in the layout in force."""
    rows = sorted(rows_of("annex_a_columns.csv"), key=lambda row: (row["list_name"], int(row["position"])))
    found: dict[str, list[ListColumn]] = {}
    for row in rows:
        column = ListColumn(row["column_name"], row["header"], row["data_type"], row["code_set"] or None)
        found.setdefault(row["list_name"], []).append(column)
    return [ListLayout(name, tuple(columns)) for name, columns in found.items()]


def codes() -> dict[str, list[str]]:
    """The plain values of every code set, in order."""
    return {code_set: list(values) for code_set, values in letters().items()}


def letters() -> dict[str, dict[str, str]]:
    """For every code set, the lettered form of each plain value."""
    found: dict[str, dict[str, str]] = {}
    for row in rows_of("annex_a_codes.csv"):
        found.setdefault(row["code_set"], {})[row["value"]] = row["lettered"]
    return found


def council(la_code: str) -> str | None:
    """The council's name; None when the number is not one of the DfE's or the sample's."""
    with COUNCILS.open(encoding="utf-8", newline="") as file:
        return {row["la_code"]: row["la_name"] for row in csv.DictReader(file)}.get(la_code)


def council_or_number(la_code: str) -> str:
    """The council's name, or its number where that is nobody's."""
    return council(la_code) or f"Local authority {la_code}"


def rows_of(name: str) -> Iterator[dict[str, str]]:
    """The rows of a file of seeds/spec that are of the layout in force."""
    with (SPEC / name).open(encoding="utf-8", newline="") as file:
        yield from (row for row in csv.DictReader(file) if row["layout_version"] == LAYOUT_VERSION)
