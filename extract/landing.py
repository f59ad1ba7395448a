"""The landing: every export that ever came, byte for byte, never rewritten. The only state to back up.

landing/<source>/<feed>/<data date>/<sha256><suffix>          the bytes
                                    <sha256>.json             what came, when, under which name
                                    <sha256>.<contract>.json  what reading it with that contract came to

A file under a later date whose bytes the feed already has gets a record without bytes.
"""

import datetime as dt
import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from extract.contract import FILE_TIME
from extract.inbox import drive
from extract.inbox.arrivals import Arrival, named, version
from extract.inbox.arrivals import Taker as Taker  # from here for every room
from extract.inbox.drive import Unsettled
from extract.inbox.names import stem_and_suffix
from extract.own.source import Source
from extract.text import TEXT_SUFFIXES, WORKBOOK_SUFFIXES, XML_SUFFIXES
from send_ready import confined, disk, files
from send_ready.home import LANDING, NO_DATE
from send_ready.settings import LONDON, Settings

ORDINARY = 10 * disk.MB  # a disk without room for an export of this size has no room for the night
ROOM = 3  # times its size: landed, as Parquet, and what else the night writes of it


# Of a copy of a file with this suffix, the latest value of a date column.
LatestDate = Callable[[Path, str, Any, str], dt.date | None]


class Unlandable(Exception):
    """The file is too large to be taken, by the limit of its feed or by the room there is. The text says so."""


@dataclass(frozen=True)
class Landed:
    """One file that came. `data_date` is None when its name holds an impossible date."""

    source: str
    feed: str
    file_name: str  # as dropped, relative to the inbox
    suffix: str
    size: int
    mtime_ns: int
    sha256: str
    data_date: dt.date | None
    landed_at: str  # UTC; later files of one date take precedence
    duplicate_of: str | None  # an earlier data date under which the feed already has these bytes
    ctime_ns: int | None = None  # nobody can set it back; None where it was not yet kept

    @property
    def folder(self) -> Path:
        """Relative to SEND_HOME."""
        day = self.data_date.isoformat() if self.data_date else NO_DATE
        return Path(LANDING, self.source, self.feed, day)

    @property
    def path(self) -> Path:
        """The bytes, relative to SEND_HOME."""
        return self.folder / f"{self.sha256}{self.suffix}"

    def is_still(self, seen: Arrival, about: os.stat_result) -> bool:
        """Whether a file of the inbox is this one, as far as can be told without reading it."""
        same = (self.file_name, self.size, self.mtime_ns) == (seen.file_name, about.st_size, about.st_mtime_ns)
        return same and self.ctime_ns in (None, about.st_ctime_ns)

    def days_before(self, day: dt.date) -> int:
        """How many days the data is older than a day."""
        return (day - (self.data_date or dt.date.min)).days

    def is_stale_on(self, day: dt.date, limit: int) -> bool:
        """Whether the data is more than so many days older than a day."""
        return self.days_before(day) > limit

    @property
    def newest_date(self) -> dt.date | None:
        """The day of the newest of what it holds, as choosing has it; `data_date` says how old the data is."""
        return self.data_date

    @property
    def order(self) -> tuple[dt.date, str]:
        return (self.data_date or dt.date.min, self.landed_at)


@dataclass(frozen=True)
class Damage:
    """A file of the landing that is no longer as it was written, so that it cannot be used."""

    path: Path  # relative to SEND_HOME
    reason: str
    data_date: dt.date | None
    file_name: str | None = None  # as dropped, where the record can still be read
    sha256: str | None = None


def sweep(home: Path, contract: Taker) -> None:
    """Remove what killed processes left half written. For whoever holds the feed's lock."""
    for half in (home / LANDING / contract.source / contract.feed).glob("**/.*partial"):
        half.unlink()


def history(home: Path, contract: Taker) -> list[Landed]:
    """Every file that ever came for the feed and is still there, in order of data date and landing."""
    return history_and_damage(home, contract)[0]


