"""A night of children out of two districts' workbooks with banners and totals, needs side by side: the same lists.

The council is the one whose lists were worked out by hand; its students and needs come in no feed's layout.
"""

import csv
import json
import shutil
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import xlsxwriter

from tests.golden.pipeline import SHEETS, Pipeline, differences
from tests.golden.test_golden import COUNCIL, HEADERS, expected_list
from tests.nights import AS_AT

DAY = str(AS_AT)
STUDENTS, NEEDS = "capita_one_students_20261116.csv", "capita_one_sen_needs_20261116.csv"
SIDES = 4  # needs side by side, each with its rank and dates
CONFIG = {
    "sources/register.yml": """
title: SEN register of the districts
owner: SEN data officers
file_names: ["SEN register {part} {date}*"]
parts: [north, south]
sheet: Regist*
stale_after_days: 8
""",
    "prepare/capita_one__students.sql": """
SELECT
    "Pupil No" AS "Student ID", "UPN", "Former UPN", "UPN Unknown Reason", "ULN",
    surname_of("Name (SURNAME, Forename)") AS surname, forenames_of("Name (SURNAME, Forename)") AS forename,
    any_date("Born") AS date_of_birth, code_of("Sex", MAP {'girl': 'F', 'boy': 'M'}) AS sex,
    "Ethnicity", "Postcode", "Home LA", "Disability", "Pupil Premium", "Date of Death", "Last Updated",
    _file, _line
FROM register
WHERE "Has a record" = 'Yes'
""",
    "prepare/capita_one__sen_needs.sql": """
SELECT
    "Pupil No" AS student_id,
    side.need AS sen_type, side.rank AS rank, side.first AS start_date, side.last AS end_date, _file, _line
FROM (
    SELECT *, unnest([
        {need: "Need", rank: "Rank", first: "From", last: "To"},
        {need: "Need 2", rank: "Rank 2", first: "From 2", last: "To 2"},
        {need: "Need 3", rank: "Rank 3", first: "From 3", last: "To 3"},
        {need: "Need 4", rank: "Rank 4", first: "From 4", last: "To 4"}
    ]) AS side
    FROM register
)
WHERE side.need <> ''
""",
}


def rows_of(name: str) -> list[dict[str, str]]:
    with open(COUNCIL / DAY / name, encoding="cp1252", newline="") as file:
        return list(csv.DictReader(file))


def register() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """The two districts, each with its rows."""
    needs: dict[str, list[dict[str, str]]] = defaultdict(list)
    for need in rows_of(NEEDS):
        needs[need["Student ID"]].append(need)
    assert max(map(len, needs.values())) <= SIDES
    students = rows_of(STUDENTS)
    known = {student["Student ID"] for student in students}
    students = [{**student, "Has a record": "Yes"} for student in students]
    # Of whom nothing else is known: they have needs, and are no students.
    students += [dict.fromkeys(students[0], "") | {"Student ID": each} for each in needs if each not in known]
    for district, some in (("North", students[::2]), ("South", students[1::2])):
        rows = []
        for student in some:
            own = needs[student["Student ID"]]
            rows.append(student | {f"need {at}": json.dumps(own[at]) for at in range(len(own))})
        yield district, rows


def write(folder: Path) -> None:
    """The workbooks of both districts: a banner, a header with repeated titles, rows, a total and a footer."""
    named = {"Student ID": "Pupil No", "Date of Birth": "Born"}
    kept = [name for name in rows_of(STUDENTS)[0] if name not in ("Surname", "Forename")] + ["Has a record"]
    titles = [named.get(name, name) for name in kept] + ["Name (SURNAME, Forename)"]
    for district, rows in register():
        with xlsxwriter.Workbook(folder / f"SEN register {district} 16-11-2026.xlsx") as book:
            book.add_worksheet("Notes").write_row(0, 0, ["Ask the SEN data officers"])
            sheet = book.add_worksheet("Register")
            sheet.write_row(0, 0, [f"SEN register, {district}"])
            sheet.write_row(1, 0, ["Run on", "16/11/2026"])
            sheet.write_row(3, 0, [*titles, *["Need", "Rank", "From", "To"] * SIDES])
            for at, row in enumerate(rows, start=4):
                sexes = {"F": "Girl", "M": "BOY"}
                said = [sexes.get(row[name], row[name]) if name == "Sex" else row[name] for name in kept]
                said.append(f"{row['Surname'].upper()}, {row['Forename']}" if row["Surname"] or row["Forename"] else "")
                for side in range(SIDES):
                    need = json.loads(row.get(f"need {side}", "{}"))
                    said += [need.get(name, "") for name in ("SEN Type", "Rank", "Start Date", "End Date")]
                sheet.write_row(at, 0, said)
            sheet.write_row(4 + len(rows), 0, ["Total", str(len(rows))])
            sheet.write_row(6 + len(rows), 0, ["End of report"])


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    folder = tmp_path_factory.mktemp("prepared")
    inbox = folder / "inbox"
    shutil.copytree(COUNCIL / DAY, inbox, ignore=shutil.ignore_patterns("*expected*", STUDENTS, NEEDS))
    write(inbox)
    for name, text in CONFIG.items():
        path = folder / "config" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    night = Pipeline(folder / "home", inbox, AS_AT)
    night.environment["SEND_CONFIG"] = str(folder / "config")
    night.night("plain")
    return night


@pytest.mark.parametrize("sheet", SHEETS)
def test_the_lists_are_those_that_were_worked_out_by_hand(prepared: Pipeline, sheet: str) -> None:
    _, *rows = prepared.lists()[sheet]
    assert differences(expected_list(DAY, sheet), rows, HEADERS[sheet]) == []


def test_the_manifest_accounts_for_every_row_of_the_sources(prepared: Pipeline) -> None:
    manifest: dict[str, Any] = json.loads((prepared.out / "manifest.json").read_text())
    (source,) = manifest["sources"]
    rows = sum(len(some) for _, some in register())
    needs = sum(name.startswith("need ") for _, some in register() for row in some for name in row)
    students = len(rows_of(STUDENTS))
    assert (source["rows"], source["rows_set_aside"], source["rows_unused"]) == (rows, 4, 0)
    assert source["parts"] == {"north": DAY, "south": DAY} and source["parts_missing"] == []
    of_feed = {feed["feed"]: feed for feed in manifest["inputs"]}
    for name, count in (("capita_one.students", students), ("capita_one.sen_needs", needs)):
        made = of_feed[name]["prepared"]
        assert (made["rows_in"], made["rows_out"], len(made["files"])) == ({"register": rows}, count, 2)
        assert of_feed[name]["status"] == "fresh"


def test_an_issue_names_the_line_of_the_workbook(prepared: Pipeline) -> None:
    with duckdb.connect(str(prepared.home / "serving" / "warehouse.duckdb"), read_only=True) as con:
        found = con.execute("""
            SELECT file_name, line_no, record_id FROM quality.issues
            WHERE feed = 'capita_one.students' AND line_no IS NOT NULL AND record_id IS NOT NULL""").fetchall()
    assert found
    lines = {
        (f"SEN register {district} 16-11-2026.xlsx, sheet 2", at): row["Student ID"]
        for district, rows in register()
        for at, row in enumerate(rows, start=5)
    }
    assert {record: f"student_id={lines[file, line]}" for file, line, record in found} == {
        record: record for _, _, record in found
    }
