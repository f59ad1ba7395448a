"""What the DAGs of this folder share: the steps of the pipeline as tasks. Not a DAG itself (.airflowignore)."""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import Asset, Param, TaskGroup

PROJECT = Path(__file__).resolve().parent.parent
SEND_READY = str(Path(sys.executable).with_name("send-ready"))
LONDON = pendulum.timezone("Europe/London")
FEEDS = sorted(path.stem for path in (PROJECT / "extract" / "contracts").glob("*__*.yml"))
AS_AT = Param(
    None,
    type=["null", "string"],
    format="date",
    title="As-at date",
    description="Build the pack of this day. Empty: the London date of the run.",
)
WAREHOUSE, PACK, POSTGRES = "serving", "out/latest", "postgres"
DEFAULT_ARGS: dict[str, Any] = {
    "owner": "SEND data team",
    "do_xcom_push": False,  # whoever may edit a task may write XComs, so nothing is handed on by them
    "retries": 2,
    "retry_delay": timedelta(minutes=1),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=10),
    "execution_timeout": timedelta(minutes=30),
}


def as_at(dag_run: Any, params: dict[str, Any]) -> str:
    """D as YYYY-MM-DD: the one that was asked for, else the London date that the run is for."""
    moment = dag_run.logical_date or dag_run.run_after
    return str(params["as_at"] or moment.astimezone(LONDON).date())


def asset(name: str) -> Asset:
    """What a step makes, by its place under SEND_HOME: for lineage, and for a council's own DAGs to start from."""
    return Asset(name=name, uri=f"file://SEND_HOME/{name}")


def landed(feed: str) -> Asset:
    """Every export of one feed."""
    return asset("landing/" + feed.replace("__", "/", 1))


def step(
    command: str,
    doc: str,
    *,
    feed: str | None = None,
    argument: str | None = None,
    env: dict[str, str] | None = None,
    task_id: str | None = None,
    operator: type[BashOperator] = BashOperator,
    **options: Any,
) -> BashOperator:
    """A task that runs one command of the pipeline, with a feed or another argument, in a process of its own.

    Values reach the shell only as environment variables, so that nothing typed into a form is code.
    SEND_COMMAND is the pipeline's program where it has an environment of its own, as in the container.
    """
    given = {"AS_AT": "{{ as_at(dag_run, params) }}", "SEND_READY": SEND_READY}
    if feed:
        given["SEND_FEED"] = argument = feed.replace("__", ".", 1)
    if argument is not None:
        given["SEND_ARGUMENT"] = argument
    return operator(
        task_id=task_id or feed or command.replace("-", "_"),
        bash_command='export SEND_RUN_ID="${SEND_RUN_ID:-$AIRFLOW_CTX_DAG_RUN_ID}"\n'
        f'exec "${{SEND_COMMAND:-$SEND_READY}}" {command}' + ("" if argument is None else ' "$SEND_ARGUMENT"'),
        env=given | (env or {}),
        append_env=True,
        cwd=str(PROJECT),
        doc_md=doc,
        **options,
    )


def read_feeds(begun: BashOperator) -> TaskGroup:
    """Land the council's own sources, then land, type and choose the file of each feed, once the run has begun.

    A source that cannot be read holds up no feed.
    """
    sources = step(
        "land-sources",
        "Lands and reads the files of the council's own sources, if it has declared any. Red: a file could not be read "
        "from the inbox; what had landed before is in use.",
    )
    with TaskGroup("read", tooltip="Land, type and choose the file of each feed") as read:
        for name in FEEDS:
            step(
                "extract",
                f"Lands what is in the inbox for `{name}` and types the file that counts on D.",
                feed=name,
                outlets=[landed(name)],
                trigger_rule="all_done_min_one_success",
            )
    begun >> sources >> read
    begun >> read
    return read


def validate_feeds(begun: BashOperator) -> BashOperator:
    """Raw rules, whatever became of a feed, once the run has begun: if it has not, there is nothing to go on with."""
    validated = step(
        "validate-feeds",
        "Great Expectations on every feed. Runs whatever became of a feed.",
        trigger_rule="all_done_min_one_success",
    )
    begun >> validated
    return validated


def build(env: dict[str, str] | None = None) -> BashOperator:
    """The warehouse of the run."""
    return step(
        "build",
        "dbt builds the warehouse of this run, in the run's own folder.",
        inlets=[landed(feed) for feed in FEEDS],
        outlets=[asset("runs")],
        env=env,
    )


def validate_lists() -> BashOperator:
    """The rules on both lists."""
    return step("validate-lists", "Great Expectations on both finished lists.")


def validate_sen2() -> BashOperator:
    """The rules on the SEN2 return."""
    return step("validate-sen2", "Great Expectations on the SEN2 return, as it would be made today.")
