"""Runs the DAG once, in this process, and writes down what became of every task. Started by night.py.

usage: python -m send_ready.dag_once AS_AT REPORT
"""

import sys
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

from send_ready import files
from send_ready.settings import PROJECT


def main(as_at: str, report: Path) -> None:
    """Run send_nightly for one date; the report says how each task ended and how long it took."""
    import httpx
    from airflow.configuration import get_airflow_home
    from airflow.dag_processing.dagbag import BundleDagBag
    from airflow.sdk.execution_time.supervisor import in_process_api_server

    _migrate(Path(get_airflow_home()))
    bag = BundleDagBag(PROJECT / "dags", bundle_path=PROJECT / "dags", bundle_name="dags-folder")
    if bag.import_errors:
        raise SystemExit("\n".join(bag.import_errors.values()))
    dag = bag.dags["send_nightly"]
    for task in dag.tasks:
        task.retry_delay = timedelta(seconds=1)  # somebody is waiting at a prompt
    # What tasks talk to takes seconds to answer for the first time: here, so that no step is charged for it.
    httpx.Client(transport=in_process_api_server().transport, base_url="http://in-process").get("/health")
    run = dag.test(run_conf={"as_at": as_at})
    tasks = sorted(run.get_task_instances(), key=lambda task: (task.start_date is None, task.start_date))
    files.write_json(
        report,
        {
            "state": run.state,
            "tasks": [
                {
                    "task": task.task_id,
                    "state": task.state,
                    "tries": task.try_number,
                    "seconds": round(task.duration or 0.0, 3),
                }
                for task in tasks
            ],
        },
    )


def _migrate(home: Path) -> None:
    """Bring Airflow's SQLite up to date, once for each version of Airflow."""
    stamp = home / "migrated"
    wanted = version("apache-airflow")
    if not stamp.exists() or stamp.read_text() != wanted:
        from airflow.utils.db import initdb

        initdb()
        files.write_bytes(stamp, wanted.encode())


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
