"""A workbook to text, in a process of its own: `python -m extract.text.workbooks WORKBOOK FOLDER`.

Native code reads workbooks, and a damaged or malicious one may make it fail or fill the memory. So it works
here, within limits, and a file can cost no more than itself. FOLDER gets a CSV for each sheet that holds
anything, each row with its number in the sheet first, and sheets.json, which says which or why there are none.
"""

import csv
import datetime as dt
import errno
import itertools
import json
import os
import posixpath
import re
import resource
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

from extract.refusal import CANNOT_BE_READ, NAME_AND_CONTENT_DIFFER, PASSWORD_PROTECTED, TOO_LARGE, Refusal
from send_ready import disk
from send_ready.runs import RunError
from send_ready.settings import PROJECT

OLE, ZIP = b"\xd0\xcf\x11\xe0", b"PK\x03\x04"
# A workbook may not unpack to more than this, nor any part of it by more than this factor.
UNPACKED_LIMIT = 400 << 20
UNPACKED_FACTOR = 200
CELL_LIMIT = 1 << 24  # of all sheets, blank ones within the tables too: a million rows of sixteen columns
MEMORY = 1 << 30  # bytes of address space
SECONDS = 120  # of processor time
DAMAGED, DISK_FULL = 3, 4  # exit statuses
NO_RESULT = "#NO RESULT!"  # in place of a formula whose result was not saved; see types.EXCEL_ERROR
COLUMNS = 16_384  # of a sheet
_PERHAPS_LOST = re.compile(rb"""t=["']e["']|<(?:\w+:)?f[ />]""")
_PERHAPS_LOST_ODS = re.compile(rb"""value-type=["']error|:formula=""")
_STOPPED = (signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGXCPU)  # by a limit, or by native code


@dataclass(frozen=True)
class Sheet:
    """A sheet that holds something, as rows of text on disk."""

    number: int  # its place in the workbook, from 1
    is_visible: bool
    path: Path
    height: int  # rows, those with nothing in them included
    blank: int  # of them, those with nothing in them, which are not on disk
    name: str  # as its tab says

    def rows(self) -> Iterator[list[str]]:
        """Each row that holds something: its number, and its values from the first column on."""
        with open(self.path, encoding="utf-8", newline="") as file:
            yield from csv.reader(file)


def sheets(path: Path, folder: Path) -> list[Sheet]:
    """The sheets of a workbook, written into a folder. Raises Refusal when it is none that can be read."""
    folder.mkdir()
    ended = subprocess.run(
        [sys.executable, "-m", "extract.text.workbooks", str(path), str(folder)],
        cwd=PROJECT,
        env={},  # which may hold a password
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # a library may quote what it cannot read
    )
    if ended.returncode == DAMAGED:
        raise Refusal(
            CANNOT_BE_READ,
            "The workbook is damaged or only half there.",
            "Copy it into the inbox again; if that does not help, open it in Excel and save it as .xlsx.",
        )
    if -ended.returncode in _STOPPED:
        raise _too_much()
    if ended.returncode == DISK_FULL:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
    if ended.returncode:
        raise RunError(
            f"{path}: the program that reads workbooks was ended (exit status {ended.returncode}), as the system does "
            "when memory runs out. Close other programs; then run this step again."
        )
    said: dict[str, Any] = json.loads((folder / "sheets.json").read_text(encoding="utf-8"))
    if "refusal" in said:
        raise Refusal(*said["refusal"])
    return [Sheet(number, is_visible, folder / f"{number}.csv", *rows) for number, is_visible, *rows in said["sheets"]]


def _too_much() -> Refusal:
    return Refusal(
        TOO_LARGE,
        f"The workbook has more than {CELL_LIMIT:,} cells, or needs more than {MEMORY >> 20:,} MB or "
        f"{SECONDS} seconds to be read; perhaps a cell far below or beside the table is filled.",
        "Export as CSV instead, or delete the empty rows and columns around the table.",
    )


def refuse_password(path: Path) -> None:
    """Raise Refusal when a compound file is an enciphered workbook."""
    name, held = "EncryptedPackage".encode("utf-16-le"), b""
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            if name in (held := held[-len(name) :] + piece):
                raise Refusal(
                    PASSWORD_PROTECTED,
                    "The workbook is protected by a password.",
                    "Save it without a password and drop it in again.",
                )


