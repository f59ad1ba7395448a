"""COLLECT's tables and the ILACS workbook, as small files, through the sources and SELECTs that ship."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from extract.inbox import names
from extract.own import prepare, source
from send_ready import settings

SHIPPED = settings.load({})
Rows = Sequence[Mapping[str, Any]]


@pytest.mark.parametrize(
    ("name", "taken_by", "day"),
    [
        ("2026_spring_pupilonroll", "census_on_roll", date(2026, 1, 15)),
        ("2026_autumn_academies_pupilnolongeronroll", "census_leavers", date(2026, 10, 1)),
        ("summer_2025_termlyexclusionsonroll", "census_excluded", date(2025, 5, 15)),
        ("2026_autumn_summerhalfterm2sessiondetailsoffroll", "census_attendance", date(2026, 10, 1)),
        ("2026_spring_schoolarrangedapdetailonroll", "census_placements", date(2026, 1, 15)),
        ("schoolcensus", "census_schools", None),
        ("annex_a_2026_nov", "ilacs_annex_a", date(2026, 11, 1)),
        ("ilacs_list_6_20261116", "ilacs_annex_a", date(2026, 11, 16)),
        ("social_care_id_map_20261116", "ilacs_bridge", date(2026, 11, 16)),
    ],
)
def test_a_file_is_of_one_source_and_of_its_terms_census_day(name: str, taken_by: str, day: date | None) -> None:
    found = {each.feed: named for each in source.load_all(SHIPPED) if (named := each.named(name, ".csv"))}
    assert list(found) == [taken_by]
    assert found[taken_by].date == day


def test_no_source_that_ships_takes_the_files_of_another() -> None:
    every = source.load_all(SHIPPED)
    for each in every:
        others = [other for other in every if other.feed != each.feed]
        source.check_alone(each, others, source.SHIPPED / f"{each.feed}.yml")


def test_a_word_of_a_pattern_that_a_name_lacks_settles_it() -> None:
    assert names.in_pattern("2026_spring_senneeds", "*{date}*pupilonroll*") is None


@pytest.fixture
def prepared(tmp_path: Path) -> Iterator[Any]:
    """What a SELECT that ships gives of tables, each by the names of its files; every value text, as it lands."""

    def run(feed: str, tables: Mapping[str, Mapping[str, Rows]]) -> list[dict[str, Any]]:
        preparation = prepare.load(feed, SHIPPED)
        assert preparation
        declared = {name: source.load(name, SHIPPED).columns for name in preparation.sources}
        paths: dict[str, list[Path]] = {}
        for table, files in tables.items():
            for file, rows in files.items():
                path = tmp_path / f"{table}_{len(paths.get(table, ()))}.csv"
                about = {"_file": file, "_sheet": "", "_data_date": "2026-11-16"}
                held = [{**row, **about, "_line": line} for line, row in enumerate(rows, start=2)]
                with path.open("w", newline="", encoding="utf-8") as out:
                    writer = csv.DictWriter(out, list(dict.fromkeys(name for row in held for name in row)))
                    writer.writeheader()
                    writer.writerows([{**row, "_sheet": row.get("sheet", "")} for row in held])
                parquet = path.with_suffix(".parquet")
                duckdb.sql(f"COPY (FROM read_csv('{path}', all_varchar = true)) TO '{parquet}' (FORMAT parquet)")
                paths.setdefault(table, []).append(parquet)
        found = prepare.run(preparation, paths, tmp_path / "prepare", columns=declared)
        cells = ", ".join(f'c{at} AS "{name}"' for at, name in enumerate(found.columns))
        result = duckdb.sql(f"SELECT {cells}, _file, _line FROM read_parquet('{found.path}') ORDER BY ALL")
        return [dict(zip(result.columns, row, strict=True)) for row in result.fetchall()]

    yield run


SCHOOL = {"schoolcensustableid": "1.0", "referencedate": "2026-Jan-15 00:00:00", "term": "Spring", "year": "2026.0",
          "lea": "999", "estab": "2001", "urn": "100001.0"}  # fmt: skip
PUPIL = {"pupilonrolltableid": "7.0", "schoolcensustableid": "1", "upn": "H999200006001", "dob": "2015-Mar-01 00:00:00",
         "enrolstatus": "C", "senprovision": "K", "entrydate": "2024-Sep-01 00:00:00"}  # fmt: skip
NEED = {"pupilonrolltableid": "7", "sentyperank": "1.0", "sentype": "SLCN"}


def test_a_pupil_finds_school_need_and_postcode_in_the_files_of_the_same_set(prepared: Any) -> None:
    """Ids as whole numbers or not; the academies' files count their ids from 1 as well."""
    (row,) = prepared(
        "census__pupils",
        {
            "census_schools": {
                "2026_spring_schoolcensus.csv": [SCHOOL],
                "2026_spring_academies_schoolcensus.csv": [{**SCHOOL, "urn": "100002", "estab": "4001"}],
            },
            "census_on_roll": {"2026_spring_pupilonroll.csv": [PUPIL]},
            "census_needs": {"2026_spring_senneeds.csv": [NEED], "2026_spring_academies_senneeds.csv": [
                {**NEED, "sentype": "HI"}]},
            "census_addresses": {"2026_spring_addresses.csv": [{"pupilonrolltableid": "7", "postcode": "ZZ1 1ZZ"}]},
        },
    )  # fmt: skip
    wanted = {"URN": "100001", "Reference Date": "2026-01-15", "Term": "spring", "Year": "2026", "SEN Type 1": "SLCN",
              "Postcode": "ZZ1 1ZZ", "DOB": "2015-03-01", "Carries Needs And Ethnicity": "true", "On Roll": "true",
              "_file": "2026_spring_pupilonroll.csv", "_line": 2}  # fmt: skip
    assert {name: row[name] for name in wanted} == wanted


