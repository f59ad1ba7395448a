"""The timetable of a notification: its deadlines for a diary (.ics) and as a workbook (.xlsx)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from icalendar import Alarm, Calendar, Event, Timezone, TimezoneDaylight, TimezoneStandard

from inspection import clock
from inspection.notification import Request
from publish.excel import workbook
from publish.excel.workbook import Block, Column, Page
from send_ready import files
from send_ready.settings import LONDON
from send_ready.words import weekday_date

ALARMS = (timedelta(days=-1), timedelta(minutes=-90))  # before the lists are due
WINTER, SUMMER = timedelta(0), timedelta(hours=1)
ESTIMATE = "Estimate: depends on something still to come, and is worked out from what is planned."
READING = (
    "Times are London’s. Working days are Monday to Friday without England’s bank holidays; 1 is the first one after "
    "the notification.",
    "An estimate depends on something still to come, such as the day of the draft report, and is worked out from what "
    "is planned.",
    "The days are those of the handbook that the row names. What the lead inspector says goes before all of them.",
)
WIDTHS = (31, 17, 12, 13, 62, 14, 11, 44)  # in characters, of the table’s columns


def write_ics(path: Path, request: Request, council: str, deadlines: Sequence[clock.Deadline]) -> None:
    """Write the deadlines for a diary (RFC 5545), an event each, with alarms before the lists are due.

    An event that is written again keeps its UID, so that a diary moves it instead of showing it twice; a rehearsal has
    UIDs of its own. Equal input gives equal bytes.
    """
    title, domain = _title(request, council), "rehearsal.send-ready" if request.is_rehearsal else "send-ready"
    calendar = Calendar()
    calendar.add("prodid", "-//SEND Ready//Timetable of an inspection//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("x-wr-calname", title)
    calendar.add_component(_london())
    stamp = datetime.combine(request.notified_on, time(), UTC)
    for deadline in deadlines:
        event = _event(deadline, title)
        event.add("uid", f"{deadline.key}.{request.key}@{domain}")
        event.add("dtstamp", stamp)
        calendar.add_component(event)
    files.write_bytes(path, calendar.to_ical())


def write_table(path: Path, request: Request, council: str, deadlines: Sequence[clock.Deadline]) -> None:
    """Write the deadlines as a workbook of one sheet, a row each, in order of time, for A4 across."""
    days = [deadline.due.date() for deadline in deadlines]
    table = [
        Column("Deadline", "text", [deadline.title for deadline in deadlines]),
        Column("Due", "moment", [deadline.due for deadline in deadlines]),
        Column("Day", "text", [f"{day:%A}" for day in days]),
        Column("Working day", "count", [clock.working_days_between(request.notified_on, day) for day in days]),
        Column("What", "text", [deadline.what for deadline in deadlines]),
        Column("Annex A items", "text", [deadline.items or None for deadline in deadlines]),
        Column("Estimate?", "text", ["Yes" if deadline.is_estimate else None for deadline in deadlines]),
        Column("Source", "text", [deadline.source for deadline in deadlines]),
    ]
    notes = {"Worth a second look": clock.oddities(request.notified_on), "How to read it": READING}
    title = _title(request, council)
    blocks = [Block(f"Notified on {weekday_date(request.notified_on)}", table)]
    blocks += [Block(name, [Column("", "text", lines)], has_header=False) for name, lines in notes.items() if lines]
    workbook.write(path, title, [Page("Timetable", title, blocks, WIDTHS)])


def _title(request: Request, council: str) -> str:
    return f"{'Rehearsal: ' if request.is_rehearsal else ''}{clock.KINDS[request.kind]}, {council}"


def _event(deadline: clock.Deadline, about: str) -> Event:
    """One deadline as an event of the diary without duration."""
    event = Event()
    event.add("summary", f"{deadline.title}{' (estimate)' if deadline.is_estimate else ''}: {about}")
    event.add("dtstart", deadline.due)
    items = f"Annex A: {deadline.items}" if deadline.items else ""
    lines = (deadline.what, items, ESTIMATE if deadline.is_estimate else "", f"Source: {deadline.source}")
    event.add("description", "\n".join(line for line in lines if line))
    event.add("transp", "TRANSPARENT")
    for before in ALARMS if deadline.key == clock.LISTS else ():
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("trigger", before)
        alarm.add("description", deadline.title)
        event.add_component(alarm)
    return event


def _london() -> Timezone:
    """Europe/London by rule: Outlook reads one rule for summer and one for winter, not a list of dates."""
    zone = Timezone()
    zone.add("tzid", LONDON.key)
    for name, part, month, hour, before, after in (
        ("BST", TimezoneDaylight(), 3, 1, WINTER, SUMMER),
        ("GMT", TimezoneStandard(), 10, 2, SUMMER, WINTER),
    ):
        part.add("tzname", name)
        part.add("dtstart", datetime.fromisoformat(f"1996-{month:02}-{27 if month == 10 else 31}T{hour:02}:00"))
        part.add("rrule", {"freq": "yearly", "bymonth": month, "byday": "-1su"})
        part.add("tzoffsetfrom", before)
        part.add("tzoffsetto", after)
        zone.add_component(part)
    return zone
