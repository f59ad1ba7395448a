"""# What comes by itself

**Fetches** what `SEND_CONFIG/pickup.yml` names, each source by itself, from where it is exported to (SFTP, HTTPS, an
S3-like store, another folder, a query on a database), into a folder of the inbox that has the source's name.

**Runs** at 00:30 in London, before the night. The night does not wait for it, and goes on whatever comes of it: what
comes too late is in the next one. Trigger it at any time; what came before does not come again.

**Credentials** of a source `tracker` stand in the Airflow connection `send_pickup_tracker` (login, password; in the
extra `token`, `key_file`, `key_passphrase`, `url`), or in the environment as `SEND_PICKUP_TRACKER_USER`, `_PASSWORD`
and so on. They are handed to the one task that needs them, and to no XCom.

**Colours.** Pink: pickup.yml names nothing. Red: something was not fetched, and the log says what to do; what can pass
was tried three times, and what cannot, such as a wrong password, once. The other sources are fetched all the same.

**Ask** whoever runs the server in question; the SEND data team about anything else.
"""

import json
import re
from datetime import timedelta
from typing import Any, cast

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Connection, CronTriggerTimetable
from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException, AirflowSkipException
from pipeline import AS_AT, DEFAULT_ARGS, LONDON, as_at, step

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")  # of a source
REFUSED = 3  # exit status of what another try does not help
EXTRA = ("token", "url", "key_file", "key_passphrase")  # of a connection


class Names(BashOperator):
    """The names of the sources, for the tasks after it. Nothing but names: an XCom can be read and written by many."""

    def execute(self, context: Any) -> list[str]:
        """What the last line of the command's output says in JSON."""
        return list(json.loads(super().execute(context)))


class Pickup(BashOperator):
    """Fetches one source. Its credentials go from the connection into the environment of the step, and nowhere else."""

    def __init__(self, *, source: str, **options: Any) -> None:
        super().__init__(**options)
        self.source = source

    def get_env(self, context: Any) -> dict[str, str]:
        """The step's environment. A name that is none is somebody's own XCom."""
        if not (isinstance(self.source, str) and NAME.fullmatch(self.source)):
            raise AirflowFailException("This is not the name of a source. Clear the task `sources`.")
        env: dict[str, str] = super().get_env(context)
        return env | credentials(self.source) | {"SEND_ARGUMENT": self.source}

    def execute(self, context: Any) -> None:
        """Fetch. What another try does not help is not tried again."""
        try:
            super().execute(context)
        except AirflowSkipException:
            raise AirflowFailException("See above what to do. Another try would not help, and is not made.") from None


def credentials(source: str) -> dict[str, str]:
    """What the connection of a source holds, as the environment variables that the step reads; empty without one."""
    try:
        found = Connection.get(f"send_pickup_{source}")
    except AirflowNotFoundException:
        return {}
    held = {"user": found.login, "password": found.password}
    extra = found.extra_dejson
    held |= {name: extra.get(name) for name in EXTRA}
    return {f"SEND_PICKUP_{source.upper()}_{name.upper()}": str(value) for name, value in held.items() if value}


with DAG(
    "send_pickup",
    description="Exports that come by themselves, into the inbox before the night",
    doc_md=__doc__,
    schedule=CronTriggerTimetable("30 0 * * *", timezone=LONDON),
    start_date=pendulum.datetime(2026, 1, 1, tz=LONDON),
    catchup=False,
    max_active_runs=1,
    max_active_tasks=4,
    tags=["send", "pickup"],
    params={"as_at": AS_AT},
    user_defined_macros={"as_at": as_at},
    default_args=DEFAULT_ARGS,
) as dag:
    sources = step(
        "pickup",
        "Which sources pickup.yml names.",
        argument="--names",
        task_id="sources",
        operator=Names,
        do_xcom_push=True,
    )
    fetched = step(
        "pickup",
        "Fetches what is new at one source. Nothing else waits for it.",
        argument="",
        operator=cast(Any, Pickup.partial),
        skip_on_exit_code=[REFUSED],
        execution_timeout=timedelta(hours=1),
        map_index_template="{{ task.source }}",
    )
    cast(Any, fetched).expand(source=sources.output)
