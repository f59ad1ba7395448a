"""What the SEN2 return asks besides, from the exports to the star: blank stays blank, and only what came is so."""

from datetime import date
from pathlib import Path

import pytest

from tests.dbt.harness import build, make_raw, read

FLAGS = {
    "relevant_youth_accommodation": "is_in_youth_accommodation", "request_mediation": "has_request_mediation",
    "request_tribunal": "has_request_tribunal", "issue_mediation": "has_issue_mediation",
    "issue_tribunal": "has_issue_tribunal", "other_mediation": "has_other_mediation",
    "other_tribunal": "has_other_tribunal",
}  # fmt: skip
RECEIVED = date(2026, 3, 2)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of case A only the second of two records says anything; B says no to everything; C nothing; H is the hub's."""
    students = [{"student_id": each, "date_of_birth": date(2015, 1, 1)} for each in "ABC"]
    cases = [
        {"involvement_id": "A1", "student_id": "A", "received_date": RECEIVED},
        {"involvement_id": "A2", "student_id": "A", "received_date": RECEIVED, **dict.fromkeys(FLAGS, True),
         "exported_to_la": "873"},
        {"involvement_id": "B1", "student_id": "B", "received_date": RECEIVED, **dict.fromkeys(FLAGS, False),
         "exported_to_la": "Nowhere"},
        {"involvement_id": "C1", "student_id": "C", "received_date": RECEIVED},
    ]  # fmt: skip
    hub = {"child_dob": date(2016, 1, 1), "request_received": RECEIVED, "decision_to_issue": "Agreed"}
    return build(
        make_raw(
            tmp_path_factory.mktemp("sen2") / "warehouse.duckdb",
            {
                "capita_one.students": students,
                "capita_one.ehcp_assessments": cases,
                "capita_one.ehc_plans": [
                    {
                        "plan_id": "P1", "student_id": "A", "initial_plan_date": date(2024, 1, 1),
                        "plan_start_date": date(2023, 5, 1), "transferred_in_date": date(2026, 2, 1),
                        "organised_arrangements": True, "direct_payment": "None",
                        "work_based_learning": "Supported internship",
                    },
                    {"plan_id": "P2", "student_id": "B", "initial_plan_date": date(2024, 1, 1)},
                ],
                "capita_one.annual_reviews": [
                    {"review_id": "R1", "plan_id": "P1", "meeting_date": date(2026, 5, 1),
                     "amendment_notice_date": date(2026, 5, 20), "draft_amended_plan_date": date(2026, 5, 21)},
                ],
                "capita_one.placements": [
                    {"placement_id": "1", "student_id": "A", "plan_id": "P1", "section_i": True, "urn": "100009",
                     "rank": 1, "setting_other": "Words that may name a child"},
                    {"placement_id": "2", "student_id": "nobody", "plan_id": "none", "section_i": False, "rank": 3,
                     "setting_type": "EHE", "entry_date": date(2026, 1, 1), "leaving_date": date(2025, 12, 1)},
                ],
                "ehc_hub.cases": [{**hub, "case_reference": "H1", "final_plan_issued": date(2026, 7, 1)}],
            },
        )
    )  # fmt: skip


def test_a_flag_is_yes_no_or_not_known(warehouse: Path) -> None:
    columns = ", ".join(FLAGS.values())
    found = read(warehouse, f"SELECT case_id, exported_to_la_code, {columns} FROM core.fct_ehcp_case")
    by_case = {row.pop("case_id"): row for row in found}
    exported = {case: row.pop("exported_to_la_code") for case, row in by_case.items()}
    assert exported == {"A1": "873", "B1": None, "C1": None, "HUB-H1": None}
    values = {case: set(row.values()) for case, row in by_case.items()}
    assert values == {"A1": {True}, "B1": {False}, "C1": {None}, "HUB-H1": {None}}


def test_plans_and_reviews_have_it_and_the_hubs_have_none(warehouse: Path) -> None:
    plans = read(
        warehouse,
        "SELECT plan_id, plan_start_date, transferred_in_date, has_organised_arrangements, direct_payment_code,"
        " work_based_learning_code FROM core.fct_ehc_plan ORDER BY plan_id",
    )
    assert [list(row.values()) for row in plans] == [
        ["HUB-H1", None, None, None, None, None],
        ["P1", date(2023, 5, 1), date(2026, 2, 1), True, None, None],
        ["P2", None, None, None, None, None],
    ]
    (review,) = read(warehouse, "SELECT draft_amended_plan_date FROM core.fct_annual_review")
    assert review["draft_amended_plan_date"] == date(2026, 5, 21)


def test_a_placement_is_a_row_with_its_person_and_without_words(warehouse: Path) -> None:
    found = read(
        warehouse,
        "SELECT placement_id, person_id, is_section_i, placement_rank, leaving_date, is_open"
        " FROM core.fct_placement ORDER BY placement_id",
    )
    assert [list(row.values()) for row in found] == [
        ["1", "A", True, "1", None, True],
        ["2", "nobody", False, "3", date(2025, 12, 1), False],
    ]
    assert "setting_other" not in read(warehouse, "SELECT * FROM core.fct_placement LIMIT 1")[0]
    assert read(warehouse, "SELECT 1 FROM core.dim_establishment WHERE urn = '100009'")


def test_what_is_not_mapped_and_what_belongs_to_nobody_is_told(warehouse: Path) -> None:
    told = read(warehouse, "SELECT rule, feed, column_name FROM quality.quality_issues WHERE rule IN ('M-01', 'O-01')")
    assert {tuple(row.values()) for row in told} == {
        ("M-01", "capita_one.ehc_plans", "work_based_learning"),  # words for none are known: direct payment is not told
        ("O-01", "capita_one.placements", "student_id"),
        ("O-01", "capita_one.placements", "plan_id"),
    }
