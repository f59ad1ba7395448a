"""Where the header of a source stands: given, or found by itself.

A source has no contract, so that its header is found by its shape: the row whose cells are titles (with a letter, no
date, no number of three digits but a year), below which stand values: in at least one of its columns most have a digit.
It covers nine in ten of the cells below. Of several such rows the fullest counts; of two as full nobody can tell.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from extract import dates
from extract.contract import Column, Contract, normalise
from extract.own.source import Source
from extract.refusal import Refusal
from extract.text.lines import BLANKS
from extract.text.load import Candidate

UNSURE = "F-42"
SEARCH_ROWS = 30  # with something in them, in which a header is found by itself
LOOKED_AT = 40  # rows below it
COVERED, WITH_DIGIT, FILLED = 0.9, 0.6, 0.5  # shares, see above
TITLE_LENGTH = 200
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_ID = re.compile(r"\S*\d\S*")
_LONGEST_ID = 40


@dataclass(frozen=True)
class Table:
    """The rows of a text by one delimiter, or of a sheet, in which a header is looked for."""

    candidates: list[Candidate]
    rows: list[list[str]]  # by place
    numbers: list[int]  # of the rows, as people count


def find(table: Table, source: Source) -> Candidate | None:
    """The header of a table; None when there is none. Raises Refusal when two rows may be it."""
    if source.row is not None:
        given = source.row
        return next((each for each in table.candidates if table.numbers[each.before] == given), None)
    if source.header:
        wanted = {normalise(each) for each in source.header}
        return next((each for each in table.candidates if wanted <= set(map(normalise, each.cells))), None)
    found: list[Candidate] = []
    for each in table.candidates:
        below = table.rows[each.lines : each.lines + LOOKED_AT]
        said = [*map(normalise, each.cells)]
        if _is_header(each.cells, below) and said not in ([*map(normalise, other.cells)] for other in found):
            found.append(each)
    if not found:
        return None
    best, *others = sorted(found, key=lambda each: -_count(each.cells))
    if others and _count(others[0].cells) == _count(best.cells):
        rows = " and ".join(
            str(table.numbers[each.before]) for each in sorted((best, others[0]), key=lambda e: e.before)
        )
        raise Refusal(
            UNSURE,
            f"Rows {rows} may both be the header.",
            f"Say which: `header: {{row: {table.numbers[best.before]}}}` in sources/{source.feed}.yml.",
        )
    return best


def none_found(source: Source) -> Refusal:
    """Why a file is refused in which no header was found."""
    if source.row is not None:
        reason = f"There is nothing in row {source.row}, where its header should stand."
    elif source.header:
        reason = f"No row of the first has the columns {', '.join(source.header)}."
    else:
        reason = (
            f"None of the first {SEARCH_ROWS} rows is a header for certain: a row of titles over every column, above "
            "rows of values."
        )
    return Refusal(
        UNSURE, reason, f"Say where it is in sources/{source.feed}.yml: `header: {{row: 5}}`, or `header: {{columns: "
        "[two or three of its titles]}`; or export with a row of titles."
    )  # fmt: skip


def unique(cells: Sequence[str]) -> list[str]:
    """The names of the columns: the titles as written, on one line, with a number where one is blank or is repeated."""
    taken, named = {"_file", "_line", "_sheet", "_data_date"}, list[str]()
    held = {" ".join(cell.split()).casefold() for cell in cells}
    for place, cell in enumerate(cells, start=1):
        title = "".join(sign for sign in " ".join(cell.split()) if sign.isprintable())[:TITLE_LENGTH]
        name, number = title or f"column {place}", 1
        while name.casefold() in taken or (name != title and name.casefold() in held):
            number += 1
            name = f"{title or f'column {place}'} {number}"
        taken.add(name.casefold())
        named.append(name)
    return named


def as_contract(source: Source, cells: Sequence[str], rows: Iterable[Sequence[str]]) -> Contract:
    """What is known of the columns of a source's file, in the words of a contract: that is what reads and tidies lines.

    The key is the column that looks most like one, and is there to tell lines from titles and totals; nothing is left
    out for the want of it.
    """
    sample = [list(row) for row in rows if len(row) <= len(cells)]
    held = [
        [value for row in sample if (value := row[at].strip(BLANKS) if at < len(row) else "")]
        for at in range(len(cells))
    ]
    first: dict[str, int] = {}
    for at, cell in enumerate(cells):
        first.setdefault(normalise(cell), at)
    first.pop("", None)
    key = max(first.values(), key=lambda at: (_likeness_to_key(held[at], len(sample)), -at), default=0)
    columns = [
        Column(
            f"c{at}", "id" if at == key else "date" if _are_dates(held[at]) else "text", at == key, None, (cells[at],)
        )
        for at in sorted({*first.values(), key})
    ]
    return Contract(
        source=source.source, feed=source.feed, title=source.title, grain="", owner=source.owner, is_optional=True,
        file_name="", undated_file="", key=(f"c{key}",), latest_by=None, max_row_drop_pct=100,
        stale_after_days=source.stale_after_days, columns=tuple(columns), fingerprint=source.fingerprint,
    )  # fmt: skip


def _likeness_to_key(values: Sequence[str], rows: int) -> float:
    """How much a column looks like a key: filled, one word with a digit, no date, and everywhere another one."""
    if not values:
        return 0
    words = [value for value in values if len(value) <= _LONGEST_ID and _ID.fullmatch(value)]
    filled, like = len(values) / max(rows, 1), len(words) / len(values)
    return 0 if _are_dates(values) else round(filled * like * (0.5 + 0.5 * len(set(values)) / len(values)), 1)


def _are_dates(values: Sequence[str]) -> bool:
    some = [value for value in values[:LOOKED_AT] if not value.isdigit()]
    return len(some) >= 3 and sum(bool(dates.parse_date(value)) for value in some) > COVERED * len(values[:LOOKED_AT])


def _count(cells: Iterable[str]) -> int:
    return sum(bool(cell.strip(BLANKS)) for cell in cells)


def _filled(cells: Sequence[str]) -> set[int]:
    return {at for at, cell in enumerate(cells) if cell.strip(BLANKS)}


def _is_header(cells: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    places, rows = _filled(cells), [row for row in below if _count(row)]
    titles = [normalise(cells[at]) for at in places]
    if len(places) < 2 or not rows or not all(_is_title(cells[at]) for at in places):
        return False
    if len(set(titles)) < max(2, len(titles) / 2):
        return False
    there = [_filled(row) for row in rows]
    if sum(len(each & places) for each in there) < COVERED * sum(map(len, there)):
        return False
    if 2 * median(map(len, there)) > 3 * len(places):
        return False
    return any(_are_values(at, rows) for at in places if not re.search(r"\d", cells[at]))


def _are_values(at: int, rows: Sequence[Sequence[str]]) -> bool:
    """Whether most of a column has something in it, most of that with a digit."""
    values = [row[at] for row in rows if at < len(row) and row[at].strip(BLANKS)]
    return len(values) >= FILLED * len(rows) and sum(
        bool(re.search(r"\d", each)) for each in values
    ) >= WITH_DIGIT * len(values)


def _is_title(cell: str) -> bool:
    text = _YEAR.sub("", cell)
    is_word = bool(re.search(r"[^\W\d_]", text)) and not re.search(r"\d{3}", text)
    return is_word and len(cell) <= TITLE_LENGTH and dates.parse_date(cell.strip()) is None


def numbered(rows: Iterable[Sequence[str]]) -> Iterator[tuple[int, list[str]]]:
    """The rows of a sheet with their numbers."""
    return ((int(number), list(values)) for number, *values in rows)
