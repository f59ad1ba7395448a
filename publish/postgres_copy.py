"""Rows of a run on their way to PostgreSQL: DuckDB writes CSV into a pipe, PostgreSQL reads it, nothing is kept."""

import os
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from io import RawIOBase

from duckdb import DuckDBPyConnection

from publish.postgres_connection import Cursor
from publish.postgres_shape import listed, quoted
from publish.published import Table
from send_ready.warehouse import identifier

CHUNK = 1 << 16  # what a pipe holds
NUL = "\u2400"  # what stands for the one character that PostgreSQL's text cannot hold


def copy(cursor: Cursor, con: DuckDBPyConnection, table: Table, notes: list[str]) -> int:
    """Add the rows of a run's table to the published one; returns how many the run has.

    What had to be written otherwise is added to the notes.
    """
    names = [column.name for column in table.columns]
    texts = [column.name for column in table.columns if column.type == "VARCHAR"]
    holed = " OR ".join(f"contains({identifier(name)}, chr(0))" for name in texts)
    count, with_nul = con.execute(
        f"SELECT count(*), count(*) FILTER ({holed or 'false'}) FROM ({table.query})"
    ).fetchall()[0]
    query = table.query
    if with_nul:
        mended = ", ".join(f"replace({identifier(name)}, chr(0), '{NUL}') AS {identifier(name)}" for name in texts)
        query = f"SELECT * REPLACE ({mended}) FROM ({query})"
        notes.append(f"{with_nul} rows of {table.full_name} have {NUL} for the character NUL, which PostgreSQL refuses")
    quotes = f", FORCE_QUOTE ({listed(texts)})" if texts else ""

    reading, writing = os.pipe()

    def write() -> None:
        try:
            con.execute(f"COPY ({query}) TO '/dev/fd/{writing}' (FORMAT csv, HEADER false, NULLSTR ''{quotes})")
        finally:
            os.close(writing)

    # When PostgreSQL fails, the pipe is closed first, which ends DuckDB's writing.
    with ThreadPoolExecutor(1) as pool, os.fdopen(reading, "rb", buffering=0) as source:
        rows = _Rows(source, pool.submit(write))
        cursor.copy_expert(f"COPY {quoted(table.full_name)} ({listed(names)}) FROM STDIN (FORMAT csv)", rows, CHUNK)
    return int(count)


@dataclass(frozen=True)
class _Rows:
    """What comes out of the pipe, which ends well only when the writing did."""

    pipe: RawIOBase
    writing: Future[None]

    def read(self, size: int) -> bytes:
        data = self.pipe.read(size)
        if not data:
            self.writing.result()
        return data or b""
