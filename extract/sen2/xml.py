"""A return as XML, of any year and spelling, read as a stream by expat.

Nothing but the file is read: a DTD, and with it every entity, is refused where it begins. Namespaces are passed over.
What the shape does not know is told once a name; what stands within it is read as if it were not there.
"""

import codecs
import re
from collections import Counter
from pathlib import Path
from typing import Any
from xml.parsers import expat

from extract.refusal import CANNOT_BE_READ, EMPTY, HEADER_ONLY, NOT_AN_EXPORT, Refusal
from extract.sen2.found import SHOWN, TWICE, UNKNOWN, Found, RowFiles, Told
from extract.sen2.shape import Shape, Table, compared
from send_ready.sen2 import ROOT

FORM = "XML"
DTD, ASTRAY = "F-61", "F-63"
DEEPEST = 40  # elements within one another; a return has ten
_MODULE, _COLUMN, _OTHER = range(3)
_SPACE = b" \t\r\n"
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_PIECE = 1 << 20


class _HeaderRead(Exception):
    """The header was read, and no more is wanted."""


class _Frame:
    """A row that is being read: its module, the ids, its values and how many rows of each module it has so far."""

    __slots__ = ("children", "key", "line", "module", "order", "parent", "values")

    def __init__(self, module: str, key: int, parent: int | None, order: int, line: int, width: int):
        self.module, self.key, self.parent, self.order, self.line = module, key, parent, order, line
        self.values: list[str | None] = [None] * width
        self.children: dict[str, int] = {}


