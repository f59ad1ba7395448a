"""The environment, read once and nowhere else.

Also the only place that turns "no date given" into a date: everything else is handed D.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from send_ready.home import CONFIGURATION, INBOX

PROJECT = Path(__file__).resolve().parent.parent
LONDON = ZoneInfo("Europe/London")
SAMPLE_LA_CODE = "999"  # no council has it
CODE_STYLES = ("lettered", "plain")
MEMORY_UNITS = {"MB": 10**6, "GB": 10**9}
LEAST_MEMORY = "300MB"  # dbt and DuckDB themselves need as much
NOBODY = ("anonymous", "anonymoususer")  # in small letters: whom Airflow's sign-ins name when nobody signed in
FIRST_SEN2, LAST_SEN2 = 2023, 2099  # survey years: the first return of persons, and what a slip of the hand names
LONGEST_RUN_ID = 200  # characters; a name in a folder has 255, and may be that of a run with something behind it


class SettingsError(ValueError):
    """A setting is missing or cannot be used. The text says which, and what to do."""


@dataclass(frozen=True)
class Settings:
    """What a council sets, and what one run is asked for. Paths are absolute."""

    home: Path
    inbox: Path
    la_code: str
    code_style: str
    config: Path | None
    as_at: date
    run_id: str | None
    request: str | None = None  # an inspection's parameters, as Airflow hands them over in JSON
    approvers: tuple[str, ...] = ()  # users of Airflow who may release, by the name they sign in with
    auth_manager: str | None = None  # Airflow's own, by its class; None: the simple one
    release_password_file: Path | None = None
    alert_url: str | None = field(default=None, repr=False)  # where alerts go: Apprise addresses, with blanks between
    has_alert_connection: bool = False  # the setting of older versions is there, which is not read
    board_working_day: int = 5  # of the month, on which the board's edition is frozen
    suppress_below: int = 5  # the public edition withholds numbers of 1 up to one less than this
    sen2_year: int | None = None  # of the SEN2 return that is made; None: that whose due day comes next
    max_file_mb: int = 1000  # an export that is larger is left in the inbox, unless its contract allows more
    pickup: Mapping[str, str] = field(
        default_factory=dict, repr=False
    )  # SEND_PICKUP_…: what opens where files come from
    publish_url: str | None = field(default=None, repr=False)  # PostgreSQL, for BI tools; may hold a password
    # Airflow's, for who approved and for the watchdog; None: that of `make airflow`, if any. May hold a password.
    airflow_database: str | None = field(default=None, repr=False)

    def config_file(self, *parts: str, shipped: Path) -> Path:
        """The council's own copy of a configuration file if it has one, else the shipped one."""
        own = self.config.joinpath(*parts) if self.config else None
        return own if own and own.is_file() else shipped


def load(environ: dict[str, str] | None = None) -> Settings:
    """Settings from the environment. Raises SettingsError for a value that cannot be used."""
    env = os.environ if environ is None else environ
    home = Path(env.get("SEND_HOME") or "data").expanduser().resolve()
    config = env.get("SEND_CONFIG")
    # A drive that is away at night: the configuration of the last good run is in force meanwhile.
    if config and not Path(config).expanduser().is_dir() and not (home / CONFIGURATION).is_dir():
        raise SettingsError(f"SEND_CONFIG={config} is not a folder. Create it, or unset SEND_CONFIG.")
    la_code = env.get("SEND_LA_CODE") or SAMPLE_LA_CODE
    if not (len(la_code) == 3 and la_code.isascii() and la_code.isdecimal()):
        raise SettingsError(f"SEND_LA_CODE={la_code} is not a three-digit DfE number, such as 888.")
    memory(env)
    password = env.get("SEND_RELEASE_PASSWORD_FILE")
    style = env.get("SEND_CODE_STYLE") or CODE_STYLES[0]
    if style not in CODE_STYLES:
        raise SettingsError(f"SEND_CODE_STYLE={style} is not one of: {', '.join(CODE_STYLES)}.")
    return Settings(
        home=home,
        # Not resolved: that asks the drive, which may not answer.
        inbox=Path(os.path.abspath(Path(env.get("SEND_INBOX") or home / INBOX).expanduser())),
        la_code=la_code,
        code_style=style,
        config=Path(config).expanduser().resolve() if config else None,
        as_at=_as_at(env.get("AS_AT")),
        run_id=_run_id(env.get("SEND_RUN_ID")),
        request=env.get("SEND_REQUEST") or None,
        approvers=_approvers(env.get("SEND_APPROVERS")),
        auth_manager=env.get("AIRFLOW__CORE__AUTH_MANAGER") or None,
        release_password_file=Path(password).expanduser().resolve() if password else None,
        alert_url=env.get("SEND_ALERT_URL") or None,
        has_alert_connection=bool(env.get("AIRFLOW_CONN_SEND_ALERTS")),
        board_working_day=_whole(env, "SEND_BOARD_WORKING_DAY", 5, 1, 20),
        suppress_below=_whole(env, "SEND_SUPPRESS_BELOW", 5, 2, 100),
        sen2_year=_sen2_year(env.get("SEND_SEN2_YEAR")),
        max_file_mb=_whole(env, "SEND_MAX_FILE_MB", 1000, 1, 1_000_000),
        pickup={name: value for name, value in env.items() if name.startswith("SEND_PICKUP_") and value},
        publish_url=_publish_url(env.get("SEND_PUBLISH_URL")),
        airflow_database=_airflow_database(env),
    )


