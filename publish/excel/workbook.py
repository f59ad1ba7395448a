"""The only module that writes Excel.

A workbook is sheets of two sorts: a Grid, one table from the first row on (marked up as one, when it has
a name of its own), and a Page, a title and blocks for people to read. Whatever the sources held, a text
stays text: never a formula, a link or a number. A blank is an empty cell. Equal input gives equal bytes:
there is no clock in the file, and it is put together in memory, so that no part of it lies in a shared
temporary folder.
"""

import io
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from math import isfinite
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name, xl_range
from xlsxwriter.worksheet import Worksheet

from send_ready import files
from send_ready.words import short_date

MAX_TEXT = 32_767  # UTF-16 units that Excel keeps in a cell
MAX_ROWS = 200_000  # of one sheet: Excel takes a million, but opens it slowly
CREATED = datetime(2000, 1, 1, tzinfo=UTC)  # a fixed date: the file must not depend on when it was made
FIRST_DATE = date(1900, 3, 1)  # Excel believes in a 29 February 1900, so earlier dates go out as text
EPOCH = date(1899, 12, 30).toordinal()
LINE_END = re.compile(r"\r\n?|[\v\f\x85]")
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
FONT = {"font_name": "Calibri", "font_size": 11, "valign": "top"}
INK, PAPER, LINE = "#1F3A4D", "#EAF0F4", "#9FB3C1"
NUMBER_FORMATS = {
    "text": "@",
    "date": "dd/mm/yyyy",
    "moment": "dd/mm/yyyy hh:mm",
    "count": "#,##0",
    "percentage": "0.0",
    "figure": "General",
}
ALIGNED: dict[str, dict[str, Any]] = {"text": {}, "date": {"align": "left"}, "count": {"align": "right", "indent": 1}}
ALIGNED |= {"moment": ALIGNED["date"], "percentage": ALIGNED["count"], "figure": ALIGNED["count"]}
WIDTHS = {"date": 13, "moment": 17, "count": 13, "percentage": 11, "figure": 13}
LINE_HEIGHT, TITLE_HEIGHT = 15, 30
PLAIN, BOLD = 1.1, 0.9  # characters of a line for each of a column's width; a header has a filter's button beside it


@dataclass(frozen=True)
class Column:
    """One column: its header, its kind (text, date, moment, count, percentage or figure) and a value or None a row.

    A figure is a number that is shown as it is, or a text that stands for one, such as [x].
    """

    header: str
    kind: str
    values: Sequence[Any]
    width: float | None = None  # in characters; else by kind, and for text by what it holds
    sheets: Sequence[str] = ()  # of a text: the sheet of this workbook that each value leads to
    choices: Sequence[str] = ()  # of a text in a grid that people fill: Excel offers these, and warns of others
    is_filled: bool = False  # people fill it: its cells are marked as such


@dataclass(frozen=True)
class Grid:
    """A sheet that is one table: the header in row 1, the data below, and nothing else.

    Unless lines stand above the table, a title first: then the header follows an empty row. With a `table` name it is
    marked up as a table, which programs that read aloud or by machine find by that name, directly below its lines.
    """

    name: str
    columns: Sequence[Column]
    is_filtered: bool = False
    is_wrapped: bool = False
    above: Sequence[str] = ()
    table: str | None = None
    widest: float = 60  # characters of a text column whose width is not given
    frozen: int = 0  # columns at the left that stay in view

    @property
    def head(self) -> int:
        """The number of the header's row, from 1."""
        return len(self.above) + (1 if self.table or not self.above else 2)

    def parts(self) -> Iterator["Grid"]:
        """The same rows on as many sheets as they need."""
        rows = len(self.columns[0].values)
        for number, start in enumerate(range(0, max(rows, 1), MAX_ROWS), 1):
            name = self.name if number == 1 else f"{self.name} {number}"
            columns = [replace(column, values=column.values[start : start + MAX_ROWS]) for column in self.columns]
            yield replace(self, name=name, columns=columns)


