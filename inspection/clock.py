"""What is due when, from the day on which the inspectors rang.

The rows are data, in dbt_project/seeds/spec/inspection_deadlines.csv: each counts working days of England
from the notification, or from an earlier row. Airflow's own processes import this module, so that it
stays light: `holidays` is loaded with the first question.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

ROWS = Path(__file__).resolve().parent.parent / "dbt_project" / "seeds" / "spec" / "inspection_deadlines.csv"
LONDON = ZoneInfo("Europe/London")
KINDS = {
    "full_inspection": "Full inspection",
    "monitoring_inspection": "Monitoring inspection",
    "revisit_2019": "Re-visit under the 2019 framework",
}
LISTS = "lists"  # key of the deadline that everything here is made for
MONDAY, SATURDAY = 0, 5
FORTNIGHT = 14  # days: the weeks of preparation, before fieldwork


class ClockError(ValueError):
    """A notification that cannot be. The text says what was given and what to give instead."""


@dataclass(frozen=True)
class Deadline:
    """One thing that is due.

    `due` is aware, in Europe/London. `items` are numbers of Annex A ("1.1 to 1.7") or empty. `is_estimate`: the day
    hangs on something that has not happened yet, such as the report's publication, and was reckoned from the plan.
    """

    key: str
    title: str
    what: str
    due: datetime
    items: str
    source: str
    is_estimate: bool = False


def is_working_day(day: date) -> bool:
    """Monday to Friday, and no bank holiday in England, substitute days included."""
    return day.weekday() < SATURDAY and day not in _bank_holidays()


def add_working_days(day: date, n: int) -> date:
    """The n-th working day after a day, which need not be one itself; before it when n is negative; 0 is the day."""
    step = timedelta(days=1 if n > 0 else -1)
    for _ in range(abs(n)):
        day += step
        while not is_working_day(day):
            day += step
    return day


def deadlines(notified_on: date, kind: str) -> list[Deadline]:
    """Every deadline of a kind, in order of time. Raises ClockError for a kind that there is not."""
    check_kind(kind)
    days = {"": notified_on}
    found = []
    for row in _rows():
        if row["kind"] != kind:
            continue
        days[row["key"]] = add_working_days(days[row["counted_from"]], int(row["working_days"]))
        due = datetime.combine(days[row["key"]], time.fromisoformat(row["due_time"]), LONDON)
        is_estimate = row["is_estimate"] == "true"
        found.append(Deadline(row["key"], row["title"], row["what"], due, row["items"], row["source"], is_estimate))
    return sorted(found, key=lambda deadline: deadline.due)


def lists_due(notified_on: date) -> datetime:
    """11:00 in London on the first working day after the notification, of whatever kind (handbook, para 193)."""
    return next(each.due for each in deadlines(notified_on, "full_inspection") if each.key == LISTS)


def oddities(notified_on: date) -> list[str]:
    """What is unusual about the day of the call, a sentence each: worth a second look, and no reason to stop."""
    return list(_oddities(notified_on))


def check_notified(notified_on: date, today: date) -> None:
    """Raises ClockError when the day of the call has not come yet."""
    if notified_on > today:
        raise ClockError(
            f"Notified on {_shown(notified_on)}: that day has not come yet, today is {_shown(today)}. "
            "Give the day on which the call came, as YYYY-MM-DD."
        )


def check_kind(kind: str) -> None:
    """Raises ClockError for a kind that there is not."""
    if kind not in KINDS:
        raise ClockError(f"There is no kind {kind!r}. The kinds are {', '.join(KINDS)}.")


def _oddities(day: date) -> Iterator[str]:
    first = _shown(add_working_days(day, 1))
    if day.weekday() >= SATURDAY:
        yield f"{_shown(day)} is at a weekend. Working days are counted from {first}, the first one after it."
    if name := _bank_holidays().get(day):
        yield f"{_shown(day)} is a bank holiday ({name}). Working days are counted from {first}, the next one."
    if day.weekday() != MONDAY:
        yield (
            "Inspectors normally ring on a Monday. What is due “on Friday” then is counted here as four working days "
            "after the call: ask the lead inspector whether another day was meant."
        )
    for later in (day + timedelta(days=ahead) for ahead in range(1, FORTNIGHT)):
        if later.weekday() < SATURDAY and (name := _bank_holidays().get(later)):
            yield (
                f"{_shown(later)} is a bank holiday ({name}), and is not counted. Notification normally avoids one in "
                "the weeks of preparation: ask the lead inspector for the days that are meant."
            )


@cache
def _bank_holidays() -> Any:
    """The bank holidays of England by date; years are worked out as they are asked for."""
    import holidays

    return holidays.country_holidays("GB", subdiv="ENG")


@cache
def _rows() -> tuple[dict[str, str], ...]:
    with ROWS.open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def _shown(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B %Y}"
