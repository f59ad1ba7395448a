"""A new version of SEND Ready publishes other tables and columns than the one before."""

import pytest

from send_ready.runs import RunError
from tests.postgres.conftest import Target

MORE = (
    "ALTER TABLE core.dim_person ADD COLUMN age_years INTEGER",
    "UPDATE core.dim_person SET age_years = 7",
    "COMMENT ON COLUMN core.dim_person.age_years IS 'Age at D'",
    "COMMENT ON TABLE core.dim_person IS 'One row a child'",
    "CREATE TABLE core.fct_more AS SELECT 'S1' AS person_id, DATE '2026-11-16' AS start_date",
    "DROP TABLE core.fct_exclusion",
)


def columns(target: Target, table: str) -> list[tuple[str, str]]:
    return [
        (name, kind)
        for name, kind in target.read(
            f"SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = '{table}'::regclass "
            "AND attnum > 0 AND NOT attisdropped ORDER BY attname"
        )
    ]


def identities(target: Target) -> dict[str, int]:
    """By table and index: which one PostgreSQL takes it for. A new one under an old name would break open readers."""
    return dict(
        target.read(
            "SELECT relname, pg_class.oid FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
            "WHERE nspname IN ('core', 'annex_a', 'quality', 'kpi') AND relkind IN ('r', 'i')"
        )
    )


def test_a_night_as_any_other_changes_no_table(target: Target) -> None:
    described = (
        "SELECT max(pg_attribute.xmin::text::bigint) FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid "
    )
    described += "WHERE relowner = 'send_loader'::regrole"
    target.publish(target.run("one"))
    target.publish(target.run("two"))
    before = target.read(described), identities(target)
    target.publish(target.run("three"))
    assert (target.read(described), identities(target)) == before


def test_only_what_changed_is_changed_and_the_way_back_is_open(target: Target) -> None:
    target.publish(target.run("one"))
    first, old_columns = identities(target), columns(target, "core.dim_person")
    target.publish(target.run("two", *MORE))
    second = identities(target)
    assert first.keys() - second.keys() == {"fct_exclusion", "send_fct_exclusion_key", "send_fct_exclusion_person_id"}
    assert second.keys() - first.keys() == {"fct_more", "send_fct_more_person_id", "send_fct_more_start_date"}
    assert {name for name in first.keys() & second.keys() if first[name] != second[name]} == set()
    assert columns(target, "core.dim_person") == sorted([*old_columns, ("age_years", "integer")])
    assert target.read("SELECT person_id, age_years, run_id FROM core.dim_person") == [("S1", 7, "two")]
    assert target.read("SELECT obj_description('core.dim_person'::regclass)") == [("One row a child",)]

    target.rollback()
    assert target.shown() == {"one"}
    assert columns(target, "core.dim_person") == old_columns
    assert target.read("SELECT obj_description('core.dim_person'::regclass)") == [("One row a person",)]
    assert target.read("SELECT to_regclass('core.fct_more')") == [(None,)]
    assert target.read("SELECT count(*) FROM core.fct_exclusion") == [(0,)]

    target.publish(target.run("three", *MORE))
    assert target.shown() == {"three"}
    assert identities(target).keys() == second.keys()


def test_another_type_and_another_key_take_effect(target: Target) -> None:
    target.publish(target.run("one"))
    target.publish(
        target.run(
            "two",
            "CREATE OR REPLACE TABLE core.dim_person AS SELECT 7 AS person_id, '999' AS la_code, 'two' AS run_id",
            "CREATE OR REPLACE TABLE core.fct_exclusion AS SELECT 7 AS exclusion_id, 7 AS person_id",
        )
    )
    assert target.read("SELECT person_id, pg_typeof(person_id)::text FROM core.dim_person") == [(7, "integer")]
    keys = "SELECT conrelid::regclass::text, contype::text FROM pg_constraint WHERE conname LIKE 'send%'"
    keys += " AND connamespace = 'core'::regnamespace ORDER BY 1, 2"
    expected = [("core.dim_person", "p"), ("core.fct_exclusion", "f"), ("core.fct_exclusion", "p")]
    assert target.read(keys) == expected
    target.rollback()
    assert target.read("SELECT person_id FROM core.dim_person") == [("S1",)]
    target.publish(target.run("three"))
    assert target.read(keys) == expected


def test_an_administrators_view_is_not_dropped_but_named(target: Target) -> None:
    target.publish(target.run("one"))
    target.read("CREATE SCHEMA reports")
    target.read("CREATE VIEW reports.exclusions AS SELECT * FROM core.fct_exclusion")
    target.publish(target.run("two"))
    assert target.read("SELECT count(*) FROM reports.exclusions") == [(0,)]
    with pytest.raises(RunError, match=r"view reports\.exclusions depends on .* Drop what depends on it"):
        target.publish(target.run("three", "DROP TABLE core.fct_exclusion"))
    assert target.shown() == {"two"}
    target.read("DROP VIEW reports.exclusions")
    target.publish(target.run("three", "DROP TABLE core.fct_exclusion"))
    assert target.shown() == {"three"}


def test_indexes_of_an_administrator_stay(target: Target) -> None:
    target.publish(target.run("one"))
    target.read("CREATE INDEX of_the_dba ON core.dim_person (la_code)")
    target.publish(target.run("two", *MORE))
    assert target.read("SELECT to_regclass('core.of_the_dba')::text") == [("core.of_the_dba",)]
