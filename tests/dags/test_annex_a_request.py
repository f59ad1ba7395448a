"""The DAG of an inspection, run by Airflow with a stand-in for the pipeline, and its deadline as Airflow keeps it.

A person's answer through the real server is in tests/end_to_end/test_inspection_day.py.
"""

import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.dags.conftest import PROJECT, Night, make_known

LONDON = ZoneInfo("Europe/London")
FEEDS = sorted(path.stem for path in (PROJECT / "extract" / "contracts").glob("*__*.yml"))
CALL = {"notified_on": "2026-11-16"}
Play = Callable[..., Night]


@pytest.fixture
def request_dag(bag: Any, monkeypatch: pytest.MonkeyPatch, told_afresh: Callable[[Any], None]) -> Any:
    """Without its deadline, with which Airflow 3.3.2 runs no DAG in one process. What it is told ends with the test."""
    dag = bag.dags["annex_a_request"]
    monkeypatch.setattr(dag, "deadline", None)
    told_afresh(dag)
    return dag


READ_AND_APPROVED = r"read\..*|approve"  # count as done where it is about other steps: each task costs a Python


def test_the_steps_are_the_nights_and_a_person_comes_before_release(request_dag: Any, play: Play) -> None:
    done = play(request_dag, conf={**CALL, "as_at": "2026-11-13"}, mark_success_pattern="approve")

    assert done.state == "success"
    assert done.order[0] == "request"
    assert sum(call.startswith("extract ") for call in done.order) == len(FEEDS)
    assert done.order[-5:] == ["validate-feeds", "build", "validate-lists", "freeze", "release"]
    assert {call["AS_AT"] for call in done.calls} == {"2026-11-13"}
    assert {call["SEND_RUN_ID"] for call in done.calls} == {done.run_id}
    assert request_dag.get_task("release").upstream_task_ids == {"approve"}


def test_the_request_is_told_everything_that_was_typed(request_dag: Any, play: Play) -> None:
    typed = {"notified_on": "2026-11-16", "kind": "revisit_2019", "unique_ids": ["a'b; rm -rf /", 'c"d']}
    done = play(request_dag, conf=typed, mark_success_pattern=READ_AND_APPROVED)

    told = json.loads(done.calls[0]["SEND_REQUEST"])
    assert {key: told[key] for key in typed} == typed
    assert (told["as_at"], told["seed"], told["rehearsal"]) == (None, None, False)


def test_as_at_is_the_london_day_of_the_run_when_none_is_given(request_dag: Any, play: Play) -> None:
    late_evening = datetime(2026, 7, 1, 23, 30, tzinfo=UTC)
    done = play(request_dag, conf=CALL, at=late_evening, mark_success_pattern=READ_AND_APPROVED)
    assert {call["AS_AT"] for call in done.calls} == {"2026-07-02"}


def test_rejected_is_skipped_and_the_run_does_not_look_done(request_dag: Any, play: Play) -> None:
    done = play(request_dag, {"release": [99]}, conf=CALL, mark_success_pattern=READ_AND_APPROVED)
    assert (done.tasks["release"], done.tasks["rejected"], done.tasks["released"]) == ("skipped", "failed", "skipped")
    assert done.state == "failed"


def test_released_ends_the_run_and_rejected_is_not_reached(request_dag: Any, play: Play) -> None:
    done = play(request_dag, conf=CALL, mark_success_pattern=READ_AND_APPROVED)
    assert (done.tasks["released"], done.tasks["rejected"]) == ("success", "skipped")


def test_a_call_that_cannot_be_ends_the_run_at_once(request_dag: Any, play: Play) -> None:
    done = play(request_dag, {"request": [2]}, conf=CALL, mark_success_pattern="approve")
    assert done.order == ["request"] * 3
    assert done.state == "failed"
    not_run = {state for task, state in done.tasks.items() if task not in ("request", "rejected")}
    assert (not_run, done.tasks["rejected"]) == ({"upstream_failed"}, "skipped")


def test_feeds_that_cannot_be_read_stop_nothing(request_dag: Any, play: Play) -> None:
    every = {f"extract {feed.replace('__', '.', 1)}": [1] for feed in FEEDS}
    done = play(request_dag, every, conf=CALL, mark_success_pattern="approve")
    assert done.order[-5:] == ["validate-feeds", "build", "validate-lists", "freeze", "release"]


