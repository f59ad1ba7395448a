"""What can happen to an export as a workbook: what Excel does, and what becomes of the parts of the zip.

A mutation of the zip also says whether all records must still be there when it is read at all.
"""

import io
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import xlsxwriter

from sample.broken import xls_of
from tests.fuzz.cells import Random, Rows
from tests.fuzz.exports import MARKER
from tests.fuzz.texts import bytes_changed


@dataclass
class Book:
    """A workbook before it is written: sheets of rows, and what Excel may do besides."""

    sheets: dict[str, Rows]
    typed: bool = False  # dates and numbers as such
    options: dict[str, bool] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    merged: bool = False
    formulas: bool = False

    @property
    def main(self) -> Rows:
        """The sheet with the records."""
        return max(self.sheets.values(), key=len)


def cells_typed(r: Random, book: Book) -> None:
    """Dates are dates and numbers numbers."""
    book.typed = True


def of_1904(r: Random, book: Book) -> None:
    """A workbook whose days count from 1904."""
    book.typed = True
    book.options["date_1904"] = True


def more_sheets(r: Random, book: Book) -> None:
    """Other sheets before and after: notes, an empty one, an old copy of the header."""
    rows = book.main
    odd = r.choice(("Notes", "A & B <c>", "x" * 31, "Ünï 👩", "$(id)"))
    others: dict[str, Rows] = {odd: [["Notes"], ["Run on Monday"]], "Empty": [], "Old": [list(rows[0])]}
    items = [*book.sheets.items(), *((name, each) for name, each in others.items() if r.random() < 0.6)]
    r.shuffle(items)
    book.sheets = dict(items)


def hidden_sheet(r: Random, book: Book) -> None:
    """A hidden sheet with an older header."""
    book.sheets = {"Hidden": [list(book.main[0])], **book.sheets}
    book.hidden = ("Hidden",)


def hundreds_of_sheets(r: Random, book: Book) -> None:
    """Sheet after sheet."""
    book.sheets |= {f"Sheet {n}": [["x"]] for n in range(300)}


def merged_cells(r: Random, book: Book) -> None:
    """A merged title above."""
    book.merged = True


def formulas(r: Random, book: Book) -> None:
    """Cells that are worked out, and went wrong."""
    book.formulas = True


BOOKS = (
    cells_typed,
    cells_typed,
    of_1904,
    more_sheets,
    more_sheets,
    hidden_sheet,
    hundreds_of_sheets,
    merged_cells,
    formulas,
)


def written(r: Random, book: Book, said: list[str]) -> tuple[str, bytes, Counter[bytes] | None]:
    """The ending, the workbook, and the records on the sheet with the most of them (a header stands on it)."""
    rows = [row[:16_000] for row in book.main]
    markers = Counter(MARKER.findall("\n".join(cell for row in rows for cell in row).encode("utf-8", "replace")))
    if r.random() < 0.12 and len(rows[0]) < 250:
        said.append("xls")
        data = xls_of([[_clean(cell)[:200] for cell in row] for row in rows])
        return r.choice((".xls", ".xls", ".xlsx")), bytes_changed(r, data) if r.random() < 0.7 else data, None
    suffix = r.choice((".xlsx",) * 8 + (".xlsm", ".xls"))
    return suffix, _xlsx(book), markers


def _clean(cell: str) -> str:
    return cell.encode("utf-8", "replace").decode()


def _xlsx(book: Book) -> bytes:
    data = io.BytesIO()
    options = {"in_memory": True, "strings_to_urls": False, "strings_to_formulas": False, **book.options}
    with xlsxwriter.Workbook(data, options) as written:
        written.set_properties({"created": datetime(2026, 11, 16)})
        day = written.add_format({"num_format": "dd/mm/yyyy"})
        for name, rows in book.sheets.items():
            sheet = written.add_worksheet(name)
            if name in book.hidden:
                sheet.hide()
            above = 0
            if book.merged and len(rows) > 1:
                sheet.merge_range(0, 0, 1, 5, "Report")
                above = 2
            for at, row in enumerate(rows, start=above):
                for column, cell in enumerate(row[:16_000]):
                    _cell(book, sheet, day, at, column, _clean(cell)[:32_000], is_header=at == above)
    return data.getvalue()


