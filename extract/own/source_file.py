"""One file of a source: read to Parquet, every column as text under its title, with file and line; what it came to.

The result is a pure function of the bytes and the source's declaration. It is kept beside the bytes, and the Parquet
under typed/sources, as for a feed's files.
"""

import datetime as dt
import itertools
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import duckdb

from extract import dates, furniture, quarantine, read_file
from extract.contract import Contract, normalise
from extract.landing import Landed
from extract.own import header as headers
from extract.own.source import EVERY, KEEP, SET_ASIDE, Source
from extract.read_file import SEAL, Reading, Spoilt
from extract.refusal import BAD_DATE_IN_NAME, EMPTY, HEADER_ONLY, Refusal
from extract.sen2.found import Came, Told
from extract.text import WORKBOOK_SUFFIXES, workbooks
from extract.text.lines import Layout
from extract.text.load import (
    Candidate,
    LineCount,
    TextTable,
    candidates,
    first_lines,
    header_cells,
    header_of,
    load_lines,
    load_sheet,
    read_head,
    readable_text,
    sample,
    split,
    ways_to_cut,
)
from extract.text.workbooks import Sheet
from send_ready import confined, database, files, issues
from send_ready.database import identifier, literal
from send_ready.issues import Issue

NO_SHEET = "F-43"
SHEET_ROWS = 1000  # that are looked at for a header
_SHOWN = 20


@dataclass
class Loaded:
    """What was noticed of a file of a source, beside its rows."""

    columns: dict[str, None]  # in order
    notes: list[str]
    furniture: list[int]
    misfits: list[tuple[int, str]]
    rows: int = 0
    sheets: int = 0  # of the workbook, that hold something
    lines: LineCount | None = None
    told: list[Told] = field(default_factory=list)  # by a reader


def read_source_file(home: Path, landed: Landed, source: Source) -> Reading:
    """What reading a landed file of a source comes to, which is recorded. Raises Spoilt."""
    reading = _read(home, landed, source)
    read_file.record_reading(home, landed, source, reading)
    return reading


def ensure_rows(home: Path, landed: Landed, source: Source) -> Path:
    """The Parquet of a file's rows, relative to SEND_HOME, made again where the cache lacks it.

    Raises Spoilt, and Refusal when a later version of SEND Ready no longer reads it.
    """
    rows = read_file.typed_paths(landed, source)[0]
    if not read_file.is_typed(home, landed, source):
        reading = read_source_file(home, landed, source)
        if reading.code and reading.reason and reading.fix:
            raise Refusal(reading.code, f"{landed.file_name}: {reading.reason}", reading.fix)
    return rows


def _read(home: Path, landed: Landed, source: Source) -> Reading:
    if landed.data_date is None:
        refusal = Refusal(
            BAD_DATE_IN_NAME, "The date in the file name does not exist.", "Name it with the date as YYYYMMDD."
        )
        return read_file.refused_reading(refusal)
    if files.sha256(home / landed.path) != landed.sha256:
        raise Spoilt(landed)
    paths = [home / path for path in read_file.typed_paths(landed, source)]
    work = read_file.scratch_folder(home, source)
    confined.remove_tree(work)
    work.mkdir(parents=True)
    try:
        with database.scratch(work, threads=1) as con:
            try:
                loaded = load_rows(con, home / landed.path, landed, source, work)
            except Refusal as refusal:
                return read_file.refused_reading(refusal)
            paths[0].parent.mkdir(parents=True, exist_ok=True)
            in_order = "" if source.reader else " ORDER BY _sheet, _line"  # a reader's stand in their order
            read_file.copy(con, f"SELECT * FROM rows{in_order}", paths[0])
            read_file.copy(con, "SELECT * FROM set_aside ORDER BY line_no", paths[1])
            issues.write(paths[2], _issues(loaded, landed, source), con)
            aside = len(loaded.furniture) + len(loaded.misfits)
            files.write_json(paths[0].with_name(SEAL), read_file.hashes(paths))
            return Reading(
                "accepted", None, None, None, loaded.rows + aside, loaded.rows, aside, 0, (), (),
                asdict(loaded.lines) if loaded.lines else None,
            )  # fmt: skip
    finally:
        confined.remove_tree(work)


