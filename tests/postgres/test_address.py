"""The way to the server: what is said when it is closed, and that no password is ever part of it."""

import socket
import traceback

import pytest

from send_ready.runs import RunError
from send_ready.settings import SettingsError
from tests.postgres.conftest import Target, note
from warehouse.postgres import connection

SECRET = "hush-hush"


def refused(target: Target, capfd: pytest.CaptureFixture[str]) -> str:
    """What a publication says that fails, after a look at all that anybody could read of it."""
    with pytest.raises((RunError, SettingsError)) as caught:
        target.publish(target.run("one"))
    shown = "".join(traceback.format_exception(caught.value)) + "".join(capfd.readouterr())
    shown += (target.home / "runs" / "one" / "progress.jsonl").read_text()
    for part in (SECRET, "hush", "admin-secret"):
        assert part not in shown.replace("postgres/test_address.py", "")
    return str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://user:{SECRET}@@host/db",
        f"postgresql://user:p@{SECRET}@host/db",
        f"postgresql://user:p/{SECRET}@host/db",
        f"postgresql://user:p?{SECRET}@host/db",
        f"postgresql://user:p#{SECRET}@host/db",
        f"postgresql://user:{SECRET}%zz@host/db",
        f"postgresql://user:{SECRET}@[host/db",
        f"postgresql://user@host/db?{SECRET}",
        f"postgresql://user@host/db?password={SECRET}&{SECRET}=1",
        f"postgresql://user@host/db#{SECRET}",
    ],
)
def test_an_address_that_cannot_be_read_is_not_repeated(
    target: Target, address: str, capfd: pytest.CaptureFixture[str]
) -> None:
    target.url = address
    said = refused(target, capfd)
    assert said.startswith("SEND_PUBLISH_URL cannot be read. It should look like postgresql://user@host:5432/database")


def test_a_wrong_password_is_told_without_it(target: Target, capfd: pytest.CaptureFixture[str]) -> None:
    target.url = target.server.url(target.name, password=SECRET)
    said = refused(target, capfd)
    assert said.startswith(f"PostgreSQL 127.0.0.1 {target.name}: ")
    assert 'password authentication failed for user "postgres"' in said
    assert said.endswith("Readers keep the run that they have. When that is put right, run this step again.")


def test_a_password_that_is_also_a_name_is_masked(target: Target, capfd: pytest.CaptureFixture[str]) -> None:
    target.url = target.server.url(target.name, user=SECRET, password=SECRET)
    assert 'password authentication failed for user "***"' in refused(target, capfd)


def test_a_database_that_is_not_there_is_told(target: Target, capfd: pytest.CaptureFixture[str]) -> None:
    target.url = target.server.url("nowhere")
    assert 'database "nowhere" does not exist' in refused(target, capfd)


def test_a_server_that_is_not_there_is_told(target: Target, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        target.url = f"postgresql://user:{SECRET}@127.0.0.1:{free.getsockname()[1]}/db"
        assert "Connection refused" in refused(target, capfd)


def test_a_server_that_does_not_answer_is_given_up(target: Target, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        target.url = f"postgresql://user:{SECRET}@127.0.0.1:{mute.getsockname()[1]}/db?connect_timeout=2"
        assert "timeout expired" in refused(target, capfd)


def test_a_database_in_another_encoding_is_refused(target: Target) -> None:
    target.server.run("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    target.url = target.server.url("latin")
    with pytest.raises(
        RunError, match=r"PostgreSQL 18 with a database in LATIN1\. It should be PostgreSQL 15 or later"
    ):
        target.publish(target.run("one"))
    target.server.run("DROP DATABASE latin")


def test_a_row_that_is_refused_is_not_shown(target: Target) -> None:
    """PostgreSQL tells the row at which it stopped, which may be a child's."""
    run = target.run("one", f"CREATE TABLE core.fct_exclusion_2 AS SELECT '{SECRET}' AS words")
    target.publish(run)
    target.read(f"ALTER TABLE core.fct_exclusion_2 ADD CONSTRAINT no_words CHECK (words <> '{SECRET}') NOT VALID")
    with pytest.raises(RunError) as caught:
        target.publish(run)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert "check violation table fct_exclusion_2 constraint no_words. Readers keep" in str(caught.value)
    assert target.shown() == {"one"}


@pytest.mark.parametrize(
    ("code", "words", "told"),
    [
        (
            "disk_full",
            'could not extend file "base/1/2": No space left on device',
            ': disk full: could not extend file "base/1/2". Readers keep the run that they have. It is the disk of the '
            "PostgreSQL server. When that is put right, run this step again.",
        ),
        (
            "read_only_sql_transaction",
            "cannot execute DELETE in a read-only transaction",
            ": read only sql transaction: cannot execute DELETE in a read-only transaction. Readers keep the run that "
            "they have. SEND_PUBLISH_URL has to lead to the primary server, and not to a replica. When that is put "
            "right, run this step again.",
        ),
    ],
)
def test_what_the_server_cannot_do_is_not_taken_for_this_machine(
    target: Target, code: str, words: str, told: str
) -> None:
    target.publish(target.run("one"))
    fails = f"BEGIN RAISE EXCEPTION $${words}$$ USING ERRCODE = '{code}'; END"
    target.read(
        f"CREATE FUNCTION public.fails() RETURNS trigger LANGUAGE plpgsql AS '{fails.replace(chr(39), chr(39) * 2)}'"
    )
    target.read("CREATE TRIGGER fails BEFORE INSERT ON quality.runs EXECUTE FUNCTION public.fails()")
    with pytest.raises(RunError) as caught:
        target.publish(target.run("two"))
    assert str(caught.value) == f"PostgreSQL 127.0.0.1 {target.name}{told}"
    assert target.shown() == {"one"}


@pytest.mark.parametrize(("address", "warned"), [("", True), ("?sslmode=disable", False)])
def test_rows_that_cross_a_network_unencrypted_are_told_unless_meant(
    target: Target, monkeypatch: pytest.MonkeyPatch, address: str, warned: bool
) -> None:
    run = target.publish(target.run("one"))
    assert note(run) == "None", "this machine is no network"
    monkeypatch.setattr(connection, "LOCAL", ())
    target.url += address
    target.publish(run)
    assert note(run) == (connection.IN_CLEAR if warned else "None")


def test_the_sessions_of_the_loader_can_be_told_and_are_gone_after(target: Target) -> None:
    target.publish(target.run("one"))
    assert target.read("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'SEND Ready%'") == [(0,)]


def test_limits_of_the_login_do_not_cut_a_night_short(target: Target) -> None:
    login = target.server.login("hurried", ["send_loader"])
    for limit in ("statement_timeout = '400ms'", "default_transaction_read_only = 'on'"):
        target.server.run(f"ALTER ROLE {login} SET {limit}")
    target.publish(target.run("one"))
    slow = "BEGIN PERFORM pg_sleep(0.8); RETURN NULL; END"
    target.read(f"CREATE FUNCTION public.dawdle() RETURNS trigger LANGUAGE plpgsql AS '{slow}'")
    target.read("CREATE TRIGGER dawdle BEFORE INSERT ON quality.runs EXECUTE FUNCTION public.dawdle()")
    target.url = target.server.url(target.name, login, f"{login}-secret")
    target.publish(target.run("two"))
    assert target.shown() == {"two"}
