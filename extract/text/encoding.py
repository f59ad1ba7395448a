"""Bytes to plain text: which encoding a file is in, and the same in UTF-8 on disk. In pieces, whatever its size.

A file may be put together of several, in two encodings: then each line is read as what it is.
"""

import codecs
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

PIECE = 1 << 20  # bytes read at once
_LONGEST = 1 << 22  # bytes of a line that are held at once
_STRAY = re.compile("[\udc80-\udcff]")  # a byte that is not UTF-8, as Python's surrogateescape keeps it
_BEYOND_ASCII = re.compile("[^\x00-\x7f]")
# A pair of bytes that Windows-1252 has too, such as É and a hard space; others would be `Ã©`, which nobody writes.
_PERHAPS = re.compile("[\u0180-\u07ff]")
_SHIFTED = re.compile(f"[{''.join(chr(byte << 8) for byte in range(0x30, 0x7B))}]")
_CP1252 = {0xDC00 + byte: bytes([byte]).decode("cp1252", errors="replace") for byte in range(0x80, 0x100)}
# NULs, the end-of-file sign of DOS and marks of order are nothing.
_NOTHING: dict[int, None] = {0: None, 0x1A: None, 0xFEFF: None}
_WIDE_LINE = re.compile(rb"\n[^\x00\n]{4,}\n")  # of one byte a letter: in UTF-16 even a delimiter has a NUL
_NOT_PRINTED = re.compile(rb"[^\t\x20-\x7e]")
_NOT_ASCII, _LINE_END = re.compile(rb"[\x80-\xff]"), re.compile(rb"[\r\n]|\Z")


@dataclass(frozen=True)
class Utf8Text:
    """A text in UTF-8 without NULs, whose lines end with LF or CR LF."""

    path: Path
    lines: int
    has_lone_returns: bool  # CR within lines
    is_cut: bool  # the last line has no end
    has_quotes: bool
    notes: tuple[str, ...]


@dataclass
class _Tally:
    """What a text holds, counted in one pass."""

    is_blank: bool = True
    last: str = ""
    line_feeds: int = 0
    returns: int = 0
    pairs: int = 0  # CR LF
    has_quotes: bool = False
    nuls: int = 0
    ends: int = 0  # the end-of-file sign of DOS
    marks: int = 0  # of order, but for one at the beginning
    strays: int = 0
    beyond_ascii: int = 0  # strays included
    lost: int = 0  # U+FFFD
    shifted: int = 0  # what ASCII becomes in UTF-16 when a byte is missing

    @property
    def lone_returns(self) -> int:
        """CRs without LF."""
        return self.returns - self.pairs

    @property
    def ends_in_returns(self) -> bool:
        """Lines end with CR alone, as Excel's "CSV (Macintosh)" writes them, or most do."""
        return self.lone_returns > self.line_feeds


def utf8_text(path: Path, work: Path) -> Utf8Text | None:
    """A text file as plain text: itself when it is that, else a copy in the folder `work`. None when it is blank.

    The encoding is UTF-16 by its mark or its NULs, else UTF-8 or Windows-1252; in a file that holds more than one,
    each line's own.
    """
    with open(path, "rb") as file:
        head = file.read(4096)
    encoding, errors = _encoding_by_head(head)
    notes: list[str] = []
    tally = _tally(_pieces(path, encoding, errors))
    is_mixed = encoding != "utf-8-sig" and _is_mixed(path, tally)
    removed = 0 if is_mixed else tally.nuls + tally.ends
    if tally.strays and tally.strays == tally.beyond_ascii and not tally.nuls and not head.startswith(codecs.BOM_UTF8):
        encoding, errors = "cp1252", "replace"  # nothing in it is UTF-8
    if is_mixed or (encoding == "utf-8-sig" and (tally.strays or tally.nuls)):
        copy = work / "lines.txt"
        notes += _MixedEncodings("be" if encoding == "utf-16-be" else "le").write(path, copy)
        path, encoding, errors = copy, "utf-8", "strict"
        tally = _tally(_pieces(path, encoding, errors))
    if tally.is_blank:
        return None
    is_clean = not (tally.nuls or tally.ends or tally.marks)
    if encoding not in ("utf-8", "utf-8-sig") or tally.ends_in_returns or not is_clean:
        pieces = _pieces(path, encoding, errors, as_line_feeds=tally.ends_in_returns)
        path = work / "plain.csv"
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.writelines(pieces if is_clean else (piece.translate(_NOTHING) for piece in pieces))
        returned, marks = tally.ends_in_returns, tally.marks
        tally = _tally(_pieces(path, "utf-8", "strict"))
        notes += ["It was put together of several files, each with a mark of its encoding."] if marks else []
        if tally.is_blank:
            return None
        lines = tally.line_feeds + (tally.last != "\n")
        has_lone_returns = tally.lone_returns > 0 and not returned
    else:
        lines, has_lone_returns = tally.line_feeds + (tally.last != "\n"), tally.lone_returns > 0
    notes += ["NUL and end-of-file characters were taken out."] if removed else []
    notes += ["Some characters could not be read and stand as \ufffd."] if tally.lost else []
    is_cut = tally.last not in "\r\n"
    notes += ["The file does not end with a line end: its last line may be cut off."] if is_cut else []
    return Utf8Text(path, lines, has_lone_returns, is_cut, tally.has_quotes, tuple(notes))