@dataclass(frozen=True)
class Block:
    """A table, or lines of text without a header, under a heading of a page.

    A table that people go on with, at most one a page, is filtered, ruled, and its rows grow with what is typed.
    """

    heading: str
    columns: Sequence[Column]
    has_header: bool = True
    is_edited: bool = False


@dataclass(frozen=True)
class Page:
    """A sheet for people to read from the top."""

    name: str
    title: str
    blocks: Sequence[Block]
    widths: Sequence[float] = field(default=(60,))


def write(path: Path, title: str, sheets: Sequence[Grid | Page]) -> None:
    """Write a workbook, whole or not at all. Sheets with more than MAX_ROWS rows go on in further ones."""
    data = io.BytesIO()
    book = xlsxwriter.Workbook(
        data,
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
            _write_page(book.add_worksheet(sheet.name, _PageSheet), sheet, styles)
            continue
        for part in sheet.parts():
            _write_grid(book.add_worksheet(part.name, _GridSheet), part, styles)
    book.close()
    files.write_bytes(path, data.getvalue())


def plain(text: str) -> str | None:
    """Text as a cell can hold it: no control characters, no longer than Excel keeps; None for none at all."""
    if not text.isprintable():
        text = UNPRINTABLE.sub("", LINE_END.sub("\n", text)).strip()
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
        head: dict[str, Any] = {"bold": True, "font_color": INK, "bg_color": PAPER, "bottom": 1, "bottom_color": LINE}
        head |= {"valign": "vcenter", "text_wrap": True}

        def formats(**properties: Any) -> dict[str, Format]:
            return {kind: book.add_format({**FONT, **ALIGNED[kind], **properties}) for kind in NUMBER_FORMATS}

        self.title: Format = book.add_format({**FONT, "font_size": 18, "bold": True, "font_color": INK})
        self.heading: Format = book.add_format({**FONT, "font_size": 13, "bold": True, "font_color": INK})
        self.head = formats(**head)  # a header stands over its values, left or right
        self.cell, self.wrapped = formats(), formats(text_wrap=True)
        self.edited = formats(text_wrap=True, border=1, border_color=LINE)
        for kind, number_format in NUMBER_FORMATS.items():
            for cells in (self.cell, self.wrapped, self.edited):
                cells[kind].set_num_format(number_format)


class _PageSheet(Worksheet):  # type: ignore[misc]
    """A worksheet some of whose rows begin at a height and grow with what is typed into them."""

    def __init__(self) -> None:
        super().__init__()
        self.growing: set[int] = set()

    def _xml_start_tag_unencoded(self, tag: str, attributes: Any = None) -> None:
        if tag == "row" and dict(attributes)["r"] - 1 in self.growing:
            attributes = [each for each in attributes if each[0] != "customHeight"]
        super()._xml_start_tag_unencoded(tag, attributes)


class _GridSheet(Worksheet):  # type: ignore[misc]
    """A worksheet whose rows are put together a column at a time: three times as fast as cell by cell.

    Everything else, from the styles to the shared strings, is xlsxwriter's own.
    """

    def fill(self, grid: Grid, widths: Sequence[float], styles: _Styles) -> None:
        """Take the header and the rows of a grid. Blanks get no cell at all."""
        formats = styles.wrapped if grid.is_wrapped else styles.cell
        columns = []
        for position, column in enumerate(grid.columns):
            style = styles.edited[column.kind] if column.is_filled else formats[column.kind]
            self.set_column(position, position, widths[position], style)
            letters = xl_col_to_name(position)
            head = self._texts(letters, grid.head, [column.header], styles.head[column.kind])
            columns.append(head + self._cells(letters, column, style, grid.head + 1))
        named = zip(grid.columns, widths, strict=True)
        heights: list[float] = [LINE_HEIGHT * max(_lines(column.header, width, BOLD) for column, width in named) + 4]
        heights += _heights([column.values for column in grid.columns], widths if grid.is_wrapped else ())
        starts = (
            f'<row r="{at}" ht="{height}" customHeight="1">' if height > LINE_HEIGHT else f'<row r="{at}">'
            for at, height in enumerate(heights, grid.head)
        )
        self._rows = self._lines_above(grid, styles) + "".join(
            start + "".join(cells) + "</row>" for start, cells in zip(starts, zip(*columns, strict=True), strict=True)
        )
        self._check_dimensions(0, 0)
        self._check_dimensions(grid.head + len(heights) - 2, len(columns) - 1)

    def _write_sheet_data(self) -> None:
        self.fh.write(f"<sheetData>{self._rows}</sheetData>")

    def _lines_above(self, grid: Grid, styles: _Styles) -> str:
        rows = [(TITLE_HEIGHT, styles.title), *[(LINE_HEIGHT, styles.cell["text"])] * (len(grid.above) - 1)]
        return "".join(
            f'<row r="{at}" ht="{height}" customHeight="1">{"".join(self._texts("A", at, [line], style))}</row>'
            for at, (line, (height, style)) in enumerate(zip(grid.above, rows, strict=False), 1)
        )

    def _cells(self, letters: str, column: Column, style: Format, first: int) -> list[str]:
        if column.kind == "text":
            return self._texts(letters, first, column.values, style)
        if column.kind == "date":
            early = [short_date(value) if value and value < FIRST_DATE else None for value in column.values]
            days = [value.toordinal() - EPOCH if value and value >= FIRST_DATE else None for value in column.values]
            return self._mixed(letters, first, early, days, style)
        if column.kind == "moment":
            return _numbers(letters, [value and _serial(value) for value in column.values], style, first)
        numbers = [None if isinstance(value, str) else value for value in column.values]
        if not all(value is None or isfinite(value) for value in numbers):
            raise ValueError(f"{column.header}: a value is not a finite number, and Excel has no cell for that.")
        if column.kind != "figure":
            return _numbers(letters, column.values, style, first)
        texts = [value if isinstance(value, str) else None for value in column.values]
        return self._mixed(letters, first, texts, numbers, style)

    def _mixed(
        self, letters: str, first: int, texts: Sequence[str | None], numbers: Sequence[float | None], style: Format
    ) -> list[str]:
        """A text where there is one, else the number."""
        written = self._texts(letters, first, texts, style)
        return [text or number for text, number in zip(written, _numbers(letters, numbers, style, first), strict=True)]

    def _texts(self, letters: str, first: int, values: Sequence[Any], style: Format) -> list[str]:
        index, xf = self.str_table._get_shared_string_index, style._get_xf_index()
        ends: dict[Any, str] = {}  # of a cell, by its value: most values stand in many rows
        for value in dict.fromkeys(values):
            if value is not None and (text := plain(value)) is not None:
                ends[value] = f'" s="{xf}" t="s"><v>{index(text)}</v></c>'
        cells = [
            "" if (end := ends.get(value)) is None else f'<c r="{letters}{at}{end}'
            for at, value in enumerate(values, first)
        ]
        self.str_table.count += (
            len(cells) - cells.count("") - len(ends)
        )  # each use of a text counts, not the first alone
        return cells


def _numbers(letters: str, values: Sequence[Any], style: Format, first: int) -> list[str]:
    xf = style._get_xf_index()
    return [
        "" if value is None else f'<c r="{letters}{at}" s="{xf}"><v>{value!r}</v></c>'
        for at, value in enumerate(values, first)
    ]


def _write_grid(sheet: _GridSheet, grid: Grid, styles: _Styles) -> None:
    head, last = grid.head - 1, len(grid.columns) - 1
    bottom = head + max(len(grid.columns[0].values), 1)
    sheet.fill(grid, [column.width or _width(column, grid.widest) for column in grid.columns], styles)
    sheet.freeze_panes(head + 1, grid.frozen)
    sheet.ignore_errors({"number_stored_as_text": xl_range(head + 1, 0, bottom, last)})
    if grid.table:
        named = [{"header": plain(column.header)} for column in grid.columns]
        look = {"style": "Table Style Light 1", "banded_rows": False, "autofilter": grid.is_filtered}
        sheet.add_table(head, 0, bottom, last, {"name": grid.table, "columns": named, **look})
    elif grid.is_filtered:
        sheet.autofilter(head, 0, bottom, last)
    for position, column in enumerate(grid.columns):
        if column.choices:
            chosen = {"validate": "list", "source": list(column.choices), "error_type": "warning"}
            sheet.data_validation(head + 1, position, bottom, position, chosen)
        for at, name in enumerate(column.sheets, grid.head):
            sheet.write_url(at, position, f"internal:'{name}'!A1")
    sheet.repeat_rows(head)
    _set_print(sheet)


def _write_page(sheet: _PageSheet, page: Page, styles: _Styles) -> None:
    sheet.hide_gridlines(2)
    for position, width in enumerate(page.widths):
        sheet.set_column(position, position, width)
    sheet.write_string(0, 0, page.title, styles.title)
    sheet.set_row(0, TITLE_HEIGHT)
    row = 2
    for block in page.blocks:
        sheet.write_string(row, 0, block.heading, styles.heading)
        sheet.set_row(row, 22)
        row += 1
        if block.has_header:
            for position, column in enumerate(block.columns):
                sheet.write_string(row, position, column.header, styles.head[column.kind])
            sheet.set_row(row, LINE_HEIGHT + 4)
            row += 1
            for at, height in enumerate(_heights([column.values for column in block.columns], page.widths), row):
                sheet.set_row(at, height)
            if block.is_edited:
                _invite(sheet, row, block, styles)
        styled = styles.edited if block.is_edited else styles.wrapped if block.has_header else styles.cell
        for position, column in enumerate(block.columns):
            _write_values(sheet, row, position, column, styled[column.kind])
        row += len(block.columns[0].values) + 1
    _set_print(sheet)


def _invite(sheet: _PageSheet, first: int, block: Block, styles: _Styles) -> None:
    """Filter by the header above the first row, print it on each page, rule the blank cells, and let the rows grow."""
    rows = range(first, first + len(block.columns[0].values))
    sheet.autofilter(first - 1, 0, max(rows, default=first), len(block.columns) - 1)
    sheet.repeat_rows(first - 1)
    sheet.growing.update(rows)
    for position, column in enumerate(block.columns):
        for row in rows:
            sheet.write_blank(row, position, None, styles.edited[column.kind])


def _heights(columns: Sequence[Sequence[Any]], widths: Sequence[float]) -> list[float]:
    """The heights that rows need which wrap at these widths: not every program works them out on opening."""
    lines = [1] * len(columns[0])
    for values, width in zip(columns, widths, strict=False):
        of_value = {value: _lines(value, width) for value in set(values)}
        lines = [max(needed, of_value[value]) for needed, value in zip(lines, values, strict=True)]
    return [LINE_HEIGHT * needed for needed in lines]


def _lines(value: Any, width: float, dense: float = PLAIN) -> int:
    """How many lines a value takes in a column that wide."""
    if not isinstance(value, str) or (len(value) <= dense * width and "\n" not in value):
        return 1
    return max(1, len(textwrap.wrap(value, max(int(dense * width), 1))))


def _set_print(sheet: Worksheet) -> None:
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
    sheet.set_footer("&L&A&RPage &P of &N")


def _write_values(sheet: Worksheet, row: int, position: int, column: Column, style: Format) -> None:
    """Write one column of a page downwards."""
    for at, value in enumerate(column.values, row):
        if value is None:
            continue
        if column.kind == "text":
            sheet.write_string(at, position, plain(value) or "", style)
        elif column.kind == "date":
            sheet.write_number(at, position, value.toordinal() - EPOCH, style)
        elif column.kind == "moment":
            sheet.write_number(at, position, _serial(value), style)
        else:
            sheet.write_number(at, position, value, style)


def _serial(moment: datetime) -> float:
    """A date and time to the minute as Excel counts it, by the clock of its own time zone."""
    return moment.toordinal() - EPOCH + (60 * moment.hour + moment.minute) / 1440


def _width(column: Column, widest: float) -> float:
    word = max(len(part) for part in column.header.split())
    if column.kind in WIDTHS:
        return max(WIDTHS[column.kind], word + 2)
    longest = max((len(value) for value in column.values if value), default=0)
    return max(min(max(longest, 8) + 2, widest), word + 2)
