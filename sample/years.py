"""School years, term weeks and whole years of age. Terms are set locally: these are typical English ones."""

from datetime import date, timedelta

import numpy as np
from numpy.typing import ArrayLike

from sample.chance import Dates, Ints

YEAR = 365.25  # days


def calendar(years: ArrayLike, month: int, on: int) -> Dates:
    """That day of each year."""
    months = (np.asarray(years, dtype=np.int64) - 1970) * 12 + month - 1
    return months.astype("datetime64[M]").astype("datetime64[D]") + np.timedelta64(on - 1, "D")


def years_of(dates: Dates) -> Ints:
    """The calendar year of each date."""
    return dates.astype("datetime64[Y]").astype(np.int64) + 1970


def _month_and_day(dates: Dates) -> Ints:
    months = dates.astype("datetime64[M]")
    number: Ints = months.astype(np.int64) % 12 * 100 + (dates - months).astype(np.int64)
    return number


def age_at(births: Dates, on: Dates | np.datetime64) -> Ints:
    """Whole years of age on a day."""
    then = np.asarray(on, dtype="datetime64[D]")
    return years_of(then) - years_of(births) - (_month_and_day(births) > _month_and_day(then))


def school_age(births: Dates, year: ArrayLike) -> Ints:
    """Age on 31 August before the school year began: 4 is reception, 5 is year 1."""
    return age_at(births, calendar(year, 8, 31))


def year_before(day: date) -> date:
    """The same day a year before (28 February for the 29th)."""
    return date(day.year - 1, day.month, min(day.day, 28) if day.month == 2 else day.day)


def term_weeks(first: date, last: date) -> tuple[Dates, Ints]:
    """Mondays of term from `first` to `last`, and how many half-day sessions each week has had by `last`."""
    monday = first + timedelta(days=-first.weekday() % 7)
    mondays, sessions = [], []
    while monday <= last:
        if not _is_holiday(monday):
            mondays.append(monday)
            sessions.append(2 * min(_school_days(monday), (last - monday).days + 1))
        monday += timedelta(days=7)
    return np.array(mondays, dtype="datetime64[D]"), np.array(sessions, dtype=np.int64)


def _week_of(year: int, month: int, on: int) -> date:
    middle = date(year, month, on)
    return middle - timedelta(days=middle.weekday())


def _easter(year: int) -> date:
    """Easter Sunday (the anonymous Gregorian computation)."""
    century, of_century = divmod(year, 100)
    moon = (19 * (year % 19) + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (of_century // 4) - moon - of_century % 4) % 7
    late = (year % 19 + 11 * moon + 22 * weekday) // 451
    month, on = divmod(moon + weekday - 7 * late + 114, 31)
    return date(year, month, on + 1)


def _is_holiday(monday: date) -> bool:
    year, on = monday.year, (monday.month, monday.day)
    good_friday_week = _easter(year) - timedelta(days=6)
    weeks_off = {_week_of(year, 2, 17), _week_of(year, 5, 28), _week_of(year, 10, 28), good_friday_week}
    weeks_off.add(good_friday_week + timedelta(days=7))
    is_christmas = on >= (12, 20) or on <= (1, 2)
    is_summer = (7, 19) <= on <= (8, 29)
    return is_christmas or is_summer or monday in weeks_off


def _school_days(monday: date) -> int:
    is_may_day = monday.month == 5 and monday.day <= 7
    opens_late = (8, 30) <= (monday.month, monday.day) <= (9, 5)
    return 5 - is_may_day - 2 * opens_late
