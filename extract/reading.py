"""Bytes to a table of text: encodings, delimiters, workbooks, damaged lines.

Two ways lead to the same table. A regular CSV goes straight to DuckDB's strict reader. Whatever is
irregular (a workbook, NULs, quoted newlines, a line with too few or too many values) is first written
as a regular CSV by the careful reader here, which keeps each record's line number and sets aside the
lines that do not fit. tests/unit/test_reading.py holds the two ways to each other.
"""

import csv
import datetime as dt
import io
import itertools
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from extract.contract import Contract, normalise
from extract.refusal import (
    CANNOT_BE_READ,
    EMPTY,
    HEADER_ONLY,
    NAME_AND_CONTENT_DIFFER,
    NOT_AN_EXPORT,
    PASSWORD_PROTECTED,
    TOO_LARGE,
    Refusal,
)
from send_ready import warehouse

TEXT_SUFFIXES = (".csv", ".txt", ".tsv")
WORKBOOK_SUFFIXES = (".xlsx", ".xlsm", ".xls")
DELIMITERS = ",;\t|"
HEADER_SEARCH_ROWS = 10  # report titles may stand above the header
FIELD_LIMIT = 1 << 20  # characters in one value
# A workbook may not unpack to more than this, nor any part of it by more than this factor.
UNPACKED_LIMIT = 400 << 20
UNPACKED_FACTOR = 200
_OLE, _ZIP = b"\xd0\xcf\x11\xe0", b"PK\x03\x04"
_CONTROL = re.compile(rb"[\x01-\x08\x0b\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class Misfit:
    """A record that does not fit the header: kept as it stands, for quarantine."""

    line_no: int
    reason: str
    values: tuple[str, ...]


@dataclass
class TextTable:
    """Where the text of an export is, ready for DuckDB, and what was noticed on the way."""

    path: Path
    header: list[str]
    delimiter: str = ","
    skip: int = 0
    is_numbered: bool = False  # the first column is the line number
    misfits: list[Misfit] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def load_text(con: duckdb.DuckDBPyConnection, path: Path, suffix: str, contract: Contract, work: Path) -> TextTable:
    """Create view `text` (line_no, c0, c1, …; all text) from an export. `work` is a folder for scratch files.

    Raises Refusal when the file as a whole is not an export.
    """
    data = path.read_bytes()
    if not data.strip(b"\x00 \t\r\n\xef\xbb\xbf"):
        raise Refusal(EMPTY, "The file is empty.", "Run the export again.")
    if suffix in WORKBOOK_SUFFIXES:
        return _load_numbered(con, _workbook(path, data, contract), work)
    _must_be_text(data)
    text, is_utf8, notes = _decode(data)
    del data
    if text[:4096].lstrip("\ufeff \t\r\n").startswith("<"):
        raise Refusal(
            NOT_AN_EXPORT,
            "The file is a web page or XML, perhaps a log-in page saved as CSV.",
            "Log in to the source system and run the export again.",
        )
    header, skip, delimiter = _find_header(text, contract)
    notes += ["The file does not end with a line end: its last line may be cut off."] if text[-1] != "\n" else []
    if "\r" not in text or text.count("\r") == text.count("\r\n"):
        table = TextTable(path if is_utf8 else work / "plain.csv", header, delimiter, skip, notes=notes)
        if not is_utf8:
            table.path.write_text(text, encoding="utf-8", newline="")
        if _load_plain(con, table, expected_rows=text.count("\n") + (text[-1] != "\n") - skip):
            return table
    return _load_numbered(con, (header, _records(text, delimiter, len(header), skip), notes), work)


def _load_plain(con: duckdb.DuckDBPyConnection, table: TextTable, expected_rows: int) -> bool:
    """Load with DuckDB's strict reader. False when the file is not as regular as that needs."""
    if expected_rows == 0:
        raise _header_only()
    try:
        _create_text(con, table, parallel=True)
    except duckdb.Error:
        return False
    count = con.execute("SELECT count(*) FROM text").fetchone()
    # Fewer records than lines: blank lines or quoted newlines, so line numbers need the careful reader.
    return bool(count and count[0] == expected_rows)


def _load_numbered(
    con: duckdb.DuckDBPyConnection, parts: tuple[list[str], Iterable["list[str] | Misfit"], list[str]], work: Path
) -> TextTable:
    header, records, notes = parts
    table = TextTable(work / "numbered.csv", header, is_numbered=True, notes=notes)
    rows = 0
    with open(table.path, "w", encoding="utf-8", newline="") as file:
        write = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow
        for record in records:
            rows += 1
            if isinstance(record, Misfit):
                table.misfits.append(record)
            else:
                write(record)
    if rows == 0:
        raise _header_only()
    _create_text(con, table, parallel=False)
    return table


def _header_only() -> Refusal:
    return Refusal(HEADER_ONLY, "The file has a header and no rows.", "Check the report's filters and export again.")


def _create_text(con: duckdb.DuckDBPyConnection, table: TextTable, *, parallel: bool) -> None:
    names = [f"c{index}" for index in range(len(table.header))]
    columns = ["line_no", *names] if table.is_numbered else names
    line_no = "line_no::BIGINT" if table.is_numbered else f"rowid + {table.skip + 1}"
    con.execute(f"""
        CREATE OR REPLACE TABLE body AS SELECT *
        FROM read_csv({warehouse.literal(table.path)}, auto_detect = false, header = false, skip = {table.skip},
            delim = {warehouse.literal(table.delimiter)}, quote = '"', escape = '"', strict_mode = true,
            null_padding = false, nullstr = '\x01', max_line_size = {8 * FIELD_LIMIT}, parallel = {parallel},
            columns = {{{", ".join(f"{warehouse.literal(name)}: 'VARCHAR'" for name in columns)}}})""")
    con.execute(f"CREATE OR REPLACE VIEW text AS SELECT {line_no} AS line_no, {', '.join(names)} FROM body")


def _must_be_text(data: bytes) -> None:
    if data[:4] == _ZIP:
        raise Refusal(
            NAME_AND_CONTENT_DIFFER,
            "The name says text, but the content is an Excel workbook or a zip.",
            "Rename it to .xlsx, or save it as CSV.",
        )
    if data[:4] == _OLE:
        _refuse_password(data)
        raise Refusal(
            NAME_AND_CONTENT_DIFFER,
            "The name says text, but the content is an Excel 97-2003 workbook, which holds at most 65,536 rows.",
            "Export again as CSV or .xlsx.",
        )
    sample = data[: 1 << 16]
    if len(_CONTROL.findall(sample)) > len(sample) // 50:
        raise Refusal(CANNOT_BE_READ, "The file is not text.", "Export again as CSV or .xlsx.")


def _refuse_password(data: bytes) -> None:
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise Refusal(
            PASSWORD_PROTECTED,
            "The workbook is protected by a password.",
            "Save it without a password and drop it in again.",
        )


def _decode(data: bytes) -> tuple[str, bool, list[str]]:
    """Text, whether the file itself is that text in UTF-8, and notes.

    By its mark, else UTF-16 by its NULs, else UTF-8 if it is, else Windows-1252.
    """
    notes, is_utf8 = [], False
    sample = data[:4096]
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = data.decode("utf-16", errors="replace")
    elif sample[1::2].count(0) > len(sample) // 3:
        text = data.decode("utf-16-le", errors="replace")
    elif sample[0::2].count(0) > len(sample) // 3:
        text = data.decode("utf-16-be", errors="replace")
    else:
        try:
            text, is_utf8 = data.decode("utf-8-sig"), True
        except UnicodeDecodeError:
            text = data.decode("cp1252", errors="replace")
    if "\ufffd" in text:
        notes.append("Some characters could not be read and stand as \ufffd.")
    if "\x00" in text:
        notes.append("NUL characters were taken out.")
        text, is_utf8 = text.replace("\x00", ""), False
    if "\n" not in text and "\r" in text:
        text, is_utf8 = text.replace("\r", "\n"), False
    return text, is_utf8, notes


def _find_header(text: str, contract: Contract) -> tuple[list[str], int, str]:
    """The header, the line it ends on, and the delimiter: of the first rows, the one most like the contract."""
    head = "".join(line for line in itertools.islice(io.StringIO(text, newline=""), 10 * HEADER_SEARCH_ROWS))
    best: tuple[int, list[str], int, str] | None = None
    for delimiter in DELIMITERS:
        reader = csv.reader(io.StringIO(_soften(head), newline=""), delimiter=delimiter)
        try:
            for row in itertools.islice(reader, HEADER_SEARCH_ROWS):
                score = _score(row, contract)
                if best is None or score > best[0]:
                    best = (score, row, reader.line_num, delimiter)
        except csv.Error:
            continue
    if best is None:
        raise Refusal(CANNOT_BE_READ, "No line of the file can be read as a header.", "Export again as CSV.")
    _, header, skip, delimiter = best
    return _without_empty_end(header), skip, delimiter


def _score(row: list[str], contract: Contract) -> int:
    known = {normalise(header) for column in contract.columns for header in column.headers}
    return sum(normalise(cell) in known for cell in row)


def _without_empty_end(header: list[str]) -> list[str]:
    while header and not header[-1].strip():
        header = header[:-1]
    return header


def _soften(text: str) -> str:
    """Bare carriage returns inside a text upset the csv module; they carry no meaning."""
    return text.replace("\r\n", "\n").replace("\r", " ")


def _records(text: str, delimiter: str, width: int, skip: int) -> Iterator[list[str] | Misfit]:
    """Records after the first `skip` lines as [line number, value, …]; a Misfit where the values do not fit.

    A record that spans lines and does not fit is an unclosed quotation mark: only its first line is set
    aside and reading goes on at the next one, so a stray mark costs one line and not the rest of the file.
    """
    lines = _soften(text).split("\n")
    at = skip
    while at < len(lines):
        for first, end, row in _parse_from(lines, at, delimiter):
            at = end
            if row is not None and len(row) < width and not lines[first].strip(f"{delimiter} \t"):
                continue  # a blank line is not a row
            if row is not None and len(_trim_tail(row, width)) == width:
                yield [str(first + 1), *row]
            elif row is not None and end - first == 1:
                reason = _misfit_reason(len(row), width, is_last=not any(lines[end:]))
                yield Misfit(first + 1, reason, tuple(row))
            else:
                values = tuple(lines[first].split(delimiter))
                yield Misfit(first + 1, "A quotation mark is opened and not closed.", values)
                at = first + 1
                break


def _parse_from(lines: list[str], at: int, delimiter: str) -> Iterator[tuple[int, int, list[str] | None]]:
    """(first line, line after the last, values) of each record from line `at` (from 0); None where csv gives up."""
    csv.field_size_limit(FIELD_LIMIT)
    reader = csv.reader((lines[index] + "\n" for index in range(at, len(lines))), delimiter=delimiter)
    first = at
    while True:
        try:
            row: list[str] | None = next(reader)
        except StopIteration:
            return
        except csv.Error:
            row = None
        end = min(at + reader.line_num, len(lines))
        yield first, end, row
        first = end


def _trim_tail(row: list[str], width: int) -> list[str]:
    while len(row) > width and not row[-1].strip():
        row.pop()
    return row


def _misfit_reason(found: int, expected: int, *, is_last: bool) -> str:
    if found < expected:
        end = " The file seems to be cut off here." if is_last else ""
        return f"The line has {found} of {expected} values.{end}"
    return f"The line has {found} values where the header has {expected}: a delimiter or quotation mark in a value?"


def _workbook(path: Path, data: bytes, contract: Contract) -> tuple[list[str], Iterable[list[str] | Misfit], list[str]]:
    """Header, records and notes of the sheet that looks most like the feed."""
    if data[:4] == _OLE:
        _refuse_password(data)
    elif data[:4] == _ZIP:
        _refuse_bomb(path)
    else:
        raise Refusal(
            NAME_AND_CONTENT_DIFFER,
            "The name says Excel, but the content is not a workbook.",
            "Open it in Excel and save it as .xlsx, or rename it to .csv if it is text.",
        )
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with CalamineWorkbook.from_path(str(path)) as book:
            sheets = {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}
    except (CalamineError, OSError, ValueError) as error:
        raise Refusal(
            CANNOT_BE_READ,
            f"The workbook cannot be opened ({type(error).__name__}).",
            "Open it in Excel, save it again and drop it in.",
        ) from None
    best: tuple[int, str, int] | None = None
    for name, rows in sheets.items():
        for index, row in enumerate(rows[:HEADER_SEARCH_ROWS]):
            score = _score([_cell(cell) for cell in row], contract)
            if best is None or score > best[0]:
                best = (score, name, index)
    if best is None:
        raise Refusal(EMPTY, "The workbook has no cells.", "Run the export again.")
    _, name, index = best
    header = _without_empty_end([_cell(cell) for cell in sheets[name][index]])
    notes = [f"Sheet {name} was read; the others were not."] if len(sheets) > 1 else []
    return header, _sheet_records(sheets[name], index, len(header)), notes


def _sheet_records(rows: Sequence[Sequence[object]], header_row: int, width: int) -> Iterator[list[str] | Misfit]:
    for number, row in enumerate(rows[header_row + 1 :], start=header_row + 2):
        values = [_cell(cell) for cell in row]
        if any(value.strip() for value in values):
            yield [str(number), *values[:width], *[""] * (width - len(values))]


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, dt.datetime):
        return value.isoformat(" ", timespec="seconds")
    return "" if value is None else str(value)


def _refuse_bomb(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except zipfile.BadZipFile:
        raise Refusal(
            CANNOT_BE_READ, "The workbook is damaged or only half there.", "Copy it into the inbox again."
        ) from None
    total = sum(part.file_size for part in parts)
    worst = max((part.file_size / max(1, part.compress_size) for part in parts if part.file_size > 1 << 20), default=0)
    if total > UNPACKED_LIMIT or worst > UNPACKED_FACTOR:
        raise Refusal(
            TOO_LARGE,
            f"The workbook would unpack to {total >> 20:,} MB.",
            "Export as CSV instead. If nobody made it on purpose, do not open it.",
        )