def history_and_damage(home: Path, contract: Taker) -> tuple[list[Landed], list[Damage]]:
    """Every file that ever came for the feed, in order of data date and landing; and what of them is damaged."""
    landed: list[Landed] = []
    damaged: list[Damage] = []
    folder = confined.below(home, f"landing/{contract.source}/{contract.feed}", f"The feed {contract.id}")
    for path in sorted(path for day in folder.glob("*") if not day.is_symlink() for path in day.glob("*")):
        if not re.fullmatch(r"[0-9a-f]{64}\.[a-z]+", path.name):
            continue  # a part of one that was cut off, or what reading one came to
        if path.suffix == ".json":
            record = _record(path)
            fault = _fault(home, record) if record else _damage(home, path, "It is a record of how a file came.")
            if record and not fault:
                landed.append(record)
        else:
            known = path.with_suffix(".json").exists()
            fault = None if known else _damage(home, path, "It has no record of how it came.")
        damaged += [fault] if fault else []
    return sorted(landed, key=lambda each: each.order), damaged


def damage_of(landed: Landed, reason: str) -> Damage:
    """The damage of a file whose record is whole."""
    return Damage(landed.path, reason, landed.data_date, landed.file_name, landed.sha256)


def _fault(home: Path, landed: Landed) -> Damage | None:
    if landed.duplicate_of:
        return None
    try:
        about = (home / landed.path).lstat()
    except FileNotFoundError:
        return damage_of(landed, "The bytes of this file are gone.")
    if not stat.S_ISREG(about.st_mode):
        return damage_of(landed, "In its place is a link, or something else that is no file.")
    size = about.st_size
    return None if size == landed.size else damage_of(landed, f"It has {size:,} bytes, and came with {landed.size:,}.")


def _damage(home: Path, path: Path, reason: str) -> Damage:
    try:
        day = dt.date.fromisoformat(path.parent.name)
    except ValueError:  # NO_DATE, or a folder that no landing made
        day = None
    return Damage(path.relative_to(home), reason, day)


def _record(path: Path) -> Landed | None:
    """What a record says; None when there is none, it is damaged, or it is that of another place."""
    try:
        found = from_record(files.read_json(path))
    except (FileNotFoundError, ValueError, TypeError, LookupError, files.NoRegularFileError):
        return None
    return found if path.parts[-5:] == (*found.folder.parts, f"{found.sha256}.json") else None


def from_record(record: dict[str, Any]) -> Landed:
    """A file that came, from what is kept of it. What a later version adds to that is passed over.

    Every part that a path is made of is one that such a path has. Raises ValueError, TypeError or LookupError.
    """
    raw = {field.name: record[field.name] for field in fields(Landed) if field.name in record}
    raw["data_date"] = dt.date.fromisoformat(raw["data_date"]) if raw["data_date"] else None
    found = Landed(**raw)
    is_text = all(isinstance(each, str) for each in (found.source, found.feed, found.file_name, found.landed_at))
    is_placed = is_text and all(re.fullmatch("[a-z0-9_]+", each) for each in (found.source, found.feed))
    is_kept = found.suffix in TEXT_SUFFIXES + WORKBOOK_SUFFIXES + XML_SUFFIXES and re.fullmatch(
        "[0-9a-f]{64}", found.sha256
    )
    numbers = [found.size, found.mtime_ns, *([] if found.ctime_ns is None else [found.ctime_ns])]
    if not (is_placed and is_kept and all(isinstance(each, int) for each in numbers)):
        raise ValueError("no record of a landed file")
    dt.datetime.fromisoformat(found.landed_at)
    if found.duplicate_of and found.duplicate_of != "None":
        dt.date.fromisoformat(found.duplicate_of)
    return found


