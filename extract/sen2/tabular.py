"""Tables of a return by their headings: a blade, a CSV of the D2I tool, a sheet of a workbook.

Rows that belong together are known by the numbers of their tables (a blade), or by the numbers of person and request
that every lower table repeats; then what there is once a request has the request's number, and what there may be often
is numbered in the file's order.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from extract.sen2 import values
from extract.sen2.found import SHOWN, TWICE, UNKNOWN, Told
from extract.sen2.shape import Shape, Table, compared
from send_ready.database import identifier
from send_ready.sen2 import ROOT

PERSON = ("personid", "persontableid")
REQUEST = ("requestsrecordid", "requestrecordsid", "requestrecordid", "requeststableid", "requestsid")
OTHERS = ("nativeid", "sourceid", "recordtype", "la", "messagetableid", "sen2tableid", "newstartdate")  # of no use
ONCE = ("requests", "assessment", "named_plan", "active_plans")  # at most once a request
LA = ("nativeid", "la")


@dataclass(frozen=True)
class Columns:
    """The headings of a table that were known, each with its place; and those that nobody knows."""

    table: Table
    data: dict[str, int]
    ids: dict[str, int]  # by heading as compared
    unknown: tuple[str, ...]
    twice: tuple[str, ...]

    def id_of(self, headings: Sequence[str]) -> int | None:
        """The place of the first of some headings that is there."""
        return next((self.ids[each] for each in headings if each in self.ids), None)

    @property
    def is_linked(self) -> bool:
        """Whether the rows have numbers of their own and of their parent's table, as a blade's."""
        return f"{self.table.blade}tableid" in self.ids and (
            self.table.parent is None or f"{_blade(self.table.parent)}tableid" in self.ids
        )


def _blade(module: str) -> str:
    return module.replace("_", "")


def columns_of(table: Table, shape: Shape, cells: Sequence[str]) -> Columns:
    """What the headings of a file are, taken as those of a module."""
    known_ids = {*PERSON, *REQUEST, *OTHERS, *(f"{each.blade}tableid" for each in shape.tables.values())}
    known_ids |= {f"{each.blade}orderseqcolumn" for each in shape.tables.values()} | {"orderseqcolumn"}
    data: dict[str, int] = {}
    ids: dict[str, int] = {}
    unknown, twice = [], []
    for at, cell in enumerate(cells):
        said = compared(cell)
        column = table.spelt.get(said)
        if column and column not in data and said not in table.ids:
            data[column] = at
        elif column:
            twice.append(cell)
        elif said in known_ids:
            ids.setdefault(said, at)
        elif said:
            unknown.append(_shown(cell, at))
    return Columns(table, data, ids, tuple(unknown), tuple(twice))


def _shown(cell: str, at: int) -> str:
    """A heading as it may be quoted: by its place where it may be a value of a child."""
    text = " ".join(cell.split())[:60]
    return f"(column {at + 1})" if re.search(r"[0-9]{3}", text) or not text.isprintable() else text


def best_table(shape: Shape, cells: Sequence[str]) -> Columns | None:
    """The module that headings are most likely of; None where fewer than two are known."""
    found = [columns_of(table, shape, cells) for table in shape.tables.values()]
    linked = [each for each in found if each.is_linked and f"{each.table.blade}tableid" in each.ids]
    # A blade names its own table and its parent's; a placement those of no plan detail.
    of_blade = [each for each in linked if not any(child in each.ids for child in _below(shape, each.table))]
    best = max(of_blade or found, key=lambda each: len(each.data) - len(each.unknown))
    return best if len(best.data) >= 2 else None


def _below(shape: Shape, table: Table) -> list[str]:
    """The headings of the numbers of the tables below one."""
    return [
        f"{each.blade}tableid" for each in shape.tables.values() if (each.parent or ROOT) == table.name != each.name
    ]


def query(columns: Columns, rows: str, *, is_linked: bool, is_paired: bool) -> str:
    """SQL of a module's rows from a relation (line_no, sheet, c0, c1 …).

    `is_linked`: by the numbers of the tables; else by those of person and request. `is_paired`: a request's number
    counts within its person.
    """
    table = columns.table
    held = {name: f"c{at}" for name, at in columns.data.items()}
    data = ", ".join(f"{held.get(name, 'NULL')}::VARCHAR AS {identifier(name)}" for name in table.columns)
    if is_linked:
        return f"SELECT line_no AS _line, sheet AS _sheet, {_linked(columns)}, {data} FROM {rows}"
    of = _numbered(columns, rows, is_paired)
    return f"SELECT line_no AS _line, sheet AS _sheet, {_by_request(columns)}, {data} FROM {of}"


def _linked(columns: Columns) -> str:
    table = columns.table
    key = f"c{columns.ids[f'{table.blade}tableid']}"
    order = columns.id_of((f"{table.blade}orderseqcolumn", "orderseqcolumn"))
    parts = [f"{key} AS {table.key}"]
    by = "1"
    if table.parent and table.parent_key:
        by = f"c{columns.ids[f'{_blade(table.parent)}tableid']}"
        parts.append(f"{by} AS {table.parent_key}")
    place = f"row_number() OVER (PARTITION BY {by} ORDER BY line_no)::VARCHAR"
    parts.append(f"{place if order is None else f'c{order}'} AS order_seq")
    return ", ".join(parts)


def _numbered(columns: Columns, rows: str, is_paired: bool) -> str:
    """SQL of the rows with the numbers of person and request, and one that no other row has nor names.

    They are made step by step: one expression of all of it takes ten times as long.
    """
    person, request = (
        "NULL::VARCHAR" if at is None else values.number(f"c{at}") for at in map(columns.id_of, (PERSON, REQUEST))
    )
    pair = "request"
    if is_paired:
        paired = "(a + b) * (a + b + 1) // 2 + b"
        pair = f"""CASE WHEN request IS NULL THEN NULL WHEN {paired} BETWEEN 0 AND {values.MOST_ID}
            THEN ({paired})::VARCHAR ELSE (hash(concat(person, ' ', request)) % {values.MOST_ID})::VARCHAR END"""
    return f"""(
        SELECT * REPLACE ({pair} AS request)
        FROM (
            SELECT *, try_cast(person AS HUGEINT) AS a, try_cast(request AS HUGEINT) AS b
            FROM (SELECT *, {person} AS person, {request} AS request, ({values.MOST_ID} - line_no)::VARCHAR AS other
                FROM {rows})))"""


def _by_request(columns: Columns) -> str:
    table = columns.table
    number = "row_number() OVER (ORDER BY line_no)::VARCHAR"
    if table.name == "person":
        return f"coalesce(person, other) AS {table.key}, {number} AS order_seq"
    above = "person" if table.parent == "person" else "request"
    place = f"row_number() OVER (PARTITION BY {above} ORDER BY line_no)"
    key = number
    if table.name == "requests":
        key = "coalesce(request, other)"
    elif table.name in ONCE:  # a second one of a request, which there should not be, has a number of its own
        key = f"CASE WHEN {place} = 1 THEN coalesce(request, other) ELSE other END"
    return f"{key} AS {table.key}, {above} AS {table.parent_key}, {place}::VARCHAR AS order_seq"


def told(columns: Columns, of: str) -> list[Told]:
    """What is to be told of the headings of a table."""
    found = []
    if columns.unknown:
        listed = ", ".join(map(repr, columns.unknown[:SHOWN])) + (", …" if len(columns.unknown) > SHOWN else "")
        found.append(Told(
            UNKNOWN, "query", f"Headings{of} that no table of a SEN2 return has: {listed}. They were passed over, and "
            "stay in the file as it landed.",
            "If one is another spelling, put a row for it into sen2/sen2_spellings.csv of SEND_CONFIG.",
            count=len(columns.unknown),
        ))  # fmt: skip
    if columns.twice:
        listed = ", ".join(map(repr, columns.twice[:SHOWN]))
        found.append(Told(
            TWICE, "query", f"Headings{of} that stand twice: {listed}. The first counts.", "Take one of them out.",
            count=len(columns.twice),
        ))  # fmt: skip
    return found
