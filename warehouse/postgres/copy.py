"""Copies rows of a run to PostgreSQL: DuckDB writes CSV into a pipe and PostgreSQL reads it, without a file."""

import os
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from io import RawIOBase

from duckdb import DuckDBPyConnection

from send_ready.database import identifier
from warehouse.postgres.connection import Cursor
from warehouse.postgres.shape import column_list, quoted_name
from warehouse.published import Table

CHUNK = 1 << 16  # bytes, the capacity of a pipe
NUL = "\u2400"  # in place of the one character that PostgreSQL's text cannot hold


def copy(cursor: Cursor, con: DuckDBPyConnection, table: Table, notes: list[str]) -> int:
    """The number of rows of a run's table, after they were added to the published one.

    A note is added to `notes` when characters had to be replaced.
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
    # Text is quoted, so that empty text is not read as NULL.
    csv = f"(FORMAT csv, HEADER false, NULLSTR ''{f', FORCE_QUOTE ({column_list(texts)})' if texts else ''})"
    columns = column_list(column.name for column in table.columns)
    into = f"COPY {quoted_name(table.full_name)} ({columns}) FROM STDIN (FORMAT csv)"
    _pour(con, query, csv, cursor, into)
    return int(count)


def _pour(con: DuckDBPyConnection, query: str, csv: str, cursor: Cursor, into: str) -> None:
    """Copy the rows of a query through a pipe: DuckDB writes and PostgreSQL reads at the same time."""
    reading, writing = os.pipe()

    def write() -> None:
        try:
            con.execute(f"COPY ({query}) TO '/dev/fd/{writing}' {csv}")
        finally:
            os.close(writing)

    # When PostgreSQL fails, the pipe is closed first, which stops DuckDB.
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
    """The output of the pipe; reading it fails when the writing failed."""

    pipe: RawIOBase
    writing: Future[None]

    def read(self, size: int) -> bytes:
        data = self.pipe.read(size)
        if not data and self.writing.exception():
            raise EOFError  # PostgreSQL gets its text, and logs it
        return data or b""
