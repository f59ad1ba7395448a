"""The national files as sources of the lists: returns of the school census and the ILACS lists of a small council."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.dbt.harness import dbt, make_raw, read
from tests.dbt.test_persons import upn

SPRING, SUMMER, AUTUMN = date(2026, 1, 15), date(2026, 5, 21), date(2026, 10, 1)
TERMS = {SPRING: "spring", SUMMER: "summer", AUTUMN: "autumn"}
BORN = date(2015, 1, 1)


def pupil(number: int, day: date, urn: str = "100001", **values: Any) -> dict[str, Any]:
    """A pupil on the roll of a return, on SEN support; spring carries needs and ethnicity."""
    is_spring = day == SPRING
    return {
        "record_id": f"{day} {urn} {number} {values.get('is_on_roll', True)}",
        "year": 2026,
        "term": TERMS[day],
        "reference_date": day,
        "urn": urn,
        "la_code": "999",
        "upn": upn(number),
        "date_of_birth": BORN,
        "surname": f"Pupil{number}",
        "forename": "Ada",
        "sex": "F",
        "is_on_roll": True,
        "enrolment_status": "C",
        "entry_date": date(2024, 9, 1),
        "sen_provision": "K",
        "carries_details": is_spring,
        "ethnicity": "WENG" if is_spring else None,
        "sen_type_1": "MLD" if is_spring else None,
    } | values


def sessions(of: Mapping[str, Any], period: str = "term", **counts: int) -> list[dict[str, Any]]:
    """Rows of sessions, a code each. Python names no `/`, which is `present` here."""
    about = {"record_id": of["record_id"], "year": of["year"], "term": of["term"], "period": period}
    return [about | {"attendance_code": code.replace("present", "/"), "sessions": n} for code, n in counts.items()]


FIRST = pupil(1, AUTUMN)
KNOWN = pupil(20, AUTUMN)
PUPILS = [
    pupil(1, SPRING, sen_type_1="SLCN", sen_type_2="ASD"),
    pupil(1, SUMMER),
    FIRST,
    pupil(2, AUTUMN),  # joined since spring: no need, no ethnicity
    pupil(3, SPRING),  # on roll in spring, a leaver in autumn
    pupil(3, AUTUMN, is_on_roll=False, sen_provision=None, leaving_date=date(2026, 7, 20)),
    pupil(4, SUMMER),  # gone in autumn, without a record of leaving
    pupil(5, SPRING),  # K then, N now
    pupil(5, AUTUMN, sen_provision="N"),
    pupil(6, AUTUMN, sen_provision="N"),  # nobody here may know this one
    pupil(7, SUMMER, urn="100005"),  # this school's newest return is of summer: it still counts
    pupil(8, AUTUMN, urn="100003", la_code="998"),  # GIAS places the school elsewhere
    pupil(9, AUTUMN, urn="100009"),  # not in GIAS: the return says it is ours
    pupil(10, AUTUMN, upn=None),  # without UPN: shown, and flagged
    pupil(11, AUTUMN, upn="X999", surname="One"),  # two children with one placeholder
    pupil(11, AUTUMN, urn="100002", upn="X999", surname="Two"),
    pupil(12, AUTUMN, enrolment_status="M"),  # dual: one row, both phases
    pupil(12, AUTUMN, urn="100004", enrolment_status="S"),
    pupil(13, AUTUMN, enrolment_status="G"),  # a guest is on no roll of a list
    KNOWN,  # One has the pupil on a roll, and says N
    pupil(21, AUTUMN),  # One knows the pupil, who left there: the census speaks
    pupil(22, AUTUMN, sen_provision="E"),  # has a plan
    pupil(30, date(2026, 10, 1), urn="100002", reference_date=date(2026, 11, 17)),  # after D
]  # fmt: skip
RAW: dict[str, list[dict[str, Any]]] = {
    "census.pupils": PUPILS,
    "census.sessions": [
        *sessions(FIRST, POSSIBLE=100, present=60, I=10, U=5, D=20),  # from Easter: outside the six months
        *sessions(FIRST, "summer half term 2", POSSIBLE=60, present=48, I=9, O=3),
        *sessions(pupil(2, AUTUMN), "summer half term 2", POSSIBLE=50, AUTHORISED=4, UNAUTHORISED=1),
        *sessions(pupil(12, AUTUMN), "summer half term 2", POSSIBLE=40, AUTHORISED=9, UNAUTHORISED=9, I=4),
        *sessions(KNOWN, "summer half term 2", POSSIBLE=60, I=60),
        *sessions(pupil(6, AUTUMN), "summer half term 2", POSSIBLE=60, I=60),
    ],
    "census.exclusions": [
        {"exclusion_id": "a", "record_id": FIRST["record_id"], "category": "SUSP", "start_date": date(2026, 6, 1)},
        {"exclusion_id": "b", "record_id": FIRST["record_id"], "category": "FIXD", "start_date": date(2026, 5, 17)},
        {"exclusion_id": "c", "record_id": FIRST["record_id"], "category": "SUSP", "start_date": date(2026, 5, 16)},
        {"exclusion_id": "d", "record_id": FIRST["record_id"], "category": "LNCH", "start_date": date(2026, 6, 2)},
        {"exclusion_id": "e", "record_id": FIRST["record_id"], "category": "PERM", "start_date": date(2026, 7, 2)},
        {"exclusion_id": "f", "record_id": FIRST["record_id"], "category": "SUSP", "start_date": date(2026, 6, 1)},
        {"exclusion_id": "g", "record_id": KNOWN["record_id"], "category": "SUSP", "start_date": date(2026, 6, 1)},
    ],
    "dfe.pupil_premium": [
        {"upn": upn(1).lower(), "pupil_premium": True},
        {"upn": upn(2), "pupil_premium": False},
        {"upn": upn(21), "pupil_premium": False},
    ],
    "gias.establishments": [
        {"urn": urn, "la_code": la, "establishment_name": urn, "type_code": kind, "phase_code": phase}
        for urn, la, kind, phase in [
            ("100001", "999", "1", "2"),
            ("100002", "999", "1", "2"),
            ("100003", "998", "1", "2"),
            ("100004", "999", "14", "0"),
            ("100005", "999", "1", "2"),
        ]
    ],
    "capita_one.students": [
        {"student_id": "20", "upn": upn(20), "date_of_birth": BORN, "sex": "M", "ethnicity": "WIRI"},
        {"student_id": "21", "upn": upn(21), "date_of_birth": BORN, "pupil_premium": True},
        {"student_id": "22", "upn": upn(22), "date_of_birth": BORN},
        {"student_id": "23", "upn": upn(23), "date_of_birth": BORN, "disability": False},
    ],
    "capita_one.enrolments": [
        {"student_id": "20", "urn": "100001", "enrolment_status": "C", "entry_date": date(2024, 9, 1)},
        {"student_id": "21", "urn": "100001", "enrolment_status": "C", "entry_date": date(2020, 9, 1),
         "leaving_date": date(2024, 7, 1)},
        {"student_id": "23", "urn": "100001", "enrolment_status": "C", "entry_date": date(2024, 9, 1)},
    ],
    "capita_one.sen_provision": [
        {"student_id": "20", "sen_provision": "N", "start_date": date(2024, 9, 1)},
        {"student_id": "23", "sen_provision": "K", "start_date": date(2024, 9, 1)},
    ],
    "capita_one.ehc_plans": [{"plan_id": "P22", "student_id": "22", "initial_plan_date": date(2024, 1, 1)}],
    "ilacs.involvements": [
        {"record_id": "C1 6", "child_id": "C1", "list_no": 6, "upn": upn(1), "date_of_birth": BORN, "status": "CIN",
         "team": "North", "start_date": date(2026, 1, 1), "disability": True},
        {"record_id": "C1 8", "child_id": "C1", "list_no": 8, "upn": upn(1), "date_of_birth": BORN, "status": "CLA",
         "team": "West", "start_date": date(2026, 2, 1), "end_date": date(2026, 9, 1)},
        {"record_id": "C2 6", "child_id": "C2", "list_no": 6, "upn": upn(2), "date_of_birth": BORN, "status": "CIN",
         "start_date": date(2025, 1, 1), "end_date": date(2025, 2, 1), "disability": False},
        {"record_id": "C23 6", "child_id": "C23", "list_no": 6, "upn": upn(23), "date_of_birth": BORN, "status": "CIN",
         "start_date": date(2025, 1, 1), "disability": True},
        {"record_id": "C99 6", "child_id": "C99", "list_no": 6, "date_of_birth": BORN, "status": "CIN",
         "start_date": date(2025, 1, 1)},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = make_raw(
        tmp_path_factory.mktemp("national") / "warehouse.duckdb",
        RAW,
        never_received=["social_care.involvements", "capita_one.attendance"],
    )
    result = dbt(path, "build", "--exclude-resource-type", "unit_test")
    assert not result.troubles
    return path


@pytest.fixture(scope="module")
def list_2(built: Path) -> dict[str, dict[str, Any]]:
    rows = read(built, "SELECT * FROM annex_a.rpt_annex_a__list_2")
    return {row["unique_id"]: row for row in rows}


def census(number: int) -> str:
    return f"CENSUS-{upn(number)}"


def test_pupils_who_never_reached_capita_one_are_on_list_2(list_2: dict[str, dict[str, Any]]) -> None:
    nameless = [name for name in list_2 if name.startswith("CENSUS-NO-UPN-")]
    placeholders = [name for name in list_2 if name.startswith("CENSUS-X999-")]
    known = {census(number) for number in (1, 2, 7, 9, 12)}
    assert (len(nameless), len(placeholders)) == (1, 2)
    assert set(list_2) == known | {"21", "23", *nameless, *placeholders}


def test_needs_and_ethnicity_are_carried_on_from_spring(list_2: dict[str, dict[str, Any]]) -> None:
    assert [list_2[census(1)][name] for name in ("primary_need", "ethnicity")] == ["SLCN", "WBRI"]
    assert [list_2[census(2)][name] for name in ("primary_need", "ethnicity")] == [None, "UNKNOWN"]


def test_a_dual_registration_is_one_row_with_both_phases(list_2: dict[str, dict[str, Any]]) -> None:
    row = list_2[census(12)]
    assert (row["main_urn"], row["main_phase"], row["subsidiary_phase"]) == (
        "100001",
        "Primary",
        "Pupil referral unit/Alternative provision",
    )


def test_attendance_is_added_up_from_codes_or_from_the_totals_of_old(list_2: dict[str, dict[str, Any]]) -> None:
    absence = {number: list_2[census(number)]["absence_pct"] for number in (1, 2, 7, 12)}
    assert {number: None if pct is None else float(pct) for number, pct in absence.items()} == {
        1: 20.0,
        2: 10.0,
        7: None,
        12: 10.0,
    }


def test_lunchtime_is_neither_and_what_two_returns_tell_counts_once(list_2: dict[str, dict[str, Any]]) -> None:
    counts = ("suspension_count", "permanent_exclusion_count")
    assert [list_2[census(1)][name] for name in counts] == [2, 1]
    assert [list_2[census(2)][name] for name in counts] == [0, 0]


def test_pupil_premium_comes_from_its_own_list_and_one_wins(list_2: dict[str, dict[str, Any]]) -> None:
    premium = {name: list_2[name]["pupil_premium"] for name in (census(1), census(2), census(7), "21")}
    assert premium == {census(1): "Yes", census(2): "No", census(7): None, "21": "Yes"}


def test_ilacs_says_who_is_known_and_disabled(list_2: dict[str, dict[str, Any]]) -> None:
    held = {
        name: [list_2[name][column] for column in ("known_to_social_care", "social_care_team", "disability")]
        for name in (census(1), census(2), census(7), "23")
    }
    assert held == {
        census(1): ["Yes", "North", "Yes"],
        census(2): ["No", None, "No"],
        census(7): ["No", None, "Unknown"],
        "23": ["Yes", None, "No"],  # disability: Capita One is first
    }


def test_of_one_child_one_system_speaks_and_no_stranger_comes_in(built: Path) -> None:
    people = read(built, "SELECT person_id FROM core.dim_person")
    assert not {census(6), census(20), census(30)} & {row["person_id"] for row in people}
    spoken = read(built, "SELECT source_system FROM core.fct_enrolment WHERE person_id = '20'")
    assert [row["source_system"] for row in spoken] == ["capita_one"]
    held = read(built, "SELECT count(*) AS n FROM core.fct_exclusion WHERE person_id = '20'")
    assert held == [{"n": 0}]


def test_a_k_that_capita_one_does_not_have_is_told_as_perhaps_missing(built: Path) -> None:
    told = read(built, "SELECT unique_id, feed, reason FROM quality.quality_perhaps_missing WHERE feed LIKE 'census%'")
    assert ("20", "census.pupils") in {(row["unique_id"], row["feed"]) for row in told}
