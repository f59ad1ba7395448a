"""The statutory columns and codes, and the crosswalks into them."""

import csv
import re
import shutil
from datetime import date
from pathlib import Path

import pytest

from tests.dbt.harness import PROJECT, build, contracts, dbt, make_raw, read

SPEC = PROJECT / "seeds" / "spec"
CROSSWALKS = sorted((PROJECT / "seeds" / "xwalk").glob("*.csv"))
# Standard codes of each crosswalk, as feeds.md of the sources and the DfE list them.
CODES = {
    "xwalk_action_status": {"not_started", "in_progress", "complete", "on_hold", "cancelled"},
    "xwalk_advice_type": {"Education", "Health", "Educational Psychology", "Social Care", "Parent", "Other"},
    "xwalk_assessment_type": {"INI", "MID", "AOL", "OVR"},
    "xwalk_cease_reason": set("123456789"),
    "xwalk_direct_payment": set(),
    "xwalk_enrolment_status": set("CMSFOG"),
    "xwalk_exclusion_category": {"SUSP", "PERM"},
    "xwalk_exclusion_reason": {
        "PP",
        "PA",
        "VP",
        "VA",
        "OW",
        "BU",
        "RA",
        "LG",
        "DS",
        "SM",
        "DA",
        "DM",
        "TH",
        "DB",
        "MT",
        "PH",
    },
    "xwalk_hub_decision": {"Y", "N"},
    "xwalk_inactive_reason": {"REF", "MOV", "AWI"},
    "xwalk_period_type": {
        "month",
        "quarter",
        "rolling_12_months",
        "academic_year_to_date",
        "academic_year",
        "financial_year",
        "calendar_year",
        "point",
    },
    "xwalk_request_source": set("12345"),
    "xwalk_residential": {"A", "B"},
    "xwalk_review_outcome": set("MAC"),
    "xwalk_sen_provision": set("EKN"),
    "xwalk_setting_type": {"OLA", "OPA", "EHE", "EYP", "OTH", "NEET", "NIEC", "NIEO"},
    "xwalk_sex": set("MFU"),
    "xwalk_social_care_status": {"CLA", "CPP", "CIN", "CL", "EH"},
    "xwalk_work_based_learning": set(),
    "xwalk_upn_unknown_reason": {f"UN{number}" for number in range(1, 11)},
}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def code_set(name: str) -> set[str]:
    return {row["value"] for row in rows(SPEC / "annex_a_codes.csv") if row["code_set"] == name}


@pytest.mark.parametrize("path", CROSSWALKS, ids=lambda path: path.stem)
def test_a_crosswalk_leads_to_all_standard_codes_and_to_no_other(path: Path) -> None:
    statutory = {"xwalk_ethnicity": code_set("ethnicity"), "xwalk_sen_type": code_set("primary_need")}
    codes = {row["code"] for row in rows(path)} - {""}
    assert codes == (CODES | statutory)[path.stem]


@pytest.mark.parametrize("path", CROSSWALKS, ids=lambda path: path.stem)
def test_a_standard_code_stands_for_itself(path: Path) -> None:
    assert {row["code"] for row in rows(path)} - {""} <= {
        row["local_value"] for row in rows(path) if row["local_value"].lower() == row["code"].lower()
    } | ({"Y", "N"} if path.stem == "xwalk_hub_decision" else set())


def test_extended_ethnicity_codes_roll_up_to_the_main_code() -> None:
    codes = {row["local_value"]: row["code"] for row in rows(PROJECT / "seeds" / "xwalk" / "xwalk_ethnicity.csv")}
    extended = {value for value in codes if len(value) == 4 and value.isupper()} - set(codes.values())
    assert len(extended) > 80
    for value, code in {"WENG": "WBRI", "WEEU": "WOTH", "AKPA": "APKN", "CHKC": "CHNE", "ORAB": "OOTH"}.items():
        assert codes[value] == code


def test_the_lists_have_21_and_17_columns_and_list_2_lacks_four_of_list_1() -> None:
    columns = rows(SPEC / "annex_a_columns.csv")
    list_1 = [row["column_name"] for row in columns if row["list_name"] == "List 1"]
    list_2 = [row["column_name"] for row in columns if row["list_name"] == "List 2"]
    assert (len(list_1), len(list_2)) == (21, 17)
    left_out = {"initial_plan_date", "updated_plan_date", "last_review_date", "elective_home_education"}
    assert list_2 == [column for column in list_1 if column not in left_out]
    headers = {row["column_name"]: row["header"] for row in columns}
    assert headers["main_urn"] == "Main education establishment – URN"
    assert headers["known_to_social_care"] == "Known to children's social care?"


