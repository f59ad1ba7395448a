"""How complete the columns of the lists are, and how many errors stand in each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from duckdb import DuckDBPyConnection

from publish.kpi.figures import rounded
from send_ready.database import identifier, literal
from send_ready.layout import ListColumn, lists

NOT_RECORDED = ("UNKNOWN", "Unknown", "Not specified")  # what the lists write where nothing is recorded
RARELY_FILLED = ("uln", "updated_plan_date", "subsidiary_phase", "social_care_team")  # for most children rightly blank
SHOWN = 8  # columns at most that have a bar; every one stands in the table


@dataclass(frozen=True)
class Column:
    """A column of the lists: for each list the share of rows that have something in it, and its open errors."""

    header: str
    filled: Sequence[float | None]
    errors: Sequence[int]
    is_rarely_filled: bool

    @property
    def error_count(self) -> int:
        return sum(self.errors)

    @property
    def least(self) -> float:
        return min((share for share in self.filled if share is not None), default=100.0)


def blanks(con: DuckDBPyConnection) -> list[tuple[str, ListColumn, int, int]]:
    """List, column, rows in which nothing is recorded, and all rows: of every column of both lists."""
    unknown = ", ".join(map(literal, NOT_RECORDED))
    found = []
    for each in lists():
        counted = ", ".join(
            f"count(*) FILTER (coalesce({identifier(column.column_name)}::VARCHAR, 'UNKNOWN') IN ({unknown}))"
            for column in each.columns
        )
        rows, *numbers = con.execute(f"SELECT count(*), {counted} FROM built.{each.table}").fetchall()[0]
        found += [(each.name, column, blank, rows) for column, blank in zip(each.columns, numbers, strict=True)]
    return found


def columns(con: DuckDBPyConnection) -> list[Column]:
    """Every column of the lists, in their order, with how complete it is and its open errors on each list."""
    errors: dict[tuple[str, str], int] = {}
    for name, header, count in con.execute(
        "SELECT list_name, column_name, count(*) FROM issue WHERE severity IN ('stop', 'error') "
        "AND list_name IS NOT NULL AND column_name IS NOT NULL GROUP BY ALL"
    ).fetchall():
        errors[name, header] = count
    filled: dict[str, dict[str, float]] = {}
    order: dict[str, str] = {}
    for name, column, blank, rows in blanks(con):
        order.setdefault(column.header, column.column_name)
        if rows:
            filled.setdefault(column.header, {})[name] = 100 * (rows - blank) / rows
    names = [each.name for each in lists()]
    return [
        Column(
            header,
            [filled.get(header, {}).get(name) for name in names],
            [errors.get((name, header), 0) for name in names],
            column_name in RARELY_FILLED,
        )
        for header, column_name in order.items()
    ]


def tables(columns: Sequence[Column]) -> dict[str, Any]:
    """What the section on the quality of data says of the columns: those with most errors, and the least complete."""
    worst = sorted((column for column in columns if column.error_count), key=lambda column: -column.error_count)
    least = [column for column in columns if not column.is_rarely_filled and rounded(column.least) < 100]
    least.sort(key=lambda column: column.least)
    return {
        "list_names": [each.name for each in lists()],
        "error_columns": worst[:SHOWN],
        "error_widest": max((column.error_count for column in worst), default=0),
        "error_table": [[column.header, *(f"{count:,}" for count in column.errors)] for column in columns],
        "least_columns": least[:SHOWN],
        "filled_table": [
            [column.header, *("not on it" if share is None else f"{rounded(share)}%" for share in column.filled)]
            for column in columns
        ],
    }
