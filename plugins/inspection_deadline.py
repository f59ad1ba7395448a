"""Airflow's deadline of an inspection: when the lists of a call are due, and the callback that raises the alert.

It is a plugin because Airflow finds neither references nor callbacks in a DAG's own file.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from airflow.plugins_manager import AirflowPlugin
from airflow.sdk import (  # type: ignore[attr-defined]
    BaseDeadlineReference,
    DeadlineReference,
    deadline_reference,
)

PROJECT = Path(__file__).resolve().parent.parent


@deadline_reference(DeadlineReference.TYPES.DAGRUN_QUEUED)
@dataclass
class ListsDue(BaseDeadlineReference):  # type: ignore[misc]
    """11:00 in London on the first working day after the notification that the run was triggered with."""

    required_kwargs = {"dag_id", "run_id"}  # noqa: RUF012

    def _evaluate_with(self, *, session: Any, dag_id: str, run_id: str, **_: Any) -> datetime:
        """When the lists are due; now when that cannot be worked out, so that the deadline fires and people hear of it.

        An exception here would leave the run without a deadline, with no more than a line in a log.
        """
        try:
            from airflow.models import DagRun
            from sqlalchemy import select

            from inspection.clock import lists_due

            conf = session.scalar(select(DagRun.conf).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
            return lists_due(date.fromisoformat(conf["notified_on"]))
        except Exception:
            import logging

            logging.getLogger(__name__).exception("The deadline of %s could not be worked out: it is now", run_id)
            return datetime.now(UTC)


def tell(which: str, context: dict[str, Any]) -> None:
    """Run `send-ready deadline`, which raises the alert unless the lists are released."""
    program = os.environ.get("SEND_COMMAND") or str(Path(sys.executable).with_name("send-ready"))
    given = {"SEND_REQUEST": json.dumps(context["dag_run"]["conf"] or {})}
    subprocess.run([program, "deadline", which], cwd=PROJECT, env=os.environ | given, check=True)


class InspectionDeadline(AirflowPlugin):
    """Makes the reference known to the scheduler and the API server."""

    name = "inspection_deadline"
    deadline_references = [ListsDue]  # noqa: RUF012
