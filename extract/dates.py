"""A date in any usual English spelling: for those that the database does not read (typed.DATE_FORMATS).

Day first, always: a month may come first only by its name. A date and time with an offset or a `Z` is an instant, which
was on some day in London.
"""

import datetime as dt
import re
from contextlib import suppress
from itertools import product

from send_ready.settings import LONDON

LONGEST = 80  # letters of a date; longer is no date
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_WEEKDAY = re.compile(r"(?:mon|tue|tues|wed|weds|wednes|thu|thur|thurs|fri|sat|satur|sun)(?:day)?\.?,? +")
# As Java writes a moment: Tue Sep 01 00:00:00 BST 2026.
_YEAR_LAST = re.compile(r"([a-z]+ +\d{1,2}) +(\d{1,2}:\d{2}:\d{2}) +([a-z]{1,3}) +(\d{4})")
_ORDINAL = r"(?:st|nd|rd|th)?"
_NAME = r"(?P<name>[a-z]{3,9})\.?"
_GAP = r"[ ./,-]*"
_SLASH = r" ?(?P<s>[./-]| ) ?"
_DAYS = (
    rf"(?P<d>\d{{1,2}}){_ORDINAL}(?: of(?: the)?)?{_GAP}{_NAME}{_GAP}(?P<y>\d{{4}})",
    rf"(?P<y>\d{{4}}){_GAP}{_NAME}{_GAP}(?P<d>\d{{1,2}}){_ORDINAL}",
    rf"{_NAME}{_GAP}(?P<d>\d{{1,2}}){_ORDINAL}[ ./,-]+(?P<y>\d{{4}})",
    rf"(?P<d>\d{{1,2}}){_SLASH}(?P<m>\d{{1,2}}) ?(?P=s) ?(?P<y>\d{{4}})",
    rf"(?P<y>\d{{4}}){_SLASH}(?P<m>\d{{1,2}}) ?(?P=s) ?(?P<d>\d{{1,2}})",
    r"(?P<y>(?:19|20)\d\d)(?P<m>\d\d)(?P<d>\d\d)",  # with the day first these eight digits would be of no such year
)
_TIMES = (
    "",
    r"(?:t|,? +(?:at +)?)(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,:]\d{1,9})?)?"
    r" ?(?P<half>[ap]\.?m\.?)?",
    r"t(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})?",
)
_ZONE = r"(?: ?(?P<zone>z|utc|gmt|bst|(?:utc|gmt)? ?[+-]\d{2}(?::?\d{2})?))?"
_SPELLINGS = tuple(re.compile(day + time + _ZONE, re.ASCII) for day, time in product(_DAYS, _TIMES))
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}")
_YEAR = re.compile(r"[0-9]{4}")
_NOUGHT = re.compile(r"(?:0{1,2}([./-])0{1,2}\1)?0{4}(?:([./-])0{1,2}\2?0{1,2})?(?:[t ][0:.]*)?z?|0{8}")


def parse_date(text: str) -> dt.datetime | None:
    """The date and time that a text stands for, as on a clock in London; None when it stands for none."""
    if len(text) > LONGEST or not _YEAR.search(text):
        return None
    if _ISO.match(text):  # the most common of them, and twenty times as fast
        with suppress(ValueError):
            return _in_london(dt.datetime.fromisoformat(text))
    text = " ".join(text.casefold().split())
    text = re.sub(r" ?(?:\[[a-z/_]+\]|\([a-z ]+\))$", "", text)  # the zone's name, behind its offset
    text = _WEEKDAY.sub("", text, count=1) if _WEEKDAY.match(text) else text
    if java := _YEAR_LAST.fullmatch(text):
        text = f"{java[1]} {java[4]} {java[2]} {java[3]}"
    for spelling in _SPELLINGS:
        if found := spelling.fullmatch(text):
            return _moment(found.groupdict())
    return None


def is_nought(text: str) -> bool:
    """Whether a text is a date of nothing but noughts, as MySQL and others write none."""
    return bool(_NOUGHT.fullmatch(text.casefold())) and text.count("0") >= 8


def _moment(found: dict[str, str | None]) -> dt.datetime | None:
    number = month(found["name"]) if found.get("name") else int(found.get("m") or 0)
    hour = int(found.get("hour") or 0)
    if half := found.get("half"):
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * half.startswith("p")
    try:
        clock = dt.datetime(  # noqa: DTZ001
            int(found["y"] or 0), number, int(found["d"] or 0), hour,
            int(found.get("minute") or 0), int(found.get("second") or 0),
        )  # fmt: skip
        if not found["zone"] or found.get("hour") is None:
            return clock  # a day of itself
        return _in_london(clock.replace(tzinfo=_zone(found["zone"])))
    except (ValueError, OverflowError):
        return None


def _in_london(moment: dt.datetime) -> dt.datetime:
    """What a clock in London showed. Before 1900 it had no zone, and such moments stand for none."""
    if moment.tzinfo and 1900 <= moment.year < dt.MAXYEAR:
        moment = moment.astimezone(LONDON)
    return moment.replace(tzinfo=None)


def month(name: str | None) -> int:
    """The number of a month by three or more letters of its name; 0 when there is none."""
    return next((number for number, full in enumerate(_MONTHS, start=1) if name and full.startswith(name)), 0)


def _zone(text: str) -> dt.timezone:
    if text == "bst":
        return dt.timezone(dt.timedelta(hours=1))
    offset = re.search(r"([+-])(\d{2}):?(\d{2})?$", text)
    if not offset:
        return dt.UTC
    minutes = int(offset[2]) * 60 + int(offset[3] or 0)
    return dt.timezone(dt.timedelta(minutes=-minutes if offset[1] == "-" else minutes))
