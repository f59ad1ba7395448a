"""Reads Airflow's database: runs of the inspection's DAG, the answer of an approver, the scheduler's health.

It never writes there, and does not import Airflow.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from inspection.call import parameters_from_json
from inspection.notification import Request
from send_ready.home import AIRFLOW
from send_ready.runs import RunError
from send_ready.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Engine, TableClause

DAG, APPROVE = Request.DAG, "approve"  # and the task of each DAG with approval that waits for a person
DEADLINES = 2  # of each run: the early warning, and the deadline itself
SINCE = timedelta(days=7)  # the lists of a call are due within six days, also at Christmas and Easter
PATIENCE = 5  # seconds for a connection, and for an answer


class Unreachable(RuntimeError):
    """Airflow's database gives no usable answer. The text names the kind of fault, and no address or password."""


@dataclass(frozen=True)
class DagRun:
    """One run of the DAG. `number` is its ID in Airflow's database; `request` is None for unusable parameters."""

    number: int
    run_id: str
    state: str
    begun_at: datetime  # when it was queued, or, once it runs, started; aware
    request: Request | None
    deadlines: int


def database_url(settings: Settings) -> str | None:
    """The address of Airflow's database: the configured one, else that of `make airflow` if there is one, else None."""
    own = settings.home / AIRFLOW / "server" / "airflow.db"
    return settings.airflow_database or (f"sqlite:///{own}" if own.exists() else None)


def recent_runs(url: str, home: Path, now: datetime) -> list[DagRun]:
    """The runs of the inspection's DAG in the last seven days, oldest first. Raises Unreachable."""
    try:
        return [_dag_run(row, home) for row in _recent_rows(url, now)]
    except Exception as error:  # of the address, the driver, the network, the server, the tables
        raise Unreachable(type(error).__name__) from None


@dataclass(frozen=True)
class Health:
    """When the scheduler last gave a sign of life, and whether the DAG is paused."""

    heard_at: datetime | None  # aware
    is_paused: bool | None  # None: Airflow does not know the DAG yet


def health(url: str, dag_id: str) -> Health:
    """The health of Airflow's scheduler and of one DAG. Raises Unreachable."""
    try:
        return _health(url, dag_id)
    except Exception as error:  # as above
        raise Unreachable(type(error).__name__) from None


def _health(url: str, dag_id: str) -> Health:
    import sqlalchemy as sql

    heartbeat = sql.column("latest_heartbeat", sql.DateTime(timezone=True))
    job, dag = sql.table("job", sql.column("job_type"), heartbeat), sql.table("dag", sql.column("dag_id"))
    engine = _engine(url)
    try:
        with engine.connect() as connection:
            scheduler = job.c.job_type == "SchedulerJob"
            heard = connection.scalar(sql.select(sql.func.max(heartbeat)).select_from(job).where(scheduler))
            paused = sql.select(sql.column("is_paused", sql.Boolean)).select_from(dag).where(dag.c.dag_id == dag_id)
            return Health(heard and _aware(heard), connection.scalar(paused))
    finally:
        engine.dispose()


@dataclass(frozen=True)
class Question:
    """The question that a run put to its approver, and the answer; Airflow notes who gave it from the sign-in."""

    subject: str
    body: str
    options: Any
    params: Any
    responded_at: datetime | None  # aware; None: nobody has answered
    responded_by: Any  # {"id": …, "name": …}; None: nobody did, as after a time-out
    chosen_options: Any
    params_input: Any


def question_of_run(url: str, dag_id: str, run_id: str) -> Question | None:
    """The approver's question of a DAG's run, with the answer so far; None when it was never put. Raises Unreachable.

    Airflow's API cannot change the question, nor who answered; it can write the answer, once.
    """
    try:
        return _read_question(url, dag_id, run_id)
    except Exception as error:  # as above
        raise Unreachable(type(error).__name__) from None


