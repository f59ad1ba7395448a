"""Numbers, days and lists of things in words, each in one way."""

import textwrap
from collections.abc import Sequence
from datetime import date


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun: 1 error, 1,200 errors. Without `many`, the noun takes an s."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def signed(number: int, none: str = "0") -> str:
    """A change with its sign: +1,200 or −3; `none` where there is none."""
    return f"{number:+,}".replace("-", "−") if number else none


def change_in_percent(now: int, then: int) -> str:
    """The change of a number that was not 0, as a percentage of it: +3.4 % or −100.0 %."""
    return f"{100 * (now - then) / then:+.1f} %".replace("-", "−")


def first_few(names: Sequence[str], most: int) -> str:
    """The first names, and how many more there are: a, b, c and 4 more."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")


def long_date(day: date) -> str:
    """A day as it is read out: 21 November 2026."""
    return f"{day.day} {day:%B %Y}"


def weekday_date(day: date) -> str:
    """A day with its weekday: Saturday 21 November 2026."""
    return f"{day:%A} {long_date(day)}"


def short_date(day: date) -> str:
    """A day in figures: 21/11/2026."""
    return f"{day:%d/%m}/{day.year:04}"


def short_month(day: date) -> str:
    """A day's month: Nov 2026."""
    return f"{day:%b %Y}"


def one_line(text: str, width: int = 160) -> str:
    """Text as one line of limited length."""
    return textwrap.shorten(text, width, placeholder=" …")
