"""The SEN2 return from raw rows to its nine tables: a child for every row of the stages, and of what was settled.

One council as at three days: a draft in the year that the return is about, a draft in January, and the return itself.
"""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.dbt.harness import build, make_raw, read

DRAFT, JANUARY, FINAL = date(2026, 11, 16), date(2027, 1, 10), date(2027, 3, 1)

Row = dict[str, Any]
RAW: dict[str, list[Row]] = {}


def day(text: str | None) -> date | None:
    """A date of `2026-03-01`, or of `03-01` in 2026."""
    return None if text is None else date.fromisoformat(text if len(text) == 10 else f"2026-{text}")


def add(feed: str, **values: Any) -> None:
    dates = ("date", "received", "issued", "plan_sent", "amended", "closed", "notified_on")
    RAW.setdefault(feed, []).append(
        {
            name: day(value) if isinstance(value, str) and name.endswith(dates) else value
            for name, value in values.items()
        }
    )


def student(student_id: str, **values: Any) -> None:
    add(
        "capita_one.students",
        **{"student_id": student_id, "date_of_birth": date(2015, 1, 1), "sex": "M", "ethnicity": "WENG"} | values,
    )


def case(student_id: str, received: str | None, **values: Any) -> None:
    """A request, under an ID that begins with the student's."""
    number = sum(each["student_id"] == student_id for each in RAW.get("capita_one.ehcp_assessments", ()))
    given: Row = {"involvement_id": f"{student_id}I{number or ''}", "student_id": student_id, "assessment_type": "INI"}
    given |= {"received_date": received, "mediation": False, "tribunal": False, "twenty_week_exception": False}
    add("capita_one.ehcp_assessments", **given | values)


def plan(student_id: str, initial: str | None, **values: Any) -> None:
    number = sum(each["student_id"] == student_id for each in RAW.get("capita_one.ehc_plans", ()))
    given: Row = {"plan_id": f"{student_id}P{number or ''}", "student_id": student_id, "initial_plan_date": initial}
    add("capita_one.ehc_plans", **given | values)


def hub(reference: str, **values: Any) -> None:
    add("ehc_hub.cases", **{"case_reference": reference, "child_dob": date(2015, 1, 1)} | values)


AGREED = {"decision_to_assess": True}
REFUSED = {"decision_to_assess": False}

# The table of stages.
case("undecided", "09-01")
case("withdrawn", "06-01", inactive_date="07-01")
case("refused", "06-01", **REFUSED, decision_notified_date="07-01", mediation=True)
case("agreed", "06-01", **AGREED, decision_notified_date="07-01")
case("agreed_before", "2025-10-01", **AGREED, decision_notified_date="2025-12-31")
case("agreed_closed", "06-01", **AGREED, decision_notified_date="07-01", inactive_date="08-01")
case("before_closed", "2025-10-01", **AGREED, decision_notified_date="2025-12-31", inactive_date="08-01")
case("no_plan", "2025-10-01", **AGREED, decision_notified_date="2025-12-01", decision_to_issue=False,
     no_plan_notified_date="02-01", tribunal=True)  # fmt: skip
case("issued", "02-01", **AGREED, decision_notified_date="03-01", decision_to_issue=True, final_issued_date="06-21",
     request_source="1", twenty_week_exception=True, relevant_youth_accommodation=True)  # fmt: skip
