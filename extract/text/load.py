"""An export to a table of text: header, delimiter, workbooks, damaged lines.

Two ways lead to the same table. A regular CSV goes straight to DuckDB's strict reader. Whatever is
irregular (a workbook, quoted newlines, a line with too few or too many values) is first written as a
regular CSV by the careful reader here, which keeps each record's line number and sets aside the lines
that do not fit. tests/extract/test_load_text.py holds the two ways to each other. Neither holds a file in
memory: a large one takes longer, but no more room.
"""

import csv
import functools
import io
import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

import duckdb

from extract import quarantine
from extract.contract import Contract, normalise
from extract.refusal import (
    CANNOT_BE_READ,
    EMPTY,
    HEADER_ONLY,
    MISSING_COLUMN,
    NAME_AND_CONTENT_DIFFER,
    NOT_AN_EXPORT,
    Refusal,
)
from extract.text import WORKBOOK_SUFFIXES, workbooks
from extract.text.encoding import Utf8Text, utf8_text
from extract.text.lines import (
    AGAIN,
    BELOW_OTHER,
    BLANKS,
    DELIMITERS,
    LONG,
    RECORD_LIMIT,
    Counts,
    Layout,
    Lines,
    Misfit,
    Neighbours,
    Record,
    Records,
    is_blank,
    scanner,
    trim_tail,
)
from extract.text.workbooks import OLE, ZIP, Sheet
from send_ready import database

HEADER_SEARCH_ROWS = 10  # report titles may stand above the header
COLUMN_LIMIT = 1000  # the widest known export, GIAS, has some 150
_HEAD = 1 << 20  # characters in which the header must end
_SAMPLES, _SAMPLE = (
    64,
    1 << 13,
)  # places in a file, and characters at each, from which is learned what its rows look like
_CONTROL = bytes({*range(1, 9), 0x0B, *range(0x0E, 0x20), 0x7F})
# What DuckDB raises for a file that it does not want: the last, when it cuts what it quotes within a letter.
_IRREGULAR = (duckdb.InvalidInputException, duckdb.NotImplementedException, UnicodeDecodeError)
_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_ABOVE = "The row stands above the header."
_BLANK = "' ' || chr(9) || chr(160) || chr(8203) || chr(65279)"

csv.field_size_limit(2 * _HEAD)  # for the process: nothing that is given to the csv module here is longer


@dataclass(frozen=True)
class LineCount:
    """What became of each line of a text, or of each row of a sheet: the first is the sum of the others."""

    total: int
    header: int
    titles: int
    blank: int
    rows: int  # the first lines of rows
    in_values: int  # further lines of values that span lines
    set_aside: int

    def check(self, name: str) -> None:
        """Raise AssertionError when lines are not accounted for."""
        found = self.header + self.titles + self.blank + self.rows + self.in_values + self.set_aside
        if found != self.total:
            raise AssertionError(f"{name}: {found:,} lines are accounted for, of {self.total:,}")


@dataclass(frozen=True)
class TextTable:
    """What was noticed of an export whose text is in DuckDB."""

    header: list[str]
    notes: tuple[str, ...]
    lines: LineCount
    rows_in: dict[str, int] | None = None  # of rows that a SELECT gave: those of each table that it read
    rows_used: int | None = None  # of them, those whose file and line it gave


@dataclass(frozen=True)
class Above:
    """What stands above the header: records, and titles and the like that were passed over."""

    records: tuple[Misfit, ...]
    titles: int
    blank: int

    @property
    def notes(self) -> tuple[str, ...]:
        """What there is to say about that."""
        return (f"Rows above the header that were passed over: {self.titles}.",) if self.titles else ()


@dataclass(frozen=True)
class Candidate:
    """A row that may be the header."""

    cells: list[str]
    columns: dict[str, int]  # of the contract, with the place of each
    before: int  # rows or lines above it
    lines: int  # and up to its end
    characters: int = 0  # of the text up to its end


@dataclass(frozen=True)
class Header:
    """The header of a text, and how much of the text it ends."""

    cells: list[str]
    above: list[tuple[int, str]]  # the lines above it, with their numbers
    delimiter: str
    lines: int  # up to its end
    span: int  # of them, its own
    characters: int
    line_feeds: int


