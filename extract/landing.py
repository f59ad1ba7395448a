"""The landing: every export that ever came, byte for byte, never rewritten. The only state to back up.

landing/<source>/<feed>/<data date>/<sha256><suffix>          the bytes
                                    <sha256>.json             what came, when, under which name
                                    <sha256>.<contract>.json  what reading it with that contract came to

A file under a new name or date whose bytes the feed already has gets a record without bytes.
"""

import datetime as dt
import hashlib
import os
import re
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from extract.contract import Contract
from extract.reading import TEXT_SUFFIXES, WORKBOOK_SUFFIXES
from send_ready import files
from send_ready.settings import LONDON, Settings

SETTLE_SECONDS = 2.0  # a file that changed more lately is watched for this long
UNFINISHED_SUFFIXES = (".part", ".partial", ".tmp", ".crdownload", ".filepart")
NO_DATE = "no-date"


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
    duplicate_of: str | None  # data date under which the feed already has these bytes

    @property
    def folder(self) -> Path:
        """Relative to SEND_HOME."""
        day = self.data_date.isoformat() if self.data_date else NO_DATE
        return Path("landing", self.source, self.feed, day)

    @property
    def path(self) -> Path:
        """The bytes, relative to SEND_HOME."""
        return self.folder / f"{self.sha256}{self.suffix}"

    def days_before(self, day: dt.date) -> int:
        """How many days the data is older than a day."""
        return (day - (self.data_date or dt.date.min)).days

    @property
    def order(self) -> tuple[dt.date, str]:
        return (self.data_date or dt.date.min, self.landed_at)


@dataclass(frozen=True)
class Seen:
    """A file in the inbox that belongs to a feed by its name."""

    path: Path
    file_name: str
    data_date: dt.date | None  # None: see `has_bad_date`; the contract's rule for undated files has been applied
    has_bad_date: bool


class Unsettled(Exception):
    """The file is still being written, or was replaced while it was read: left for the next run."""


def stem_and_suffix(name: str) -> tuple[str, str]:
    """A file name as it is compared (lower case, anything but letters and digits as `_`) and its suffix."""
    stem, dot, suffix = name.rpartition(".")
    if not dot:
        stem, suffix = name, ""
    return re.sub(r"[^a-z0-9]+", "_", stem.casefold()).strip("_"), f".{suffix.strip().casefold()}" if suffix else ""


def is_export(path: Path) -> bool:
    """Whether a file in the inbox is one to look at: not hidden, not half copied, not a link."""
    name = path.name
    hidden = name.startswith("~$") or (name.startswith(".") and not name.startswith(".."))
    return path.is_file() and not path.is_symlink() and not hidden and path.suffix not in UNFINISHED_SUFFIXES


def inbox_files(inbox: Path) -> list[Path]:
    """Every export in the inbox and its folders, oldest first."""
    if not inbox.is_dir():
        return []
    found = [path for path in inbox.rglob("*") if is_export(path)]
    return sorted(found, key=lambda path: (path.stat().st_mtime_ns, str(path)))


def recognise(path: Path, inbox: Path, contract: Contract) -> Seen | None:
    """The file as one of this feed, by its name; None when it is not."""
    stem, suffix = stem_and_suffix(path.name)
    if suffix not in TEXT_SUFFIXES + WORKBOOK_SUFFIXES:
        return None
    expected = re.escape(stem_and_suffix(contract.file_name + ".x")[0])
    match = re.fullmatch(rf"{expected}(?:_?(\d{{4}})_?(\d{{2}})_?(\d{{2}})(?:_.*)?)?", stem)
    if not match:
        return None
    name = str(path.relative_to(inbox)) if path.is_relative_to(inbox) else path.name
    if not match[1]:
        return Seen(path, name, None, False)
    try:
        return Seen(path, name, dt.date(int(match[1]), int(match[2]), int(match[3])), False)
    except ValueError:
        return Seen(path, name, None, True)


