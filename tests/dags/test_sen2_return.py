"""The DAG of a SEN2 return, run by Airflow with a stand-in for the pipeline.

Its question and its answer are those of the lists; what all can go wrong with them is in tests/dags/test_approval.py.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from inspection import approval, sealed, sign_off
from inspection.call import Version, register_return
from inspection.freeze import seal_folder
from inspection.sen2_return import Return
from inspection.verify import verify
from send_ready import confined, files, settings
from send_ready.runs import Run, RunError
from tests.dags.conftest import Night, make_known

Play = Callable[..., Night]
READ_AND_APPROVED = r"read\..*|approve"  # count as done where it is about other steps: each task costs a Python


@pytest.fixture
def return_dag(bag: Any, told_afresh: Callable[[Any], None]) -> Any:
    """What it is told ends with the test."""
    dag = bag.dags["sen2_return"]
    told_afresh(dag)
    return dag


def test_the_return_is_built_checked_and_frozen_and_a_person_comes_before_release(return_dag: Any, play: Play) -> None:
    done = play(return_dag, conf={"year": 2027, "as_at": "2027-02-01"}, mark_success_pattern=READ_AND_APPROVED)

    assert (done.state, done.tasks["released"], done.tasks["rejected"]) == ("success", "success", "skipped")
    assert done.order[0] == "request-return"
    assert done.order[-5:] == ["validate-feeds", "build", "validate-sen2", "freeze", "release"]
    told = json.loads(done.calls[0]["SEND_REQUEST"])
    assert (told["year"], told["as_at"], told["rehearsal"]) == (2027, "2027-02-01", False)
    years = {call["call"]: call["SEND_SEN2_YEAR"] for call in done.calls}
    assert (years["build"], years["freeze"]) == ("2027", None)
    assert {call["AS_AT"] for call in done.calls} == {"2027-02-01"}
    assert return_dag.get_task("release").upstream_task_ids == {"approve"}


def test_a_rejection_does_not_look_done(return_dag: Any, play: Play) -> None:
    done = play(return_dag, {"release": [99]}, conf={}, mark_success_pattern=READ_AND_APPROVED)
    assert (done.tasks["release"], done.tasks["rejected"], done.tasks["released"]) == ("skipped", "failed", "skipped")
    assert done.state == "failed"
    assert {call["SEND_SEN2_YEAR"] for call in done.calls if call["call"] == "build"} == {""}


@pytest.mark.parametrize("conf", [{"year": "2027"}, {"year": 2019}, {"year": 20270}, {"rehearsal": "perhaps"}])
def test_what_cannot_be_is_refused_before_there_is_a_run(return_dag: Any, conf: dict[str, Any]) -> None:
    from airflow.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        for name, value in conf.items():
            return_dag.params.get_param(name).resolve(value)


AT = datetime(2027, 2, 1, 9, 58, tzinfo=UTC)
RUN = "manual__2027-02-01T09:00:00+00:00"


def frozen_return(home: Path) -> Version:
    """A frozen version of the return of 2027, of one file and its brief."""
    run = Run(home, "manual__2027-02-01T09-00-00-00-00", date(2027, 2, 1), "999")
    wanted = Return(home, 2027, date(2027, 1, 21), date(2027, 3, 11))
    made = register_return(run, wanted, AT - timedelta(hours=1))
    made.folder.mkdir()
    for name in ("SEN2_2027_999_001.xml", "brief.md"):
        files.write_bytes(made.folder / name, b"1 plan")
    about = {"as_at": "2027-02-01", "la_code": "999", "council": "Sampleshire", "run_id": run.run_id, "inputs": []}
    of_return = {"return": {"serial": 1, "is_draft": False}, "to_send": ["SEN2_2027_999_001.xml"]}
    manifest = {**about, **of_return, "request": made.manifest_facts()}
    seal_folder(made.folder, manifest, sealed.facts_of_call(made.folder.parent, 1))
    return made


@pytest.fixture
def answered(bag: Any) -> Iterator[Callable[[str, Version], None]]:
    """Has Airflow keep the question about a return and its answer in a run of a DAG, as its own API does."""
    from airflow.api.common.trigger_dag import trigger_dag
    from airflow.models import DagRun, TaskInstance
    from airflow.models.hitl import HITLDetail
    from airflow.utils.session import create_session
    from airflow.utils.types import DagRunTriggeredByType
    from sqlalchemy import delete, select

    def answer(dag_id: str, about: Version) -> None:
        make_known(bag.dags[dag_id])
        conf = {"notified_on": "2026-11-16"} if dag_id == "annex_a_request" else {"year": 2027}
        trigger_dag(dag_id, triggered_by=DagRunTriggeredByType.TEST, run_id=RUN, conf=conf)
        asked = approval.question_about(about)
        of_task = (TaskInstance.run_id == RUN, TaskInstance.task_id == "approve", TaskInstance.dag_id == dag_id)
        with create_session() as session:
            session.add(
                HITLDetail(
                    ti_id=session.scalars(select(TaskInstance.id).where(*of_task)).one(),
                    options=["Approve", "Reject"],
                    subject=asked.subject,
                    body=asked.body,
                    params={"comment": {"value": None, "schema": {}, "description": asked.comment}},
                    responded_at=AT,
                    responded_by={"id": "amina", "name": "amina"},
                    chosen_options=["Approve"],
                    params_input={"comment": "Cleared in COLLECT"},
                )
            )

    yield answer
    with create_session() as session:
        session.execute(delete(DagRun).where(DagRun.run_id == RUN))


@pytest.mark.parametrize("dag_id", ["sen2_return", "annex_a_request"])
def test_who_approved_is_what_airflow_recorded_in_this_dag_and_in_no_other(
    dag_id: str, answered: Callable[[str, Version], None], tmp_path: Path
) -> None:
    from airflow.configuration import conf

    made = frozen_return(tmp_path)
    url = str(conf.get("database", "sql_alchemy_conn"))
    given = replace(settings.load({"SEND_HOME": str(tmp_path)}), run_id=RUN, approvers=("amina",), airflow_database=url)
    answered(dag_id, made)
    decision = approval.decision_in_airflow(given, made)
    if dag_id == "sen2_return":
        assert decision and (decision.by, decision.comment) == ("amina", "Cleared in COLLECT")
        receipt = sign_off.sign_off(given, made, decision, AT)
        assert receipt and receipt["decision"]["airflow_run_id"] == RUN
        assert verify(made.request.root) == []
    else:
        assert decision is None
        with pytest.raises(RunError, match="Nobody has approved version 1 of 2027"):
            sign_off.sign_off(given, made, None, AT)
    confined.remove_tree(tmp_path / "out")
