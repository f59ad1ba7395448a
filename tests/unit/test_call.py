"""A call on record: its folder, its versions, and what is told of a call that cannot be."""

import json
from datetime import date, datetime
from pathlib import Path

import pytest

from inspection import call
from inspection.call import CallParameters, register
from inspection.clock import ClockError
from inspection.notification import Request
from send_ready import files
from send_ready.runs import Run, RunError
from send_ready.settings import LONDON

MONDAY = date(2026, 11, 16)
TEN = datetime(2026, 11, 16, 10, 2, tzinfo=LONDON)
CALL = CallParameters(MONDAY)


def run(home: Path, run_id: str = "one", as_at: date = MONDAY) -> Run:
    return Run(home, run_id, as_at, "999")


def test_a_call_is_put_on_record_with_every_deadline_and_its_timetable(tmp_path: Path) -> None:
    wanted = register(run(tmp_path), CALL, TEN)

    folder = tmp_path / "out" / "inspections" / "2026-11-16_full_inspection"
    assert (wanted.number, wanted.folder) == (1, folder / "v1")
    record = files.read_json(folder / "request.json")
    assert record["first_triggered_at"] == "2026-11-16T10:02:00+00:00"
    lists = next(each for each in record["deadlines"] if each["key"] == "lists")
    assert lists["due"] == "2026-11-17T11:00:00+00:00" == wanted.request.due.isoformat()
    assert {path.name for path in folder.iterdir()} == {"request.json", "timetable.ics", "timetable.xlsx"}


def test_another_trigger_of_the_same_call_is_another_version_and_a_retry_is_not(tmp_path: Path) -> None:
    first = register(run(tmp_path), CallParameters(MONDAY, unique_ids=("S1", "S2"), seed="a"), TEN)
    again = register(run(tmp_path), CallParameters(MONDAY, unique_ids=("S1", "S2"), seed="a"), TEN)
    second = register(run(tmp_path, "two"), CALL, TEN.replace(hour=12))

    assert first == again
    assert (first.unique_ids, first.seed) == (("S1", "S2"), "a")
    assert (second.number, second.unique_ids, second.seed) == (2, (), "2026-11-16")
    assert call.version_of_run(tmp_path, "one") == first
    assert call.version_of_run(tmp_path, "two") == second
    assert second.earlier_folder is None  # the first version was never frozen
    first.folder.mkdir()
    assert second.earlier_folder == first.folder
    assert files.read_json(second.request.record)["first_triggered_at"] == "2026-11-16T10:02:00+00:00"


def test_a_damaged_record_is_named_and_holds_up_no_other_call(tmp_path: Path) -> None:
    damaged = register(run(tmp_path), CallParameters(MONDAY, is_rehearsal=True), TEN).request.record
    damaged.write_text("{")
    assert register(run(tmp_path, "two"), CallParameters(MONDAY, "revisit_2019"), TEN) == call.version_of_run(
        tmp_path, "two"
    )
    with pytest.raises(RunError, match=f"{damaged} is damaged. Put it back as the last backup has it"):
        register(run(tmp_path, "three"), CallParameters(MONDAY, is_rehearsal=True), TEN)
    assert damaged.read_text() == "{"


def test_kinds_and_rehearsals_have_places_of_their_own(tmp_path: Path) -> None:
    folders = [
        register(run(tmp_path, str(number)), wish, TEN).request.folder.relative_to(tmp_path / "out")
        for number, wish in enumerate(
            (CALL, CallParameters(MONDAY, "revisit_2019"), CallParameters(MONDAY, is_rehearsal=True))
        )
    ]
    assert [str(folder) for folder in folders] == [
        "inspections/2026-11-16_full_inspection",
        "inspections/2026-11-16_revisit_2019",
        "rehearsals/2026-11-16_full_inspection",
    ]


def test_a_call_of_tomorrow_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ClockError, match="that day has not come yet"):
        register(run(tmp_path), CallParameters(date(2026, 11, 17)), TEN)
    assert not (tmp_path / "out").exists()


def test_today_is_londons(tmp_path: Path) -> None:
    just_after_midnight = datetime(2026, 7, 2, 0, 30, tzinfo=LONDON)  # still 1 July in UTC
    assert register(run(tmp_path), CallParameters(date(2026, 7, 2)), just_after_midnight).number == 1


@pytest.mark.parametrize(
    ("notified_on", "due"),
    [
        (date(2026, 11, 14), "2026-11-16T11:00:00+00:00"),  # a Saturday
        (date(2026, 5, 4), "2026-05-05T11:00:00+01:00"),  # a bank holiday
    ],
)
def test_an_odd_day_is_taken_and_counted_from_the_next_working_day(tmp_path: Path, notified_on: date, due: str) -> None:
    wanted = register(run(tmp_path), CallParameters(notified_on), TEN)
    assert wanted.request.due.isoformat() == due


def test_a_kind_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(ClockError, match="kinds are full_inspection"):
        Request(tmp_path, MONDAY, "surprise")


def test_a_run_that_was_begun_for_no_call(tmp_path: Path) -> None:
    register(run(tmp_path), CALL, TEN)
    with pytest.raises(RunError, match="was not begun for an inspection"):
        call.version_of_run(tmp_path, "nightly")


def test_parameters_as_airflow_hands_them_over() -> None:
    typed = {"notified_on": "2026-11-16", "kind": "revisit_2019", "as_at": None, "unique_ids": None, "seed": None}
    assert call.parameters_from_json(json.dumps(typed)) == CallParameters(MONDAY, "revisit_2019")
    full = {"notified_on": "2026-11-16", "unique_ids": ["S1"], "seed": "x", "rehearsal": True}
    assert call.parameters_from_json(json.dumps(full)) == CallParameters(
        MONDAY, unique_ids=("S1",), seed="x", is_rehearsal=True
    )


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"notified_on": "16/11/2026"}', '{"notified_on": 1}'])
def test_parameters_that_are_none(text: str) -> None:
    with pytest.raises(RunError, match="SEND_REQUEST is not what an inspection needs"):
        call.parameters_from_json(text)
