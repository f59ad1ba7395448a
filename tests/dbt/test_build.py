"""The build with little to build from, and the checks that stop a wrong one."""

import random
import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest

from send_ready import database
from tests.dbt import test_kpis
from tests.dbt.harness import build, contracts, dbt, make_raw, read

STUDENTS = [{"student_id": number, "date_of_birth": date(2015, 1, 1)} for number in ("1", "2")]
K = [{"student_id": "1", "sen_provision": "K", "start_date": date(2025, 1, 1)}]
ENROLLED = [{"student_id": "1", "urn": "100001", "enrolment_status": "C", "entry_date": date(2024, 9, 1)}]
OUR_SCHOOL = [{"urn": "100001", "la_code": "999", "type_code": "01", "phase_code": "2"}]
COUNCIL = test_kpis.council(random.Random(7), children=20)  # noqa: S311
BUILD = ("build", "--exclude-resource-type", "unit_test")


@pytest.mark.parametrize(
    ("feed", "rows", "on_list_1"),
    [
        ("capita_one.ehc_plans", [{"plan_id": "P", "student_id": "1", "initial_plan_date": date(2024, 1, 1)}], ["1"]),
        (
            "ehc_hub.cases",
            [{"case_reference": "H", "child_dob": date(2015, 1, 1), "final_plan_issued": date(2024, 1, 1)}],
            ["HUB-H"],
        ),
        ("capita_one.students", STUDENTS, []),
        ("gias.establishments", OUR_SCHOOL, []),
    ],
)
def test_one_feed_alone_builds_and_blames_no_record(
    feed: str, rows: list[dict[str, object]], on_list_1: list[str], tmp_path: Path
) -> None:
    path = make_raw(tmp_path / "warehouse.duckdb", {feed: rows}, never_received=[f for f in contracts() if f != feed])

    build(path)

    found = read(path, "select unique_id, suspension_count from annex_a.rpt_annex_a__list_1")
    assert [(row["unique_id"], row["suspension_count"]) for row in found] == [(who, None) for who in on_list_1]
    about_records = "unique_id is not null or record_id is not null"
    assert read(path, f"select rule from quality.quality_issues where {about_records}") == []


def test_without_gias_list_2_takes_every_enrolled_child_on_sen_support(tmp_path: Path) -> None:
    rows = {"capita_one.students": STUDENTS, "capita_one.sen_provision": K, "capita_one.enrolments": ENROLLED}
    for received, expected in (([], []), (["gias.establishments"], ["1"])):
        folder = tmp_path / str(len(received))
        folder.mkdir()
        path = make_raw(folder / "warehouse.duckdb", rows, never_received=received)
        build(path)
        assert [row["unique_id"] for row in read(path, "select unique_id from annex_a.rpt_annex_a__list_2")] == expected


def test_a_school_that_gias_does_not_place_in_a_phase_is_worth_a_look(tmp_path: Path) -> None:
    rows = {
        "capita_one.students": STUDENTS,
        "capita_one.sen_provision": K,
        "capita_one.enrolments": ENROLLED,
        "gias.establishments": [{"urn": "100001", "la_code": "999", "type_code": "11", "phase_code": "0"}],
    }
    path = build(make_raw(tmp_path / "warehouse.duckdb", rows))
    issues = read(path, 'select rule, feed, record_id, column_name, "count" from quality.quality_issues')
    assert [tuple(issue.values()) for issue in issues] == [
        ("W-01", "gias.establishments", "urn=100001", "main_phase", 1)
    ]


def test_the_as_at_date_comes_from_outside_alone(tmp_path: Path) -> None:
    ends = {"today": date(2020, 6, 30), "tomorrow": date(2020, 7, 1)}
    plans = [
        {"plan_id": who, "student_id": who, "initial_plan_date": date(2020, 5, 1), "cease_date": ceases}
        for who, ceases in ends.items()
    ]
    path = build(make_raw(tmp_path / "warehouse.duckdb", {"capita_one.ehc_plans": plans}), as_at=date(2020, 6, 30))
    assert read(path, "select unique_id from annex_a.rpt_annex_a__list_1") == [{"unique_id": "tomorrow"}]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good build by dbt, to be copied."""
    path = make_raw(tmp_path_factory.mktemp("built") / "warehouse.duckdb", COUNCIL)
    assert not dbt(path, *BUILD).troubles
    return path


def test_what_the_other_tests_build_is_what_dbt_builds(built: Path, tmp_path: Path) -> None:
    """Every view and table with its columns, comments, statement or rows: the harness runs dbt's own statements."""
    other = build(make_raw(tmp_path / "warehouse.duckdb", COUNCIL))
    with database.reader(built) as con:
        con.execute(f"ATTACH {database.literal(other)} AS other (READ_ONLY)")
        described = """
            SELECT schema_name, table_name, column_name, data_type, is_nullable, comment, internal FROM duckdb_columns()
            WHERE database_name = '{}' AND NOT internal ORDER BY schema_name, table_name, column_index
        """
        columns, others = (con.execute(described.format(name)).fetchall() for name in ("warehouse", "other"))
        assert columns == others
        of_views = "SELECT schema_name, view_name, sql FROM duckdb_views() WHERE database_name = '{}' AND NOT internal"
        views, others = (sorted(con.execute(of_views.format(name)).fetchall()) for name in ("warehouse", "other"))
        assert views == others
        tables = sorted({(schema, table) for schema, table, *_ in columns} - {(view[0], view[1]) for view in views})
        assert len(views) > 15 and len(tables) > 100
        for schema, table in tables:
            one, two = f'warehouse."{schema}"."{table}"', f'other."{schema}"."{table}"'
            differs = f"(FROM {one} EXCEPT ALL FROM {two}) UNION ALL (FROM {two} EXCEPT ALL FROM {one})"
            assert con.execute(f"SELECT count(*) FROM ({differs})").fetchall() == [(0,)], (schema, table)
        assert con.execute("SELECT count(*) > 5000 FROM kpi.kpi_values").fetchall() == [(True,)]


def test_a_doubled_key_and_a_lost_row_fail_the_build(built: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(built, tmp_path))
    _change(path, "insert into core.dim_person select * from core.dim_person limit 1")
    _change(path, "delete from core.fct_sen_provision")

    tested = dbt(path, "test", "--select", "test_type:data")

    assert {name.rsplit(".", 1)[1] for name in tested.troubles} == {"grain_of_core", "no_record_is_lost_or_doubled"}


def test_a_fact_without_its_person_fails_the_build(built: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(built, tmp_path))
    _change(path, "update core.fct_sen_provision set person_id = 'somebody'")
    assert list(dbt(path, "test", "--select", "test_type:data").troubles) == ["test.send_ready.references_join"]


def test_clients_back_to_duckdb_1_4_can_read_the_warehouse(built: Path) -> None:
    (version,) = read(built, "select tags['storage_version'] as version from duckdb_databases() where not internal")
    assert version["version"].startswith("v1.4")


def _change(path: Path, statement: str) -> None:
    con: duckdb.DuckDBPyConnection = database.writer(path)
    try:
        con.execute(statement)
    finally:
        con.close()