plan("issued", "06-21", involvement_id="issuedI", personal_budget=True, organised_arrangements=False)
case("half_before", "2025-10-01", **AGREED, decision_notified_date="2025-11-10", final_issued_date="01-01")
plan("half_before", "01-01", involvement_id="half_beforeI")
case("issued_before", "2024-10-01", **AGREED, decision_notified_date="2024-11-10", final_issued_date="2025-12-31")
plan("issued_before", "2025-12-31", involvement_id="issued_beforeI", current_plan_date="05-05")
case("old_refusal", "2025-06-01", **REFUSED, decision_notified_date="2025-12-31")  # not in the return
case("old_withdrawal", "2025-06-01", inactive_date="2025-12-31")
case("old_no_plan", "2025-06-01", **AGREED, decision_notified_date="2025-07-01", no_plan_notified_date="2025-12-31")
plan("transferred", "2024-03-01", transferred_in_from_la="888", transferred_in_date="05-01")
plan("transferred_new", "04-01", transferred_in_from_la="888")
plan("transferred_old", "2024-03-01", transferred_in_from_la="888")
# Boundaries of the window and of R.
case("on_1_january", "2025-11-01", **REFUSED, decision_notified_date="01-01")
case("on_31_december", "11-20", **REFUSED, decision_notified_date="12-31")
case("decided_after", "12-20", **REFUSED, decision_notified_date="2027-01-05")
case("received_after", "2027-01-01", **REFUSED, decision_notified_date="2027-01-05")
case("received_and_issued_after", "2027-01-01", **AGREED, decision_notified_date="2027-01-02",
     final_issued_date="2027-01-08")  # fmt: skip
plan("received_and_issued_after", "2027-01-08", involvement_id="received_and_issued_afterI")
case("issued_on_survey_day", "08-01", **AGREED, decision_notified_date="09-01", final_issued_date="2027-01-21")
plan("issued_on_survey_day", "2027-01-21", involvement_id="issued_on_survey_dayI")
case("issued_after_survey_day", "08-01", **AGREED, decision_notified_date="09-01", final_issued_date="2027-01-22")
plan("issued_after_survey_day", "2027-01-22", involvement_id="issued_after_survey_dayI")
plan("ceased_before", "2020-01-01", cease_date="2025-12-31", cease_reason="1")
plan("ceased_on_1_january", "2020-01-01", cease_date="01-01", cease_reason="1")
plan("ceased_on_31_december", "2020-01-01", cease_date="12-31", cease_reason="2")
plan("ceased_after", "2020-01-01", cease_date="2027-01-01", cease_reason="3")
plan("ceased_on_survey_day", "2020-01-01", cease_date="2027-01-21", cease_reason="3")
plan("ceased_after_survey_day", "2020-01-01", cease_date="2027-01-22", cease_reason="3")
case("issued_and_ceased", "02-01", **AGREED, decision_notified_date="03-01", final_issued_date="06-21")
plan("issued_and_ceased", "06-21", involvement_id="issued_and_ceasedI", cease_date="2027-01-05", cease_reason="5")
# What was settled.
case("same_day", "02-01", **AGREED, decision_notified_date="03-01", final_issued_date="06-21")
plan("same_day", "06-21")
case("other_day", "02-01", **AGREED, decision_notified_date="03-01", final_issued_date="06-21")
plan("other_day", "06-22")
plan("no_case", "05-01")
case("no_plan_row", "02-01", **AGREED, decision_notified_date="03-01", final_issued_date="06-21")
case("another_la", "2025-05-01", assessment_type="AOL", **AGREED, decision_notified_date="02-01",
     final_issued_date="06-21")  # fmt: skip
plan("another_la", "06-21", involvement_id="another_laI")
case("not_issued", "02-01", **AGREED, decision_notified_date="03-01", decision_to_issue=True)
case("refused_then_plan", "02-01", **REFUSED, decision_notified_date="03-01", tribunal=True,
     final_issued_date="09-01")  # fmt: skip
plan("refused_then_plan", "09-01", involvement_id="refused_then_planI")
case("no_plan_then_plan", "2025-09-01", **AGREED, decision_notified_date="2025-10-10", decision_to_issue=False,
     no_plan_notified_date="01-20", mediation=True, final_issued_date="09-01")  # fmt: skip
