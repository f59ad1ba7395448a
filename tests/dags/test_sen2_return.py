"""The DAG of a SEN2 return, run by Airflow with a stand-in for the pipeline.

Its question and its answer are those of the lists, which tests/dags/test_approval.py looks up in a true Airflow.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.dags.conftest import Night

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
