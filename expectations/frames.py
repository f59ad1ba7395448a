"""What rules look at: the columns of a feed or list that they name, read from DuckDB into pandas.

Two things are decided here and nowhere else.

Helper columns: some rules need a value that no export holds (an age, a day of the week). Each is
one SQL expression over the columns of its feed or list, and rules use it like any other column.

Types: Great Expectations compares whole columns at once only for float64 (anything else is walked
value by value: 4 s for 1.5 million rows), and pandas has no blank for plain integers and booleans.
So numbers and booleans are read as DOUBLE (true is 1, false is 0), dates as timestamps, and text
as text. Dates are compared with dates by pair expectations, so that no rule needs a bound in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

import duckdb

from send_ready.warehouse import identifier, literal

if TYPE_CHECKING:
    import pandas as pd

_OPEN_PLAN = "cease_date IS NULL OR cease_date > $as_at"

EVERYWHERE = {
    "as_at_date": "$as_at",
    "forty_years_ago": "$as_at - INTERVAL 40 YEAR",
    "four_weeks_ago": "$as_at - INTERVAL 28 DAY",
}
HELPERS: dict[str, dict[str, str]] = {
    "capita_one.attendance": {
        "weekday": "isodow(week_commencing)",  # 1 is Monday
        "sessions_absent": "coalesce(authorised_absence, 0) + coalesce(unauthorised_absence, 0)",
    },
    "capita_one.ehc_plans": {
        "placement": "coalesce(named_urn, setting_type)",
        "is_open": _OPEN_PLAN,
    },
    "capita_one.sen_needs": {
        "is_open": "end_date IS NULL OR end_date > $as_at",
    },
    "social_care.involvements": {
        "is_open": "end_date IS NULL OR end_date > $as_at",
    },
}
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UBIGINT", "FLOAT", "DOUBLE", "DECIMAL", "BOOLEAN")


def read(
    con: duckdb.DuckDBPyConnection, source: str, row: str, name: str, columns: Iterable[str], as_at: date
) -> pd.DataFrame:
    """The named columns of `source` (a table or table function), helpers included, for the rules of `name`.

    The index is the SQL expression `row` (a row's number in the source). Columns that the source
    cannot give are left out: the engine reports the rules that needed them.
    """
    helpers = {
        helper: expression.replace("$as_at", f"DATE {literal(as_at)}")
        for helper, expression in (EVERYWHERE | HELPERS.get(name, {})).items()
    }
    held = {column: kind for column, kind, *_ in con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    selected = []
    for column in sorted(set(columns)):
        expression = identifier(column) if column in held else helpers.get(column)
        kind = held.get(column) or (expression and _type(con, source, expression))
        if kind:
            selected.append(f"{_cast(f'({expression})', kind)} AS {identifier(column)}")
    frame = con.execute(f"SELECT {', '.join([f'{row} AS _row', *selected])} FROM {source}").df().set_index("_row")
    frame.index.name = None  # a named index makes Great Expectations collect rows one by one
    return frame


def _type(con: duckdb.DuckDBPyConnection, source: str, expression: str) -> str | None:
    """The type of an expression over the source; None when the source lacks a column that it uses."""
    try:
        return str(con.execute(f"DESCRIBE SELECT {expression} AS value FROM {source}").fetchall()[0][1])
    except duckdb.BinderException:
        return None


def _cast(expression: str, kind: str) -> str:
    if kind.startswith(_NUMBERS):
        return f"{expression}::DOUBLE"
    return f"{expression}::TIMESTAMP" if kind.startswith(("DATE", "TIMESTAMP")) else f"{expression}::VARCHAR"
