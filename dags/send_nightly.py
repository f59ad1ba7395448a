"""# The nightly load

**Makes**, for one day D: the Annex A person level lists, the issues to put right and a manifest in
`out/D/`, and the published warehouse in `serving/`. Exports dropped in the inbox go in; nothing is
moved or changed there.

**Runs** at 02:00 in London, an hour that exists on every day of the year. D is the London date of the
run, never the clock's: a run of Monday that is cleared on Tuesday builds Monday again.

**To build a day again**, clear its run, or trigger the DAG with `as_at` set to that day. Either uses what
had landed with a data date up to that day and gives the same lists.

**Colours.** `read` and `build` to `serve` are the work: red there is a technical fault, after two
retries. `verdict` says how each feed stands: green is fresh, pink (skipped) is stale or never received,
red is a newest file that was refused. A verdict stops nothing; the pack says which feeds are old.
The run is green when `done` is: the pack and the warehouse are out.

**Ask** the owner of the export about a refused file (the issues workbook names them), and the SEND data
team about anything else.
"""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, CronTriggerTimetable, Param, TaskGroup

PROJECT = Path(__file__).resolve().parent.parent
LONDON = pendulum.timezone("Europe/London")
FEEDS = sorted(path.stem for path in (PROJECT / "extract" / "contracts").glob("*__*.yml"))


def as_at(dag_run: Any, params: dict[str, Any]) -> str:
    """D as YYYY-MM-DD: the one that was asked for, else the London date that the run is for."""
    moment = dag_run.logical_date or dag_run.run_after
    return str(params["as_at"] or moment.astimezone(LONDON).date())


def step(command: str, doc: str, *, feed: str | None = None, **options: Any) -> BashOperator:
    """A task that runs one command of the pipeline in a process of its own.

    Values reach the shell only as environment variables, so that nothing typed into a form is code.
    SEND_COMMAND is the pipeline's program where it has an environment of its own, as in the container.
    """
    env = {"AS_AT": "{{ as_at(dag_run, params) }}", "SEND_READY": str(Path(sys.executable).with_name("send-ready"))}
    if feed:
        env["SEND_FEED"] = feed.replace("__", ".", 1)
    return BashOperator(
        task_id=feed or command.replace("-", "_"),
        bash_command='export SEND_RUN_ID="${SEND_RUN_ID:-$AIRFLOW_CTX_DAG_RUN_ID}"\n'
        f'exec "${{SEND_COMMAND:-$SEND_READY}}" {command}' + (' "$SEND_FEED"' if feed else ""),
        env=env,
        append_env=True,
        cwd=str(PROJECT),
        do_xcom_push=False,
        doc_md=doc,
        **options,
    )


with DAG(
    "send_nightly",
    description="Exports in, Annex A lists, issues and warehouse out",
    doc_md=__doc__,
    schedule=CronTriggerTimetable("0 2 * * *", timezone=LONDON),
    start_date=pendulum.datetime(2026, 1, 1, tz=LONDON),
    catchup=False,
    max_active_runs=1,  # two runs would land the same files at once
    max_active_tasks=4,
    tags=["send", "annex-a", "nightly"],
    params={
        "as_at": Param(
            None,
            type=["null", "string"],
            format="date",
            title="As-at date",
            description="Build the pack of this day. Empty: the London date of the run.",
        )
    },
    user_defined_macros={"as_at": as_at},
    default_args={
        "owner": "SEND data team",
        "retries": 2,
        "retry_delay": timedelta(minutes=1),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": timedelta(minutes=10),
        "execution_timeout": timedelta(minutes=30),
    },
) as dag:
    begin = step("begin", "Makes the run's folder and notes files in the inbox that no feed recognises.")

    with TaskGroup("read", tooltip="Land, type and choose the file of each feed") as read:
        for name in FEEDS:
            step("extract", f"Lands what is in the inbox for `{name}` and types the file that counts on D.", feed=name)

    validate_feeds = step(
        "validate-feeds", "Great Expectations on every feed. Runs whatever became of a feed.", trigger_rule="all_done"
    )

    with TaskGroup("verdict", tooltip="Green fresh, pink stale or missing, red refused") as verdict:
        for name in FEEDS:
            step(
                "verdict",
                f"Green: `{name}` is fresh. Pink: stale or never received. Red: its newest file was refused; "
                "the manifest and the issues say why. Nothing else waits for this.",
                feed=name,
                retries=0,
                trigger_rule="all_done",
            )

    build = step("build", "dbt builds the warehouse of this run, in the run's own folder.")
    validate_lists = step("validate-lists", "Great Expectations on both finished lists.")
    publish = step("publish", "Writes the workbooks and the manifest to `out/D/`.")
    serve = step("serve", "Replaces the published warehouse and its Parquet copy, as one.")
    summary = step("summary", "Prints what the run came to: lists, feeds, issues, paths.", trigger_rule="all_done")
    done = EmptyOperator(task_id="done", doc_md="Green when the pack and the warehouse are out. It decides the run.")

    begin >> read >> validate_feeds >> build >> validate_lists >> [publish, serve] >> done
    validate_feeds >> verdict
    [verdict, publish, serve] >> summary