plan("no_plan_then_plan", "09-01", involvement_id="no_plan_then_planI")
case("agreed_undated", "02-01", **AGREED)
case("refused_undated", "02-01", **REFUSED)
case("refused_twice", "02-01", **REFUSED, decision_notified_date="03-01", no_plan_notified_date="06-01")
student("died", date_of_death=date(2026, 8, 1))
plan("died", "2020-01-01")
student("died_before", date_of_death=date(2025, 8, 1))
plan("died_before", "2020-01-01")
case("two_plans", "01-05", **AGREED, decision_notified_date="02-10", final_issued_date="05-01")
plan("two_plans", "05-01", involvement_id="two_plansI", named_urn="100001")
case("two_plans", "07-01", **AGREED, decision_notified_date="08-10", final_issued_date="10-01")
plan("two_plans", "10-01", involvement_id="two_plansI1", named_urn="100002")
plan("two_old_plans", "2019-05-01")
plan("two_old_plans", "2020-05-01")
plan("two_new_plans", "2026-05-01")
plan("two_new_plans", "2026-04-01")
plan("undated", None)
plan("undated_current", None, current_plan_date="05-05")
case("undated_case", "02-01", **AGREED, decision_notified_date="03-01", final_issued_date="06-21")
plan("undated_case", None, involvement_id="undated_caseI")
plan("reassessed", "2019-01-01")
case("reassessed", "06-01", **AGREED, decision_notified_date="07-01")
case("one_involvement", "02-01", **AGREED, decision_notified_date="03-01", final_issued_date="06-21")
plan("one_involvement", "06-21", involvement_id="one_involvementI", cease_date="07-01", cease_reason="9")
plan("one_involvement", "07-02", involvement_id="one_involvementI")
student("siblings", upn="A1", uln="1000000019", upn_unknown_reason="UN1")
plan("siblings", "2020-01-01", involvement_id="sibling_caseI")  # another child's case is never this one's
case("sibling_case", "02-01", **AGREED, decision_notified_date="03-01")
hub("H1", request_received=date(2026, 2, 1), decision_to_assess="Agreed", decision_to_assess_date=date(2026, 3, 1),
    decision_to_issue="Agreed", final_plan_issued=date(2026, 6, 21), named_placement_urn="100009",
    primary_need="Autism", child_first_name="Bo", child_last_name="Hub", requested_by="Parent",
    postcode="ZZ1 1ZZ")  # fmt: skip
hub("H2", request_received=date(2020, 2, 1), decision_to_assess="Agreed", final_plan_issued=date(2020, 6, 21),
    case_closed=date(2026, 5, 1))  # fmt: skip
hub("H3", request_received=date(2026, 6, 1), decision_to_assess="Refused", decision_to_assess_date=date(2026, 7, 1))
add("social_care.involvements", person_id="S1", upn="B1", first_name="Bo", last_name="Hub", postcode="ZZ1 1ZZ",
    date_of_birth=date(2015, 1, 1), status="Child in need", start_date="2026-01-01")  # fmt: skip
# Who: personal elements.
student("unclear", sex="U", ethnicity="UNKNOWN", upn_unknown_reason="UN10", forename="Ada", surname="Example",
        postcode="ZZ1 1ZZ")  # fmt: skip
plan("unclear", "2020-01-01")
plan("unknown", "2020-01-01")  # in no student file
# How deep: reviews, phase transfer, needs, placements.
plan("deep", "2020-01-01", named_urn="100001", residential="A", cease_date="2027-02-01", cease_reason="1",
     phase_transfer_due_date="2027-03-31", phase_transfer_final_date="2027-01-20")  # fmt: skip
for number, (met, decided, outcome, drafted) in enumerate(
    [("2025-03-01", "2025-03-20", "M", None), ("2026-10-01", "2026-12-20", "A", "2027-01-25"),
     ("2027-01-15", None, None, None), ("2027-02-15", "2027-02-20", "C", None)]
):  # fmt: skip
    add("capita_one.annual_reviews", review_id=f"R{number}", plan_id="deepP", meeting_date=met, decision_date=decided,
        la_outcome=outcome, draft_amended_plan_date=drafted)  # fmt: skip