def _read_question(url: str, dag_id: str, run_id: str) -> Question | None:
    import sqlalchemy as sql

    moment = sql.DateTime(timezone=True)
    detail = sql.table(
        "hitl_detail",
        *(sql.column(name) for name in ("ti_id", "subject", "body")),
        *(sql.column(name, sql.JSON) for name in ("options", "params", "responded_by", "chosen_options")),
        sql.column("params_input", sql.JSON),
        sql.column("responded_at", moment),
    )
    task, before = _tasks("task_instance", "id"), _tasks("task_instance_history", "task_instance_id")
    answered = sql.table("hitl_detail_history", sql.column("ti_history_id"), sql.column("responded_at", moment))
    of_before = answered.c.ti_history_id == before.c.task_instance_id
    # Airflow keeps an answer for the next try of the task: whoever cleared the task withdrew the answer.
    taken_back = (
        sql.select(sql.func.count())
        .select_from(answered.join(before, of_before))
        .where(_is_approval(before, dag_id, run_id) & (answered.c.responded_at == detail.c.responded_at))
        .scalar_subquery()
    )
    with_answer = (
        sql.select(detail, taken_back.label("taken_back"))
        .join_from(detail, task, detail.c.ti_id == task.c.id)
        .where(_is_approval(task, dag_id, run_id))
    )
    engine = _engine(url)
    try:
        with engine.connect() as connection:
            row = connection.execute(with_answer).one_or_none()
    finally:
        engine.dispose()
    if not row:
        return None
    return Question(
        row.subject,
        row.body or "",
        row.options,
        row.params,
        _aware(row.responded_at) if row.responded_at and not row.taken_back else None,
        row.responded_by,
        row.chosen_options,
        row.params_input,
    )


def _tasks(name: str, key: str) -> "TableClause":
    import sqlalchemy as sql

    found = sql.table(name)
    for column in (key, "dag_id", "run_id", "task_id", "map_index"):
        found.append_column(sql.column(column))
    return found


def _is_approval(task: "TableClause", dag_id: str, run_id: str) -> "ColumnElement[bool]":
    of_run = (task.c.dag_id == dag_id) & (task.c.run_id == run_id)
    return of_run & (task.c.task_id == APPROVE) & (task.c.map_index == -1)


def fab_ids(url: str, names: Sequence[str]) -> dict[str, str]:
    """The IDs of active users of Airflow's FAB sign-in, by user name. Raises Unreachable."""
    try:
        return _fab_ids(url, names)
    except Exception as error:  # as above
        raise Unreachable(type(error).__name__) from None


def _fab_ids(url: str, names: Sequence[str]) -> dict[str, str]:
    import sqlalchemy as sql

    user = sql.table("ab_user", sql.column("id"), sql.column("username"), sql.column("active", sql.Boolean))
    engine = _engine(url)
    try:
        with engine.connect() as connection:
            found = connection.execute(sql.select(user).where(user.c.username.in_(names) & user.c.active))
            return {row.username: str(row.id) for row in found}
    finally:
        engine.dispose()


def _aware(moment: datetime) -> datetime:
    """The moment with its time zone: SQLite keeps UTC without one."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _recent_rows(url: str, now: datetime) -> list[Any]:
    import sqlalchemy as sql

    run = sql.table(
        "dag_run",
        *(sql.column(name) for name in ("id", "run_id", "dag_id", "state")),
        sql.column("conf", sql.JSON),
        *(sql.column(name, sql.DateTime(timezone=True)) for name in ("run_after", "queued_at", "start_date")),
    )
    deadline = sql.table("deadline", sql.column("dagrun_id"))
    held = sql.select(sql.func.count()).where(deadline.c.dagrun_id == run.c.id).scalar_subquery()
    is_recent = (run.c.dag_id == DAG) & (run.c.run_after >= now.astimezone(UTC) - SINCE)
    engine = _engine(url)
    try:
        with engine.connect() as connection:
            chosen = sql.select(run, held.label("deadlines")).where(is_recent).order_by(run.c.id)
            return list(connection.execute(chosen))
    finally:
        engine.dispose()


def _engine(url: str) -> "Engine":
    import sqlalchemy as sql

    address = sql.make_url(url)
    if address.get_backend_name() == "sqlite":
        file = f"file:{quote(address.database or '')}"
        read_only = sql.URL.create("sqlite", database=file, query={"mode": "ro", "uri": "true"})
        return sql.create_engine(read_only, connect_args={"timeout": PATIENCE})
    if address.get_backend_name() == "postgresql":
        address = address.set(drivername="postgresql+psycopg2")  # the one that is locked here, whichever Airflow uses
    patience = {"connect_timeout": PATIENCE, "options": f"-c statement_timeout={PATIENCE}s"}
    return sql.create_engine(address, connect_args=patience, execution_options={"postgresql_readonly": True})


def _dag_run(row: Any, home: Path) -> DagRun:
    begun = row.queued_at if row.state == "queued" else row.start_date
    at = _aware(begun or row.queued_at or row.run_after)
    return DagRun(row.id, row.run_id, row.state, at, _request_of(row.conf, home), row.deadlines)


def _request_of(conf: Any, home: Path) -> Request | None:
    try:
        return parameters_from_json(json.dumps(conf)).request(home)
    except RunError:  # also of a kind that there is not
        return None
