"""What can happen to an export as text, and to any file as bytes."""

import csv
import gzip
import io
from typing import Literal

from sample.broken import LOGIN_PAGE
from tests.fuzz.cells import Random, Rows
from tests.fuzz.exports import Export


def written(r: Random, export: Export, rows: Rows, said: list[str]) -> str:
    """The rows as delimited text, most often as the feed's source writes it."""
    delimiter, newline = ",", export.newline
    quoting: Literal[0, 1, 2] = csv.QUOTE_MINIMAL
    if r.random() < 0.3:
        delimiter, newline = r.choice(",;\t|:"), r.choice(("\n", "\r\n", "\r"))
        quoting = r.choice((csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC))
        said.append(f"as {delimiter!r} {newline!r}")
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=newline, quoting=quoting).writerows(rows)
    return text.getvalue()


def quotes_not_doubled(r: Random, text: str) -> str:
    """A writer that does not know about quotes."""
    return text.replace('""', '"')


def line_ends_mixed(r: Random, text: str) -> str:
    """Each line ends as it likes."""
    return "".join(line.rstrip("\r\n") + r.choice(("\n", "\r\n", "\r")) for line in text.splitlines(keepends=True))


def lines_joined(r: Random, text: str) -> str:
    """Some line ends are lost."""
    return "".join(line if r.random() > 0.1 else line.rstrip("\r\n") for line in text.splitlines(keepends=True))


def quotes_alone(r: Random, text: str) -> str:
    """Quotation marks here and there."""
    for _ in range(r.choice((1, 1, 5, 50))):
        at = r.randrange(len(text) + 1)
        text = text[:at] + '"' + text[at:]
    return text


def quotes_in_pairs(r: Random, text: str) -> str:
    """Two marks in one column, of which a reader may take all that is between them for one value."""
    lines = text.splitlines(keepends=True)
    for _ in range(r.choice((1, 1, 2, 5))):
        one, other = sorted(r.randrange(len(lines)) for _ in range(2))
        at = r.randrange(lines[one].count(",") + 1)
        for line, mark in ((one, '"{}'), (other, '{}"')):
            cells = lines[line].rstrip("\r\n").split(",")
            if at < len(cells):
                cells[at] = mark.format(cells[at])
                lines[line] = ",".join(cells) + lines[line][len(lines[line].rstrip("\r\n")) :]
    return "".join(lines)


def last_values_left_out(r: Random, text: str) -> str:
    """Delimiters at the end of lines are left out, as Excel does, or values with them."""
    kept = r.choice((",", ",abcdefghijklmnopqrstuvwxyz0123456789/: "))
    lines = text.splitlines(keepends=True)
    return "".join(line if r.random() < 0.5 else line.rstrip("\r\n").rstrip(kept) + "\n" for line in lines)


def notes_of_several_lines(r: Random, text: str) -> str:
    """A column of notes, as a good writer writes them."""
    notes = ("", "", "Phoned mum,\nno answer", 'She said "no",\n"never", and left\n\n', "a, b, c, d, e, f\n" * 3)
    made = io.StringIO()
    rows = list(csv.reader(io.StringIO(text, newline="")))
    csv.writer(made).writerows([*row, "Notes" if not at else r.choice(notes)] for at, row in enumerate(rows))
    return made.getvalue()


