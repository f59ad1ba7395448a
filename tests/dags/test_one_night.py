"""The nightly DAG run by Airflow, with a stand-in for the pipeline."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.dags.conftest import PROJECT, Night

MONDAY = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)
Run = Callable[..., Night]
READ = r"(read|verdict)\..*"  # counts as done where it is about other steps: each task costs a Python


def test_a_night_with_bad_feeds_and_without_a_postgresql_still_makes_the_pack(night: Run) -> None:
    done = night(
        {
            "verdict capita_one.students": [1],
            "verdict gias.establishments": [99],
            "extract capita_one.exclusions": [1, 0],
            "extract ehc_hub.advice": [1],
            "land-sources": [1],
            "serve-postgres": [99],
        },
        at=MONDAY,
    )

    assert done.state == "success"
    assert done.tasks["verdict.capita_one__students"] == "failed"
    assert done.tasks["verdict.gias__establishments"] == "skipped"
    assert done.tasks["verdict.capita_one__ehc_plans"] == "success"
    assert done.tries["verdict.capita_one__students"] == 1
    assert (done.tasks["read.capita_one__exclusions"], done.tries["read.capita_one__exclusions"]) == ("success", 2)
    assert (done.tasks["read.ehc_hub__advice"], done.tries["read.ehc_hub__advice"]) == ("failed", 3)
    assert (done.tasks["land_sources"], done.tries["land_sources"]) == ("failed", 3)  # which holds up no feed
    assert done.tasks["read.capita_one__students"] == "success"
    assert done.tasks["serve_postgres"] == "skipped"
    for task in ("build", "validate_lists", "publish", "serve", "summary", "done"):
        assert (done.tasks[task], done.tries[task]) == ("success", 1)

    order = done.order
    assert order[:4] == ["begin", *["land-sources"] * 3]
    assert order[-1] == "summary"
    last_read = max(at for at, call in enumerate(order) if call.startswith("extract "))
    first_verdict = min(at for at, call in enumerate(order) if call.startswith("verdict "))
    assert last_read < order.index("validate-feeds") < first_verdict
    chain = [order.index(call) for call in ("validate-feeds", "build", "validate-lists", "validate-sen2", "publish")]
    assert chain == sorted(chain)
    assert order.index("serve") > order.index("validate-lists")

    assert {call["AS_AT"] for call in done.calls} == {"2026-11-16"}
    assert {call["SEND_RUN_ID"] for call in done.calls} == {done.run_id}
    assert {call["cwd"] for call in done.calls} == {str(PROJECT)}


def test_without_a_pack_the_run_fails(night: Run) -> None:
    done = night({"build": [1]}, conf={"as_at": "2026-09-01"}, mark_success_pattern=READ)

    assert done.state == "failed"
    assert (done.tasks["build"], done.tries["build"]) == ("failed", 3)
    assert {done.tasks[task] for task in ("validate_lists", "publish", "serve", "done")} == {"upstream_failed"}
    assert done.tasks["summary"] == "success"
    assert {call["AS_AT"] for call in done.calls} == {"2026-09-01"}


@pytest.mark.parametrize("step", ["serve", "serve-postgres"])
def test_a_warehouse_that_is_not_served_is_seen_but_does_not_hold_the_pack_back(night: Run, step: str) -> None:
    done = night({step: [1]}, mark_success_pattern=READ)

    ended = {"publish": "success", "serve": "success", "serve_postgres": "success", step.replace("-", "_"): "failed"}
    assert {task: done.tasks[task] for task in ended} == ended
    assert done.state == "failed"
