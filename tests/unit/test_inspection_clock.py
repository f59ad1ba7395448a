"""What is due when: working days, both clocks, every kind, and calls on odd days."""

import csv
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspection import clock
from inspection.clock import ClockError, add_working_days, is_working_day
from send_ready.settings import LONDON, PROJECT

DAYS = st.dates(date(2015, 1, 1), date(2060, 12, 31))
# gov.uk, bank holidays in England and Wales, with the substitute days of 2027 and 2028.
BANK_HOLIDAYS = {
    *("2026-01-01", "2026-04-03", "2026-04-06", "2026-05-04", "2026-05-25", "2026-08-31", "2026-12-25", "2026-12-28"),
    *("2027-01-01", "2027-03-26", "2027-03-29", "2027-05-03", "2027-05-31", "2027-08-30", "2027-12-27", "2027-12-28"),
    *("2028-01-03", "2028-04-14", "2028-04-17", "2028-05-01", "2028-05-29", "2028-08-28", "2028-12-25", "2028-12-26"),
}


def rows() -> list[dict[str, str]]:
    with clock.ROWS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def due(notified_on: str, kind: str = "full_inspection") -> dict[str, str]:
    """What is due when, as London's clocks show it."""
    return {
        each.key: f"{each.due:%a %Y-%m-%d %H:%M}" for each in clock.deadlines(date.fromisoformat(notified_on), kind)
    }


def test_working_days_of_three_years_are_those_of_the_gov_uk_calendar() -> None:
    days = [date(2026, 1, 1) + timedelta(days=ahead) for ahead in range(365 + 365 + 366)]
    assert {str(day) for day in days if day.weekday() < 5 and not is_working_day(day)} == BANK_HOLIDAYS
    assert not any(is_working_day(day) for day in days if day.weekday() >= 5)


def test_one_off_bank_holidays_count() -> None:
    assert not is_working_day(date(2022, 9, 19))  # state funeral
    assert not is_working_day(date(2023, 5, 8))  # coronation
    assert is_working_day(date(2026, 3, 17))  # St Patrick’s day is Northern Ireland’s
    assert is_working_day(date(2026, 11, 30))  # St Andrew’s day is Scotland’s


@pytest.mark.parametrize(
    ("notified_on", "expected"),
    [
        ("2026-11-16", "2026-11-17"),  # a Monday, as it normally is
        ("2026-11-20", "2026-11-23"),  # Friday
        ("2026-11-21", "2026-11-23"),  # Saturday: Monday is the first working day, not the second
        ("2026-11-22", "2026-11-23"),  # Sunday
        ("2026-12-23", "2026-12-24"),
        ("2026-12-24", "2026-12-29"),  # Christmas on a Friday, Boxing Day made up for on Monday
        ("2026-12-25", "2026-12-29"),
        ("2026-12-28", "2026-12-29"),
        ("2026-12-31", "2027-01-04"),  # New Year’s Day on a Friday
        ("2027-12-24", "2027-12-29"),  # both made up for, on Monday and Tuesday
        ("2027-12-31", "2028-01-04"),  # New Year’s Day made up for on Monday 3 January
        ("2026-04-02", "2026-04-07"),  # Maundy Thursday
        ("2026-04-03", "2026-04-07"),  # Good Friday
        ("2026-04-06", "2026-04-07"),  # Easter Monday
        ("2027-03-25", "2027-03-30"),
        ("2026-05-01", "2026-05-05"),  # before the early May bank holiday
        ("2028-02-28", "2028-02-29"),  # a leap year
        ("2027-02-26", "2027-03-01"),  # none
    ],
)
def test_lists_are_due_on_the_first_working_day_after_the_call(notified_on: str, expected: str) -> None:
    assert clock.lists_due(date.fromisoformat(notified_on)).isoformat()[:16] == f"{expected}T11:00"


@pytest.mark.parametrize(
    ("notified_on", "expected"),
    [
        ("2026-03-26", "2026-03-27T11:00:00+00:00"),  # the Thursday before summer time
        ("2026-03-27", "2026-03-30T10:00:00+00:00"),  # the Friday: the clocks go forward before it is due
        ("2026-03-29", "2026-03-30T10:00:00+00:00"),  # the Sunday itself
        ("2026-10-22", "2026-10-23T10:00:00+00:00"),
        ("2026-10-23", "2026-10-26T11:00:00+00:00"),  # the clocks go back before it is due
        ("2026-10-25", "2026-10-26T11:00:00+00:00"),
        ("2027-03-26", "2027-03-30T10:00:00+00:00"),  # Good Friday, Easter Monday and the change in one weekend
        ("2027-10-29", "2027-11-01T11:00:00+00:00"),
    ],
)
def test_eleven_is_eleven_by_londons_clocks(notified_on: str, expected: str) -> None:
    found = clock.lists_due(date.fromisoformat(notified_on))
    assert found.astimezone(UTC).isoformat() == expected
    assert (found.hour, found.minute, found.tzinfo) == (11, 0, LONDON)


