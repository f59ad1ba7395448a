"""What DfE would publish of a SEN2 return, worked out by hand for a few children, beside a return that was read in."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.dbt.harness import build, make_raw, read

FINAL = date(2027, 2, 1)
Row = dict[str, Any]


def case(student_id: str, received: date | None, decided: date | None = None, **values: Any) -> Row:
    given = {"involvement_id": f"{student_id}I", "student_id": student_id, "assessment_type": "INI"}
    flags = {"mediation": False, "tribunal": False, "twenty_week_exception": False}
    told = {"decision_to_assess": True, "decision_notified_date": decided} if decided else {}
    return {**given, "received_date": received, **told, **flags, **values}


def plan(student_id: str, initial: date, **values: Any) -> Row:
    of_case = {"involvement_id": f"{student_id}I"}
    given = {"plan_id": f"{student_id}P", "student_id": student_id, "initial_plan_date": initial}
    return {**given, **of_case, "personal_budget": False, **values}


STUDENTS = ("asked", "refused", "quick", "slow", "excepted", "old", "moved", "left")
NOW: dict[str, list[Row]] = {
    "capita_one.students": [
        {"student_id": name, "date_of_birth": date(2015, 1, 1), "sex": "F" if name == "old" else "M"}
        for name in STUDENTS
    ],
    "capita_one.ehcp_assessments": [
        case("asked", date(2026, 12, 31)),  # no decision yet
        case("refused", date(2026, 3, 1), date(2026, 4, 13), decision_to_assess=False, mediation=True),  # 43 days
        case("quick", date(2026, 1, 1), date(2026, 2, 12), final_issued_date=date(2026, 5, 21)),  # 42 and 140 days
        case("slow", date(2025, 6, 1), date(2025, 7, 1), final_issued_date=date(2026, 6, 1)),  # 365 days
        case("excepted", date(2026, 1, 1), date(2026, 2, 1), final_issued_date=date(2026, 5, 22),
             twenty_week_exception=True),  # 141 days
    ],
    "capita_one.ehc_plans": [
        plan("quick", date(2026, 5, 21), personal_budget=True),
        plan("slow", date(2026, 6, 1)),
        plan("excepted", date(2026, 5, 22)),
        plan("old", date(2020, 1, 1)),
        plan("moved", date(2024, 1, 1), transferred_in_from_la="888", transferred_in_date=date(2026, 7, 1)),
        plan("left", date(2020, 1, 1), cease_date=date(2026, 12, 31), cease_reason="6"),
    ],
    "capita_one.annual_reviews": [
        {"review_id": "R1", "plan_id": "oldP", "meeting_date": date(2026, 1, 1), "la_outcome": "M",
         "decision_date": date(2026, 1, 29)},  # 28 days
    ],
    "capita_one.sen_needs": [{"student_id": "old", "sen_type": "ASD", "rank": 1, "start_date": date(2020, 1, 1)}],
    "capita_one.enrolments": [
        {"student_id": "quick", "urn": "100001", "enrolment_status": "C", "entry_date": date(2020, 9, 1)},
        {"student_id": "slow", "urn": "100002", "enrolment_status": "C", "entry_date": date(2020, 9, 1)},
    ],
    "gias.establishments": [
        {"urn": "100001", "establishment_name": "A", "type_code": "1", "phase_code": "2", "la_code": "999"},
        {"urn": "100002", "establishment_name": "B", "type_code": "7", "phase_code": "0", "la_code": "999"},
    ],
}  # fmt: skip
OF_2026 = {"return_year": 2026, "reference_date": date(2026, 1, 15)}
READ_IN: dict[str, list[Row]] = {  # last year's: one child refused, one with a plan and a review in the year
    "sen2.persons": [{**OF_2026, "person_table_id": n, "sex": "M"} for n in (1, 2)],
    "sen2.requests": [
        {**OF_2026, "requests_table_id": 1, "person_table_id": 1, "received_date": date(2025, 5, 1),
         "request_outcome": "N", "request_outcome_date": date(2025, 6, 1)},
        {**OF_2026, "requests_table_id": 2, "person_table_id": 2, "request_outcome": "H"},
    ],
    "sen2.assessments": [
        {**OF_2026, "assessment_table_id": 1, "requests_table_id": 2, "assessment_outcome": "H", "week20": False}
    ],
    "sen2.named_plans": [{**OF_2026, "named_plan_table_id": 1, "assessment_table_id": 1, "pb": True}],
    "sen2.active_plans": [
        {**OF_2026, "active_plans_table_id": 1, "requests_table_id": 2, "review_meeting": date(2025, 12, 31)}
    ],
}  # fmt: skip


def measured(folder: Path, rows: dict[str, list[Row]], *never: str) -> dict[tuple[str, str], Row]:
    path = build(
        make_raw(folder / "warehouse.duckdb", rows, never_received=("capita_one.placements", *never)), as_at=FINAL
    )
    found = read(path, "SELECT * FROM sen2.sen2_measures ORDER BY measure_no")
    return {(row["measure"], row["breakdown_value"]): row for row in found}


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Row]:
    return measured(tmp_path_factory.mktemp("measures"), NOW | READ_IN)


@pytest.mark.parametrize(
    ("measure", "numerator", "denominator"),
    [
        ("requests", 4, None),  # asked, refused, quick, excepted
        ("requests_agreed", 2, 4),
        ("requests_refused", 1, 4),
        ("requests_open", 1, 4),
        ("requests_six_weeks", 2, 3),
        ("requests_mediation", 1, 4),
        ("assessments", 3, None),
        ("assessments_issued", 3, 3),
        ("new_plans", 3, None),
        ("twenty_weeks", 1, 2),
        ("twenty_weeks_all", 1, 3),
        ("exceptions", 1, 3),
        ("over_a_year", 1, 3),
        ("plans", 5, None),
        ("placement_unknown", 3, 5),
        ("personal_budgets", 1, 5),
        ("transferred_in", 1, None),
        ("reviews_recorded", 1, 1),  # old alone: the others are new, or came from another council
        ("reviews_in_year", 1, 1),
        ("review_four_weeks", 1, 1),
        ("ceased", 1, None),
    ],
)
def test_each_is_what_was_counted_by_hand(
    known: dict[tuple[str, str], Row], measure: str, numerator: int, denominator: int | None
) -> None:
    found = known[measure, "all"]
    assert (found["numerator"], found["denominator"]) == (numerator, denominator)
    share = numerator if denominator is None else round(Decimal(100 * numerator) / denominator, 1)
    assert found["value"] == share and not found["not_known_because"]


def test_parts_are_of_the_whole_and_those_of_nobody_are_nought(known: dict[tuple[str, str], Row]) -> None:
    placed = {part: row["numerator"] for (measure, part), row in known.items() if measure == "plans_by_placement"}
    assert placed == {
        **dict.fromkeys(("alternative provision", "early years", "elsewhere", "further education"), 0),
        "mainstream": 1,
        "special": 1,
        "not recorded": 3,
    }
    assert (known["plans_by_sex", "F"]["value"], known["plans_by_sex", "F"]["denominator"]) == (Decimal("20.0"), 5)
    assert known["ceased_by_reason", "6"]["value"] == 100
    assert known["plans_by_age", "11–15"]["numerator"] == 5


def test_last_years_return_stands_beside_it_and_england_with_its_year(known: dict[tuple[str, str], Row]) -> None:
    refused, reviews = known["requests_refused", "all"], known["reviews_in_year", "all"]
    assert (refused["last_year_value"], reviews["last_year_value"]) == (100, 100)
    assert (known["plans", "all"]["last_year_value"], known["personal_budgets", "all"]["last_year_value"]) == (1, 100)
    assert known["requests_mediation", "all"]["last_year_value"] is None  # the flag was for nobody in that return
    twenty = known["twenty_weeks", "all"]
    assert (twenty["england_value"], twenty["england_period"]) == (Decimal("46.4"), "2024")
    assert "2025 release" in twenty["england_release"]


def test_what_no_export_holds_is_not_known_which_is_not_nought(tmp_path: Path) -> None:
    rows = {feed: held for feed, held in NOW.items() if feed != "capita_one.annual_reviews"}
    found = measured(tmp_path, rows, "capita_one.annual_reviews", "ehc_hub.reviews")["reviews_in_year", "all"]
    assert (found["value"], found["numerator"], found["last_year_value"]) == (None, None, None)
    assert found["not_known_because"].startswith("There is no export with capita_one.annual_reviews")
