"""The only module that opens DuckDB.

One process writes a file, or many read it, never both: so a run builds in its own folder and
readers are given a copy (publish/serving.py).
"""

from pathlib import Path

import duckdb

# Files that clients back to DuckDB 1.4 can read.
STORAGE = "v1.4.0"
MEMORY = "700MB"  # of one process; larger work spills to disk beside the file
THREADS = 4
EXTENSIONS_OFF = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}


def scratch(spill: Path | None = None) -> duckdb.DuckDBPyConnection:
    """An in-memory database, for reading exports and Parquet. `spill` is where large sorts may go."""
    con = duckdb.connect(config={"memory_limit": MEMORY, "threads": THREADS, **EXTENSIONS_OFF})
    if spill:
        con.execute(f"SET temp_directory = {literal(spill)}")
    return con


def reader(path: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection to a warehouse file."""
    return duckdb.connect(str(path), read_only=True, config={"memory_limit": MEMORY, **EXTENSIONS_OFF})


def writer(path: Path) -> duckdb.DuckDBPyConnection:
    """The one writing connection to a warehouse file, which is created when it does not exist."""
    return duckdb.connect(
        str(path),
        config={
            "storage_compatibility_version": STORAGE,
            "memory_limit": MEMORY,
            "threads": THREADS,
            **EXTENSIONS_OFF,
        },
    )


def literal(value: object) -> str:
    """A value as an SQL literal; numbers as numbers, None as NULL, anything else as text.

    For statements that take no parameters (COPY, CREATE VIEW), and where a step should start at once:
    the first statement with parameters makes DuckDB import pandas, which takes longer than a small feed.
    """
    if value is None:
        return "NULL"
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
