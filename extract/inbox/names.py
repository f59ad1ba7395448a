"""The date and time in an export's name, in the spellings that report tools and people use. Day first, always.

A name is compared in lower case, with `_` for anything but letters and digits.
"""

import datetime as dt
import re
from dataclasses import dataclass

from extract import dates

_MONTH = r"(?P<name>[a-z]{3,9})"
_DAY = r"(?P<d>\d{1,2})(?:st|nd|rd|th)?"
_TIME = r"(?:_?t?_?(?P<hour>[01]\d|2[0-3])_?(?P<minute>[0-5]\d)(?:_?(?P<second>[0-5]\d))?z?)?"
_FORMS = tuple(
    re.compile(rf"_?{form}{_TIME}(?:_.*)?")
    for form in (
        r"(?P<y>\d{4})_?(?P<m>\d{2})_?(?P<d>\d{2})",  # the default; one that is no date may have its day first
        r"(?P<d>\d{2})(?P<m>\d{2})(?P<y>20\d{2})",
        r"(?P<d>\d{1,2})_(?P<m>\d{1,2})_(?P<y>20\d{2})",
        rf"{_DAY}_?{_MONTH}_?(?P<y>20\d{{2}})",
        rf"(?P<y>20\d{{2}})_?{_MONTH}_?{_DAY}",
        rf"{_MONTH}_?{_DAY}_(?P<y>20\d{{2}})",
        rf"{_DAY}_?{_MONTH}_?(?P<y>\d{{2}})",
        rf"{_MONTH}_?(?P<y>20\d{{2}}|\d{{2}})",
        rf"(?P<y>20\d{{2}})_?{_MONTH}",
    )
)


@dataclass(frozen=True)
class DateInName:
    """What the end of a name says. `date` is None where it says none, or one that there is not (`has_bad_date`)."""

    date: dt.date | None
    time: str = ""  # as HHMMSS
    has_bad_date: bool = False


def date_in_name(name: str, stem: str) -> DateInName | None:
    """What an export's name says after its feed's; None when it is not of that feed.

    Of a month without a day it is the first: a file never claims to be newer than it may be.
    """
    if not name.startswith(stem):
        return None
    if not (end := name.removeprefix(stem)):
        return DateInName(None)
    found = None
    for form in _FORMS:
        match = form.fullmatch(end)
        parts = match.groupdict() if match else {}
        month = dates.month(parts["name"]) if parts.get("name") else int(parts.get("m") or 0)
        if not match or (parts.get("name") and not month):
            continue
        try:
            year = int(parts["y"]) + (2000 if len(parts["y"]) == 2 else 0)
            day = dt.date(year, month, int(parts.get("d") or 1))
        except ValueError:
            found = found or DateInName(None, has_bad_date=True)
        else:
            time = "".join(parts[part] or "00" for part in ("hour", "minute", "second")) if parts["hour"] else ""
            return DateInName(day, time)
    return found
