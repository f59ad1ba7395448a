"""What every DAG and task must have, and that the scheduler reads them in no time."""

import subprocess
import sys
from typing import Any

import pytest

from tests.dags.conftest import PROJECT

SHARED = {"pipeline", "approval_steps"}  # what DAGs import
DAGS = {path.stem for path in (PROJECT / "dags").glob("*.py")} - SHARED
NEVER_AGAIN = ("verdict.", "rejected")  # tasks that state a fact


def test_every_dag_is_read_without_error(bag: Any) -> None:
    assert bag.import_errors == {}
    assert set(bag.dags) == DAGS


def test_policy_of_dags(bag: Any) -> None:
    for name, dag in bag.dags.items():
        assert dag.tags, name
        assert dag.description, name
        assert dag.catchup is False, name
        for said in ("**Colours.**", "**Ask**"):
            assert said in dag.doc_md, f"{name} does not say: {said}"


def test_policy_of_tasks(bag: Any) -> None:
    for dag in bag.dags.values():
        for task in dag.tasks:
            assert task.owner not in ("", "airflow"), task.task_id
            assert task.doc_md, task.task_id
            if task.task_id == "approve":  # waits for a person, as long as it takes
                assert task.execution_timeout is None
                continue
            assert task.execution_timeout, task.task_id
            assert task.retries == (0 if task.task_id.startswith(NEVER_AGAIN) else 2), task.task_id


@pytest.mark.parametrize("name", sorted(DAGS))
def test_parsing_is_quick_and_imports_nothing_heavy(name: str) -> None:
    script = (
        "import importlib.util, sys, time\n"
        "import airflow.sdk, airflow.providers.standard.operators.bash, airflow.providers.standard.operators.hitl\n"
        "import airflow.plugins_manager\n"
        "sys.path += ['dags', 'plugins']\n"
        "start = time.process_time()\n"
        f"spec = importlib.util.spec_from_file_location('dag', 'dags/{name}.py')\n"
        "spec.loader.exec_module(importlib.util.module_from_spec(spec))\n"
        "heavy = {'dbt', 'duckdb', 'great_expectations', 'holidays', 'pandas', 'xlsxwriter'}\n"
        "print(time.process_time() - start, *(heavy & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, check=True, capture_output=True, text=True)
    seconds, *heavy = said.stdout.splitlines()[-1].split()  # Airflow has words of its own before
    assert heavy == []
    assert float(seconds) < 1
