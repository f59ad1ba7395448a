"""The published warehouse in the council's own PostgreSQL (SEND_PUBLISH_URL), for BI tools that read a server.

Rows are replaced, tables stay: one transaction puts the rows into the schemas of the run before, deletes them and
copies the new ones in, so that every snapshot sees one run, also across tables, and no reader waits or makes the
publisher wait. Renaming schemas, swapping views and TRUNCATE would each show some readers half of both runs. Only a
change of structure, after an upgrade, locks the tables that change.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from duckdb import DuckDBPyConnection

from send_ready.runs import Run, RunError, Step, step
from send_ready.settings import Settings
from warehouse import published, run_data
from warehouse.postgres.connection import (
    AGAIN,
    IN_CLEAR,
    STAYS,
    Connection,
    Cursor,
    is_unencrypted,
    lock_out_publishers,
    lock_tables,
    opened,
)
from warehouse.postgres.copy import copy
from warehouse.postgres.roles import become_loader, grant, make_publisher_lock
from warehouse.postgres.shape import (
    Shape,
    add_references,
    change_structure,
    column_list,
    drop_reference,
    existing_shapes,
    quoted_name,
    references_to_drop,
    restored_shape,
    shapes_of_tables,
    write_comments,
)
from warehouse.published import SCHEMAS

PREVIOUS = "_previous"  # ends the names of the schemas that hold the run before; only the loader may use them
PREVIOUS_SCHEMAS = [schema + PREVIOUS for schema in SCHEMAS]
RUNS = "quality.runs"


def serve(run: Run, settings: Settings) -> None:
    """Publish the run's warehouse to PostgreSQL, in one transaction; does nothing without SEND_PUBLISH_URL.

    A rebuilt past day never replaces a later one. Raises RunError, and changes nothing, when PostgreSQL refuses, when a
    table would not have as many rows as the run's, or when a session keeps using a table that has to change.
    """
    with step(run, "serve-postgres") as doing:
        if not settings.publish_url:
            doing.note = "not asked for: SEND_PUBLISH_URL is not set"
            return
        with run_data.opened(run) as con, opened(settings.publish_url, f"SEND Ready {run.run_id}") as connection:
            if _publish(connection, con, run, doing):
                _vacuum(connection)
                if is_unencrypted(connection, settings.publish_url):
                    doing.note = "; ".join(filter(None, [doing.note, IN_CLEAR]))


def rollback(settings: Settings) -> str:
    """A sentence that says which run PostgreSQL shows, after the run before was put back.

    The next publication replaces it as on any night. Raises RunError, and changes nothing, when there is no run before,
    or without SEND_PUBLISH_URL.
    """
    if not settings.publish_url:
        raise RunError("SEND_PUBLISH_URL is not set, so there is nothing in PostgreSQL to turn back.")
    with opened(settings.publish_url, "SEND Ready rollback") as connection:
        make_publisher_lock(connection)
        with connection, connection.cursor() as cursor:
            become_loader(cursor)
            lock_out_publishers(cursor)
            _lock_published(cursor)
            now, before = _run_in(cursor, RUNS), _run_in(cursor, _previous_name(RUNS))
            if not now or not before:
                raise RunError("PostgreSQL holds no run before the one that it shows, which stays.")
            _restore_previous(cursor)
        _vacuum(connection)
    return (
        f"PostgreSQL is back to run {before[1]} as at {before[0]}; run {now[1]} as at {now[0]} is gone from it. The "
        "next run is published as ever: put right first what was wrong with this one."
    )


def _publish(connection: Connection, con: DuckDBPyConnection, run: Run, doing: Step) -> bool:
    """Whether the run was published; a later day is never replaced."""
    con.execute("SET threads = 1")  # while one writes to a full pipe the others would keep a core busy with waiting
    tables = {table.full_name: table for table in published.tables(con, run)}
    want = shapes_of_tables(tables.values(), published.keys(run))
    notes: list[str] = []
    make_publisher_lock(connection)
    with connection, connection.cursor() as cursor:
        become_loader(cursor)
        lock_out_publishers(cursor)
        _lock_published(cursor)
        now = _run_in(cursor, RUNS)
        if now and now[2] != run.la_code:
            raise RunError(
                f"The database of SEND_PUBLISH_URL holds council {now[2]}, and this run is of {run.la_code}. {STAYS} "
                "Give each council a database of its own, or unset SEND_PUBLISH_URL."
            )
        if now and now[0] > run.as_at:
            doing.note = f"PostgreSQL holds the run as at {now[0]}, which stays"
            return False
        if now and now[1] != run.run_id:  # nobody would want to go back to the same run
            _keep_as_previous(cursor)
        rows = _replace(cursor, SCHEMAS, want, lambda name: copy(cursor, con, tables[name], notes))
        notes += [f"taken away: {taken}" for taken in _grant(cursor)]
    doing.rows, doing.note = rows, "; ".join(notes) or None
    return True


def _lock_published(cursor: Cursor) -> None:
    """Lock the published tables against all but readers. Raises RunError that names the sessions in the way."""
    lock_tables(cursor, sorted(existing_shapes(cursor, SCHEMAS)), "ROW EXCLUSIVE")


def _keep_as_previous(cursor: Cursor) -> None:
    """Copy the published rows into the schemas of the run before."""
    want = {_previous_name(name): shape.without_keys() for name, shape in existing_shapes(cursor, SCHEMAS).items()}
    _replace(cursor, PREVIOUS_SCHEMAS, want, lambda name: _move(cursor, _current_name(name), name, want[name]))


def _restore_previous(cursor: Cursor) -> None:
    """Publish the rows of the schemas of the run before, and empty these schemas."""
    have = existing_shapes(cursor, SCHEMAS)
    kept = {_current_name(name): shape for name, shape in existing_shapes(cursor, PREVIOUS_SCHEMAS).items()}
    want = {name: restored_shape(shape, have.get(name), kept) for name, shape in kept.items()}
    _replace(cursor, SCHEMAS, want, lambda name: _move(cursor, _previous_name(name), name, want[name]))
    for name in kept:
        cursor.execute(f"DELETE FROM {quoted_name(_previous_name(name))}")
    _grant(cursor)


def _replace(cursor: Cursor, schemas: Sequence[str], want: Mapping[str, Shape], fill: Callable[[str], int]) -> int:
    """The number of rows of all tables, after the schemas' tables were made as wanted and filled.

    `fill` puts rows into a table and returns how many its source has; RunError when the table then has another number.
    Tables that change their structure come last, because their readers wait from then to the end.
    """
    for schema in schemas:
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    have = existing_shapes(cursor, schemas)
    changed = [name for name in want if name in have and have[name].structure != want[name].structure]
    gone, in_the_way = sorted(have.keys() - want.keys()), references_to_drop(have, want)
    lock_tables(cursor, sorted(want.keys() & have.keys() - {*changed}), "ROW EXCLUSIVE")
    rows = sum(_refill(cursor, name, have, want, fill) for name in want if name not in changed)
    ends = {table for name, reference in in_the_way for table in (name, reference.table)}
    lock_tables(cursor, sorted({*changed, *gone, *ends}), "ACCESS EXCLUSIVE")
    for name, reference in in_the_way:
        drop_reference(cursor, name, reference)
    for name in gone:
        cursor.execute(f"DROP TABLE {quoted_name(name)}")
    rows += sum(_refill(cursor, name, have, want, fill) for name in changed)
    add_references(cursor, existing_shapes(cursor, schemas), want)
    return rows


def _refill(
    cursor: Cursor, name: str, have: Mapping[str, Shape], want: Mapping[str, Shape], fill: Callable[[str], int]
) -> int:
    if name in have:
        cursor.execute(f"DELETE FROM {quoted_name(name)}")
    change_structure(cursor, name, have.get(name), want[name])
    write_comments(cursor, name, have.get(name), want[name])
    expected, found = fill(name), _count(cursor, name)
    if found != expected:
        raise RunError(
            f"{name} should hold {expected:,} rows and holds {found:,} in PostgreSQL, where something keeps rows out "
            f"or adds some, as a trigger can. {STAYS} {AGAIN}"
        )
    return found


def _move(cursor: Cursor, source: str, target: str, shape: Shape) -> int:
    columns = column_list(shape.columns)
    cursor.execute(f"INSERT INTO {quoted_name(target)} ({columns}) SELECT {columns} FROM {quoted_name(source)}")
    return _count(cursor, source)


def _count(cursor: Cursor, name: str) -> int:
    cursor.execute(f"SELECT count(*) FROM {quoted_name(name)}")
    return int(cursor.fetchone()[0])


def _grant(cursor: Cursor) -> list[str]:
    """The rights that were taken away, after all rights were set as they should be."""
    return grant(cursor, [*SCHEMAS, *PREVIOUS_SCHEMAS], existing_shapes(cursor, SCHEMAS))


def _run_in(cursor: Cursor, runs: str) -> tuple[date, str, str] | None:
    """As-at date, ID and council of the run in a table of runs; None when there is no such table or row."""
    cursor.execute("SELECT to_regclass(%s) IS NOT NULL", (runs,))
    if not cursor.fetchone()[0]:
        return None
    cursor.execute(f"SELECT as_at_date, run_id, la_code FROM {quoted_name(runs)}")
    found: tuple[date, str, str] | None = cursor.fetchone()
    return found


def _vacuum(connection: Connection) -> None:
    """Free the room of replaced rows and renew the planner's statistics, without waiting for any lock."""
    with connection.cursor() as cursor:
        for schemas, analyse in ((SCHEMAS, "true"), (PREVIOUS_SCHEMAS, "false")):
            names = ", ".join(map(quoted_name, existing_shapes(cursor, schemas)))
            if names:
                cursor.execute(f"VACUUM (ANALYZE {analyse}, SKIP_LOCKED, TRUNCATE false) {names}")


def _previous_name(name: str) -> str:
    schema, table = name.split(".")
    return f"{schema}{PREVIOUS}.{table}"


def _current_name(name: str) -> str:
    schema, table = name.split(".")
    return f"{schema.removesuffix(PREVIOUS)}.{table}"