def test_the_early_warning_is_ninety_minutes_before_whatever_the_clocks_did() -> None:
    found = clock.lists_due(date(2026, 3, 27)).astimezone(UTC) - timedelta(minutes=90)
    assert found.astimezone(LONDON) == datetime(2026, 3, 30, 9, 30, tzinfo=LONDON)


def test_a_full_inspection_from_a_monday_is_that_of_the_handbook() -> None:
    found = due("2026-11-16")
    assert found["lists"] == found["settings"] == found["items_1"] == "Tue 2026-11-17 11:00"
    assert found["tracked_children"] == "Tue 2026-11-17 17:00"
    assert {found[f"items_{number}"] for number in range(2, 8)} == {"Fri 2026-11-20 17:00"}
    assert found["on_site"] == "Mon 2026-11-30 09:00"
    assert found["on_site_ends"] == "Fri 2026-12-04 17:00"
    assert found["draft_report"] == "Thu 2026-12-24 17:00"
    assert found["comments"] == "Tue 2027-01-12 17:00"  # ten working days round Christmas
    assert found["final_report"] == "Wed 2027-01-20 17:00"
    assert found["complaint"] == "Wed 2027-01-27 17:00"
    assert found["publication"] == "Mon 2027-02-01 17:00"
    assert found["plan_update"] == "Mon 2027-03-15 17:00"
    assert found["priority_plan_published"] == "Thu 2027-05-13 17:00"  # Easter and May Day are left out


def test_a_re_visit_counts_back_from_the_visit() -> None:
    found = due("2027-06-07", "revisit_2019")
    assert found["lists"] == "Tue 2027-06-08 11:00"
    assert found["on_site"] == "Mon 2027-06-21 09:00"
    first = date(2027, 6, 21)
    for key, day in {"evidence": -7, "review": -6, "survey_opens": -5, "survey_closes": -1}.items():
        assert found[key][4:14] == str(add_working_days(first, day)), key
    assert found["survey_opens"].endswith("12:00")
    assert found["survey_closes"] == "Fri 2027-06-18 12:00"
    assert found["on_site_ends"] == "Thu 2027-06-24 17:00"
    assert found["letter"] == "Tue 2027-08-03 17:00"
    assert found["comments"] == "Mon 2027-08-02 17:00"
    assert found["publication"] == "Tue 2027-08-10 17:00"


def test_a_bank_holiday_in_the_first_week_moves_what_is_due_on_friday() -> None:
    found = due("2026-03-30")  # Good Friday is working day 4 that is none
    assert found["lists"] == "Tue 2026-03-31 11:00"
    assert found["items_2"] == "Tue 2026-04-07 17:00"
    assert found["on_site"] == "Wed 2026-04-15 09:00"


def test_a_call_on_a_wednesday_counts_working_days_and_not_weekdays() -> None:
    found = due("2026-11-18")
    assert found["lists"] == "Thu 2026-11-19 11:00"
    assert found["items_2"] == "Tue 2026-11-24 17:00"
    assert found["on_site"] == "Wed 2026-12-02 09:00"


@pytest.mark.parametrize("notified_on", ["2026-11-14", "2026-11-15"])
def test_a_call_at_a_weekend_counts_like_one_on_the_friday_before(notified_on: str) -> None:
    assert due(notified_on) == due("2026-11-13")


def test_what_depends_on_a_later_event_is_an_estimate_and_what_the_call_fixes_is_none() -> None:
    estimates = {each.key for each in clock.deadlines(date(2026, 11, 16), "full_inspection") if each.is_estimate}
    assert estimates >= {"draft_report", "comments", "final_report", "complaint", "publication", "plan_update"}
    assert not estimates & {"lists", "settings", "on_site", *(f"items_{number}" for number in range(1, 8))}
    for row in rows():
        assert row["is_estimate"] == "true" or not row["counted_from"], f"{row['kind']} {row['key']}"


@pytest.mark.parametrize("kind", clock.KINDS)
@given(notified_on=DAYS)
def test_every_kind_has_its_lists_at_eleven_on_a_working_day_after_the_call(kind: str, notified_on: date) -> None:
    found = clock.deadlines(notified_on, kind)
    lists = clock.lists_due(notified_on)
    assert [each.due for each in found if each.key == clock.LISTS] == [lists]
    assert (lists.hour, lists.minute) == (11, 0)
    assert is_working_day(lists.date())
    assert clock.working_days_between(notified_on, lists.date()) == 1
    assert found == sorted(found, key=lambda each: each.due.astimezone(UTC))
    assert all(is_working_day(each.due.date()) and each.due.date() > notified_on for each in found)
    assert {each.due.tzinfo for each in found} == {LONDON}


