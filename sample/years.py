"""School years, term weeks and whole years of age. English terms are set locally: these are typical ones."""

from datetime import date, timedelta

import numpy as np
from dateutil.easter import easter
from numpy.typing import ArrayLike

from sample.chance import Dates, Ints

YEAR = 365.25  # days


def calendar(years: ArrayLike, month: int, day: int) -> Dates:
    """That day of each year."""
    months = (np.asarray(years, dtype=np.int64) - 1970) * 12 + month - 1
    return months.astype("datetime64[M]").astype("datetime64[D]") + np.timedelta64(day - 1, "D")


def parts(dates: Dates) -> tuple[Ints, Ints, Ints]:
    """Year, month and day of each date."""
    months = dates.astype("datetime64[M]")
    whole = months.astype(np.int64)
    return whole // 12 + 1970, whole % 12 + 1, (dates - months.astype("datetime64[D]")).astype(np.int64) + 1


def age_at(births: Dates, on: Dates | np.datetime64) -> Ints:
    """Whole years of age on a day."""
    (born, month, day), (year, on_month, on_day) = parts(births), parts(np.asarray(on, dtype="datetime64[D]"))
    return year - born - ((month > on_month) | ((month == on_month) & (day > on_day)))


def school_year(day: date) -> int:
    """The year in which the school year that holds this day began."""
    return day.year - (day.month < 9)


def school_age(births: Dates, year: ArrayLike) -> Ints:
    """Age on 31 August before the school year began: 4 is reception, 5 is year 1."""
    return age_at(births, calendar(year, 8, 31))


def term_weeks(first: date, last: date) -> tuple[Dates, Ints]:
    """Mondays of term from `first` to `last`, and the half-day sessions of each week up to `last`."""
    monday = first + timedelta(days=-first.weekday() % 7)
    mondays, sessions = [], []
    while monday <= last:
        if not _holiday(monday):
            mondays.append(monday)
            sessions.append(2 * min(_school_days(monday), (last - monday).days + 1))
        monday += timedelta(days=7)
    return np.array(mondays, dtype="datetime64[D]"), np.array(sessions, dtype=np.int64)


def _week_of(year: int, month: int, day: int) -> date:
    middle = date(year, month, day)
    return middle - timedelta(days=middle.weekday())


def _holiday(monday: date) -> bool:
    year = monday.year
    good_friday_week = easter(year) - timedelta(days=6)
    half_terms = {_week_of(year, 2, 17), _week_of(year, 5, 28), _week_of(year, 10, 28)}
    easter_weeks = {good_friday_week, good_friday_week + timedelta(days=7)}
    christmas = (monday.month, monday.day) >= (12, 20) or (monday.month, monday.day) <= (1, 2)
    summer = (7, 21) <= (monday.month, monday.day) <= (8, 29)
    return christmas or summer or monday in half_terms | easter_weeks


def _school_days(monday: date) -> int:
    may_day = monday.month == 5 and monday.day <= 7
    first_of_autumn = (8, 30) <= (monday.month, monday.day) <= (9, 5)
    return 5 - may_day - (2 if first_of_autumn else 0)