class LandedBefore:
    """What came for a feed, to be looked up: an inbox may hold thousands of its files."""

    def __init__(self, history: Iterable[Landed], gone: Iterable[Landed] = ()):
        self.gone = {(each.sha256, each.data_date) for each in gone}
        self._by_name: dict[str, list[Landed]] = {}
        self._gone_by_name: dict[str, list[Landed]] = {}
        self._by_hash: dict[str, list[Landed]] = {}
        self._by_date: dict[dt.date | None, list[Landed]] = {}
        self._last = ""
        for each in gone:
            self._gone_by_name.setdefault(each.file_name, []).append(each)
        for each in history:
            self.add(each)

    def add(self, landed: Landed) -> None:
        """One more that came."""
        self._by_name.setdefault(landed.file_name, []).append(landed)
        self._by_hash.setdefault(landed.sha256, []).append(landed)
        self._by_date.setdefault(landed.data_date, []).append(landed)
        self._last = max(self._last, _moment(landed.landed_at))

    def holds(self, seen: Arrival, about: os.stat_result) -> bool:
        """Whether a file of the inbox came before, or was removed on purpose, as far as its name and times tell."""
        before = (*self.of_name(seen.file_name), *self._gone_by_name.get(seen.file_name, ()))
        return any(landed.is_still(seen, about) for landed in before)

    def of_name(self, file_name: str) -> list[Landed]:
        """Those that came under a name, in order of coming."""
        return self._by_name.get(file_name, [])

    def of_hash(self, sha256: str) -> list[Landed]:
        """Those of the same bytes, in order of coming."""
        return self._by_hash.get(sha256, [])

    def of_date(self, data_date: dt.date | None) -> list[Landed]:
        """Those of one data date, in order of coming."""
        return self._by_date.get(data_date, [])

    def later(self) -> str:
        """Now, but after everything that landed before, also when the clock went back."""
        now = dt.datetime.now(dt.UTC)
        if self._last:
            now = max(now, dt.datetime.fromisoformat(self._last) + dt.timedelta(microseconds=1))
        return now.isoformat(timespec="microseconds")


def _moment(landed_at: str) -> str:
    """A moment as text that sorts as moments do."""
    return dt.datetime.fromisoformat(landed_at).astimezone(dt.UTC).isoformat(timespec="microseconds")


def land(
    seen: Arrival,
    about: os.stat_result,
    contract: Taker,
    settings: Settings,
    known: LandedBefore,
    latest_date: LatestDate,
) -> Landed | None:
    """The file as it landed now; None when it had landed before.

    `known` is what came for the feed, and what was removed of that; `latest_date` reads an undated file.

    Raises Unsettled when it is still being written, Unreadable, and Unlandable before anything of it is read.
    """
    if known.holds(seen, about):
        return None
    if not seen.is_settled:
        raise Unsettled
    _must_fit(about.st_size, contract, settings)
    folder = settings.home / LANDING / contract.source / contract.feed
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / ".partial"
    try:
        about, sha256 = _copy(seen.path, partial, version(about))
        landed = Landed(
            source=contract.source,
            feed=contract.feed,
            file_name=seen.file_name,
            suffix=stem_and_suffix(seen.path.name)[1],
            size=about.st_size,
            mtime_ns=about.st_mtime_ns,
            ctime_ns=about.st_ctime_ns,
            sha256=sha256,
            data_date=_data_date(seen, contract, partial, about, latest_date),
            landed_at=_landed_at(seen, contract, known),
            duplicate_of=None,
        )
        if (sha256, landed.data_date) in known.gone:
            return None  # removed on purpose, and the inbox still has it
        same = known.of_hash(sha256)
        for other in same:
            if other.data_date == landed.data_date:
                _renew(other, landed, known, settings)
                return None
        # Not of a later date, nor of one that there is not: that is how a wrong name is put right.
        if first := next((other for other in same if not other.duplicate_of and _is_of_before(other, landed)), None):
            landed = replace(landed, duplicate_of=str(first.data_date))
        else:
            target = settings.home / landed.path
            target.parent.mkdir(parents=True, exist_ok=True)
            landed = replace(landed, landed_at=_came_before(landed, settings) or landed.landed_at)
            moment = dt.datetime.fromisoformat(landed.landed_at).timestamp()
            os.utime(partial, (moment, moment))
            os.replace(partial, target)
        _put_on_record(landed, settings)
        return landed
    finally:
        partial.unlink(missing_ok=True)