def _refuse_other(path: Path) -> None:
    """Raise Refusal for a file that is no workbook, has a password, or would unpack to far too much."""
    with open(path, "rb") as file:
        head = file.read(4)
    if head == OLE:
        refuse_password(path)
        total, factor = path.stat().st_size, 1.0
    elif head == ZIP:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
        total = sum(part.file_size for part in parts)
        large = (part for part in parts if part.file_size > 1 << 20)
        factor = max((part.file_size / max(1, part.compress_size) for part in large), default=1.0)
    else:
        raise Refusal(
            NAME_AND_CONTENT_DIFFER,
            "The name says Excel, but the content is not a workbook.",
            "Open it in Excel and save it as .xlsx, or rename it to .csv if it is text.",
        )
    if total > UNPACKED_LIMIT or factor > UNPACKED_FACTOR:
        raise Refusal(
            TOO_LARGE,
            f"The workbook would unpack to {total >> 20:,} MB.",
            "Export as CSV instead. If nobody made it on purpose, do not open it.",
        )


def _write(path: Path, folder: Path) -> list[tuple[int, bool, int, int, str]]:
    """Write every sheet that holds something; number, whether it can be seen, rows, blank rows, tab. Raises Refusal."""
    from python_calamine import CalamineWorkbook, SheetVisibleEnum

    found, cells, characters = [], 0, 0
    lost = _lost(path)
    with open(path, "rb") as file, CalamineWorkbook.from_filelike(file) as book:  # by content: an .xls may be an .xlsx
        for number, about in enumerate(book.sheets_metadata, start=1):
            sheet = book.get_sheet_by_name(about.name)
            faults = lost.get(number, {})
            if sheet.start is None and not faults:
                continue
            height = max(sheet.total_height, max(faults, default=0))
            width = max(sheet.total_width, max(map(max, faults.values()), default=0), 8)
            cells += height * width  # a blank row takes time, too
            if cells > CELL_LIMIT:
                raise _too_much()
            before, row, blank = [""] * (sheet.start[1] if sheet.start else 0), 0, 0
            with open(folder / f"{number}.csv", "w", encoding="utf-8", newline="") as out:
                write = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow
                rows = itertools.zip_longest(sheet.iter_rows(), range(height), fillvalue=())
                for row, (held, _) in enumerate(rows, start=1):
                    values = before + [_text(cell) for cell in held]
                    for column, fault in faults.get(row, {}).items():
                        values += [""] * (column - len(values))
                        values[column - 1] = fault
                    if any(value.strip() for value in values):
                        write([row, *values])
                        characters += sum(map(len, values))
                    else:
                        blank += 1
                    if characters > UNPACKED_LIMIT:  # one long text, which very many cells refer to
                        raise _too_much()
            found.append((number, about.visible == SheetVisibleEnum.Visible, row, blank, about.name))
    return found


def _lost(path: Path) -> dict[int, dict[int, dict[int, str]]]:
    """Cells that hold an error, or a formula without its result, which the library takes for blank.

    By sheet, row and column, from 1: what to write in place. Of workbooks in XML: .xlsx, .xlsm and .ods.
    """
    if not zipfile.is_zipfile(path):
        return {}
    with zipfile.ZipFile(path) as archive:
        if "content.xml" in archive.namelist():
            return _lost_of_ods(archive)
        if "xl/workbook.xml" not in archive.namelist():
            return {}
        parts = sheet_parts(archive)
        return {number: found for number, part in parts.items() if (found := _lost_of(archive, part))}


def sheet_parts(archive: zipfile.ZipFile) -> dict[int, str]:
    """The part of each sheet, by its place in the workbook."""
    # Within the limits of this process; and expat itself lets no entity grow.
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314
    links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    sheets = [element for element in book.iter() if element.tag.rpartition("}")[2] == "sheet"]
    found = {}
    for number, sheet in enumerate(sheets, start=1):
        link = next((value for name, value in sheet.items() if name.rpartition("}")[2] == "id"), None)
        target = targets.get(link, "")
        part = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
        if part in archive.namelist():
            found[number] = part
    return found


def _lost_of(archive: zipfile.ZipFile, part: str) -> dict[int, dict[int, str]]:
    if not _holds(archive, part, _PERHAPS_LOST):
        return {}  # as in most: it costs the unpacking alone
    cells = _Cells()
    with archive.open(part) as stream:
        cells.parser.ParseFile(stream)
    return cells.lost


