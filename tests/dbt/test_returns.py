"""A SEN2 return as the one source of who has a plan, and beside a hub: what is known of a few children."""

from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from publish.sen2 import comparison
from publish.sen2.beside import made, read_in, reconciliation
from send_ready import database, sen2
from send_ready.runs import Run
from tests.dbt.harness import AS_AT, build, make_raw, read
from tests.dbt.test_persons import upn

SURVEY, BEFORE = date(2026, 1, 15), date(2025, 1, 16)
BORN = date(2014, 3, 1)
ONE = (
    "students", "ehcp_assessments", "ehc_plans", "annual_reviews", "sen_needs", "sen_provision", "enrolments",
    "exclusions", "home_education", "attendance",
)  # fmt: skip
NO_ONE = [f"capita_one.{feed}" for feed in ONE]
NO_HUB = ["social_care.involvements", "ehc_hub.cases", "ehc_hub.advice", "ehc_hub.reviews"]

Tables = dict[str, list[dict[str, Any]]]


def chain(number: int, year: int = 2026, **given: dict[str, Any] | list[dict[str, Any]] | None) -> Tables:
    """The rows of one person with one request, whose ids are all the number; a level that is not given is not there."""
    about = {"return_year": year, "reference_date": {2026: SURVEY, 2025: BEFORE}[year], "order_seq": 1}
    person = {"surname": f"Child{number}", "forename": "Ada", "person_birth_date": BORN, "sex": "F", "upn": upn(number)}
    parents = {
        "requests": ("requests", "person"), "assessments": ("assessment", "requests"),
        "named_plans": ("named_plan", "assessment"), "plan_details": ("plan_detail", "named_plan"),
        "active_plans": ("active_plans", "requests"), "placement_details": ("placement_detail", "active_plans"),
        "sen_needs": ("sen_need", "active_plans"),
    }  # fmt: skip
    told = given.get("person")
    held = person | {"ethnicity": "WBRI", "post_code": "ZZ1 1AA"} | (told if isinstance(told, dict) else {})
    found: Tables = {"sen2.persons": [about | {"person_table_id": number} | held]}
    for feed, (module, parent) in parents.items():
        rows = given.get(feed)
        for place, row in enumerate(rows if isinstance(rows, list) else [] if rows is None else [rows]):
            key = number * 10 + place if isinstance(rows, list) else number
            ids = {f"{module}_table_id": key, f"{parent}_table_id": number}
            found.setdefault(f"sen2.{feed}", []).append(about | {"order_seq": place + 1} | ids | row)
    return found


def together(*chains: Tables) -> Tables:
    found: Tables = {}
    for each in chains:
        for feed, rows in each.items():
            found.setdefault(feed, []).extend(rows)
    return found


HELD = {"request_outcome": "H", "received_date": date(2019, 2, 1)}
HOME: dict[str, Any] = {"sen_setting": "EHE", "placement_rank": "1", "entry_date": date(2025, 9, 1)}
SCHOOL: dict[str, Any] = {"urn": "100001", "placement_rank": "1", "entry_date": date(2023, 9, 1)}
RETURN = together(
    chain(
        1,  # issued before the year: when, nobody can tell
        person={"unique_learner_number": "1234567895"},
        requests=HELD,
        assessments={"assessment_outcome": "H"},
        named_plans={"start_date": date(2024, 5, 1), "plan_res": "A", "pb": True},
        plan_details=[{"urn": "100002", "placement_rank": "1"}],
        active_plans={
            "review_meeting": date(2025, 3, 3), "review_outcome": "M", "last_review": date(2025, 3, 20),
        },
        placement_details=[
            SCHOOL,
            {"urn": "100002", "placement_rank": "2", "entry_date": date(2024, 9, 1)},
            {"urn": "100001", "placement_rank": "1", "entry_date": date(2020, 9, 1), "leaving_date": date(2023, 7, 20)},
        ],
        sen_needs=[{"sen_type": "ASD", "sen_type_rank": "1"}, {"sen_type": "SLCN", "sen_type_rank": "2"}],
    ),
    chain(
        2,  # issued in the year, and again since
        requests={"request_outcome": "Y", "request_outcome_date": date(2025, 2, 3), "received_date": date(2025, 1, 6),
                  "request_source": "2"},
        assessments={"assessment_outcome": "Y", "assessment_outcome_date": date(2025, 5, 20), "week20": False},
        named_plans={"start_date": date(2025, 11, 3)},
        active_plans={},
        placement_details=[HOME],
        sen_needs=[{"sen_type": "XYZ", "sen_type_rank": "1"}],
    ),
    chain(
        3,
        requests={"request_outcome": "N", "request_outcome_date": date(2025, 4, 1), "received_date": date(2025, 3, 1)},
    ),
    chain(4, requests={"request_outcome": "W", "received_date": date(2025, 3, 1)}),
    chain(
        5,  # ended in the year
        requests=HELD,
        assessments={"assessment_outcome": "H"},
        named_plans={"start_date": date(2020, 1, 1), "cease_date": date(2025, 8, 31), "cease_reason": "1"},
    ),
    chain(
        6,  # active, and no plan stands in the return
        requests=HELD, assessments={"assessment_outcome": "H"}, active_plans={"transfer_la": "888"},
    ),
    chain(
        7, 2025, requests=HELD, assessments={"assessment_outcome": "H"}, named_plans={"start_date": date(2020, 1, 1)}
    ),
)  # fmt: skip

