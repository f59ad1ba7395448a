"""Who is who, from raw rows to the review queue, the issues and the lists: one build of one small council."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.dbt.harness import build, make_raw, read

LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"


def upn(serial: int) -> str:
    """A UPN with the right letter, of the authority 999 that nobody has."""
    digits = f"99900001{serial:04d}"
    return LETTERS[sum(place * int(digit) for place, digit in enumerate(digits, start=2)) % 23] + digits


def student(student_id: str, **values: Any) -> dict[str, Any]:
    return {"student_id": student_id, "date_of_birth": date(2015, 1, 1), "sex": "M", "ethnicity": "WENG"} | values


def plan(student_id: str, **values: Any) -> dict[str, Any]:
    return {"plan_id": f"P{student_id}", "student_id": student_id, "initial_plan_date": date(2024, 1, 1)} | values


def case(reference: str, **values: Any) -> dict[str, Any]:
    return {"case_reference": reference, "child_dob": date(2015, 1, 1), "request_received": date(2023, 9, 1)} | values


PERSON = {"forename": "Ada", "surname": "Example", "postcode": "ZZ1 1ZZ"}
CHILD = {"child_first_name": "Ada", "child_last_name": "Example", "postcode": "zz11zz"}

RAW: dict[str, list[dict[str, Any]]] = {
    "capita_one.students": [
        student("100", upn=upn(1)),  # a migrated case, whose details the hub holds wrongly
        student("101", upn=upn(2)),  # found by UPN
        student("102", former_upn=upn(3)),  # found by former UPN
        student("103", **PERSON),  # found by name, date of birth and postcode
        student("104", upn=upn(4)),  # same UPN as the hub, other date of birth
        student("105", upn=upn(5)),  # two students of one UPN and date of birth ...
        student("106", upn=upn(5)),  # ... never merge
        student("107", uln="1000000019", date_of_birth=date(2008, 1, 1)),
        student("108", uln="1000000019", date_of_birth=date(2008, 1, 1)),
        student("109", uln="9999999999", date_of_birth=date(2008, 1, 1)),  # a placeholder is nobody's
        student("110", uln="9999999999", date_of_birth=date(2008, 1, 1)),
        student("111", forename="Bo", surname="Example", postcode="ZZ9 9ZZ"),  # resembles a hub case
        student("112", upn=upn(6), sex="Martian", ethnicity="Nobody"),
    ],
    "capita_one.ehc_plans": [
        plan("100", named_urn="100001"),
        plan("105"),
        plan("112"),
        plan("900"),  # not in the students feed
        plan(None, plan_id="P0"),  # of nobody: hides nobody's hub plan
    ],
    "capita_one.annual_reviews": [{"review_id": "R1", "plan_id": "unknown", "meeting_date": date(2026, 1, 1)}],
    "capita_one.sen_needs": [
        {"student_id": "100", "sen_type": "ASD", "rank": 1},
        {"student_id": "901", "sen_type": "ASD", "rank": 1},
        {"student_id": "901", "sen_type": "MLD", "rank": 2},
    ],
    "capita_one.exclusions": [{"exclusion_id": "X1", "category": "SUSP", "start_date": date(2026, 11, 1)}],
    "ehc_hub.cases": [
        case(
            "H1",
            migrated_student_id="100",
            child_upn=upn(1),
            child_dob=date(2015, 1, 2),
            primary_need="Moderate learning difficulty",
            final_plan_issued=date(2024, 1, 2),
            named_placement_urn="100002",
        ),
        case("H2", child_upn=upn(2).lower(), gender="Female"),
        case("H3", child_upn=upn(3)),
        case("H4", **CHILD),
        case("H5", child_upn=upn(4), child_dob=date(2014, 1, 1), final_plan_issued=date(2025, 1, 1)),
        case("H6", child_upn=upn(5), final_plan_issued=date(2025, 1, 1)),
        case("H7", migrated_student_id="404", final_plan_issued=date(2025, 1, 1)),
        case("H8", child_first_name="Bo", child_last_name="Example", postcode="ZZ8 8ZZ"),
        case("H9", child_upn=upn(7), final_plan_issued=date(2022, 1, 1), case_closed=date(2023, 1, 1)),
        case("H10", child_upn=upn(7), final_plan_issued=date(2025, 1, 1)),  # the same child: one row, HUB-H10
    ],
    "ehc_hub.advice": [
        {"case_reference": "H404", "advice_type": "Health", "requested_date": date(2026, 1, 1)},
        {"case_reference": "H1", "advice_type": "Astrology", "requested_date": date(2026, 1, 1)},
    ],
    "social_care.involvements": [
        {
            "person_id": "S1",
            "upn": upn(7),
            "date_of_birth": date(2015, 1, 1),
            "status": "Child in need",
            "team": "North",
            "start_date": date(2026, 1, 1),
        },
    ],
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(make_raw(tmp_path_factory.mktemp("persons") / "warehouse.duckdb", RAW))


@pytest.mark.parametrize(
    ("record", "person"),
    [
        ("ehc_hub:H1", "100"),
        ("ehc_hub:H2", "101"),
        ("ehc_hub:H3", "102"),
        ("ehc_hub:H4", "103"),
        ("ehc_hub:H5", "HUB-H5"),
        ("capita_one:104", "104"),
        ("ehc_hub:H6", "HUB-H6"),
        ("capita_one:105", "105"),
        ("capita_one:106", "106"),
        ("capita_one:107", "107"),
        ("capita_one:108", "108"),
        ("ehc_hub:H7", "HUB-H7"),
        ("ehc_hub:H8", "HUB-H8"),
        ("ehc_hub:H9", "HUB-H10"),
        ("ehc_hub:H10", "HUB-H10"),
        ("social_care:S1", "HUB-H10"),
        ("capita_one:900", "900"),
        ("capita_one:901", "901"),
    ],
)
def test_a_record_stands_for_a_person(built: Path, record: str, person: str) -> None:
    found = read(built, f"select person_id from int.int_person_records__linked where record_id = '{record}'")
    assert found == [{"person_id": person}]


def test_list_1_holds_each_child_once(built: Path) -> None:
    ids = [row["unique_id"] for row in read(built, "select unique_id from annex_a.rpt_annex_a__list_1 order by 1")]
    assert ids == ["100", "105", "112", "900", "HUB-H10", "HUB-H5", "HUB-H6", "HUB-H7"]


def test_what_is_not_mapped_is_blank_and_told(built: Path) -> None:
    (row,) = read(
        built,
        "select gender, ethnicity, unmapped_columns from int.int_annex_a__list_1_frame where unique_id = '112'",
    )
    assert row == {"gender": "Not specified", "ethnicity": "UNKNOWN", "unmapped_columns": "gender,ethnicity"}


def test_the_review_queue_holds_what_no_rule_may_settle(built: Path) -> None:
    queue = read(
        built,
        "select record_1, record_2, rule, score, issue_rule from quality.quality_person_review_queue order by 1, 2",
    )
    assert [tuple(row.values()) for row in queue] == [
        ("capita_one:104", "ehc_hub:H5", "upn, another birth date", None, "P-01"),
        ("capita_one:105", "capita_one:106", "upn and birth date", None, "P-03"),
        ("capita_one:105", "ehc_hub:H6", "upn and birth date", None, "P-02"),
        ("capita_one:106", "ehc_hub:H6", "upn and birth date", None, "P-02"),
        ("capita_one:107", "capita_one:108", "uln and birth date", None, "P-03"),
        ("capita_one:111", "ehc_hub:H8", "name and birth date", None, "P-03"),
    ]


def test_issues_name_the_record_and_count_what_they_stand_for(built: Path) -> None:
    issues = read(built, 'select rule, severity, feed, column_name, record_id, "count" from quality.quality_issues')
    assert {tuple(issue.values()) for issue in issues} == {
        ("M-01", "error", "capita_one.students", "sex", None, 1),
        ("M-01", "error", "capita_one.students", "ethnicity", None, 1),
        ("M-01", "error", "ehc_hub.advice", "advice_type", None, 1),
        ("P-01", "error", None, None, "record_1=capita_one:100; record_2=ehc_hub:H1", 1),
        ("P-01", "error", None, None, "record_1=capita_one:104; record_2=ehc_hub:H5", 1),
        ("P-02", "error", None, None, "record_1=capita_one:105; record_2=ehc_hub:H6", 1),
        ("P-02", "error", None, None, "record_1=capita_one:106; record_2=ehc_hub:H6", 1),
        ("P-03", "query", None, None, "record_1=capita_one:105; record_2=capita_one:106", 1),
        ("P-03", "query", None, None, "record_1=capita_one:107; record_2=capita_one:108", 1),
        ("P-03", "query", None, None, "record_1=capita_one:111; record_2=ehc_hub:H8", 1),
        ("L-129", "error", "capita_one.ehc_plans", None, "plan_id=P0", 1),
        ("O-01", "error", "capita_one.ehc_plans", "student_id", "student_id=900", 1),
        ("O-01", "error", "capita_one.sen_needs", "student_id", "student_id=901", 2),
        ("O-01", "error", "capita_one.annual_reviews", "plan_id", "plan_id=unknown", 1),
        ("O-01", "error", "ehc_hub.advice", "case_reference", "case_reference=H404", 1),
        ("O-01", "error", "ehc_hub.cases", "migrated_student_id", "migrated_student_id=404", 1),
    }


def test_the_reconciliation_says_what_became_of_each_case(built: Path) -> None:
    found = read(built, "select case_id, reconciliation_status from quality.quality_migration_reconciliation")
    assert {row["case_id"]: row["reconciliation_status"] for row in found} == {
        "H1": "differs",
        "H2": "agrees",
        "H3": "agrees",
        "H4": "agrees",
        "H5": "hub only",
        "H6": "hub only",
        "H7": "migrated id not known",
        "H8": "hub only",
        "H9": "hub only",
        "H10": "hub only",
    }
    (frame,) = read(built, "select disagreements from int.int_annex_a__list_1_frame where unique_id = '100'")
    assert frame == {"disagreements": "plan date,need,placement"}


def test_social_care_reaches_the_child_through_the_hub(built: Path) -> None:
    (row,) = read(
        built,
        "select known_to_social_care, social_care_team from annex_a.rpt_annex_a__list_1 where unique_id = 'HUB-H10'",
    )
    assert row == {"known_to_social_care": "Yes", "social_care_team": "North"}


def test_tables_and_columns_carry_their_descriptions(built: Path) -> None:
    bare = read(
        built,
        "select table_name, column_name from duckdb_columns() "
        "where schema_name in ('core', 'annex_a', 'quality') and coalesce(comment, '') = '' "
        "union all select table_name, null from duckdb_tables() "
        "where schema_name in ('core', 'annex_a', 'quality') and coalesce(comment, '') = ''",
    )
    assert bare == []


def test_a_decision_settles_a_pair(tmp_path: Path) -> None:
    decisions = [
        {"record_1": "ehc_hub:H6", "record_2": "capita_one:106", "decision": "same"},
        {"record_1": "capita_one:107", "record_2": "capita_one:108", "decision": " Same "},
        {"record_1": "capita_one:101", "record_2": "ehc_hub:H2", "decision": "different"},
        {"record_1": "capita_one:105", "record_2": "capita_one:106", "decision": "different"},
        {"record_1": "capita_one:100", "record_2": "ehc_hub:typo", "decision": "same"},
        {"record_1": "capita_one:100", "record_2": "capita_one:101", "decision": "perhaps"},
        {"record_1": "ehc_hub:H9", "record_2": "ehc_hub:H10", "decision": "different"},  # S1 joins them by its UPN
    ]
    path = build(make_raw(tmp_path / "warehouse.duckdb", RAW, decisions))

    persons = {
        row["record_id"]: row["person_id"]
        for row in read(path, "select record_id, person_id from int.int_person_records__linked")
    }
    assert persons["ehc_hub:H6"] == "106"
    assert persons["capita_one:107"] == persons["capita_one:108"] == "107"
    assert persons["ehc_hub:H2"] == "HUB-H2"
    queue = read(path, "select record_1 from quality.quality_person_review_queue")
    assert {row["record_1"] for row in queue} == {"capita_one:104", "capita_one:105", "capita_one:111"}
    unheeded = read(path, "select record_id from quality.quality_issues where rule = 'P-04' order by all")
    assert [row["record_id"] for row in unheeded] == [
        "record_1=capita_one:100; record_2=capita_one:101",
        "record_1=capita_one:100; record_2=ehc_hub:typo",
        "record_1=ehc_hub:H10; record_2=ehc_hub:H9",
    ]