def history(home: Path, contract: Contract) -> list[Landed]:
    """Every file that ever came for the feed, in order of data date and landing."""
    folder = home / "landing" / contract.source / contract.feed
    records = [_record(path) for path in folder.glob("*/*.json") if path.name.count(".") == 1]
    return sorted(records, key=lambda landed: landed.order)


def _record(path: Path) -> Landed:
    raw = files.read_json(path)
    raw["data_date"] = dt.date.fromisoformat(raw["data_date"]) if raw["data_date"] else None
    return Landed(**raw)


def take(seen: Seen, contract: Contract, settings: Settings, known: list[Landed]) -> Landed | None:
    """Land one file; None when it has landed before. Raises Unsettled when it is still being written."""
    before = _settled(seen.path)
    for landed in known:
        if (landed.file_name, landed.size, landed.mtime_ns) == (seen.file_name, before.st_size, before.st_mtime_ns):
            return None
    folder = settings.home / "landing" / contract.source / contract.feed
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{os.getpid()}.partial"
    try:
        sha256 = _copy(seen.path, partial)
        after = seen.path.stat()
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise Unsettled
        landed = Landed(
            source=contract.source,
            feed=contract.feed,
            file_name=seen.file_name,
            suffix=stem_and_suffix(seen.path.name)[1],
            size=before.st_size,
            mtime_ns=before.st_mtime_ns,
            sha256=sha256,
            data_date=_data_date(seen, contract, partial, before),
            landed_at=_later_than(known),
            duplicate_of=None,
        )
        same = [other for other in known if other.sha256 == sha256 and not other.duplicate_of]
        if any(other.data_date == landed.data_date for other in same):
            return None
        if same:
            landed = replace(landed, duplicate_of=str(same[0].data_date or NO_DATE))
        else:
            target = settings.home / landed.path
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(partial, target)
        record = {**asdict(landed), "data_date": landed.data_date.isoformat() if landed.data_date else None}
        files.write_json(settings.home / landed.folder / f"{sha256}.json", record)
        return landed
    finally:
        partial.unlink(missing_ok=True)


def wait_for(inbox: Path, contract: Contract) -> None:
    """Wait until files of the feed that changed a moment ago have had time to show whether they still grow."""
    ages = [time.time() - path.stat().st_mtime for path in inbox_files(inbox) if recognise(path, inbox, contract)]
    fresh = [age for age in ages if 0 <= age < SETTLE_SECONDS]
    if fresh:
        time.sleep(SETTLE_SECONDS - min(fresh))


def _settled(path: Path) -> os.stat_result:
    found = path.stat()
    if 0 <= time.time() - found.st_mtime < SETTLE_SECONDS:
        raise Unsettled  # it changed while it was being watched
    return found


def _copy(source: Path, target: Path) -> str:
    digest = hashlib.sha256()
    with open(source, "rb") as reader, open(target, "wb") as writer:
        while chunk := reader.read(1 << 20):
            digest.update(chunk)
            writer.write(chunk)
        writer.flush()
        os.fsync(writer.fileno())
    return digest.hexdigest()


def _data_date(seen: Seen, contract: Contract, copy: Path, stat: os.stat_result) -> dt.date | None:
    if seen.data_date or seen.has_bad_date:
        return seen.data_date
    if contract.undated_file == "file_time":
        return dt.datetime.fromtimestamp(stat.st_mtime, LONDON).date()
    from extract.reader import latest_date

    return latest_date(copy, stem_and_suffix(seen.path.name)[1], contract, contract.undated_file)


def _later_than(known: list[Landed]) -> str:
    """Now, but after everything that landed before, also when the clock went back."""
    now = dt.datetime.now(dt.UTC)
    last = max((dt.datetime.fromisoformat(landed.landed_at) for landed in known), default=now)
    return max(now, last + dt.timedelta(microseconds=1)).isoformat(timespec="microseconds")
