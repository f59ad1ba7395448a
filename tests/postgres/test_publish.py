"""The warehouse in PostgreSQL: every value as in the DuckDB file, whole or not at all, and the way back."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from publish_run import AS_AT, child, issue, settings

from commands import cli
from send_ready import database
from send_ready.database import literal
from send_ready.runs import RunError
from tests import council
from tests.postgres.conftest import Target, note
from warehouse.postgres import publish as publisher
from warehouse.serve import serve as serve_files

# Text that CSV, PostgreSQL or a reader of either could take for something else.
TEXTS = (
    *(
        "",
        " ",
        "NULL",
        "\\N",
        "\\.",
        '"',
        '""',
        "'",
        ",",
        "a,b",
        'a"b',
        "a\nb",
        "a\r\nb",
        "\n\\.\n",
        "\t",
        "\\",
        "\\\\",
    ),
    *(
        "true",
        "2026-11-16",
        "é",
        "日本",
        "🙂",
        "\u2028",
        "\ufeff",
        "%s %(a)s",
        "{}",
        "$1",
        "--",
        ";",
        "\x01",
        "a" * 100_000,
    ),
)
ODD = """
    CREATE TABLE core.odd AS SELECT * FROM (VALUES
        (1, true, (-32768)::SMALLINT, (-2147483648)::INTEGER, (-9223372036854775808)::BIGINT,
         170141183460469231731687303715884105727::HUGEINT, 0.1::DOUBLE, DATE '0001-01-01', (-0.05)::DECIMAL(18, 2),
         TIMESTAMP '2026-11-16 01:02:03.000004', TIME '23:59:59.5'),
        (2, false, 32767, 2147483647, 9223372036854775807, -1, 1.7976931348623157e308, DATE '9999-12-31',
         9999999999999999.99, TIMESTAMP '1900-01-01', TIME '00:00'),
        (3, NULL, NULL, NULL, NULL, NULL, 5e-324, NULL, NULL, NULL, NULL),
        (4, NULL, NULL, NULL, NULL, NULL, 'infinity'::DOUBLE, NULL, NULL, NULL, NULL)
    ) AS odd (id, is_so, small, whole, large, huge, real, day, exact, moment, hour)
