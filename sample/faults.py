"""Planting faults in the exports, one person or record at a time, and the answer key that says where.

A person has at most one fault, so that whatever the pipeline finds about them has one cause.
"""

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from sample.chance import Ints

KEY_COLUMNS = (
    "fault_id",
    "fault",
    "feed",
    "file_name",
    "line_no",
    "record_id",
    "column_name",
    "expected_finding",
    "unique_id",
)
SEARCHED, LOOKED_AT = 20_000, 2_000  # rows of a feed in which somebody to suit a fault is looked for: in all, at once


@dataclass
class Planted:
    """One line of the answer key. `row` is a label of the feed's frame; none when the fault is a missing row."""

    fault: str
    feed: str
    row: int | None
    record_id: str
    column: str
    expected: str
    unique_id: str


@dataclass
class Plot:
    """The exports as text, whom each row is about, and what has been planted."""

    rng: np.random.Generator
    frames: dict[str, pd.DataFrame]
    owners: dict[str, Ints]  # of each row: a row of `people`, or -1
    people: pd.DataFrame  # what `where` clauses can ask of each person; the last row is nobody
    keys: dict[str, tuple[str, ...]]
    as_at: date
    planted: list[Planted] = field(default_factory=list)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    _taken: set[int] = field(default_factory=set)
    _touched: set[tuple[str, int]] = field(default_factory=set)
    _added: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    _dropped: dict[str, list[int]] = field(default_factory=dict)

    def choose(self, feed: str, where: str, count: int, **scope: object) -> list[int]:
        """Up to `count` rows that suit, of as many people, none of whom has a fault yet. They are taken from now on.

        `where` finds the names of `scope` behind an `@`.
        """
        rows: list[int] = []
        for row in self._suitable(feed, where, scope):
            person = self.person(feed, row)
            if len(rows) == count:
                break
            if (person >= 0 and person in self._taken) or (feed, row) in self._touched:
                continue
            self._taken.add(person)
            self._touched.add((feed, row))
            rows.append(row)
        return rows

    def _suitable(self, feed: str, where: str, scope: dict[str, object]) -> Iterator[int]:
        """Rows for which `where` holds, in random order."""
        frame, owner = self.frames[feed], self.owners[feed]
        order = self.rng.choice(len(frame), min(len(frame), SEARCHED), replace=False)
        scope = {"recent": [self.ago(days) for days in range(150)], **scope}
        for start in range(0, len(order), LOOKED_AT):
            rows = order[start : start + LOOKED_AT]
            about = self.people.iloc[owner[rows]].reset_index(drop=True)
            both = pd.concat([frame.iloc[rows].reset_index(drop=True), about], axis=1)
            suits = both.query(where, engine="python", local_dict=scope).index if where else both.index
            yield from rows[suits].tolist()

    def value(self, feed: str, row: int, column: str) -> str:
        """What stands in the cell."""
        return str(self.frames[feed].at[row, column])

    def change(self, feed: str, row: int, column: str, value: str) -> None:
        """Overwrite a cell."""
        self.frames[feed].at[row, column] = value

    def record(self, feed: str, row: int) -> dict[str, str]:
        """A row as column and text."""
        return {str(name): str(value) for name, value in self.frames[feed].loc[row].items()}

    def add(self, feed: str, record: dict[str, str]) -> int:
        """Put a row at the end of the feed; its label."""
        rows = self._added.setdefault(feed, [])
        rows.append({name: record.get(name, "") for name in self.frames[feed].columns})
        return len(self.frames[feed]) + len(rows) - 1

    def drop(self, feed: str, rows: Iterable[int]) -> None:
        """Leave rows out of the feed."""
        self._dropped.setdefault(feed, []).extend(rows)

    def ago(self, days: int) -> str:
        """The date so many days before the as-at date, as Capita One writes it."""
        return f"{self.as_at - timedelta(days):%d/%m/%Y}"

    def closed_urn(self) -> str:
        """A school that has closed."""
        gias = self.frames["gias.establishments"]
        return str(self.rng.choice(gias.loc[gias["status_code"] == "2", "urn"].to_numpy(object)))

    def person(self, feed: str, row: int) -> int:
        """Whom a row is about: a row of `people`, or -1."""
        return int(self.owners[feed][row])

    def note(
        self, fault: str, feed: str, row: int | None, column: str, expected: str, person: int = -1, record: str = ""
    ) -> None:
        """Write a line of the answer key. `{n}` in `expected` stands for the list that the person is on."""
        number = str(self.people["p_list"].iat[person])
        unique_id = str(self.people["p_unique_id"].iat[person]) if number else ""
        self.planted.append(Planted(fault, feed, row, record, column, expected.replace("{n}", number), unique_id))

    def finish(self) -> None:
        """Add and leave out the rows, and fill in how each planted record is known."""
        for feed, rows in self._added.items():
            self.frames[feed] = pd.concat([self.frames[feed], pd.DataFrame(rows, dtype=object)], ignore_index=True)
        for planted in self.planted:
            if planted.row is not None and not planted.record_id:
                record = self.frames[planted.feed].loc[planted.row]
                planted.record_id = "; ".join(f"{name}={record[name]}" for name in self.keys[planted.feed])
        for feed, labels in self._dropped.items():
            self.frames[feed] = self.frames[feed].drop(index=labels)


@dataclass(frozen=True)
class Cell:
    """A fault in one cell: which rows can have it, what becomes of the cell, and what the pipeline should say of it.

    In a value, {closed} stands for the URN of a closed school and {month_ago} for that date.
    """

    name: str
    feed: str
    column: str
    value: str | Callable[[str], str]
    expected: str
    where: str = ""

    def plant(self, plot: Plot, count: int) -> None:
        """Plant it in up to `count` rows."""
        for row in plot.choose(self.feed, self.where, count):
            old = plot.value(self.feed, row, self.column)
            new = self.value(old) if callable(self.value) else self.value
            new = new.replace("{closed}", plot.closed_urn()).replace("{month_ago}", plot.ago(30))
            plot.change(self.feed, row, self.column, new)
            plot.note(self.name, self.feed, row, self.column, self.expected, plot.person(self.feed, row))


def line_numbers(frame: pd.DataFrame, header_lines: int) -> pd.Series:
    """The line of the file on which each row begins, by label; a newline inside a value makes a row longer."""
    lengths = np.ones(len(frame), dtype=np.int64)
    for name in frame.columns:
        values = frame[name].tolist()
        if "\n" in "".join(values):
            lengths += [value.count("\n") for value in values]
    return pd.Series(np.cumsum(lengths) - lengths + header_lines + 1, index=frame.index)


def write_key(path: Path, plot: Plot, file_names: dict[str, str], header_lines: dict[str, int]) -> int:
    """Write the answer key; how many faults it lists."""
    lines = {
        feed: line_numbers(plot.frames[feed], header_lines[feed]) for feed in {planted.feed for planted in plot.planted}
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(KEY_COLUMNS)
        for number, one in enumerate(plot.planted, start=1):
            line = "" if one.row is None else int(lines[one.feed][one.row])
            writer.writerow([
                number, one.fault, one.feed, file_names[one.feed], line, one.record_id, one.column, one.expected,
                one.unique_id,
            ])  # fmt: skip
    return len(plot.planted)
