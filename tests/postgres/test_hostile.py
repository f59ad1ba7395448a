"""Logins that hold on to whatever they can reach do not keep the publisher waiting."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import psycopg2
import pytest

from send_ready.runs import RunError
from tests.postgres.conftest import Target
from warehouse.postgres import connection

MODES = ("ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE", "SHARE ROW EXCLUSIVE",
         "EXCLUSIVE", "ACCESS EXCLUSIVE")  # fmt: skip
SOON = 60.0  # seconds in which a publication ends on a busy machine; the wait for its lock is 15 minutes
READERS = {"plain": [], "analyst": ["send_bi"], "lists": ["send_lists"], "both_of_them": ["send_bi", "send_lists"]}


def attempts(tables: list[str]) -> Iterator[str]:
    """What holds a lock until the transaction ends, if it is let."""
    for key in ("pg_advisory_lock", "pg_advisory_xact_lock", "pg_advisory_lock_shared"):
        yield f"SELECT {key}({0x53454E44})"
        yield f"SELECT {key}(hashtext('send_publisher'), 0)"
    for table in tables:
        yield from (f"LOCK TABLE {table} IN {mode} MODE" for mode in MODES)
        yield f"PREPARE p{abs(hash(table))} AS DELETE FROM {table}"  # is parsed, and so locked, before rights are asked
        yield f"SELECT count(*) FROM {table}"
        yield f"SELECT 1 FROM {table} FOR UPDATE"
        yield f"CREATE INDEX ON {table} ((1))"
        yield f"TRUNCATE {table}"
        yield f"SELECT pg_relation_size('{table}')"
    yield "DROP SCHEMA send_publisher CASCADE"
    yield "CREATE SCHEMA IF NOT EXISTS send_publisher"
    yield "GRANT USAGE ON SCHEMA send_publisher TO PUBLIC"


def hold(cursor: Any, tables: list[str]) -> int:
    """Try all of it in one transaction that stays open; how much was let."""
    cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL lock_timeout = '200ms'")
    done = 0
    for attempt in attempts(tables):
        cursor.execute("SAVEPOINT s")
        try:
            cursor.execute(attempt)
            done += 1
        except psycopg2.Error:
            cursor.execute("ROLLBACK TO SAVEPOINT s")
    return done


def test_no_login_but_the_loader_s_can_hold_the_publisher_up(target: Target) -> None:
    target.publish(target.run("one"))
    tables = [
        name for (name,) in target.read("SELECT schemaname || '.' || tablename FROM pg_tables WHERE tableowner = "
                                        "'send_loader' ORDER BY 1")
    ]  # fmt: skip
    assert connection.PUBLISHER_LOCK in tables
    with ExitStack() as open_sessions:
        for name, roles in READERS.items():
            target.server.login(name, roles, "secret")
            target.read(f"GRANT CONNECT ON DATABASE {target.name} TO {name}")
            con = open_sessions.enter_context(closing(target.server.connect(target.name, name, "secret")))
            assert hold(con.cursor(), tables) >= 6  # the advisory locks at least: it does try
        started = time.monotonic()
        target.publish(target.run("two"))
        assert time.monotonic() - started < SOON
    assert target.shown() == {"two"}


def test_what_others_were_given_of_the_publisher_s_lock_is_taken_away(target: Target) -> None:
    target.publish(target.run("one"))
    target.server.login("friend", ["send_bi"], "secret")
    target.read("GRANT USAGE ON SCHEMA send_publisher TO friend, PUBLIC")
    target.read(f"GRANT ALL ON TABLE {connection.PUBLISHER_LOCK} TO friend, PUBLIC")
    target.publish(target.run("two"))
    allowed = "SELECT, INSERT, UPDATE, DELETE, TRUNCATE"
    assert target.read(f"""
        SELECT has_schema_privilege('friend', 'send_publisher', 'USAGE'),
               has_table_privilege('friend', '{connection.PUBLISHER_LOCK}', '{allowed}')""") == [(False, False)]


@pytest.mark.parametrize(
    "made",
    ["CREATE SCHEMA send_publisher", "CREATE SCHEMA send_publisher; CREATE TABLE send_publisher.alone ()",
     "CREATE SCHEMA send_publisher AUTHORIZATION send_loader; CREATE VIEW send_publisher.alone AS SELECT 1 AS a"],
)  # fmt: skip
def test_a_lock_that_is_somebody_else_s_is_refused(target: Target, made: str) -> None:
    target.publish(target.run("one"))
    target.read("DROP SCHEMA send_publisher CASCADE")
    target.read(made)
    with pytest.raises(RunError, match="send_publisher of PostgreSQL is not send_loader's alone"):
        target.publish(target.run("two"))
    assert target.shown() == {"one"}
    target.read("DROP SCHEMA send_publisher CASCADE")
    target.publish(target.run("two"))
