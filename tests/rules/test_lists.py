"""What the rules on the finished lists come to."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from expectations import lists
from expectations.lists import frame_table, validate_lists
from send_ready import database, files, layout, runs, settings
from send_ready.database import identifier
from send_ready.runs import Run
from send_ready.settings import Settings
from tests.rules.examples import AS_AT, list_columns

LIST_1, LIST_2 = layout.lists()
SECRET_UPN = "Zsecret"
FINE = {  # somebody about whom nothing is to be said
    "upn": "H999200006001",
    "birth_date": "2015-03-01",
    "gender": "Female",
    "ethnicity": "WBRI",
    "primary_need": "ASD",
    "main_urn": "100001",
    "main_phase": "Primary",
    "elective_home_education": "No",
    "pupil_premium": "No",
    "known_to_social_care": "No",
    "disability": "No",
    "initial_plan_date": "2024-05-01",
    "last_review_date": "2026-05-01",
    "is_on_list": True,
    "as_at_date": AS_AT,
    "age_years": 11,
    "is_upn_valid": True,
    "open_plan_count": 1,
    "is_on_other_list": False,
    "is_upn_on_other_list": False,
    "is_known_student": True,
    "is_main_urn_in_gias": True,
    "is_main_establishment_open": True,
    "last_reviewed_months_ok": True,
    "source_system": "capita_one",
}


@pytest.fixture
def given(tmp_path: Path) -> Settings:
    return settings.load({"SEND_HOME": str(tmp_path), "AS_AT": "2026-11-16"})


def build(run: Run, *people: tuple[layout.ListLayout, dict[str, Any]]) -> None:
    """A warehouse that holds just these people's frames."""
    with database.writer(run.warehouse) as con:
        con.execute('CREATE SCHEMA "int"')
        for listed in (LIST_1, LIST_2):
            columns = list_columns(listed)
            kinds = ", ".join(f"{identifier(column)} {kind}" for column, kind in columns.items())
            con.execute(f"CREATE TABLE {frame_table(listed)} ({kinds})")
            for of, person in people:
                if of is listed:
                    row = {column: value for column, value in (FINE | person).items() if column in columns}
                    names = ", ".join(map(identifier, row))
                    con.execute(
                        f"INSERT INTO {frame_table(listed)} ({names}) VALUES ({', '.join('?' * len(row))})",
                        list(row.values()),
                    )


def validated(run: Run, given: Settings) -> list[dict[str, Any]]:
    count = validate_lists(run, given)
    found = duckdb.sql(f"SELECT * FROM read_parquet('{run.issues('validate_lists')}')")
    rows = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
    assert len(rows) == count
    return rows


def test_nothing_is_said_of_people_without_faults(given: Settings) -> None:
    run = runs.begin(given)
    build(run, (LIST_1, {"unique_id": "A1"}), (LIST_2, {"unique_id": "A2"}))
    assert validated(run, given) == []


def test_an_issue_names_the_list_the_person_and_the_column_as_headed(given: Settings) -> None:
    run = runs.begin(given)
    build(
        run,
        (LIST_1, {"unique_id": "A1", "upn": SECRET_UPN, "is_upn_valid": False, "upn_unknown_reason": "UN3"}),
        (LIST_1, {"unique_id": "A2"}),
        (LIST_2, {"unique_id": "A3", "main_phase": "Castle", "upn": "J999200006002"}),
        (LIST_2, {"unique_id": "A4", "unmapped_columns": "gender,ethnicity", "upn": None, "age_years": 4}),
    )
    found = validated(run, given)
    assert [(i["rule"], i["list_name"], i["unique_id"], i["column_name"]) for i in found] == [
        ("L-113", "List 1", "A1", "UPN"),
        ("L-124", "List 2", "A3", "Main education establishment – phase"),
        ("L-124", "List 2", "A4", "Gender"),
        ("L-124", "List 2", "A4", "Ethnicity"),
    ]
    assert {(i["category"], i["severity"], i["count"]) for i in found} == {("List", "error", 1)}
    assert all(i["fix"] and i["owner"] and i["feed"] is None for i in found)
    assert SECRET_UPN not in str(found)
    results = files.read_json(run.folder / "rules" / "lists" / "list_1.json")
    states = {(each["rule"], each["state"], each["rows_failed"]) for each in results["rules"]}
    assert ("L-113", "failed", 1) in states
    assert ("L-112", "passed", 0) in states
    assert SECRET_UPN not in str(results)
    assert "Castle" not in (run.folder / "rules" / "lists" / "list_2.json").read_text()
    assert not list(run.folder.rglob("*.html"))  # nothing that would ask anything of a network


