"""An export to a table of text: header, delimiter, workbooks, damaged lines.

Two ways lead to the same table. A regular CSV goes straight to DuckDB's strict reader. Whatever is
irregular (a workbook, quoted newlines, a line with too few or too many values) is first written as a
regular CSV by the careful reader here, which keeps each record's line number and sets aside the lines
that do not fit. tests/unit/test_reading.py holds the two ways to each other. Neither holds a file in
memory: a large one takes longer, but no more room.
"""

import csv
import io
import itertools
import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TextIO

import duckdb

from extract import quarantine, sheets
from extract.contract import Contract, normalise
from extract.plain import plain
from extract.refusal import (
    CANNOT_BE_READ,
    EMPTY,
    HEADER_ONLY,
    MISSING_COLUMN,
    NAME_AND_CONTENT_DIFFER,
    NOT_AN_EXPORT,
    Refusal,
)
from extract.sheets import OLE, ZIP
from send_ready import warehouse

TEXT_SUFFIXES = (".csv", ".txt", ".tsv")
WORKBOOK_SUFFIXES = (".xlsx", ".xlsm", ".xls")
DELIMITERS = ",;\t|"
HEADER_SEARCH_ROWS = 10  # report titles may stand above the header
COLUMN_LIMIT = 1000  # the widest known export, GIAS, has some 150
RECORD_LIMIT = 1 << 19  # characters in one record
# Characters that are read a second time, in all, because a quotation did not end. A file of nothing but stray
# quotation marks is read line by line after that.
PATIENCE = 1 << 25
_HEAD = 1 << 20  # characters in which the header must end
_CONTROL = bytes({*range(1, 9), 0x0B, *range(0x0E, 0x20), 0x7F})
# What DuckDB raises for a file that it does not want: the last, when it cuts what it quotes within a letter.
_IRREGULAR = (duckdb.InvalidInputException, duckdb.NotImplementedException, UnicodeDecodeError)
_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_ABOVE = "The row stands above the header."
_LONG = f"The record is longer than {RECORD_LIMIT:,} characters; its beginning is kept."
_OPEN = "A quotation mark is opened and not closed."

csv.field_size_limit(2 * _HEAD)  # for the process: nothing that is given to the csv module here is longer


class Misfit(NamedTuple):
    """A record that does not fit the header: kept as it stands, for quarantine."""

    line_no: int
    reason: str
    values: tuple[str, ...]
    kind: str = quarantine.SHAPE


Record = list[str] | Misfit  # a line number and values, as text


@dataclass(frozen=True)
class TextTable:
    """What was noticed of an export whose text is in DuckDB."""

    header: list[str]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Above:
    """What stands above the header: records, and titles and the like that were passed over."""

    records: tuple[Misfit, ...]
    titles: int

    @property
    def notes(self) -> tuple[str, ...]:
        """What there is to say about that."""
        return (f"Rows above the header that were passed over: {self.titles}.",) if self.titles else ()


@dataclass(frozen=True)
class Header:
    """The header of a text, and how much of the text it ends."""

    cells: list[str]
    above: Above
    delimiter: str
    lines: int
    characters: int


def load_text(con: duckdb.DuckDBPyConnection, path: Path, suffix: str, contract: Contract, work: Path) -> TextTable:
    """Make of an export the relations `text` (line_no, c0, c1, …; all text) and `misfit`.

    `misfit` (line_no, kind, reason, record) holds records that do not fit the header, as JSON lists. `work` is an
    empty folder for scratch files. Raises Refusal when the file as a whole is not an export.
    """
    if suffix in WORKBOOK_SUFFIXES:
        return _load_workbook(con, path, contract, work)
    _must_be_text(path)
    text = plain(path, work)
    if text is None:
        raise Refusal(EMPTY, "The file is empty.", "Run the export again.")
    header = _find_header(text.path, contract)
    is_regular = not text.has_lone_returns and not header.above.records
    if not (is_regular and _load_plain(con, text.path, header, text.lines - header.lines)):
        with open(text.path, encoding="utf-8-sig", newline="\n") as file:
            file.read(header.characters)
            below = _records(_Lines(file, header.lines), header.delimiter, len(header.cells))
            _load_numbered(con, len(header.cells), itertools.chain(header.above.records, below), work)
    return TextTable(header.cells, text.notes + header.above.notes)


