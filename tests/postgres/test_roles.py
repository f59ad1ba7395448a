"""Who may do what, tried by those who may not: over real logins, on a server of their own."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from publish_run import child, issue

from send_ready.runs import RunError
from tests.postgres.conftest import Target, note
from tests.servers import Server, server
from warehouse.postgres.roles import SQL

LOADED = (
    "CREATE TABLE person_identifiable.persons AS SELECT 'S1' AS person_id, 'Ada' AS forename",
    "CREATE TABLE core.dim_establishment AS SELECT '100001' AS urn, 'A school' AS establishment_name",
    "CREATE SCHEMA kpi",
    "CREATE OR REPLACE TABLE sen2.sen2_person AS SELECT 'S1' AS unique_id, 'Ada' AS forename",
    "CREATE TABLE kpi.kpi_values AS SELECT 'K01' AS kpi_id, 1 AS value",
)
BI = {"core", "kpi", "quality"}
JOINED = {"core.dim_establishment", "quality.runs"}
DENIED = psycopg2.errors.InsufficientPrivilege


@dataclass
class House:
    """A database with two published runs, and people: a nightly, an analyst, a caseworker, a stranger, an insider."""

    target: Target
    tables: list[str]
    open: dict[str, Any] = field(default_factory=dict)

    def tries(self, who: str, statement: str) -> list[tuple[object, ...]]:
        """Raises InsufficientPrivilege where PostgreSQL does."""
        return self.target.server.run(statement, self.target.name, who, f"{who}-secret")

    def may(self, who: str, statement: str) -> bool:
        """Whether PostgreSQL lets them; it is undone again."""
        if who not in self.open:
            self.open[who] = self.target.server.connect(self.target.name, who, f"{who}-secret")
            self.open[who].autocommit = False
        try:
            with self.open[who].cursor() as cursor:
                cursor.execute(statement)
        except DENIED:
            return False
        finally:
            self.open[who].rollback()
        return True


def administer(own: Server, database: str) -> None:
    """What a database administrator runs once; twice changes nothing."""
    for _ in range(2):
        own.run(SQL.read_text(encoding="utf-8"), database)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with server() as own:
        name = own.database()
        administer(own, name)
        for login, roles in {
            "nightly": ["send_loader"],
            "analyst": ["send_bi"],
            "caseworker": ["send_lists"],
            "stranger": [],
        }.items():
            own.login(login, roles)
        own.login("insider")
        own.run(f"GRANT CONNECT ON DATABASE {name} TO insider")
        url = own.url(name, "nightly", "nightly-secret")
        target = Target(own, name, tmp_path_factory.mktemp("house"), url)
        for run in ("one", "two"):
            target.publish(target.run(run, *LOADED, list_1=[child("S1")], found=[issue()]))
        names = target.read(
            "SELECT schemaname || '.' || tablename FROM pg_tables WHERE tableowner = 'send_loader' ORDER BY 1"
        )
        yield House(target, [table for (table,) in names])


def readable(who: str, table: str) -> bool:
    schema = table.split(".")[0]
    return (who == "analyst" and schema in BI) or (who == "caseworker" and (schema == "annex_a" or table in JOINED))


@pytest.mark.parametrize("who", ["analyst", "caseworker", "insider"])
def test_each_reads_what_is_theirs_and_changes_nothing(house: House, who: str) -> None:
    assert len({table.split(".")[0] for table in house.tables}) == 13
    for table in house.tables:
        assert house.may(who, f"SELECT * FROM {table}") == readable(who, table), table
        for change in (
            f"INSERT INTO {table} (run_id) VALUES ('x')",
            f"UPDATE {table} SET run_id = 'x'",
            f"DELETE FROM {table}",
            f"TRUNCATE {table}",
            f"DROP TABLE {table}",
            f"ALTER TABLE {table} ADD COLUMN x int",
            f"ALTER TABLE {table} OWNER TO {who}",
            f"CREATE INDEX ON {table} (run_id)",
            f"COMMENT ON TABLE {table} IS 'x'",
            f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE",
            f"SELECT * FROM {table} FOR UPDATE",
            f"GRANT SELECT ON {table} TO PUBLIC",
            f"CREATE TRIGGER x AFTER INSERT ON {table} EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        ):
            if not change.startswith("GRANT") or not readable(who, table):  # with SELECT it warns, and grants nothing
                assert not house.may(who, change), change
    assert house.target.shown() == {"two"}


@pytest.mark.parametrize(
    ("who", "statement"),
    tuple(
        product(
            ("analyst", "caseworker", "insider"),
            (
                "CREATE SCHEMA mine",
                "CREATE TABLE public.mine (x int)",
                "CREATE TABLE core.mine (x int)",
                "CREATE TABLE annex_a.mine (x int)",
                "CREATE TEMP TABLE mine (x int)",
                "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
                "CREATE ROLE mine",
                "CREATE DATABASE mine",
                "COPY (SELECT 1) TO PROGRAM 'cat'",
                "COPY (SELECT 1) TO '/tmp/send_ready_test'",
                "SELECT pg_read_file('postgresql.conf')",
                "SELECT pg_ls_dir('.')",
                "SELECT lo_create(0)",
                "SELECT lo_creat(-1)",
                "SELECT lo_from_bytea(0, 'x')",
                "SELECT lo_import('/etc/passwd')",
                "SELECT rolpassword FROM pg_authid",
                "SELECT stavalues1 FROM pg_statistic",
                "SET ROLE send_loader",
                "SET ROLE postgres",
                "SET SESSION AUTHORIZATION nightly",
                "SET session_replication_role = replica",
                "GRANT send_loader TO CURRENT_USER",
                "ALTER ROLE nightly PASSWORD 'x'",
                "DROP SCHEMA core CASCADE",
                "CREATE PUBLICATION p FOR ALL TABLES",
            ),
        )
    ),
)
def test_nobody_gets_at_anything_else(house: House, who: str, statement: str) -> None:
    with pytest.raises(DENIED):
        house.tries(who, statement)


def test_a_login_without_a_role_gets_no_connection(house: House) -> None:
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        house.tries("stranger", "SELECT 1")


@pytest.mark.parametrize("who", ["analyst", "caseworker", "insider"])
def test_the_catalogue_tells_no_values_and_only_the_columns_of_ones_own(house: House, who: str) -> None:
    columns = house.tries(who, "SELECT DISTINCT table_schema || '.' || table_name FROM information_schema.columns")
    own = {str(table) for (table,) in columns if not str(table).startswith(("information_schema.", "pg_catalog."))}
    assert own == {table for table in house.tables if readable(who, table)}
    told = {str(schema) for (schema,) in house.tries(who, "SELECT DISTINCT schemaname FROM pg_stats")}
    assert told - {"pg_catalog", "information_schema"} <= {table.split(".")[0] for table in own}
    assert house.tries(who, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%'") == [(0,)]


def test_comments_hold_no_values(house: House) -> None:
    for (comment,) in house.tries("insider", "SELECT description FROM pg_description WHERE objoid > 16383"):
        assert "Ada" not in str(comment) and "A999000000001" not in str(comment)


def test_what_was_granted_beside_is_taken_away_and_an_administrators_grant_of_identities_stays(house: House) -> None:
    for grant in (
        "SELECT ON core.dim_person TO PUBLIC",
        "SELECT ON annex_a.rpt_annex_a__list_1 TO analyst",
        "UPDATE ON core.dim_person TO send_bi",
        "SELECT (upn) ON annex_a.rpt_annex_a__list_1 TO send_bi",
        "USAGE, CREATE ON SCHEMA annex_a TO analyst",
        "SELECT ON core_previous.dim_person TO analyst",
        "USAGE ON SCHEMA core_previous TO analyst",
        "USAGE ON SCHEMA person_identifiable TO insider",
        "SELECT ON person_identifiable.persons TO insider",
        "SELECT ON person_identifiable.persons TO send_bi",
        "SELECT ON person_identifiable.persons TO PUBLIC",
        "USAGE ON SCHEMA sen2 TO insider",
        "SELECT ON sen2.person TO insider",
        "SELECT ON sen2.person TO send_bi",
    ):
        house.target.read(f"GRANT {grant}")
    house.target.read("REVOKE SELECT ON core.dim_establishment FROM send_lists")
    run = house.target.publish(house.target.run("two", *LOADED, list_1=[child("S1")], found=[issue()]))
    taken = note(run)
    for told in (
        "PUBLIC on TABLE core.dim_person",
        "analyst on SCHEMA annex_a",
        "send_bi on TABLE person_identifiable",
        "send_bi on TABLE sen2",
    ):
        assert told in taken.replace('"', ""), taken
    for table in house.tables:
        for who in ("analyst", "caseworker"):
            assert house.may(who, f"SELECT * FROM {table}") == readable(who, table), (who, table)
    assert not house.may("analyst", "UPDATE core.dim_person SET person_id = 'x'")
    assert not house.may("analyst", "CREATE TABLE annex_a.mine (x int)")
    assert house.may("insider", "SELECT * FROM person_identifiable.persons")
    house.target.publish(house.target.run("three", *LOADED, "ALTER TABLE person_identifiable.persons ADD COLUMN x INT"))
    assert house.may("insider", "SELECT * FROM person_identifiable.persons")
    assert house.may("insider", "SELECT * FROM sen2.person")


def test_a_login_that_may_not_publish_is_told_what_to_ask_for(house: House) -> None:
    target = Target(house.target.server, house.target.name, house.target.home, "")
    target.url = target.server.url(target.name, "analyst", "analyst-secret")
    with pytest.raises(RunError, match=r'permission denied to set role "send_loader"\. .* `send-ready postgres-roles`'):
        target.publish(target.run("four"))


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("CREATE SCHEMA core", "permission denied for schema core"),
        (
            "CREATE SCHEMA core AUTHORIZATION send_loader; CREATE TABLE core.dim_person (x INT)",
            'relation "dim_person" already exists',
        ),
    ],
)
def test_what_belongs_to_somebody_else_is_told(house: House, made: str, said: str) -> None:
    own = house.target.server
    name = own.database()
    administer(own, name)
    own.run(made, name)
    target = Target(own, name, house.target.home, own.url(name, "nightly", "nightly-secret"))
    with pytest.raises(RunError, match=rf"{said}\. .+ of the names that are published have to be send_loader's own"):
        target.publish(target.run("five"))


def test_without_roles_the_way_to_them_is_told_or_they_are_made(tmp_path: Path) -> None:
    with server() as own:
        name = own.database()
        target = Target(own, name, tmp_path, own.url(name, own.login("nightly"), "nightly-secret"))
        with pytest.raises(RunError, match=r"no roles send_loader, send_bi and send_lists .* `send-ready postgres-r"):
            target.publish(target.run("one"))
        own.login("owner")
        own.run("ALTER ROLE owner CREATEROLE")
        own.run(f"ALTER DATABASE {name} OWNER TO owner")
        target.url = own.url(name, "owner", "owner-secret")
        for run in ("one", "two"):
            target.publish(target.run(run))
        assert target.shown() == {"two"}
        assert own.run("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'core'", name) == [
            ("send_loader",)
        ]
