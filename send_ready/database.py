"""The only module that opens DuckDB.

A process holds no more memory than machine.memory_limit says; larger work spills to disk beside the file.
One process writes a file, or many read it, never both: so a run builds in its own folder and
readers are given a copy (warehouse/serve.py).
"""

import fcntl
import json
import os
import re
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from send_ready import disk, machine
from send_ready.runs import RunError

# Files that clients back to DuckDB 1.4 can read.
STORAGE = "v1.4.0"
THREADS = min(4, len(os.sched_getaffinity(0)))  # more than there are cores take longer, not less
EXTENSIONS_OFF = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}


class WarehouseError(RunError):
    """A warehouse file is missing or damaged. The text names it, and says how to make it again."""


class LockedError(WarehouseError):
    """Another program has a warehouse file open that is to be read or written."""


def scratch(spill: Path | None = None, *, threads: int = THREADS) -> duckdb.DuckDBPyConnection:
    """An in-memory database, for reading exports and Parquet. `spill` is where large sorts may go.

    Little work is done with one thread: to start and feed others takes up to half as much again.
    """
    con = duckdb.connect(config={"memory_limit": machine.memory_limit(), "threads": threads, **EXTENSIONS_OFF})
    if spill:
        con.execute(f"SET temp_directory = {literal(spill)}")
    return con


@contextmanager
def closed(
    memory: int, outputs: Iterable[Path], before: Callable[[duckdb.DuckDBPyConnection], object]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory database for SQL that somebody else wrote, closed once `before` has filled it.

    It has no files but `outputs`, no network, no extensions, no variables of Python, and settings that nobody can
    change; it holds `memory` bytes and spills nothing; one thread, so that the order of rows is always the same.
    """
    limits: dict[str, Any] = {"memory_limit": f"{memory // disk.MB}MB", "threads": 1, "temp_directory": ""}
    with duckdb.connect(config={**limits, **EXTENSIONS_OFF}) as con:
        con.execute("SET python_enable_replacements = false; SET errors_as_json = true")
        before(con)
        con.execute(f"SET allowed_paths = [{', '.join(map(literal, outputs))}]")
        con.execute("SET allow_community_extensions = false; SET enable_external_access = false")
        con.execute("SET lock_configuration = true")
        yield con


def syntax_of(select: str) -> dict[str, Any]:
    """The syntax tree of SQL text, as DuckDB gives it: nothing of it is run or looked up, and no file is read."""
    with duckdb.connect(config={"threads": 1, "enable_external_access": "false", **EXTENSIONS_OFF}) as con:
        row = con.execute(f"SELECT json_serialize_sql({literal(select)})").fetchone()
    found: dict[str, Any] = json.loads(row[0]) if row else {}
    return found


def clear(con: duckdb.DuckDBPyConnection) -> None:
    """Drop all that an in-memory database holds."""
    held = """SELECT 'VIEW', view_name FROM duckdb_views() WHERE NOT internal
        UNION ALL SELECT 'TABLE', table_name FROM duckdb_tables()"""
    for kind, name in con.execute(held).fetchall():
        con.execute(f"DROP {kind} {identifier(name)}")


def reader(path: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection to a warehouse file. Raises WarehouseError."""
    return _connect(path, read_only=True, config={"memory_limit": machine.memory_limit(), **EXTENSIONS_OFF})


def writer(path: Path, *, threads: int = THREADS) -> duckdb.DuckDBPyConnection:
    """The one writing connection to a warehouse file, created when it does not exist. Raises WarehouseError."""
    return _connect(
        path,
        config={
            "storage_compatibility_version": STORAGE,
            "memory_limit": machine.memory_limit(),
            "threads": threads,
            **EXTENSIONS_OFF,
        },
    )


def attach(con: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    """Make a warehouse file readable in a connection, under a name. Raises WarehouseError."""
    try:
        con.execute(f"ATTACH {literal(path)} AS {identifier(name)} (READ_ONLY)")
    except duckdb.Error as error:
        raise _explained(path, error) from error


def in_use(path: Path) -> bool:
    """Whether another process has a warehouse file open: DuckDB locks it meanwhile, to read as well as to write."""
    flock = "hhqqi4x"  # type, whence, start, length, process
    wanted = struct.pack(flock, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    with open(path, "rb") as file:
        found = fcntl.fcntl(file, fcntl.F_GETLK, wanted)  # asks, and takes no lock: nobody is kept out meanwhile
    return bool(struct.unpack(flock, found)[0] != fcntl.F_UNLCK)


def _connect(path: Path, **options: Any) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(str(path), **options)
    except duckdb.Error as error:
        raise _explained(path, error) from error


def _explained(path: Path, error: duckdb.Error) -> Exception:
    said = str(error)
    if any(words in said for words in (*disk.WORDS, *machine.WORDS)):
        return error
    return locked(path, said) or WarehouseError(
        f"{path} is {'damaged' if path.exists() else 'not there'}. If it is that of a run, build it again with "
        "`send-ready build`; if it is published, with `send-ready serve`. Then run this step again."
    )


def locked(path: Path, said: str) -> LockedError | None:
    """The message about a warehouse file that is open elsewhere, from DuckDB's error; None for any other error."""
    if "Could not set lock" not in said:
        return None
    holder = re.search(r"held in (.+? \(PID \d+\))", said)
    return LockedError(
        f"{path} is open in another program{f', {holder[1]}' if holder else ''}. Close it there, or open a copy or the "
        "published warehouse read-only; then run this step again."
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
