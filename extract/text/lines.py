"""Lines of a text to records: which lines are rows, and which belong to a value that spans lines.

A quotation mark that nobody meant opens a value like any other, and the next one, thousands of rows further, closes
it. So a value that spans lines is believed only when none of its lines could be a row of its own, by the number of its
values and by what stands in the key and date columns of the lines around it. Otherwise every line is read by itself,
and what is then in doubt is set aside line by line.
"""

import csv
import functools
import math
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TextIO

from extract import quarantine
from extract.contract import Contract, normalise
from extract.fit import fit

DELIMITERS = ",;\t|"
RECORD_LIMIT = 1 << 19  # characters in one record
# Characters that are read a second time, in all, because a quotation did not end. A file of nothing but stray
# quotation marks is read line by line after that.
PATIENCE = 1 << 25
# What may stand in a line, or a cell, in which there is nothing.
BLANKS = " \t\r\n\v\f\u00a0\u200b\u2007\u202f\u2060\ufeff"
_SEPARATORS = BLANKS + DELIMITERS
LONG = f"The record is longer than {RECORD_LIMIT:,} characters; its beginning is kept."
_OPEN = "A quotation mark is opened and not closed."
_JOINED = "A quotation mark in the line may have joined two of its values."
_IN_KEY = "A quotation mark stands in the key."
_WRAPPED = re.compile(r'[^\w="]*=\s*"[^"]*"[^\w"]*')  # ="00123", as Excel is made to keep noughts; see tidy.py
_DOUBT = "The line stands below a quotation mark that does not fit, and does not look like a row."
_SHIFTED = "The line has {} of {} values, and those that are missing do not seem to be the last."
AGAIN = "The header stands here again."
BELOW_OTHER = "It stands below another header, on line {}, whose columns are not in the same order."
_UNLIKELY = math.log(1000)  # times more likely another value is missing than the last, for a short line to be set aside
_DATE = re.compile(
    r"(?:[A-Za-z]{3,9},? +)?(?:\d{1,4}([-/. ]) *(?:\d{1,2}|[A-Za-z]{3,9})\1 *\d{1,4}|\d{8})(?:[T ].{1,30})?"
)
_VALUE = re.compile(r"\d{3}|\d[-/.]\d")  # is a value, or part of one, and no heading
_NUMBER = re.compile(r"[-+]?[\d,]*\.?\d+(?:E[-+]?\d+)?%?", re.IGNORECASE)
_TRUTH = re.compile(r"(?:y|yes|n|no|true|false|t|f|[01](?:\.0)?)", re.IGNORECASE)
_SIGNS = str.maketrans("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "9" * 10 + "A" * 26 + "a" * 26)
_RUNS = re.compile(r"([9Aa])\1+")
_INSIDE = re.compile(r'[^"]*+(?:""[^"]*+)*+')  # what a quotation holds


class Misfit(NamedTuple):
    """A record that does not fit the header: kept as it stands, for quarantine."""

    line_no: int
    reason: str
    values: tuple[str, ...]
    kind: str = quarantine.SHAPE


Record = list[str] | Misfit  # a line number and values, as text


def is_blank(values: Iterable[str]) -> bool:
    """Whether there is nothing in a row."""
    return not any(value.strip(BLANKS) for value in values)


def trim_tail(row: list[str], width: int) -> list[str]:
    """A row without blank values beyond those of the header."""
    while len(row) > width and not row[-1].strip(BLANKS):
        row.pop()
    return row


class Layout:
    """What a header says of the lines below it: how many values, which of them a row cannot do without, the key."""

    def __init__(self, cells: list[str], contract: Contract):
        contract = fit(contract, cells).contract
        self.known = contract.known
        types = {column.name: column.type for column in contract.columns}
        required = {column.name for column in contract.required}
        names = [self.known.get(normalise(cell)) for cell in cells]
        self.width = len(cells)
        self.names = names  # of the contract's columns, by position
        self.types = [types[name] if name else "" for name in names]
        self.need = 1 + max((index for index, name in enumerate(names) if name in required), default=len(cells) - 1)
        keys = {name for group in contract.musts for name in group}
        self.keys = [index for index, name in enumerate(names) if name in keys]
        self._cells = [normalise(cell) for cell in cells]
        if any(not name and _VALUE.search(cell) for name, cell in zip(names, cells, strict=True)):
            self.need = self.width  # a record may have run into the header, so that no line has all of its columns

    def header(self, values: list[str]) -> str:
        """What a row is as a header: "" when it is none, "same", or "other" when its columns are in another order."""
        at = self.keys[0] if self.keys else 0
        if at >= len(values) or not (first := values[at].strip(BLANKS))[:1].isalpha():
            return ""
        if normalise(first) not in self.known:
            return ""
        found = [normalise(value) for value in values]
        filled = sum(map(bool, found))
        if found == self._cells:
            return "same"
        if (known := sum(value in self.known for value in found)) < 2 or 2 * known < filled:
            return ""
        return "other" if self.differs([self.known.get(value) for value in found]) else "same"

    def differs(self, names: list[str | None]) -> bool:
        """Whether the columns of another header stand elsewhere than those of this one."""
        if any(one and other and one != other for one, other in zip(self.names, names, strict=False)):
            return True
        places = {name: index for index, name in enumerate(self.names) if name}
        return any(name in places and self.names[index : index + 1] != [name] for index, name in enumerate(names))


@functools.lru_cache(1 << 16)
def _shape(value: str) -> str:
    """A value without its letters and digits: `9/9/9` of a date."""
    return _RUNS.sub(r"\1", value[:60].strip(BLANKS).translate(_SIGNS))


class Neighbours:
    """What the regular lines of a file look like, column by column, and whether another looks like one of them."""

    def __init__(self, layout: Layout, rows: Iterable[list[str]]):
        """`rows` are lines, cut into values, that are most likely rows: some of all parts of the file."""
        self.layout = layout
        self._shapes: list[Counter[str]] = [Counter() for _ in range(layout.width)]  # of whole lines
        self._keys = {index: _Key() for index in layout.keys}
        self._full = 0
        for row in rows:
            for index, key in self._keys.items():
                if index < len(row):
                    key.learn(row[index].strip(BLANKS))
            if len(row) == layout.width:
                self._full += 1
                for shapes, value in zip(self._shapes, row, strict=True):
                    shapes[_shape(value)] += 1

    def is_row(self, values: list[str]) -> bool:
        """Whether a line with these values could be a row of its own."""
        count, layout = len(values), self.layout
        if count < 2 <= layout.width:
            return False
        keys = [self._keys[index].fits(values[index]) for index in layout.keys if index < count]
        good, bad = self.opinions(values[: layout.width])
        if count == layout.width:
            return (bool(keys) and all(keys) and bad <= good + 1) or (good >= 2 and not bad)
        if layout.need <= count < layout.width:
            return bool(keys) and all(keys) and not bad
        return bool(keys) and keys[0]

    def is_key(self, values: list[str]) -> bool:
        """Whether a line begins, as far as it goes, with a key like those of the lines around it."""
        return any(index < len(values) and key.fits(values[index]) for index, key in self._keys.items())

    def is_single(self, values: list[str]) -> bool:
        """Whether a line has as many values as a row and one word where the key stands: seldom so in prose."""
        words = [values[index].split() for index in self.layout.keys if index < len(values)]
        return len(values) == self.layout.width and bool(words) and all(len(each) == 1 for each in words)

    def opinions(self, values: list[str]) -> tuple[int, int]:
        """How many of the values are what their columns hold, and how many are not; of the rest nobody can tell."""
        good = bad = 0
        for kind, value in zip(self.layout.types, values, strict=False):
            if not kind or not (text := value.strip(BLANKS)):
                continue
            if kind in ("date", "datetime"):
                is_good = bool(_DATE.fullmatch(text))
            elif kind in ("integer", "decimal"):
                is_good = bool(_NUMBER.fullmatch(text))
            elif kind == "boolean":
                is_good = bool(_TRUTH.fullmatch(text))
            elif _DATE.fullmatch(text) and not text.isdigit():
                is_good = False
            else:
                continue
            good, bad = good + is_good, bad + (not is_good)
        return good, bad

    def lacks_others(self, values: list[str]) -> bool:
        """Whether more likely values in between are missing than the last of a line with too few."""
        count, width = len(values), self.layout.width
        gap = width - count
        here = [self._likelihood(index, value) for index, value in enumerate(values)]
        moved = [self._likelihood(index + gap, value) for index, value in enumerate(values)]
        blank = [self._likelihood(index, "") for index in range(width)]
        as_it_is = sum(here) + sum(blank[count:])
        best, before, after = -math.inf, 0.0, sum(moved)
        for at in range(count):
            best = max(best, before + sum(blank[at : at + gap]) + after)
            before, after = before + here[at], after - moved[at]
        return best - as_it_is > _UNLIKELY

    def _likelihood(self, index: int, value: str) -> float:
        shapes = self._shapes[index]
        return math.log((shapes[_shape(value)] + 0.5) / (self._full + 0.5 * (len(shapes) + 1)))


class _Key:
    """What the values of one column of the key look like."""

    def __init__(self) -> None:
        self._shapes: Counter[str] = Counter()
        self._signs: set[str] = set()
        self._lengths = (1 << 30, 0)
        self._count = 0

    def learn(self, value: str) -> None:
        if value and len(value) <= 60:
            shape = _shape(value)
            self._shapes[shape] += 1
            self._signs.update(shape)
            self._lengths = min(self._lengths[0], len(value)), max(self._lengths[1], len(value))
            self._count += 1

    def fits(self, value: str) -> bool:
        text = value.strip(BLANKS)
        if not text or len(text) > 60:
            return False
        if not self._count:
            return bool(re.fullmatch(r"\S*\d\S*", text))
        shape, (low, high) = _shape(text), self._lengths
        if not low - 1 <= len(text) <= high + 1:
            return False
        if len(self._shapes) <= max(20, self._count // 10):
            return self._shapes[shape] > self._count // 200
        return set(shape) <= self._signs


class Lines:
    """The lines of a text without their ends. Some can be given back."""

    def __init__(self, file: TextIO, number: int):
        self._file = file
        self._back: deque[str] = deque()
        self.number = number  # of the line given last
        self.read = 0  # lines of the file, up to now

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if not self.has_more():
            raise StopIteration
        self.number += 1
        return self._back.popleft()

    def give_back(self, lines: list[str], number: int) -> None:
        """Give these lines next, the first as the line after `number`."""
        self._back.extendleft(reversed(lines))
        self.number = number

    def has_more(self) -> bool:
        """Whether there is another line."""
        if not self._back and (line := self._file.readline(RECORD_LIMIT + 2)):
            self.read += 1
            more = line
            while not more.endswith("\n") and more:  # a line without end is not held in memory
                more = self._file.readline(RECORD_LIMIT)
            self._back.append(line.rstrip("\r\n"))
        return bool(self._back)


@dataclass
class Counts:
    """What became of lines that are no rows of their own, and of rows that were not regular."""

    blank: int = 0
    in_values: int = 0  # lines in values that span lines, but for the first of each record
    returns: int = 0  # line ends that are CR, in a file whose lines end otherwise
    literal: int = 0  # rows in which a quotation mark was taken for a letter
    short: int = 0  # rows that lacked the last, optional values


def scanner(delimiter: str) -> "Scan":
    """The scanner for files with this delimiter."""
    return _SCANNERS.setdefault(delimiter, Scan(delimiter))


class Scan:
    """Values of lines, as a writer of CSV that knows its trade writes them."""

    def __init__(self, delimiter: str):
        other = re.escape(delimiter)
        space = r"[ \xa0]" if delimiter == "\t" else r"[ \t\xa0]"
        self._delimiter = delimiter
        self._after = re.compile(rf'"{space}*+({other}|\Z)')
        self._plain = re.compile(rf"([^{other}]*+)({other}|\Z)")

    def __call__(self, line: str, is_open: bool) -> tuple[list[str], bool] | None:
        """The values of a line, and whether the last goes on in the next line; the first goes on when `is_open`.

        None when a quotation mark stands where no writer puts it.
        """
        at, values, more = 0, [], self._delimiter
        while more:
            if is_open or line.startswith('"', at):
                inside = _INSIDE.match(line, at if is_open else at + 1)
                if not inside:
                    return None
                values.append(inside[0].replace('""', '"'))
                if inside.end() == len(line):
                    return values, True
                ended = self._after.match(line, inside.end())
                if not ended:
                    return None
                at, more, is_open = ended.end(), ended[1], False
            else:
                plain = self._plain.match(line, at)
                if not plain:
                    return None
                values.append(plain[1])
                at, more = plain.end(), plain[2]
        return values, False


_SCANNERS: dict[str, Scan] = {}


class Records:
    """The records of lines below a header: rows as [line number, value, …], and Misfits. Blank lines are none.

    A CR is a line end in a line that does not fit, or of which the parts could be rows, and a space in one that does.
    """

    def __init__(self, lines: Lines, delimiter: str, near: Neighbours, *, is_cut: bool = False):
        """`is_cut`: the last line has no end, and may be cut off."""
        self.counts = Counts()
        self._lines, self._delimiter, self._near, self._is_cut = lines, delimiter, near, is_cut
        self._layout = near.layout
        self._scan = scanner(delimiter)
        self._patience = PATIENCE
        self._doubt = 0  # up to this line, lines have been taken out of a quotation that is not believed
        self._other = 0  # the line of a header that is not like the first, when such stands above

    def __iter__(self) -> Iterator[Record]:
        lines, width, counts = self._lines, self._layout.width, self.counts
        key = self._layout.keys[0] if self._layout.keys else 0
        for line in lines:
            number = lines.number
            if not line.strip(_SEPARATORS):
                counts.blank += 1
            elif len(line) > RECORD_LIMIT:
                yield Misfit(number, LONG, (line[:RECORD_LIMIT],))
            elif '"' in line or "\r" in line:
                if record := self._irregular(line, number):
                    yield self._settled(record)
            else:
                row = line.split(self._delimiter)
                is_plain = len(row) == width and number > self._doubt and not self._other
                if is_plain and not row[key][:1].isalpha():
                    yield [str(number), *row]  # what follows would come to the same
                else:
                    yield self._settled(self._counted(trim_tail(row, width), number))

    def _settled(self, record: Record) -> Record:
        """The record with all its columns, if it is neither a header nor below one that is not like the first."""
        is_row = isinstance(record, list)
        values = record[1:] if isinstance(record, list) else list(record.values)
        if is_header := self._layout.header(values):
            number = int(record[0])
            self._other = number if is_header == "other" else 0
            return Misfit(number, AGAIN, tuple(values), quarantine.FURNITURE)
        if self._other and is_row:
            return Misfit(int(record[0]), BELOW_OTHER.format(f"{self._other:,}"), tuple(values))
        if isinstance(record, list) and (lacking := self._layout.width - len(values)):
            self.counts.short += 1
            record += [""] * lacking
        return record

    def _counted(self, values: list[str], number: int) -> Record:
        """The values as a row, if they are as many as they should be, or lack only the last, optional ones."""
        layout, near = self._layout, self._near
        count, width = len(values), layout.width
        if count == width:
            if number <= self._doubt and not near.is_row(values):
                return Misfit(number, _DOUBT, tuple(values))
            return [str(number), *values]
        is_last = not self._lines.has_more()
        if count > width or count < layout.need or (is_last and self._is_cut):
            return Misfit(number, _misfit_reason(count, width, is_last=is_last), tuple(values))
        if (number <= self._doubt or count == 1) and not (near.is_row(values) or (count == 1 and near.is_key(values))):
            return Misfit(number, _misfit_reason(count, width, is_last=False), tuple(values))
        if near.opinions(values)[1] or near.lacks_others(values):
            return Misfit(number, _SHIFTED.format(count, width), tuple(values))
        return [str(number), *values]

    def _irregular(self, line: str, number: int) -> Record | None:
        """What becomes of a line in which there are quotation marks or CRs, and perhaps of those that follow it."""
        text = line.replace("\r", " ")
        scanned = self._scan(text, False) if '"' in line else None
        if scanned and scanned[1]:
            spanned, further = self._spanned(text, scanned[0])
            if spanned:
                self.counts.in_values += len(further)
                return self._without_marks([str(number), *spanned], is_written=True)
            self._patience -= sum(map(len, further))
            self._doubt = max(self._doubt, number + len(further))
            self._lines.give_back(further, number)
        record = self._single(text, number, scanned)
        if "\r" in line and (isinstance(record, Misfit) or self._parts_are_rows(line)):
            parts = line.split("\r")
            self.counts.returns += len(parts) - 1
            self._lines.give_back(parts, number - 1)
            return None
        if isinstance(record, Misfit) and not line.strip(_SEPARATORS + '"'):
            self.counts.blank += 1
            return None
        self.counts.literal += isinstance(record, list) and self._is_literal
        is_written = bool(scanned) and not (scanned and scanned[1]) and not self._is_literal
        return record if isinstance(record, Misfit) else self._without_marks(record, is_written=is_written)

    def _without_marks(self, row: list[str], *, is_written: bool) -> Record:
        """A row whose ids, dates, codes and numbers neither begin nor end with a quotation mark, as they never do.

        In a line that is as a writer of CSV writes it (`is_written`) a mark in a code is one that the system holds.
        """
        for at, (kind, value) in enumerate(zip(self._layout.types, row[1:], strict=False), start=1):
            if (
                '"' in value
                and not _WRAPPED.fullmatch(value)
                and kind not in ("", "text")
                and (kind != "code" or (not is_written and value.count('"') % 2))
            ):
                row[at] = value.strip(BLANKS + '"')
        keys = [row[index + 1] for index in self._layout.keys if index + 1 < len(row)]
        if any('"' in key and not _WRAPPED.fullmatch(key) for key in keys):
            return Misfit(int(row[0]), _IN_KEY, tuple(row[1:]))
        return row

    def _parts_are_rows(self, line: str) -> bool:
        return any(self._near.is_row(self._bare(part)) for part in line.split("\r")[1:])

    def _single(self, line: str, number: int, scanned: tuple[list[str], bool] | None) -> Record:
        """The record of a line by itself, as scanned. Quotation marks that do not fit are taken for letters."""
        self._is_literal = False
        width = self._layout.width
        if '"' not in line:
            values = trim_tail(line.split(self._delimiter), width)
            return self._counted(values, number)
        quoted = trim_tail(scanned[0], width) if scanned and not scanned[1] else None
        if quoted and is_blank(quoted):
            return Misfit(number, _OPEN, tuple(quoted))
        if quoted and len(quoted) == width:
            return self._counted(quoted, number)
        bare = trim_tail(self._bare(line), width)
        literal = len(bare) == width and self._near.is_row(bare)
        record = self._counted(quoted, number) if quoted else None
        if isinstance(record, list):  # it lacks the last values; or quotation marks have joined two
            if not literal:
                return record
            (good, bad), (others, wrong) = self._near.opinions(quoted or []), self._near.opinions(bare)
            if good - 3 * bad == others - 3 * wrong:
                return Misfit(number, _JOINED, tuple(line.split(self._delimiter)))
            if good - 3 * bad > others - 3 * wrong:
                return record
        if literal:
            self._is_literal = True
            return [str(number), *self._literal(line)]
        if record:
            return record
        if not (scanned and scanned[1]):  # as lenient readers take it
            values = trim_tail(next(csv.reader([line], delimiter=self._delimiter)), width)
            if len(values) == width and not self._is_open(line) and not self._hides_key(values):
                return self._counted(values, number)
            if not self._is_open(line):
                reason = _misfit_reason(len(values), width, is_last=not self._lines.has_more())
                return Misfit(number, _JOINED if len(values) == width else reason, tuple(values))
        return Misfit(number, _OPEN, tuple(line.split(self._delimiter)))

    def _hides_key(self, values: list[str]) -> bool:
        """Whether a value in a line whose quotation marks do not fit may hold others, the key of a row among them."""
        joined = [part for value in values if self._delimiter in value for part in value.split(self._delimiter)]
        if not joined:
            return False
        return self._near.opinions(values)[1] > 0 or any(
            self._near.is_key([part.strip(BLANKS + '"')] * self._layout.width) for part in joined
        )

    def _is_open(self, line: str) -> bool:
        """Whether a lenient reader would go on in the next line."""
        asked = []

        def lines() -> Iterator[str]:
            yield line + "\n"
            asked.append(True)

        next(csv.reader(lines(), delimiter=self._delimiter))
        return bool(asked)

    def _bare(self, line: str) -> list[str]:
        """The values between the delimiters of a line, without quotation marks around them."""
        return [value.strip(BLANKS + '"') for value in line.split(self._delimiter)]

    def _literal(self, line: str) -> list[str]:
        """The same, but a mark on one side of a value is a letter of it."""
        row = []
        for value in line.split(self._delimiter):
            text = value.strip(BLANKS)
            is_quoted = len(text) > 1 and text[0] == text[-1] == '"'
            row.append(text[1:-1].replace('""', '"') if is_quoted else value)
        return row[: self._layout.width]  # there is nothing in the others but marks

    def _spanned(self, line: str, begun: list[str]) -> tuple[list[str] | None, list[str]]:
        """The values of a record that spans lines, and its lines but the first; no values when it is not believed.

        `begun` are the values of the first line, of which the last goes on.
        """
        further: list[str] = []
        *values, part = begun
        bare = trim_tail(self._bare(line), self._layout.width)
        is_row = self._near.is_row(bare) and self._layout.need <= len(bare) <= self._layout.width
        held, size, singles = [part], len(line), 0
        limit = min(self._patience, RECORD_LIMIT)
        while size < limit and (more := next(self._lines, None)) is not None:
            further.append(more)
            size += len(more) + 1
            if self._delimiter in more or self._layout.width == 1:
                bare = trim_tail(self._bare(more), self._layout.width)
                is_tail = not is_row and '"' in more.split(self._delimiter, 1)[0]
                singles += self._near.is_single(bare)
                if (singles >= 3 and 4 * singles >= 3 * len(further)) or (not is_tail and self._near.is_row(bare)):
                    return None, further
            if "\r" in more and self._parts_are_rows("\r" + more):
                return None, further
            scanned = self._scan(more.replace("\r", " "), True)
            if not scanned:
                return None, further
            held.append(scanned[0][0])
            if len(scanned[0]) > 1 or not scanned[1]:
                values += ["\n".join(held), *scanned[0][1:]]
                held = [values.pop()] if scanned[1] else []
            if not scanned[1]:
                return self._believed(values), further
        return None, further

    def _believed(self, values: list[str]) -> list[str] | None:
        """The values of a record that spans lines, if they fit the header."""
        layout = self._layout
        values = trim_tail(values, layout.width)
        count = len(values)
        if not layout.need <= count <= layout.width or (count < 2 <= layout.width) or is_blank(values):
            return None
        if any("\n" in values[index].strip(BLANKS) for index in layout.keys):
            return None
        if count < layout.width and (self._near.opinions(values)[1] or self._near.lacks_others(values)):
            return None
        return values


def _misfit_reason(found: int, expected: int, *, is_last: bool) -> str:
    if found < expected:
        end = " The file seems to be cut off here." if is_last else ""
        return f"The line has {found} of {expected} values.{end}"
    return f"The line has {found} values where the header has {expected}: a delimiter or quotation mark in a value?"
