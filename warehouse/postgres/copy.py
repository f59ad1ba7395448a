"""Rows of a run on their way to PostgreSQL: DuckDB writes CSV into a pipe, PostgreSQL reads it, nothing is kept."""

import os
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from io import RawIOBase

from duckdb import DuckDBPyConnection

from send_ready.database import identifier
from warehouse.postgres.connection import Cursor
from warehouse.postgres.shape import listed, quoted
from warehouse.published import Table

CHUNK = 1 << 16  # what a pipe holds
NUL = "\u2400"  # what stands for the one character that PostgreSQL's text cannot hold


def copy(cursor: Cursor, con: DuckDBPyConnection, table: Table, notes: list[str]) -> int:
    """Add the rows of a run's table to the published one; returns how many the run has.

    What had to be written otherwise is added to the notes.
    """
    texts = [column.name for column in table.columns if column.type == "VARCHAR"]
    holed = " OR ".join(f"contains({identifier(name)}, chr(0))" for name in texts) or "false"
    counted = con.execute(f"SELECT count(*), count(*) FILTER ({holed}) FROM ({table.query})").fetchall()
    count, with_nul = counted[0]
    query = table.query
    if with_nul:
        mended = ", ".join(f"replace({identifier(name)}, chr(0), '{NUL}') AS {identifier(name)}" for name in texts)
        query = f"SELECT * REPLACE ({mended}) FROM ({query})"
        notes.append(f"{with_nul} rows of {table.full_name} have {NUL} for the character NUL, which PostgreSQL refuses")
    # Text is quoted, and so told from NULL when it is empty.
    csv = f"(FORMAT csv, HEADER false, NULLSTR ''{f', FORCE_QUOTE ({listed(texts)})' if texts else ''})"
    into = f"COPY {quoted(table.full_name)} ({listed(column.name for column in table.columns)}) FROM STDIN (FORMAT csv)"
    _pour(con, query, csv, cursor, into)
    return int(count)


def _pour(con: DuckDBPyConnection, query: str, csv: str, cursor: Cursor, into: str) -> None:
    """Have DuckDB write and PostgreSQL read at once."""
    reading, writing = os.pipe()

    def write() -> None:
        try:
            con.execute(f"COPY ({query}) TO '/dev/fd/{writing}' {csv}")
        finally:
            os.close(writing)

    # When PostgreSQL fails, the pipe is closed first, which ends DuckDB's writing.
    with ThreadPoolExecutor(1) as pool, os.fdopen(reading, "rb", buffering=0) as source:
        task = pool.submit(write)
        try:
            cursor.copy_expert(into, _Rows(source, task), CHUNK)
        except Exception:
            if task.done():
                task.result()  # when it was DuckDB that failed, that is the cause
            raise


@dataclass(frozen=True)
class _Rows:
    """What comes out of the pipe, which ends well only when the writing did."""

    pipe: RawIOBase
    writing: Future[None]

    def read(self, size: int) -> bytes:
        data = self.pipe.read(size)
        if not data and self.writing.exception():
            raise EOFError  # whose text PostgreSQL is told, and logs
        return data or b""
