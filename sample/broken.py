"""Broken files: what arrives instead of a good export. For tests of whoever reads exports.

`BUILDERS` holds one builder for each name. A builder takes the name and the bytes of a good CSV (UTF-8, comma, header
first, at least two columns and two rows) and gives the name and the bytes of the broken one. Not every one is to be
refused: other encodings, delimiters or orders of columns are to be read as if nothing had happened (`READABLE`).
"""

import csv
import io
import struct
import zipfile
from collections.abc import Callable, Iterable

File = tuple[str, bytes]
Builder = Callable[[str, bytes], File]
Rows = list[list[str]]

BOMB_BYTES = 64 << 20
LOGIN_PAGE = """<!DOCTYPE html>
<html><head><title>Sign in</title></head>
<body><form method="post"><label>User name <input name="user"></label><button>Sign in</button></form></body></html>
"""


def rows_of(good: bytes) -> Rows:
    """Header and rows of a CSV in UTF-8, with or without a byte-order mark."""
    return list(csv.reader(io.StringIO(good.decode("utf-8-sig"), newline="")))


def csv_of(rows: Iterable[Iterable[str]], delimiter: str = ",", newline: str = "\r\n") -> str:
    """Rows as CSV."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=newline).writerows(rows)
    return text.getvalue()


def workbook_of(good: bytes) -> bytes:
    """The export as an Excel workbook: one sheet, every cell text."""
    from openpyxl import Workbook  # type: ignore[import-untyped]

    book = Workbook(write_only=True)
    sheet = book.create_sheet("Export")
    for row in rows_of(good):
        sheet.append(row)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def _stem(name: str) -> str:
    return name.rsplit(".", 1)[0]


def empty(name: str, good: bytes) -> File:
    """No bytes at all."""
    return name, b""


def header_only(name: str, good: bytes) -> File:
    """The report ran and found nobody."""
    return name, csv_of(rows_of(good)[:1]).encode()


def first_column_missing(name: str, good: bytes) -> File:
    """The column that the key begins with was taken out of the report."""
    return name, csv_of(row[1:] for row in rows_of(good)).encode()


def first_column_renamed(name: str, good: bytes) -> File:
    """The column that the key begins with has a name that no column map knows."""
    header, *rows = rows_of(good)
    return name, csv_of([["Ref (new)", *header[1:]], *rows]).encode()


def columns_reversed(name: str, good: bytes) -> File:
    """All columns, in another order."""
    return name, csv_of(row[::-1] for row in rows_of(good)).encode()


def first_column_twice(name: str, good: bytes) -> File:
    """The first column stands in the file a second time, at the end."""
    return name, csv_of([*row, row[0]] for row in rows_of(good)).encode()


def extra_columns(name: str, good: bytes) -> File:
    """Columns that nobody asked for, one of them without a heading."""
    header, *rows = rows_of(good)
    return name, csv_of([[*header, "Caseworker", ""], *([*row, "A. N. Other", ""] for row in rows)]).encode()


def semicolons(name: str, good: bytes) -> File:
    """Excel with continental settings."""
    return name, csv_of(rows_of(good), delimiter=";").encode()


def tabs(name: str, good: bytes) -> File:
    """Excel's "Text (tab delimited)"."""
    return name, csv_of(rows_of(good), delimiter="\t").encode()


def line_feeds(name: str, good: bytes) -> File:
    """Line feeds alone, as on Unix."""
    return name, csv_of(rows_of(good), newline="\n").encode()


def carriage_returns(name: str, good: bytes) -> File:
    """Carriage returns alone, as Excel's "CSV (Macintosh)" writes them."""
    return name, csv_of(rows_of(good), newline="\r").encode()


def cp1252(name: str, good: bytes) -> File:
    """Windows-1252."""
    return name, csv_of(rows_of(good)).encode("cp1252")


