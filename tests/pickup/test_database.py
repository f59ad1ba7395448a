"""A query on a real PostgreSQL, as a file in the inbox; nothing is changed there, whatever is asked."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace

import pytest

from pickup import transfer
from pickup.trouble import REFUSED
from tests.pickup.conftest import House, said
from tests.servers import ADMIN, PASSWORD, Server


@pytest.fixture(scope="module")
def reports(postgres: Server) -> str:
    name = postgres.database()
    postgres.run(
        "CREATE TABLE review (id int, held date, at timestamptz, note text, done boolean, hours numeric(5,1), "
        "file bytea)",
        name,
    )
    postgres.run(
        "INSERT INTO review VALUES (1, '2026-11-16', '2026-11-16 09:30+00', 'She said \"yes\", and\nleft: 100%', true, "
        "12.50, 'x'), (2, null, null, '', false, 0, null)",
        name,
    )
    postgres.login("reader")
    postgres.run("GRANT SELECT ON review TO reader", name)
    return name


@pytest.fixture
def entry(house: House, postgres: Server, reports: str) -> Iterator[dict[str, object]]:
    house.secrets = {"SEND_PICKUP_EXPORTS_USER": ADMIN, "SEND_PICKUP_EXPORTS_PASSWORD": PASSWORD}
    yield {
        "from": "database",
        "address": f"postgresql://127.0.0.1:{postgres.port}/{reports}",
        "query": "SELECT id, held, at, note, done, hours FROM review WHERE note LIKE '%' OR id::text = ':1' ORDER BY 1",
        "save_as": "annual_reviews_{date}.csv",
    }


def test_an_answer_is_a_file(house: House, entry: dict[str, object]) -> None:
    assert house.pick_up(**entry).taken == ["exports/annual_reviews_20261116.csv"]
    text = house.held()["exports/annual_reviews_20261116.csv"].decode()
    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        ["id", "held", "at", "note", "done", "hours"],
        ["1", "2026-11-16", "2026-11-16 09:30:00+00:00", 'She said "yes", and\nleft: 100%', "Yes", "12.5"],
        ["2", "", "", "", "No", "0.0"],
    ]
    assert house.pick_up(**entry).known == 1  # the same bytes


def test_it_comes_in_pieces_and_has_an_end(house: House, entry: dict[str, object]) -> None:
    many = entry | {"query": "SELECT n, repeat('x', 20) AS text FROM generate_series(1, 12000) AS n"}
    assert house.pick_up(**many).taken
    assert house.held()["exports/annual_reviews_20261116.csv"].count(b"\n") == 12_001
    assert "more than 10,000 rows" in said(house.pick_up(**many, max_rows=10_000))
    large = entry | {"query": "SELECT repeat('y', 1000) AS text FROM generate_series(1, 5000) AS n"}
    assert "more than 1 MB" in said(house.pick_up(**large, max_file_mb=1))
    assert house.held()["exports/annual_reviews_20261116.csv"].count(b"\n") == 12_001  # as it was


def test_nothing_is_changed_even_by_what_looks_like_a_question(
    house: House, entry: dict[str, object], postgres: Server, reports: str
) -> None:
    postgres.run(
        "CREATE OR REPLACE FUNCTION sly() RETURNS int LANGUAGE plpgsql AS "
        "$$ BEGIN DELETE FROM review; RETURN 1; END $$",
        reports,
    )
    came = house.pick_up(**(entry | {"query": "SELECT sly()"}))
    assert "only asked in a transaction that may not" in said(came)
    assert postgres.run("SELECT count(*) FROM review", reports) == [(2,)]
    source = house.source(**entry)
    forged = replace(source, options={**source.options, "query": "DELETE FROM review"})
    assert "does not begin with SELECT" in said(transfer.pick_up(forged, house.settings))
    assert postgres.run("SELECT count(*) FROM review", reports) == [(2,)]


def test_what_goes_wrong(house: House, entry: dict[str, object], postgres: Server) -> None:
    for query, words in (
        ("SELECT nothing FROM review", "does not know what the query asks for (SQLSTATE 42703)"),
        ("SELECT id, id FROM review", "two columns called id"),
        ("SELECT file FROM review", "Column file of the query is of a kind (memoryview)"),
        ("SELECT 1 / 0", "could not answer (SQLSTATE 22012)"),
        ("SELECT note::int FROM review", "could not answer (SQLSTATE 22P02)"),
    ):
        assert words in said(house.pick_up(**(entry | {"query": query}))), query
        assert "She said" not in said(house.pick_up(**(entry | {"query": query})))  # no row is quoted
    slow = house.pick_up(**(entry | {"query": "SELECT pg_sleep(5)", "timeout_minutes": 1 / 60}))
    assert "took more than" in said(slow)
    house.secrets = {"SEND_PICKUP_EXPORTS_USER": "reader", "SEND_PICKUP_EXPORTS_PASSWORD": "reader-secret"}
    assert house.pick_up(**entry).taken
    denied = house.pick_up(**(entry | {"query": "SELECT * FROM pg_authid"}))
    assert "lets this login not read" in said(denied) and denied.status == REFUSED
    house.secrets["SEND_PICKUP_EXPORTS_PASSWORD"] = "wrong-word"
    wrong = house.pick_up(**entry)
    assert "refused the sign-in" in said(wrong) and "wrong-word" not in said(wrong) and wrong.status == REFUSED
    house.secrets = {}
    assert "Set SEND_PICKUP_EXPORTS_USER" in said(house.pick_up(**entry))


def test_drivers_that_are_not_here_say_how_they_come(house: House, entry: dict[str, object]) -> None:
    house.secrets = {"SEND_PICKUP_EXPORTS_USER": "x"}
    for dialect, driver in (("oracle", "oracledb"), ("mssql", "pymssql")):
        came = house.pick_up(**(entry | {"address": f"{dialect}://db.council.example/one"}))
        assert f"{driver}, which speaks to {dialect}, is not installed" in said(came)
        assert f"--extra {dialect}" in said(came)


def test_a_server_that_goes_away(house: House, entry: dict[str, object], postgres: Server) -> None:
    """Last: it stops the server of this file."""
    house.secrets = {"SEND_PICKUP_EXPORTS_USER": ADMIN, "SEND_PICKUP_EXPORTS_PASSWORD": PASSWORD}
    postgres.stop("immediate")
    try:
        came = house.pick_up(**entry)
    finally:
        postgres.start()
    assert "could not be reached" in said(came) and came.status == 1