def _cell(book: Book, sheet, day, row: int, column: int, cell: str, *, is_header: bool) -> None:  # type: ignore[no-untyped-def]
    if book.typed and not is_header:
        for form in ("%d/%m/%Y", "%Y-%m-%d", "%d-%m-%Y"):
            try:
                when = datetime.strptime(cell, form)  # noqa: DTZ007
            except ValueError:
                continue
            if when > datetime(1904, 1, 2):
                sheet.write_datetime(row, column, when, day)
                return
        if cell.isdecimal() and cell.isascii() and len(cell) < 300:
            sheet.write_number(row, column, float(cell))
            return
        if cell in ("Y", "N"):
            sheet.write_boolean(row, column, cell == "Y")
            return
    if book.formulas and column and not is_header and (row + column) % 7 == 0:
        sheet.write_formula(row, column, "=1/0", None, ("#DIV/0!", 5, "text", "")[row % 4])
        return
    sheet.write_string(row, column, cell)


def _parts(data: bytes) -> dict[str, bytes]:
    """The parts by name; none where an earlier mutation left no zip, or one cut off, encrypted or packed oddly."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError):
        return {}


def _zip(parts: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", kind) as archive:
        for name, part in parts.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 11, 16, 0, 0, 0)), part, kind)
    return data.getvalue()


def _with(data: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    parts = _parts(data)
    if not parts:
        return data
    change(parts)
    return _zip(parts)


def _sheets(parts: dict[str, bytes]) -> list[str]:
    return [name for name in parts if name.startswith("xl/worksheets/sheet")] or list(parts)


def part_missing(r: Random, data: bytes) -> tuple[bytes, bool]:
    """A part of the workbook is not there."""
    return _with(data, lambda parts: parts.__delitem__(r.choice(list(parts)))), False


def part_empty(r: Random, data: bytes) -> tuple[bytes, bool]:
    """A part of the workbook has no bytes."""
    return _with(data, lambda parts: parts.__setitem__(r.choice(list(parts)), b"")), False


def part_cut(r: Random, data: bytes) -> tuple[bytes, bool]:
    """The XML of a sheet or of the strings ends in the middle, in a zip that is whole."""

    def cut(parts: dict[str, bytes]) -> None:
        name = r.choice([*_sheets(parts), "xl/sharedStrings.xml"])
        parts[name] = parts.get(name, b"")[: r.randrange(len(parts.get(name, b"")) + 1)]

    return _with(data, cut), True


def part_changed(r: Random, data: bytes) -> tuple[bytes, bool]:
    """Bytes of a part became others, in a zip that is whole."""

    def change(parts: dict[str, bytes]) -> None:
        name = r.choice(list(parts))
        parts[name] = bytes_changed(r, parts[name])

    return _with(data, change), False


def text_changed(r: Random, data: bytes) -> tuple[bytes, bool]:
    """References, types and numbers in the XML say something impossible."""
    pairs = [
        (b'r="A2"', b'r="XFD1048576"'),
        (b'r="A2"', b'r="ZZZZZZ99999999999"'),
        (b'r="A2"', b'r=""'),
        (b'r="A2"', b""),
        (b'<row r="2"', b'<row r="4294967296"'),
        (b'<row r="2"', b'<row r="-1"'),
        (b'<row r="2"', b"<row"),
        (b'<row r="3"', b'<row r="2"'),
        (b't="s"', b't="e"'),
        (b't="s"', b't="inlineStr"'),
        (b't="s"', b't="b"'),
        (b't="s"', b't="d"'),
        (b't="s"', b't="zzz"'),
        (b"<v>1</v>", b"<v>99999999</v>"),
        (b"<v>1</v>", b"<v>-1</v>"),
        (b"<v>1</v>", b"<v>1e999</v>"),
        (b"<v>1</v>", b"<v></v>"),
        (b"<v>1</v>", b"<v>NaN</v>"),
        (b' s="1"', b' s="9999"'),
        (b"count=", b'count="99999999999" x='),
        (b'uniqueCount="', b'uniqueCount="9999999'),
        (b"<t>", b"<t>_x0000_"),
        (b"<t>", b"<t>&#0;"),
        (b"<t>", b"<t>&lol;"),
        (b"UTF-8", b"UTF-16"),
        (b"UTF-8", b"latin-9"),
        (b"<sheetData>", b""),
        (b'numFmtId="164"', b'numFmtId="-1"'),
        (b"<t>", b"<t><![CDATA["),
        (b"<t>", b"<r><t>"),
        (b"mergeCell ref=", b"mergeCell ref='Z9:A1' x="),
        (b"worksheets/sheet1.xml", b"../../../../etc/passwd"),
        (b"worksheets/sheet1.xml", b"http://127.0.0.1:9/x"),
        (b'r:id="rId1"', b'r:id="rId99"'),
    ]
    old, new = r.choice(pairs)
    times = r.choice((1, 1, -1))

    def change(parts: dict[str, bytes]) -> None:
        for name in parts:
            parts[name] = parts[name].replace(old, new, times)

    return _with(data, change), False


def dimension_lies(r: Random, data: bytes) -> tuple[bytes, bool]:
    """The sheet says that it fills the whole grid."""
    size = r.choice((b"A1:XFD1048576", b"A1:A1", b"XFD1048576:A1", b"A0:ZZZ0", b"", b"B5:C9"))

    def change(parts: dict[str, bytes]) -> None:
        for name in _sheets(parts):
            head, found, tail = parts[name].partition(b'<dimension ref="')
            parts[name] = head + found + (size + tail[tail.find(b'"') :] if found else b"")

    return _with(data, change), True


def cell_far_away(r: Random, data: bytes) -> tuple[bytes, bool]:
    """A cell in the last corner of the grid."""
    ref, row = r.choice(
        ((b"XFD1048576", b"1048576"), (b"A1048576", b"1048576"), (b"XFD2000", b"2000"), (b"ZZ300000", b"300000"))
    )
    far = b'<row r="%b"><c r="%b"><v>1</v></c></row></sheetData>' % (row, ref)
    return _with(data, lambda parts: _each_sheet(parts, b"</sheetData>", far)), True


def _each_sheet(parts: dict[str, bytes], old: bytes, new: bytes) -> None:
    for name in _sheets(parts):
        parts[name] = parts[name].replace(old, new)


def entities(r: Random, data: bytes) -> tuple[bytes, bool]:
    """Entities that unfold to thousands of millions of laughs, or to a file of this machine."""
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    doctype = r.choice(
        (f'<!DOCTYPE x [<!ENTITY l0 "lol">{laughs}]>', '<!DOCTYPE x [<!ENTITY l9 SYSTEM "file:///etc/passwd">]>',
         '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">')
    ).encode()  # fmt: skip
    name = r.choice(("xl/sharedStrings.xml", "xl/workbook.xml", "xl/worksheets/sheet1.xml"))

    def change(parts: dict[str, bytes]) -> None:
        part = parts.get(name, b"").replace(b"?>", b"?>" + doctype, 1)
        parts[name] = part.replace(b"<t>", b"<t>&l9;", r.choice((0, 1, 5)))

    return _with(data, change), False


def deep_xml(r: Random, data: bytes) -> tuple[bytes, bool]:
    """Tags in tags in tags."""
    deep = b"<a>" * r.choice((1000, 300_000))
    return _with(data, lambda parts: _each_sheet(parts, b"<sheetData>", deep + b"<sheetData>")), False


def bomb(r: Random, data: bytes) -> tuple[bytes, bool]:
    """A small zip that unpacks to much: in a sheet, in a part of its own, in many, in a zip within."""
    much = r.choice((b" ", b"<c/>", b"\x00")) * r.choice((2 << 20, 20 << 20))
    how = r.randrange(4)

    def change(parts: dict[str, bytes]) -> None:
        if how == 0:
            _each_sheet(parts, b"<sheetData>", b"<sheetData>" + much)
        elif how == 1:
            parts["xl/media/image1.png"] = much
        elif how == 2:
            parts.update({f"xl/media/{n}.png": much[: 1 << 20] for n in range(60)})
        else:
            parts["xl/embeddings/x.zip"] = _zip({"x": _zip({"x": much})})

    return _with(data, change), how > 0


def size_lies(r: Random, data: bytes) -> tuple[bytes, bool]:
    """The zip says of a part that it is small, large or enciphered."""
    changed = bytearray(data)
    at, places = 0, []
    while (at := data.find(b"PK\x01\x02", at)) >= 0:
        places.append(at)
        at += 4
    if places:
        at = r.choice(places)
        offset, size = r.choice(((24, 4), (20, 4), (8, 2), (10, 2), (42, 4), (16, 4), (28, 2)))
        changed[at + offset : at + offset + size] = r.choice((b"\x01", b"\x00", b"\xff"))[:1] * size
    return bytes(changed), False


def strings_that_swell(r: Random, data: bytes) -> tuple[bytes, bool]:
    """One long shared text that very many cells refer to."""
    cells = b"".join(
        b'<row r="%d"><c r="A%d" t="s"><v>0</v></c></row>' % (row, row)
        for row in range(70, 70 + r.choice((100, 20_000)))
    )

    def change(parts: dict[str, bytes]) -> None:
        name = "xl/sharedStrings.xml"
        parts[name] = parts.get(name, b"").replace(b"<t>", b"<t>" + r.randbytes(40_000).hex().encode(), 1)
        _each_sheet(parts, b"</sheetData>", cells + b"</sheetData>")

    return _with(data, change), False


def odd_parts(r: Random, data: bytes) -> tuple[bytes, bool]:
    """Parts that lead out of the folder, stand twice, or hold a program."""
    parts = _parts(data)
    if not parts:
        return data, False
    odd = r.choice(
        (
            "../../../../tmp/fuzz_escaped",
            "/tmp/fuzz_escaped",
            "xl\\..\\..\\x",
            "xl/vbaProject.bin",
            "a" * 60_000,
            "xl/\n",
            "",
        )
    )
    twice = r.random() < 0.3
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", r.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))) as archive:
        for name, part in parts.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 11, 16, 0, 0, 0)), part)
        archive.writestr(zipfile.ZipInfo(odd or "x", (2026, 11, 16, 0, 0, 0)), b"\x00" * 10)
        archive.comment = b"x" * r.choice((0, 65_000))
    made = out.getvalue()
    if twice:
        made = made.replace(b"docProps/app.xml", b"xl/styles.xml\x00\x00\x00")
    return r.choice((b"", b"MZ" * 100)) + made, False


def enciphered(r: Random, data: bytes) -> tuple[bytes, bool]:
    """A workbook that asks for a password."""
    from msoffcrypto.format.ooxml import OOXMLFile

    if not _parts(data):
        return data, False
    locked = io.BytesIO()
    OOXMLFile(io.BytesIO(data)).encrypt("not a secret", locked)
    return locked.getvalue(), False


def of_another_program(r: Random, data: bytes) -> tuple[bytes, bool]:
    """An OpenDocument sheet by the name of an Excel workbook."""
    cell = b'<table:table-cell table:number-columns-repeated="16384" office:value-type="string"><text:p>x</text:p>'
    content = (
        b'<?xml version="1.0"?><office:document-content xmlns:office="o" xmlns:table="t" xmlns:text="x"><office:body>'
        b'<office:spreadsheet><table:table table:name="A"><table:table-row table:number-rows-repeated="1048576">%b'
        b"</table:table-cell></table:table-row></table:table></office:spreadsheet></office:body>"
        b"</office:document-content>"
    ) % cell
    return _zip(
        {
            "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": content,
            "META-INF/manifest.xml": b"<a/>",
        }
    ), False


ZIPS = (
    part_missing, part_empty, part_cut, part_cut, part_changed, part_changed, text_changed, text_changed, text_changed,
    dimension_lies, cell_far_away, entities, deep_xml, bomb, size_lies, strings_that_swell, odd_parts, enciphered,
    of_another_program,
)  # fmt: skip