def utf8_with_mark(name: str, good: bytes) -> File:
    """UTF-8 with a byte-order mark."""
    return name, csv_of(rows_of(good)).encode("utf-8-sig")


def utf16(name: str, good: bytes) -> File:
    """UTF-16 with a byte-order mark, tabs between values: Excel's "Unicode Text"."""
    return name, csv_of(rows_of(good), delimiter="\t").encode("utf-16")


def stray_nul(name: str, good: bytes) -> File:
    """A NUL character in the middle of a value."""
    header, first, *rows = rows_of(good)
    first[-1] = f"{first[-1]}\x00"
    return name, csv_of([header, first, *rows]).encode()


def quoted_newlines(name: str, good: bytes) -> File:
    """Values over two lines, each pair with its own end of line."""
    header, *rows = rows_of(good)
    return name, csv_of([header, *([*row[:-1], f"{row[-1]}\n{row[-1]}"] for row in rows)]).encode()


def truncated_last_line(name: str, good: bytes) -> File:
    """The disk was full: the last record breaks off after its first value."""
    rows = rows_of(good)
    return name, (csv_of(rows[:-1]) + rows[-1][0]).encode()


def truncated_in_quotes(name: str, good: bytes) -> File:
    """The disk was full in the middle of a quoted value: the quote never ends."""
    rows = rows_of(good)
    return name, (csv_of(rows[:-1]) + f'{rows[-1][0]},"{rows[-1][1]}').encode()


def blank_lines(name: str, good: bytes) -> File:
    """Blank lines between the records and at the end."""
    return name, csv_of(rows_of(good)).replace("\r\n", "\r\n\r\n").encode()


def titles_above(name: str, good: bytes) -> File:
    """A report title stands above the header."""
    return name, ("Student extract\r\nRun by the data team\r\n" + csv_of(rows_of(good))).encode()


def login_page(name: str, good: bytes) -> File:
    """The session had expired: the log-in page was saved as the export."""
    return name, LOGIN_PAGE.encode()


def workbook(name: str, good: bytes) -> File:
    """A good Excel workbook."""
    return f"{_stem(name)}.xlsx", workbook_of(good)


def workbook_named_csv(name: str, good: bytes) -> File:
    """An Excel workbook with the wrong ending."""
    return name, workbook_of(good)


def csv_named_workbook(name: str, good: bytes) -> File:
    """A CSV with the wrong ending."""
    return f"{_stem(name)}.xlsx", good


def xls_named_csv(name: str, good: bytes) -> File:
    """An Excel 97-2003 workbook with the wrong ending."""
    return name, xls_of(rows_of(good))


def workbook_with_password(name: str, good: bytes) -> File:
    """A workbook that asks for a password."""
    from msoffcrypto.format.ooxml import OOXMLFile

    locked = io.BytesIO()
    OOXMLFile(io.BytesIO(workbook_of(good))).encrypt("not a secret", locked)
    return f"{_stem(name)}.xlsx", locked.getvalue()


def workbook_bomb(name: str, good: bytes) -> File:
    """A workbook of kilobytes whose sheet unpacks to 64 MB."""
    data = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook_of(good))) as source,
        zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for part in source.namelist():
            content = source.read(part)
            is_sheet = part.startswith("xl/worksheets/sheet")
            bomb.writestr(part, content + b" " * BOMB_BYTES if is_sheet else content)
    return f"{_stem(name)}.xlsx", data.getvalue()