plan("phase_over", "2020-01-01", phase_transfer_due_date="2025-12-31", phase_transfer_final_date="2025-12-30")
plan("phase_later", "2020-01-01", phase_transfer_due_date="2027-04-01")
plan("phase_now", "2020-01-01", phase_transfer_due_date="2026-01-01")
for sen_type, rank, start, end in [
    ("SLCN", 3, None, None), ("ASD", 2, "2020-01-01", None), ("MLD", 1, "2020-01-01", "06-01"),
    ("HI", 1, "2021-01-01", None), ("VI", 1, "2022-01-01", None), ("DS", 1, "2027-01-22", None),
]:  # fmt: skip
    add("capita_one.sen_needs", student_id="deep", sen_type=sen_type, rank=rank, start_date=start, end_date=end)
add("capita_one.sen_needs", student_id="no_case", sen_type="ASD", rank=2)
add("capita_one.sen_needs", student_id="no_case", sen_type="OTH", rank=3)
add("capita_one.sen_needs", student_id="undated", sen_type="OTH", rank=3)
for urn, status, entry, leaving in [
    ("100001", "C", "2024-09-01", None), ("100002", "M", "2020-09-01", "2024-08-31"),
    ("100003", "S", "2025-01-01", None), ("100004", "O", "2027-02-01", None), ("100005", "G", "2025-01-01", None),
]:  # fmt: skip
    add("capita_one.enrolments", student_id="deep", urn=urn, enrolment_status=status, entry_date=entry,
        leaving_date=leaving)  # fmt: skip
plan("at_home", "2020-01-01", setting_type="OTH", named_urn="100006")
add("capita_one.home_education", student_id="at_home", start_date="2024-05-01")
add("capita_one.enrolments", student_id="at_home", urn="100003", enrolment_status="S", entry_date="2025-01-01")
plan("only_at_home", "2020-01-01")
add("capita_one.home_education", student_id="only_at_home", start_date="2024-05-01")
plan("elsewhere", "2020-01-01", setting_type="NEET")
plan("nowhere", "2020-01-01")


@pytest.fixture(scope="module")
def returns(tmp_path_factory: pytest.TempPathFactory) -> dict[date, Path]:
    """The warehouse of the council without a placements feed, by the day it is as at."""
    folder = tmp_path_factory.mktemp("sen2")
    made = {}
    for as_at in (DRAFT, JANUARY, FINAL):
        path = folder / as_at.isoformat() / "warehouse.duckdb"
        path.parent.mkdir()
        raw = make_raw(path, RAW, never_received=["capita_one.placements"])
        made[as_at] = build(raw, as_at=as_at, of="sen2")
    return made


CHAINS = """
    SELECT p.unique_id,
           concat_ws(' ', 'request', request_outcome, strftime(request_outcome_date, '%Y-%m-%d'),
                     'assessment ' || assessment_outcome, strftime(assessment_outcome_date, '%Y-%m-%d'),
                     if(named_plan_table_id IS NULL, NULL, 'plan'), strftime(start_date, '%Y-%m-%d'),
                     'ceased ' || strftime(cease_date, '%Y-%m-%d'), cease_reason,
                     'from ' || transfer_la,
                     if(active_plans_table_id IS NULL, NULL, 'active')) AS chain
    FROM sen2.sen2_person AS p
    JOIN sen2.sen2_requests AS r USING (person_table_id)
    LEFT JOIN sen2.sen2_assessment USING (requests_table_id)
    LEFT JOIN sen2.sen2_named_plan USING (assessment_table_id)
    LEFT JOIN sen2.sen2_active_plans AS a ON r.requests_table_id = a.requests_table_id
    ORDER BY requests_table_id
"""


