"""Readers and publications at the same time, and publications that are cut off: one run, whole, at any moment."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
from publish_run import child, issue

from send_ready.runs import RunError
from tests.postgres.conftest import Target
from tests.servers import server
from tests.waiting import HANG, until
from warehouse.postgres import connection

CHILDREN = 40
EVERYWHERE = """
    SELECT run_id FROM annex_a.rpt_annex_a__list_1 UNION ALL SELECT run_id FROM quality.issues
    UNION ALL SELECT run_id FROM core.dim_person UNION ALL SELECT run_id FROM quality.runs
"""
BIG = "CREATE TABLE core.big AS SELECT range AS id FROM range(3000)"


@contextmanager
def session(target: Target, **more: Any) -> Iterator[Any]:
    with closing(target.server.connect(target.name, **more)) as con:
        yield con


def council(target: Target, name: str, *statements: str) -> Any:
    rows = [child(f"S{number}") for number in range(CHILDREN)]
    return target.run(name, *statements, list_1=rows, found=[issue()])


def read_until(target: Target, isolation: str, stop: threading.Event) -> list[set[str]]:
    """The runs of each transaction of two queries; RuntimeError for a council of another size."""
    seen = []
    with session(target) as con:
        con.autocommit = False
        con.isolation_level = isolation
        while not stop.is_set():
            for _ in range(2):
                with con.cursor() as cursor:
                    cursor.execute(EVERYWHERE)
                    runs = [run for (run,) in cursor.fetchall()]
                if len(runs) != CHILDREN + 4:
                    raise RuntimeError(f"{len(runs)} rows")
                seen.append(set(runs))
                if isolation == "READ COMMITTED":
                    con.rollback()
            if isolation == "REPEATABLE READ":
                seen[-2:] = [seen[-2] | seen[-1]]
            con.rollback()
    return seen


@pytest.mark.parametrize("upgrade", [(), ("ALTER TABLE core.dim_person ADD COLUMN x INT", BIG)], ids=["", "upgrade"])
def test_readers_see_one_run_in_each_query_and_in_each_snapshot(target: Target, upgrade: tuple[str, ...]) -> None:
    runs = [council(target, "run_0"), council(target, "run_1", *upgrade)]
    target.publish(runs[0])
    stop = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read_until, target, level, stop) for level in ("READ COMMITTED", "REPEATABLE READ")]
        try:
            for number in range(10):
                target.publish(runs[(number + 1) % 2])
        finally:
            stop.set()
        for reader in readers:
            seen = reader.result()
            assert {len(each) for each in seen} == {1}
            assert set.union(*seen) == {"run_0", "run_1"}


def test_who_reads_for_hours_neither_waits_nor_is_waited_for(target: Target) -> None:
    target.publish(council(target, "one"))
    with session(target) as con, con.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        cursor.execute(EVERYWHERE)
        target.publish(council(target, "two"))
        target.publish(council(target, "three"))
        assert target.shown() == {"three"}
        cursor.execute(EVERYWHERE)
        assert set(cursor.fetchall()) == {("one",)}
        cursor.execute("SELECT count(*) FROM core.fct_exclusion")  # of which it holds no lock yet
        cursor.execute("COMMIT")


def test_two_publishers_come_one_after_the_other(target: Target) -> None:
    runs = [council(target, "one"), council(target, "two")]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(target.publish, runs))
    (shown,) = target.shown()
    assert target.read("SELECT run_id FROM quality_previous.runs") == [({"one": "two", "two": "one"}[shown],)]


def test_a_publisher_that_never_ends_is_named(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    target.publish(target.run("none"))
    monkeypatch.setattr(connection, "PUBLISHER_WAIT", "200ms")
    with session(target, application_name="SEND Ready old") as con, con.cursor() as cursor:
        cursor.execute(f"BEGIN; LOCK TABLE {connection.PUBLISHER_LOCK} IN SHARE ROW EXCLUSIVE MODE")
        pid = con.info.backend_pid
        with pytest.raises(
            RunError, match=rf"^For more than 200ms .+ held by postgres with SEND Ready old \(PID {pid}\)\."
        ):
            target.publish(target.run("one"))
    target.publish(target.run("one"))


def test_somebody_who_holds_on_to_a_table_that_has_to_change_is_named(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"LOCK_WAIT": "100ms", "LOCK_PAUSE": 0.1, "LOCK_TRIES": 3}.items():
        monkeypatch.setattr(connection, name, value)
    target.publish(target.run("one"))
    upgraded = target.run("two", "ALTER TABLE core.dim_person ADD COLUMN more INTEGER")
    with session(target, application_name="Power BI") as con, con.cursor() as cursor:
        cursor.execute("BEGIN; SELECT 'SECRET' FROM core.dim_person")
        told = rf"^A table that has to change is in use by postgres with Power BI \(PID {con.info.backend_pid}\)\. End "
        with pytest.raises(RunError, match=told) as caught:
            target.publish(upgraded)
        assert "SECRET" not in str(caught.value)
        assert target.shown() == {"one"}
        threading.Timer(0.25, cursor.execute, ("COMMIT",)).start()
        monkeypatch.setattr(connection, "LOCK_TRIES", 100)
        target.publish(upgraded)
    assert target.shown() == {"two"}


def test_somebody_who_locked_a_table_is_named_on_any_night(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"LOCK_WAIT": "100ms", "LOCK_PAUSE": 0.1, "LOCK_TRIES": 2}.items():
        monkeypatch.setattr(connection, name, value)
    target.publish(target.run("one"))
    target.publish(target.run("two"))
    with session(target, application_name="pgAdmin") as con, con.cursor() as cursor:
        cursor.execute("BEGIN; LOCK TABLE core.dim_person")
        told = rf"^A table that has to change is in use by postgres with pgAdmin \(PID {con.info.backend_pid}\)\. End "
        with pytest.raises(RunError, match=told):
            target.publish(target.run("three"))
        with pytest.raises(RunError, match=told):
            target.rollback()
    assert target.shown() == {"two"}


def test_a_reader_of_two_tables_that_change_waits_and_is_not_stopped(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds the second and asks for the first, while the publisher holds the first and asks for the second."""
    monkeypatch.setattr(connection, "LOCK_PAUSE", 0.1)
    target.publish(target.run("one"))
    tables = ("core.dim_person", "core.fct_exclusion")
    upgraded = target.run("two", *(f"ALTER TABLE {table} ADD COLUMN more INTEGER" for table in tables))
    with session(target) as con, con.cursor() as cursor, ThreadPoolExecutor(1) as pool:
        cursor.execute("BEGIN; SELECT run_id FROM core.fct_exclusion")
        publishing = pool.submit(target.publish, upgraded)
        until("a lock is waited for", lambda: target.read("SELECT true FROM pg_locks WHERE NOT granted"))
        cursor.execute("SELECT run_id FROM core.dim_person")
        assert cursor.fetchall() == [("one",)]
        cursor.execute("COMMIT")
        publishing.result()
    assert target.shown() == {"two"}


