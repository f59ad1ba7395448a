"""The tables of an export of any layout, without a contract: one of a text, one of each sheet of a workbook.

They are read as the file of a source is, which finds the header by itself (extract/own). Where that is not sure, the
row counts whose headings column maps know most of. A table lies in a scratch database, all as text, c0, c1, ….
"""

import csv
import io
import itertools
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from extract.contract import normalise
from extract.landing import Landed
from extract.own import header, source_file
from extract.own.source import FILE_TIME, FOLDER, NEWEST, SET_ASIDE, Source
from extract.refusal import EMPTY, Refusal
from extract.text import WORKBOOK_SUFFIXES, workbooks
from extract.text.lines import DELIMITERS
from extract.text.load import readable_text
from send_ready import confined
from send_ready.database import identifier

LOOKED_AT = 40  # rows from the top, in which a header is looked for by the headings that are known
HEAD = 1 << 20  # characters of a text in which its header must end
OWN = ("_file", "_sheet", "_line", "_data_date")  # columns that reading adds


@dataclass(frozen=True)
class Table:
    """One table of an export. `name` is its relation in the scratch database: c0, c1, …."""

    file_name: str
    sheet: str | None  # of a workbook: what its tab says
    name: str
    header: tuple[str, ...]
    header_row: int | None  # where nobody can tell by its shape: as a source has to say it
    first_line: int  # of its rows
    rows: int
    set_aside: int  # lines that are no rows: titles, totals and what does not fit

    @property
    def title(self) -> str:
        """The file, and the sheet where there is one."""
        return f"{self.file_name}, sheet {self.sheet}" if self.sheet else self.file_name


def read_tables(
    con: duckdb.DuckDBPyConnection, path: Path, suffix: str, file_name: str, known: frozenset[str], work: Path
) -> tuple[list[Table], list[str]]:
    """Every table of an export, made in the database; and what there is to say of sheets that hold none.

    `known` are headers as they are compared (contract.normalise), `work` an empty folder. Raises Refusal.
    """
    if suffix not in WORKBOOK_SUFFIXES:
        return [_read(con, path, suffix, file_name, None, known, work)], []
    if not path.stat().st_size:
        raise Refusal(EMPTY, "The file is empty.", "Run the export again.")
    tables, notes, last = [], [], None
    for sheet in workbooks.sheets(path, work / "sheets"):
        try:
            tables.append(_read(con, path, suffix, file_name, sheet.name, known, work))
        except Refusal as refusal:
            last = refusal
            notes.append(f"Sheet {sheet.name}: {refusal.reason}")
    if last and not tables:
        raise last
    return tables, notes


def _read(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    suffix: str,
    file_name: str,
    sheet: str | None,
    known: frozenset[str],
    work: Path,
) -> Table:
    """One table. Raises Refusal."""
    try:
        return _read_by(con, path, suffix, file_name, sheet, None, work)
    except Refusal as refusal:
        row = _row_of_known(path, suffix, sheet, known, work) if refusal.code == header.UNSURE else None
        if row is None:
            raise
    return _read_by(con, path, suffix, file_name, sheet, row, work)


def _read_by(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    suffix: str,
    file_name: str,
    sheet: str | None,
    row: int | None,
    work: Path,
) -> Table:
    _clear(con)
    about = Landed(FOLDER, "onboarding", file_name, suffix, 0, 0, "", None, "", None)
    # In a pattern of a sheet's name these signs stand for others.
    tab = sheet and "".join(f"[{sign}]" if sign in "*?[" else sign for sign in sheet)
    source = Source(
        feed="onboarding", title="", owner="", file_names=(), together=NEWEST, parts=(), sheet=tab, row=row, header=(),
        totals=SET_ASIDE, undated_file=FILE_TIME, stale_after_days=1, max_file_mb=None, fingerprint="",
    )  # fmt: skip
    folder = work / "reading"
    confined.remove_tree(folder)
    folder.mkdir(parents=True)
    try:
        loaded = source_file.load_rows(con, path, about, source, folder)
        row_ = con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'read_%'").fetchone()
        name = f"read_{row_[0] if row_ else 0}"
        held = list(loaded.columns)
        columns = ", ".join(f"nullif(trim({identifier(each)}), '') AS c{at}" for at, each in enumerate(held))
        con.execute(f"CREATE TABLE {name} AS SELECT {columns}, _line AS line_no FROM rows")
        first = con.execute(f"SELECT coalesce(min(line_no), 0) FROM {name}").fetchone()
    finally:
        _clear(con)
        confined.remove_tree(folder)
    aside = len(loaded.furniture) + len(loaded.misfits)
    return Table(file_name, sheet, name, tuple(held), row, first[0] if first else 0, loaded.rows, aside)


def _clear(con: duckdb.DuckDBPyConnection) -> None:
    """Drop what a reading left, and keep the tables that were made of it."""
    held = """SELECT 'VIEW', view_name FROM duckdb_views() WHERE NOT internal
        UNION ALL SELECT 'TABLE', table_name FROM duckdb_tables() WHERE table_name NOT LIKE 'read_%'"""
    for kind, name in con.execute(held).fetchall():
        con.execute(f"DROP {kind} {identifier(name)}")


def _row_of_known(path: Path, suffix: str, sheet: str | None, known: frozenset[str], work: Path) -> int | None:
    """The number of the row, among the first, that has most headings that are known, and two at least."""
    found = max(
        ((len({normalise(cell) for cell in cells} & known), -number) for number, cells in _first_rows(
            path, suffix, sheet, work)),
        default=(0, 0),
    )  # fmt: skip
    return -found[1] if found[0] >= 2 else None


def _first_rows(path: Path, suffix: str, sheet: str | None, work: Path) -> Iterator[tuple[int, Sequence[str]]]:
    if suffix in WORKBOOK_SUFFIXES:
        folder = work / "again"
        confined.remove_tree(folder)
        for each in workbooks.sheets(path, folder):
            if each.name == sheet:
                yield from ((int(number), cells) for number, *cells in itertools.islice(each.rows(), LOOKED_AT))
        return
    folder = work / "text"
    confined.remove_tree(folder)
    folder.mkdir()
    with open(readable_text(path, folder).path, encoding="utf-8-sig", newline="") as file:
        head = file.read(HEAD)
    for delimiter in DELIMITERS:
        for number, line in enumerate(io.StringIO(head), start=1):
            if number > LOOKED_AT:
                break
            with suppress(csv.Error, StopIteration):
                yield number, next(csv.reader([line], delimiter=delimiter))


def columns_of(table: Table) -> Iterator[tuple[str, str]]:
    """Each column of a table in the database, with its heading."""
    return ((f"c{place}", heading) for place, heading in enumerate(table.header))
