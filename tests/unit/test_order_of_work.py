"""The sheets to work from: the order of work, one sheet an owner, and what changed since last time."""

import csv
import io
import re
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import python_calamine
from publish_run import child, finished_run, issue

from publish.excel import workbook
from publish.issues import compare, issues_book
from send_ready import database
from send_ready.database import literal
from send_ready.issues import Issue
from send_ready.runs import Run
from warehouse import run_data

FIXED = (
    "Perhaps missing from a list",
    "Summary",
    "Order of work",
    "Issues by rule",
    "Issue detail",
    "Fixed since last time",
    "Quarantine",
)
Row = dict[str, Any]


def unmapped(value: str, column: str = "sex", records: int = 5, **changes: Any) -> Issue:
    """A value without a code, as dbt tells it."""
    given: dict[str, Any] = {
        "category": "Mapping",
        "message": f"The value “{value[:60]}” is not mapped to a standard code: …",
        "fix": "Add a row for it to the crosswalk, or correct the records.",
        "owner": "Data team",
        "feed": "capita_one.students",
        "list_name": None,
        "unique_id": None,
        "column_name": column,
        "count": records,
    }
    return issue("M-01", **{**given, **changes})


def source(rule: str, record_id: str | None, **changes: Any) -> Issue:
    """An issue of a record in an export."""
    given: dict[str, Any] = {"category": "Source", "feed": "capita_one.students", "owner": "Capita One team"}
    return issue(rule, **{**given, "list_name": None, "unique_id": None, "record_id": record_id, **changes})


def fill(run: Run, table: str, *rows: Sequence[Any]) -> None:
    """Put rows into a table of the run's warehouse."""
    written = ", ".join("(" + ", ".join(map(literal, row)) + ")" for row in rows)
    with database.writer(run.warehouse) as con:
        con.execute(f"INSERT INTO {table} VALUES {written}")


def held(run: Run, crosswalk: str, codes: str, *rows: Sequence[Any]) -> None:
    """Values of which a crosswalk has no row: feed, column, value, person."""
    with database.writer(run.warehouse) as con:
        listed = " UNION ALL ".join(f"SELECT 'x' AS local_value, {literal(code)} AS code" for code in codes.split())
        con.execute(f"CREATE TABLE IF NOT EXISTS seeds.{crosswalk} AS {listed} UNION ALL SELECT 'none', NULL")
    located = [(feed, column, crosswalk, value, person, 1) for feed, column, value, person in rows]
    fill(run, "int.int_unmapped_codes__located", *located)


def book(run: Run, previous: Path | None = None) -> dict[str, list[Row]]:
    """Every grid of the issues workbook, a dictionary a row; of the Summary its lines."""
    path = run.home / "issues.xlsx"
    with run_data.opened(run) as con:
        issues_book.write(path, con, run, previous)
    sheets = {}
    for sheet in openpyxl.load_workbook(path):
        header, *rows = sheet.iter_rows(values_only=True)
        sheets[sheet.title] = [dict(zip(header, row, strict=True)) for row in rows]
    return sheets


def summary(run: Run) -> list[tuple[Any, ...]]:
    sheet = openpyxl.load_workbook(run.home / "issues.xlsx")["Summary"]
    return [tuple(cell for cell in row if cell is not None) for row in sheet.iter_rows(values_only=True)]


def earlier(run: Run, path: Path) -> Path:
    with run_data.opened(run) as con:
        compare.write_issues(path, con, date(2026, 11, 15))
    return path


def test_files_then_columns_of_the_lists_then_sources_then_queries(tmp_path: Path) -> None:
    run = finished_run(
        tmp_path,
        list_1=[child(f"S{at}") for at in range(9)],
        found=[
            issue("L-122", "query", unique_id="S1"),
            source("S-STU-06", "student_id=1"),
            issue("101a", unique_id="S1"),
            *(issue("101d", unique_id=f"S{at}") for at in range(3)),
            issue("F-16", "query", category="File", feed="capita_one.students", list_name=None, unique_id=None),
            issue("F-03", "stop", category="File", feed="ehc_hub.cases", list_name=None, unique_id=None),
            issue("L-100", category="List", unique_id=None, list_name="List 2"),
            issue("F-20", "note", category="File", feed="ehc_hub.cases", list_name=None, unique_id=None),
        ],
    )
    rows = book(run)["Order of work"]
    assert [row["Step"] for row in rows] == list(range(1, 9))
    assert [row["Rule"] for row in rows] == ["F-03", "L-100", "101d", "101a", "M-01", "S-STU-06", "F-16", "L-122"]
    assert (rows[2]["Records"], rows[2]["Children"], rows[2]["Who"]) == (3, 3, "SEND team")
    assert rows[0]["Why now"].startswith("A whole file or list")
    assert rows[2]["Why now"] == "Inspectors would see it: 3 children."
    assert rows[3]["Why now"] == "Inspectors would see it: 1 child."
    assert rows[-1]["Why now"].startswith("May be right as it is")