def test_every_failing_row_is_listed(given: Settings) -> None:
    """A list has no limit: each person must be found by whoever puts it right."""
    run = runs.begin(given)
    people = [(LIST_1, {"unique_id": f"A{n}", "upn": None, "last_reviewed_months_ok": False}) for n in range(1_500)]
    build(run, (LIST_2, {"unique_id": "B1"}), *people)
    found = validated(run, given)
    by_rule = {rule: {i["unique_id"] for i in found if i["rule"] == rule} for rule in ("107", "L-122")}
    assert {rule: len(people) for rule, people in by_rule.items()} == {"107": 1_500, "L-122": 1_500}


def test_who_died_is_reported_by_one_rule_alone(given: Settings) -> None:
    """Somebody left off the list has no other issue: L-112 says all there is to say."""
    run = runs.begin(given)
    died = {"unique_id": "A1", "is_on_list": False, "left_out_reason": "died", "birth_date": None, "gender": None}
    build(run, (LIST_1, died), (LIST_1, {"unique_id": "A2"}), (LIST_2, {"unique_id": "A3"}))
    assert [(i["rule"], i["list_name"], i["unique_id"]) for i in validated(run, given)] == [("L-112", "List 1", "A1")]


def test_both_lists_say_so_when_they_share_a_person_or_a_upn(given: Settings) -> None:
    run = runs.begin(given)
    both, upn = {"is_on_other_list": True, "is_upn_on_other_list": True}, {"is_upn_on_other_list": True}
    build(
        run,
        (LIST_1, {"unique_id": "A1"} | both),
        (LIST_1, {"unique_id": "A2", "upn": "J999200006002"} | upn),
        (LIST_2, {"unique_id": "A1"} | both),
        (LIST_2, {"unique_id": "A9", "upn": "J999200006002"} | upn),
    )
    found = [(i["list_name"], i["unique_id"], i["column_name"]) for i in validated(run, given) if i["rule"] == "L-111"]
    assert found == [
        ("List 1", "A1", "Unique ID"),
        ("List 1", "A2", "UPN"),
        ("List 2", "A1", "Unique ID"),
        ("List 2", "A9", "UPN"),
    ]


def test_an_empty_list_says_so(given: Settings) -> None:
    run = runs.begin(given)
    build(run, (LIST_2, {"unique_id": "A1"}))
    assert [(i["rule"], i["list_name"]) for i in validated(run, given)] == [("L-100", "List 1")]


def test_a_frame_without_a_column_breaks_the_rules_that_need_it_and_no_other(given: Settings) -> None:
    run = runs.begin(given)
    build(run, (LIST_1, {"unique_id": "A1", "gender": None}), (LIST_2, {"unique_id": "A2"}))
    with database.writer(run.warehouse) as con:
        con.execute(f"ALTER TABLE {frame_table(LIST_1)} DROP COLUMN open_plan_count")
    found = validated(run, given)
    assert [(i["rule"], i["severity"]) for i in found] == [("L-110", "error"), ("101b", "error")]
    assert "it needs open_plan_count, which is not there" in found[0]["message"]


def test_every_rule_of_a_list_can_be_run_on_its_frame(given: Settings) -> None:
    """Also when every column is blank: the types hold, and nothing stops with an exception."""
    run = runs.begin(given)
    blank = dict.fromkeys(FINE) | {"unique_id": "A1", "is_on_list": True}
    build(run, (LIST_1, blank), (LIST_2, blank))
    found = validated(run, given)
    assert not [issue for issue in found if "could not be run" in issue["message"]]
    assert {issue["rule"] for issue in found} == {
        "101a",
        "101b",
        "101c",
        "101d",
        "103",
        "201a",
        "201b",
        "201c",
        "201d",
        "203",
        "L-127",
    }
    assert len(lists.rules_of(LIST_1, given)) > 40
