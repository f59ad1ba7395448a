"""The embedded Airflow: where it keeps its state, and the environment that makes it quiet, local and private.

The team server is configured by docker-compose.yml instead.
"""

import os
import shlex
import sys
from pathlib import Path

from send_ready import files
from send_ready.home import AIRFLOW
from send_ready.settings import PROJECT, Settings, SettingsError

USERS = "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"
PORT = 8080  # of the web page, on this machine only
# Its processes share one SQLite, which takes one writer at a time: who approves is not to be told of a lock.
PATIENCE = "?timeout=60"  # seconds
# The page's process alone has less: Airflow writes its audit log in the loop that serves all requests, so that one that
# waits for the lock keeps the one that holds it from ending, and after that time the scheduler gives up.
PATIENCE_OF_PAGE = "?timeout=5"
# `airflow standalone` starts its parts by the name `airflow`. Two of them would also serve logs, on every address of
# the machine, for which Airflow has no setting; the page reads the logs as files.
PART = """#!/bin/sh
case "$1" in
    scheduler | triggerer) set -- "$@" --skip-serve-logs ;;
    api-server) export {database} ;;
esac
exec {airflow} "$@"
"""
DATABASE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"


def approvers(given: Settings) -> tuple[str, ...]:
    """The users of this Airflow who may release: those of SEND_APPROVERS, else every `admin`.

    Raises SettingsError when SEND_APPROVERS names somebody who cannot sign in here, or may only look.
    """
    users = os.environ.get(USERS) or "admin:admin"  # as Airflow has it when nobody is named
    roles = {name.strip(): role.strip().lower() for name, _, role in (user.partition(":") for user in users.split(","))}
    if wrong := [name for name in given.approvers if roles.get(name, "viewer") == "viewer"]:
        raise SettingsError(
            f"SEND_APPROVERS names {wrong[0]}, who cannot answer here. Name users of {USERS} with the role user, op or "
            f"admin; it has {users}."
        )
    return given.approvers or tuple(name for name, role in roles.items() if role == "admin")


def environment(given: Settings, name: str) -> dict[str, str]:
    """This process's environment, with the settings made absolute and an Airflow of its own.

    `name` keeps apart the Airflow that `make run` uses for one run (`run`) and the one that `make airflow`
    leaves running (`server`): a scheduler would take over a run that it finds in its database.
    Airflow variables of another installation are left out, so that its database is never touched.
    """
    home = given.home / AIRFLOW / name
    home.mkdir(parents=True, exist_ok=True)
    # What a council configures: where alerts go, who signs in (`amina:admin,raj:op`), where metrics and lineage go.
    passwords = "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"
    observed = ("AIRFLOW__METRICS__", "AIRFLOW__TRACES__", "AIRFLOW__OPENLINEAGE__")
    kept = ("AIRFLOW_CONN_", "AIRFLOW_VAR_", USERS, passwords, *observed)
    inherited = {
        key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW") or key.startswith(kept)
    }
    chosen = {
        "SEND_HOME": given.home,
        "SEND_INBOX": given.inbox,
        "SEND_LA_CODE": given.la_code,
        "SEND_CODE_STYLE": given.code_style,
        "SEND_CONFIG": given.config or "",
        "AIRFLOW_HOME": home,
        "AIRFLOW__CORE__DAGS_FOLDER": PROJECT / "dags",
        "AIRFLOW__CORE__PLUGINS_FOLDER": PROJECT / "plugins",
        "AIRFLOW__CORE__LOAD_EXAMPLES": False,
        DATABASE: f"sqlite:///{home / 'airflow.db'}",
        "DO_NOT_TRACK": 1,
        "SCARF_NO_ANALYTICS": True,
        "GX_ANALYTICS_ENABLED": False,
        "DBT_SEND_ANONYMOUS_USAGE_STATS": False,
    }
    return inherited | {key: str(value) for key, value in chosen.items()}


def serve(given: Settings, port: int) -> None:
    """Become `airflow standalone`: the web page, the scheduler and the rest, until it is stopped."""
    may_release = approvers(given)
    address = f"http://127.0.0.1:{port}"
    env = environment(given, "server") | {
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        "SEND_APPROVERS": ",".join(may_release),
        "AIRFLOW__CORE__PARALLELISM": "4",  # as many processes are started, each with Airflow in memory
    }
    of_page = f"{DATABASE}={shlex.quote(env[DATABASE] + PATIENCE_OF_PAGE)}"
    env[DATABASE] += PATIENCE
    for key in ("AS_AT", "SEND_RUN_ID"):  # each run of the DAG has its own
        env.pop(key, None)
    airflow = Path(sys.executable).with_name("airflow")
    home = Path(env["AIRFLOW_HOME"])
    _write_program(home / "bin" / "airflow", PART.format(airflow=shlex.quote(str(airflow)), database=of_page))
    env["PATH"] = os.pathsep.join([str(home / "bin"), str(airflow.parent), env.get("PATH", os.defpath)])
    print(f"Airflow will be at {address}. The password of `admin` is said below, the first time.")
    chosen = "" if given.approvers else " (every admin, because SEND_APPROVERS names nobody)"
    print(f"Who may approve the lists of an inspection: {', '.join(may_release) or 'nobody'}{chosen}.")
    print("The DAG send_nightly is paused until somebody switches it on. Ctrl-C stops everything.", flush=True)
    os.execve(airflow, ["airflow", "standalone"], env)


def _write_program(path: Path, text: str) -> None:
    files.write_bytes(path, text.encode())
    path.chmod(0o700)
