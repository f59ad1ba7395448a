"""Records that name their student by UPN or by another system's key, and their school by its DfE number."""

from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sample.identity import upn_letters
from send_ready import database
from tests.dbt.harness import Row, build, make_raw, read

BODIES = np.array([f"999200020{serial:03}" for serial in range(1, 7)], dtype=object)
ONE, TWO, FORMER, SHARED, UNKNOWN, BRIDGED = map("".join, zip(upn_letters(BODIES), BODIES, strict=True))
WRONG = ("B" if ONE[0] != "B" else "C") + ONE[1:]  # its check letter is


def key(upn: str) -> str:
    return "UPN-" + sha256(upn.encode()).hexdigest()[:16]


def support(upn: str = "", other_id: str = "", **more: Any) -> Row:
    named = key(upn) if upn else other_id
    return {"student_id": named, "upn": upn or None, "sen_provision": "K", "start_date": date(2024, 9, 1), **more}


DAY = date(2024, 9, 1)
MARKS: list[Row] = [
    {
        "student_id": key(ONE),
        "urn": "DFE-2034",
        "week_commencing": date(2026, 9, 1),
        "period_end": date(2026, 10, 23),
        "attendance_code": mark,
        "sessions": sessions,
    }
    for mark, sessions in (("/", 20), ("\\", 20), ("i", 6), ("O", 44), ("#", 9), ("%", 5))
]
MARKS += [
    {
        "student_id": "S2",
        "week_commencing": date(2026, 9, 7),
        "period_end": date(2026, 9, 11),
        "attendance_code": "O",
        "sessions": 10,
    }
]
ROWS: dict[str, list[Row]] = {
    "capita_one.students": [
        {"student_id": "S1", "upn": ONE.lower() + " ", "date_of_birth": date(2014, 1, 1), "home_la": "Camden Council"},
        {"student_id": "S2", "upn": TWO, "former_upn": FORMER, "date_of_birth": date(2014, 1, 2), "home_la": "999"},
        {"student_id": "S3", "upn": SHARED, "date_of_birth": date(2014, 1, 3), "home_la": "Atlantis"},
        {"student_id": "S4", "upn": SHARED, "former_upn": ONE, "date_of_birth": date(2014, 1, 4)},
        {"student_id": "S5", "upn": WRONG, "date_of_birth": date(2014, 1, 5)},
    ],
    "capita_one.sen_provision": [
        support(ONE),
        support(FORMER),
        support(TWO),  # the same child, start and provision: one record
        support(SHARED),
        support(WRONG),
        support(UNKNOWN),
        support(other_id="KEY-SYNERGY-7", start_date=date(2020, 1, 1)),
        support(other_id="KEY-SYNERGY-8"),
        support(other_id="KEY-SYNERGY-9"),
        support(other_id="KEY-SYNERGY-404"),
    ],
    "local.person_bridge": [
        {"system": "Synergy", "other_id": "7", "student_id": "S1"},
        {"system": "synergy ", "other_id": "7", "upn": ONE},
        {"system": "Synergy", "other_id": "8", "student_id": "S1"},
        {"system": "Synergy", "other_id": "8", "student_id": "S2"},
        {"system": "Synergy", "other_id": "9", "upn": BRIDGED},
        {"system": "social_care", "other_id": "P2", "upn": TWO},
    ],
    "social_care.involvements": [
        {"person_id": "P1", "student_id": "S1", "status": "Child in need", "start_date": DAY},
        {"person_id": "P2", "status": "Child in need", "start_date": DAY},
        {"person_id": "P3", "status": "Child in need", "start_date": DAY},
    ],
    "gias.establishments": [
        {"urn": "100001", "la_code": "999", "establishment_number": "2034", "type_code": "1", "phase_code": "2",
         "status_code": "2", "close_date": date(2020, 8, 31), "open_date": date(1990, 9, 1)},
        {"urn": "100002", "la_code": "999", "establishment_number": "2034", "type_code": "34", "phase_code": "2",
         "status_code": "1", "open_date": date(2020, 9, 1)},
        {"urn": "100003", "la_code": "999", "establishment_number": "2034", "type_code": "34", "phase_code": "2",
         "status_code": "4"},
        {"urn": "100004", "la_code": "202", "establishment_number": "34", "type_code": "1", "phase_code": "2",
         "status_code": "1"},
    ],
    "capita_one.enrolments": [
        {"student_id": key(ONE), "urn": "DFE-9992034", "enrolment_status": "C", "entry_date": DAY},
        {"student_id": key(TWO), "urn": "DFE-2034", "enrolment_status": "C", "entry_date": DAY},
        {"student_id": "S3", "urn": "DFE-2020034", "enrolment_status": "C", "entry_date": DAY},
        {"student_id": "S4", "urn": "DFE-9999999", "enrolment_status": "C", "entry_date": DAY},
        {"student_id": "S5", "urn": "100002", "enrolment_status": "C", "entry_date": DAY},
    ],
    "capita_one.ehc_plans": [
        {"plan_id": "P1", "student_id": "S4", "involvement_id": "I1", "initial_plan_date": date(2021, 1, 1),
         "cease_date": date(2022, 1, 1)},
        {"plan_id": "P2", "student_id": "S4", "initial_plan_date": date(2023, 1, 1), "named_urn": "DFE-9992034"},
    ],
    "capita_one.annual_reviews": [
        {"review_id": "R1", "plan_id": "P1", "meeting_date": date(2021, 12, 1)},
        {"review_id": "R2", "student_id": "S4", "meeting_date": date(2024, 1, 1)},
        {"review_id": "R3", "involvement_id": "I1", "meeting_date": date(2021, 12, 2)},
        {"review_id": "R4", "student_id": key("A"), "upn": "A", "meeting_date": date(2024, 1, 1)},
    ],
    "capita_one.attendance": MARKS,
}  # fmt: skip


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = make_raw(tmp_path_factory.mktemp("naming") / "warehouse.duckdb", ROWS)
    with database.writer(path) as con:
        con.execute("INSERT INTO raw.councils VALUES ('202', 'Camden'), ('201', 'City of London')")
    return build(path, is_generous=True)