def test_nothing_is_asked_when_there_is_nothing_to_approve(request_dag: Any, play: Play) -> None:
    done = play(request_dag, {"freeze": [1]}, conf=CALL, mark_success_pattern=READ_AND_APPROVED)
    assert done.state == "failed"
    assert (done.tasks["approve"], done.tasks["release"]) == ("upstream_failed", "upstream_failed")


@pytest.mark.parametrize(
    "conf",
    [
        {},
        {"notified_on": None},
        {"notified_on": "16/11/2026"},
        {"notified_on": "2026-11-16", "kind": "inspection"},
        {"notified_on": "2026-11-16", "as_at": "yesterday"},
        {"notified_on": "2026-11-16", "unique_ids": "S1"},
    ],
)
def test_what_cannot_be_is_refused_before_there_is_a_run(
    deadlines: Callable[..., list[datetime]], conf: dict[str, Any]
) -> None:
    from airflow.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        deadlines(conf)


@pytest.fixture
def sign_off(request_dag: Any) -> Callable[[dict[str, Any]], Any]:
    """The approver's answer, as the task gets it when Airflow wakes it."""

    def answer(given: dict[str, Any]) -> Any:
        event = {"responded_at": datetime.now(UTC), "responded_by_user": {"id": "1", "name": "amina"}, **given}
        return request_dag.get_task("approve").execute_complete({}, {"timedout": False, **event})

    return answer


def test_a_rejection_needs_a_reason(sign_off: Callable[[dict[str, Any]], Any]) -> None:
    from airflow.sdk.exceptions import AirflowException

    with pytest.raises(AirflowException, match="needs a reason"):
        sign_off({"chosen_options": ["Reject"], "params_input": {"comment": "  "}})
    assert sign_off({"chosen_options": ["Reject"], "params_input": {"comment": "wrong"}})["params_input"]
    assert sign_off({"chosen_options": ["Approve"], "params_input": {"comment": ""}})["chosen_options"] == ["Approve"]


ASKED = {
    "subject": "Release these lists? Version 1",
    "body": "1 child {{ 7 * 7 }}",
    "comment": "Sealed with SHA-256 ab12",
    "version_sha256": "ab12",
    "assigned_users": [{"id": "7", "name": "amina"}],
}


@pytest.fixture
def asks(
    request_dag: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, int], list[dict[str, Any]]]:
    """Has `approve` ask what a program says that ends so, and gives what Airflow is told to show."""
    from airflow.providers.standard.operators import hitl
    from airflow.sdk.exceptions import TaskAwaitingInput

    def act(said: str, status: int) -> list[dict[str, Any]]:
        program, shown = tmp_path / "program", []
        run = "print(os.environ['SEND_RUN_ID'], os.environ['AIRFLOW__CORE__AUTH_MANAGER'], file=sys.stderr)"
        program.write_text(f"#!{sys.executable}\nimport os, sys\n{run}\nprint({said!r})\nsys.exit({status})\n")
        program.chmod(0o700)
        monkeypatch.setenv("SEND_COMMAND", str(program))
        monkeypatch.setattr(hitl, "upsert_hitl_detail", lambda **about: shown.append(about))
        task = request_dag.get_task("approve").prepare_for_execution()
        with pytest.raises(TaskAwaitingInput):
            task.execute({"task_instance": SimpleNamespace(id="one"), "run_id": "manual__1"})
        return shown

    return act


def test_what_is_asked_comes_from_the_program_alone(asks: Callable[[str, int], list[dict[str, Any]]]) -> None:
    (shown,) = asks(json.dumps(ASKED), 0)
    assert (shown["subject"], shown["body"]) == (ASKED["subject"], ASKED["body"])
    assert shown["assigned_users"] == ASKED["assigned_users"]
    assert shown["params"]["comment"]["description"] == ASKED["comment"]
    assert shown["options"] == ["Approve", "Reject"] and shown["defaults"] is None


def test_what_cannot_be_asked_is_told_and_not_asked_again(asks: Callable[[str, int], list[dict[str, Any]]]) -> None:
    """A version that is not as it was frozen, or a setting that names nobody: trying again changes nothing."""
    from airflow.sdk.exceptions import AirflowException, AirflowFailException

    with pytest.raises(AirflowFailException, match=r"manual__1 airflow\.api_fastapi.*SimpleAuthManager"):
        asks("", 2)
    with pytest.raises(AirflowException, match="could not be made") as again:
        asks("", 1)
    assert not isinstance(again.value, AirflowFailException)


