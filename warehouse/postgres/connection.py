"""The connection to the council's PostgreSQL: its errors in words, and locks with a limit to the wait.

No message holds a password, a statement or a value: libpq repeats parts of an address that it cannot read, and
PostgreSQL repeats the row at which it stopped, so neither message is passed on unchanged.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import psycopg2  # type: ignore[import-untyped]
from psycopg2 import errorcodes, errors
from psycopg2.extensions import make_dsn, parse_dsn  # type: ignore[import-untyped]

from send_ready.runs import RunError
from send_ready.settings import SettingsError

Connection: TypeAlias = Any  # psycopg2 has no types
Cursor: TypeAlias = Any
OLDEST = 150000  # PostgreSQL 15, the first with keys in which NULLs are equal
# A connection that dies is noticed within two minutes, if the address does not say otherwise.
CONNECTION = {
    "connect_timeout": "15",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "6",
    "tcp_user_timeout": "120000",
}
# Whatever the server or the login has set, nothing cuts a night short, and values are always read the same way.
SESSION = {
    "statement_timeout": "0",
    "transaction_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "lock_timeout": "1min",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "datestyle": "ISO, YMD",
    "client_encoding": "UTF8",
}
# A session that waits for a table blocks everybody who comes after it, so each wait is short and there are many. It
# ends before PostgreSQL looks for a deadlock (deadlock_timeout, 1 s), which might stop a reader instead.
LOCK_WAIT, LOCK_PAUSE, LOCK_TRIES = "900ms", 3.0, 50
HARMLESS = (
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
)  # to a session that changes rows
PUBLISHER_SCHEMA = "send_publisher"  # the loader's alone, so that nobody else can lock its table
PUBLISHER_LOCK = f"{PUBLISHER_SCHEMA}.alone"  # has no rows; one publisher at a time locks it
PUBLISHER_WAIT = "15min"
# Classes of SQLSTATE whose message speaks of the server and of names, never of values.
SAFE = ("08", "0A", "25", "28", "2B", "3D", "42", "53", "54", "55", "57", "58")
OF_SYSTEM = ("53", "58")  # their messages end, after a colon, in those of the server's operating system
ROLES = "A database administrator runs what `send-ready postgres-roles` prints, and grants send_loader to this login."
OURS = "Schemas and tables of the names that are published have to be send_loader's own, or the database another one."
LOCAL = ("localhost", "127.0.0.1", "::1")
IN_CLEAR = (
    "what was published crossed the network unencrypted: add ?sslmode=verify-full to SEND_PUBLISH_URL, or "
    "?sslmode=disable where that is meant"
)
STAYS = "Readers keep the run that they have."
AGAIN = "When that is put right, run this step again."


@contextmanager
def opened(url: str, application: str) -> Iterator[Connection]:
    """A connection outside any transaction; `with connection` makes one transaction of a block.

    Raises SettingsError for an address that cannot be read, and RunError for whatever PostgreSQL refuses, also in the
    block.
    """
    options = _options(url)
    with _explained_errors(options):
        given = {**CONNECTION, **options, "application_name": application}
        with closing(psycopg2.connect(make_dsn(**given))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                for name, value in SESSION.items():
                    cursor.execute("SELECT set_config(name, %s, false) FROM pg_settings WHERE name = %s", (value, name))
                _check(connection, cursor)
            yield connection


def is_unencrypted(connection: Connection, url: str) -> bool:
    """Whether rows cross a network unencrypted, and the address does not allow that by `sslmode`."""
    host = connection.info.host or "/"
    is_near = host.startswith("/") or host in LOCAL
    return not (is_near or connection.info.ssl_in_use or "sslmode" in _options(url))


def lock_out_publishers(cursor: Cursor) -> None:
    """Lock all other publishers out until the transaction ends. Raises RunError when another one takes too long.

    It locks a table, which roles.make_publisher_lock made: any login could hold an advisory lock.
    """
    if not _is_locked(
        cursor, f"LOCK TABLE {PUBLISHER_LOCK} IN SHARE ROW EXCLUSIVE MODE", "lock_timeout", PUBLISHER_WAIT
    ):
        holders = _lock_holders(cursor, "granted AND relation = %s::regclass", PUBLISHER_LOCK)
        raise RunError(
            f"For more than {PUBLISHER_WAIT} the lock of the publisher is held by {holders}. {STAYS} {AGAIN}"
        )


def lock_tables(cursor: Cursor, tables: Sequence[str], mode: str) -> None:
    """Lock tables until the transaction ends. Raises RunError that names the sessions which use them."""
    if not tables:
        return
    for attempt in range(LOCK_TRIES):
        time.sleep(LOCK_PAUSE if attempt else 0)
        if _is_locked(cursor, f"LOCK TABLE {', '.join(tables)} IN {mode} MODE", "statement_timeout", LOCK_WAIT):
            return
    harmless = () if mode == "ACCESS EXCLUSIVE" else HARMLESS
    holders = _lock_holders(cursor, "relation = ANY(%s::regclass[]) AND mode <> ALL(%s)", list(tables), list(harmless))
    raise RunError(f"A table that has to change is in use by {holders}. End that session. {STAYS} {AGAIN}")


def _is_locked(cursor: Cursor, statement: str, limit: str, wait: str) -> bool:
    """Whether the locks were obtained in time: `lock_timeout` limits the wait for each, `statement_timeout` for all."""
    cursor.execute(f"SAVEPOINT waiting; SET LOCAL {limit} = '{wait}'")
    try:
        cursor.execute(statement)
    except (errors.LockNotAvailable, errors.QueryCanceled, errors.DeadlockDetected):
        cursor.execute("ROLLBACK TO SAVEPOINT waiting")
        return False
    cursor.execute(f"RELEASE SAVEPOINT waiting; SET LOCAL {limit} = '{SESSION[limit]}'")
    return True


def _lock_holders(cursor: Cursor, held: str, *values: object) -> str:
    """The sessions that hold such a lock or wait for one before us, by PID and without their statements."""
    cursor.execute(
        f"""
        SELECT DISTINCT pid, usename, application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE pid <> pg_backend_pid() AND pg_locks.database =
            (SELECT oid FROM pg_database WHERE datname = current_database()) AND {held} ORDER BY pid
        """,
        values,
    )
    found = [f"{user} with {program or 'a program without a name'} (PID {pid})" for pid, user, program in cursor]
    return " and ".join(found) or "somebody who has just left"


def _options(url: str) -> dict[str, str]:
    """The parts of the address. Raises SettingsError, which repeats none of them: they may be parts of a password."""
    try:
        parts = urlsplit(url)
        if parts.netloc.count("@") <= 1 and "@" not in parts.path + parts.query and not parts.fragment:
            return {name: value for name, value in parse_dsn(url).items() if value}
    except (ValueError, psycopg2.ProgrammingError):
        pass
    raise SettingsError(
        "SEND_PUBLISH_URL cannot be read. It should look like postgresql://user@host:5432/database; in a user or a "
        "password write @ as %40, / as %2F, ? as %3F, # as %23 and % as %25, or keep the password in a PGPASSFILE."
    ) from None


def _check(connection: Connection, cursor: Cursor) -> None:
    cursor.execute("SHOW server_encoding")
    encoding = cursor.fetchone()[0]
    if connection.server_version < OLDEST or encoding != "UTF8":
        raise RunError(
            f"SEND_PUBLISH_URL leads to PostgreSQL {connection.server_version // 10000} with a database in {encoding}. "
            f"It should be PostgreSQL {OLDEST // 10000} or later, with one in UTF8."
        )


@contextmanager
def _explained_errors(options: dict[str, str]) -> Iterator[None]:
    """Raise RunError in place of any error of psycopg2."""
    try:
        yield
    except psycopg2.Error as error:
        where = " ".join(["PostgreSQL", *(options[part] for part in ("host", "dbname") if part in options)])
        said = _error_in_words(error).replace(options.get("password") or "\0", "***").rstrip(".?")
        error.args = ()  # it stays as context, and may hold a row, or look like a full disk here
        raise RunError(f"{where}: {said}. {STAYS} {_next_step(error)}") from None


def _error_in_words(error: psycopg2.Error) -> str:
    """An error in words: the server's message only where it cannot hold a value, else the name of the error."""
    code, told = error.pgcode or "", error.diag
    if not code:  # from libpq: the way to the server, or the login
        return "; ".join(" ".join(line.split()) for line in str(error).splitlines() if line.strip())
    name = errorcodes.lookup(code).lower().replace("_", " ")
    about = {"table": told.table_name, "constraint": told.constraint_name, "column": told.column_name}
    places = [f"{what} {which}" for what, which in about.items() if which]
    words = [told.message_primary] if code.startswith(SAFE) else []
    if code.startswith(OF_SYSTEM):
        words = [word.rpartition(": ")[0] or word for word in words]
    if isinstance(error, errors.DependentObjectsStillExist):
        words += [told.message_detail]  # names of views
    return ": ".join([" ".join([name, *places]), *(" ".join(word.split()) for word in words if word)])


def _next_step(error: psycopg2.Error) -> str:
    if isinstance(error, errors.InsufficientPrivilege):
        return f"{ROLES} {OURS} {AGAIN}"
    if isinstance(error, errors.DuplicateTable):
        return f"{OURS} {AGAIN}"
    if isinstance(error, errors.DiskFull):
        return f"It is the disk of the PostgreSQL server. {AGAIN}"
    if isinstance(error, errors.ReadOnlySqlTransaction):
        return f"SEND_PUBLISH_URL has to lead to the primary server, and not to a replica. {AGAIN}"
    if isinstance(error, errors.DependentObjectsStillExist):
        return f"Drop what depends on it, and make it anew after the next publication. {AGAIN}"
    return AGAIN