def latest_date(path: Path, suffix: str, source: Source, column: str) -> dt.date | None:
    """The latest date in a column of a file: the data date of an undated one whose source says so."""
    work = path.parent / ".reading"
    confined.remove_tree(work)
    work.mkdir(parents=True)
    about = Landed(source.source, source.feed, "", suffix, 0, 0, "", None, "", None)
    try:
        with database.scratch(work, threads=1) as con:
            loaded = load_rows(con, path, about, source, work)
            name = next((each for each in loaded.columns if normalise(each) == normalise(column)), None)
            if name is None:
                return None
            values = con.execute(f"SELECT DISTINCT {identifier(name)} FROM rows").fetchall()
    except Refusal:
        return None
    finally:
        confined.remove_tree(work)
    moments = (dates.parse_date(value) for (value,) in values if value)
    return max((moment.date() for moment in moments if moment), default=None)


def load_rows(con: duckdb.DuckDBPyConnection, path: Path, landed: Landed, source: Source, work: Path) -> Loaded:
    """Make `rows` (the columns, _file, _sheet, _line, _data_date) and `set_aside` of a file. Raises Refusal."""
    loaded = Loaded({}, [], [], [])
    con.execute("CREATE TABLE rows (_file VARCHAR, _sheet VARCHAR, _line BIGINT, _data_date VARCHAR)")
    con.execute(
        "CREATE TABLE set_aside (file_name VARCHAR, line_no BIGINT, kind VARCHAR, column_name VARCHAR, reason VARCHAR, "
        "record VARCHAR, held VARCHAR)"
    )
    if source.reader:
        came = Came(landed.file_name, landed.suffix, landed.data_date or dt.date.min, landed.landed_at)
        read = source.reader.read(con, path, came, work)
        loaded.told, loaded.notes, loaded.misfits = read.told, read.notes, read.misfits
        loaded.rows = _count(con, "rows WHERE _line IS NOT NULL")
        return loaded
    if landed.suffix in WORKBOOK_SUFFIXES:
        for sheet, best in _sheets(path, source, work, loaded):
            below = ([*row[1:]] for row in itertools.islice(sheet.rows(), best.lines, best.lines + 1000))
            cells = header_cells(best.cells)
            contract = headers.as_contract(source, cells, below)
            table = load_sheet(con, sheet, best, Layout(cells, contract), _folder(work, sheet.number), source.id)
            _add(con, landed, source, sheet, table, contract, loaded)
    else:
        text = readable_text(path, work)
        head = read_head(text.path)
        found = None
        for newline, delimiter in ways_to_cut(head):
            lines = first_lines(head, newline, max(source.row or 0, 10 * headers.SEARCH_ROWS) + headers.LOOKED_AT)
            table_ = headers.Table(
                list(candidates(lines, delimiter, {}, source.row or headers.SEARCH_ROWS)),
                [split(line, delimiter) for line, _ in lines],
                list(range(1, len(lines) + 1)),
            )
            best_ = headers.find(table_, source)
            if best_ and (not found or len(best_.cells) > len(found[0].cells)):
                found = best_, newline, delimiter
        if not found:
            raise headers.none_found(source)
        header = header_of(found[0], head, found[1], found[2])
        plain = headers.as_contract(source, header.cells, ())
        rows = sample(text.path, header, Layout(header.cells, plain))
        contract = headers.as_contract(source, header.cells, rows)
        table = load_lines(con, text, header, Layout(header.cells, contract), work, source.id)
        _add(con, landed, source, None, table, contract, loaded)
    if not loaded.rows:
        raise Refusal(HEADER_ONLY, "The file has a header and no rows.", "Check the report's filters and export again.")
    return loaded


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    row = con.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(row[0]) if row else 0