def _load_plain(con: duckdb.DuckDBPyConnection, path: Path, header: Header, expected_rows: int) -> bool:
    """Load with DuckDB's strict reader. False when the file is not as regular as that needs."""
    columns = [f"c{index}" for index in range(len(header.cells))]
    try:
        _read_csv(con, "body", path, columns, RECORD_LIMIT, delimiter=header.delimiter, skip=header.lines)
    except _IRREGULAR:
        return False
    count = con.execute("SELECT count(*) FROM body").fetchone()
    # Fewer records than lines: blank lines or quoted newlines, so line numbers need the careful reader.
    if not count or count[0] != expected_rows or not expected_rows:
        return False
    con.execute(f"CREATE VIEW text AS SELECT rowid + {header.lines + 1} AS line_no, {', '.join(columns)} FROM body")
    con.execute("CREATE TABLE misfit (line_no BIGINT, kind VARCHAR, reason VARCHAR, record VARCHAR)")
    return True


def _load_numbered(con: duckdb.DuckDBPyConnection, width: int, records: Iterable[Record], work: Path) -> None:
    good, bad = work / "numbered.csv", work / "misfits.csv"
    count = 0
    with open(good, "w", encoding="utf-8", newline="") as text, open(bad, "w", encoding="utf-8", newline="") as misfit:
        keep, set_aside = (
            csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow for file in (text, misfit)
        )
        for record in records:
            count += 1
            if isinstance(record, Misfit):
                set_aside((record.line_no, record.kind, record.reason, _as_json(record.values)))
            else:
                keep(record)
    if count == 0:
        raise Refusal(HEADER_ONLY, "The file has a header and no rows.", "Check the report's filters and export again.")
    columns = [f"c{index}" for index in range(width)]
    try:  # quotation marks are doubled, twice over in JSON, and a character may take four bytes
        _read_csv(con, "body", good, ["line_no", *columns], 8 * RECORD_LIMIT)
        _read_csv(con, "misfit", bad, ["line_no", "kind", "reason", "record"], 8 * RECORD_LIMIT)
    except _IRREGULAR:  # nobody knows of a text that does this; the error would quote it
        raise Refusal(
            CANNOT_BE_READ,
            "Its text cannot be brought into the database.",
            "Export again in another form, such as CSV.",
        ) from None
    con.execute(f"CREATE VIEW text AS SELECT line_no::BIGINT AS line_no, {', '.join(columns)} FROM body")


def _read_csv(
    con: duckdb.DuckDBPyConnection,
    table: str,
    path: Path,
    columns: list[str],
    longest: int,
    *,
    delimiter: str = ",",
    skip: int | None = None,
) -> None:
    """Load a CSV of ours; with `skip` one that came, and may not be as regular as that needs."""
    lines = "parallel = true" if skip is not None else "parallel = false, new_line = '\\n'"
    con.execute(f"""
        CREATE OR REPLACE TABLE {table} AS SELECT *
        FROM read_csv({warehouse.literal(path)}, auto_detect = false, header = false, skip = {skip or 0},
            delim = {warehouse.literal(delimiter)}, quote = '"', escape = '"', strict_mode = true,
            null_padding = false, nullstr = '\x01', max_line_size = {longest}, {lines},
            columns = {{{", ".join(f"{name}: 'VARCHAR'" for name in columns)}}})""")


def _must_be_text(path: Path) -> None:
    with open(path, "rb") as file:
        head = file.read(1 << 16)
    if head.startswith(ZIP):
        raise Refusal(
            NAME_AND_CONTENT_DIFFER,
            "The name says text, but the content is an Excel workbook or a zip.",
            "Rename it to .xlsx, or save it as CSV.",
        )
    if head.startswith(OLE):
        sheets.refuse_password(path)
        raise Refusal(
            NAME_AND_CONTENT_DIFFER,
            "The name says text, but the content is an Excel 97-2003 workbook, which holds at most 65,536 rows.",
            "Export again as CSV or .xlsx.",
        )
    if len(head) - len(head.translate(None, _CONTROL)) > len(head) // 50:
        raise Refusal(CANNOT_BE_READ, "The file is not text.", "Export again as CSV or .xlsx.")


