"""The DAG of what comes by itself: a task a source, their credentials for themselves, and none for the night."""

import json
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

STAND_IN = """#!{python} -IS
import fcntl, json, os, sys
here = {folder!r}
with open(here + "/calls.jsonl", "a") as log:
    fcntl.flock(log, fcntl.LOCK_EX)
    given = {{key: value for key, value in os.environ.items() if key.startswith("SEND_PICKUP_")}}
    log.write(json.dumps({{"call": sys.argv[1:], "given": given, "as_at": os.environ["AS_AT"]}}) + "\\n")
if sys.argv[1:] == ["pickup", "--names"]:
    print("reading the configuration")
    print(open(here + "/names.json").read())
elif os.path.exists(here + "/exits.json"):
    sys.exit(json.load(open(here + "/exits.json")).get(sys.argv[2], 0))
"""


@pytest.fixture
def picked_up(bag: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Runs the DAG: gives the run, and the calls by source."""

    def run(names: Any, exits: dict[str, int] | None = None) -> tuple[Any, dict[str, list[dict[str, Any]]]]:
        program, dag = tmp_path / "a stand-in", bag.dags["send_pickup"]
        program.write_text(STAND_IN.format(python=sys.executable, folder=str(tmp_path)))
        program.chmod(0o700)
        (tmp_path / "names.json").write_text(json.dumps(names))
        (tmp_path / "exits.json").write_text(json.dumps(exits or {}))
        monkeypatch.setenv("SEND_COMMAND", str(program))
        for task in dag.tasks:
            if not task.is_mapped:
                monkeypatch.setattr(task, "retry_delay", timedelta(0))
        monkeypatch.setitem(dag.task_dict["pickup"].partial_kwargs, "retry_delay", timedelta(0))
        made = dag.test()
        calls: dict[str, list[dict[str, Any]]] = {}
        for line in (tmp_path / "calls.jsonl").read_text().splitlines():
            call = json.loads(line)
            calls.setdefault(call["call"][1], []).append(call)
        return made, calls

    return run


def states(made: Any) -> dict[int, str]:
    return {each.map_index: str(each.state) for each in made.get_task_instances() if each.task_id == "pickup"}


def test_each_source_has_its_own_credentials_and_its_own_end(
    picked_up: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.models.connection import Connection
    from airflow.models.renderedtifields import RenderedTaskInstanceFields
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    secret = {"conn_type": "sftp", "login": "send", "password": "p@ss", "extra": {"key_file": "/k", "other": "x"}}
    monkeypatch.setenv("AIRFLOW_CONN_SEND_PICKUP_TRACKER", json.dumps(secret))
    with create_session() as session:  # as somebody adds one on Airflow's page
        session.add(Connection(conn_id="send_pickup_one", conn_type="generic", login="reader", password="p@ss2"))
    made, calls = picked_up(["tracker", "gias", "one"], {"gias": 3, "one": 1})
    assert states(made) == {0: "success", 1: "failed", 2: "failed"}
    assert {name: len(made) for name, made in calls.items()} == {"--names": 1, "tracker": 1, "gias": 1, "one": 3}
    assert calls["tracker"][0]["given"] == {
        "SEND_PICKUP_TRACKER_USER": "send",
        "SEND_PICKUP_TRACKER_PASSWORD": "p@ss",
        "SEND_PICKUP_TRACKER_KEY_FILE": "/k",
    }
    assert calls["one"][0]["given"] == {"SEND_PICKUP_ONE_USER": "reader", "SEND_PICKUP_ONE_PASSWORD": "p@ss2"}
    assert calls["gias"][0]["given"] == {} and calls["--names"][0]["given"] == {}
    assert len(calls["tracker"][0]["as_at"]) == 10
    with create_session() as session:
        kept = [str(each.value) for each in session.query(XComModel).filter(XComModel.run_id == made.run_id)]
        kept += [str(each.rendered_fields) for each in session.query(RenderedTaskInstanceFields)]
    assert kept and not any("p@ss" in each for each in kept)


def test_without_sources_nothing_is_red(picked_up: Callable[..., Any]) -> None:
    made, calls = picked_up([])
    assert list(calls) == ["--names"]
    assert str(made.state) == "success" and set(states(made).values()) <= {"skipped"}


def test_a_name_of_somebodys_own_is_none(picked_up: Callable[..., Any]) -> None:
    """Whoever may write XComs may write this one."""
    made, calls = picked_up(["--again", "{{ conn.x }}", "tracker; id"])
    assert list(calls) == ["--names"]
    assert set(states(made).values()) == {"failed"}


def test_it_comes_before_the_night(bag: Any) -> None:
    assert bag.dags["send_pickup"].timetable.expression == "30 0 * * *"
    assert bag.dags["send_nightly"].timetable.expression == "0 2 * * *"