def _folder(work: Path, number: int) -> Path:
    folder = work / f"sheet_{number}"
    folder.mkdir()
    return folder


def _sheets(path: Path, source: Source, work: Path, loaded: Loaded) -> Iterator[tuple[Sheet, Candidate]]:
    """The sheets of a workbook that are read, each with its header. Raises Refusal."""
    if not path.stat().st_size:
        raise Refusal(EMPTY, "The file is empty.", "Run the export again.")
    there = workbooks.sheets(path, work / "sheets")
    loaded.sheets = len(there)
    wanted = [each for each in there if _is_wanted(each, source)]
    if source.sheet and not wanted:
        raise Refusal(
            NO_SHEET, f"No sheet is called {source.sheet}.", f"Put `sheet` of sources/{source.feed}.yml right."
        )
    if not wanted:
        raise Refusal(EMPTY, "The workbook has no cells that can be seen.", "Run the export again.")
    tables, unsure = [], None
    for sheet in wanted:
        some = list(headers.numbered(itertools.islice(sheet.rows(), SHEET_ROWS)))
        most = len(some) if source.row is not None else headers.SEARCH_ROWS
        table = headers.Table(
            [Candidate(cells, {}, at, at + 1) for at, (_, cells) in enumerate(some[:most])],
            [cells for _, cells in some],
            [number for number, _ in some],
        )
        try:
            best = headers.find(table, source)
        except Refusal as refusal:
            unsure = unsure or refusal
            continue
        if best:
            tables.append((sheet, best))
    if unsure and (source.sheet or not tables):
        raise unsure
    if not tables:
        raise headers.none_found(source)
    if len(tables) > 1 and not source.sheet:
        numbers = " and ".join(str(sheet.number) for sheet, _ in tables)
        raise Refusal(
            NO_SHEET,
            f"Sheets {numbers} have a table each.",
            f"Say which in sources/{source.feed}.yml: `sheet: its name`, a pattern such as `sheet: North*`, or "
            "`sheet: every` to put them together.",
        )
    if len(there) > len(tables):
        read = ", ".join(str(sheet.number) for sheet, _ in tables)
        loaded.notes.append(f"Sheet {read} was read; the others were not.")
    yield from tables


def _is_wanted(sheet: Sheet, source: Source) -> bool:
    return source.is_sheet(sheet.name) and (sheet.is_visible or source.sheet not in (None, EVERY))


def _add(
    con: duckdb.DuckDBPyConnection,
    landed: Landed,
    source: Source,
    sheet: Sheet | None,
    table: TextTable,
    contract: Contract,
    loaded: Loaded,
) -> None:
    """Add the rows of `text` to `rows`, and what is no row to `set_aside`; `text` and `misfit` go."""
    # Two sheets have a line 5 each, and the other may be of another source.
    is_one_of_several = source.sheet == EVERY or (source.sheet and loaded.sheets > 1)
    name = landed.file_name + (f", sheet {sheet.number}" if sheet and is_one_of_several else "")
    unknown = _furniture(con, source, contract, table.header)
    records = con.execute("SELECT line_no::BIGINT, reason, kind FROM misfit ORDER BY 1").fetchall()
    con.execute(f"""
        INSERT INTO set_aside SELECT {literal(name)}, line_no::BIGINT, kind, NULL, reason, record, NULL FROM misfit""")
    cells = [f"c{at}" for at in range(len(table.header))]
    con.execute(f"""
        INSERT INTO set_aside
        SELECT {literal(name)}, line_no, {literal(quarantine.FURNITURE)}, NULL, {literal(furniture.REASON)},
            to_json([{", ".join(cells)}])::VARCHAR, NULL
        FROM text WHERE line_no IN (SELECT line_no FROM {unknown})""")
    loaded.furniture += [line for line, _, kind in records if kind == quarantine.FURNITURE]
    loaded.furniture += [line for (line,) in con.execute(f"SELECT line_no FROM {unknown} ORDER BY 1").fetchall()]
    loaded.misfits += [(line, reason) for line, reason, kind in records if kind != quarantine.FURNITURE]
    names = headers.unique(table.header)
    loaded.columns |= dict.fromkeys(names)
    values = ", ".join(f"{cell} AS {identifier(each)}" for cell, each in zip(cells, names, strict=True))
    shown = literal(sheet.name) if sheet else "NULL"
    con.execute(f"""
        CREATE OR REPLACE TABLE more AS
        SELECT {values}, {literal(name)} AS _file, {shown} AS _sheet, line_no AS _line,
            {literal(str(landed.data_date))} AS _data_date
        FROM text WHERE line_no NOT IN (SELECT line_no FROM {unknown})""")
    con.execute("CREATE OR REPLACE TABLE together AS FROM more UNION ALL BY NAME FROM rows")
    con.execute("DROP TABLE rows; ALTER TABLE together RENAME TO rows; DROP VIEW text; DROP TABLE misfit")
    con.execute("DROP TABLE IF EXISTS body; DROP TABLE IF EXISTS furniture; DROP TABLE IF EXISTS bare")
    con.execute("DROP TABLE IF EXISTS suspect; DROP TABLE IF EXISTS no_rows")
    loaded.rows = _count(con, "rows")
    loaded.notes += table.notes
    loaded.lines = _sum(loaded.lines, table.lines)