def _holds(archive: zipfile.ZipFile, part: str, what: re.Pattern[bytes]) -> bool:
    held = b""
    with archive.open(part) as stream:
        while piece := stream.read(1 << 20):
            if what.search(held + piece):
                return True
            held = piece[-32:]
    return False


def _lost_of_ods(archive: zipfile.ZipFile) -> dict[int, dict[int, dict[int, str]]]:
    if not _holds(archive, "content.xml", _PERHAPS_LOST_ODS):
        return {}
    cells = _OdsCells()
    with archive.open("content.xml") as stream:
        cells.parser.ParseFile(stream)
    return cells.lost


class _OdsCells:
    """What has no value in the sheets of an .ods."""

    def __init__(self) -> None:
        self.lost: dict[int, dict[int, dict[int, str]]] = {}
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._begin
        self._sheet = self._row = self._next_row = self._column = 0

    def _begin(self, name: str, given: dict[str, str]) -> None:
        match name.rpartition(":")[2]:
            case "table":
                self._sheet, self._next_row = self._sheet + 1, 1
            case "table-row":
                self._row, self._column = self._next_row, 1
                self._next_row += int(given.get("table:number-rows-repeated", 1))
            case "table-cell" | "covered-table-cell":
                repeated = int(given.get("table:number-columns-repeated", 1))
                types = {value for key, value in given.items() if key.endswith(":value-type")}
                if "error" in types or ("table:formula" in given and not types):
                    what = "#N/A" if "error" in types else NO_RESULT
                    rows = self.lost.setdefault(self._sheet, {}).setdefault(self._row, {})
                    rows.update(dict.fromkeys(range(self._column, min(self._column + repeated, COLUMNS)), what))
                self._column += repeated


class _Cells:
    """What has no value in a sheet's XML."""

    def __init__(self) -> None:
        self.lost: dict[int, dict[int, str]] = {}
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler, self.parser.EndElementHandler = self._begin, self._end
        self.parser.CharacterDataHandler = self._says
        self._row = self._column = 0
        self._type, self._value = "", ""
        self._has_formula = self._has_value = self._is_value = False

    def _begin(self, name: str, given: dict[str, str]) -> None:
        match name.rpartition(":")[2]:
            case "row":
                self._row, self._column = int(given.get("r") or self._row + 1), 0
            case "c":
                letters = given.get("r", "").rstrip("0123456789")
                self._column = _number(letters) if letters else self._column + 1
                self._type, self._value = given.get("t", "n"), ""
                self._has_formula = self._has_value = False
            case "f":
                self._has_formula = True
            case "v" | "t":
                self._has_value = self._is_value = True

    def _says(self, text: str) -> None:
        if self._is_value:
            self._value += text

    def _end(self, name: str) -> None:
        kind = name.rpartition(":")[2]
        if kind in ("v", "t"):
            self._is_value = False
        elif kind == "c":
            is_blank = self._type == "str" and self._has_value  # the result is an empty text
            if self._type == "e":
                self._lose(self._value if self._value.startswith("#") else "#N/A")
            elif self._has_formula and not self._value and not is_blank:
                self._lose(NO_RESULT)

    def _lose(self, what: str) -> None:
        if self._column <= COLUMNS:
            self.lost.setdefault(self._row, {})[self._column] = sys.intern(what[:20])


def _number(letters: str) -> int:
    """The number of a column by its letters."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter.upper()) - 64
    return number


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, dt.datetime):
        return value.isoformat(" ", timespec="seconds")
    return "" if value is None else str(value).replace("\x00", "").replace("\r\n", "\n").replace("\r", " ")


def _main(path: Path, folder: Path) -> int:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold the children's data
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 5))
    try:
        (folder / "sheets.json").write_text(json.dumps(_said(path, folder)), encoding="utf-8")
    except MemoryError:
        signal.raise_signal(signal.SIGABRT)
    except BaseException as error:  # a damaged workbook ends in many ways; a panic of the library is no Exception
        is_full = isinstance(error, OSError) and error.errno in disk.NUMBERS
        return DISK_FULL if is_full else DAMAGED
    return 0


def _said(path: Path, folder: Path) -> dict[str, object]:
    try:
        _refuse_other(path)
        return {"sheets": _write(path, folder)}
    except Refusal as refusal:
        return {"refusal": [refusal.code, refusal.reason, refusal.fix]}


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1]), Path(sys.argv[2])))
