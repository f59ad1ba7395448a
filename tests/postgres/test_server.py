"""That the server of the tests is one: it asks for passwords, and comes back with what it held."""

import psycopg2
import pytest

from tests.servers import PASSWORD, Server, server


def test_it_asks_for_a_password(postgres: Server) -> None:
    assert postgres.run("SELECT 1") == [(1,)]
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        postgres.connect(password=PASSWORD + "x")


def test_it_comes_back_after_a_stop_in_good_order_and_after_a_power_cut() -> None:
    with server() as own:
        name = own.database()
        own.run("CREATE TABLE kept AS SELECT 1 AS one", name)
        for mode in ("fast", "immediate"):
            own.restart(mode)
            assert own.run("SELECT one FROM kept", name) == [(1,)]
        own.stop()
        with pytest.raises(psycopg2.OperationalError):
            own.connect(name)
        own.start()