CASES = [
    {  # the hub holds the plan of child 1 too
        "case_reference": "77", "child_upn": upn(1), "child_dob": BORN, "child_first_name": "Ada",
        "child_last_name": "Child1", "request_received": date(2019, 2, 2), "final_plan_issued": date(2019, 6, 1),
        "primary_need": "MLD",
    },
    {  # and a new request for child 5, whose plan it does not know
        "case_reference": "78", "child_upn": upn(5), "child_dob": BORN, "child_first_name": "Ada",
        "child_last_name": "Child5", "request_received": date(2026, 5, 1),
    },
    {"case_reference": "79", "child_upn": upn(6), "child_dob": BORN, "request_received": date(2026, 5, 1)},
]  # fmt: skip


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("alone") / "warehouse.duckdb"
    return build(make_raw(path, RETURN, never_received=NO_ONE + NO_HUB), is_generous=True)


@pytest.fixture(scope="module")
def with_hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("with_hub") / "warehouse.duckdb"
    return build(make_raw(path, RETURN | {"ehc_hub.cases": CASES}, never_received=NO_ONE), is_generous=True)


def test_list_1_of_a_return_alone(alone: Path) -> None:
    found = {
        row["unique_id"]: row
        for row in read(alone, "SELECT * EXCLUDE (la_code, run_id) FROM annex_a.rpt_annex_a__list_1")
    }
    assert sorted(found) == ["SEN2-1", "SEN2-2", "SEN2-6"]
    assert found["SEN2-1"] == {
        "unique_id": "SEN2-1",
        "upn": upn(1),
        "uln": "1234567895",
        "birth_date": BORN,
        "gender": "Female",
        "ethnicity": "WBRI",
        "initial_plan_date": None,
        "updated_plan_date": None,
        "last_review_date": date(2025, 3, 3),
        "primary_need": "ASD",
        "main_urn": "100001",
        "main_phase": None,
        "subsidiary_phase": None,
        "elective_home_education": "No",
        "suspension_count": None,
        "permanent_exclusion_count": None,
        "absence_pct": None,
        "pupil_premium": None,
        "known_to_social_care": None,
        "social_care_team": None,
        "disability": "Unknown",
    }
    second = found["SEN2-2"]
    assert (second["initial_plan_date"], second["updated_plan_date"]) == (date(2025, 5, 20), date(2025, 11, 3))
    assert (second["elective_home_education"], second["main_urn"], second["primary_need"]) == ("Yes", None, None)
    assert found["SEN2-6"]["elective_home_education"] is None  # where the child is, the return does not say
    assert not read(alone, "FROM annex_a.rpt_annex_a__list_2")


def test_cases_plans_and_reviews_of_a_return(alone: Path) -> None:
    cases = {row["case_id"]: row for row in read(alone, "FROM core.fct_ehcp_case")}
    assert sorted(cases) == [f"SEN2-{number}" for number in range(1, 7)]
    second = cases["SEN2-2"]
    assert (second["final_issued_date"], second["decision_to_issue_code"]) == (date(2025, 5, 20), "Y")
    assert (second["request_source_code"], second["source_system"], second["person_id"]) == ("2", "sen2", "SEN2-2")
    assert cases["SEN2-3"]["decision_to_assess_code"] == "N"
    assert cases["SEN2-4"]["closed_date"] == date(2025, 12, 31)  # withdrawn by then; the event has no day
    plans = {row["plan_id"]: row for row in read(alone, "FROM core.fct_ehc_plan")}
    assert sorted(plans) == ["SEN2-1", "SEN2-2", "SEN2-5", "SEN2-A6"]
    first = plans["SEN2-1"]
    assert (first["named_urn"], first["residential_code"], first["has_personal_budget"]) == ("100002", "A", True)
    assert (first["involvement_id"], first["open_from_date"]) == ("SEN2-1", date(2024, 5, 1))
    assert (plans["SEN2-5"]["cease_date"], plans["SEN2-5"]["is_open"]) == (date(2025, 8, 31), False)
    assert plans["SEN2-A6"]["transferred_in_from_la_code"] == "888"
    assert plans["SEN2-2"]["setting_type_code"] == "EHE"
    (review,) = read(alone, "FROM core.fct_annual_review")
    assert (review["plan_id"], review["decision_date"], review["review_outcome_code"]) == (
        "SEN2-1", date(2025, 3, 20), "M",
    )  # fmt: skip
    assert len(read(alone, "FROM core.fct_enrolment WHERE person_id = 'SEN2-1'")) == 3
    names = read(alone, "FROM person_identifiable.persons WHERE person_id = 'SEN2-5'")
    assert (names[0]["surname"], names[0]["postcode"]) == ("Child5", "ZZ1 1AA")