class _Reader:
    """The handlers of one document."""

    def __init__(self, shape: Shape, files: RowFiles | None, encoding: str | None, *, has_lines: bool):
        self.files = files
        self._has_lines, self._started = has_lines, 0
        self.header: dict[str, str] = {}
        self.counts: Counter[str] = Counter()
        self.unknown: dict[str, tuple[int, int]] = {}  # by name: how often, and the line of the first
        self.astray: dict[str, tuple[int, int]] = {}
        self.twice: dict[str, tuple[int, int]] = {}
        self.root = ""
        self.notes: list[str] = []
        self._elements: list[int] = []  # what each open element is
        self._frames: list[_Frame] = []
        self._text: list[str] = []
        self._column = -1
        self._tables = shape.tables
        self._names = {name: list(table.columns) for name, table in shape.tables.items()}
        self._wrappers = _WRAPPERS
        self._tags = {compared(table.tag): table for name, table in shape.tables.items() if name != ROOT}
        self._write: dict[str, Any] = {}
        if files:
            self._write = {name: files.writer(name) for name in shape.tables if name != ROOT}
        self._known: dict[str, dict[str, tuple[int, Any]]] = {name: {} for name in shape.tables}
        self.parser = expat.ParserCreate(encoding)
        self.parser.buffer_text = True
        self.parser.buffer_size = 1 << 16
        self.parser.StartDoctypeDeclHandler = self._refuse_dtd
        self.parser.StartElementHandler = self._begin
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text.append
        self._frames.append(_Frame(ROOT, 0, None, 1, 1, len(self._names[ROOT])))

    def _refuse_dtd(self, *_: object) -> None:
        raise Refusal(
            DTD,
            f"The XML has a DTD (line {self.parser.CurrentLineNumber}), which a return has not: it may make the "
            "reader open other files, or a few lines grow without end. Nothing of it was read.",
            "Export the return again from the system that made it, or take the lines of <!DOCTYPE out.",
        )

    def _begin(self, name: str, given: dict[str, str]) -> None:
        frame = self._frames[-1]
        known = self._known[frame.module]
        what = known.get(name)
        if what is None:
            what = known[name] = self._meaning(name, frame.module)
        kind, meant = what
        if self._column >= 0:  # within a value there is none
            kind, meant = _OTHER, None
        if not self._elements:
            self.root = name.rpartition(":")[2]
        if given:
            self._note_attributes(given)
        self._started += 1
        self._elements.append(kind)
        if kind == _COLUMN:
            self._column = meant
            self._text.clear()
        elif kind == _MODULE:
            self._begin_row(meant)
        elif len(self._elements) > 1:
            self._pass_over(name)

    def _line(self) -> int:
        """The line, or where a line has many elements the number of the element."""
        return self.parser.CurrentLineNumber if self._has_lines else self._started

    def _begin_row(self, table: Table) -> None:
        if self.files is None:
            raise _HeaderRead
        above = table.parent or ROOT
        parent = next((frame for frame in reversed(self._frames) if frame.module == above), None)
        line = self._line()
        if parent is None:
            self.astray[table.tag] = _seen(self.astray.get(table.tag), line)
        counts = parent.children if parent else self._frames[0].children
        order = counts[table.name] = counts.get(table.name, 0) + 1
        self.counts[table.name] += 1
        key = parent.key if parent and table.parent else None
        self._frames.append(_Frame(table.name, self.counts[table.name], key, order, line, len(self._names[table.name])))

    def _pass_over(self, name: str) -> None:
        if len(self._elements) > DEEPEST:
            raise Refusal(
                NOT_AN_EXPORT,
                f"The XML has more than {DEEPEST} elements within one another "
                f"(line {self.parser.CurrentLineNumber}), and a return has ten.",
                "Look whether it is a return at all, and export it again.",
            )
        own = name.rpartition(":")[2]
        if compared(own) not in self._wrappers:
            self.unknown[own] = _seen(self.unknown.get(own), self._line())

    def _end(self, name: str) -> None:
        kind = self._elements.pop()
        if kind == _COLUMN:
            frame, text = self._frames[-1], "".join(self._text).strip()
            if frame.values[self._column] is None:
                frame.values[self._column] = text
            elif text and text != frame.values[self._column]:
                if not frame.values[self._column]:
                    frame.values[self._column] = text
                else:
                    tag = name.rpartition(":")[2]
                    self.twice[tag] = _seen(self.twice.get(tag), self._line())
            self._column = -1
            self._text.clear()
        elif kind == _MODULE:
            frame = self._frames.pop()
            ids: list[int | None] = (
                [frame.key] if self._tables[frame.module].parent is None else [frame.key, frame.parent]
            )
            self._write[frame.module]([frame.line, None, *ids, frame.order, *frame.values])
            self._text.clear()
        elif self._column < 0:
            self._text.clear()

    def _meaning(self, name: str, module: str) -> tuple[int, Any]:
        """What an element is within a row of a module: the start of a row, a value, or neither."""
        said = compared(name.rpartition(":")[2])
        if table := self._tags.get(said):
            return _MODULE, table
        column = self._tables[module].spelt.get(said)
        if column is not None:
            return _COLUMN, self._names[module].index(column)
        return _OTHER, None

    def _note_attributes(self, given: dict[str, str]) -> None:
        for name in given:
            if not name.casefold().startswith(("xmlns", "xsi:", "xml:")):
                own = f"@{name.rpartition(':')[2]}"
                self.unknown[own] = _seen(self.unknown.get(own), self._line())

    def finish(self) -> None:
        """Take the header's values, once the document, or its header, was read."""
        frame = self._frames[0]
        held = zip(self._names[ROOT], frame.values, strict=True)
        self.header = {name: value for name, value in held if value}


_WRAPPERS = frozenset(map(compared, ("Message", "Header", "CollectionDetails", "Source", "Persons")))


def _seen(before: tuple[int, int] | None, line: int) -> tuple[int, int]:
    return (before[0] + 1, before[1]) if before else (1, line)


def read_header(path: Path, shape: Shape) -> dict[str, str]:
    """The header of a return by column, as far as there is one: the beginning of the file is read. Raises Refusal."""
    reader = _parse(path, shape, None)
    return reader.header


def read(path: Path, shape: Shape, files: RowFiles, set_name: str) -> Found:
    """A return; its rows are written to `files`. Raises Refusal."""
    reader = _parse(path, shape, files)
    collection = reader.header.get("collection", "")
    if not reader.counts:
        if collection.casefold() == "sen2" or reader.root.casefold() == "message":
            raise Refusal(
                HEADER_ONLY if collection.casefold() in ("sen2", "") else NOT_AN_EXPORT,
                "The XML has no Person in it." if collection.casefold() in ("sen2", "") else
                "The XML is of another collection of DfE, and not of SEN2.",
                "Make the return again, with its persons.",
            )  # fmt: skip
        raise Refusal(
            NOT_AN_EXPORT,
            "The XML is no SEN2 return: it has neither the header of one nor a Person.",
            "Drop the XML that the council's system makes for COLLECT.",
        )
    if collection and collection.casefold() != "sen2":
        raise Refusal(
            NOT_AN_EXPORT,
            "By its header the XML is of another collection, and not of SEN2.",
            "Take it out of the inbox.",
        )
    found = Found(FORM, set_name, reader.header, has_header=True)
    found.queries = files.queries()
    found.told, found.notes = _told(reader), reader.notes
    return found


