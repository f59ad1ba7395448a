"""Cases: good exports to which one or more things have happened on the way from their system to the inbox.

They go through stages: cells and rows, then how they are written (text or workbook), then bytes, then the name. Every
mutation takes a random number generator and what the stage before it made, and gives the same back, changed. Case n of
a seed is always the same file (but for the salt of an enciphered one).
"""

import io
import random
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from tests.fuzz import cells, texts, workbooks
from tests.fuzz.exports import Export

ODDITIES = (
    " - Copy (2)", "\n", "\r\n[ERROR] forged", "\x1b[2J", "'\"; DROP TABLE x; --", "$(id)", "\u202egpj", "é",
    "e\u0301", "👩", "\udcff", "\udc80\udcfe", "..", "%s", "_" * 150, "{}", "\t", "\\", ";", "*", "?", "[1]", "<b>",
    "\x7f", "_v2",
)  # fmt: skip
DAYS = (
    "20261345", "00000000", "20260229", "99991231", "00010101", "2026-11-16", "2026_11_16", "16112026", "", "20261117",
    "2026111", "202611160",
)  # fmt: skip


def name_with_oddity(r: random.Random, name: str) -> str:
    """Signs that a file system allows."""
    stem, dot, suffix = name.rpartition(".")
    return f"{stem}{r.choice(ODDITIES)}{dot}{suffix}"


def name_of_another_day(r: random.Random, name: str) -> str:
    """Dates that there are, and are not."""
    return name.replace("20261116", r.choice(DAYS))


def name_in_other_letters(r: random.Random, name: str) -> str:
    """Capitals, spaces, brackets; hidden, or half copied."""
    others = (name.upper(), name.title(), name.replace("_", " "), name.replace("_", ""))
    return r.choice((*others, f" {name}", f"{name} ", f"~${name}", f".{name}", f"({name})", f"{name}.part"))


NAMES = (name_with_oddity, name_with_oddity, name_of_another_day, name_in_other_letters)


@dataclass(frozen=True)
class Case:
    """One file to try. `markers` are the records it must hold where the bytes cannot tell (workbooks)."""

    name: str
    data: bytes
    said: tuple[str, ...]  # the mutations, by name
    markers: Counter[bytes] | None = None


def case(exports: list[Export], seed: int, number: int) -> tuple[Export, Case]:
    """Case `number` of a seed, and the good export it was."""
    r = random.Random(f"{seed}:{number}")  # noqa: S311
    export = r.choice(exports)
    rows = [list(row) for row in export.rows]
    said: list[str] = []

    def some(stage: tuple[Callable, ...], chance: float) -> list[Callable]:  # type: ignore[type-arg]
        chosen = [r.choice(stage) for _ in range(r.choice((1, 1, 1, 2, 3)))] if r.random() < chance else []
        said.extend(each.__name__ for each in chosen)
        return chosen

    for change in some(cells.CELLS, 0.4):
        rows = change(r, rows)
    for change in some(cells.ROWS, 0.5):
        rows = change(r, rows)
    markers = None
    if r.random() < 0.35:
        book = workbooks.Book({"Export": rows})
        for change in some(workbooks.BOOKS, 0.6):
            change(r, book)
        suffix, data, markers = workbooks.written(r, book, said)
        for change in some(workbooks.ZIPS, 0.7) if suffix != ".xls" else []:
            data, is_certain = change(r, data)
            markers = markers if is_certain else None
        for change in some(texts.BYTES, 0.15):
            data, markers = change(r, data), None
        if not zipfile.is_zipfile(io.BytesIO(data)) and suffix != ".xls":
            markers = None
    else:
        suffix = r.choice((".csv",) * 9 + (".txt", ".tsv"))
        text = texts.written(r, export, rows, said)
        for change in some(texts.TEXTS, 0.4):
            text = change(r, text)
        data = texts.encoded(r, export, text, said)
        for change in some(texts.BYTES, 0.5):
            data = change(r, data)
    name = export.name + suffix
    for change in some(NAMES, 0.15):
        name = change(r, name)[-200:]
    return export, Case(name, data, tuple(said), markers)
