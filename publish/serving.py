"""The published warehouse: serving/warehouse.duckdb and serving/parquet/, replaced as one while others read.

`serving` is a link to a folder of `published/`. A new version is built beside the old one and the link is
turned in one move, so whoever opens a path meets one version, whole. The version before stays until the
next time, for readers that still have it open.
"""

import shutil
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from duckdb import DuckDBPyConnection
from duckdb import Error as DuckDBError

import send_ready
from publish import findings
from publish.descriptions import OURS, STAMP
from publish.folders import point
from send_ready import files, warehouse
from send_ready.layout import LAYOUT_VERSION
from send_ready.runs import Run, step
from send_ready.settings import Settings
from send_ready.warehouse import identifier, literal

SCHEMAS = ("core", "annex_a", "quality", "kpi")
PARTIAL = "quality_issues"  # what dbt found, a part of quality.issues
DATABASE, PARQUET = "warehouse.duckdb", "parquet"


def serve(run: Run, settings: Settings) -> Path:
    """Publish core, annex_a, quality and kpi of the run's warehouse, and say where. Every table has la_code and run_id.

    A rebuilt past day has its pack, but never takes the place of a later day here: BI tools read this.
    """
    with files.locked(settings.home / "locks" / "serve"), step(run, "serve") as doing:
        versions = settings.home / "published"
        versions.mkdir(parents=True, exist_ok=True)
        link = settings.home / "serving"
        if (standing := _as_at(link)) and standing > run.as_at:
            doing.note = f"the published warehouse is as at {standing} and stays; delete {link} to publish this day"
            return link
        before = link.readlink().name if link.is_symlink() else None
        version = Path(tempfile.mkdtemp(prefix=f"{run.run_id}_", dir=versions))
        doing.rows = _build(version, run)
        point(link, version)
        for folder in versions.iterdir():
            if folder.name not in (version.name, before):
                shutil.rmtree(folder)
    return link


def _as_at(link: Path) -> date | None:
    """The as-at date of the published warehouse; None when there is none, or it is damaged and has to go.

    From the Parquet copy: the database may be locked by somebody's tool.
    """
    try:
        with warehouse.scratch() as con:
            runs = link / PARQUET / "quality" / "runs.parquet"
            row = con.execute(f"SELECT as_at_date FROM read_parquet({literal(runs)})").fetchone()
    except DuckDBError:
        return None
    return row[0] if row else None


def _build(version: Path, run: Run) -> int:
    """Write the database and its Parquet; returns the rows of all tables."""
    rows = 0
    with warehouse.writer(version / DATABASE) as con:
        findings.attach(con, run)
        for schema in SCHEMAS:
            con.execute(f"CREATE SCHEMA {schema}")
            (version / PARQUET / schema).mkdir(parents=True)
        for schema, table, source in _tables(con, run):
            name = f"{schema}.{identifier(table)}"
            rows += _create(con, run, name, source)
            path = version / PARQUET / schema / f"{table}.parquet"
            con.execute(f"COPY {name} TO {literal(path)} (FORMAT parquet, COMPRESSION zstd)")
        for statement in [*_comments_of_build(con), *_comments_of_ours()]:
            con.execute(statement)
    return rows


def _tables(con: DuckDBPyConnection, run: Run) -> Iterator[tuple[str, str, str]]:
    """Schema, table and what fills it: all that dbt made in these schemas, every issue, and the run itself."""
    schemas = ", ".join(literal(schema) for schema in SCHEMAS)
    built = con.execute(
        f"""
        SELECT table_schema, table_name FROM information_schema.tables
        WHERE table_catalog = 'built' AND table_schema IN ({schemas}) ORDER BY ALL
        """
    ).fetchall()
    for schema, table in built:
        if table != PARTIAL:
            yield schema, _published(table), f"SELECT * FROM built.{schema}.{identifier(table)}"
    yield "quality", "issues", "SELECT * FROM issue"
    about = {"code_version": send_ready.__version__, "layout_version": LAYOUT_VERSION}
    values = "".join(f", {literal(value)} AS {name}" for name, value in about.items())
    yield "quality", "runs", f"SELECT DATE {literal(run.as_at)} AS as_at_date{values}"


def _published(table: str) -> str:
    """quality.quality_feeds goes out as quality.feeds, kpi.kpi_values as kpi.values."""
    return table.removeprefix("quality_").removeprefix("kpi_")


def _create(con: DuckDBPyConnection, run: Run, name: str, source: str) -> int:
    """Create one table, with la_code and run_id where the source has none; returns its rows."""
    held = {column[0] for column in con.execute(f"DESCRIBE {source}").fetchall()}
    stamp = {"la_code": run.la_code, "run_id": run.run_id}
    added = "".join(f", {literal(value)} AS {column}" for column, value in stamp.items() if column not in held)
    con.execute(f"CREATE TABLE {name} AS SELECT *{added} FROM ({source})")
    return int(con.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0])


def _comments_of_build(con: DuckDBPyConnection) -> list[str]:
    """The descriptions that dbt gave its tables and columns."""
    tables = con.execute(
        """
        SELECT schema_name, table_name, NULL, comment FROM duckdb_tables() WHERE database_name = 'built'
        UNION ALL
        SELECT schema_name, view_name, NULL, comment FROM duckdb_views() WHERE database_name = 'built'
        UNION ALL
        SELECT schema_name, table_name, column_name, comment FROM duckdb_columns() WHERE database_name = 'built'
        """
    ).fetchall()
    return [
        _comment(schema, _published(table), column, comment)
        for schema, table, column, comment in tables
        if comment and schema in SCHEMAS and table != PARTIAL
    ]


def _comments_of_ours() -> list[str]:
    return [
        _comment("quality", table, column, comment)
        for table, (about, columns) in OURS.items()
        for column, comment in [(None, about), *columns.items(), *STAMP.items()]
    ]


def _comment(schema: str, table: str, column: str | None, comment: str) -> str:
    name = f"{schema}.{identifier(table)}"
    what = f"COLUMN {name}.{identifier(column)}" if column else f"TABLE {name}"
    return f"COMMENT ON {what} IS {literal(comment)}"
