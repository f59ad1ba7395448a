"""The only module that writes Excel.

A workbook is sheets of two sorts: a Grid, one table from the first row on, and a Page, a title and
blocks for people to read. Whatever the sources held, a text stays text: never a formula, a link or a
number. A blank is an empty cell. Equal input gives equal bytes: there is no clock in the file, and it
is put together in memory, so that no part of it lies in a shared temporary folder.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]
from xlsxwriter.format import Format  # type: ignore[import-untyped]
from xlsxwriter.utility import xl_range  # type: ignore[import-untyped]
from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped]

MAX_TEXT = 32_767  # UTF-16 units that Excel keeps in a cell
MAX_ROWS = 200_000  # of one sheet: Excel would take a million, and open it slowly
CREATED = datetime(2000, 1, 1)  # a fixed date: the file must not depend on when it was made
FIRST_DATE = date(1900, 3, 1)  # Excel believes in a 29 February 1900, so earlier dates go out as text
EPOCH = date(1899, 12, 30).toordinal()
SPACING = re.compile(r"[\t\r\n\v\f\x85]+")
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
FONT = {"font_name": "Calibri", "font_size": 11, "valign": "top"}
INK, PAPER, LINE = "#1F3A4D", "#EAF0F4", "#9FB3C1"
NUMBER_FORMATS = {"text": "@", "date": "dd/mm/yyyy", "count": "#,##0", "percentage": "0.0"}
WIDTHS = {"date": 12, "count": 11, "percentage": 10}


@dataclass(frozen=True)
class Column:
    """One column: its header, its kind (text, date, count or percentage) and a value or None a row."""

    header: str
    kind: str
    values: Sequence[Any]
    width: float | None = None  # in characters; else by kind, and for text by what it holds


@dataclass(frozen=True)
class Grid:
    """A sheet that is one table: the header in row 1, the data below, and nothing else."""

    name: str
    columns: Sequence[Column]
    is_filtered: bool = False
    is_wrapped: bool = False

    def parts(self) -> Iterator["Grid"]:
        """The same rows on as many sheets as they need."""
        rows = len(self.columns[0].values)
        for number, start in enumerate(range(0, max(rows, 1), MAX_ROWS), 1):
            name = self.name if number == 1 else f"{self.name} {number}"
            columns = [
                Column(column.header, column.kind, column.values[start : start + MAX_ROWS], column.width)
                for column in self.columns
            ]
            yield Grid(name, columns, self.is_filtered, self.is_wrapped)


@dataclass(frozen=True)
class Block:
    """A table, or lines of text without a header, under a heading of a page."""

    heading: str
    columns: Sequence[Column]
    has_header: bool = True


@dataclass(frozen=True)
class Page:
    """A sheet for people to read from the top."""

    name: str
    title: str
    blocks: Sequence[Block]
    widths: Sequence[float] = field(default=(60,))


def write(path: Path, title: str, sheets: Sequence[Grid | Page]) -> None:
    """Write a workbook, whole or not at all. Sheets with more than MAX_ROWS rows go on in further ones."""
    partial = path.with_name(f".{path.name}.partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    book = xlsxwriter.Workbook(
        str(partial),
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "default_format_properties": FONT,
        },
    )
    book.set_properties({"title": title, "created": CREATED})
    styles = _Styles(book)
    for sheet in sheets:
        if isinstance(sheet, Page):
            _write_page(book.add_worksheet(sheet.name), sheet, styles)
            continue
        for part in sheet.parts():
            _write_grid(book.add_worksheet(part.name), part, styles)
    book.close()
    partial.replace(path)


def plain(text: str) -> str | None:
    """Text as a cell can hold it: no control characters, no longer than Excel keeps; None for none at all."""
    if not text.isprintable():
        text = UNPRINTABLE.sub("", SPACING.sub(" ", text)).strip()
    if len(text) > MAX_TEXT // 2:
        units = text.encode("utf-16-le")
        if len(units) > 2 * MAX_TEXT:
            text = units[: 2 * (MAX_TEXT - 1)].decode("utf-16-le", "ignore") + "…"
    if text.startswith("<r>") and text.endswith("</r>"):
        text += " "  # xlsxwriter would take it for markup of its own
    return text or None


class _Styles:
    """The formats of one workbook, each made once."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        wrap = {**FONT, "text_wrap": True}
        edge = {"bg_color": PAPER, "bottom": 1, "bottom_color": LINE}
        head = {**wrap, **edge, "bold": True, "font_color": INK, "valign": "vcenter"}
        self.title: Format = book.add_format({**FONT, "font_size": 18, "bold": True, "font_color": INK})
        self.heading: Format = book.add_format({**FONT, "font_size": 13, "bold": True, "font_color": INK})
        self.line: Format = book.add_format(FONT)
        self.header: Format = book.add_format(head)
        self.header_right: Format = book.add_format({**head, "align": "right"})
        self.cell = {kind: book.add_format({**FONT, "num_format": form}) for kind, form in NUMBER_FORMATS.items()}
        self.wrapped = {kind: book.add_format({**wrap, "num_format": form}) for kind, form in NUMBER_FORMATS.items()}

    def head(self, kind: str) -> Format:
        """Headers stand over their values: numbers and dates are on the right."""
        return self.header if kind == "text" else self.header_right


