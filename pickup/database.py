"""A query on a database, by SQLAlchemy: one SELECT in a read-only transaction, written as CSV while it comes."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pickup import query
from pickup.sources import DATE, LOOPBACK, Source
from pickup.store import CONNECT, RemoteFile
from pickup.trouble import Trouble, gone, wrong_login

if TYPE_CHECKING:
    import sqlalchemy as sql

ROWS = 5_000  # fetched at a time
DRIVERS = {"postgresql": "psycopg2", "oracle": "oracledb", "mssql": "pymssql"}
LOGIN = ("28", "08004")  # classes of SQLSTATE: no such login; the server turned it away
# What databases say of a login or of a right, by their own numbers where there is no SQLSTATE.
NO_LOGIN = ("password authentication failed", "ORA-01017", "ORA-28000", "18456", "Login failed", "no password supplied")


class Database:
    """The one answer of a source."""

    settles = False

    def __init__(self, engine: "sql.Engine", source: Source, where: str, day: date):
        self._engine, self._source, self._where, self._day = engine, source, where, day

    def listing(self) -> list[RemoteFile]:
        return [RemoteFile(self._source.options["save_as"].replace(DATE, f"{self._day:%Y%m%d}"))]

    def read(self, file: RemoteFile) -> Iterator[bytes]:
        """The rows as CSV in UTF-8, with a header: days as 2026-11-16, what is not there empty."""
        text = self._source.options["query"]
        if fault := query.fault(text):  # also where somebody made a Source by other means
            raise Trouble(f"The query {fault}")
        with _explained(self._where, self._source), self._engine.connect() as connection:
            _read_only(connection)
            streamed = connection.execution_options(stream_results=True, max_row_buffer=ROWS)
            # Not as text(): a colon in it would count as a parameter.
            answer = streamed.exec_driver_sql(text.strip().removesuffix(";").replace("%", "%%"))
            names = list(answer.keys())
            _must_be_told_apart(names)
            yield _lines([names])
            count = 0
            while rows := answer.fetchmany(ROWS):
                count += len(rows)
                if count > self._source.options["max_rows"]:
                    raise Trouble(
                        f"The query gives more than {self._source.options['max_rows']:,} rows. Nothing of it was kept. "
                        "See whether a join multiplies rows; else raise `max_rows`."
                    )
                yield _lines([[_written(value, name) for value, name in zip(row, names, strict=True)] for row in rows])
            connection.rollback()


def _read_only(connection: "sql.Connection") -> None:
    """Ask for a transaction that can change nothing; SQL Server has none, so its login must be one that cannot."""
    if connection.dialect.name in ("postgresql", "oracle"):
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")


def _must_be_told_apart(names: list[str]) -> None:
    folded = [name.casefold() for name in names]
    if twice := sorted({name for name in names if folded.count(name.casefold()) > 1}):
        raise Trouble(f"The query gives two columns called {twice[0]}. Give one another name with AS.")


def _lines(rows: list[list[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _written(value: Any, column: str) -> str:
    """A value as an export has it. Raises Trouble for what no export holds."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "Yes" if value else "No"
        case int() | float():
            return repr(value)
        case Decimal():
            return f"{value:f}"
        case datetime() if value.tzinfo is None and value.time() == time():
            return value.date().isoformat()  # Oracle's DATE, and SQL Server's datetime, have a time even for a day
        case datetime() | date() | time():
            return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
        case timedelta():
            return f"{value.total_seconds():g}"
    if type(value).__name__ == "UUID":
        return str(value)
    raise Trouble(
        f"Column {column} of the query is of a kind ({type(value).__name__}) that no file holds: CAST it to text."
    )


@contextmanager
def opened(source: Source, day: date) -> Iterator[Database]:
    """An engine for the database of a source. Raises Trouble."""
    import sqlalchemy as sql

    address = sql.make_url(source.options["address"])
    dialect = address.get_backend_name()
    driver = DRIVERS[dialect]
    if find_spec(driver) is None:
        raise Trouble(
            f"{driver}, which speaks to {dialect}, is not installed. Run: .uv/bin/uv sync --locked --inexact "
            f"--extra {dialect}"
        )
    user = source.secret("USER") or source.options["user"] or address.username
    where = f"{address.host or 'this machine'}/{address.database or ''}"
    if not user:
        raise Trouble(f"Nobody said as whom to sign in at {where}. Set {source.variable}USER and _PASSWORD.")
    address = address.set(drivername=f"{dialect}+{driver}", username=user, password=source.secret("PASSWORD") or None)
    seconds = int(source.options["timeout_minutes"] * 60)
    options: dict[str, Any] = {}
    if dialect == "postgresql":
        if address.host and address.host not in LOOPBACK and "sslmode" not in address.query:
            address = address.update_query_dict({"sslmode": "verify-full", "sslrootcert": "system"})
        options = {"connect_timeout": int(CONNECT), "options": f"-c statement_timeout={seconds}s"}
    elif dialect == "mssql":
        options = {"login_timeout": int(CONNECT), "timeout": seconds}
    elif dialect == "oracle":
        options = {"tcp_connect_timeout": CONNECT}
    engine = sql.create_engine(address, connect_args=options, hide_parameters=True)
    try:
        yield Database(engine, source, where, day)
    finally:
        engine.dispose()


@contextmanager
def _explained(where: str, source: Source) -> Iterator[None]:
    """What goes wrong, as Trouble; of what the database says, its code alone, since it may quote rows."""
    import sqlalchemy as sql

    try:
        yield
    except sql.exc.DBAPIError as error:
        state, said = str(getattr(error.orig, "pgcode", "") or ""), str(error.orig)
        if state.startswith(LOGIN) or any(words in said for words in NO_LOGIN):
            raise wrong_login(where, source.name) from None
        if state == "25006":
            raise Trouble(
                "The query would change something, and is only asked in a transaction that may not."
            ) from None
        if state == "42501":
            raise Trouble(
                f"{where} lets this login not read what the query asks for. Ask whoever runs it for the right to "
                "SELECT."
            ) from None
        if state == "57014":
            raise Trouble(
                f"The query took more than {source.options['timeout_minutes']:g} minutes and was ended. Ask for "
                "fewer rows or raise `timeout_minutes`."
            ) from None
        if state.startswith("42"):
            raise Trouble(
                f"{where} does not know what the query asks for (SQLSTATE {state}). Try the query there, with this "
                "login."
            ) from None
        if isinstance(error, sql.exc.OperationalError) and (not state or state.startswith(("08", "57P"))):
            raise gone(where, "could not be reached, or went away") from None
        code = f"SQLSTATE {state}" if state else type(error.orig).__name__
        raise Trouble(
            f"{where} could not answer ({code}). Try the query there, with this login.", may_pass=True
        ) from None
    except sql.exc.SQLAlchemyError as error:
        raise Trouble(f"{where} could not be asked ({type(error).__name__}).", may_pass=True) from None