def _told(reader: _Reader) -> list[Told]:
    found = list[Told]()
    if reader.unknown:
        listed = sorted(reader.unknown.items(), key=lambda each: each[1][1])
        names = ", ".join(
            f"{_plain(name)} ({count:,}, first in line {line:,})" for name, (count, line) in listed[:SHOWN]
        )
        more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
        found.append(Told(
            UNKNOWN, "query", f"Elements that no SEN2 return of any year has: {names}{more}. They were passed over, "
            "and stay in the file as it landed.", "If one is an item that DfE has added, put a row for it into "
            "sen2/sen2_elements.csv of SEND_CONFIG; if it is another spelling, into sen2/sen2_spellings.csv.",
            count=sum(count for count, _ in reader.unknown.values()),
        ))  # fmt: skip
    for tag, (count, line) in reader.astray.items():
        found.append(Told(
            ASTRAY, "error", f"{count:,} {tag} with no element above in which they belong, first in line {line:,}. "
            "They are kept, and belong to nobody.", "Have the system that made the return put right.", line, count,
        ))  # fmt: skip
    for tag, (count, line) in reader.twice.items():
        found.append(Told(
            TWICE, "query", f"{_plain(tag)} stands twice in one row with two values, {count:,} times, first in line "
            f"{line:,}. The first counts.", "Have the system that made the return put right.", line, count,
        ))  # fmt: skip
    return found


def _plain(name: str) -> str:
    """A name of an element as it may be told: an odd one by its length alone."""
    return name if len(name) <= 40 and name.lstrip("@").replace("_", "").replace("-", "").isalnum() else "(odd name)"


def _parse(path: Path, shape: Shape, files: RowFiles | None) -> _Reader:
    if not path.stat().st_size:
        raise Refusal(EMPTY, "The file is empty.", "Make the return again.")
    with open(path, "rb") as file:
        head = file.read(1 << 16)
    encoding = _encoding(path, head)
    reader = _Reader(shape, files, encoding, has_lines=3 * head.count(b"\n") >= head.count(b"</"))
    try:
        with open(path, "rb") as file:
            file.seek(len(head) - len(head.lstrip(_SPACE)))  # blank lines above the declaration, which people make
            reader.parser.ParseFile(file)
    except _HeaderRead:
        pass
    except expat.ExpatError as error:
        raise Refusal(
            CANNOT_BE_READ,
            f"The XML cannot be read on from line {error.lineno:,}: {expat.ErrorString(error.code)}. "
            f"{reader.counts['person']:,} persons begin before that; nothing of the file is used.",
            "It may have been cut off, or changed by hand: copy it into the inbox again, or make the return again.",
        ) from None
    except (LookupError, ValueError) as error:  # of a character set that there is not, or of more than one byte
        raise Refusal(
            CANNOT_BE_READ, "The XML declares a character set that cannot be read.", "Save it as UTF-8."
        ) from error
    reader.finish()
    if encoding:
        reader.notes.append("The XML is not in UTF-8, as it says; it was read as Windows-1252.")
    if not reader._has_lines:
        reader.notes.append("Several elements stand in one line: a line that is named is the number of the element.")
    return reader


def _encoding(path: Path, head: bytes) -> str | None:
    """The encoding to read a file in, in place of the one that it says; None where it is in that."""
    said = _DECLARED.match(head.removeprefix(codecs.BOM_UTF8))
    if b"\0" in head[:4] or head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return None
    if said and said[1].lower() not in (b"utf-8", b"utf8", b"us-ascii"):
        return None
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with open(path, "rb") as file:
            while piece := file.read(_PIECE):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "windows-1252"
    return None
