"""The published warehouse in the council's own PostgreSQL (SEND_PUBLISH_URL), for BI tools that read a server.

Rows are replaced, tables stay: one transaction puts the rows into the schemas of the run before, deletes them and
copies the new ones in, so that every snapshot sees one run, also across tables, and nobody who reads waits or is
waited for. Renaming schemas, swapping views and TRUNCATE would each show some readers half of both. Only a change of
shape, after an upgrade, locks the tables that change.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from duckdb import DuckDBPyConnection

from send_ready.runs import Run, RunError, Step, step
from send_ready.settings import Settings
from warehouse import published, run_data
from warehouse.postgres.connection import AGAIN, IN_CLEAR, STAYS, Connection, Cursor, alone, in_clear, lock, opened
from warehouse.postgres.copy import copy
from warehouse.postgres.roles import become_loader, grant, ready_to_be_alone
from warehouse.postgres.shape import (
    Shape,
    change,
    describe,
    listed,
    loose,
    loosen,
    quoted,
    refer,
    restored,
    shapes,
    wanted,
)
from warehouse.published import SCHEMAS

BEFORE = "_previous"  # ends the names of the schemas that hold the run before: the loader's alone
SCHEMAS_BEFORE = [schema + BEFORE for schema in SCHEMAS]
RUNS = "quality.runs"


def serve(run: Run, settings: Settings) -> None:
    """Publish the run's warehouse to PostgreSQL, in one transaction; does nothing without SEND_PUBLISH_URL.

    A rebuilt past day never takes the place of a later one. Raises RunError, and leaves what was published, when
    PostgreSQL refuses, when a table would not hold as many rows as the run's, or when somebody holds on to one that
    has to change.
    """
    with step(run, "serve-postgres") as doing:
        if not settings.publish_url:
            doing.note = "not asked for: SEND_PUBLISH_URL is not set"
            return
        with run_data.opened(run) as con, opened(settings.publish_url, f"SEND Ready {run.run_id}") as connection:
            if _publish(connection, con, run, doing):
                _vacuum(connection)
                if in_clear(connection, settings.publish_url):
                    doing.note = "; ".join(filter(None, [doing.note, IN_CLEAR]))


def rollback(settings: Settings) -> str:
    """Serve the run before again, and say so. The next publication takes its place as on any night.

    Raises RunError, and leaves what is published, when there is no run before it, or without SEND_PUBLISH_URL.
    """
    if not settings.publish_url:
        raise RunError("SEND_PUBLISH_URL is not set, so there is nothing in PostgreSQL to turn back.")
    with opened(settings.publish_url, "SEND Ready rollback") as connection:
        ready_to_be_alone(connection)
        with connection, connection.cursor() as cursor:
            become_loader(cursor)
            alone(cursor)
            _hold(cursor)
            now, before = _standing(cursor, RUNS), _standing(cursor, _before(RUNS))
            if not now or not before:
                raise RunError("PostgreSQL holds no run before the one that it shows, which stays.")
            _turn_back(cursor)
        _vacuum(connection)
    return (
        f"PostgreSQL is back to run {before[1]} as at {before[0]}; run {now[1]} as at {now[0]} is gone from it. The "
        "next run is published as ever: put right first what was wrong with this one."
    )


def _publish(connection: Connection, con: DuckDBPyConnection, run: Run, doing: Step) -> bool:
    """Whether the run was published: not in the place of a later day."""
    con.execute("SET threads = 1")  # while one writes to a full pipe the others would keep a core busy with waiting
    tables = {table.full_name: table for table in published.tables(con, run)}
    want = wanted(tables.values(), published.keys(run))
    notes: list[str] = []
    ready_to_be_alone(connection)
    with connection, connection.cursor() as cursor:
        become_loader(cursor)
        alone(cursor)
        _hold(cursor)
        now = _standing(cursor, RUNS)
        if now and now[2] != run.la_code:
            raise RunError(
                f"The database of SEND_PUBLISH_URL holds council {now[2]}, and this run is of {run.la_code}. {STAYS} "
                "Give each council a database of its own, or unset SEND_PUBLISH_URL."
            )
        if now and now[0] > run.as_at:
            doing.note = f"PostgreSQL holds the run as at {now[0]}, which stays"
            return False
        if now and now[1] != run.run_id:  # the same once more is what nobody would want to go back to
            _keep(cursor)
        rows = _replace(cursor, SCHEMAS, want, lambda name: copy(cursor, con, tables[name], notes))
        notes += [f"taken away: {taken}" for taken in _grant(cursor)]
    doing.rows, doing.note = rows, "; ".join(notes) or None
    return True


def _hold(cursor: Cursor) -> None:
    """Let nobody but readers at what is published; whoever is in the way, even of reading it, is named."""
    lock(cursor, sorted(shapes(cursor, SCHEMAS)), "ROW EXCLUSIVE")


def _keep(cursor: Cursor) -> None:
    """Put what is published into the schemas of the run before."""
    want = {_before(name): shape.kept() for name, shape in shapes(cursor, SCHEMAS).items()}
    _replace(cursor, SCHEMAS_BEFORE, want, lambda name: _move(cursor, _after(name), name, want[name]))


def _turn_back(cursor: Cursor) -> None:
    """Publish what the schemas of the run before hold, and empty them."""
    have = shapes(cursor, SCHEMAS)
    kept = {_after(name): shape for name, shape in shapes(cursor, SCHEMAS_BEFORE).items()}
    want = {name: restored(shape, have.get(name), kept) for name, shape in kept.items()}
    _replace(cursor, SCHEMAS, want, lambda name: _move(cursor, _before(name), name, want[name]))
    for name in kept:
        cursor.execute(f"DELETE FROM {quoted(_before(name))}")
    _grant(cursor)


def _replace(cursor: Cursor, schemas: Sequence[str], want: Mapping[str, Shape], fill: Callable[[str], int]) -> int:
    """Make these the tables of the schemas, and fill them; returns all their rows.

    `fill` puts rows into a table and tells how many there are where they come from; RunError when the table then does
    not hold as many. What changes its shape comes last, for its readers wait from there to the end.
    """
    for schema in schemas:
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    have = shapes(cursor, schemas)
    changed = [name for name in want if name in have and have[name].structure != want[name].structure]
    gone, in_the_way = sorted(have.keys() - want.keys()), loose(have, want)
    lock(cursor, sorted(want.keys() & have.keys() - {*changed}), "ROW EXCLUSIVE")
    rows = sum(_refill(cursor, name, have, want, fill) for name in want if name not in changed)
    ends = {table for name, reference in in_the_way for table in (name, reference.table)}
    lock(cursor, sorted({*changed, *gone, *ends}), "ACCESS EXCLUSIVE")
    for name, reference in in_the_way:
        loosen(cursor, name, reference)
    for name in gone:
        cursor.execute(f"DROP TABLE {quoted(name)}")
    rows += sum(_refill(cursor, name, have, want, fill) for name in changed)
    refer(cursor, shapes(cursor, schemas), want)
    return rows


def _refill(
    cursor: Cursor, name: str, have: Mapping[str, Shape], want: Mapping[str, Shape], fill: Callable[[str], int]
) -> int:
    if name in have:
        cursor.execute(f"DELETE FROM {quoted(name)}")
    change(cursor, name, have.get(name), want[name])
    describe(cursor, name, have.get(name), want[name])
    expected, found = fill(name), _count(cursor, name)
    if found != expected:
        raise RunError(
            f"{name} should hold {expected:,} rows and holds {found:,} in PostgreSQL, where something keeps rows out "
            f"or adds some, as a trigger can. {STAYS} {AGAIN}"
        )
    return found


def _move(cursor: Cursor, source: str, target: str, shape: Shape) -> int:
    columns = listed(shape.columns)
    cursor.execute(f"INSERT INTO {quoted(target)} ({columns}) SELECT {columns} FROM {quoted(source)}")
    return _count(cursor, source)


def _count(cursor: Cursor, name: str) -> int:
    cursor.execute(f"SELECT count(*) FROM {quoted(name)}")
    return int(cursor.fetchone()[0])


def _grant(cursor: Cursor) -> list[str]:
    """Assert who may read what; says what was taken away."""
    return grant(cursor, [*SCHEMAS, *SCHEMAS_BEFORE], shapes(cursor, SCHEMAS))


def _standing(cursor: Cursor, runs: str) -> tuple[date, str, str] | None:
    """As-at date, id and council of the run that a table of runs tells; None without one."""
    cursor.execute("SELECT to_regclass(%s) IS NOT NULL", (runs,))
    if not cursor.fetchone()[0]:
        return None
    cursor.execute(f"SELECT as_at_date, run_id, la_code FROM {quoted(runs)}")
    found: tuple[date, str, str] | None = cursor.fetchone()
    return found


def _vacuum(connection: Connection) -> None:
    """Make room of the rows that were replaced, for the next ones, and tell the planner; nobody is waited for."""
    with connection.cursor() as cursor:
        for schemas, analyse in ((SCHEMAS, "true"), (SCHEMAS_BEFORE, "false")):
            names = ", ".join(map(quoted, shapes(cursor, schemas)))
            if names:
                cursor.execute(f"VACUUM (ANALYZE {analyse}, SKIP_LOCKED, TRUNCATE false) {names}")


def _before(name: str) -> str:
    schema, table = name.split(".")
    return f"{schema}{BEFORE}.{table}"


def _after(name: str) -> str:
    schema, table = name.split(".")
    return f"{schema.removesuffix(BEFORE)}.{table}"