@given(day=DAYS, days=st.integers(-60, 60))
def test_days_that_are_added_can_be_taken_away(day: date, days: int) -> None:
    start = add_working_days(day, 1)
    assert add_working_days(add_working_days(start, days), -days) == start


@given(day=DAYS, days=st.integers(1, 60))
def test_as_many_working_days_lie_between_as_were_added(day: date, days: int) -> None:
    found = add_working_days(day, days)
    assert is_working_day(found)
    assert clock.working_days_between(day, found) == days
    assert clock.working_days_between(add_working_days(day, -days), day) - days == is_working_day(day) - 1


@given(day=DAYS, later=st.integers(0, 30), days=st.integers(0, 30))
def test_a_later_call_is_never_due_earlier(day: date, later: int, days: int) -> None:
    assert add_working_days(day, days) <= add_working_days(day + timedelta(days=later), days)
    assert clock.lists_due(day) <= clock.lists_due(day + timedelta(days=later))


def test_no_days_is_the_day_itself_working_or_not() -> None:
    assert add_working_days(date(2026, 11, 14), 0) == date(2026, 11, 14)


@pytest.mark.parametrize(
    ("notified_on", "said"),
    [
        ("2026-11-16", []),
        ("2026-11-17", ["on a Monday"]),
        ("2026-11-14", ["Saturday 14 November 2026 is at a weekend. Working day 1 is Monday 16", "on a Monday"]),
        ("2026-05-25", ["Monday 25 May 2026 is a bank holiday (Spring Bank Holiday). Working day 1 is Tuesday 26"]),
        ("2026-12-26", ["at a weekend", "on a Monday", "28 December 2026 (", "a week earlier"]),
        ("2026-03-30", ["Friday 3 April 2026 (Good Friday), Monday 6 April 2026 (Easter Monday)", "a week earlier"]),
        ("2026-03-23", ["Good Friday", "a week earlier"]),  # at the end of the second week
        ("2026-03-16", []),  # only in the third
    ],
)
def test_what_is_odd_about_a_call_is_said(notified_on: str, said: list[str]) -> None:
    found = clock.oddities(date.fromisoformat(notified_on))
    assert len(found) == len(said), found
    for sentence, part in zip(found, said, strict=True):
        assert part in sentence
        assert sentence.endswith(".")


def test_a_call_in_the_future_is_refused() -> None:
    today = date(2026, 11, 16)
    clock.check_notified(today, today)
    clock.check_notified(date(2024, 2, 29), today)
    with pytest.raises(ClockError) as caught:
        clock.check_notified(date(2026, 11, 17), today)
    for part in ("Tuesday 17 November 2026", "today is Monday 16 November 2026", "YYYY-MM-DD"):
        assert part in str(caught.value)


@pytest.mark.parametrize("kind", ["", "full", "Full inspection", "FULL_INSPECTION"])
def test_an_unknown_kind_is_refused_and_the_kinds_are_named(kind: str) -> None:
    with pytest.raises(ClockError) as caught:
        clock.deadlines(date(2026, 11, 16), kind)
    for part in (repr(kind), *clock.KINDS):
        assert part in str(caught.value)


def test_the_rows_are_complete() -> None:
    assert {row["kind"] for row in rows()} == set(clock.KINDS)
    for row in rows():
        where = f"{row['kind']} {row['key']}"
        assert row["title"] and row["what"].endswith(".") and row["source"], where
        assert row["is_estimate"] in ("true", "false"), where
        assert f"{time.fromisoformat(row['due_time']):%H:%M}" == row["due_time"], where
        assert int(row["working_days"]) > 0 or row["counted_from"], where
    for kind in clock.KINDS:
        keys = [row["key"] for row in rows() if row["kind"] == kind]
        assert len(keys) == len(set(keys)), kind


def test_every_item_of_annex_a_is_due_once() -> None:
    """1.1 to 7.7, as the handbook of November 2022 groups them."""
    groups = ["1.1–1.7", "2.1–2.8", "3.1–3.8", "4.1–4.5", "5.1–5.2", "6.1–6.4", "7.1–7.7"]
    for kind in ("full_inspection", "monitoring_inspection"):
        items = [row["items"] for row in rows() if row["kind"] == kind and row["key"].startswith("items_")]
        assert items == groups, kind


def test_what_is_assumed_of_other_kinds_says_so() -> None:
    for row in rows():
        if row["kind"] == "monitoring_inspection" or (row["kind"] == "revisit_2019" and row["key"] == clock.LISTS):
            assert row["source"].startswith("Assumed"), f"{row['kind']} {row['key']}"


def test_the_clock_is_light_enough_for_airflows_scheduler() -> None:
    heavy = "{'duckdb', 'pandas', 'numpy', 'holidays', 'icalendar', 'xlsxwriter', 'publish', 'airflow'}"
    code = f"import sys, inspection.clock; print(sorted({heavy} & {{name.split('.')[0] for name in sys.modules}}))"
    result = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