def _find_header(path: Path, contract: Contract) -> Header:
    """Of the first rows, the one most like the contract, by whichever delimiter.

    A CR within a line is taken for a line end where that does no harm to the header.
    """
    with open(path, encoding="utf-8-sig", newline="") as file:
        head = file.read(_HEAD)
    if head[:4096].lstrip("\ufeff \t\r\n").startswith("<"):
        raise Refusal(
            NOT_AN_EXPORT,
            "The file is a web page or XML, perhaps a log-in page saved as CSV.",
            "Log in to the source system and run the export again.",
        )
    known = _known(contract)
    best, best_score = None, 0
    for newline, delimiter in itertools.product(("", "\n"), DELIMITERS):
        above: list[Misfit] = []
        for cells, lines, characters in _first_rows(head, newline, delimiter):
            score = sum(normalise(cell) in known for cell in cells)
            if score > best_score:
                best, best_score = (cells, tuple(above), delimiter, lines, characters), score
            above.append(Misfit(lines, _ABOVE, tuple(cells)))
    if best is None:
        raise _no_header(contract)
    cells, rows, delimiter, lines, characters = best
    if characters == _HEAD:
        raise Refusal(CANNOT_BE_READ, f"The header does not end within {_HEAD:,} characters.", "Export again as CSV.")
    cells = _header_cells(cells)
    return Header(cells, _above(rows, len(cells)), delimiter, lines, characters)


def _first_rows(head: str, newline: str, delimiter: str) -> Iterator[tuple[list[str], int, int]]:
    """The first rows of a text, each with the lines and characters up to its end."""
    characters = 0

    def lines() -> Iterator[str]:
        nonlocal characters
        for line in io.StringIO(head, newline=newline):
            characters += len(line)
            yield line.rstrip("\r\n").replace("\r", " ") + "\n"

    reader = csv.reader(lines(), delimiter=delimiter)
    for row in itertools.islice(reader, HEADER_SEARCH_ROWS):
        yield row, reader.line_num, characters


def _no_header(contract: Contract) -> Refusal:
    required = ", ".join(column.headers[0] for column in contract.required)
    return Refusal(
        MISSING_COLUMN,
        f"None of the first {HEADER_SEARCH_ROWS} rows is a header of this feed. Required columns: {required}.",
        f"Export with the header; if its columns have other names, add those to the column map {contract.name}.csv.",
    )


def _known(contract: Contract) -> set[str]:
    return {normalise(header) for column in contract.columns for header in column.headers}


def _header_cells(row: list[str]) -> list[str]:
    """The header without empty cells at its end. Raises Refusal when it is wider than any export's."""
    while row and not row[-1].strip():
        row = row[:-1]
    if len(row) > COLUMN_LIMIT:
        raise Refusal(
            NOT_AN_EXPORT,
            f"The header has {len(row):,} columns (limit {COLUMN_LIMIT:,}).",
            "Take the columns that are not needed out of the report, or check its layout: one row a record.",
        )
    return row


def _above(rows: Iterable[Misfit], width: int) -> Above:
    """What stands above a header. Rows too full for titles are records: somebody sorted the header in among them."""
    filled = [(row, sum(bool(value.strip()) for value in row.values)) for row in rows]
    records = tuple(row for row, cells in filled if cells >= 3 or (2 * cells > width == len(row.values)))
    return Above(records, sum(cells > 0 for _, cells in filled) - len(records))


class _Lines:
    """The lines of a text without their ends. Some can be given back."""

    def __init__(self, file: TextIO, number: int):
        self._file = file
        self._back: deque[str] = deque()
        self.number = number  # of the line given last

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if not self.has_more():
            raise StopIteration
        self.number += 1
        return self._back.popleft()

    def give_back(self, lines: list[str], number: int) -> None:
        """Give these lines next, the first as the line after `number`."""
        self._back.extendleft(reversed(lines))
        self.number = number

    def has_more(self) -> bool:
        """Whether there is another line."""
        if not self._back and (line := self._file.readline(RECORD_LIMIT + 2)):
            more = line
            while not more.endswith("\n") and more:  # a line without end is not held in memory
                more = self._file.readline(RECORD_LIMIT)
            self._back.append(line.rstrip("\r\n"))
        return bool(self._back)


