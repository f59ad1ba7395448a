"""# The nightly load

**Makes**, for one day D: the Annex A person level lists, the issues to put right and a manifest in
`out/D/`, and the published warehouse in `serving/` and, where there is one, on the council's PostgreSQL.
Exports dropped in the inbox go in; nothing is moved or changed there.

**Runs** at 02:00 in London, an hour that exists on every day of the year. D is the London date of the
run, never the clock's: a run of Monday that is cleared on Tuesday builds Monday again.

**To build a day again**, clear its run, or trigger the DAG with `as_at` set to that day. Either uses what
had landed with a data date up to that day and gives the same lists.

**Colours.** `read` and `build` to `serve` are the work: red there is a technical fault, after two
retries. `serve_postgres` is pink (skipped) where no PostgreSQL is named. `verdict` says how each feed
stands: green is fresh, or not used where a council may do without; pink is stale or never received; red is
a newest file that was refused. A verdict stops nothing; the pack says which feeds are old.
The run is green when `done` is: the pack and the warehouse are out.

**Ask** the owner of the export about a refused file (the issues workbook names them), and the SEND data
team about anything else.
"""

import pendulum
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, CronTriggerTimetable, TaskGroup
from pipeline import (
    AS_AT,
    DEFAULT_ARGS,
    FEEDS,
    LONDON,
    PACK,
    POSTGRES,
    WAREHOUSE,
    as_at,
    asset,
    build,
    read_feeds,
    step,
    validate_feeds,
    validate_lists,
    validate_sen2,
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
    params={"as_at": AS_AT},
    user_defined_macros={"as_at": as_at},
    default_args=DEFAULT_ARGS,
) as dag:
    begin = step("begin", "Makes the run's folder and notes files in the inbox that no feed recognises.")

    read = read_feeds(begin)
    validated = validate_feeds(begin)

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

    made = [asset("runs")]
    publish = step("publish", "Writes the workbooks and the manifest to `out/D/`.", inlets=made, outlets=[asset(PACK)])
    serve = step(
        "serve",
        "Replaces the published warehouse and its Parquet copy, as one.",
        inlets=made,
        outlets=[asset(WAREHOUSE)],
    )
    postgres = step(
        "serve-postgres",
        "Replaces the warehouse on the council's PostgreSQL, in one transaction. Pink: `SEND_PUBLISH_URL` names none.",
        inlets=made,
        outlets=[asset(POSTGRES)],
    )
    summary = step("summary", "Prints what the run came to: lists, feeds, issues, paths.", trigger_rule="all_done")
    done = EmptyOperator(
        task_id="done",
        doc_md="Green when the pack and the warehouse are out. It decides the run.",
        trigger_rule="none_failed",
    )

    read >> validated >> build() >> validate_lists() >> validate_sen2() >> [publish, serve, postgres] >> done
    validated >> verdict
    [verdict, publish, serve, postgres] >> summary
