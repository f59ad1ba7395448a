"""Nine tables of a SEN2 return made by hand, in a database attached as `built`, as a run's warehouse is."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import duckdb

from send_ready import sen2
from send_ready.database import identifier, scratch

KINDS = {"date": "DATE", "flag": "BOOLEAN"}
Rows = Mapping[str, Sequence[Mapping[str, Any]]]  # by module
HEADER = {
    "sen2_table_id": 1,
    "collection": "SEN2",
    "year": "2027",
    "reference_date": date(2027, 1, 21),
    "source_level": "L",
    "lea": "999",
    "software_code": "SEND Ready",
    "release": "1.0",
    "serial_no": "001",
    "date_time": "2026-11-16T00:00:00",
}


def columns_of(module: str) -> dict[str, str]:
    """The columns of a module's table in every year, with their types."""
    this = sen2.modules(2027)[module]
    keys = {this.key: "BIGINT"} | ({this.parent_key: "BIGINT"} if this.parent_key else {})
    keys |= {} if module == sen2.ROOT else {"order_seq": "BIGINT", "unique_id": "VARCHAR"}
    return keys | {each.column_name: KINDS.get(each.data_type, "VARCHAR") for each in sen2.every_column(module)}


def create(
    con: duckdb.DuckDBPyConnection, rows: Rows, year: int = 2027, *, is_draft: bool = True, run_id: str = "a-run"
) -> None:
    """Create the tables, in schemas `sen2` and `int` that are there; what a row does not name is blank."""
    survey = sen2.survey(year)
    con.execute(
        f"CREATE TABLE int.int_sen2__return AS SELECT {year} AS survey_year, DATE '{survey.survey_day}' AS "
        f"survey_day, DATE '{survey.due_day}' AS due_day, {is_draft} AS is_draft"
    )
    for module in sen2.modules(2027).values():
        columns = columns_of(module.name)
        table = f"sen2.{module.table}"
        of_run = f"la_code VARCHAR DEFAULT '999', run_id VARCHAR DEFAULT '{run_id}'"
        con.execute(f"CREATE TABLE {table} ({', '.join(f'{identifier(c)} {k}' for c, k in columns.items())}, {of_run})")
        given = [HEADER | {"year": str(year), "reference_date": survey.survey_day}]
        for row in given if module.name == sen2.ROOT else rows.get(module.name, ()):
            assert row.keys() <= columns.keys(), row.keys() - columns.keys()
            con.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", [*row.values()])


def warehouse(rows: Rows, year: int = 2027, *, is_draft: bool = True) -> duckdb.DuckDBPyConnection:
    """A connection with the tables attached as `built`."""
    con = scratch(threads=1)
    con.execute("ATTACH ':memory:' AS built; USE built; CREATE SCHEMA sen2; CREATE SCHEMA int")
    create(con, rows, year, is_draft=is_draft)
    con.execute("USE memory")
    return con


def many(persons: int) -> duckdb.DuckDBPyConnection:
    """A connection with a return of so many persons, each with as much as a return usually has."""
    con = warehouse({})
    filled = {
        "date": "DATE '2010-01-01' + CAST(n % 5000 AS INTEGER)",
        "flag": "n % 7 = 0",
        "code": "chr(CAST(65 + n % 3 AS INTEGER))",
        "text": "'Text of ' || n",
    }
    for module in list(sen2.modules(2027).values())[1:]:
        times = 2 if module.name in ("sen_need", "placement_detail") else 1
        order = "n + 1" if module.name == "person" else f"1 + n % {times}"
        of = {"order_seq": order, "unique_id": f"'U' || (n // {times})"}
        keys = {module.key: "n + 1"} | ({module.parent_key: f"n // {times} + 1"} if module.parent_key else {})
        values = {each.column_name: filled.get(each.data_type, "NULL") for each in sen2.every_column(module.name)}
        every = keys | of | values
        chosen = ", ".join(every[name] for name in columns_of(module.name))
        names = ", ".join(columns_of(module.name))
        con.execute(
            f"INSERT INTO built.sen2.{module.table} ({names}) SELECT {chosen} FROM range({persons * times}) AS t(n)"
        )
    return con


def persons(*rows: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of persons in order, with their numbers and Unique IDs."""
    return [
        {"person_table_id": at, "order_seq": at, "unique_id": f"A{at}", **row} for at, row in enumerate(rows, start=1)
    ]


def texts(con: duckdb.DuckDBPyConnection, module: sen2.Module) -> list[dict[str, str]]:
    """The rows of a module's table in order, each value as the XML has it, without blanks."""
    found = []
    names = [each.column_name for each in module.columns]
    source = f"built.sen2.{module.table} ORDER BY {module.key}"
    for row in con.execute(f"SELECT {', '.join(map(identifier, names))} FROM {source}").fetchall():
        found.append({name: _text(value) for name, value in zip(names, row, strict=True) if value not in (None, "")})
    return found


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else value.isoformat() if isinstance(value, date) else str(value)