def _records(lines: _Lines, delimiter: str, width: int) -> Iterator[Record]:
    """Records as [line number, value, …]; a Misfit where the values do not fit. Blank lines are none.

    A record that spans lines and does not fit is an unclosed quotation mark: only its first line is set
    aside and reading goes on at the next one, so a stray mark costs one line and not the rest of the file.
    A CR is a line end in a line that does not fit, and a space in one that does.
    """
    patience = PATIENCE
    for line in lines:
        number = lines.number
        if not line:
            continue
        if len(line) > RECORD_LIMIT:
            yield Misfit(number, _LONG, (line[:RECORD_LIMIT],))
            continue
        row, further = _parse(line, lines, delimiter, min(patience, RECORD_LIMIT))
        if row and len(_trim_tail(row, width)) == width:
            yield [str(number), *row]
            continue
        if further:
            patience -= sum(map(len, further))
            lines.give_back(further, number)
        if "\r" in line:
            lines.give_back(line.split("\r"), number - 1)
        elif row is None or further:
            yield Misfit(number, _OPEN, tuple(line.split(delimiter)))
        elif any(value.strip() for value in row):
            yield Misfit(number, _misfit_reason(len(row), width, is_last=not lines.has_more()), tuple(row))


def _parse(line: str, lines: _Lines, delimiter: str, limit: int) -> tuple[list[str] | None, list[str]]:
    """The values of the record that begins with a line, and the further lines that it takes, up to a limit.

    None for the values when a quotation does not end.
    """
    if '"' not in line:
        return line.replace("\r", " ").split(delimiter), []
    further: list[str] = []
    is_open = False

    def spanned() -> Iterator[str]:
        nonlocal is_open
        yield line.replace("\r", " ") + "\n"
        size = len(line)
        while size < limit and (more := next(lines, None)) is not None:
            further.append(more)
            size += len(more) + 1
            yield more.replace("\r", " ") + "\n"
        is_open = True  # nobody asks for more unless it is

    row = next(csv.reader(spanned(), delimiter=delimiter))
    return None if is_open else row, further


def _trim_tail(row: list[str], width: int) -> list[str]:
    while len(row) > width and not row[-1].strip():
        row.pop()
    return row


def _misfit_reason(found: int, expected: int, *, is_last: bool) -> str:
    if found < expected:
        end = " The file seems to be cut off here." if is_last else ""
        return f"The line has {found} of {expected} values.{end}"
    return f"The line has {found} values where the header has {expected}: a delimiter or quotation mark in a value?"


def _load_workbook(con: duckdb.DuckDBPyConnection, path: Path, contract: Contract, work: Path) -> TextTable:
    """Load the sheet that looks most like the feed; of equals the first, and one that can be seen before any hidden."""
    if not path.stat().st_size:
        raise Refusal(EMPTY, "The file is empty.", "Run the export again.")
    found = sheets.sheets(path, work / "sheets")
    known = _known(contract)
    rows = [
        (sum(normalise(cell) in known for cell in cells), sheet, at, cells)
        for sheet in sorted(found, key=lambda sheet: not sheet.is_visible)
        for at, (_, *cells) in enumerate(itertools.islice(sheet.rows(), HEADER_SEARCH_ROWS))
    ]
    if not rows:
        raise Refusal(EMPTY, "The workbook has no cells.", "Run the export again.")
    score, sheet, at, cells = max(rows, key=lambda row: row[0])
    if score == 0:
        raise _no_header(contract)
    header = _header_cells(cells)
    first = itertools.islice(sheet.rows(), at)
    above = _above((Misfit(int(number), _ABOVE, tuple(values)) for number, *values in first), len(header))
    beside: list[str] = []
    below = _sheet_records(itertools.islice(sheet.rows(), at + 1, None), len(header), beside)
    _load_numbered(con, len(header), itertools.chain(above.records, below), work)
    notes = [f"Sheet {sheet.number} was read; the others were not."] if len(found) > 1 else []
    if twins := sorted(
        {other.number for points, other, *_ in rows if points == score and other.is_visible} - {sheet.number}
    ):
        notes.append(
            f"Sheet {', '.join(map(str, twins))} has the same header, and was not read: put all rows on one sheet."
        )
    notes += [f"Cells to the right of the table were not used, in {len(beside):,} rows."] if beside else []
    return TextTable(header, (*notes, *above.notes))


def _sheet_records(rows: Iterable[list[str]], width: int, beside: list[str]) -> Iterator[Record]:
    """The records of a sheet; `beside` gets the numbers of rows that go on to the right of the header."""
    for number, *values in rows:
        if any(value.strip() for value in values[width:]):
            beside.append(number)
        if sum(map(len, values)) > RECORD_LIMIT:
            yield Misfit(int(number), _LONG, ("\t".join(values)[:RECORD_LIMIT],))
        else:
            yield [number, *values[:width], *[""] * (width - len(values))]