def test_a_row_of_a_crosswalk_goes_before_what_takes_a_record_at_a_time(tmp_path: Path) -> None:
    """What the lists lose by the value (L-124) is that row's step, wherever both are known."""
    lost = {"column_name": "Gender", "owner": "SEND data team", "message": "The source holds a value that no …"}
    run = finished_run(
        tmp_path,
        list_1=[child(f"S{at}") for at in range(9)],
        found=[
            *(issue("101a", unique_id=f"S{at}") for at in range(8)),
            *(issue("L-124", unique_id=f"S{at}", **lost) for at in range(3)),
            issue("L-124", unique_id="S8", **lost),
            unmapped("Malle", records=40),
            unmapped('=x,"y"'),
        ],
    )
    feed = ("capita_one.students", "sex")
    held(run, "xwalk_sex", "M F U", *((*feed, "Malle", f"S{at}") for at in (0, 1, 77)), (*feed, '=x,"y"', "S2"))
    sheets = book(run)
    rows = sheets["Order of work"]
    assert [(row["Rule"], row["Column"], row["Records"], row["Children"]) for row in rows[:4]] == [
        ("M-01", "Gender", 40, 2),
        ("M-01", "Gender", 5, 1),
        ("101a", "Date of birth", 8, 8),
        ("L-124", "Gender", 1, 1),  # of no known value: a step of its own
    ]
    assert rows[0]["Where"] == "crosswalks/xwalk_sex.csv, new row: Malle,? where ? is one of F, M, U"
    assert rows[0]["Why now"] == "One row puts the lists right for 2 children."
    line = re.fullmatch(r"crosswalks/xwalk_sex.csv, new row: (.*) where \? is one of F, M, U", rows[1]["Where"])
    assert line and next(csv.reader(io.StringIO(line[1]))) == ['=x,"y"', "?"]
    assert [row["Step"] for row in sheets["To SEND data team"]] == [1, 1, 2, 4]
    assert [row["Step"] for row in sheets["To Data team"]] == [1, 2, 5]


def test_the_children_of_a_crosswalk_are_those_whom_the_lists_show_wrong(tmp_path: Path) -> None:
    run = finished_run(
        tmp_path,
        list_1=[child("S1"), child("S2")],
        found=[
            unmapped("Z", "category", feed="capita_one.exclusions"),
            unmapped("Q", "sen_provision", feed="capita_one.sen_provision"),
            unmapped("See report", "primary_need", feed="ehc_hub.cases"),
            unmapped("Pending", "la_outcome", feed="capita_one.annual_reviews"),
        ],
    )
    held(
        run,
        "xwalk_exclusion_category",
        "PERM",
        *(("capita_one.exclusions", "category", "Z", f"S{at}") for at in (1, 9)),
    )
    held(run, "xwalk_sen_provision", "E K N",
         *(("capita_one.sen_provision", "sen_provision", "Q", f"S{at}") for at in (1, 8, 9)))  # fmt: skip
    held(run, "xwalk_sen_type", "ASD", ("ehc_hub.cases", "primary_need", "See report", "S1"))
    held(run, "xwalk_review_outcome", "A", ("capita_one.annual_reviews", "la_outcome", "Pending", "S2"))
    rows = [row for row in book(run)["Order of work"] if row["Column"]]
    assert [(row["Where"].split(",")[0].split("/")[-1], row["Children"], row["Column"]) for row in rows[:4]] == [
        ("xwalk_sen_provision.csv", 3, "Unique ID"),  # who may be missing from List 2 counts too
        ("xwalk_exclusion_category.csv", 1, "Suspensions"),
        ("xwalk_review_outcome.csv", 1, "la_outcome"),  # no column of the lists
        ("xwalk_sen_type.csv", 0, "primary_need"),  # Capita One's need stands in the list all the same
    ]
    assert rows[2]["Why now"] == "One row puts 5 records right."