def load_text(con: duckdb.DuckDBPyConnection, path: Path, suffix: str, contract: Contract, work: Path) -> TextTable:
    """Make of an export the relations `text` (line_no, c0, c1, …; all text) and `misfit`.

    `misfit` (line_no, kind, reason, record) holds records that do not fit the header, as JSON lists. `work` is an
    empty folder for scratch files. Raises Refusal when the file as a whole is not an export.
    """
    if suffix in WORKBOOK_SUFFIXES:
        return _load_workbook(con, path, contract, work)
    text = readable_text(path, work)
    header = _find_header(text.path, contract)
    return load_lines(con, text, header, Layout(header.cells, contract), work, contract.id)


def readable_text(path: Path, work: Path) -> Utf8Text:
    """A text as UTF-8. Raises Refusal when the file is empty, or no text."""
    _must_be_text(path)
    text = utf8_text(path, work)
    if text is None:
        raise Refusal(EMPTY, "The file is empty.", "Run the export again.")
    return text


def load_lines(
    con: duckdb.DuckDBPyConnection, text: Utf8Text, header: Header, layout: Layout, work: Path, name: str
) -> TextTable:
    """Make `text` and `misfit` of the lines below a header; `name` is the feed's or the source's."""
    near = functools.cache(lambda: Neighbours(layout, sample(text.path, header, layout)))
    above = _above(
        [Misfit(number, _ABOVE, tuple(split(line, header.delimiter))) for number, line in header.above], layout, near
    )
    below = text.lines - header.line_feeds
    is_regular = not text.has_lone_returns and not above.records
    blank = _load_regular(con, text, header, layout, below) if is_regular else None
    if blank is not None:
        counts, total = Counts(blank=blank), text.lines
    else:
        counts, total = _load_line_by_line(con, text, header, near(), above, work)
    lines = LineCount(
        total=total,
        header=header.span,
        titles=above.titles,
        blank=above.blank + counts.blank,
        rows=_count(con, "text"),
        in_values=counts.in_values,
        set_aside=_count(con, "misfit"),
    )
    lines.check(name)
    return TextTable(header.cells, text.notes + above.notes + _notes(counts, layout), lines)


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    row = con.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(row[0]) if row else 0


def _notes(counts: Counts, layout: Layout) -> tuple[str, ...]:
    """What there is to say about rows that are not as regular as they should be."""
    notes = []
    if counts.short:
        notes.append(
            f"{counts.short:,} lines lack one or more of the last columns, none of which is required; those are blank."
        )
    if counts.literal:
        notes.append(
            f"{counts.literal:,} lines have a quotation mark that opens or closes nothing; it was taken for a letter "
            "of a text, and left out of ids, dates and codes."
        )
    return tuple(notes)


def _load_regular(
    con: duckdb.DuckDBPyConnection, text: Utf8Text, header: Header, layout: Layout, expected_rows: int
) -> int | None:
    """Load with DuckDB's strict reader; gives the number of blank rows. None when the file is not regular enough."""
    columns = [f"c{index}" for index in range(len(header.cells))]
    try:
        _read_csv(con, "body", text.path, columns, RECORD_LIMIT, delimiter=header.delimiter, skip=header.lines)
    except _IRREGULAR:
        return None
    # Fewer records than lines: blank lines or quoted newlines, so line numbers need the careful reader.
    if not expected_rows or _count(con, "body") != expected_rows:
        return None
    if text.has_quotes and _has_marks(con, layout):
        return None
    if _has_other_header(con, layout):
        return None
    odd = "(c0 IS NULL OR c0 < '!' OR c0 > '~')"  # which is quicker to see
    blank = _count(con, f"body WHERE {odd} AND coalesce(trim(c0, {_BLANK}), '') = ''")
    only = ""
    if blank:  # or at least without a first value
        filled = " OR ".join(f"trim({name}, {_BLANK}) <> ''" for name in columns)  # which is null where the value is
        blank = expected_rows - _count(con, f"body WHERE {filled}")
        only = f"WHERE {filled}" if blank else ""
    con.execute(
        f"CREATE VIEW text AS SELECT rowid + {header.lines + 1} AS line_no, {', '.join(columns)} FROM body {only}"
    )
    con.execute("CREATE TABLE misfit (line_no BIGINT, kind VARCHAR, reason VARCHAR, record VARCHAR)")
    if blank == expected_rows:
        raise _no_rows()
    return blank


