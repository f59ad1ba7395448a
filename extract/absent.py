"""Feeds that a council does not have, and says so: SEND_CONFIG/absent_feeds.csv.

Nobody asks for such a feed. What it would tell stays not known, and the pages say that the council does not hold it. If
a file of it comes all the same, it is used, and that is told.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from extract import dates
from send_ready import tables
from send_ready.tables import TableError
from send_ready.words import short_date

NAME = "absent_feeds.csv"
COLUMNS = (("feed", "reason"), ("said_by", "said_on"))
LONGEST = 300  # characters of a reason


@dataclass(frozen=True)
class Absence:
    """Why a council has no exports of a feed, who said so, and when, in words."""

    reason: str
    said_by: str
    said_on: str

    def __str__(self) -> str:
        said = ", ".join(filter(None, (self.said_by, self.said_on)))
        return f"{self.reason.rstrip('.')}{f' ({said})' if said else ''}"


def read(path: Path, known: Collection[str]) -> dict[str, Absence]:
    """What a file says of feeds that the council does not have. Raises TableError."""
    found: dict[str, Absence] = {}
    for line, row in tables.read_rows(path, *COLUMNS):
        feed, reason, by, on = (" ".join(row[name].split()) for name in ("feed", "reason", "said_by", "said_on"))
        feed = feed.lower().replace("__", ".")
        if feed not in known:
            raise TableError(f"{path}, line {line}: there is no feed {feed[:60]!r}. Feeds: {', '.join(sorted(known))}.")
        if not reason or len(reason) > LONGEST:
            raise TableError(
                f"{path}, line {line}: say in reason, in {LONGEST} letters at most, why the council has no {feed}."
            )
        day = dates.parse_date(on) if on else None
        if on and not day:
            raise TableError(f"{path}, line {line}: said_on is {on[:40]!r}, and must be a date such as 16/11/2026.")
        absence = Absence(reason, by, short_date(day.date()) if day else "")
        if found.setdefault(feed, absence) != absence:
            raise TableError(f"{path}, line {line}: {feed} stands in an earlier line already. Keep one of them.")
    return found