def values(path: Path, query: str) -> list[Any]:
    return [tuple(row.values()) for row in read(path, query)]


def test_a_upn_names_who_alone_has_it_now_or_else_had_it(warehouse: Path) -> None:
    found = values(warehouse, "SELECT student_id, start_date FROM core.fct_sen_provision ORDER BY 1, 2")
    assert found == sorted([
        ("S1", DAY), ("S2", DAY), ("S1", date(2020, 1, 1)), (key(SHARED), DAY), (key(WRONG), DAY), (key(UNKNOWN), DAY),
        ("KEY-SYNERGY-8", DAY), (key(BRIDGED), DAY), ("KEY-SYNERGY-404", DAY),
    ])  # fmt: skip


def test_whom_no_student_file_holds_is_on_list_2_with_what_the_record_says(warehouse: Path) -> None:
    found = values(warehouse, "SELECT unique_id, upn, main_urn FROM annex_a.rpt_annex_a__list_2 ORDER BY 1")
    named = {upn: key(upn) for upn in (SHARED, WRONG, UNKNOWN, BRIDGED)}
    assert found == sorted([
        ("S1", ONE.lower() + " ", "100002"), ("S2", TWO, "100002"), ("KEY-SYNERGY-8", None, None),
        ("KEY-SYNERGY-404", None, None), *((name, upn, None) for upn, name in named.items()),
    ])  # fmt: skip
    told = values(warehouse, "SELECT record_id FROM quality.quality_issues WHERE rule = 'O-01'")
    assert {f"student_id={name}" for name in named.values()} <= {record for (record,) in told}


def test_no_upn_stands_outside_of_what_identifies_a_person(warehouse: Path) -> None:
    with database.reader(warehouse) as con:
        tables = con.execute(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema IN ('core', 'kpi')"
        ).fetchall()
        for schema, table in tables:
            rows = str(con.execute(f"SELECT * FROM {schema}.{table}").fetchall())
            assert not any(upn in rows for upn in (ONE, TWO, SHARED, UNKNOWN, BRIDGED)), table


def test_establishments_by_number_are_the_open_one_of_that_number(warehouse: Path) -> None:
    found = values(warehouse, "SELECT student_id, urn FROM core.fct_enrolment ORDER BY 1")
    assert found == [("S1", "100002"), ("S2", "100002"), ("S3", "100004"), ("S4", "DFE-9999999"), ("S5", "100002")]
    assert values(warehouse, "SELECT named_urn FROM core.fct_ehc_plan ORDER BY plan_id") == [(None,), ("100002",)]


def test_reviews_are_of_a_plan_of_a_students_plan_or_of_the_plan_of_an_assessment(warehouse: Path) -> None:
    found = values(warehouse, "SELECT review_id, plan_id, person_id FROM core.fct_annual_review ORDER BY 1")
    assert found == [("R1", "P1", "S4"), ("R2", "P2", "S4"), ("R3", "P1", "S4"), ("R4", None, None)]


def test_marks_are_added_up_by_what_they_mean_and_a_half_term_is_no_week(warehouse: Path) -> None:
    columns = "student_id, urn, sessions_possible_count, authorised_absence_count, unauthorised_absence_count"
    found = values(warehouse, f"SELECT {columns} FROM core.fct_attendance_week ORDER BY 1")
    assert found == [("S1", "100002", 90, 6, 44), ("S2", None, 10, 0, 10)]
    absent = values(
        warehouse, "SELECT unique_id, absence_pct FROM annex_a.rpt_annex_a__list_2 WHERE unique_id < 'T' ORDER BY 1"
    )
    assert [(who, float(pct)) for who, pct in absent if pct is not None] == [("S1", 55.6), ("S2", 100.0)]
    weeks = values(warehouse, "SELECT person_id FROM core.fct_event WHERE event_type = 'severe_absence'")
    assert weeks == [("S2",)]


def test_the_home_authority_may_be_a_name_and_an_unknown_one_is_not_known(warehouse: Path) -> None:
    students = "SELECT student_id, home_la_code FROM core.dim_person WHERE regexp_full_match(student_id, 'S[0-9]')"
    found = values(warehouse, f"{students} ORDER BY 1")
    assert found == [("S1", "202"), ("S2", "999"), ("S3", None), ("S4", None), ("S5", None)]


def test_social_care_names_the_student_itself_or_by_the_bridge(warehouse: Path) -> None:
    records = "SELECT source_id, person_id FROM int.int_person_records__linked WHERE source_system = 'social_care'"
    found = values(warehouse, f"{records} ORDER BY 1")
    assert found == [("P1", "S1"), ("P2", "S2"), ("P3", "SC-P3")]