"""


def rows_of_duckdb(target: Target) -> dict[str, Counter[tuple[object, ...]]]:
    with database.reader(target.home / "serving" / "warehouse.duckdb") as con:
        tables = con.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables()").fetchall()
        return {table: Counter(con.execute(f"FROM {table}").fetchall()) for (table,) in tables}


def rows_of_postgres(target: Target) -> dict[str, Counter[tuple[object, ...]]]:
    tables = target.read(
        "SELECT schemaname || '.' || tablename FROM pg_tables WHERE tableowner = 'send_loader' "
        "AND schemaname NOT LIKE '%_previous' AND schemaname <> 'send_publisher'"
    )
    return {table: Counter(target.read(f"SELECT * FROM {table}")) for (table,) in tables}


def test_nothing_is_done_without_an_address(target: Target) -> None:
    run = target.run("one")
    publisher.serve(run, settings(target.home))
    assert note(run) == "not asked for: SEND_PUBLISH_URL is not set"
    with pytest.raises(RunError, match="SEND_PUBLISH_URL is not set"):
        publisher.rollback(settings(target.home))
    assert target.read("SELECT count(*) FROM pg_namespace WHERE nspname = 'core'") == [(0,)]


def test_every_value_of_a_council_is_as_in_the_file(target: Target, tmp_path_factory: pytest.TempPathFactory) -> None:
    run, given = council.copied(target.home, tmp_path_factory)
    serve_files(run, given)
    target.publish(run)
    target.publish(run)
    expected, found = rows_of_duckdb(target), rows_of_postgres(target)
    assert found.keys() == expected.keys()
    assert {table for table in expected if found[table] != expected[table]} == set()
    assert sum(map(len, found.values())) > 1000
    assert {table.split(".")[0] for table in found} == {*publisher.SCHEMAS}


def test_values_that_are_easily_lost_arrive(target: Target) -> None:
    texts = ", ".join(f"({number}, {literal(text)})" for number, text in enumerate(TEXTS))
    run = target.run(
        "one", ODD, f"CREATE TABLE core.texts AS SELECT * FROM (VALUES {texts}, (-1, NULL)) AS texts (id, words)"
    )
    serve_files(run, target.settings)
    target.publish(run)
    assert rows_of_postgres(target) == rows_of_duckdb(target)
    assert len(rows_of_postgres(target)["core.texts"]) == len(TEXTS) + 1
    types = "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'core.odd'::regclass "
    assert dict(target.read(types + "AND attnum > 0")) == {
        "id": "integer",
        "is_so": "boolean",
        "small": "smallint",
        "whole": "integer",
        "large": "bigint",
        "huge": "numeric(39,0)",
        "real": "double precision",
        "day": "date",
        "exact": "numeric(18,2)",
        "moment": "timestamp without time zone",
        "hour": "time without time zone",
        "la_code": "text",
        "run_id": "text",
    }


def test_a_character_that_postgresql_refuses_is_shown_and_told(target: Target) -> None:
    run = target.run("one", "CREATE TABLE core.holed AS SELECT 'a' || chr(0) || 'b' AS words UNION ALL SELECT 'c'")
    target.publish(run)
    assert target.read("SELECT words FROM core.holed ORDER BY 1") == [("a␀b",), ("c",)]
    assert note(run) == "1 rows of core.holed have ␀ for the character NUL, which PostgreSQL refuses"


def test_a_type_without_counterpart_stops_before_anything_is_changed(target: Target) -> None:
    target.publish(target.run("one"))
    with pytest.raises(RunError, match=r"core\.dim_person\.names is of type VARCHAR\[\]"):
        target.publish(target.run("two", "ALTER TABLE core.dim_person ADD COLUMN names VARCHAR[]"))
    assert target.shown() == {"one"}


def test_descriptions_keys_and_references_stand_where_tools_look(target: Target) -> None:
    target.publish(target.run("one"))
    assert target.read("SELECT obj_description('core.dim_person'::regclass)") == [("One row a person",)]
    assert target.read("SELECT col_description('core.dim_person'::regclass, 1)") == [("The person's id",)]
    assert target.read("SELECT col_description('quality.runs'::regclass, 1)") == [("The day whose state it shows",)]
    keys = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'core.fct_exclusion'::regclass "
    assert target.read(keys + "AND contype IN ('p', 'f') ORDER BY contype DESC") == [
        ("PRIMARY KEY (exclusion_id)",),
        ("FOREIGN KEY (person_id) REFERENCES core.dim_person(person_id) NOT ENFORCED",),
    ]
    indexes = "SELECT indexdef FROM pg_indexes WHERE tablename = '{}' ORDER BY indexname"
    assert target.read(indexes.format("feeds")) == [
        ("CREATE UNIQUE INDEX send_feeds_source_feed ON quality.feeds USING btree (source, feed) NULLS NOT DISTINCT",),
    ]
    assert [row[0].partition(" ON ")[2] for row in target.read(indexes.format("fct_exclusion"))] == [
        "core.fct_exclusion USING btree (exclusion_id)",
        "core.fct_exclusion USING btree (person_id)",
    ]
    assert target.read(
        "SELECT count(*) FROM pg_stat_user_tables WHERE schemaname = 'core' AND last_analyze IS NULL"
    ) == [(0,)]


def test_a_rebuilt_past_day_does_not_take_the_place_of_a_later_one(target: Target) -> None:
    run = target.publish(target.run("one"))
    past = target.publish(replace(target.run("two"), as_at=AS_AT - timedelta(days=1)))
    assert target.shown() == {"one"}
    assert note(past) == f"PostgreSQL holds the run as at {AS_AT}, which stays"
    target.publish(replace(run, as_at=AS_AT + timedelta(days=1)))
    assert target.read("SELECT as_at_date FROM quality.runs") == [(AS_AT + timedelta(days=1),)]


def test_another_council_never_takes_the_place_of_one(target: Target) -> None:
    run = target.publish(target.run("one"))
    with pytest.raises(RunError, match=r"holds council 999, and this run is of 888.+a database of its own"):
        target.publish(replace(run, la_code="888"))
    assert target.shown() == {"one"}


def test_rollback_shows_the_run_before_until_the_next_publication(target: Target) -> None:
    with pytest.raises(RunError, match="no run before the one that it shows"):
        target.rollback()
    target.publish(target.run("one", list_1=[child("S1")]))
    with pytest.raises(RunError, match="no run before the one that it shows"):
        target.rollback()
    second = target.run("two", list_1=[child("S1"), child("S2")], as_at=AS_AT + timedelta(days=1))
    target.publish(second)
    target.publish(second)  # as a retry does: the run before is still the first
    assert target.read("SELECT count(*) FROM annex_a.rpt_annex_a__list_1") == [(2,)]
    assert target.rollback().startswith(
        "PostgreSQL is back to run one as at 2026-11-16; run two as at 2026-11-17 is gone from it. "
    )
    assert target.shown() == {"one"}
    assert target.read("SELECT count(*) FROM annex_a.rpt_annex_a__list_1") == [(1,)]
    with pytest.raises(RunError, match="no run before the one that it shows, which stays"):
        target.rollback()
    target.publish(target.run("three", as_at=AS_AT + timedelta(days=1)))
    assert target.shown() == {"three"}
    assert target.read("SELECT run_id FROM quality_previous.runs") == [("one",)]


def test_the_command_turns_back_what_it_can(
    target: Target, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "two"):
        target.publish(target.run(name))
    monkeypatch.setenv("SEND_HOME", str(target.home))
    monkeypatch.setenv("SEND_PUBLISH_URL", target.url)
    assert cli.main(["rollback"]) == 2
    said, errors = capsys.readouterr()
    assert said.startswith("PostgreSQL is back to run one")
    assert "No version before the one at" in errors
    assert target.shown() == {"one"}


def test_a_table_that_holds_other_rows_than_it_should_stops_the_publication(target: Target) -> None:
    target.publish(target.run("one", list_1=[child("S1")]))
    target.read("CREATE FUNCTION keep_out() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    each = "BEFORE INSERT ON annex_a.rpt_annex_a__list_1 FOR EACH ROW"
    target.read(f"CREATE TRIGGER keep_out {each} EXECUTE FUNCTION keep_out()")
    told = r"annex_a\.rpt_annex_a__list_1 should hold 2 rows and holds 0 in PostgreSQL.* run this step again"
    second = target.run("two", list_1=[child("S1"), child("S2")], found=[issue()])
    with pytest.raises(RunError, match=told):
        target.publish(second)
    assert target.shown() == {"one"}
    target.read("DROP TRIGGER keep_out ON annex_a.rpt_annex_a__list_1")
    target.publish(second)
    assert target.shown() == {"two"}