def _has_marks(con: duckdb.DuckDBPyConnection, layout: Layout) -> bool:
    """Whether a value spans lines, or an id, a date, a code or a number has a quotation mark in it."""
    found = [f"contains(c{index}, chr(10))" for index in range(layout.width)]
    found += [f"contains(c{index}, '\"')" for index, kind in enumerate(layout.types) if kind not in ("", "text")]
    return _count(con, f"body WHERE {' OR '.join(found)}") > 0


def _has_other_header(con: duckdb.DuckDBPyConnection, layout: Layout) -> bool:
    """Whether a header stands among the rows whose columns are not those of the first."""
    at = layout.keys[0] if layout.keys else 0
    first = f"replace(replace(replace(lower(c{at}), ' ', ''), '-', ''), '_', '')"
    names = ", ".join(map(database.literal, sorted(layout.known)))
    found = con.execute(f"SELECT DISTINCT * FROM body WHERE c{at} > ':' AND {first} IN ({names}) LIMIT 1000").fetchall()
    return any(layout.header([value or "" for value in row]) == "other" for row in found)


def _load_line_by_line(
    con: duckdb.DuckDBPyConnection, text: Utf8Text, header: Header, near: Neighbours, above: Above, work: Path
) -> tuple[Counts, int]:
    """Load line by line; gives what became of the lines, and how many there are."""
    with open(text.path, encoding="utf-8-sig", newline="\n") as file:
        file.read(header.characters)
        lines = Lines(file, header.lines)
        records = Records(lines, header.delimiter, near, is_cut=text.is_cut)
        _load_numbered(con, len(header.cells), itertools.chain(above.records, records), work)
    if lines.read != text.lines - header.line_feeds:
        raise AssertionError(f"{lines.read:,} lines were read, of {text.lines - header.line_feeds:,}")
    return records.counts, header.lines + lines.read + records.counts.returns


def split(line: str, delimiter: str) -> list[str]:
    """The values of one line, whatever its quotation marks."""
    scanned = scanner(delimiter)(line, False)
    if scanned and not scanned[1]:
        return scanned[0]
    return [value.strip('"') for value in line.split(delimiter)]


