"""The date and time in an export's name."""

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract import contract as contracts
from extract.inbox import arrivals
from send_ready import settings

PLANS = contracts.load("capita_one.ehc_plans", settings.load({}))
STEM = "capita_one_ehc_plans"


def seen(end: str) -> arrivals.Arrival | None:
    return arrivals.recognise(Path("/in", f"{STEM}{end}"), Path("/in"), PLANS)


@pytest.mark.parametrize(
    ("end", "time"),
    [
        ("_20261117.csv", ""), ("-2026-11-17.xlsx", ""), (" 2026_11_17 (1).csv", ""), ("20261117_final.csv", ""),
        ("_202611170200.csv", "020000"), ("_20261117T0200.csv", "020000"), ("_20261117_0200.csv", "020000"),
        ("-2026-11-17 02.00.csv", "020000"), ("_20261117020015.ods", "020015"),
        ("_2026-11-17T02-00-15Z.xlsb", "020015"),
        ("_17-11-2026.csv", ""), ("_17112026.csv", ""), ("_17.11.2026_0200.csv", "020000"), ("_17-Nov-2026.csv", ""),
        ("_17Nov2026.csv", ""), ("_17 November 2026.csv", ""), ("_2026-Nov-17.csv", ""), ("_17th Nov 2026.csv", ""),
        ("_17Nov26.csv", ""), ("_Nov 17 2026.csv", ""), ("_20261117_v2.csv", ""),
    ],
)  # fmt: skip
def test_a_date_is_read_day_first_with_a_time_or_without(end: str, time: str) -> None:
    found = seen(end)
    assert found and (found.data_date, found.time, found.has_bad_date) == (dt.date(2026, 11, 17), time, False)


@pytest.mark.parametrize(
    "end", ["_Nov26.csv", "_nov2026.csv", "_November-2026.xls", "_2026-Nov.csv", "_Nov26_0200.csv"]
)
def test_a_month_without_a_day_is_its_first(end: str) -> None:
    found = seen(end)
    assert found and found.data_date == dt.date(2026, 11, 1)


def test_sept_is_a_month_in_names_too() -> None:
    found = seen("_1Sept2026.csv")
    assert found and found.data_date == dt.date(2026, 9, 1)


@pytest.mark.parametrize("end", ["_20261316.csv", "_31-02-2026.csv", "_31Feb2026.csv", "_13-31-2026.csv"])
def test_a_date_that_there_is_not_is_told(end: str) -> None:
    found = seen(end)
    assert found and found.has_bad_date and found.data_date is None


@pytest.mark.parametrize("end", ["_final26.csv", "_2026.csv", "_20261117.pdf", "s_20261117.csv", "_11-17.csv"])
def test_what_is_no_date_belongs_to_no_feed(end: str) -> None:
    assert seen(end) is None


def test_a_name_without_a_date_has_none() -> None:
    found = seen(".csv")
    assert found and found.data_date is None and not found.has_bad_date


@given(day=st.dates(dt.date(2000, 1, 1), dt.date(2099, 12, 31)), form=st.sampled_from(
    ["%Y%m%d", "%Y-%m-%d", "%Y_%m_%d 0915", "%d-%m-%Y", "%d%m%Y", "%d%b%Y", "%d %B %Y", "%Y%m%dT091500", "%d%b%y"]
))  # fmt: skip
def test_any_date_in_any_form_reads_back(day: dt.date, form: str) -> None:
    found = seen(f"_{day:{form}}.csv")
    assert found and found.data_date == day