def test_a_day_that_a_return_does_not_say_is_no_event(alone: Path) -> None:
    events = read(alone, "SELECT event_type, source_feed, source_record FROM core.fct_event WHERE person_id = 'SEN2-4'")
    assert events == [
        {"event_type": "request_received", "source_feed": "sen2.requests", "source_record": "requests_table_id=4"}
    ]
    assert {row["source_feed"] for row in read(alone, "SELECT source_feed FROM core.fct_event")} == {
        "sen2.requests", "sen2.named_plans", "sen2.active_plans", "sen2.placement_details",
    }  # fmt: skip


def test_kpis_of_a_return_are_of_its_year_and_its_day(alone: Path) -> None:
    def figures(kpi: str) -> dict[tuple[str, str], Any]:
        found = read(alone, f"FROM kpi.kpi_values WHERE kpi_id = '{kpi}' AND breakdown_type = 'all'")
        return {(each["period_type"], str(each["period_end"])): each for each in found if each["value"] is not None}

    in_time = figures("K01")
    year = in_time["rolling_12_months", "2025-12-31"]
    assert (year["numerator"], year["denominator"], year["data_date"]) == (1, 1, SURVEY)
    assert {period for _, period in in_time} == {"2025-05-31", "2025-12-31"}
    assert figures("K08")["rolling_12_months", "2025-12-31"]["value"] == 3
    assert {period: each["value"] for period, each in figures("K16").items()} == {("point", "2026-01-31"): 3}
    reviewed = figures("K19")["point", "2026-01-31"]
    assert (reviewed["numerator"], reviewed["denominator"]) == (
        1,
        1,
    )  # the second is of the year, the sixth transferred in
    assert not figures("K05") and not figures("K49")  # what is open today, and what no return holds
    assert not read(alone, "FROM kpi.kpi_worklist")
    assert {row["kpi_id"] for row in read(alone, "FROM kpi.kpi_not_known")} >= {"K01", "K16"}  # of today


def test_a_child_of_the_hub_and_of_the_return_is_one(with_hub: Path) -> None:
    listed = {row["unique_id"]: row for row in read(with_hub, "FROM annex_a.rpt_annex_a__list_1")}
    assert sorted(listed) == ["HUB-77", "HUB-79", "SEN2-2"]
    first = listed["HUB-77"]  # the hub's plan and need; the return's review, ethnicity and placement
    assert (first["initial_plan_date"], first["primary_need"], first["last_review_date"]) == (
        date(2019, 6, 1), "MLD", date(2025, 3, 3),
    )  # fmt: skip
    assert (first["ethnicity"], first["main_urn"], first["uln"]) == ("WBRI", "100001", "1234567895")
    plans = read(with_hub, "SELECT plan_id FROM core.fct_ehc_plan ORDER BY 1")
    assert [row["plan_id"] for row in plans] == ["HUB-77", "SEN2-2", "SEN2-5", "SEN2-A6"]
    cases = read(with_hub, "SELECT case_id FROM core.fct_ehcp_case ORDER BY 1")
    assert [row["case_id"] for row in cases] == ["HUB-77", "HUB-78", "HUB-79", "SEN2-2", "SEN2-3", "SEN2-4"]
    assert [row["plan_id"] for row in read(with_hub, "FROM core.fct_annual_review")] == ["HUB-77"]


def test_a_return_of_a_later_day_says_nothing_yet(tmp_path: Path) -> None:
    path = make_raw(tmp_path / "warehouse.duckdb", RETURN, never_received=NO_ONE + NO_HUB)
    build(path, as_at=date(2026, 1, 14), is_generous=True)
    assert [row["unique_id"] for row in read(path, "FROM annex_a.rpt_annex_a__list_1")] == ["SEN2-7"]


def test_without_the_word_a_return_is_no_source(tmp_path: Path) -> None:
    path = build(make_raw(tmp_path / "warehouse.duckdb", RETURN, never_received=NO_ONE + NO_HUB))
    assert not read(path, "FROM core.dim_person")