def _must_fit(size: int, contract: Taker, settings: Settings) -> None:
    """Holes of a sparse file count: what is copied has none. Raises Unlandable."""
    most = settings.max_file_mb if contract.max_file_mb is None else contract.max_file_mb
    if size > most * disk.MB:
        raise Unlandable(f"It has {size / disk.MB:,.1f} MB, and a file of this feed may have {most:,.0f} MB.")
    free = disk.free(settings.home)
    if size > ORDINARY and free < ROOM * size:
        raise Unlandable(
            f"It has {size / disk.MB:,.1f} MB, for which {ROOM * size / disk.MB:,.1f} MB should be free, and "
            f"{free / disk.MB:,.1f} MB are."
        )


def _renew(before: Landed, now: Landed, known: LandedBefore, settings: Settings) -> None:
    """Bytes that landed before, of the same day and under the same name: touched, or put back in place of others."""
    if now.file_name != before.file_name:
        return
    is_last = before == max(known.of_name(now.file_name), key=lambda landed: landed.landed_at)
    _put_on_record(
        replace(now, landed_at=before.landed_at if is_last else now.landed_at, duplicate_of=before.duplicate_of),
        settings,
    )


def _is_of_before(other: Landed, landed: Landed) -> bool:
    return other.data_date is not None and (landed.data_date is None or other.data_date < landed.data_date)


def _came_before(landed: Landed, settings: Settings) -> str | None:
    """When these bytes came, by their record or by themselves if the other is lost: files of one date stay in order."""
    target = settings.home / landed.path
    if before := _record(target.with_name(f"{landed.sha256}.json")):
        return before.landed_at
    if not target.exists():
        return None
    return dt.datetime.fromtimestamp(target.stat().st_mtime, dt.UTC).isoformat(timespec="microseconds")


def _put_on_record(landed: Landed, settings: Settings) -> None:
    record = {**asdict(landed), "data_date": landed.data_date.isoformat() if landed.data_date else None}
    files.write_json(settings.home / landed.folder / f"{landed.sha256}.json", record)


def _copy(source: Path, target: Path, seen: list[int]) -> tuple[os.stat_result, str]:
    """Copy the version of a file that was seen. Gives what it was, and the SHA-256 of its bytes."""
    pieces = drive.read_pieces(source)
    about: os.stat_result = next(pieces)
    if version(about) != seen:
        raise Unsettled
    digest = hashlib.sha256()
    with files.created(target) as writer:
        for piece in pieces:
            digest.update(piece)
            writer.write(piece)
        writer.flush()
        os.fsync(writer.fileno())
    return about, digest.hexdigest()


def _data_date(
    seen: Arrival, contract: Taker, copy: Path, about: os.stat_result, latest_date: LatestDate
) -> dt.date | None:
    if seen.data_date or seen.has_bad_date:
        return seen.data_date
    modified = dt.datetime.fromtimestamp(about.st_mtime, LONDON).date()
    if isinstance(contract, Source) and contract.reader:
        return contract.reader.data_date(copy, seen.path.name, stem_and_suffix(seen.path.name)[1], modified)
    if contract.undated_file == FILE_TIME:
        return modified
    return latest_date(copy, stem_and_suffix(seen.path.name)[1], contract, contract.undated_file)


def _landed_at(seen: Arrival, contract: Taker, known: LandedBefore) -> str:
    """Now; but before the files of the same date with a later time in their names, which stay the newer ones."""
    same = known.of_date(seen.data_date) if seen.time else []
    later = [other.landed_at for other in same if seen.time < _time(other, contract)]
    if not later:
        return known.later()
    before = dt.datetime.fromisoformat(min(later)) - dt.timedelta(microseconds=1)
    return before.isoformat(timespec="microseconds")


def _time(landed: Landed, contract: Taker) -> str:
    found = named(Path(landed.file_name).name, contract)
    return found.time if found else ""