def test_no_dag_hands_anything_on_by_xcom(bag: Any) -> None:
    """But which sources there are to fetch: each of those tasks looks whether that is the name of one."""
    handing_on = {
        (dag.dag_id, task.task_id)
        for dag in bag.dags.values()
        for task in dag.tasks
        if (task.partial_kwargs.get("do_xcom_push") if task.is_mapped else task.do_xcom_push) is not False
    }
    assert handing_on == {("send_pickup", "sources")}
    for task in (task for dag in bag.dags.values() for task in dag.tasks if not task.is_mapped):
        assert not [field for field in task.template_fields if "xcom" in str(getattr(task, field))], task.task_id
    assert list(bag.dags["annex_a_request"].get_task("approve").template_fields) == []


@pytest.fixture
def deadlines(bag: Any) -> Iterator[Callable[[dict[str, Any]], list[datetime]]]:
    """Triggers the real DAG as the server does, and gives the times of the deadlines that Airflow then holds."""
    from airflow.api.common.trigger_dag import trigger_dag
    from airflow.models import DagRun
    from airflow.models.deadline import Deadline
    from airflow.utils.session import create_session
    from airflow.utils.types import DagRunTriggeredByType
    from sqlalchemy import delete, select

    dag = bag.dags["annex_a_request"]
    make_known(dag)
    made: list[str] = []

    def trigger(conf: dict[str, Any]) -> list[datetime]:
        run_id = f"test_{len(made)}"
        made.append(run_id)
        run = trigger_dag(dag.dag_id, triggered_by=DagRunTriggeredByType.TEST, run_id=run_id, conf=conf)
        assert run
        with create_session() as session:
            found = session.scalars(
                select(Deadline.deadline_time)
                .join(DagRun, Deadline.dagrun_id == DagRun.id)
                .where(DagRun.run_id == run_id)
            )
            return sorted(found)

    yield trigger
    with create_session() as session:
        session.execute(delete(DagRun).where(DagRun.run_id.in_(made)))


@pytest.mark.parametrize(
    ("notified_on", "due"),
    [
        ("2026-11-16", "2026-11-17"),  # a Monday
        ("2026-11-20", "2026-11-23"),  # a Friday
        ("2026-03-27", "2026-03-30"),  # the clocks go forward in between
        ("2026-10-23", "2026-10-26"),  # and back
        ("2026-12-24", "2026-12-29"),  # Christmas, and Boxing Day on the Monday after
        ("2027-03-25", "2027-03-30"),  # Easter
    ],
)
def test_airflow_holds_both_deadlines(deadlines: Callable[..., list[datetime]], notified_on: str, due: str) -> None:
    eleven = datetime.fromisoformat(f"{due}T11:00").replace(tzinfo=LONDON)
    assert deadlines({"notified_on": notified_on}) == [eleven - timedelta(minutes=90), eleven]


def test_a_deadline_that_cannot_be_worked_out_is_now(
    deadlines: Callable[..., list[datetime]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inspection.clock.lists_due", lambda day: 1 / 0)
    before = datetime.now(UTC)
    early, late = deadlines(CALL)
    assert before <= late <= datetime.now(UTC)
    assert late - early == pytest.approx(timedelta(minutes=90), abs=timedelta(seconds=5))


def test_the_callback_hands_the_call_to_the_program(
    airflow: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import inspection_deadline

    heard = tmp_path / "heard"
    program = tmp_path / "program"
    program.write_text(
        f"#!{sys.executable}\nimport os, sys\nopen({str(heard)!r}, 'w').write(sys.argv[1] + ' ' + sys.argv[2] + ' ' + "
        "os.environ['SEND_REQUEST'] + ' ' + os.environ['SEND_ALERT_URL'])\n"
    )
    program.chmod(0o700)
    monkeypatch.setenv("SEND_COMMAND", str(program))
    monkeypatch.setenv("SEND_ALERT_URL", "https://alerts.invalid")
    inspection_deadline.tell("missed", {"dag_run": {"conf": CALL}})
    assert heard.read_text() == f"deadline missed {json.dumps(CALL)} https://alerts.invalid"
