"""The nightly DAG as Airflow reads it: what every DAG must have, when it runs, and for which day."""

from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.dags.conftest import PROJECT

LONDON = ZoneInfo("Europe/London")
CONTRACTS = sorted(path.stem for path in (PROJECT / "extract" / "contracts").glob("*__*.yml"))


def test_one_night_at_a_time_told_how_to_build_a_day_again(dag: Any) -> None:
    assert dag.max_active_runs == 1
    assert "To build a day again" in dag.doc_md


def test_one_task_for_each_contract(dag: Any) -> None:
    assert len(CONTRACTS) > 17
    for group in ("read", "verdict"):
        assert sorted(dag.task_group_dict[group].children) == [f"{group}.{feed}" for feed in CONTRACTS]


def test_only_the_summary_waits_for_verdicts(dag: Any) -> None:
    for feed in CONTRACTS:
        assert dag.get_task(f"verdict.{feed}").downstream_task_ids == {"summary"}
    assert not dag.get_task("summary").downstream_task_ids


@pytest.mark.parametrize("day", ["2026-03-28", "2026-03-29", "2026-03-30", "2026-10-24", "2026-10-25", "2026-10-26"])
def test_runs_at_two_in_london_once_a_day_also_when_the_clocks_change(dag: Any, day: str) -> None:
    from airflow.serialization.encoders import coerce_to_core_timetable
    from airflow.timetables.base import DataInterval, TimeRestriction
    from pendulum import instance

    due = datetime.fromisoformat(f"{day}T02:00").replace(tzinfo=LONDON)
    last = instance(due - timedelta(days=1))  # the same time on the wall, the day before
    found = coerce_to_core_timetable(dag.timetable).next_dagrun_info(
        last_automated_data_interval=DataInterval.exact(last),
        restriction=TimeRestriction(earliest=None, latest=None, catchup=True),
    )
    assert found is not None
    assert found.run_after.astimezone(LONDON).isoformat() == due.isoformat()
    assert found.logical_date == found.run_after


@pytest.mark.parametrize(
    ("logical_date", "run_after", "asked", "day"),
    [
        ("2026-11-16T02:00+00:00", "2026-11-17T09:00+00:00", None, "2026-11-16"),  # Monday's run, cleared on Tuesday
        (None, "2026-06-30T23:30+00:00", None, "2026-07-01"),  # by hand, half past midnight in London
        ("2026-11-16T02:00+00:00", "2026-11-16T02:00+00:00", "2026-09-01", "2026-09-01"),
        ("2026-11-16T02:00+00:00", "2026-11-16T02:00+00:00", "", "2026-11-16"),
    ],
)
def test_the_day_is_that_of_the_run_and_never_the_clocks(
    dag: Any, logical_date: str | None, run_after: str, asked: str | None, day: str
) -> None:
    run = SimpleNamespace(
        logical_date=datetime.fromisoformat(logical_date) if logical_date else None,
        run_after=datetime.fromisoformat(run_after),
    )
    assert dag.user_defined_macros["as_at"](run, {"as_at": asked}) == date.fromisoformat(day).isoformat()


@pytest.mark.parametrize("typed", ["16/11/2026", "2026-11-31", "2026-11-16; rm -rf /", "$(id)", 20261116])
def test_only_a_date_is_taken_for_a_date(dag: Any, typed: object) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    param = dag.params.get_param("as_at")
    with pytest.raises(ParamValidationError):
        param.resolve(value=typed)
    assert param.resolve(value="2026-11-16") == "2026-11-16"


def test_nothing_is_written_into_shell_text(dag: Any) -> None:
    for task in dag.tasks:
        if task.task_type == "BashOperator":
            assert "{" not in task.bash_command.replace("${", ""), task.task_id


def test_every_command_is_one_that_the_pipeline_knows(dag: Any) -> None:
    from commands.cli import parser

    scripts = {task.bash_command for task in dag.tasks if task.task_type == "BashOperator"}
    commands = {script.rpartition('$SEND_READY}" ')[2] for script in scripts}
    assert len(commands) == 12
    for command in commands:
        parser().parse_args(command.replace('"$SEND_FEED"', "capita_one.students").split())
    with pytest.raises(SystemExit):
        parser().parse_args(["imagined"])