def test_columns_name_code_sets_that_exist() -> None:
    known = {row["code_set"] for row in rows(SPEC / "annex_a_codes.csv")}
    assert {row["code_set"] for row in rows(SPEC / "annex_a_columns.csv")} - {""} == known


def test_letters_follow_the_handbooks_order() -> None:
    for row in rows(SPEC / "annex_a_codes.csv"):
        letter = "" if row["value"] == "DS" else f"{'abcdefghijklmnopqrstuvwxyz'[int(row['sort_order']) - 1]}) "
        assert row["lettered"] == letter + row["value"]


def test_gias_leads_to_every_phase_and_to_no_other() -> None:
    assert {row["annex_a_phase"] for row in rows(SPEC / "gias_phase.csv")} == code_set("phase")


def test_survivorship_names_systems_that_hold_the_fact() -> None:
    """Capita One first, and social care of its own facts; the census after both."""
    for row in rows(SPEC / "survivorship.csv"):
        assert row["first_source"] == ("social_care" if row["fact"] == "social_care" else "capita_one")
        assert {row["second_source"], row["third_source"]} <= {"ehc_hub", "census", "dfe", "ilacs", ""}


def test_every_coded_column_of_the_feeds_is_looked_up() -> None:
    """A `code` column that no crosswalk reads would reach the lists as the export spells it."""
    for feed, contract in contracts().items():
        sql = (PROJECT / "models" / "staging" / f"stg_{feed.replace('.', '__')}.sql").read_text(encoding="utf-8")
        for name, column in contract["columns"].items():
            looked_up = re.search(rf"code_columns\([^)]*'{name}'\)", sql) is not None
            assert (column["type"] == "code") == looked_up, f"{feed}.{name}"


def test_a_councils_seeds_are_read_from_its_own_folder_and_left_alone(tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    shutil.copytree(PROJECT / "seeds", seeds)
    own = seeds / "xwalk" / "xwalk_sex.csv"
    own.write_text('local_value,code\nXX,F\n"07",\n', encoding="utf-8")
    before = {path: path.read_bytes() for path in sorted(seeds.rglob("*")) if path.is_file()}
    warehouse = make_raw(
        tmp_path / "warehouse.duckdb",
        {
            "capita_one.students": [
                {"student_id": "1", "sex": "xx"},
                {"student_id": "2", "sex": "07"},
                {"student_id": "3", "sex": "M"},
            ]
        },
    )

    result = dbt(warehouse, "build", "--select", "+stg_capita_one__students", seeds=str(seeds))

    assert not result.troubles
    found = read(warehouse, "select sex_code, is_sex_unmapped from stg.stg_capita_one__students order by student_id")
    assert [tuple(row.values()) for row in found] == [("F", False), (None, False), (None, True)]
    assert {path: path.read_bytes() for path in sorted(seeds.rglob("*")) if path.is_file()} == before


@pytest.mark.parametrize(
    ("as_at", "expected"),
    [
        (date(2025, 3, 14), ["A", "A", "B", "A", None]),  # the due day of the survey of 2025
        (date(2025, 3, 15), ["A", "B", "B", None, None]),
        (date(2031, 1, 1), ["A", "B", "B", None, None]),
    ],
)
def test_weeks_of_a_residential_placement_have_the_code_of_the_survey_year(
    as_at: date, expected: list[str | None], tmp_path: Path
) -> None:
    """Of 2025 A is 38 to 51 weeks and B 52; since 2026 A is up to 38 and B 39 to 52. A letter stays what it is."""
    values = ["A", "44 Weeks", "52 weeks", "38 to 51 weeks", "44"]
    rows = [{"plan_id": str(at), "residential": value} for at, value in enumerate(values)]
    placed = [{"placement_id": row["plan_id"], "residential": row["residential"]} for row in rows]
    raw = make_raw(tmp_path / "warehouse.duckdb", {"capita_one.ehc_plans": rows, "capita_one.placements": placed})
    build(raw, as_at=as_at)
    for model, key in (("ehc_plans", "plan_id"), ("placements", "placement_id")):
        found = read(
            raw, f"select residential_code, is_residential_unmapped from stg.stg_capita_one__{model} order by {key}"
        )
        assert [row["residential_code"] for row in found] == expected
        assert [row["is_residential_unmapped"] for row in found] == [code is None for code in expected]


def test_two_codes_for_one_value_stop_the_build(tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    shutil.copytree(PROJECT / "seeds", seeds)
    (seeds / "xwalk" / "xwalk_sex.csv").write_text("local_value,code\nM,M\n m ,F\n", encoding="utf-8")
    warehouse = make_raw(tmp_path / "warehouse.duckdb")

    result = dbt(warehouse, "build", "--select", "resource_type:seed", "one_code_a_value", seeds=str(seeds))

    assert list(result.troubles) == ["test.send_ready.one_code_a_value"]