def given() -> dict[str, str]:
    """The settings of this process as they were given, for whoever is to be given the same."""
    return {name: value for name, value in os.environ.items() if name.startswith("SEND_") and value}


def memory(environ: Mapping[str, str] | None = None) -> int | None:
    """SEND_MEMORY: bytes that DuckDB may hold in one step; None when it is not set. Raises SettingsError."""
    given = (os.environ if environ is None else environ).get("SEND_MEMORY")
    if not given:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?(MB|GB)", given.strip(), re.IGNORECASE | re.ASCII)
    size = int(float(found[1]) * MEMORY_UNITS[found[2].upper()]) if found else 0
    if size < int(LEAST_MEMORY.removesuffix("MB")) * MEMORY_UNITS["MB"]:
        raise SettingsError(f"SEND_MEMORY={given} is not an amount of memory of {LEAST_MEMORY} or more, such as 4GB.")
    return size


def now() -> datetime:
    """The moment, in London."""
    return datetime.now(LONDON)


def _run_id(given: str | None) -> str | None:
    if given and len(given) > LONGEST_RUN_ID:
        raise SettingsError(
            f"SEND_RUN_ID={given[:20]}… has {len(given)} characters, and may have {LONGEST_RUN_ID}: folders are named "
            "by it. Shorten it; in Airflow, trigger the run with a shorter run ID."
        )
    return given or None


def _publish_url(given: str | None) -> str | None:
    if given and not given.startswith(("postgresql://", "postgres://", "postgresql+psycopg2://")):
        raise SettingsError(
            "SEND_PUBLISH_URL is not the address of a PostgreSQL, such as postgresql://user@host/database."
        )
    return given.replace("+psycopg2", "", 1) if given else None


def _approvers(given: str | None) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in (given or "").split(",") if name.strip()))
    if wrong := [name for name in names if name.casefold() in NOBODY]:
        raise SettingsError(
            f"SEND_APPROVERS={given} names {wrong[0]}, which is what Airflow calls people who have not signed in. Name "
            "the users who may release, such as amina,raj."
        )
    return names


def _airflow_database(env: Mapping[str, str]) -> str | None:
    """Airflow hides the address of its database from tasks: what it leaves in its place is none."""
    given = env.get("SEND_AIRFLOW_DATABASE") or env.get("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN") or ""
    return None if given.startswith("airflow-db-not-allowed:") else given or None


def _whole(env: Mapping[str, str], name: str, otherwise: int, least: int, most: int) -> int:
    given = env.get(name) or str(otherwise)
    if given.isdecimal() and least <= int(given) <= most:
        return int(given)
    raise SettingsError(f"{name}={given} is not a whole number from {least} to {most}, such as {otherwise}.")


def _sen2_year(given: str | None) -> int | None:
    if given and not (given.isascii() and given.isdecimal() and FIRST_SEN2 <= int(given) <= LAST_SEN2):
        raise SettingsError(f"SEND_SEN2_YEAR={given} is not a survey year of SEN2, such as 2027.")
    return int(given) if given else None


def _as_at(given: str | None) -> date:
    if not given:
        return now().date()
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise SettingsError(f"AS_AT={given} is not a date. Write it as YYYY-MM-DD, such as 2026-11-16.") from None
