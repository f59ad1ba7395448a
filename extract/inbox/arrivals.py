"""What lies in the inbox for a feed: by its name, and whether it is all there."""

import datetime as dt
import hashlib
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from extract.contract import Contract
from extract.inbox import drive, names
from extract.inbox.drive import Unreadable
from extract.inbox.names import DateInName
from extract.inbox.names import stem_and_suffix as stem_and_suffix  # from here for every room
from extract.own.source import Source
from extract.text import TEXT_SUFFIXES, WORKBOOK_SUFFIXES, XML_SUFFIXES

SETTLE_SECONDS = 2.0  # between two looks at a new file, which show whether it still grows
UNFINISHED_SUFFIXES = (".part", ".partial", ".tmp", ".crdownload", ".filepart")


Taker = Contract | Source  # what takes files of the inbox by their names


@dataclass(frozen=True)
class Arrival:
    """A file in the inbox that belongs to a feed by its name."""

    path: Path
    file_name: str
    data_date: dt.date | None  # None: see `has_bad_date`; the contract's rule for undated files has been applied
    has_bad_date: bool
    time: str = ""  # in its name, as HHMMSS
    part: str = ""  # of a source whose files are named by part
    rest: str = ""  # what else its name says: see names.DateInName
    is_settled: bool = True  # two looks at it, some moments apart, found the same


# Whether a file came before, as far as its name and times tell.
IsKnown = Callable[[Arrival, os.stat_result], bool]


@dataclass(frozen=True)
class Snapshot:
    """What the inbox held at a moment. By this machine's clock alone: a server's may be hours ahead or behind."""

    at: float  # seconds since this machine was started
    files: dict[str, list[int]]  # by a hash of the path: size, times of change

    @classmethod
    def taken(cls, exports: Iterable[tuple[Path, os.stat_result]]) -> "Snapshot":
        """What there is now."""
        return cls(_uptime(), {_hashed(path): version(about) for path, about in exports})

    def is_settled(self, path: Path, about: os.stat_result) -> bool:
        """Whether a file is now as it was then, long enough ago."""
        return _uptime() - self.at >= SETTLE_SECONDS and self.files.get(_hashed(path)) == version(about)


def _uptime() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _hashed(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()


def version(about: os.stat_result) -> list[int]:
    """What changes when a file is written to: its size and its times."""
    return [about.st_size, about.st_mtime_ns, about.st_ctime_ns]


def stem_of(contract: Contract) -> str:
    """What a feed's files are called, as names are compared, before their date."""
    return stem_and_suffix(f"{contract.file_name}.x")[0]


def is_export(path: Path) -> bool:
    """Whether a file in the inbox is one to look at: not hidden, not half copied."""
    name = path.name
    hidden = name.startswith("~$") or (name.startswith(".") and not name.startswith(".."))
    return not hidden and path.suffix not in UNFINISHED_SUFFIXES


def list_exports(inbox: Path) -> tuple[list[tuple[Path, os.stat_result]], list[Unreadable]]:
    """Every export in the inbox and its folders, oldest first; and what of the inbox cannot be looked at."""
    found, unreadable = drive.list_files(inbox)
    exports = [(path, about) for path, about in found if is_export(path)]
    return sorted(exports, key=lambda export: (export[1].st_mtime_ns, str(export[0]))), unreadable


def recognise(path: Path, inbox: Path, contract: Taker) -> Arrival | None:
    """The file as one of this feed or source, by its name; None when it is not."""
    found = named(path.name, contract)
    if not found:
        return None
    return Arrival(path, name_in_inbox(path, inbox), found.date, found.has_bad_date, found.time, found.part, found.rest)


def named(name: str, contract: Taker) -> DateInName | None:
    """What a file's name says as one of a feed or source; None when it is of another."""
    stem, suffix = stem_and_suffix(name)
    if isinstance(contract, Source) and (suffix not in XML_SUFFIXES or contract.reader):
        return contract.named(stem, suffix) if suffix in TEXT_SUFFIXES + WORKBOOK_SUFFIXES + XML_SUFFIXES else None
    if suffix not in TEXT_SUFFIXES + WORKBOOK_SUFFIXES or isinstance(contract, Source):
        return None
    return names.date_in_name(stem, stem_of(contract))


def name_in_inbox(path: Path, inbox: Path) -> str:
    """A file's name in the inbox, as it may be written and printed."""
    return printable(str(path.relative_to(inbox)) if path.is_relative_to(inbox) else path.name)


def printable(name: str) -> str:
    """A name in which bytes that are no text, and signs that end a line or turn it round, stand as \\x.. or \\u...."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in name)


def find_arrivals(
    inbox: Path, contract: Taker, is_known: IsKnown, earlier: Snapshot | None = None
) -> tuple[list[tuple[Arrival, os.stat_result]], list[Unreadable]]:
    """What the inbox holds for the feed, oldest first, and what of the inbox cannot be looked at.

    A file that is new (not `is_known`) is looked at twice: those that grew in between are not settled. `earlier` is a
    snapshot of some moments ago, which saves the wait.
    """
    found, unreadable = _recognised(inbox, contract)
    new = {seen.path for seen, about in found if not is_known(seen, about)}
    if not any(seen.path in new and not (earlier and earlier.is_settled(seen.path, about)) for seen, about in found):
        return found, unreadable
    first = Snapshot.taken((seen.path, about) for seen, about in found)
    time.sleep(SETTLE_SECONDS)
    found, unreadable = _recognised(inbox, contract)
    return [(replace(seen, is_settled=first.is_settled(seen.path, about)), about) for seen, about in found], unreadable


def _recognised(inbox: Path, contract: Taker) -> tuple[list[tuple[Arrival, os.stat_result]], list[Unreadable]]:
    exports, unreadable = list_exports(inbox)
    found = ((recognise(path, inbox, contract), about) for path, about in exports)
    return [(seen, about) for seen, about in found if seen], unreadable
