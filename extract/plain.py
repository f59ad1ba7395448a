"""Bytes to plain text: which encoding a file is in, and the same in UTF-8 on disk. In pieces, whatever its size."""

import codecs
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

PIECE = 1 << 20  # bytes read at once
_STRAY = re.compile("[\udc80-\udcff]")  # a byte that is not UTF-8, as Python's surrogateescape keeps it
_BEYOND_ASCII = re.compile("[^\x00-\x7f]")
# NULs are nothing, and a stray byte was most likely this.
_TIDY = {0: None} | {0xDC00 + byte: bytes([byte]).decode("cp1252", errors="replace") for byte in range(0x80, 0x100)}


@dataclass(frozen=True)
class Plain:
    """A text in UTF-8 without NULs, whose lines end with LF or CR LF."""

    path: Path
    lines: int
    has_lone_returns: bool  # CR within lines
    notes: tuple[str, ...]


@dataclass
class _Tally:
    """What a text holds, counted in one pass."""

    is_blank: bool = True
    last: str = ""
    line_feeds: int = 0
    returns: int = 0
    pairs: int = 0  # CR LF
    nuls: int = 0
    strays: int = 0
    letters: int = 0  # beyond ASCII, and not stray
    lost: int = 0  # U+FFFD

    @property
    def lone_returns(self) -> int:
        """CRs without LF."""
        return self.returns - self.pairs

    @property
    def ends_in_returns(self) -> bool:
        """Lines end with CR alone, as Excel's "CSV (Macintosh)" writes them, or most do."""
        return self.lone_returns > self.line_feeds


def plain(path: Path, work: Path) -> Plain | None:
    """A text file as plain text: itself when it is that, else a copy in the folder `work`. None when it is blank.

    The encoding is UTF-16 by its mark or its NULs, else UTF-8 if most of what is not ASCII is, else Windows-1252.
    """
    with open(path, "rb") as file:
        head = file.read(4096)
    encoding, errors = _unicode(head)
    tally = _tally(_pieces(path, encoding, errors))
    if tally.is_blank:
        return None
    notes = []
    if tally.strays > tally.letters and not head.startswith(codecs.BOM_UTF8):
        encoding, errors = "cp1252", "replace"
    elif tally.strays:
        notes.append(f"The file is in UTF-8 but for {tally.strays:,} characters, which were read as Windows-1252.")
    if encoding != "utf-8-sig" or tally.strays or tally.nuls or tally.ends_in_returns:
        pieces = _pieces(path, encoding, errors, as_line_feeds=tally.ends_in_returns)
        path = work / "plain.csv"
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.writelines(piece.translate(_TIDY) for piece in pieces)
        tally.lost = _tally(_pieces(path, "utf-8", "strict")).lost
    notes += ["Some characters could not be read and stand as \ufffd."] if tally.lost else []
    notes += ["NUL characters were taken out."] if tally.nuls else []
    cut = tally.last not in "\r\n"
    notes += ["The file does not end with a line end: its last line may be cut off."] if cut else []
    lines = tally.line_feeds + cut + (tally.lone_returns if tally.ends_in_returns else 0)
    return Plain(path, lines, tally.lone_returns > 0 and not tally.ends_in_returns, tuple(notes))


def _unicode(head: bytes) -> tuple[str, str]:
    """The encoding by mark and NULs, and what to do with bytes that do not fit it."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", "replace"
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) > len(head) // 3 and min(even, odd) < max(even, odd) // 2:  # else NULs have filled up a file
        return "utf-16-be" if even > odd else "utf-16-le", "replace"
    return "utf-8-sig", "surrogateescape"


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
        found.is_blank = found.is_blank and not piece.strip("\x00 \t\r\n\ufeff")
        found.pairs += piece.count("\r\n") + (found.last == "\r" and piece[0] == "\n")
        found.line_feeds += piece.count("\n")
        found.returns += piece.count("\r")
        found.nuls += piece.count("\x00")
        if not piece.isascii():
            strays = len(_STRAY.findall(piece))
            found.strays += strays
            found.letters += len(_BEYOND_ASCII.findall(piece)) - strays
            found.lost += piece.count("\ufffd")
        found.last = piece[-1]
    return found
