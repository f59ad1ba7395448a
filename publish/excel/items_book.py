"""What stands in annex_a_further_items.xlsx: what else the lists' data answers of Annex A, a sheet an item."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

import send_ready
from publish.chronology import suggested
from publish.excel import workbook
from publish.excel.workbook import Block, Column, Grid, Page
from send_ready.database import identifier, literal
from send_ready.layout import LAYOUT_VERSION, council, council_or_number, rows_of
from send_ready.runs import Run
from send_ready.systems import Names
from send_ready.words import short_date
from warehouse import run_data
from warehouse.run_data import STATES, Feed

NAME = "annex_a_further_items.xlsx"
TITLE = "Annex A further items"
TRACKING = "rpt_annex_a__tracking_candidates"  # of which the sheet shows the suggested few
WRAPPED = ("rpt_annex_a__cohorts", TRACKING)  # sheets with sentences in their cells
LINE = 165  # characters of a line above a table
# How a column's values leave the warehouse, and as what they stand in the workbook.
_CASTS = {"date": "DATE", "count": "BIGINT", "percentage": "DOUBLE", "hours": "DOUBLE"}
_KINDS = {"hours": "percentage", "council": "text"}
OURS = Names({})


@dataclass(frozen=True)
class Item:
    """One sheet, as dbt_project/seeds/spec/annex_a_items.csv describes it."""

    item: str  # 2.5, or the handbook's paragraph
    title: str
    sheet: str
    model: str
    sort_by: str
    feeds: frozenset[str]
    asked: str
    definition: str
    limits: str


@dataclass(frozen=True)
class ItemColumn:
    """One column of a sheet, as dbt_project/seeds/spec/annex_a_item_columns.csv describes it."""

    column_name: str
    header: str
    data_type: str  # text | date | count | percentage | hours | council
    definition: str


def items(names: Names = OURS) -> list[Item]:
    """Every sheet of the layout in force, in order, with the systems under the council's names."""
    return [
        Item(
            item=row["item"],
            title=row["title"],
            sheet=row["sheet"],
            model=row["model"],
            sort_by=row["sort_by"],
            feeds=frozenset(row["feeds"].split()),
            asked=row["asked"],
            definition=names.said(row["definition"]),
            limits=names.said(row["limits"]),
        )
        for row in sorted(rows_of("annex_a_items.csv"), key=lambda row: int(row["sort_order"]))
    ]


def item_columns(names: Names = OURS) -> dict[str, list[ItemColumn]]:
    """The columns of every model that a sheet shows, in order, with the systems under the council's names."""
    found: dict[str, list[ItemColumn]] = {}
    for row in sorted(rows_of("annex_a_item_columns.csv"), key=lambda row: int(row["position"])):
        header, definition = names.said(row["header"]), names.said(row["definition"])
        column = ItemColumn(row["column_name"], header, row["data_type"], definition)
        found.setdefault(row["model"], []).append(column)
    return found


def write(path: Path, con: DuckDBPyConnection, run: Run, seed: str) -> dict[str, int]:
    """How many rows stand on each sheet of the workbook, which is written. The seed chooses the tracking set."""
    names = run_data.systems(con)
    feeds, columns = run_data.feeds(con), item_columns(names)
    grids = [_sheet(con, item, columns[item.model], feeds, run, seed) for item in items(names)]
    rows = {grid.name: len(grid.columns[0].values) for grid in grids}
    workbook.write(path, TITLE, [_contents(feeds, rows, run), *grids, _columns(columns)])
    return rows


def _sheet(
    con: DuckDBPyConnection,
    item: Item,
    columns: Sequence[ItemColumn],
    feeds: Sequence[Feed],
    run: Run,
    seed: str,
) -> Grid:
    if item.model == TRACKING:
        shown, notes = _suggested(con, item, columns, seed)
    else:
        shown, notes = _values(con, columns, f"built.annex_a.{identifier(item.model)} ORDER BY {item.sort_by}"), []
    lines = [
        f"What it shows, as at {short_date(run.as_at)}: {item.definition}",
        f"What the data cannot answer: {item.limits}",
        f"Data: {_dated([feed for feed in feeds if feed.name in item.feeds])}.",
        *notes,
    ]
    above = [f"{item.item}  {item.title}", *(part for line in lines for part in textwrap.wrap(line, LINE))]
    return Grid(item.sheet, shown, is_filtered=True, is_wrapped=item.model in WRAPPED, above=above)


def _values(con: DuckDBPyConnection, columns: Sequence[ItemColumn], source: str) -> list[Column]:
    chosen = ", ".join(
        f"CAST({identifier(column.column_name)} AS {_CASTS.get(column.data_type, 'VARCHAR')})" for column in columns
    )
    held = run_data.columns(con, f"SELECT {chosen} FROM {source}")
    return [
        Column(column.header, _KINDS.get(column.data_type, column.data_type), _shown(column, values))
        for column, values in zip(columns, held, strict=True)
    ]


