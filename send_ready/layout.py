"""The layout of the Annex A lists: headers, order, kinds and codes.

The one that ships stands in dbt_project/seeds/spec. Ofsted's template may have changed since: a council's own
`annex_a_layout.csv`, which `make layout` drafts from that template, takes its place in what is written, and not in what
the models work out.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from send_ready import tables
from send_ready.settings import PROJECT
from send_ready.tables import TableError

LAYOUT_VERSION = "2022-11"  # that ships
SPEC = PROJECT / "dbt_project" / "seeds" / "spec"
COUNCILS = Path(__file__).with_name("councils.csv")  # DfE local authority numbers and names
OWN = "annex_a_layout.csv"  # in SEND_CONFIG
OWN_COLUMNS = ("layout_version", "list_name", "position", "header", "column_name", "data_type", "values")
KINDS = ("text", "date", "count", "percentage")
LETTER = re.compile(r"\s*[a-z]{1,2}\s*[).:]\s*", re.IGNORECASE)  # before a code, as in `b) Female`
BETWEEN, MEANS = "|", "="  # values, and what a value of ours is called


@dataclass(frozen=True)
class ListColumn:
    """One column of a list. Without a `column_name` nothing that SEND Ready holds fills it."""

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

    @property
    def held(self) -> tuple[ListColumn, ...]:
        """The columns that SEND Ready fills."""
        return tuple(column for column in self.columns if column.column_name)


@dataclass(frozen=True)
class Layout:
    """Both lists, and for every code set the lettered form of each value that the models give."""

    version: str
    lists: tuple[ListLayout, ...]
    letters: dict[str, dict[str, str]]

    @property
    def is_shipped(self) -> bool:
        return self.version == LAYOUT_VERSION

    def forms(self, style: str) -> dict[str, dict[str, str]]:
        """For every code set, what a value of the models is called in a style: `lettered` or `plain`."""
        if style == "lettered":
            return self.letters
        return {name: {ours: plain(shown) for ours, shown in codes.items()} for name, codes in self.letters.items()}


def plain(lettered: str) -> str:
    """A code without the letter before it."""
    found = LETTER.match(lettered)
    return lettered[found.end() :] if found and found.end() < len(lettered) else lettered


def in_force(config: Path | None) -> Layout:
    """The layout in force: the council's own, if SEND_CONFIG has one, else the one that ships. Raises TableError."""
    own = config / OWN if config else None
    return read(own) if own and own.is_file() else Layout(LAYOUT_VERSION, tuple(lists()), letters())


def read(path: Path) -> Layout:
    """A council's own layout. Raises TableError."""
    rows = tables.read_rows(path, OWN_COLUMNS)
    shipped = {each.name: each for each in lists()}
    found: dict[str, dict[int, ListColumn]] = {name: {} for name in shipped}
    given_codes: dict[str, dict[str, str]] = {}
    for line, row in rows:
        where, row = f"{path}, line {line}", {name: value.strip() for name, value in row.items()}
        if row["list_name"] not in found:
            raise TableError(f"{where}: list_name must be one of: {', '.join(found)}.")
        columns = found[row["list_name"]]
        if not row["position"].isascii() or not row["position"].isdecimal() or int(row["position"]) in columns:
            raise TableError(f"{where}: position must be a whole number that no other column of the list has.")
        if not row["header"] or row["header"] in [each.header for each in columns.values()]:
            raise TableError(f"{where}: header must be what the template calls the column, once in a list.")
        if row["data_type"] not in KINDS:
            raise TableError(f"{where}: data_type must be one of: {', '.join(KINDS)}.")
        known = {each.column_name: each for each in shipped[row["list_name"]].columns}
        name = row["column_name"]
        if name and (name not in known or name in [each.column_name for each in columns.values()]):
            raise TableError(
                f"{where}: column_name must be empty, where nothing that SEND Ready holds fills the column, or one of "
                f"these, once in a list: {', '.join(known)}."
            )
        code_set = known[name].code_set if name else None
        if code_set and row["values"]:
            given = _values(row["values"])
            if given_codes.setdefault(code_set, given) != given:
                raise TableError(f"{where}: the values of {name} differ from those of another column of {code_set}.")
        columns[int(row["position"])] = ListColumn(name, row["header"], row["data_type"], code_set)
    for name, columns in found.items():
        if "unique_id" not in [each.column_name for each in columns.values()]:
            raise TableError(f"{path}: {name} has no column with column_name unique_id.")
    versions = {row["layout_version"].strip() for _, row in rows}
    if len(versions) != 1 or not re.fullmatch(r"[\w.-]{1,40}", version := versions.pop(), re.ASCII):
        raise TableError(f"{path}: layout_version must be one name, such as 2025-06, the same in every line.")
    if version == LAYOUT_VERSION:
        raise TableError(f"{path}: layout_version {version} is the one that ships. Give this one another name.")
    listed = tuple(ListLayout(name, tuple(columns[at] for at in sorted(columns))) for name, columns in found.items())
    return Layout(version, listed, letters() | given_codes)


def _values(given: str) -> dict[str, str]:
    """By the value that the models give, what a layout calls it: `Male=a) Male|b) Female`."""
    found = {}
    for each in filter(None, map(str.strip, given.split(BETWEEN))):
        ours, is_named, shown = each.partition(MEANS)
        found[ours.strip() if is_named else plain(each)] = shown.strip() if is_named else each
    return found


def lists() -> list[ListLayout]:
    """Both lists in the layout that ships, which is that of the models."""
    rows = sorted(rows_of("annex_a_columns.csv"), key=lambda row: (row["list_name"], int(row["position"])))
    found: dict[str, list[ListColumn]] = {}
    for row in rows:
        column = ListColumn(row["column_name"], row["header"], row["data_type"], row["code_set"] or None)
        found.setdefault(row["list_name"], []).append(column)
    return [ListLayout(name, tuple(columns)) for name, columns in found.items()]


def codes() -> dict[str, list[str]]:
    """The plain values of every code set that ships, in order."""
    return {code_set: list(values) for code_set, values in letters().items()}


def letters() -> dict[str, dict[str, str]]:
    """For every code set that ships, the lettered form of each plain value."""
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
    """The rows of a file of seeds/spec that are of the layout that ships."""
    with (SPEC / name).open(encoding="utf-8", newline="") as file:
        yield from (row for row in csv.DictReader(file) if row["layout_version"] == LAYOUT_VERSION)
