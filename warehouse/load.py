"""Schema `raw` of a run's warehouse: each feed's typed rows, what was received, and what dbt cannot know by itself."""

from typing import Any

import duckdb

from extract import contract as contracts
from extract import quarantine
from extract.contract import TYPES, Contract
from extract.types import YEARS
from send_ready import runs, systems, tables
from send_ready.database import identifier, literal
from send_ready.layout import COUNCILS
from send_ready.runs import Run
from send_ready.settings import Settings

HOLIDAY_COLUMNS = {"holiday_date": "DATE", "holiday_name": "VARCHAR"}
DECISION_COLUMNS = ("record_1", "record_2", "decision", "decided_by", "decided_on", "note")
# The feeds that put a child on a list, and what is known of their records that were set aside (see extract/types.py).
LISTING_FEEDS = (
    "capita_one.students",
    "capita_one.ehc_plans",
    "capita_one.sen_provision",
    "capita_one.enrolments",
    "ehc_hub.cases",
)
ASIDE_COLUMNS = {
    "feed": "VARCHAR",
    "file_name": "VARCHAR",
    "line_no": "BIGINT",
    "kind": "VARCHAR",
    "column_name": "VARCHAR",
    "reason": "VARCHAR",
    "held": "VARCHAR",
}
ROW_COLUMNS = ("_line_no BIGINT", "_unreadable VARCHAR")  # what extract/types.py says of each row
FEED_COLUMNS = {
    "source": "VARCHAR",
    "feed": "VARCHAR",
    "title": "VARCHAR",
    "owner": "VARCHAR",
    "status": "VARCHAR",
    "is_stale": "BOOLEAN",
    "was_ever_received": "BOOLEAN",
    "columns_missing": "VARCHAR",  # of the file in use, separated by ; and a blank
    "data_date": "DATE",
    "file_name": "VARCHAR",
    "sha256": "VARCHAR",
    "rows_in_file": "BIGINT",
    "rows_accepted": "BIGINT",
    "rows_quarantined": "BIGINT",
    "rows_duplicate": "BIGINT",
    "stale_after_days": "BIGINT",
    "columns_besides": "VARCHAR",  # quiet ones that the file in use has, likewise
    "absent_reason": "VARCHAR",  # why the council has none, where it says so
}


def create(con: duckdb.DuckDBPyConnection, run: Run, settings: Settings) -> int:
    """The number of records of all feeds, after creating schema raw.

    It holds a view of each feed's typed rows, an empty table where there are none, and what was received.
    """
    results = {f"{result['source']}.{result['feed']}": result for result in runs.feed_results(run)}
    rows = 0
    con.execute("CREATE SCHEMA raw")
    for contract in contracts.load_all(settings):
        result = results.get(contract.id)
        _create_feed(con, run, contract, result["typed_path"] if result else None)
        rows += result["rows_accepted"] if result else 0
    con.execute(f"CREATE TABLE raw.feeds ({', '.join(f'{name} {kind}' for name, kind in FEED_COLUMNS.items())})")
    for result in results.values():
        values = result | {
            "was_ever_received": result["typed_path"] is not None,
            "columns_missing": "; ".join(result["columns_missing"]) or None,
            "columns_besides": "; ".join(result.get("columns_besides", ())) or None,
            "absent_reason": result.get("absent_reason"),
        }
        con.execute(f"INSERT INTO raw.feeds VALUES ({', '.join(literal(values[name]) for name in FEED_COLUMNS)})")
    _create_aside(con, run, results)
    _create_decisions(con, settings)
    _create_calendar(con)
    con.execute(f"CREATE TABLE raw.systems ({', '.join(f'{name} VARCHAR' for name in systems.COLUMNS)})")
    for each in systems.names(settings.config).given.items():
        con.execute(f"INSERT INTO raw.systems VALUES ({', '.join(map(literal, each))})")
    con.execute(f"CREATE TABLE raw.councils AS FROM read_csv({literal(COUNCILS)}, all_varchar = true)")
    return rows


def _create_feed(con: duckdb.DuckDBPyConnection, run: Run, contract: Contract, typed_path: str | None) -> None:
    table = f"raw.{identifier(contract.name)}"
    if typed_path:
        con.execute(f"CREATE VIEW {table} AS FROM read_parquet({literal(run.home / typed_path)})")
    else:
        columns = [f"{identifier(column.name)} {TYPES[column.type]}" for column in contract.columns]
        con.execute(f"CREATE TABLE {table} ({', '.join([*columns, *ROW_COLUMNS])})")


def _create_aside(con: duckdb.DuckDBPyConnection, run: Run, results: dict[str, Any]) -> None:
    """Records set aside that may be of a child: neither titles and totals nor rows whose key another row has."""
    con.execute(f"CREATE TABLE raw.set_aside ({', '.join(f'{name} {kind}' for name, kind in ASIDE_COLUMNS.items())})")
    for feed in LISTING_FEEDS:
        path = results[feed]["quarantine_path"] if feed in results else None
        if path:
            con.execute(f"""
                INSERT INTO raw.set_aside
                SELECT {literal(feed)}, file_name, line_no, kind, column_name, reason, held
                FROM read_parquet({literal(run.home / path)})
                WHERE kind IN ({literal(quarantine.KEY)}, {literal(quarantine.SHAPE)})""")


def _create_decisions(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """What people decided about pairs in the review queue: SEND_CONFIG/decisions/person_links.csv."""
    con.execute(f"CREATE TABLE raw.person_decisions ({', '.join(f'{name} VARCHAR' for name in DECISION_COLUMNS)})")
    decisions = settings.config / "decisions" / "person_links.csv" if settings.config else None
    if decisions and decisions.is_file():
        for _, row in tables.read_rows(decisions, *tables.DECISIONS):
            con.execute(f"INSERT INTO raw.person_decisions VALUES ({', '.join(map(literal, row.values()))})")


def _create_calendar(con: duckdb.DuckDBPyConnection) -> None:
    """The bank holidays of England, which are those of Wales too, for every year that a date may be of."""
    import holidays

    first, last = YEARS
    found = holidays.country_holidays("GB", subdiv="ENG", years=range(first, last + 1))
    columns = ", ".join(f"{name} {kind}" for name, kind in HOLIDAY_COLUMNS.items())
    con.execute(f"CREATE TABLE raw.bank_holidays ({columns})")
    rows = ", ".join(f"({literal(day)}, {literal(name)})" for day, name in sorted(found.items()))
    con.execute(f"INSERT INTO raw.bank_holidays VALUES {rows}")
