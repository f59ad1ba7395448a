"""# The board's edition

**Makes**, once a month, what the SEND board gets: `readiness.html` and `kpi.xlsx` as at the end of the month before,
frozen under `out/board/<month>/`, and beside them `public/`, the edition for published board papers, in which small
numbers are withheld.

**Runs** at 06:00 in London from Monday to Friday, and goes on only on the working day of the month that
`SEND_BOARD_WORKING_DAY` names (the fifth, unless it says otherwise); on all others `chosen_day` is pink, and all
after it.

**To make one on another day**, trigger it; with `as_at`, as at that day. An edition that is frozen stays: move its
folder away to make it anew.

**Colours.** Pink: not today. Red is a technical fault, after two retries; or nobody is on either list at the end of
that month, as in the first month of an installation.

**Ask** the data team.
"""

from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import DAG, CronTriggerTimetable
from pipeline import AS_AT, DEFAULT_ARGS, LONDON, build, read_feeds, step, validate_feeds, validate_lists


def day_of(dag_run: Any) -> Any:
    """The London date that the run is for."""
    return (dag_run.logical_date or dag_run.run_after).astimezone(LONDON).date()


def month_end(dag_run: Any, params: dict[str, Any]) -> str:
    """D as YYYY-MM-DD: the one that was asked for, else the last day of the month before the run's."""
    return str(params["as_at"] or day_of(dag_run).replace(day=1) - timedelta(days=1))


def asked_day(dag_run: Any) -> str:
    """The day to be judged; empty for a run that somebody triggered, which goes on whatever day it is."""
    return "" if dag_run.run_type == "manual" else str(day_of(dag_run))


with DAG(
    "send_board",
    description="The SEND board's edition of last month, internal and public, frozen on a chosen working day",
    doc_md=__doc__,
    schedule=CronTriggerTimetable("0 6 * * 1-5", timezone=LONDON),
    start_date=pendulum.datetime(2026, 1, 1, tz=LONDON),
    catchup=False,
    max_active_runs=1,
    max_active_tasks=4,
    tags=["send", "kpi", "board"],
    params={"as_at": AS_AT},
    user_defined_macros={"as_at": month_end, "asked_day": asked_day},
    default_args=DEFAULT_ARGS,
) as dag:
    chosen_day = step(
        "chosen-day",
        "Pink, and all after it, unless this is the month's chosen working day or somebody triggered the run.",
        argument="{{ asked_day(dag_run) }}",
    )
    begin = step("begin", "Makes the run's folder and notes files in the inbox that no feed recognises.")
    board = step("board", "Freezes the edition, internal and public, under `out/board/`.")

    chosen_day >> begin
    read_feeds(begin) >> validate_feeds(begin) >> build() >> validate_lists() >> board