def chains(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in read(path, CHAINS):
        found.setdefault(row["unique_id"], []).append(row["chain"])
    return found


# By child: what each day's return has of its requests; a day that is not named is as the one before, None is nobody.
SEEN: dict[str, dict[date, list[str] | None]] = {
    "undecided": {DRAFT: ["request A"]},
    "withdrawn": {DRAFT: ["request W"]},
    "refused": {DRAFT: ["request N 2026-07-01"]},
    "agreed": {DRAFT: ["request Y 2026-07-01 assessment A"]},
    "agreed_before": {DRAFT: ["request H assessment A"]},
    "agreed_closed": {DRAFT: ["request Y 2026-07-01 assessment W"]},
    "before_closed": {DRAFT: ["request H assessment W"]},
    "no_plan": {DRAFT: ["request H assessment N 2026-02-01"]},
    "issued": {DRAFT: ["request Y 2026-03-01 assessment Y 2026-06-21 plan 2026-06-21"]},
    "half_before": {DRAFT: ["request H assessment Y 2026-01-01 plan 2026-01-01"]},
    "issued_before": {DRAFT: ["request H assessment H plan 2026-05-05"]},
    "old_refusal": {DRAFT: None},
    "old_withdrawal": {DRAFT: None},
    "old_no_plan": {DRAFT: None},
    "transferred": {DRAFT: ["request H assessment H plan 2024-03-01 from 888 active"]},
    "transferred_new": {DRAFT: ["request H assessment H plan 2026-04-01 from 888 active"]},
    "transferred_old": {DRAFT: ["request H assessment H plan 2024-03-01"]},
    "on_1_january": {DRAFT: ["request N 2026-01-01"]},
    "on_31_december": {DRAFT: None, JANUARY: ["request N 2026-12-31"]},
    "decided_after": {DRAFT: None, JANUARY: ["request N 2027-01-05"]},
    "received_after": {DRAFT: None},
    "received_and_issued_after": {
        DRAFT: None,
        JANUARY: ["request Y 2027-01-02 assessment Y 2027-01-08 plan 2027-01-08"],
    },
    "issued_on_survey_day": {
        DRAFT: ["request Y 2026-09-01 assessment A"],
        FINAL: ["request Y 2026-09-01 assessment Y 2027-01-21 plan 2027-01-21"],
    },
    "issued_after_survey_day": {DRAFT: ["request Y 2026-09-01 assessment A"]},
    "ceased_before": {DRAFT: None},
    "ceased_on_1_january": {DRAFT: ["request H assessment H plan 2020-01-01 ceased 2026-01-01 1"]},
    "ceased_on_31_december": {
        DRAFT: ["request H assessment H plan 2020-01-01"],
        JANUARY: ["request H assessment H plan 2020-01-01 ceased 2026-12-31 2"],
    },
    "ceased_after": {DRAFT: ["request H assessment H plan 2020-01-01"], JANUARY: None},
    "ceased_on_survey_day": {DRAFT: ["request H assessment H plan 2020-01-01"], FINAL: None},
    "ceased_after_survey_day": {DRAFT: ["request H assessment H plan 2020-01-01"]},
    "issued_and_ceased": {
        DRAFT: ["request Y 2026-03-01 assessment Y 2026-06-21 plan 2026-06-21"],
        JANUARY: ["request Y 2026-03-01 assessment Y 2026-06-21 plan 2026-06-21 ceased 2027-01-05 5"],
    },
    "same_day": {DRAFT: ["request Y 2026-03-01 assessment Y 2026-06-21 plan 2026-06-21"]},
    "other_day": {
        DRAFT: [
            "request Y 2026-03-01 assessment Y 2026-06-21 plan 2026-06-21",
            "request H assessment H plan 2026-06-22",
        ]
    },
    "no_case": {DRAFT: ["request H assessment H plan 2026-05-01 active"]},
    "no_plan_row": {DRAFT: ["request Y 2026-03-01 assessment Y 2026-06-21 plan 2026-06-21"]},
    "another_la": {DRAFT: ["request H assessment H plan 2026-06-21"]},
    "not_issued": {DRAFT: ["request Y 2026-03-01 assessment A"]},
    "refused_then_plan": {DRAFT: ["request N 2026-03-01 assessment Y 2026-09-01 plan 2026-09-01"]},
    "no_plan_then_plan": {DRAFT: ["request H assessment N 2026-01-20 plan 2026-09-01"]},
    "agreed_undated": {DRAFT: ["request H assessment A"]},
    "refused_undated": {DRAFT: ["request N"]},
    "refused_twice": {DRAFT: ["request N 2026-03-01"]},
    "died": {DRAFT: ["request H assessment H plan 2020-01-01 ceased 2026-08-01 8"]},
    "died_before": {DRAFT: None},
    "two_plans": {
        DRAFT: [
            "request Y 2026-02-10 assessment Y 2026-05-01 plan 2026-05-01",
            "request Y 2026-08-10 assessment Y 2026-10-01 plan 2026-10-01",
        ]
    },
    "two_old_plans": {DRAFT: ["request H assessment H plan 2020-05-01"]},
    "two_new_plans": {DRAFT: ["request H assessment H plan 2026-05-01", "request H assessment H plan 2026-04-01"]},
    "undated": {DRAFT: ["request H assessment H plan"]},
    "undated_current": {DRAFT: ["request H assessment H plan 2026-05-05"]},
    "undated_case": {DRAFT: ["request Y 2026-03-01 assessment Y 2026-06-21 plan"]},
    "reassessed": {DRAFT: ["request Y 2026-07-01 assessment A", "request H assessment H plan 2019-01-01"]},
    "one_involvement": {
        DRAFT: [
            "request Y 2026-03-01 assessment Y 2026-06-21 plan 2026-07-02",
            "request H assessment H plan 2026-06-21 ceased 2026-07-01 9",
        ]
    },
    "siblings": {DRAFT: ["request H assessment H plan 2020-01-01"]},
    "sibling_case": {DRAFT: ["request Y 2026-03-01 assessment A"]},
    "HUB-H1": {DRAFT: ["request Y 2026-03-01 assessment Y 2026-06-21 plan 2026-06-21 active"]},
    "HUB-H2": {DRAFT: ["request H assessment H plan 2020-06-21 ceased 2026-05-01"]},
    "HUB-H3": {DRAFT: ["request N 2026-07-01"]},
    "unknown": {DRAFT: ["request H assessment H plan 2020-01-01"]},
}


@pytest.mark.parametrize("as_at", [DRAFT, JANUARY, FINAL])
def test_a_child_is_returned_as_deep_as_the_case_came(returns: dict[date, Path], as_at: date) -> None:
    found = chains(returns[as_at])
    expected = {child: [seen[day] for day in sorted(seen) if day <= as_at][-1] for child, seen in SEEN.items()}
    assert {child: found.get(child) for child in SEEN} == expected


def below(path: Path, module: str, child: str, columns: str) -> list[tuple[Any, ...]]:
    found = read(path, f"SELECT {columns} FROM sen2.sen2_{module} WHERE unique_id = '{child}' ORDER BY ALL")
    return [tuple(row.values()) for row in found]


def test_what_hangs_below_an_active_plan_is_as_at_r(returns: dict[date, Path]) -> None:
    """Reviews, decisions, drafts and phase transfers up to R; needs of ranks 1 and 2; placements open at R."""
    review = "review_meeting, review_outcome, last_review, review_draft"
    phase = "phase_transfer_due_date, phase_transfer_final_date"
    decided = (date(2026, 10, 1), "A", date(2026, 12, 20), None)
    assert below(returns[DRAFT], "active_plans", "deep", review) == [(date(2026, 10, 1), None, None, None)]
    assert below(returns[JANUARY], "active_plans", "deep", review) == [decided]
    assert below(returns[FINAL], "active_plans", "deep", review) == [(date(2027, 1, 15), None, None, None)]
    assert below(returns[JANUARY], "active_plans", "deep", phase) == [(date(2027, 3, 31), None)]
    assert below(returns[FINAL], "active_plans", "deep", phase) == [(date(2027, 3, 31), date(2027, 1, 20))]
    assert below(returns[FINAL], "active_plans", "phase_now", phase) == [(date(2026, 1, 1), None)]
    for path in returns.values():
        assert below(path, "sen_need", "deep", "sen_type_rank, sen_type") == [("1", "VI"), ("2", "HI")]
        assert below(path, "sen_need", "no_case", "sen_type_rank, sen_type") == [("1", "ASD")]
        placed = "placement_rank, urn, sen_setting, entry_date, leaving_date"
        assert below(path, "placement_detail", "deep", placed) == [
            ("1", "100001", None, date(2024, 9, 1), None),
            ("2", "100003", None, date(2025, 1, 1), None),
        ]
        assert below(path, "placement_detail", "at_home", placed) == [
            ("1", None, "EHE", date(2024, 5, 1), None),
            ("2", "100003", None, date(2025, 1, 1), None),
        ]
        assert below(path, "placement_detail", "only_at_home", placed) == [("1", None, "EHE", date(2024, 5, 1), None)]
        assert below(path, "placement_detail", "elsewhere", placed) == [("1", None, "NEET", None, None)]
        assert below(path, "placement_detail", "HUB-H1", placed) == [("1", "100009", None, None, None)]
        assert below(path, "plan_detail", "at_home", "urn, sen_setting, placement_rank") == [("100006", None, "1")]
        assert below(path, "sen_need", "HUB-H1", "sen_type") == [("ASD",)]


def test_what_a_request_and_a_plan_say_of_themselves(returns: dict[date, Path]) -> None:
    """The flag of one column goes to the stage of the refusal; of the hub, and without a case, all are 0."""
    flags = "request_mediation, request_tribunal, rya, request_source"
    assessed = "assessment_mediation, assessment_tribunal, other_mediation, other_tribunal, week20"
    path = returns[FINAL]
    assert below(path, "requests", "refused", flags) == [(True, False, False, None)]
    assert below(path, "assessment", "no_plan", assessed) == [(False, True, False, False, False)]
    assert below(path, "requests", "issued", flags) == [(False, False, True, "1")]
    assert below(path, "assessment", "issued", assessed) == [(False, False, False, False, True)]
    assert below(path, "assessment", "no_plan_then_plan", assessed) == [(True, False, False, False, False)]
    for child in ("no_case", "HUB-H1"):
        assert below(path, "assessment", child, assessed) == [(False, False, False, False, False)]
        assert below(path, "named_plan", child, "pb, oa, dp") == [(None, None, None)]
    assert below(path, "requests", "another_la", "received_date") == [(None,)]
    assert below(path, "named_plan", "issued", "pb, oa, dp") == [(True, False, None)]


def test_a_person_is_who_the_lists_say(returns: dict[date, Path]) -> None:
    who = "surname, forename, person_birth_date, sex, ethnicity, post_code, upn, unique_learner_number, upn_unknown"
    path = returns[FINAL]
    assert below(path, "person", "unclear", who) == [
        ("Example", "Ada", date(2015, 1, 1), None, None, "ZZ1 1ZZ", None, None, "UN10")
    ]
    assert below(path, "person", "unknown", who) == [(None,) * 9]
    assert below(path, "person", "siblings", "upn, unique_learner_number, upn_unknown") == [("A1", "1000000019", None)]
    assert below(path, "person", "HUB-H1", "surname, forename, sex, upn") == [("Hub", "Bo", None, None)]
    ids = [row["unique_id"] for row in read(path, "SELECT unique_id FROM sen2.sen2_person ORDER BY person_table_id")]
    assert ids == sorted(ids)


@pytest.mark.parametrize(
    ("as_at", "is_draft", "reference"),
    [(DRAFT, True, DRAFT), (JANUARY, True, JANUARY), (FINAL, False, date(2027, 1, 21))],
)
def test_the_return_that_is_due_next_is_made(
    returns: dict[date, Path], as_at: date, is_draft: bool, reference: date
) -> None:
    (header,) = read(returns[as_at], "SELECT * FROM sen2.sen2_header")
    assert (header["year"], header["reference_date"], header["lea"]) == ("2027", date(2027, 1, 21), "999")
    assert (header["is_draft"], header["reference_day"]) == (is_draft, reference)
    assert (header["window_start"], header["window_end"]) == (date(2026, 1, 1), min(as_at, date(2026, 12, 31)))