@pytest.mark.parametrize("failure", ["ends its session", "refuses a row", "the run's own file fails"])
def test_a_publication_that_fails_in_the_middle_leaves_the_run_before(target: Target, failure: str) -> None:
    target.publish(council(target, "one", BIG))
    act, error = {
        "ends its session": ("PERFORM pg_terminate_backend(pg_backend_pid())", RunError),
        "refuses a row": ("RAISE EXCEPTION 'SECRET'", RunError),
        "the run's own file fails": ("NULL", duckdb.Error),
    }[failure]
    at(target, 2000, act)
    breaks = "CREATE OR REPLACE VIEW core.big AS SELECT if(range = 200000, error('x'), range) AS id FROM range(200001)"
    second = council(target, "two", *([breaks] if error is duckdb.Error else [BIG]))
    with pytest.raises(error) as caught:
        target.publish(second)
    assert "SECRET" not in str(caught.value)
    assert target.shown() == {"one"}
    assert target.read("SELECT count(*) FROM core.big") == [(3000,)]
    target.read("DROP TRIGGER at ON core.big")
    target.publish(council(target, "two", BIG))
    assert target.shown() == {"two"}
    assert target.read("SELECT run_id FROM quality_previous.runs") == [("one",)]


def at(target: Target, number: int, act: str) -> None:
    """Do something in PostgreSQL when a row of core.big is copied in."""
    body = f"BEGIN IF NEW.id = {number} THEN {act}; END IF; RETURN NEW; END"
    target.read(f"CREATE FUNCTION public.at() RETURNS trigger LANGUAGE plpgsql AS $at${body}$at$")
    target.read("CREATE TRIGGER at BEFORE INSERT ON core.big FOR EACH ROW EXECUTE FUNCTION public.at()")


def test_postgresql_may_be_restarted_in_the_middle(tmp_path: Path) -> None:
    with server() as own:
        name = own.database()
        target = Target(own, name, tmp_path, own.url(name))
        target.publish(council(target, "one", BIG))
        at(target, 2000, "PERFORM pg_sleep(600)")
        second = council(target, "two", BIG)
        with ThreadPoolExecutor(1) as pool:
            publishing = pool.submit(target.publish, second)
            copying = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE 'COPY %'"
            until("rows are copied in", lambda: target.read(copying) == [(1,)])
            assert target.shown() == {"one"}
            own.restart("immediate")
            told = r"Readers keep the run that they have\. When that is put right, run this step again\.$"
            with pytest.raises(RunError, match=told):
                publishing.result(HANG)
        assert target.shown() == {"one"}
        target.read("DROP TRIGGER at ON core.big")
        target.publish(second)
        assert target.shown() == {"two"}
        assert target.read("SELECT run_id FROM quality_previous.runs") == [("one",)]


def test_postgresql_before_18_does_without_declared_references(tmp_path: Path) -> None:
    with server(version=16) as own:
        name = own.database()
        target = Target(own, name, tmp_path, own.url(name))
        holed = "CREATE TABLE core.lines AS SELECT 'a' || chr(10) || '\\.' || chr(10) || 'b' AS words"
        for run in ("one", "two"):
            target.publish(council(target, run, holed))
        assert target.read("SELECT words FROM core.lines") == [("a\n\\.\nb",)]
        assert target.read("SELECT count(*) FROM pg_constraint WHERE contype = 'f'") == [(0,)]
        target.rollback()
        assert target.shown() == {"one"}