def test_a_pupil_without_a_school_is_kept_without_a_roll(prepared: Any) -> None:
    (row,) = prepared("census__pupils", {"census_on_roll": {"2026_spring_pupilonroll.csv": [PUPIL]}})
    assert (row["UPN"], row["URN"], row["Reference Date"]) == (PUPIL["upn"], "", "2026-11-16")


def test_sessions_are_told_by_code_and_by_the_totals_of_old(prepared: Any) -> None:
    rows = prepared(
        "census__sessions",
        {
            "census_schools": {"2026_spring_schoolcensus.csv": [SCHOOL]},
            "census_on_roll": {"2026_spring_pupilonroll.csv": [
                {**PUPIL, "termlysessionspossible": "132.0", "termlysessionsauthorised": "4.0"}]},
            "census_attendance": {"2026_spring_termlysessiondetailsonroll.csv": [
                {"pupilonrolltableid": "7", "attendancereason": "I", "sessions": "3.0"},
                {"pupilonrolltableid": "7", "attendancereason": "I", "sessions": "2"}]},
        },
    )  # fmt: skip
    found = {row["Attendance Code"]: row["Sessions"] for row in rows}
    assert found == {"I": "5", "possible": "132", "authorised": "4"}


def test_ilacs_headings_are_found_by_what_they_say_and_a_diagnosis_is_a_yes(prepared: Any) -> None:
    head = {"Date of Birth": "01/03/2015", "Language": "English", "Allocated Team": "North"}
    start = {"CIN Start Date": "02/01/2026", "sheet": "List 6"}
    rows = prepared(
        "ilacs__involvements",
        {
            "ilacs_annex_a": {"annex_a.xlsx": [
                {"Identifier of the Child": "1", **head, "Does the Child have a Disability": "AUTISM", **start},
                {"Identifier of the Child": "2", **head, "Does the Child have a Disability": "b) No", **start},
                {"Identifier of the Child": "3", **head, "Does the Child have a Disability": "c) Unknown", **start},
                {"Identifier of the Child": "4", **head, "sheet": "List 9"},
                {"Identifier of the Child": "5", **head, "sheet": "List 3"},
            ]},
            "ilacs_bridge": {"map.csv": [
                {"Person ID": "1", "UPN": "A"}, {"Person ID": "2", "UPN": "B"}, {"Person ID": "2", "UPN": "C"}]},
        },
    )  # fmt: skip
    held = [[row[name] for name in ("Child Unique ID", "Status", "Start Date", "Disability", "UPN")] for row in rows]
    assert sorted(held) == [
        ["1", "CIN", "2026-01-02", "Yes", "A"],
        ["2", "CIN", "2026-01-02", "No", ""],  # an id of two children is nobody's
        ["3", "CIN", "2026-01-02", "", ""],
        ["4", "CL", "2026-11-16", "", ""],
    ]