def _encoding_by_head(head: bytes) -> tuple[str, str]:
    """The encoding by mark and NULs, and what to do with bytes that do not fit it."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", "replace"
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) > len(head) // 3 and min(even, odd) < max(even, odd) // 2:  # else NULs have filled up a file
        return "utf-16-be" if even > odd else "utf-16-le", "replace"
    return "utf-8-sig", "surrogateescape"


def _is_mixed(path: Path, tally: _Tally) -> bool:
    """Whether a file that begins in UTF-16 goes on in another encoding, or out of step."""
    held, line_ends = b"", 0
    with open(path, "rb") as file:
        while piece := file.read(PIECE):
            line_ends += piece.count(b"\n") + piece.count(b"\r")
            held = held[-PIECE:] + piece
            if _WIDE_LINE.search(held):
                return True
    end = held.rstrip(b"\r\n").rpartition(b"\n")[2]
    return (len(end) >= 4 and 0 not in end) or (line_ends > tally.line_feeds + tally.returns and tally.shifted > 0)


class _MixedEncodings:
    """Lines in UTF-8, Windows-1252 or UTF-16, each for itself, to UTF-8."""

    def __init__(self, order: str) -> None:
        self._is_utf8 = True  # what most lines are
        self._order = order  # of the bytes of UTF-16: le or be
        self._found = {"UTF-8": 0, "Windows-1252": 0, "UTF-16": 0}  # lines that could be nothing else

    def write(self, path: Path, copy: Path) -> list[str]:
        """Write the text in UTF-8; gives what there is to say."""
        utf8 = cp1252 = 0
        for piece in self._pieces(path):
            for begin, end in _beyond_ascii(piece):
                text = piece[begin:end].decode("utf-8", "surrogateescape")
                strays = len(_STRAY.findall(text))
                letters = len(_BEYOND_ASCII.findall(text)) - strays
                cp1252 += strays > letters
                utf8 += letters > strays and not _PERHAPS.search(text)
        self._is_utf8 = utf8 >= cp1252
        with open(copy, "w", encoding="utf-8", newline="") as file:
            for piece in self._pieces(path):
                if 0 in piece:
                    lines = re.split(rb"([\r\n])", piece)
                    lines[::2] = [self._wide(line).encode("utf-8", "replace") for line in lines[::2]]
                    file.write(b"".join(lines).decode("utf-8"))
                else:
                    at = 0
                    for begin, end in _beyond_ascii(piece):
                        file.write(piece[at:begin].decode("ascii"))
                        file.write(self._text(piece[begin:end]))
                        at = end
                    file.write(piece[at:].decode("ascii"))
        kinds = [f"{count:,} in {name}" for name, count in self._found.items() if count]
        if len(kinds) < 2:
            return []
        return [f"The file is in more than one encoding; of the lines that tell, {' and '.join(kinds)}. Each was read "
                "as what it is."]  # fmt: skip

    def _pieces(self, path: Path) -> Iterator[bytes]:
        """Whole lines, as long as they are not very long."""
        held = b""
        with open(path, "rb") as file:
            while piece := file.read(PIECE):
                held += piece
                cut = max(held.rfind(b"\n"), held.rfind(b"\r")) + 1
                if 0 in held[cut - 1 : cut + 3]:  # within the end of a line in UTF-16
                    cut = held.rfind(b"\n") + 1
                if not cut and len(held) > _LONGEST:
                    cut = len(held) - 4
                    while cut % 4 or held[cut] & 0xC0 == 0x80:
                        cut -= 1
                if cut:
                    yield held[:cut]
                    held = held[cut:]
        yield held

    def _text(self, line: bytes) -> str:
        """A line of one byte a letter, or of UTF-8."""
        text = line.decode("utf-8", "surrogateescape")
        strays = len(_STRAY.findall(text))
        letters = len(_BEYOND_ASCII.findall(text)) - strays
        doubtful = 0 if self._is_utf8 else len(_PERHAPS.findall(text))
        if strays > letters - doubtful or (doubtful and not strays and doubtful == letters):
            self._found["Windows-1252"] += 1
            return line.decode("cp1252", "replace")
        self._found["UTF-8"] += letters > 0
        self._found["Windows-1252"] += strays > 0
        return text.translate(_CP1252)

    def _wide(self, line: bytes) -> str:
        """A line, by the LF bytes around it, that may be in UTF-16."""
        nuls, even = line.count(0), line[0::2].count(0)
        is_wide = len(line) < 3 * nuls and 5 * nuls <= 3 * len(line) + 5 and max(even, nuls - even) * 10 >= 9 * nuls
        if not is_wide:  # NULs that have filled something up, or that somebody left
            return self._text(line.replace(b"\x00", b""))
        self._found["UTF-16"] += 1
        if not _NOT_PRINTED.search(narrow := line.replace(b"\x00", b"")):
            return narrow.decode("ascii")  # also of a line of which only a part is in UTF-16
        for mark, order in ((codecs.BOM_UTF16_LE, "le"), (codecs.BOM_UTF16_BE, "be")):
            if mark in line[:3]:
                line, self._order = line[line.index(mark) + 2 :], order
                return line.decode(f"utf-16-{order}", "replace").replace("\x00", "")
        if line[1::2].count(0) > line[0::2].count(0):
            self._order = "le"
        elif self._order == "le":
            line = line[1:]  # the NUL of the line feed before it
        elif len(line) % 2:
            line = line[:-1]  # the NUL of the line feed after it
        return line.decode(f"utf-16-{self._order}", "replace").replace("\x00", "")


def _beyond_ascii(piece: bytes) -> Iterator[tuple[int, int]]:
    """Where the lines with letters beyond ASCII begin and end."""
    at = 0
    while found := _NOT_ASCII.search(piece, at):
        begin = max(at, *(piece.rfind(end, at, found.start()) + 1 for end in (b"\n", b"\r")))
        ended = _LINE_END.search(piece, found.end())
        at = ended.start() if ended else len(piece)
        yield begin, at


def _pieces(path: Path, encoding: str, errors: str, *, as_line_feeds: bool = False) -> Iterator[str]:
    decoder: codecs.IncrementalDecoder = codecs.getincrementaldecoder(encoding)(errors)
    if as_line_feeds:
        decoder = cast(codecs.IncrementalDecoder, io.IncrementalNewlineDecoder(decoder, translate=True))
    with open(path, "rb") as file:
        while piece := file.read(PIECE):
            yield decoder.decode(piece)
    yield decoder.decode(b"", final=True)


def _tally(pieces: Iterable[str]) -> _Tally:
    found = _Tally()
    for piece in filter(None, pieces):
        found.is_blank = found.is_blank and not piece.strip("\x00\x1a \t\r\n\ufeff")
        found.line_feeds += piece.count("\n")
        if "\r" in piece:
            found.pairs += piece.count("\r\n")
            found.returns += piece.count("\r")
        found.pairs += found.last == "\r" and piece[0] == "\n"
        found.has_quotes = found.has_quotes or '"' in piece
        if "\x00" in piece or "\x1a" in piece:  # to look is seven times as fast as to count
            found.nuls += piece.count("\x00")
            found.ends += piece.count("\x1a")
        if not piece.isascii():
            found.strays += len(_STRAY.findall(piece))
            found.beyond_ascii += len(_BEYOND_ASCII.findall(piece))
            found.marks += piece.count("\ufeff")
            found.lost += piece.count("\ufffd")
            found.shifted += len(_SHIFTED.findall(piece))
        found.last = piece[-1]
    return found
