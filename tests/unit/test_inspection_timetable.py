"""The timetable as a diary reads it, and as Excel does."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from icalendar import Calendar, Event

from inspection import clock, timetable
from inspection.notification import Request
from send_ready.settings import LONDON

MONDAY = date(2026, 11, 16)
COUNCIL = "Sample, Council; of Zoë"


def request(home: Path, notified_on: date = MONDAY, kind: str = "full_inspection", drill: bool = False) -> Request:
    return Request(home, notified_on, kind, drill)


def written(home: Path, notified_on: date = MONDAY, kind: str = "full_inspection") -> bytes:
    call = request(home, notified_on, kind)
    path = call.folder / "timetable.ics"
    timetable.write_ics(path, call, COUNCIL, clock.deadlines(notified_on, kind))
    return path.read_bytes()


def events(data: bytes) -> dict[str, Event]:
    """The events by the key of their deadline."""
    return {str(event["uid"]).split(".")[0]: event for event in Calendar.from_ical(data).walk("VEVENT")}


def table(home: Path, **changes: Any) -> list[list[Any]]:
    call = request(home, **changes)
    path = call.folder / "timetable.xlsx"
    timetable.write_table(path, call, COUNCIL, clock.deadlines(call.notified_on, call.kind))
    (sheet,) = openpyxl.load_workbook(path).worksheets
    return [list(row) for row in sheet.iter_rows(values_only=True)]


@pytest.mark.parametrize("kind", clock.KINDS)
def test_a_diary_shows_every_deadline_at_its_moment(kind: str, tmp_path: Path) -> None:
    expected = {each.key: each for each in clock.deadlines(MONDAY, kind)}
    found = events(written(tmp_path, kind=kind))
    assert list(found) == list(expected)
    for key, event in found.items():
        assert event["dtstart"].dt == expected[key].due
        assert event["dtstart"].params["TZID"] == "Europe/London"
        assert str(event["summary"]).startswith(expected[key].title)
        assert str(event["summary"]).endswith(f"{clock.KINDS[kind]}, {COUNCIL}")
        assert ("(estimate)" in event["summary"]) == expected[key].is_estimate
        for part in (expected[key].what, expected[key].source, expected[key].items):
            assert part in event["description"]
        assert "dtend" not in event and "duration" not in event  # a moment, which keeps nobody's time


def test_the_file_keeps_to_rfc_5545(tmp_path: Path) -> None:
    data = written(tmp_path)
    assert data.endswith(b"END:VCALENDAR\r\n")
    assert not re.search(rb"[^\r]\n|\r[^\n]", data)
    assert max(len(line) for line in data.split(b"\r\n")) <= 75
    calendar = Calendar.from_ical(data)
    assert not [error for part in calendar.walk() for error in part.errors]
    assert (calendar["version"], calendar["calscale"]) == ("2.0", "GREGORIAN")
    for event in calendar.walk("VEVENT"):
        assert {"UID", "DTSTAMP", "DTSTART", "SUMMARY"} <= set(event)
    assert Calendar.from_ical(calendar.to_ical()) == calendar


def test_an_event_keeps_its_uid_and_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    first = written(tmp_path / "one")
    assert written(tmp_path / "two") == first
    others = {str(each["uid"]) for each in events(written(tmp_path, kind="revisit_2019")).values()}
    others |= {str(each["uid"]) for each in events(written(tmp_path, notified_on=date(2026, 11, 23))).values()}
    own = [str(each["uid"]) for each in events(first).values()]
    assert len(set(own)) == len(own)
    assert not set(own) & others
    assert own[0] == "lists.2026-11-16_full_inspection@send-ready"


def test_the_stamp_is_the_day_of_the_call(tmp_path: Path) -> None:
    stamps = {event["dtstamp"].dt for event in events(written(tmp_path)).values()}
    assert stamps == {datetime(2026, 11, 16, tzinfo=UTC)}


def test_the_lists_ring_a_day_and_ninety_minutes_before(tmp_path: Path) -> None:
    for kind in clock.KINDS:
        found = events(written(tmp_path, kind=kind))
        alarms = {key: [each["trigger"].dt for each in event.walk("VALARM")] for key, event in found.items()}
        assert alarms.pop("lists") == [timedelta(days=-1), timedelta(minutes=-90)]
        assert not any(alarms.values())
        for alarm in found["lists"].walk("VALARM"):
            assert alarm["action"] == "DISPLAY"
            assert alarm["description"]


def test_londons_rules_in_the_file_are_those_of_the_clock(tmp_path: Path) -> None:
    """A diary without a time zone database of its own reads these; every half day of ten years round both changes."""
    (zone,) = Calendar.from_ical(written(tmp_path)).walk("VTIMEZONE")
    assert zone["tzid"] == "Europe/London"
    assert [part.name for part in zone.subcomponents] == ["DAYLIGHT", "STANDARD"]
    own = zone.to_tz(lookup_tzid=False)
    for half_days in range(2 * 3652):
        moment = datetime(2025, 1, 1, 9) + timedelta(hours=12 * half_days)
        assert moment.replace(tzinfo=own).utcoffset() == moment.replace(tzinfo=LONDON).utcoffset(), moment


@pytest.mark.parametrize(("friday", "utc"), [(date(2026, 3, 27), 10), (date(2026, 10, 23), 11)])
def test_eleven_stays_eleven_when_the_clocks_change_over_the_weekend(friday: date, utc: int, tmp_path: Path) -> None:
    due = events(written(tmp_path, notified_on=friday))["lists"]["dtstart"].dt
    assert (due.hour, due.astimezone(UTC).hour) == (11, utc)


def test_the_table_has_a_row_a_deadline_in_order(tmp_path: Path) -> None:
    rows = table(tmp_path)
    assert rows[0][0] == f"Full inspection, {COUNCIL}"
    assert rows[2][0] == "Notified on Monday 16 November 2026"
    assert rows[3] == ["Deadline", "Due", "Day", "Working day", "What", "Annex A items", "Estimate?", "Source"]
    deadlines = clock.deadlines(MONDAY, "full_inspection")
    for row, deadline in zip(rows[4:], deadlines, strict=False):
        assert row[0] == deadline.title
        assert row[1] == deadline.due.replace(tzinfo=None)  # a date of Excel's, by London's clocks
        assert row[2] == f"{deadline.due:%A}"
        assert row[3] == clock.working_days_between(MONDAY, deadline.due.date())
        assert row[4:] == [
            deadline.what,
            deadline.items or None,
            "Yes" if deadline.is_estimate else None,
            deadline.source,
        ]
    assert rows[4 + len(deadlines)] == [None] * 8
    assert (rows[4][1], rows[4][2], rows[4][3]) == (datetime(2026, 11, 17, 11), "Tuesday", 1)


def test_the_table_is_one_a4_sheet_across(tmp_path: Path) -> None:
    table(tmp_path)
    (sheet,) = openpyxl.load_workbook(request(tmp_path).folder / "timetable.xlsx").worksheets
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert (sheet.page_setup.fitToWidth or 1, sheet.page_setup.fitToHeight) == (1, 0)  # one across, as many as it takes
    assert sheet["B5"].number_format == "dd/mm/yyyy hh:mm"


def test_the_table_says_what_is_odd_about_the_call_and_only_then(tmp_path: Path) -> None:
    saturday = date(2026, 12, 19)
    cells = [row[0] for row in table(tmp_path, notified_on=saturday)]
    for sentence in clock.oddities(saturday):
        assert sentence in cells
    assert "Worth a second look" not in [row[0] for row in table(tmp_path)]


def test_a_rehearsals_table_says_so(tmp_path: Path) -> None:
    assert table(tmp_path, drill=True)[0][0] == f"Rehearsal: Full inspection, {COUNCIL}"


def test_the_table_is_the_same_bytes_again(tmp_path: Path) -> None:
    path = request(tmp_path).folder / "timetable.xlsx"
    table(tmp_path)
    first = path.read_bytes()
    table(tmp_path)
    assert path.read_bytes() == first
