"""Whoever a slip keeps off a list is said: a small council of slips, each of its own kind, as far as the warehouse."""

import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest

from tests.golden.pipeline import Pipeline

SLIPS = Path(__file__).resolve().parents[1] / "golden" / "council" / "2026-03-31"
DAY = date(2026, 3, 31)
CHILDREN = 12  # 6001 to 6012
ADDED = {
    "capita_one_students": "\n".join(
        f"60{at:02},,,,Tree,No {at},{at:02}/05/2014,M,WBRI,ZZ1 1B{chr(64 + at)},999,N,N,"
        f"{'01/03/2026' if at == 7 else ''},01/03/2026"
        for at in range(1, CHILDREN + 1)
    )
    + "\n,,,,Tree,No id,12/05/2014,M,WBRI,ZZ1 1BI,999,N,N,,01/03/2026",
    "capita_one_enrolments": "6003,100001,C,6,01/09/2025,\n6004,100001,ZZ,6,01/09/2025,\n6005,199999,C,6,01/09/2025,\n"
    "6010,100001,C,6,soon,\n6012,100001,C,6,01/09/2025,01/03/2026",
    "capita_one_ehc_plans": ",6008,,01/02/2025,,,,,\nPL6001,,,01/02/2025,,,,,\nPL6007,6007,,01/02/2025,,,,,\n"
    "PL6009,6009,,01/02/2062,,,,,\nPL6011,6011,,01/02/2025,Oak, Ash,x,y,z,1,2,3\n,6002,,01/02/2024,,01/02/2025,1,,",
    "capita_one_sen_provision": "6003,SEN sup,01/09/2025,\n6004,K,01/09/2025,\n6005,K,01/09/2025,\n6006,K,01/09/2025,\n"
    "6010,K,01/09/2025,\n6011,K,13/13/2025,\n6012,K,01/09/2025,\n6001,E,01/09/2025,\n6002,N,13/13/2025,",
    "ehc_hub_cases": "H7001,,Ann,Reed,2019-06-01,Female,,,2024-10-01,,Agreed,2024-11-01,,,2025-02-01,next week,,,,,,\n"
    "H7002,,Bob,Reed,2019-06-02,Male,ZZ3 1AB,,2024-10-01,,Agreed,2024-11-01,,Agreed,2025-02-01,,2025-06-01,,,,,\n"
    ",,Dee,Reed,2019-06-04,Male,ZZ3 1AC,,2024-10-01,,Agreed,2024-11-01,,Agreed,2025-02-01,2025-03-01,,,,,,",
}
EXPECTED = {
    ("List 1", "capita_one.ehc_plans", None, "student_id=6008"),  # no Plan ID
    ("List 1", "capita_one.ehc_plans", None, "plan_id=PL6011; student_id=6011"),  # the line does not fit
    ("List 1", "capita_one.ehc_plans", None, "plan_id=PL6001"),  # no Student ID
    ("List 1", "capita_one.ehc_plans", "6009", "plan_id=PL6009"),  # dated after the list
    ("List 1", "capita_one.sen_provision", "6001", "student_id=6001"),  # provision E, no plan
    ("List 1", "capita_one.students", "6007", "student_id=6007"),  # recorded as dead
    ("List 1", "ehc_hub.cases", None, None),  # no reference
    ("List 1", "ehc_hub.cases", "HUB-H7001", "case_reference=H7001"),  # a date that cannot be read, no agreement
    ("List 1", "ehc_hub.cases", "HUB-H7002", "case_reference=H7002"),  # amended, never issued
    ("List 1 or 2", "capita_one.students", None, None),  # no Student ID
    ("List 2", "capita_one.enrolments", None, "student_id=6010"),  # an entry date that cannot be read
    ("List 2", "capita_one.enrolments", "6010", "student_id=6010"),  # and so no enrolment
    ("List 2", "capita_one.enrolments", "6004", "student_id=6004"),  # an unknown status
    ("List 2", "capita_one.enrolments", "6005", "student_id=6005"),  # an unknown school
    ("List 2", "capita_one.enrolments", "6006", "student_id=6006"),  # never enrolled
    ("List 2", "capita_one.sen_provision", None, "student_id=6011"),  # a start that cannot be read
    ("List 2", "capita_one.sen_provision", "6003", "student_id=6003"),  # an unknown provision
}  # not: 6002, ceased and N; 6012, who left; whoever is on a list


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str, str | None, str | None, str | None]]:
    inbox = tmp_path_factory.mktemp("inbox")
    for path in SLIPS.glob("*_20*.csv"):
        shutil.copy(path, inbox)
    shutil.copy(SLIPS / "edubasealldata20260301.csv", inbox)
    for feed, lines in ADDED.items():
        with open(inbox / f"{feed}_20260331.csv", "a", encoding="cp1252", newline="") as file:
            file.write(lines.replace("\n", "\r\n") + "\r\n")
    warehouse = Pipeline(tmp_path_factory.mktemp("home"), inbox, DAY).build()
    with duckdb.connect(str(warehouse), read_only=True) as con:
        return con.execute(
            "SELECT list_name, feed, unique_id, record_id, file_name FROM quality.quality_perhaps_missing"
        ).fetchall()


def test_each_slip_that_may_keep_a_child_off_a_list_is_told_and_nothing_else(
    found: list[tuple[str, str, str | None, str | None, str | None]],
) -> None:
    told = {row[:4] for row in found}
    assert {"not told": EXPECTED - told, "not expected": told - EXPECTED} == {"not told": set(), "not expected": set()}
    assert len(found) == len(EXPECTED)


def test_what_was_set_aside_names_its_file(
    found: list[tuple[str, str, str | None, str | None, str | None]],
) -> None:
    of_files = {(feed, file_name) for _, feed, unique_id, _, file_name in found if file_name}
    assert ("capita_one.ehc_plans", "capita_one_ehc_plans_20260331.csv") in of_files
    assert len(of_files) == 5