def _write_grid(sheet: Worksheet, grid: Grid, styles: _Styles) -> None:
    rows = len(grid.columns[0].values)
    formats = styles.wrapped if grid.is_wrapped else styles.cell
    for position, column in enumerate(grid.columns):
        sheet.set_column(position, position, column.width or _width(column), formats[column.kind])
        sheet.write_string(0, position, column.header, styles.head(column.kind))
        _write_values(sheet, 1, position, column)  # the format is the column's
    last = len(grid.columns) - 1
    sheet.freeze_panes(1, 0)
    sheet.ignore_errors({"number_stored_as_text": xl_range(1, 0, max(rows, 1), last)})
    if grid.is_filtered:
        sheet.autofilter(0, 0, max(rows, 1), last)
    sheet.repeat_rows(0)
    _set_print(sheet)


def _write_page(sheet: Worksheet, page: Page, styles: _Styles) -> None:
    sheet.hide_gridlines(2)
    for position, width in enumerate(page.widths):
        sheet.set_column(position, position, width)
    sheet.write_string(0, 0, page.title, styles.title)
    sheet.set_row(0, 30)
    row = 2
    for block in page.blocks:
        sheet.write_string(row, 0, block.heading, styles.heading)
        sheet.set_row(row, 22)
        row += 1
        if block.has_header:
            for position, column in enumerate(block.columns):
                sheet.write_string(row, position, column.header, styles.head(column.kind))
            row += 1
        for position, column in enumerate(block.columns):
            _write_values(
                sheet, row, position, column, styles.wrapped[column.kind] if block.has_header else styles.line
            )
        row += len(block.columns[0].values) + 1
    _set_print(sheet)


def _set_print(sheet: Worksheet) -> None:
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&L&A&RPage &P of &N")


def _write_values(sheet: Worksheet, row: int, position: int, column: Column, style: Format | None = None) -> None:
    """Write one column downwards. The kind is settled once a column: 700,000 cells come this way."""
    if column.kind == "text":
        _write_texts(sheet, row, position, column.values, style)
    elif column.kind == "date":
        _write_dates(sheet, row, position, column.values, style)
    else:
        write = sheet.write_number
        for at, value in enumerate(column.values, row):
            if value is not None:
                write(at, position, value, style)


def _write_texts(sheet: Worksheet, row: int, position: int, values: Sequence[Any], style: Format | None) -> None:
    write, known = sheet.write_string, {}
    for at, value in enumerate(values, row):
        if value is None:
            continue
        if value not in known:
            known[value] = plain(value)
        if known[value] is not None:
            write(at, position, known[value], style)


def _write_dates(sheet: Worksheet, row: int, position: int, values: Sequence[Any], style: Format | None) -> None:
    write = sheet.write_number
    for at, value in enumerate(values, row):
        if value is None:
            continue
        if value < FIRST_DATE:
            sheet.write_string(at, position, f"{value:%d/%m}/{value.year:04}", style)
        else:
            write(at, position, value.toordinal() - EPOCH, style)


def _width(column: Column) -> float:
    if column.kind in WIDTHS:
        return WIDTHS[column.kind]
    longest = max((len(value) for value in column.values if value), default=0)
    word = max(len(part) for part in column.header.split())
    return min(max(longest, word, 8) + 2, 60)
