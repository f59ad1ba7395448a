"""Sheets of issues: a name for each owner's, and one of the rows of a query."""

import re
import textwrap
from collections.abc import Iterable, Sequence

from duckdb import DuckDBPyConnection

from publish.excel import workbook
from publish.excel.workbook import Column, Grid
from warehouse import run_data

SHEET_NAME = 28  # characters: Excel allows 31, of which a further sheet takes some for its number


def sheet_names(owners: Iterable[str]) -> dict[str, str]:
    """A sheet's name for every owner who has something to do, as Excel allows it, each another."""
    names: dict[str, str] = {}
    for owner in owners:
        plain = re.sub(r"[\[\]:*?/\\]", " ", workbook.plain(owner or "") or "").strip("' ") or "an owner not named"
        name = f"To {plain}"
        if len(name) > SHEET_NAME:
            name = f"{textwrap.wrap(name, SHEET_NAME - 1)[0]}…"
        taken = {each.casefold() for each in names.values()}
        numbered = (f"{name[: SHEET_NAME - 4]} ({number})" for number in range(2, len(taken) + 3))
        names[owner] = next(each for each in (name, *numbered) if each.casefold() not in taken)
    return names


def table(con: DuckDBPyConnection, name: str, columns: Sequence[tuple[str, str, str, float]], rows: str) -> Grid:
    """A filtered sheet of the rows of a query, `FROM …`: header, kind, expression in SQL and width of each column."""
    values = run_data.columns(con, f"SELECT {', '.join(expression for _, _, expression, _ in columns)} {rows}")
    return Grid(
        name,
        [Column(header, kind, held, width) for (header, kind, _, width), held in zip(columns, values, strict=True)],
        is_filtered=True,
    )