def quote_never_closed(r: Random, text: str) -> str:
    """A quotation mark opens a value early in the file and is never closed."""
    at = text.find(",", r.randrange(len(text) // 2 + 1)) + 1
    return text[:at] + '"' + text[at:].replace('"', "")


def quotes_that_run_away(r: Random, text: str) -> str:
    """Lines each of which closes the quotation before it and opens another."""
    return text + 'x"y,"\n' * r.choice((10, 1000, 50_000))


def sep_line(r: Random, text: str) -> str:
    """The line that tells Excel the delimiter."""
    return f"sep={r.choice(',;')}\r\n{text}"


def delimiters_at_the_end(r: Random, text: str) -> str:
    """Delimiters after the last value of each line."""
    more = "," * r.choice((1, 5, 200))
    return "".join(line.rstrip("\r\n") + more + "\r\n" for line in text.splitlines(keepends=True))


def long_line(r: Random, text: str) -> str:
    """A value longer than any, in quotes or not."""
    mark, size = r.choice(('"', "")), r.choice((200_000, 1_100_000, 9_000_000))
    at = text.find(",", r.randrange(len(text) + 1)) + 1
    return text[:at] + mark + r.choice("x ,é👩\n;") * size + mark + text[at:]


def many_lines(r: Random, text: str) -> str:
    """Line upon line of little."""
    return text + r.choice(("\n", ",\n", '"\n', "a,b\n", '"a\n', " \r\n", "x\r")) * r.choice((1000, 200_000))


def stripped_of_last_line_end(r: Random, text: str) -> str:
    """The last line has no end."""
    return text.rstrip("\r\n")


TEXTS = (
    quotes_not_doubled, line_ends_mixed, line_ends_mixed, lines_joined, quotes_alone, quotes_alone, quote_never_closed,
    quotes_in_pairs, quotes_in_pairs, last_values_left_out, notes_of_several_lines,
    quotes_that_run_away, sep_line, delimiters_at_the_end, long_line, many_lines, stripped_of_last_line_end,
)  # fmt: skip

ENCODINGS = (
    "utf-8",
    "utf-8-sig",
    "cp1252",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "utf-7",
    "mac_roman",
    "cp037",
)


def encoded(r: Random, export: Export, text: str, said: list[str]) -> bytes:
    """The text in bytes, most often in the encoding of the feed's source."""
    choice = r.random()
    if choice < 0.65:
        return _bytes(text, export.encoding)
    if choice < 0.9:
        encoding = r.choice(ENCODINGS)
        said.append(encoding)
        return _bytes(text, encoding)
    said.append("mixed encodings")
    lines = text.splitlines(keepends=True)
    return b"".join(_bytes(line, r.choice(("utf-8", "cp1252"))) for line in lines)


def _bytes(text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return text.encode(
            encoding, "surrogatepass" if encoding.startswith("utf") and encoding != "utf-7" else "ignore"
        )


def bytes_changed(r: Random, data: bytes) -> bytes:
    """Bytes that became others on the way."""
    changed = bytearray(data)
    for _ in range(min(len(changed), r.choice((1, 1, 3, 30, 500)))):
        changed[r.randrange(len(changed))] = r.choice((r.randrange(256), 0, 10, 13, 34, 44, 255, 0x80))
    return bytes(changed)


def cut_off(r: Random, data: bytes) -> bytes:
    """The end, or the beginning, never came."""
    at = r.randrange(len(data) + 1)
    return data[:at] if r.random() < 0.8 else data[at:]


def piece_put_in(r: Random, data: bytes) -> bytes:
    """Something came in between."""
    piece = r.choice(
        (b"\x00", b"\x00" * 4096, b"\xef\xbb\xbf", b"\xff\xfe", b"\x1a", b"\r", b"\n", b'"', b"\xc0\xaf",
         b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff", b"\x81\x8d", r.randbytes(100), "é".encode(),
         b"\xe9", b",,,,", b"\r\n\r\n")
    )  # fmt: skip
    at = r.randrange(len(data) + 1)
    return data[:at] + piece + data[at:]


def piece_lost(r: Random, data: bytes) -> bytes:
    """Something in between never came."""
    at = r.randrange(len(data) + 1)
    return data[:at] + data[at + r.choice((1, 2, 10, 512, 5000)) :]


def piece_again(r: Random, data: bytes) -> bytes:
    """A piece came twice, as when a transfer goes on in the wrong place."""
    one, other = sorted(r.randrange(len(data) + 1) for _ in range(2))
    return data[:other] + data[one:]


def two_in_one(r: Random, data: bytes) -> bytes:
    """The file again below itself, in another encoding."""
    text = data.decode("utf-8", "replace").lstrip("\ufeff")
    return data + text.encode(r.choice(("utf-8", "utf-8-sig", "cp1252", "utf-16")), "replace")


def nuls_between(r: Random, data: bytes) -> bytes:
    """A NUL after every byte of a stretch."""
    one, other = sorted(r.randrange(len(data) + 1) for _ in range(2))
    return data[:one] + b"".join(bytes((byte, 0)) for byte in data[one:other][:50_000]) + data[other:]


def something_else(r: Random, data: bytes) -> bytes:
    """No export at all."""
    return r.choice(
        (b"", b"\x00" * 100, b"\xef\xbb\xbf", b"\r\n" * 50, b"," * 100_000, b'"' * 100_000, r.randbytes(5000),
         LOGIN_PAGE.encode(), b"<?xml version='1.0'?><a/>", b"{}", b"%PDF-1.7\n%\xe2\xe3", gzip.compress(data, mtime=0),
         b"PK\x05\x06" + bytes(18), b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504), b"\x1a", b"=1+1")
    )  # fmt: skip


BYTES = (
    bytes_changed, bytes_changed, bytes_changed, cut_off, cut_off, piece_put_in, piece_put_in, piece_lost, piece_again,
    nuls_between, something_else, two_in_one,
)  # fmt: skip