def _shown(column: ItemColumn, values: list[Any]) -> list[Any]:
    if column.data_type != "council":
        return values
    names = {code: council(code) for code in set(values) if code}
    return [code and (f"{names[code]} ({code})" if names[code] else code) for code in values]


def _suggested(
    con: DuckDBPyConnection, item: Item, columns: Sequence[ItemColumn], seed: str
) -> tuple[list[Column], list[str]]:
    """The suggested children in the order of their choice, why each was taken, and what the set does not meet."""
    suggestion = suggested.suggest(con, seed)
    reasons = ["; ".join(child.reasons) or "Makes the set up to six" for child in suggestion.children]
    ids = [child.unique_id for child in suggestion.children]
    chosen = ", ".join(literal(unique_id) for unique_id in ids)
    source = f"built.annex_a.{item.model} WHERE unique_id IN ({chosen or literal(None)})"
    shown = _values(con, columns, f"{source} ORDER BY list_position([{chosen}], unique_id)")
    notes = [f"Seed: {seed}. Of {len(suggested.REQUIREMENTS)} requirements the set meets all."]
    if suggestion.unmet:
        notes = [f"Seed: {seed}. Not met: {' '.join(suggestion.unmet)}"]
    return [shown[0], Column("Chosen for", "text", reasons, 60), *shown[1:]], notes


def _contents(feeds: Sequence[Feed], rows: dict[str, int], run: Run) -> Page:
    every = items()
    used = [feed for feed in feeds if any(feed.name in item.feeds for item in every)]
    return Page(
        "Contents",
        TITLE,
        [
            Block(
                "This workbook",
                [
                    Column("Council", "text", [council_or_number(run.la_code)]),
                    Column("Made by", "text", [f"SEND Ready {send_ready.__version__}"]),
                    Column("DfE number", "text", [run.la_code]),
                    Column("Layout", "text", [LAYOUT_VERSION]),
                    Column("As-at date", "date", [run.as_at]),
                ],
            ),
            _contents_block(every, feeds, rows),
            Block(
                "What each feed behind them holds",
                [
                    Column("Feed", "text", [feed.title for feed in used]),
                    Column("Note", "text", [feed.note for feed in used]),
                    Column("State", "text", [STATES[feed.status] for feed in used]),
                    Column("Data date", "date", [feed.data_date for feed in used]),
                ],
            ),
            Block("Notes", [Column("", "text", _NOTES)], has_header=False),
        ],
        widths=(34, 100, 13, 11, 13, 13, 20),
    )


def _contents_block(every: Sequence[Item], feeds: Sequence[Feed], rows: dict[str, int]) -> Block:
    behind = [[feed for feed in feeds if feed.name in item.feeds] for item in every]
    dates = [[feed.data_date for feed in used if feed.data_date] for used in behind]
    others = [sum(not feed.is_in_order for feed in used) for used in behind]
    return Block(
        "What is in it",
        [
            Column("Sheet", "text", [item.sheet for item in every]),
            Column("What is asked", "text", [item.asked for item in every]),
            Column("Annex A", "text", [item.item for item in every]),
            Column("Rows", "count", [rows[item.sheet] for item in every]),
            Column("Oldest data", "date", [min(days, default=None) for days in dates]),
            Column("Newest data", "date", [max(days, default=None) for days in dates]),
            Column(
                "State of its feeds",
                "text",
                [
                    f"{other} of {len(used)} not fresh" if other else "All fresh"
                    for other, used in zip(others, behind, strict=True)
                ],
            ),
        ],
    )


def _columns(columns: dict[str, list[ItemColumn]]) -> Grid:
    """What each column of each sheet holds."""
    listed = [(item.sheet, column.header, column.definition) for item in items() for column in columns[item.model]]
    sheets, headers, definitions = zip(*listed, strict=True)
    return Grid(
        "Columns",
        [
            Column("Sheet", "text", sheets),
            Column("Column", "text", headers),
            Column("What it holds", "text", definitions, 90),
        ],
        is_filtered=True,
        is_wrapped=True,
    )


def _dated(feeds: Sequence[Feed]) -> str:
    """The feeds by data date, newest first, with the state of those that are not fresh."""
    days: dict[date | None, list[str]] = {}
    for feed in sorted(feeds, key=lambda feed: feed.data_date or date.min, reverse=True):
        state = "" if feed.status == "fresh" or not feed.data_date else f" ({feed.status})"
        days.setdefault(feed.data_date, []).append(feed.title.split(": ")[-1] + state)
    dated = {short_date(day) if day else "never received": names for day, names in days.items()}
    return "; ".join(f"{day}: {', '.join(names)}" for day, names in dated.items())


_NOTES = [
    f"The items are those of the Annex A request of November 2022 (version {LAYOUT_VERSION}).",
    "Conformance to the June 2025 handbook is not claimed.",
    "Each sheet says what it shows, what its data cannot answer, and the date of each feed. Columns explains the rest.",
    "An empty cell means that nothing is recorded, or that no feed tells; it is never a nought.",
    "This workbook holds personal data about children, and small counts can point to a child. "
    "Share it only by the means agreed for it.",
]
