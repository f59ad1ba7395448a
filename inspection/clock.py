"""Every deadline of an inspection, from the day of the inspectors' call.

The rows are data, in dbt_project/seeds/spec/inspection_deadlines.csv: each counts working days of England
from the notification, or from an earlier row. Airflow's own processes import this module, so it stays light: `holidays`
is imported when it is first needed.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any

from send_ready.layout import SPEC
from send_ready.runs import RunError
from send_ready.settings import LONDON
from send_ready.words import weekday_date

ROWS = SPEC / "inspection_deadlines.csv"
KINDS = {
    "full_inspection": "Full inspection",
    "monitoring_inspection": "Monitoring inspection",
    "revisit_2019": "Re-visit under the 2019 framework",
}
LISTS = "lists"  # key of the deadline for sending both lists
MONDAY, SATURDAY = 0, 5
PREPARATION = 14  # days: the two weeks before inspectors come


class ClockError(RunError):
    """A notification with a day or kind that is not possible. The text says what was given and what to give instead."""


@dataclass(frozen=True)
class Deadline:
    """One thing that is due.

    `due` is aware, in Europe/London. `items` are numbers of Annex A ("1.1–1.7") or empty. `is_estimate`: the day
    depends on something that has not happened yet, such as the publication of the report, and uses the planned date.
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


def working_days_between(start: date, end: date) -> int:
    """The number of working days after the start, up to and including the end."""
    return sum(is_working_day(start + timedelta(days=ahead)) for ahead in range(1, (end - start).days + 1))


def deadlines(notified_on: date, kind: str) -> list[Deadline]:
    """Every deadline of a kind of inspection, earliest first. Raises ClockError for an unknown kind."""
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
    """When the lists are due: 11:00 in London on working day 1, whatever the kind (handbook, paras 192–202)."""
    return next(each.due for each in deadlines(notified_on, "full_inspection") if each.key == LISTS)


def oddities(notified_on: date) -> list[str]:
    """A sentence for each thing that is unusual about the day of the call. None of them is a reason to stop."""
    return list(_oddities(notified_on))


def check_notified(notified_on: date, today: date) -> None:
    """Raises ClockError when the day of the call has not come yet."""
    if notified_on > today:
        raise ClockError(
            f"Notified on {weekday_date(notified_on)}: that day has not come yet, today is {weekday_date(today)}. "
            "Give the day on which the call came, as YYYY-MM-DD."
        )


def check_kind(kind: str) -> None:
    """Raises ClockError for an unknown kind."""
    if kind not in KINDS:
        raise ClockError(f"There is no kind {kind!r}. The kinds are {', '.join(KINDS)}.")


def _oddities(day: date) -> Iterator[str]:
    holidays, first = _bank_holidays(), weekday_date(add_working_days(day, 1))
    if day.weekday() >= SATURDAY:
        yield f"{weekday_date(day)} is at a weekend. Working day 1 is {first}."
    elif day in holidays:
        yield f"{weekday_date(day)} is a bank holiday ({holidays[day]}). Working day 1 is {first}."
    if day.weekday() != MONDAY:
        yield (
            "Inspectors normally ring on a Monday. What the handbook wants “by Friday” is counted as working day 4: "
            "ask the lead inspector whether another day is meant."
        )
    weeks = (day + timedelta(days=ahead) for ahead in range(1, PREPARATION))
    lost = [
        f"{weekday_date(each)} ({holidays[each]})" for each in weeks if each.weekday() < SATURDAY and each in holidays
    ]
    if lost:
        yield f"Not counted, for a bank holiday: {', '.join(lost)}."
        yield (
            "Inspectors normally ring a week earlier to avoid a bank holiday in the two weeks before they come: ask "
            "the lead inspector which days are meant."
        )


@cache
def _bank_holidays() -> Any:
    """The bank holidays of England by date, for any year."""
    import holidays

    return holidays.country_holidays("GB", subdiv="ENG")


@cache
def _rows() -> tuple[dict[str, str], ...]:
    with ROWS.open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))