def _sum(one: LineCount | None, other: LineCount) -> LineCount:
    if one is None:
        return other
    return LineCount(**{name: count + getattr(one, name) for name, count in asdict(other).items()})


def _furniture(con: duckdb.DuckDBPyConnection, source: Source, contract: Contract, header: list[str]) -> str:
    """The table of the lines that are titles, totals and the like, by what the source says of them."""
    if source.totals == SET_ASIDE:
        places = {column.name: int(column.name[1:]) for column in contract.columns}
        furniture.mark_furniture(con, contract, places, header)
        return "furniture"
    con.execute("CREATE TABLE no_rows (line_no BIGINT)")
    if source.totals != KEEP:
        said = "|".join(re.escape(word.casefold().strip()) for word in source.totals)
        begins = literal(rf"^(?:{said})(?:[^\p{{L}}\p{{N}}]|$)")
        found = " OR ".join(f"regexp_matches(lower(trim(c{at})), {begins})" for at in range(len(header)))
        con.execute(f"INSERT INTO no_rows SELECT line_no FROM text WHERE {found}")
    return "no_rows"


def _issues(loaded: Loaded, landed: Landed, source: Source) -> Iterator[Issue]:
    """The issues of a file that was read: notes, and lines that are no rows."""

    def issue(rule: str, severity: str, message: str, fix: str, line: int | None = None, count: int = 1) -> Issue:
        return Issue("File", rule, severity, message, fix, source.owner, feed=source.id, file_name=landed.file_name,
                     line_no=line, count=count)  # fmt: skip

    for told in loaded.told:
        yield issue(told.rule, told.severity, told.message, told.fix, told.line, told.count)
    for note in loaded.notes:
        yield issue("F-20", "note", note, "Nothing, if that is right.")
    if lines := sorted(loaded.furniture):
        shown = ", ".join(map(str, lines[:_SHOWN])) + (f" and {len(lines) - _SHOWN:,} more" * (len(lines) > _SHOWN))
        message = f"Line{'s' * (len(lines) > 1)} {shown}: a title, a total, a footer or the header again. Set aside."
        fix = (
            f"Nothing, if that is right; if children stand there, write `totals: {KEEP}` in sources/{source.feed}.yml."
        )
        yield issue("F-33", "note", message, fix, count=len(lines))
    for line, reason in loaded.misfits[:_SHOWN]:
        yield issue("F-30", "error", reason, "Put the row right in the report; until then it is set aside.", line)
    if (more := len(loaded.misfits) - _SHOWN) > 0:
        yield issue("F-30", "error", f"{more:,} more lines are set aside.", "See the quarantine.", count=more)