def sample(path: Path, header: Header, layout: Layout) -> list[list[str]]:
    """Lines of all parts of a file, cut into values, that are most likely rows.

    What stands in quotation marks is left out, unless that is most of it: then a mark is one that nobody meant.
    """
    size, scan = path.stat().st_size, scanner(header.delimiter)
    outside: list[list[str]] = []
    inside: list[list[str]] = []
    with open(path, "rb") as file:
        for part in range(_SAMPLES):
            at = size * part // _SAMPLES if size > _SAMPLES * _SAMPLE else part * _SAMPLE
            if at >= size:
                break
            file.seek(at)
            lines = file.read(_SAMPLE + (1 << 10)).decode("utf-8", "ignore").split("\n")
            held: list[str] | None = None  # of a record that goes on
            here: list[list[str]] = []
            for line in lines[header.lines if not at else 1 :]:
                text = line.rstrip("\r")
                alone = scan(text, False)
                row = trim_tail(list(alone[0]), layout.width) if alone and not alone[1] else []
                if held is not None and layout.need <= len(row) and '"' not in "".join(row):
                    inside.append(row)
                scanned = scan(text, held is not None)
                if not scanned and held is not None and at:  # what was taken for quoted is not, and the other way round
                    here.clear()
                    held, scanned = None, alone
                values = [] if not scanned else [*held[:-1], f"{held[-1]}\n", *scanned[0][1:]] if held else scanned[0]
                held = values if scanned and scanned[1] else None
                if held is None and len(trim_tail(values, layout.width)) >= layout.need:
                    here.append(values)
            if held and not at and not here:
                here.append(held[:-1])  # a record begins here, whatever becomes of its last value
            outside += here
    inside, outside = (
        [row for row in rows if len(row) <= layout.width and not is_blank(row)] for rows in (inside, outside)
    )
    return outside if 3 * len(outside) >= len(inside) else outside + inside


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
        raise _no_rows()
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
        FROM read_csv({database.literal(path)}, auto_detect = false, header = false, skip = {skip or 0},
            delim = {database.literal(delimiter)}, quote = '"', escape = '"', strict_mode = true,
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
        workbooks.refuse_password(path)
        raise Refusal(
            NAME_AND_CONTENT_DIFFER,
            "The name says text, but the content is an Excel 97-2003 workbook, which holds at most 65,536 rows.",
            "Export again as CSV or .xlsx.",
        )
    if len(head) - len(head.translate(None, _CONTROL)) > len(head) // 50:
        raise Refusal(CANNOT_BE_READ, "The file is not text.", "Export again as CSV or .xlsx.")


def _no_rows() -> Refusal:
    return Refusal(HEADER_ONLY, "The file has a header and no rows.", "Check the report's filters and export again.")


def _find_header(path: Path, contract: Contract) -> Header:
    """Of the first rows, the one most like the contract, by whichever delimiter.

    A CR within a line is taken for a line end where that does no harm to the header.
    """
    head = read_head(path)
    known = _known(contract)
    best, best_score, at = None, 0, ("", "")
    for newline, delimiter in ways_to_cut(head):
        found = list(candidates(first_lines(head, newline), delimiter, known))
        chosen = _choose(found, contract)
        if chosen and len(chosen.columns) > best_score:
            best, best_score, at = chosen, len(chosen.columns), (newline, delimiter)
    if best is None:
        raise _no_header(contract)
    return header_of(best, head, *at)


def read_head(path: Path) -> str:
    """The beginning of a text, in which its header is. Raises Refusal for a web page."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        head = file.read(_HEAD)
    if head[:4096].lstrip("\ufeff \t\r\n").startswith("<"):
        raise Refusal(
            NOT_AN_EXPORT,
            "The file is a web page or XML, perhaps a log-in page saved as CSV.",
            "Log in to the source system and run the export again.",
        )
    return head


def ways_to_cut(head: str) -> Iterator[tuple[str, str]]:
    """The line ends and delimiters that a text may have."""
    newlines = ("", "\n") if head.count("\r") > head.count("\r\n") else ("",)
    delimiters = [each for each in DELIMITERS if each in head] or [DELIMITERS[0]]
    yield from itertools.product(newlines, delimiters)


def header_of(best: Candidate, head: str, newline: str, delimiter: str) -> Header:
    """The header that a candidate is. Raises Refusal when it does not end, or is too wide."""
    if best.characters == _HEAD:
        raise Refusal(CANNOT_BE_READ, f"The header does not end within {_HEAD:,} characters.", "Export again as CSV.")
    lines = first_lines(head, newline, best.before)
    above = [(number, line) for number, (line, _) in enumerate(lines[: best.before], start=1)]
    return Header(
        header_cells(best.cells),
        above,
        delimiter,
        best.lines,
        best.lines - best.before,
        best.characters,
        head.count("\n", 0, best.characters),
    )


def first_lines(head: str, newline: str, least: int = 0) -> list[tuple[str, int]]:
    """The lines in which the header is looked for, `least` at least, each with the characters up to its end."""
    found, characters, filled = [], 0, 0
    for line in io.StringIO(head, newline=newline):
        characters += len(line)
        found.append((line.rstrip("\r\n").replace("\r", " "), characters))
        filled += bool(line.strip())
        is_enough = filled == 2 * HEADER_SEARCH_ROWS or len(found) == 10 * HEADER_SEARCH_ROWS
        if (is_enough and not least) or 0 < least <= len(found):
            break
    return found


def candidates(
    lines: list[tuple[str, int]], delimiter: str, known: dict[str, str], most: int = HEADER_SEARCH_ROWS
) -> Iterator[Candidate]:
    """What may be the header: each of the first lines, and what it is with those that follow it."""
    scan, filled = scanner(delimiter), 0
    alone = [split(line, delimiter) for line, _ in lines]
    for at, (line, characters) in enumerate(lines):
        if not line.strip():
            continue
        filled += 1
        if filled > most:
            return
        columns = _columns(alone[at], known)
        by_itself = Candidate(alone[at], columns, at, at + 1, characters)
        scanned = scan(line, False)
        if scanned and scanned[1]:  # headings of several lines
            *cells, held = scanned[0]
            for further in range(at + 1, len(lines)):
                scanned = scan(lines[further][0], True)
                if not scanned:
                    break
                held += "\n" + scanned[0][0]
                if len(scanned[0]) > 1 or not scanned[1]:
                    cells += [held, *scanned[0][1:]]
                    held = cells.pop() if scanned[1] else ""
                if not scanned[1]:
                    several = Candidate(cells, _columns(cells, known), at, further + 1, lines[further][1])
                    if all(len(row) < len(cells) for row in alone[at + 1 : further + 1]):
                        yield several
                    else:  # lines of as many values may be rows, and the quotation mark one that nobody meant
                        yield by_itself
                        yield several
                    break
        yield by_itself
        if at + 1 < len(lines) and lines[at + 1][0].strip():  # headings over two lines
            cells = [f"{one} {other}".strip() for one, other in zip_longest(alone[at], alone[at + 1], fillvalue="")]
            joined = _columns(cells, known)
            if len(joined) > len(columns) + len(_columns(alone[at + 1], known)):
                yield Candidate(cells, joined, at, at + 2, lines[at + 1][1])


def _columns(cells: list[str], known: dict[str, str]) -> dict[str, int]:
    """The contract's columns that a row names, each with its place."""
    found: dict[str, int] = {}
    for index, cell in enumerate(cells):
        if name := known.get(normalise(cell)):
            found.setdefault(name, index)
    return found


def _choose(found: list[Candidate], contract: Contract) -> Candidate | None:
    """The row that names most columns; or one before it that says the same, and would leave no row above the header."""
    best = max(found, key=lambda candidate: len(candidate.columns), default=None)
    if not best or not best.columns:
        return None
    required = {column.name for column in contract.required}
    width = len(trim_tail(list(best.cells), 0))
    for candidate in found:
        if candidate is best:
            break
        if (
            required <= candidate.columns.keys()
            and candidate.columns.items() <= best.columns.items()
            and len(trim_tail(list(candidate.cells), 0)) == width
        ):
            return candidate
    return best


def _no_header(contract: Contract) -> Refusal:
    required = ", ".join(column.headers[0] for column in contract.required)
    return Refusal(
        MISSING_COLUMN,
        f"None of the first {HEADER_SEARCH_ROWS} rows is a header of this feed. Required columns: {required}.",
        f"Export with the header; if its columns have other names, add those to the column map {contract.name}.csv.",
    )


def _known(contract: Contract) -> dict[str, str]:
    return contract.known


def header_cells(row: list[str]) -> list[str]:
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


def _above(rows: Iterable[Misfit], layout: Layout, near: Callable[[], Neighbours]) -> Above:
    """What stands above a header. Rows too full for titles are records: somebody sorted the header in among them."""
    width, records, titles, blank = layout.width, [], 0, 0
    for row in rows:
        cells = sum(bool(value.strip(BLANKS)) for value in row.values)
        if not cells:
            blank += 1
        elif layout.header(list(row.values)):
            records.append(row._replace(kind=quarantine.FURNITURE))
        elif cells >= 3 or 2 * cells > width == len(row.values) or (cells > 1 and near().is_key(list(row.values))):
            records.append(row)
        else:
            titles += 1
    return Above(tuple(records), titles, blank)


def _load_workbook(con: duckdb.DuckDBPyConnection, path: Path, contract: Contract, work: Path) -> TextTable:
    """Load the sheet that looks most like the feed; of equals the first, and one that can be seen before any hidden."""
    if not path.stat().st_size:
        raise Refusal(EMPTY, "The file is empty.", "Run the export again.")
    found = workbooks.sheets(path, work / "sheets")
    known = _known(contract)
    rows = [
        (sheet, [Candidate(cells, _columns(cells, known), at, at + 1) for at, (_, *cells) in enumerate(first)])
        for sheet in sorted(found, key=lambda sheet: not sheet.is_visible)
        if (first := list(itertools.islice(sheet.rows(), HEADER_SEARCH_ROWS)))
    ]
    if not rows:
        raise Refusal(EMPTY, "The workbook has no cells.", "Run the export again.")
    chosen = [(sheet, candidate) for sheet, first in rows if (candidate := _choose(first, contract))]
    if not chosen:
        raise _no_header(contract)
    sheet, best = max(chosen, key=lambda each: len(each[1].columns))
    notes = [f"Sheet {sheet.number} was read; the others were not."] if len(found) > 1 else []
    if twins := sorted(
        {
            other.number
            for other, candidate in chosen
            if len(candidate.columns) == len(best.columns) and other.is_visible
        }
        - {sheet.number}
    ):
        notes.append(
            f"Sheet {', '.join(map(str, twins))} has the same header, and was not read: put all rows on one sheet."
        )
    table = load_sheet(con, sheet, best, Layout(header_cells(best.cells), contract), work, contract.id)
    return replace(table, notes=(*notes, *table.notes))


def load_sheet_of(con: duckdb.DuckDBPyConnection, sheet: Sheet, contract: Contract, work: Path) -> TextTable:
    """`load_text` of one sheet of a workbook, whose header is found in it. Raises Refusal."""
    known = _known(contract)
    first = enumerate(itertools.islice(sheet.rows(), HEADER_SEARCH_ROWS))
    best = _choose([Candidate(cells, _columns(cells, known), at, at + 1) for at, (_, *cells) in first], contract)
    if not best:
        raise _no_header(contract)
    return load_sheet(con, sheet, best, Layout(header_cells(best.cells), contract), work, contract.id)


def load_sheet(
    con: duckdb.DuckDBPyConnection, sheet: Sheet, best: Candidate, layout: Layout, work: Path, name: str
) -> TextTable:
    """Make `text` and `misfit` of the rows of a sheet below its header; `name` is the feed's or the source's."""
    header = header_cells(best.cells)
    below = itertools.islice(sheet.rows(), best.lines, None, max(1, sheet.height // (1 << 12)))
    before = itertools.islice(sheet.rows(), best.before)
    above = _above(
        [Misfit(int(number), _ABOVE, tuple(values)) for number, *values in before],
        layout,
        functools.cache(lambda: Neighbours(layout, (_fitted(row[1:], layout) for row in below))),
    )
    beside: list[str] = []
    counts = Counts()
    records = _sheet_records(itertools.islice(sheet.rows(), best.lines, None), layout, beside, counts)
    _load_numbered(con, len(header), itertools.chain(above.records, records), work)
    notes = [f"Cells to the right of the table were not used, in {len(beside):,} rows."] if beside else []
    lines = LineCount(
        total=sheet.height,
        header=best.lines - best.before,
        titles=above.titles,
        blank=sheet.blank + above.blank + counts.blank,
        rows=_count(con, "text"),
        in_values=0,
        set_aside=_count(con, "misfit"),
    )
    lines.check(name)
    return TextTable(header, (*notes, *above.notes), lines)


def _fitted(values: list[str], layout: Layout) -> list[str]:
    return [*values[: layout.width], *[""] * (layout.width - len(values))]


def _sheet_records(rows: Iterable[list[str]], layout: Layout, beside: list[str], counts: Counts) -> Iterator[Record]:
    """The records of a sheet; `beside` gets the numbers of rows that go on to the right of the header."""
    other = 0
    for number, *values in rows:
        if any(value.strip() for value in values[layout.width :]):
            beside.append(number)
        if sum(map(len, values)) > RECORD_LIMIT:
            yield Misfit(int(number), LONG, ("\t".join(values)[:RECORD_LIMIT],))
            continue
        row = _fitted(values, layout)
        if is_blank(values):
            counts.blank += 1
        elif is_header := layout.header(row):
            other = int(number) if is_header == "other" else 0
            yield Misfit(int(number), AGAIN, tuple(row), quarantine.FURNITURE)
        elif other:
            yield Misfit(int(number), BELOW_OTHER.format(f"{other:,}"), tuple(row))
        else:
            yield [number, *row]