def workbook_cut_short(name: str, good: bytes) -> File:
    """A workbook of which half arrived."""
    whole = workbook_of(good)
    return f"{_stem(name)}.xlsx", whole[: len(whole) // 2]


def not_text(name: str, good: bytes) -> File:
    """A picture, say: no kind of text."""
    return name, bytes(range(256)) * 64


def name_with_dots(name: str, good: bytes) -> File:
    """Two dots, which lead out of a folder when they stand alone."""
    return f"{_stem(name)}..csv", good


def name_with_spaces(name: str, good: bytes) -> File:
    """A copy that Windows named."""
    return f"{_stem(name)} - Copy (2).csv", good


def name_with_quotes(name: str, good: bytes) -> File:
    """Quotes, a semicolon and a dollar sign, for whoever builds statements of text."""
    return f"{_stem(name)}'\";$(x).csv", good


def xls_of(rows: Rows) -> bytes:
    """Rows as an Excel 97-2003 workbook (BIFF8 in an OLE compound file), every cell text."""
    return _compound_file("Workbook", _biff(rows))


def _record(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def _biff(rows: Rows) -> bytes:
    """One sheet: workbook globals (BOF, BOUNDSHEET, EOF), then the sheet (BOF, a LABEL for each cell, EOF)."""
    end = _record(0x0A, b"")
    begin = [_record(0x809, struct.pack("<HHHHII", 0x600, kind, 0, 0, 0, 0x600)) for kind in (0x05, 0x10)]
    name = b"\x06\x00Export"
    start = len(begin[0]) + 4 + 6 + len(name) + len(end)
    cells = [
        _record(0x204, struct.pack("<HHHHB", row, column, 0, len(value), 1) + value.encode("utf-16-le"))
        for row, values in enumerate(rows)
        for column, value in enumerate(values)
    ]
    return b"".join([begin[0], _record(0x85, struct.pack("<IH", start, 0) + name), end, begin[1], *cells, end])


def _compound_file(name: str, stream: bytes) -> bytes:
    """An OLE compound file (512-byte sectors) with one stream: header, its sectors, the directory, the sector table."""
    sector, end, free, table = 512, 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
    stream = stream.ljust(max(4096, -(-len(stream) // sector) * sector), b"\x00")  # shorter ones are held elsewhere
    used = len(stream) // sector
    tables = -(-(used + 2) // 127)
    chain = [*range(1, used), end, end, *[table] * tables]
    chain += [free] * (tables * 128 - len(chain))

    def entry(label: str, kind: int, child: int, start: int, size: int) -> bytes:
        text = label.encode("utf-16-le") + b"\x00\x00" if label else b""
        head = text.ljust(64, b"\x00") + struct.pack("<HBBIII", len(text), kind, 1, free, free, child)
        return head + b"\x00" * 36 + struct.pack("<IQ", start, size)

    directory = entry("Root Entry", 5, 1, end, 0) + entry(name, 2, free, 0, len(stream)) + entry("", 0, free, 0, 0) * 2
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 16 + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6)
    header += b"\x00" * 6 + struct.pack("<IIIIIIIII", 0, tables, used, 0, 4096, end, 0, end, 0)
    header += struct.pack("<109I", *range(used + 1, used + 1 + tables), *[free] * (109 - tables))
    return header + stream + directory + struct.pack(f"<{len(chain)}I", *chain)


# Read as if nothing had happened, though something may be noted.
READABLE: tuple[Builder, ...] = (
    columns_reversed, first_column_twice, extra_columns, semicolons, tabs, line_feeds, carriage_returns, cp1252,
    utf8_with_mark, utf16, stray_nul, quoted_newlines, blank_lines, titles_above, workbook,
)  # fmt: skip
# Read but for the record that broke off.
READABLE_IN_PART: tuple[Builder, ...] = (truncated_last_line, truncated_in_quotes)
# Refused as a whole.
REFUSED: tuple[Builder, ...] = (
    empty, header_only, first_column_missing, first_column_renamed, login_page, workbook_named_csv, csv_named_workbook,
    xls_named_csv, workbook_with_password, workbook_bomb, workbook_cut_short, not_text,
)  # fmt: skip
# Good content under a name that asks for trouble.
NAMED: tuple[Builder, ...] = (name_with_dots, name_with_spaces, name_with_quotes)
BUILDERS: dict[str, Builder] = {
    builder.__name__: builder for builder in (*READABLE, *READABLE_IN_PART, *REFUSED, *NAMED)
}
