"""The clock goes back an hour between two steps: what came later stays later.

Every place that reads the clock is named in tests/contract/test_walls.py; those whose answers are compared are set back
here.
"""

import datetime as dt
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from extract import landing
from extract.choose import extract
from extract.inbox import arrivals
from extract.inbox.survey import late_files
from send_ready import files, runs, settings
from send_ready.settings import Settings

FEED = "capita_one.home_education"
TEN = dt.datetime(2026, 10, 25, 10, tzinfo=dt.UTC)
NINE = TEN - dt.timedelta(hours=1)
SetClock = Callable[[dt.datetime], None]


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Makes it a given moment, for the process and for the files that it writes."""

    def change(moment: dt.datetime) -> None:
        class Clock(dt.datetime):
            @classmethod
            def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:
                return moment.astimezone(tz)

        def write_bytes(path: Path, data: bytes) -> None:
            written(path, data)
            os.utime(path, (moment.timestamp(), moment.timestamp()))

        monkeypatch.setattr(runs, "datetime", Clock)
        monkeypatch.setattr(landing.dt, "datetime", Clock)
        monkeypatch.setattr(arrivals.time, "time", moment.timestamp)
        monkeypatch.setattr(files, "write_bytes", write_bytes)

    written = files.write_bytes
    return change


@pytest.fixture
def given(tmp_path: Path) -> Settings:
    return settings.load({"SEND_HOME": str(tmp_path), "AS_AT": "2026-10-25"})


def begin(given: Settings, run_id: str) -> runs.Run:
    return runs.begin(replace(given, run_id=run_id))


def drop(given: Settings, name: str, students: int) -> None:
    given.inbox.mkdir(exist_ok=True)
    path = given.inbox / name
    path.write_text("Student ID,Start Date,End Date\n" + "".join(f"{n},01/09/2026,\n" for n in range(students)))
    os.utime(path, (0, 0))


def test_the_newest_run_is_the_one_begun_last(given: Settings, set_clock: SetClock) -> None:
    for run_id, moment in (("first", TEN), ("second", NINE), ("third", NINE)):
        set_clock(moment)
        begin(given, run_id)
    assert runs.find(given).run_id == "third"


def test_the_runs_begun_last_are_kept(given: Settings, set_clock: SetClock) -> None:
    set_clock(TEN)
    for number in range(runs.KEEP):
        begin(given, f"before-{number}")
    set_clock(NINE)
    for number in range(3):
        begin(given, f"after-{number}")
    kept = {path.name for path in (given.home / "runs").iterdir()}
    assert kept == {f"before-{number}" for number in range(3, runs.KEEP)} | {f"after-{number}" for number in range(3)}


def test_runs_of_an_earlier_version_come_before_new_ones(given: Settings, set_clock: SetClock) -> None:
    set_clock(TEN)
    old = begin(given, "old")
    about = files.read_json(old.record)
    del about["begun_at"]
    files.write_json(old.record, about)
    set_clock(NINE)
    begin(given, "new")
    assert runs.find(given).run_id == "new"


def test_the_file_that_lands_last_supersedes_and_counts_as_come_later(given: Settings, set_clock: SetClock) -> None:
    set_clock(TEN)
    drop(given, "capita_one_home_education_20261025.csv", 10)
    used = {str(extract(begin(given, "one"), given, FEED)["sha256"])}
    assert late_files(given, TEN, used, given.as_at) == []
    set_clock(NINE)
    drop(given, "capita_one_home_education_20261025 (2).csv", 11)
    assert extract(begin(given, "two"), given, FEED)["rows_in_file"] == 11
    (given.inbox / "capita_one_home_education_20261025 (2).csv").unlink()
    assert late_files(given, TEN, used, given.as_at) == ["capita_one_home_education_20261025 (2).csv"]
