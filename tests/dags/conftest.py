"""An Airflow of the tests' own, and a stand-in for the pipeline that writes down how it was called."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2]

STAND_IN = """#!{python} -IS
import fcntl, json, os, sys
here = {folder!r}
call = " ".join(sys.argv[1:])
with open(here + "/calls.jsonl", "a+") as log:
    fcntl.flock(log, fcntl.LOCK_EX)
    log.seek(0)
    before = sum(json.loads(line)["call"] == call for line in log)
    keys = ("AS_AT", "SEND_RUN_ID", "SEND_HOME", "SEND_FEED", "SEND_REQUEST", "SEND_SEN2_YEAR")
    log.write(json.dumps({{"call": call, "cwd": os.getcwd(), **{{key: os.environ.get(key) for key in keys}}}}) + "\\n")
if call == "question":
    print(open(here + "/question.json").read())
exits = json.load(open(here + "/exits.json")).get(call, [0])
sys.exit(exits[min(before, len(exits) - 1)])
"""


@dataclass
class Night:
    """One run of the DAG with the stand-in: how the run and its tasks ended, and the calls in their order."""

    state: str
    run_id: str
    tasks: dict[str, str]
    tries: dict[str, int]
    calls: list[dict[str, Any]]

    @property
    def order(self) -> list[str]:
        return [call["call"] for call in self.calls]


@pytest.fixture(scope="session")
def airflow(airflow_settings: None) -> None:
    """A migrated SQLite in a folder of its own."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture(scope="session")
def bag(airflow: None) -> Any:
    """Airflow's own reading of dags/."""
    from airflow.dag_processing.dagbag import BundleDagBag

    folder = PROJECT / "dags"
    return BundleDagBag(folder, bundle_path=folder, bundle_name="dags-folder")


@pytest.fixture
def dag(bag: Any) -> Any:
    """The nightly DAG."""
    return bag.dags["send_nightly"]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Night]:
    """Runs a DAG with the stand-in, whose exit codes are given by call, one a try (the last for all further)."""

    def run(
        dag: Any,
        exits: dict[str, list[int]] | None = None,
        conf: dict[str, Any] | None = None,
        at: datetime | None = None,
        **options: Any,
    ) -> Night:
        program = tmp_path / "a stand-in"
        program.write_text(STAND_IN.format(python=sys.executable, folder=str(tmp_path)))
        program.chmod(0o700)
        (tmp_path / "exits.json").write_text(json.dumps(exits or {}))
        monkeypatch.setenv("SEND_COMMAND", str(program))
        for task in dag.tasks:
            monkeypatch.setattr(task, "retry_delay", timedelta(0))
        made = dag.test(run_conf=conf, **({"logical_date": at, "run_after": at} if at else {}), **options)
        found = made.get_task_instances()
        log = (tmp_path / "calls.jsonl").read_text().splitlines()
        return Night(
            state=str(made.state),
            run_id=made.run_id,
            tasks={task.task_id: str(task.state) for task in found},
            tries={task.task_id: task.try_number for task in found},
            calls=[json.loads(line) for line in log],
        )

    return run


@pytest.fixture
def night(dag: Any, play: Callable[..., Night]) -> Callable[..., Night]:
    """Runs the nightly DAG with the stand-in."""
    return partial(play, dag)


def make_known(dag: Any) -> None:
    """Put a DAG into Airflow's database as its processor does, so that it can be triggered as by the server."""
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.serialization.serialized_objects import LazyDeserializedDAG
    from airflow.utils.session import create_session

    with create_session() as session:
        if not session.get(DagBundleModel, "dags-folder"):
            session.add(DagBundleModel(name="dags-folder"))
            session.flush()
        if not session.get(DagModel, dag.dag_id):
            session.add(DagModel(dag_id=dag.dag_id, bundle_name="dags-folder", is_stale=False, fileloc=dag.fileloc))
            session.flush()
        SerializedDagModel.write_dag(LazyDeserializedDAG.from_dag(dag), bundle_name="dags-folder", session=session)


@pytest.fixture
def told_afresh(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Ends with the test what a run in this process is told: Airflow keeps it in the DAG's own parameters."""

    def watch(dag: Any) -> None:
        for params in (dag.params, *(task.params for task in dag.tasks)):
            for key in params:
                monkeypatch.setattr(params.get_param(key), "value", params.get_param(key).value)

    return watch
