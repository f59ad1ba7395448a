"""The tables of a run that are published, with descriptions and keys; the same as DuckDB, Parquet and PostgreSQL."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from duckdb import DuckDBPyConnection

import send_ready
from send_ready.database import identifier, literal
from send_ready.layout import LAYOUT_VERSION
from send_ready.runs import Run
from warehouse import run_data
from warehouse.descriptions import OURS, STAMP
from warehouse.keys import Keys, keys_of

FOR_ALL = ("core", "kpi", "quality")  # what every analyst may read
SCHEMAS = (*FOR_ALL, "annex_a", "person_identifiable", "sen2")
PARTIAL = ("quality", "quality_issues")  # the issues that dbt found, a part of quality.issues
# Words that may be a person's name stay in issues.xlsx: a value that no crosswalk has, which may come from a shifted
# export, and the name of a file that belongs to no feed.
ISSUES = """
    SELECT * REPLACE (
        if(rule = 'M-01', regexp_replace(message, '“.*”', '(quoted in issues.xlsx)', 's'), message) AS message,
        if(rule = 'F-17', '(named in issues.xlsx)', file_name) AS file_name
    )
    FROM issue
"""
SEN2_ISSUES = """
    SELECT rule, severity, message, fix, owner, module, column_name, unique_id, case_id, plan_id FROM sen2_issue
"""


@dataclass(frozen=True)
class Column:
    """A column as it is published; its type is DuckDB's."""

    name: str
    type: str
    comment: str | None


@dataclass(frozen=True)
class Table:
    """A table as it is published, and the query that fills it on a connection that run_data.attach has prepared."""

    schema: str
    name: str
    query: str
    columns: tuple[Column, ...]
    comment: str | None

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"


def tables(con: DuckDBPyConnection, run: Run) -> list[Table]:
    """The published tables: those of dbt in these schemas, all issues, and the run. Each has la_code and run_id."""
    comments = _comments(con)
    found = [_table(con, run, name, source, comments.get(name, {})) for name, source in _sources(con, run)]
    return sorted(found, key=lambda table: (SCHEMAS.index(table.schema), table.name))


def keys(run: Run) -> dict[str, Keys]:
    """The keys of the tables that dbt built, by `schema.table` as published; references are named the same way.

    Raises RunError when the run was never built.
    """
    return {
        _published_name(*built.split(".")): replace(
            found,
            references={
                column: (_published_name(*table.split(".")), there)
                for column, (table, there) in found.references.items()
            },
        )
        for built, found in keys_of(run).items()
        if tuple(built.split(".")) != PARTIAL
    }


def _sources(con: DuckDBPyConnection, run: Run) -> list[tuple[str, str]]:
    """The published name of each table and a query for its rows, in an order that does not depend on dbt's threads."""
    built = con.execute(
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = 'built' ORDER BY ALL"
    ).fetchall()
    sources = [
        (_published_name(schema, table), f"SELECT * FROM built.{schema}.{identifier(table)} ORDER BY ALL")
        for schema, table in built
        if schema in SCHEMAS and (schema, table) != PARTIAL
    ]
    about = {"code_version": send_ready.__version__, "layout_version": LAYOUT_VERSION}
    values = "".join(f", {literal(value)} AS {name}" for name, value in about.items())
    runs = f"SELECT DATE {literal(run.as_at)} AS as_at_date{values}"
    return [*sources, ("quality.issues", ISSUES), ("quality.sen2_issues", SEN2_ISSUES), ("quality.runs", runs)]


def _table(con: DuckDBPyConnection, run: Run, name: str, source: str, comments: Mapping[str | None, str]) -> Table:
    """One published table, with la_code and run_id added where the source has none."""
    types = {column: kind for column, kind, *_ in con.execute(f"DESCRIBE {source}").fetchall()}
    stamp = {"la_code": run.la_code, "run_id": run.run_id}
    added = [column for column in stamp if column not in types]
    values = "".join(f", {literal(stamp[column])} AS {column}" for column in added)
    said: dict[str | None, str] = {**OURS.get(name, {}), **{column: STAMP[column] for column in added}, **comments}
    columns = (types | dict.fromkeys(added, "VARCHAR")).items()
    schema, table = name.split(".")
    return Table(
        schema,
        table,
        query=f"SELECT *{values} FROM ({source})",
        columns=tuple(Column(column, kind, said.get(column)) for column, kind in columns),
        comment=said.get(None),
    )


def _comments(con: DuckDBPyConnection) -> dict[str, dict[str | None, str]]:
    """dbt's descriptions of tables (under None) and their columns, by published name of the table."""
    rows = con.execute(
        """
        SELECT schema_name, table_name, NULL, comment FROM duckdb_tables() WHERE database_name = 'built'
        UNION ALL
        SELECT schema_name, view_name, NULL, comment FROM duckdb_views() WHERE database_name = 'built'
        UNION ALL
        SELECT schema_name, table_name, column_name, comment FROM duckdb_columns() WHERE database_name = 'built'
        """
    ).fetchall()
    found: dict[str, dict[str | None, str]] = {}
    said = run_data.systems(con).said
    for schema, table, column, comment in rows:
        if comment and (schema, table) != PARTIAL:
            found.setdefault(_published_name(schema, table), {})[column] = said(comment)
    return found


def _published_name(schema: str, table: str) -> str:
    """The published name of a table: quality.feeds for quality.quality_feeds, kpi.values for kpi.kpi_values."""
    return f"{schema}.{table.removeprefix(f'{schema}_')}"