@pytest.mark.parametrize(
    ("record_id", "table", "row"),
    [
        ("student_id=7; urn=1", "int.int_person_records__linked", ("capita_one:7", "capita_one", "7", "S1")),
        ("case_reference=7", "int.int_person_records__linked", ("ehc_hub:7", "ehc_hub", "7", "S1")),
        ("person_id=7; status=x", "int.int_person_records__linked", ("social_care:7", "social_care", "7", "S1")),
        ("record_1=a:7; record_2=b:8", "int.int_person_records__linked", ("a:7", "a", "7", "S1")),
        ("plan_id=7=8", "int.int_plans__unioned", ("7=8", "S1", None, None, None, None, None)),
        ("review_id=7", "int.int_reviews__unioned", ("7", "S1", "capita_one")),
        ("review_reference=7", "int.int_reviews__unioned", ("HUB-7", "S1", "ehc_hub")),
        ("exclusion_id=7", "core.fct_exclusion", ("7", "S1", "999", "run")),
        ("involvement_id=7", "int.int_requests__merged", ("7", "S1")),
    ],
)
def test_a_record_leads_to_its_child(tmp_path: Path, record_id: str, table: str, row: Sequence[str]) -> None:
    found = [source("S-1", record_id), source("S-2", record_id.replace("7", "9"))]
    run = finished_run(tmp_path, list_2=[child("S1")], found=found)
    fill(run, table, row)
    rows = {row["Rule"]: row for row in book(run)["Order of work"]}
    assert (rows["S-1"]["Children"], rows["S-1"]["Why now"]) == (1, "Wrong at the source, of 1 child on the lists.")
    assert (rows["S-2"]["Children"], rows["S-2"]["Why now"]) == (0, "Wrong at the source, of no child on the lists.")
    assert rows["S-1"]["Step"] < rows["S-2"]["Step"]


def test_what_takes_fewer_actions_for_a_child_goes_first(tmp_path: Path) -> None:
    """One of a hundred unlisted rows is an action of its own."""
    found = [
        *(source("S-1", f"student_id={at}", line_no=at) for at in (1, 2)),
        source("S-1", None, count=98, message="100 rows in all: 2 are listed."),
        *(source("S-2", f"student_id={at}") for at in (1, 8, 9)),
        source("O-01", "student_id=1", count=500),
    ]
    run = finished_run(tmp_path, list_1=[child("S1"), child("S2")], found=found)
    linked = [(f"capita_one:{at}", "capita_one", f"{at}", f"S{at}") for at in (1, 2)]
    fill(run, "int.int_person_records__linked", *linked)
    rows = [row for row in book(run)["Order of work"] if row["Rule"] != "M-01"]
    assert [(row["Rule"], row["Records"], row["Children"]) for row in rows] == [
        ("O-01", 500, 1),
        ("S-2", 3, 1),
        ("S-1", 100, 2),
    ]


def test_nothing_to_do_is_said(tmp_path: Path) -> None:
    run = finished_run(tmp_path)
    with database.writer(run.warehouse) as con:
        con.execute("DELETE FROM quality.quality_issues")
    sheets = book(run)
    assert (tuple(sheets), sheets["Order of work"], sheets["Issue detail"]) == (FIXED, [], [])
    assert ("Nothing is to be done.",) in summary(run)


def test_every_issue_but_notes_is_on_one_owners_sheet_with_its_record_and_what_to_do(tmp_path: Path) -> None:
    found = [
        issue("101a", unique_id="S1", owner="SEND team"),
        source("S-STU-06", "student_id=1", fix="Correct the ULN.", line_no=4, file_name="students.csv"),
        issue("F-20", "note", category="File", owner="Nobody's business"),
    ]
    sheets = book(finished_run(tmp_path, found=found))
    assert tuple(sheets)[len(FIXED) :] == ("To Capita One team", "To Data team", "To SEND team")
    (row,) = sheets["To Capita One team"]
    assert (row["Record"], row["What is wrong"], row["What to do"]) == (
        "student_id=1", "Date of birth is blank.", "Correct the ULN.")  # fmt: skip
    assert (row["File"], row["Line"], row["Unique ID"]) == ("students.csv", 4, None)
    assert sheets["To SEND team"][0]["Unique ID"] == "S1"
    by_step = {row["Step"]: row["Who"] for row in sheets["Order of work"]}
    assert {by_step[row["Step"]] for row in sheets["To Capita One team"]} == {"Capita One team"}
    assert sum(len(rows) for name, rows in sheets.items() if name.startswith("To ")) == 3


