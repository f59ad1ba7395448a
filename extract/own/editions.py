"""Editions: which files of sources belong together at a day, and so what a prepared feed is made of.

An edition takes the place of a landed file: a feed's editions are in order of day and landing, the newest one that is
accepted is in use, and each has a hash, of its files. There is one a day on which a file came for any of its sources;
a correction of a file of that day makes one more, so that the one before it stays to be used.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from extract.contract import Contract
from extract.inbox import arrivals
from extract.landing import Landed
from extract.own.prepare import GIAS, Preparation
from extract.own.source import ALL, ALL_OF_NEWEST_DATE, Source

SHOWN = 3  # file names in the name of an edition


@dataclass(frozen=True)
class Member:
    """One file of an edition."""

    table: str  # the source's name, or gias
    part: str
    landed: Landed  # its bytes
    data_date: dt.date  # the day that it stands for
    file_name: str
    stale_after_days: int | None  # None: its own feed says whether it is stale
    ensure: Callable[[Path], Path] = field(compare=False, repr=False)  # its rows below SEND_HOME, made if need be

    def is_stale(self, day: dt.date) -> bool:
        """Whether the file is too old at a day."""
        return self.stale_after_days is not None and (day - self.data_date).days > self.stale_after_days

    @property
    def slot(self) -> str:
        """The source and the part, as they are told."""
        return f"{self.table}, part {self.part}" if self.part else self.table


@dataclass(frozen=True)
class Edition(Landed):
    """The files of sources that make a feed's rows.

    `data_date` is the oldest of theirs (see `_age`): nothing in it is newer than it may be. `of` is the day it came.
    """

    of: dt.date = dt.date.min
    members: tuple[Member, ...] = ()
    preparation: Preparation | None = None
    columns: tuple[tuple[str, tuple[str, ...]], ...] = ()  # that a table has at least, with a file or without
    parts: tuple[tuple[str, tuple[str, tuple[str, ...]]], ...] = ()  # tables of sources with a reader, see prepare.run

    @property
    def newest_date(self) -> dt.date | None:
        return max(each.data_date for each in self.members if each.table != GIAS)

    @property
    def order(self) -> tuple[dt.date, str]:
        return (self.of, self.landed_at)

    def is_stale_on(self, day: dt.date, _: int) -> bool:
        """Whether one of the files is too old at a day, each by its source."""
        return any(member.is_stale(day) for member in self.members)

    @property
    def may_be_empty(self) -> bool:
        """Whether it may be that its files hold nothing of the feed: some of its sources may be without a file."""
        return any(columns for _, columns in self.columns)

    def tables(self, home: Path) -> dict[str, list[Path]]:
        """The Parquet files of each table that the SELECT reads."""
        of_reader = self.preparation.tables if self.preparation else ()
        found: dict[str, list[Path]] = {}
        for member in self.members:
            path = home / member.ensure(home)
            for table in [name for name, source in of_reader if source == member.table] or [member.table]:
                found.setdefault(table, []).append(path)
        return found


@dataclass(frozen=True)
class Accepted:
    """The files of one table: those that were accepted, in order, and what is known of it."""

    table: str
    files: list[Landed]
    source: Source | None  # None: gias
    ensure: Callable[[Landed, Path], Path] = field(compare=False)


def editions(contract: Contract, preparation: Preparation, tables: Iterable[Accepted], until: dt.date) -> list[Edition]:
    """Every edition of a feed up to a day, in order. None while a source that is needed has no file."""
    tables = list(tables)
    events = sorted(
        (
            (each.data_date, each.landed_at, at, each)
            for at, table in enumerate(tables)
            for each in table.files
            if each.data_date and each.data_date <= until
        ),
        key=lambda event: event[:3],
    )
    in_use = [_InUse(table) for table in tables]
    found: list[Edition] = []
    last: tuple[dt.date, str] | None = None  # what came last, of what no edition was made yet
    for day, landed_at, at, landed in events:
        if last and (day != last[0] or in_use[at].is_correction(landed)):
            _add(found, contract, preparation, in_use, *last)
            last = None
        if in_use[at].take(landed):
            last = day, landed_at
    if last:
        _add(found, contract, preparation, in_use, *last)
    return found


def in_use_at(table: Accepted, day: dt.date) -> list[Member]:
    """The files of a source that belong together at a day."""
    found = _InUse(table)
    for each in sorted(table.files, key=lambda landed: landed.order):
        if each.data_date and each.data_date <= day:
            found.take(each)
    return found.members()


class _InUse:
    """The files of one table in use, while files come in order of day and landing."""

    def __init__(self, table: Accepted):
        self.table = table
        self._by_hash = {each.sha256: each for each in table.files if not each.duplicate_of}
        self._held: dict[str, dict[str, Member]] = {}  # by part and, where several stand together, by name

    def take(self, landed: Landed) -> bool:
        """Take the next file; whether it changes anything."""
        source, together = self.table.source, self.table.source.together if self.table.source else ""
        named = arrivals.named(Path(landed.file_name).name, source) if source else None
        if source and not named:
            return False  # of a name that the source no longer has
        if landed.duplicate_of and together != ALL_OF_NEWEST_DATE:
            return False  # the same bytes again: the report may not have run, so the day stays
        held = self._by_hash.get(landed.sha256) if landed.duplicate_of else landed
        if held is None or landed.data_date is None:
            return False
        part = named.part if named else ""
        name = landed.file_name if together in (ALL, ALL_OF_NEWEST_DATE) else ""
        members = self._held.setdefault(part, {})
        if together != ALL and any(each.data_date != landed.data_date for each in members.values()):
            members.clear()
        ensure = self.table.ensure
        members[name] = Member(
            self.table.table, part, held, landed.data_date, landed.file_name,
            source.stale_after_days if source else None, lambda home: ensure(held, home),
        )  # fmt: skip
        return True

    def is_correction(self, landed: Landed) -> bool:
        """Whether a file takes the place of another of its own day."""
        source = self.table.source
        named = arrivals.named(Path(landed.file_name).name, source) if source else None
        name = landed.file_name if source and source.together in (ALL, ALL_OF_NEWEST_DATE) else ""
        before = self._held.get(named.part if named else "", {}).get(name)
        return bool(before and before.data_date == landed.data_date)

    def members(self) -> list[Member]:
        found = [each for part in sorted(self._held) for _, each in sorted(self._held[part].items())]
        if self.table.source and self.table.source.together == ALL:  # only the newest of a part can be too old
            newest = _newest(found)
            found = [
                each if each.data_date == newest[each.table, each.part] else replace(each, stale_after_days=None)
                for each in found
            ]
        return found


def _newest(members: Iterable[Member]) -> dict[tuple[str, str], dt.date]:
    """The day of the newest file of each source and part."""
    found: dict[tuple[str, str], dt.date] = {}
    for each in members:
        found[each.table, each.part] = max(each.data_date, found.get((each.table, each.part), dt.date.min))
    return found


def _age(members: Iterable[Member]) -> dt.date:
    """The day from which on the data of files is told: that of the source, or part, which is oldest.

    Of files that are all of one source and part (`together: all`) the newest says how old it is.
    """
    return min(_newest(members).values())


def _add(
    found: list[Edition],
    contract: Contract,
    preparation: Preparation,
    in_use: list[_InUse],
    day: dt.date,
    landed_at: str,
) -> None:
    members = [member for table in in_use for member in table.members()]
    needed = {each.table.table for each in in_use if not (each.table.source and each.table.source.columns)}
    own = [each for each in members if each.table != GIAS]
    if not own or not needed <= {member.table for member in members}:
        return
    listed = [[each.table, each.part, each.file_name, str(each.data_date), each.landed.sha256] for each in members]
    names = list(dict.fromkeys(each.file_name for each in own))
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    edition = Edition(
        source=contract.source, feed=contract.feed, file_name=", ".join(names[:SHOWN]) + more, suffix="",
        size=sum(each.landed.size for each in members), mtime_ns=0,
        sha256=hashlib.sha256(json.dumps(listed).encode()).hexdigest(),
        data_date=_age(own), landed_at=landed_at,
        duplicate_of=None, of=day, members=tuple(members), preparation=preparation,
        columns=tuple((each.table.table, each.table.source.columns) for each in in_use if each.table.source),
        parts=tuple(
            part for each in in_use if each.table.source and (reader := each.table.source.reader)
            for part in reader.tables.items()
        ),
    )  # fmt: skip
    if not found or found[-1].sha256 != edition.sha256:
        found.append(edition)
