"""Values of coded columns that no crosswalk has, as far as they may be shown."""

from collections.abc import Iterator

import duckdb

from extract.contract import Contract
from extract.shown import AT_LEAST, may_be_shown
from publish.report.check import CARE, Line
from send_ready.database import identifier
from send_ready.settings import Settings
from send_ready.words import counted
from warehouse import seeds

SHOWN = 20  # values of a column, for any to be listed


def new_codes(given: Settings, con: duckdb.DuckDBPyConnection, contract: Contract, of_what: str) -> Iterator[Line]:
    """A line for each value of the relation `typed` that no crosswalk has, or one for all that may be no codes."""
    for column in contract.columns:
        if not (column.crosswalk and column.headers):
            continue
        known = {row["local_value"].strip().lower() for row in seeds.rows(f"xwalk_{column.crosswalk}", given)}
        values = con.execute(
            f"SELECT {identifier(column.name)}, count(*) FROM typed WHERE {identifier(column.name)} IS NOT NULL "
            "GROUP BY 1 ORDER BY 2 DESC, 1"
        ).fetchall()
        found = [(value, count) for value, count in values if value.strip().lower() not in known]
        shown = [each for each in found if each[1] >= AT_LEAST and may_be_shown(each[0])] if len(found) <= SHOWN else []
        for value, count in shown:
            what = f"{value!r}, {counted(count, 'row')}"
            fix = f"Add a row `value,code` to crosswalks/xwalk_{column.crosswalk}.csv in SEND_CONFIG."
            yield Line(CARE, (of_what, column.headers[0], what, fix))
        if others := len(found) - len(shown):
            fix = "Each in few rows, or of many: perhaps no codes. `make check FILE=` reads all of a file."
            yield Line(CARE, (of_what, column.headers[0], f"{counted(others, 'value')}, not listed", fix))