def test_sheets_of_owners_have_names_that_excel_takes(tmp_path: Path) -> None:
    owners = ["Children's social care data team", "Children's social care health team", "a/b\\c?*[d]:e'", "A", "a", "",
              "  ", "\x07", "'", "Ω" * 40, "Summary", "=1+1"]  # fmt: skip
    run = finished_run(tmp_path, found=[issue(owner=owner, unique_id=f"S{at}") for at, owner in enumerate(owners)])
    sheets = book(run)
    names = [name for name in sheets if name.startswith("To ")]
    assert len({name.casefold() for name in sheets}) == len(sheets)
    assert all(len(name) <= 28 and not re.search(r"[\[\]:*?/\\]", name) for name in names)
    assert sum(len(sheets[name]) for name in names) == len(owners) + 1  # and M-01's
    assert "To Children's social care…" in names
    assert "To an owner not named" in names
    assert python_calamine.load_workbook(run.home / "issues.xlsx").sheet_names == list(sheets)


def test_an_owner_with_very_many_rows_gets_further_sheets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MAX_ROWS", 10)
    found = [issue(unique_id=f"S{at:02}", owner="Children's social care data team") for at in range(25)]
    sheets = book(finished_run(tmp_path, found=found))
    names = [name for name in sheets if name.startswith("To Children")]
    assert names == [f"To Children's social care…{number}" for number in ("", " 2", " 3")]
    assert sorted(row["Unique ID"] for name in names for row in sheets[name]) == [each.unique_id for each in found]


def test_since_last_time_stands_with_each_issue_each_rule_and_in_the_summary(tmp_path: Path) -> None:
    before = finished_run(tmp_path / "a", found=[issue(unique_id="S1"), issue(unique_id="S2"), issue("L-9", "query")])
    previous = earlier(before, tmp_path / "issues.parquet")
    run = finished_run(tmp_path / "b", found=[issue(unique_id="S2"), issue(unique_id="S3"), issue(unique_id="S4")])
    sheets = book(run, previous)
    states = {row["Unique ID"]: row["Since last time"] for row in sheets["Issue detail"]}
    assert states == {"S2": "Still open", "S3": "New", "S4": "New", None: "Still open"}
    assert [(row["Rule"], row["Unique ID"], row["Owner"]) for row in sheets["Fixed since last time"]] == [
        ("101a", "S1", "SEND team"),
        ("L-9", "S1", "SEND team"),
    ]
    counted = {
        row["Rule"]: (row["Issues"], row["New"], row["Still open"], row["Fixed"]) for row in sheets["Issues by rule"]
    }
    assert counted == {"101a": (3, 2, 1, 1), "M-01": (1, 0, 1, 0), "L-9": (0, 0, 0, 1)}
    assert {row["Since last time"] for row in sheets["To SEND team"]} == {"New", "Still open"}
    lines = summary(run)
    start = lines.index(("Since the pack of 15/11/2026",))
    assert lines[start + 2 : start + 5] == [("New", 2), ("Still open", 2), ("Fixed", 2)]


def test_without_an_earlier_pack_the_workbook_says_so(tmp_path: Path) -> None:
    run = finished_run(tmp_path, found=[issue()])
    sheets = book(run)
    assert ("There is no earlier pack to compare with.",) in summary(run)
    assert {row["Since last time"] for row in sheets["Issue detail"]} == {None}
    assert "New" not in sheets["Issues by rule"][0]
    (tmp_path / "issues.parquet").write_bytes(b"PAR1")
    book(run, tmp_path / "issues.parquet")
    assert any("is damaged" in str(line) for line in summary(run))


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    written = []
    for home, order in (("a", 1), ("b", -1)):
        found = [issue(f"10{at % 4}a", unique_id=f"S{at}", message=f"Wrong {at % 7}.") for at in range(400)]
        found += [source("S-1", f"student_id={at}", owner=f"Team {at % 3}") for at in range(400)]
        run = finished_run(tmp_path / home, f"run_{home}", found=found[::order], list_1=[child("S1")])
        previous = earlier(run, tmp_path / "issues.parquet")
        book(run, previous)
        written.append(((run.home / "issues.xlsx").read_bytes(), previous.read_bytes()))
    assert written[0] == written[1]


def test_sixty_thousand_issues_take_seconds(tmp_path: Path) -> None:
    found = [issue(f"1{at % 30:02}a", unique_id=f"S{at}", owner=f"Team {at % 6}") for at in range(60_000)]
    run = finished_run(tmp_path, found=found)
    previous = earlier(run, tmp_path / "issues.parquet")
    with run_data.opened(run) as con:
        start = time.process_time()
        counted = issues_book.write(tmp_path / "issues.xlsx", con, run, previous)
        seconds = time.process_time() - start
    assert counted["error"] == 60_001
    assert seconds < 15  # of the processor: about 3 s, of which 1.5 s were there before
