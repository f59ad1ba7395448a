"""A return as a workbook: DfE's template, whose tables stand below one another, or one sheet a table.

A table begins at its title or its sheet, and its headings count up to their first line end. Whichever order the tables
stand in, each is read by its headings.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from extract.refusal import EMPTY, HEADER_ONLY, NOT_AN_EXPORT, Refusal
from extract.sen2 import tabular
from extract.sen2.found import Came, Found
from extract.sen2.shape import Shape, Table, compared
from extract.sen2.tabular import Columns
from extract.text import workbooks
from send_ready.database import literal
from send_ready.sen2 import ROOT

TEMPLATE, SHEETS = "DfE template", "workbook of one sheet a table"
_FILLED_BY_TITLE = 2  # cells; a row of a table has more


@dataclass
class _Block:
    """One table of the workbook."""

    columns: Columns
    header: int  # its line
    rows: list[tuple[int, str, list[str]]]  # line, sheet, values


def read(con: duckdb.DuckDBPyConnection, shape: Shape, path: Path, came: Came, work: Path) -> Found:
    """A workbook as the rows of all modules. Raises Refusal."""
    if not path.stat().st_size:
        raise Refusal(EMPTY, "The file is empty.", "Save the workbook again.")
    titled, passed = False, list[tuple[int, str]]()
    blocks: dict[str, _Block] = {}
    for sheet in workbooks.sheets(path, work / "sheets"):
        for is_title, block in _blocks(shape, sheet.name, sheet.rows(), passed):
            titled = titled or is_title
            held = blocks.setdefault(block.columns.table.name, block)
            if held is not block and block.rows:
                _same_columns(held, block)
    if not any(name != ROOT for name in blocks):
        raise Refusal(
            NOT_AN_EXPORT,
            "The workbook has no table of a SEN2 return: neither DfE's titles, such as Person Record, nor a sheet such "
            "as Person.",
            "Drop DfE's template, or the workbook before submission, with its titles and headings.",
        )
    found = Found(TEMPLATE if titled else SHEETS, came.file_name.casefold())
    if passed:
        lines = ", ".join(str(line) for line, _ in passed[:20])
        found.notes.append(f"Rows that are of no table, or notes below headings, were passed over: {lines}.")
    if head := blocks.pop(ROOT, None):
        found.has_header = True
        if head.rows:
            values = head.rows[0][2]
            found.header = {
                name: values[at] for name, at in head.columns.data.items() if at < len(values) and values[at]
            }
    is_linked = all(block.columns.is_linked for name, block in blocks.items())
    for name, block in blocks.items():
        _load(con, name, block, work)
        found.told += tabular.told(block.columns, f" of {block.columns.table.tag}")
    is_paired = not is_linked and _is_paired(con, blocks.get("requests"))
    for name, block in blocks.items():
        found.queries[name] = tabular.query(block.columns, f"given_{name}", is_linked=is_linked, is_paired=is_paired)
        if (at := block.columns.id_of(("la",))) is not None:
            said = con.execute(f"SELECT DISTINCT c{at} FROM given_{name}").fetchall()
            found.la_codes |= {str(la) for (la,) in said if la}
    if not any(block.rows for block in blocks.values()):
        raise Refusal(HEADER_ONLY, "The workbook has headings and no rows.", "Fill it in, or take it out of the inbox.")
    return found


def _blocks(
    shape: Shape, sheet: str, rows: Iterator[list[str]], passed: list[tuple[int, str]]
) -> Iterator[tuple[bool, _Block]]:
    """The tables of a sheet, each with whether a title stands above it; other rows are added to `passed`."""
    of_sheet = _table(shape, sheet)
    waiting: Table | None = None
    block: _Block | None = None
    titled = False
    for number, *values in rows:
        line = int(number)
        filled = [value for value in values if value.strip()]
        if len(filled) <= _FILLED_BY_TITLE and (title := _title(shape, filled[0])):
            waiting, titled = title, True
        elif waiting or (block is None and of_sheet):
            columns = tabular.columns_of(waiting or of_sheet, shape, values)  # type: ignore[arg-type]
            if len(columns.data) + len(columns.ids) < 2:
                passed.append((line, "above"))
                continue
            waiting, block = None, _Block(columns, line, [])
            yield titled, block
        elif block is None:
            passed.append((line, "above"))
        elif not block.rows and _is_note(block.columns, values):
            passed.append((line, "below headings"))
        else:
            block.rows.append((line, sheet, values))


def _is_note(columns: Columns, values: Sequence[str]) -> bool:
    """Whether a row below the headings is a note: where a number of a row should stand, there is none."""
    at = [place for place in map(columns.id_of, (tabular.PERSON, tabular.REQUEST)) if place is not None]
    held = [values[place] if place < len(values) else "" for place in at]
    if columns.table.name == ROOT:
        held = [
            values[at] for name, at in columns.data.items() if name in ("year", "reference_date") and at < len(values)
        ]
    return bool(held) and not any(character.isdigit() for value in held for character in value)


def _title(shape: Shape, text: str) -> Table | None:
    said = compared(text)
    for end in ("records", "record"):
        if said.endswith(end):
            return _table(shape, said.removesuffix(end))
    return None


def _table(shape: Shape, name: str) -> Table | None:
    """The module that a title or a sheet names, in the singular or the plural."""
    said = compared(name).rstrip("s")
    if said == "header":
        return shape.tables[ROOT]
    return next((each for each in shape.tables.values() if each.blade.rstrip("s") == said and each.name != ROOT), None)


def _same_columns(held: _Block, more: _Block) -> None:
    """Add the rows of a further table of one module, with its columns where those of the first stand."""
    places = held.columns.data | held.columns.ids
    theirs = more.columns.data | more.columns.ids
    width = 1 + max(places.values(), default=0)
    for line, sheet, values in more.rows:
        row = [""] * width
        for name, at in places.items():
            if name in theirs and theirs[name] < len(values):
                row[at] = values[theirs[name]]
        held.rows.append((line, sheet, row))


def _load(con: duckdb.DuckDBPyConnection, name: str, block: _Block, work: Path) -> None:
    width = 1 + max((*block.columns.data.values(), *block.columns.ids.values()))
    path = work / f"given_{name}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        write = csv.writer(file, lineterminator="\n").writerow
        for line, sheet, values in block.rows:
            write([line, sheet, *values[:width], *[""] * (width - len(values))])
    names = ", ".join(f"'{each}': 'VARCHAR'" for each in ["line_no", "sheet", *(f"c{at}" for at in range(width))])
    con.execute(f"""
        CREATE OR REPLACE TABLE given_{name} AS SELECT * REPLACE (line_no::BIGINT AS line_no)
        FROM read_csv({literal(path)}, columns = {{{names}}}, header = false, delim = ',', quote = '"', escape = '"',
            auto_detect = false, max_line_size = 67108864)""")


def _is_paired(con: duckdb.DuckDBPyConnection, requests: _Block | None) -> bool:
    """Whether requests are numbered within their person: a number stands for those of two."""
    at = requests.columns.id_of(tabular.REQUEST) if requests else None
    of = requests.columns.id_of(tabular.PERSON) if requests else None
    if at is None or of is None:
        return False
    row = con.execute(f"SELECT 1 FROM given_requests GROUP BY c{at} HAVING count(DISTINCT c{of}) > 1").fetchone()
    return row is not None
