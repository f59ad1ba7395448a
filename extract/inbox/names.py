"""The date and time in an export's name, in the spellings that report tools and people use. Day first, always.

A name is compared in lower case, with `_` for anything but letters and digits.
"""

import datetime as dt
import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from extract import dates

_MONTH = r"(?P<name>[a-z]{3,9})"
_DAY = r"(?P<d>\d{1,2})(?:st|nd|rd|th)?"
_TIME = r"(?:_?t?_?(?P<hour>[01]\d|2[0-3])_?(?P<minute>[0-5]\d)(?:_?(?P<second>[0-5]\d))?z?)?"
_SPELLINGS = (
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
_FORMS = tuple(re.compile(rf"_?{form}{_TIME}(?:_(?P<rest>.*))?") for form in _SPELLINGS)
# What only the names of a council's own sources may hold: the files of a feed have been known without these.
_FURTHER = (
    r"(?P<d>\d{1,2})_(?P<m>\d{1,2})_(?P<y>\d{2})",
    r"(?P<y>20\d{2})_(?P<m>0[1-9]|1[0-2])",
    r"(?P<m>0[1-9]|1[0-2])_(?P<y>20\d{2})",
    r"(?P<y>20\d{2})_?(?P<term>spring|summer|autumn)",
    r"(?P<term>spring|summer|autumn)_?(?:term_?)?(?P<y>20\d{2})",
)
# Of the same export once more: such a file takes the place of the one before.
_TRY = re.compile(
    r"v?\d{1,6}|v|final|copy|of|version|corrected|correction|new|newest|latest|rerun|re|run|again|amended|updated|fixed|"
    r"second|third|resent|resend|replacement|full|complete|export|extract|report|all|z"
)
# The census day of a term: which Thursday of which month.
_TERMS = {"spring": (1, 3), "summer": (5, 3), "autumn": (10, 1)}
DATE, PART = "{date}", "{part}"
_TOKEN = re.compile(r"(\{date\}|\{part\}|\*)")
_ANY = r".*?"


@dataclass(frozen=True)
class DateInName:
    """What the end of a name says. `date` is None where it says none, or one that there is not (`has_bad_date`)."""

    date: dt.date | None
    time: str = ""  # as HHMMSS
    has_bad_date: bool = False
    part: str = ""  # of a source whose files are named by part
    rest: str = ""  # what else it says after the date, but for words such as `final` and `v2`


def stem_and_suffix(name: str) -> tuple[str, str]:
    """A file name as it is compared (lower case, anything but letters and digits as `_`) and its suffix."""
    stem, dot, suffix = name.rpartition(".")
    if not dot:
        stem, suffix = name, ""
    return re.sub(r"[^a-z0-9]+", "_", stem.casefold()).strip("_"), f".{suffix.strip().casefold()}" if suffix else ""


def date_in_name(name: str, stem: str) -> DateInName | None:
    """What an export's name says after its feed's; None when it is not of that feed.

    Of a month without a day it is the first: a file never claims to be newer than it may be.
    """
    if not name.startswith(stem):
        return None
    if not (end := name.removeprefix(stem)):
        return DateInName(None)
    return _first_date(_FORMS, end)


def in_pattern(name: str, pattern: str) -> DateInName | None:
    """What a name says that fits a pattern of a source's (see `compiled`); None when it does not fit."""
    if any(word not in name for word in words(pattern)):
        return None  # at once: to compile a pattern takes longer than all else of a night without its files
    *dated, undated = compiled(pattern)
    if found := _first_date(dated, name):
        return found
    match = undated.fullmatch(name)
    if not match:
        return None
    part = match.groupdict().get("part") or ""
    # A slip in the date would else be a part that nobody has heard of.
    return DateInName(None, has_bad_date=DATE in pattern and bool(re.search(r"[0-9]{4}", part)), part=part)


@functools.lru_cache(1 << 10)
def compiled(pattern: str) -> tuple[re.Pattern[str], ...]:
    """Regular expressions for a pattern of file names, with the date in each spelling, and the last without any.

    `{date}` is a date in any usual spelling, or none; `{part}` letters and digits; `*` anything. Between them stands
    what the names have in common, compared as names are.
    """
    spelt = [*_SPELLINGS, *_FURTHER] if DATE in pattern else []
    # A part may hold a year itself, as in `half-term of April 2026 20261116`: where the shortest part leaves no date
    # that there is, the longest is tried.
    parts = ("*?", "*") if spelt and PART in pattern else ("*?",)
    dated = [_expression(pattern, form, more) for form in spelt for more in parts]
    return tuple(map(re.compile, [*dated, _expression(pattern, "", "*?")]))


@functools.lru_cache(1 << 10)
def words(pattern: str) -> list[str]:
    """What the names of a pattern have in common: each run of letters and digits."""
    return [word for word in re.split(r"[^a-z0-9]+", _TOKEN.sub(" ", pattern.casefold())) if word]


def example(pattern: str, day: str = "20261116", part: str = "north") -> str:
    """A name, as it is compared, that fits a pattern."""
    name = pattern.replace(DATE, f" {day} ").replace(PART, f" {part} ").replace("*", " ")
    return stem_and_suffix(f"{name}.x")[0]


def _expression(pattern: str, form: str, more: str) -> str:
    """A pattern as a regular expression for names as they are compared, with one spelling of the date, or none.

    `more` says whether a part takes as few words as it can, or as many.
    """
    if not form:  # a name without a date: what would stand behind that is of the part
        pattern = re.sub(r"\{part\}\s*\{date\}\s*\*", PART, pattern)
    found, is_open, gap = "_*", False, False  # is_open: what came before may go on in letters
    for piece in _TOKEN.split(pattern.casefold()):
        if piece == DATE:
            found += "_*" + (("(?<![a-z0-9])" if is_open else "") + rf"{form}{_TIME}(?![0-9])" if form else "")
            is_open, gap = False, False
        elif piece == PART:
            # A part ends where a word does: `north` and `north_east` are two.
            found += ("_" if gap else "") + rf"(?P<part>[a-z0-9]+(?:_[a-z0-9]+){more})(?![a-z0-9])"
            is_open, gap = True, False
        elif piece == "*":
            found, is_open, gap = found + _ANY, True, False
        else:
            literal = "_+".join(re.findall(r"[a-z0-9]+", piece))
            found += ("_*" if piece and not piece[0].isalnum() else "") + literal
            gap = bool(piece) and not piece[-1].isalnum()
            found += "_*" if gap else ""
            is_open, gap = is_open and not literal, False
    return found + "_*"


def _rest(words: str) -> str:
    """What the end of a name says beside which try it is."""
    return "_".join(word for word in words.split("_") if not _TRY.fullmatch(word))


def _first_date(forms: Iterable[re.Pattern[str]], text: str) -> DateInName | None:
    """What the first spelling that gives a date says; else the first that fits and gives none that there is."""
    found = None
    for form in forms:
        match = form.fullmatch(text)
        parts = match.groupdict() if match else {}
        if term := parts.get("term"):
            parts |= {"m": str(_TERMS[term][0]), "d": str(_thursday(int(parts["y"]), *_TERMS[term]))}
        month = dates.month(parts["name"]) if parts.get("name") else int(parts.get("m") or 0)
        if not match or (parts.get("name") and not month):
            continue
        try:
            year = int(parts["y"]) + (2000 if len(parts["y"]) == 2 else 0)
            day = dt.date(year, month, int(parts.get("d") or 1))
        except ValueError:
            found = found or DateInName(None, has_bad_date=True, part=parts.get("part") or "")
        else:
            time = "".join(parts[part] or "00" for part in ("hour", "minute", "second")) if parts["hour"] else ""
            return DateInName(day, time, part=parts.get("part") or "", rest=_rest(parts.get("rest") or ""))
    return found


def _thursday(year: int, month: int, number: int) -> int:
    """The day of the month of its first, second … Thursday."""
    first = dt.date(year, month, 1)
    return 1 + (3 - first.weekday()) % 7 + 7 * (number - 1)