def one_child(number: int, **given: Any) -> Tables:
    """A child of Capita One with a plan, the same as in the return but for what is given."""
    about = {"student_id": f"S{number}"}
    student = {"upn": upn(number), "surname": f"Child{number}", "forename": "Ada", "date_of_birth": BORN, "sex": "F"}
    return {
        "capita_one.students": [
            about | student | {"ethnicity": "WBRI", "postcode": "ZZ1 1AA"} | given.get("student", {})
        ],
        "capita_one.ehc_plans": [
            about | {"plan_id": f"P{number}", "initial_plan_date": date(2019, 6, 1)} | given.get("plan", {})
        ],
        "capita_one.sen_needs": [about | {"sen_type": "ASD", "rank": 1}],
    }


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    held = together(
        one_child(1, student={"surname": "CHILD-1", "former_upn": None}),
        one_child(2, student={"upn": None}, plan={"initial_plan_date": date(2025, 5, 21)}),
        one_child(5),  # whose plan the return says ceased
        one_child(6, plan={"cease_date": date(2025, 12, 1)}),
        one_child(90),  # whom the return does not have
        one_child(91, plan={"initial_plan_date": date(2026, 2, 1)}),  # nor need it
    )
    path = tmp_path_factory.mktemp("beside") / "warehouse.duckdb"
    return build(make_raw(path, together(RETURN, held), never_received=NO_HUB))


def test_beside_capita_one_a_return_is_compared_and_not_merged(beside: Path) -> None:
    people = read(beside, "SELECT person_id FROM core.dim_person ORDER BY 1")
    assert [row["person_id"] for row in people] == ["S1", "S2", "S5", "S6", "S90", "S91"]
    rows = read(beside, "FROM sen2.sen2_reconciliation ORDER BY reconciliation_no")
    found = [
        (row["unique_id"], row["person_table_id"], row["match_rule"], row["reconciled_as"])
        for row in rows
        if not row["element"]
    ]
    assert found == [
        ("S5", 5, "UPN", "plan not in the return"),
        ("S6", 6, "UPN", "plan in the return alone"),
        ("S90", None, None, "not in the return"),
        (None, 3, None, "only in the return"),
        (None, 4, None, "only in the return"),
    ]
    differing = {
        (row["unique_id"], row["element"], row["returned_value"], row["held_value"]) for row in rows if row["element"]
    }
    assert differing == {
        ("S1", "UniqueLearnerNumber", "1234567895", None),
        ("S1", "PlacementDetail", "100001", None),
        ("S2", "UPN", upn(2), None),
        ("S2", "AssessmentOutcomeDate", "2025-05-20", "2025-05-21"),
        ("S2", "SENtype", "XYZ", "ASD"),
        ("S2", "PlacementDetail", "EHE", None),
    }
    assert {row["match_rule"] for row in rows if row["unique_id"] == "S2"} == {"name and date of birth"}
    issues = read(
        beside, "SELECT rule, record_id FROM quality.quality_issues WHERE starts_with(rule, 'S2-') ORDER BY ALL"
    )
    assert [(row["rule"], row["record_id"]) for row in issues] == [
        ("S2-702", "person_table_id=6; unique_id=S6"),
        ("S2-703", "person_table_id=5; unique_id=S5"),
        ("S2-703", "unique_id=S90"),
    ]


def test_the_workbook_of_the_reconciliation_names_children(beside: Path, tmp_path: Path) -> None:
    path, run = tmp_path / "sen2_reconciliation.xlsx", Run(tmp_path, "test", AS_AT, "999")
    with database.scratch() as con:
        database.attach(con, beside, "built")
        told = reconciliation(path, con, run, "SEN2 return of 15 January 2026 beside Capita One")
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["About", "Children", "Elements"]
    children, elements = (list(book[name].values) for name in ("Children", "Elements"))
    assert len(children) + len(elements) == told + 2
    assert [row[3] for row in children[1:]] == ["Child5", "Child6", "Child90", "Child3", "Child4"]
    assert elements[1][:4] == ("S1", 1, "CHILD-1", "Ada")
    assert elements[1][6:] == ("PlacementDetail", "100001", None)


def test_a_return_that_was_read_is_compared_with_the_one_that_is_made(beside: Path) -> None:
    modules = sen2.modules(2026)
    with database.scratch() as con:
        database.attach(con, beside, "built")
        comparison.compare(con, modules, made, read_in(2026))
        both = con.execute("SELECT count(*) FROM one_person JOIN two_person USING (pair)").fetchall()
        (persons,) = con.execute(f"FROM {comparison.COUNTS} WHERE module = 'person' AND element IS NULL").fetchall()
    assert both == [(persons[3],)] and persons[3] > 0
    assert persons[3] + persons[6] == 6  # every person of the return is paired, or stands in it alone
