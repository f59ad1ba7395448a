"""Workbooks made to fill the memory or the disk, or to make whoever opens them fetch a file: each really built."""

import io
import signal
import struct
import subprocess
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from extract.refusal import CANNOT_BE_READ, TOO_LARGE, Refusal
from extract.text import workbooks
from send_ready.runs import RunError
from tests.waiting import HANG

MEGABYTE = 1 << 20
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{KIND}.sheet.main+xml"/>'
    f'<Override PartName="/xl/sharedStrings.xml" ContentType="{KIND}.sharedStrings+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{KIND}.worksheet+xml"/></Types>',
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    f'<Relationship Id="r1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    f'xmlns:r="{OFFICE}"><sheets><sheet name="A" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    f'<Relationship Id="r1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="r2" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
}
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
ONE = f'<worksheet {MAIN}><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c></row></sheetData></worksheet>'
TEXTS = f"<sst {MAIN}><si><t>hello</t></si></sst>"


def book(path: Path, sheet: str = ONE, texts: str = TEXTS, **others: bytes) -> Path:
    """A workbook of one sheet, and whatever else. "FILL n" in its texts stands for n megabytes of spaces."""
    before, fill, rest = texts.partition("FILL ")
    megabytes, _, after = rest.partition("<")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, text in {**PARTS, "xl/worksheets/sheet1.xml": sheet}.items():
            archive.writestr(name, text)
        with archive.open("xl/sharedStrings.xml", "w") as part:  # piece by piece: it would not do to hold them all
            part.write(before.encode())
            for _ in range(int(megabytes or 0)):
                part.write(b" " * MEGABYTE)
            part.write(f"<{after}".encode() if fill else b"")
        for name, data in others.items():
            archive.writestr(name, data)
    return path


def flat(path: Path) -> Path:
    return book(path, texts=f"<sst {MAIN}><si><t>FILL 300</t></si></sst>")


def many_parts(path: Path) -> Path:
    return book(path, **{f"xl/media/{number}": bytes(MEGABYTE) for number in range(450)})


def many_empty_parts(path: Path) -> Path:
    return book(path, **{f"x{number}": b"" for number in range(70_000)})


def a_size_that_lies(path: Path) -> Path:
    """The lists of the archive say ten bytes; what is packed is more than the memory that reading may take."""
    book(path, texts=f"<sst {MAIN}><si><t>FILL 1100</t></si></sst>")
    data = bytearray(path.read_bytes())
    name = b"xl/sharedStrings.xml"
    for sign, to_size, to_name in ((b"PK\x03\x04", 22, 30), (b"PK\x01\x02", 24, 46)):
        at = data.find(sign)
        while at >= 0:
            if data[at + to_name : at + to_name + len(name)] == name:
                data[at + to_size : at + to_size + 4] = struct.pack("<L", 10)
            at = data.find(sign, at + 4)
    path.write_bytes(data)
    return path


def one_text_many_times(path: Path) -> Path:
    """A few megabytes that say thousands of times: the text of thirty thousand characters."""
    cells = "".join(f'<row r="{row}"><c r="A{row}" t="s"><v>0</v></c></row>' for row in range(1, 100_001))
    sheet = f"<worksheet {MAIN}><sheetData>{cells}</sheetData></worksheet>"
    return book(path, sheet, f"<sst {MAIN}><si><t>{'a' * 32_000}</t></si></sst>")


def a_cell_at_the_far_end(path: Path) -> Path:
    cells = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    return book(path, f"<worksheet {MAIN}><sheetData>{cells}</sheetData></worksheet>")


@pytest.mark.parametrize(
    "build",
    [flat, many_parts, a_size_that_lies, one_text_many_times, a_cell_at_the_far_end],
    ids=lambda each: each.__name__,
)
def test_a_bomb_is_refused_soon_and_costs_no_more_than_itself(build: Callable[[Path], Path], tmp_path: Path) -> None:
    path, started = build(tmp_path / "bomb.xlsx"), time.monotonic()
    assert path.stat().st_size < 20 * MEGABYTE
    with pytest.raises(Refusal) as refused:
        workbooks.sheets(path, tmp_path / "read")
    assert refused.value.code in (TOO_LARGE, CANNOT_BE_READ)
    assert time.monotonic() - started < HANG
    assert sum(file.stat().st_size for file in (tmp_path / "read").iterdir()) <= workbooks.UNPACKED_LIMIT


def test_that_the_system_ended_who_reads_a_workbook_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed = subprocess.CompletedProcess([], -signal.SIGKILL)
    monkeypatch.setattr(workbooks.subprocess, "run", lambda *_, **__: killed)
    with pytest.raises(RunError, match=r"was ended .* when memory runs out\. Close other programs"):
        workbooks.sheets(book(tmp_path / "book.xlsx"), tmp_path / "read")


def test_a_bomb_inside_is_never_opened(tmp_path: Path) -> None:
    """A zip in a zip in a zip: what unpacks itself again and again finds nobody who does it."""
    data = bytes(100 * MEGABYTE)
    for depth in range(5):
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{depth}.zip", data)
        data = held.getvalue()
    path = book(tmp_path / "book.xlsx", **{"xl/embeddings/inside.zip": data})
    (sheet,) = workbooks.sheets(path, tmp_path / "read")
    assert list(sheet.rows()) == [["1", "hello"]]


def test_many_parts_of_nothing_are_no_matter(tmp_path: Path) -> None:
    started = time.monotonic()
    assert workbooks.sheets(many_empty_parts(tmp_path / "book.xlsx"), tmp_path / "read")
    assert time.monotonic() - started < HANG


LAUGHS = "".join(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, 10))


@pytest.mark.parametrize(
    ("declared", "used"),
    [
        (f'<!DOCTYPE sst [<!ENTITY e0 "ha">{LAUGHS}]>', "&e9;"),
        ('<!DOCTYPE sst [<!ENTITY big "' + "a" * 100_000 + '">]>', "&big;" * 10_000),
        ('<!DOCTYPE sst [<!ENTITY file SYSTEM "file://{secret}">]>', "&file;"),
        ('<!DOCTYPE sst SYSTEM "file://{secret}">', "hello"),
    ],
    ids=["laughs", "quadratic", "file", "dtd"],
)
def test_entities_are_neither_multiplied_nor_fetched(declared: str, used: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("fetched")
    texts = f'<?xml version="1.0"?>{declared}<sst {MAIN}><si><t>{used}</t></si></sst>'.replace("{secret}", str(secret))
    path, started = book(tmp_path / "book.xlsx", texts=texts), time.monotonic()
    try:
        found = "".join(sheet.path.read_text("utf-8") for sheet in workbooks.sheets(path, tmp_path / "read"))
    except Refusal as refusal:
        assert refusal.code in (CANNOT_BE_READ, TOO_LARGE)
        found = ""
    assert len(found) < 200_000
    assert "fetched" not in found
    assert time.monotonic() - started < HANG


def test_names_of_parts_lead_nowhere(tmp_path: Path) -> None:
    outside = {"../../pwned": b"x", "/tmp/pwned": b"x", "..\\..\\pwned": b"x", "xl/../../pwned": b"x"}
    assert workbooks.sheets(book(tmp_path / "book.xlsx", **outside), tmp_path / "read")
    assert {path.name for path in tmp_path.iterdir()} == {"book.xlsx", "read"}
    assert not Path("/tmp/pwned").exists()
