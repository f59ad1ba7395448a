"""The board's DAG, run by Airflow with a stand-in for the pipeline; and the day on which it goes on."""

from argparse import Namespace
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from commands import cli
from commands.board import edition, end_of_month
from send_ready.runs import RunError
from send_ready.settings import SettingsError, load
from tests.dags.conftest import Night

Play = Callable[..., Night]
SCHEDULED = datetime(2026, 11, 6, 6, tzinfo=UTC)


@pytest.fixture
def board(bag: Any, told_afresh: Callable[[Any], None]) -> Any:
    """The DAG. What a run is told ends with the test."""
    dag = bag.dags["send_board"]
    told_afresh(dag)
    return dag


def test_the_steps_are_the_nights_and_the_day_is_the_end_of_last_month(board: Any, play: Play) -> None:
    done = play(board, at=SCHEDULED)
    assert done.state == "success"
    assert done.order[0].startswith("chosen-day")
    assert done.order[1] == "begin"
    assert sum(call.startswith("extract ") for call in done.order) == len(done.order) - 7
    assert done.order[-4:] == ["validate-feeds", "build", "validate-lists", "board"]
    assert {call["AS_AT"] for call in done.calls} == {"2026-10-31"}


def test_on_any_other_day_nothing_is_made_and_nothing_is_red(board: Any, play: Play) -> None:
    done = play(board, {"chosen-day ": [99]}, at=SCHEDULED)
    assert done.order == ["chosen-day "]
    assert set(done.tasks.values()) == {"skipped"}
    assert done.state == "success"


def test_another_day_may_be_asked_for(board: Any, play: Play) -> None:
    done = play(board, conf={"as_at": "2026-09-30"}, at=SCHEDULED)
    assert {call["AS_AT"] for call in done.calls} == {"2026-09-30"}


@pytest.mark.parametrize(
    ("day", "chosen", "status"),
    [
        ("2026-11-06", "5", 0),  # November 2026 begins on a Sunday
        ("2026-11-05", "5", 99),
        ("2026-11-09", "5", 99),
        ("2027-01-11", "5", 99),
        ("2027-01-08", "5", 0),  # New Year's Day is a Friday and no working day
        ("2026-11-02", "1", 0),
        ("", "5", 0),  # somebody triggered it
    ],
)
def test_the_chosen_working_day(
    day: str, chosen: str, status: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SEND_HOME", str(tmp_path))
    monkeypatch.setenv("SEND_BOARD_WORKING_DAY", chosen)
    assert cli.main(["chosen-day", day]) == status


TODAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("month", "day"),
    [(None, "2026-10-31"), ("2026-02", "2026-02-28"), ("2024-02", "2024-02-29"), ("2026-11", "2026-11-21")],
)
def test_the_day_of_a_month(month: str | None, day: str) -> None:
    assert end_of_month(month, TODAY) == date.fromisoformat(day)


@pytest.mark.parametrize("month", ["2026-12", "2026-13", "October", "2026-1"])
def test_what_is_no_month(month: str) -> None:
    with pytest.raises(SettingsError, match="is not a month up to this one"):
        end_of_month(month, TODAY)


def test_a_month_that_has_one_is_told_before_any_work(tmp_path: Path) -> None:
    folder = tmp_path / "out" / "board" / "2026-10"
    folder.mkdir(parents=True)
    with pytest.raises(RunError, match=rf"The edition of October 2026 is frozen\. .+ move {folder} away"):
        edition(load({"SEND_HOME": str(tmp_path)}), Namespace(month="2026-10"))
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize(("run_type", "asked"), [("scheduled", "2026-11-06"), ("manual", "")])
def test_only_a_scheduled_run_asks_for_the_chosen_day(bag: Any, run_type: str, asked: str) -> None:
    from types import SimpleNamespace

    midnight_in_london = datetime(2026, 11, 6, tzinfo=UTC)
    run = SimpleNamespace(run_type=run_type, logical_date=midnight_in_london, run_after=midnight_in_london)
    assert bag.dags["send_board"].user_defined_macros["asked_day"](run) == asked
