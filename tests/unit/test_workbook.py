"""The workbooks, byte by byte and cell by cell: what Excel and other readers will find in them."""

import csv
import os
import re
import time
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
import python_calamine
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from publish_run import AS_AT, child, finished_run, issue, settings

from publish.excel import lists_book, workbook
from publish.excel.workbook import Block, Column, Grid, Page
from publish.issues import issues_book
from send_ready import layout
from send_ready.runs import Run
from warehouse import run_data

MAIN, SUBSIDIARY = "Main education establishment \u2013", "Subsidiary education establishment \u2013"
LIST_1 = [
    *("Unique ID", "UPN", "ULN", "Date of birth", "Gender", "Ethnicity", "Date initial EHC plan issued"),
    *("Date updated EHC plan issued", "Date EHC plan last reviewed", "SEN primary need", f"{MAIN} URN"),
    *(f"{MAIN} phase", f"{SUBSIDIARY} phase (dual registration)", "Elective home education", "Suspensions"),
    *("Permanent exclusions", "Absence", "Pupil Premium", "Known to children\u0027s social care?"),
    *("Which children\u0027s social care team?", "Does the child or young person have a disability?"),
]
LIST_2 = [name for name in LIST_1 if not name.startswith("Date ") or name == "Date of birth"]
LIST_2.remove("Elective home education")
HOSTILE = [
    *("=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x")', "{=A1}", "http://example.org", "mailto:a@b"),
    *("00123", "1E5", "12/03/2020", "TRUE", "#N/A", "<b>&\"'</b>", "_x0041_", " padded ", "Zo\u00eb \U0001f600"),
]


def lists(run: Run, path: Path, **changes: Any) -> Path:
    with run_data.opened(run) as con:
        lists_book.write(path, con, run, settings(run.home, **changes))
    return path


def issues_workbook(run: Run, path: Path) -> Path:
    with run_data.opened(run) as con:
        issues_book.write(path, con, run, None)
    return path


def midnight(day: date) -> datetime:
    """A day as openpyxl gives it back."""
    return datetime.combine(day, datetime.min.time())


def xml(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as book:
        return {name: book.read(name).decode() for name in book.namelist()}


def grid(path: Path, kind: str, values: list[Any]) -> Path:
    workbook.write(path, "Test", [Grid("Sheet", [Column("Value", kind, values)])])
    return path


def column(path: Path) -> list[Any]:
    return [row[0].value for row in openpyxl.load_workbook(path)["Sheet"].iter_rows(min_row=2)]


def test_sheets_come_in_order_with_the_exact_headers(tmp_path: Path) -> None:
    path = lists(finished_run(tmp_path, list_1=[child("S1")], list_2=[child("S2")]), tmp_path / "lists.xlsx")
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["List_1", "List_2", "About"]
    assert [cell.value for cell in book["List_1"][1]] == LIST_1
    assert [cell.value for cell in book["List_2"][1]] == LIST_2
    assert (len(LIST_1), len(LIST_2)) == (21, 17)


def test_headers_are_those_of_the_seed(tmp_path: Path) -> None:
    with (layout.SPEC / "annex_a_columns.csv").open(encoding="utf-8", newline="") as file:
        seed = list(csv.DictReader(file))
    for each in layout.lists():
        rows = sorted((row for row in seed if row["list_name"] == each.name), key=lambda row: int(row["position"]))
        assert [column.header for column in each.columns] == [row["header"] for row in rows]


def test_cells_have_the_type_of_what_they_hold(tmp_path: Path) -> None:
    run = finished_run(tmp_path, list_1=[child("S1", absence_pct=12.3, updated_plan_date=None)])
    path = lists(run, tmp_path / "lists.xlsx")
    sheet = openpyxl.load_workbook(path)["List_1"]
    cells = {header.value: cell for header, cell in zip(sheet[1], sheet[2], strict=True)}
    assert (cells["Date of birth"].value, cells["Date of birth"].number_format) == (
        midnight(date(2012, 2, 29)),
        "dd/mm/yyyy",
    )
    assert cells["Date of birth"].is_date
    for name in ("Unique ID", "UPN", "ULN", "Main education establishment \u2013 URN"):
        assert cells[name].data_type == "s"
    assert cells["Main education establishment \u2013 URN"].value == "012345"
    assert [cells[name].value for name in ("Suspensions", "Permanent exclusions", "Absence")] == [0, 2, 12.3]
    assert cells["Absence"].number_format == "0.0"
    assert cells["Date updated EHC plan issued"].value is None
    calamine = python_calamine.load_workbook(path).get_sheet_by_name("List_1").to_python()
    assert calamine[1][:4] == ["S1", "A999000000001", "1234567890", date(2012, 2, 29)]


def test_a_blank_is_no_cell_at_all(tmp_path: Path) -> None:
    run = finished_run(tmp_path, list_1=[{"unique_id": "S1"}, {"unique_id": "S2", "upn": ""}])
    parts = xml(lists(run, tmp_path / "lists.xlsx"))
    sheet = parts["xl/worksheets/sheet1.xml"]
    assert re.findall(r'<c r="([A-Z]+[23])"', sheet) == ["A2", "A3"]
    assert "<t></t>" not in parts["xl/sharedStrings.xml"]
    assert "<t/>" not in parts["xl/sharedStrings.xml"]


def test_list_sheets_hold_nothing_beside_header_and_rows(tmp_path: Path) -> None:
    run = finished_run(tmp_path, list_1=[child("S2"), child("S10"), child("S1")])
    sheet = openpyxl.load_workbook(lists(run, tmp_path / "lists.xlsx"))["List_1"]
    assert sheet.dimensions == "A1:U4"
    assert [row[0].value for row in sheet.iter_rows(min_row=2)] == ["S1", "S10", "S2"]
    assert (sheet.freeze_panes, sheet.auto_filter.ref, sheet.merged_cells.ranges) == ("B2", "A1:U4", set())


def test_the_lists_can_be_filtered_and_printed_and_nothing_of_them_is_clipped(tmp_path: Path) -> None:
    """One page wide, the header on every page; a long phase wraps in its cell, a header in its own, with high rows."""
    longest = "Pupil referral unit/Alternative provision"
    run = finished_run(
        tmp_path, list_1=[child("S1", main_phase=longest, subsidiary_phase=longest)], list_2=[child("T")]
    )
    book = openpyxl.load_workbook(lists(run, tmp_path / "lists.xlsx"))
    for sheet in (book["List_1"], book["List_2"]):
        # As wide as one page, which is what a page without its own number is, and as long as it takes.
        setup = sheet.page_setup
        assert (setup.orientation, setup.fitToWidth or 1, setup.fitToHeight) == ("landscape", 1, 0)
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert (sheet.print_title_rows, sheet.auto_filter.ref) == ("$1:$1", sheet.dimensions)
        held = sheet.column_dimensions.values()  # equal neighbours are kept as one
        widths = {at: each.width for each in held for at in range(each.min, each.max + 1)}
        for row in sheet.iter_rows():
            for cell in row:
                width = widths[cell.column]
                assert width <= 26, cell.coordinate
                if isinstance(cell.value, str):
                    assert max(map(len, re.split(r"[ /]", cell.value))) <= width, cell.coordinate
                    lines = -(-len(cell.value) // (width - 1))
                    assert (sheet.row_dimensions[cell.row].height or 15) >= 15 * lines, cell.coordinate
                    assert lines == 1 or cell.alignment.wrap_text, cell.coordinate


def test_empty_lists_still_open(tmp_path: Path) -> None:
    run = finished_run(tmp_path)
    path = lists(run, tmp_path / "lists.xlsx")
    assert openpyxl.load_workbook(path)["List_2"].dimensions == "A1:Q1"
    assert python_calamine.load_workbook(path).get_sheet_by_name("List_1").to_python() == [LIST_1]
    book = openpyxl.load_workbook(issues_workbook(run, tmp_path / "issues.xlsx"))
    assert book.sheetnames == [
        *("Perhaps missing from a list", "Summary", "Order of work", "Issues by rule", "Issue detail"),
        *("Fixed since last time", "Quarantine"),
        "To Data team",
    ]


def test_codes_go_out_in_the_style_that_the_council_chose(tmp_path: Path) -> None:
    down = child("S1", primary_need="DS", gender="Not known", ethnicity="UNKNOWN", pupil_premium=None)
    run = finished_run(tmp_path, list_1=[down])
    names = ("Gender", "Ethnicity", "SEN primary need", "Pupil Premium", "Elective home education")
    found = {}
    for style in ("lettered", "plain"):
        sheet = openpyxl.load_workbook(lists(run, tmp_path / f"{style}.xlsx", code_style=style))["List_1"]
        cells = dict(zip(LIST_1, (cell.value for cell in sheet[2]), strict=True))
        found[style] = [cells[name] for name in names]
    assert found["lettered"] == ["c) Not known", "u) UNKNOWN", "DS", None, "b) No"]
    assert found["plain"] == ["Not known", "UNKNOWN", "DS", None, "No"]


def test_about_says_what_date_everything_represents(tmp_path: Path) -> None:
    sheet = openpyxl.load_workbook(lists(finished_run(tmp_path), tmp_path / "lists.xlsx"))["About"]
    rows = [[cell.value for cell in row if cell.value is not None] for row in sheet.iter_rows()]
    assert rows[4][:4] == ["Sampleshire", "999", midnight(date(2026, 11, 16)), "2022-11"]
    plans = next(row for row in rows if row and row[0] == "Capita One: EHC plans")
    assert plans == ["Capita One: EHC plans", "Stale", midnight(date(2026, 11, 12)), "List 1 and 2",
                     "capita_one_ehc_plans.csv", "Older than 1 day before the as-at date"]  # fmt: skip
    list_1 = next(row for row in rows if row and row[0] == "List_1")
    assert list_1[1:5] == [0, midnight(date(2026, 11, 12)), midnight(date(2026, 11, 16)), "3 of 4 not fresh"]
    notes = " ".join(str(row[0]) for row in rows if row)
    assert "No GIAS file has been received" in notes
    assert "Conformance to the June 2025 handbook is not claimed" in notes


@pytest.fixture
def local_time() -> Iterator[None]:
    """Puts the time zone back."""
    before = os.environ.get("TZ")
    yield
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()


def test_equal_input_gives_equal_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, local_time: None) -> None:
    written = []
    for zone, mask, home in (("Europe/London", 0o077, "a"), ("Pacific/Auckland", 0o022, "b")):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        monkeypatch.setattr(time, "time", lambda: 1e9)
        before = os.umask(mask)
        try:
            found = [issue(unique_id=f"S{number}") for number in (3, 1, 2)][:: 1 if home == "a" else -1]
            run = finished_run(tmp_path / home, f"run_{home}", [child("S1")], [child("S2")], found)
            written.append([lists(run, tmp_path / f"{home}1.xlsx").read_bytes(),
                            issues_workbook(run, tmp_path / f"{home}2.xlsx").read_bytes()])  # fmt: skip
        finally:
            os.umask(before)
    assert written[0] == written[1]


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    path = grid(tmp_path / "hostile.xlsx", "text", HOSTILE)
    cells = [row[0] for row in openpyxl.load_workbook(path)["Sheet"].iter_rows(min_row=2)]
    assert [cell.data_type for cell in cells] == ["s"] * len(HOSTILE)
    assert [cell.hyperlink for cell in cells] == [None] * len(HOSTILE)
    rows = python_calamine.load_workbook(path).get_sheet_by_name("Sheet").to_python(skip_empty_area=False)
    assert [row[0] for row in rows[1:]] == HOSTILE
    parts = xml(path)
    assert not re.search(r"<f[ >/]|<hyperlink", parts["xl/worksheets/sheet1.xml"])
    assert not [name for name in parts if "externalLink" in name or name.endswith("sheet1.xml.rels")]


def test_hostile_text_in_a_whole_pack_makes_no_formula(tmp_path: Path) -> None:
    run = finished_run(
        tmp_path,
        list_1=[child(text, social_care_team=text, gender=text) for text in HOSTILE],
        found=[issue(unique_id=text, message=text, fix=text, owner=text, file_name=text) for text in HOSTILE],
    )
    for path in (lists(run, tmp_path / "lists.xlsx"), issues_workbook(run, tmp_path / "issues.xlsx")):
        for name, part in xml(path).items():
            assert not re.search(r"<f[ >/]|<hyperlink", part), name


@pytest.mark.parametrize(
    ("held", "shown"),
    [
        ("A\x00B\x1bC", "ABC"),
        ("one\r\ntwo\tthree", "one\ntwo\tthree"),
        ("\x07", None),
        ("", None),
        (None, None),
        ("a\ufffe\uffffb", "ab"),
        ("x" * 40_000, "x" * 32_766 + "…"),
        ("x" * 32_767, "x" * 32_767),
        ("\U0001f600" * 20_000, "\U0001f600" * 16_383 + "…"),
        ("<r><t>markup</t></r>", "<r><t>markup</t></r> "),
    ],
)
def test_text_that_excel_cannot_hold(tmp_path: Path, held: str | None, shown: str | None) -> None:
    path = grid(tmp_path / "text.xlsx", "text", [held, "end"])
    assert column(path) == [shown, "end"]


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), min_size=1, max_size=40))
def test_any_text_comes_back_as_it_went_in(tmp_path: Path, texts: list[str]) -> None:
    path = grid(tmp_path / "any.xlsx", "text", [*texts, "end"])
    rows = python_calamine.load_workbook(path).get_sheet_by_name("Sheet").to_python(skip_empty_area=False)
    assert [row[0] for row in rows[1:]] == [workbook.plain(text) or "" for text in texts] + ["end"]
    assert all(workbook.plain(found) == found for text in texts if (found := workbook.plain(text)))


def test_dates_that_excel_cannot_hold_go_out_as_text(tmp_path: Path) -> None:
    days = [date(1, 2, 3), date(1900, 2, 28), date(1900, 3, 1), date(2024, 2, 29), date(9999, 12, 31), None]
    path = grid(tmp_path / "dates.xlsx", "date", [*days, date(2026, 1, 1)])
    expected = ["03/02/0001", "28/02/1900", *(midnight(day) for day in days[2:5] if day), None]
    assert column(path) == [*expected, midnight(date(2026, 1, 1))]


def test_a_moment_goes_out_by_the_clock_of_its_own_zone(tmp_path: Path) -> None:
    due = datetime(2026, 7, 14, 11, tzinfo=ZoneInfo("Europe/London"))
    column = Column("Due", "moment", [due, None])
    sheets = [Grid("Grid", [column]), Page("Page", "Title", [Block("Heading", [column])])]
    workbook.write(tmp_path / "book.xlsx", "Book", sheets)
    book = openpyxl.load_workbook(tmp_path / "book.xlsx")
    for cell, blank in ((book["Grid"]["A2"], book["Grid"]["A3"]), (book["Page"]["A5"], book["Page"]["A6"])):
        assert (cell.value, cell.number_format) == (datetime(2026, 7, 14, 11), "dd/mm/yyyy hh:mm")
        assert blank.value is None


def test_a_number_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Value: a value is not a finite number"):
        grid(tmp_path / "nan.xlsx", "percentage", [1.0, float("nan")])
    assert list(tmp_path.iterdir()) == []


def test_a_long_sheet_goes_on_in_another_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MAX_ROWS", 10)
    found = [issue(unique_id=f"S{number:03}") for number in range(25)]
    path = issues_workbook(finished_run(tmp_path, found=found), tmp_path / "issues.xlsx")
    book = openpyxl.load_workbook(path)
    names = [name for name in book.sheetnames if name.startswith("Issue detail")]
    assert names == ["Issue detail", "Issue detail 2", "Issue detail 3"]
    ids = [row[3].value for name in names for row in book[name].iter_rows(min_row=2)]
    assert sorted(held for held in ids if held) == [each.unique_id for each in found]
    assert all(book[name].auto_filter.ref for name in names)


def test_issue_detail_has_one_row_an_issue_worst_first(tmp_path: Path) -> None:
    found = [
        issue("L-122", "query", unique_id="S9"),
        issue("101a", "error", unique_id="S2"),
        issue("101a", "error", unique_id="S1"),
        issue("F-02", "stop", category="File", feed="ehc_hub.cases", file_name="x.csv", line_no=4, column_name="Sex",
              list_name=None, unique_id=None),
    ]  # fmt: skip
    book = openpyxl.load_workbook(issues_workbook(finished_run(tmp_path, found=found), tmp_path / "issues.xlsx"))
    rows = list(book["Issue detail"].iter_rows(values_only=True))
    detail = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    assert [(row["Rule"], row["Unique ID"]) for row in detail] == [
        ("F-02", None), ("101a", "S1"), ("101a", "S2"), ("M-01", None), ("L-122", "S9")]  # fmt: skip
    assert (detail[0]["File"], detail[0]["Line"], detail[0]["Column"]) == ("x.csv", 4, "Sex")
    assert (detail[1]["Column"], detail[1]["Severity"]) == ("Date of birth", "Error")
    assert detail[3]["Records"] == 5


def test_issues_by_rule_counts_and_says_where_to_fix(tmp_path: Path) -> None:
    found = [
        issue(message=message, unique_id=f"S{at}")
        for at, message in enumerate(("One.", "Two.", "Two.", "Six.", "Ten."))
    ]
    book = openpyxl.load_workbook(issues_workbook(finished_run(tmp_path, found=found), tmp_path / "issues.xlsx"))
    rows = list(book["Issues by rule"].iter_rows(min_row=2, values_only=True))
    assert rows == [
        ("101a", "Error", "List", "For example: Two.", 5, 5, "SEND team", "Capita One, Student details"),
        ("M-01", "Error", "Mapping", "XX has no code.", 1, 5, "Data team", "xwalk_sex.csv"),
    ]


def test_summary_begins_with_what_to_do_first(tmp_path: Path) -> None:
    files = [
        issue("F-02", "error", category="File", message=f"File {at} is empty.", fix="Send it again.") for at in (1, 2)
    ]
    found = [issue("L-122", "query"), *(issue(unique_id=f"S{at}") for at in range(3)), *files]
    book = openpyxl.load_workbook(issues_workbook(finished_run(tmp_path, found=found), tmp_path / "issues.xlsx"))
    rows = [row[:5] for row in book["Summary"].iter_rows(values_only=True)]
    assert rows[0][0] == f"Issues to put right: Sampleshire, {AS_AT:%d/%m/%Y}"
    start = rows.index(("What to do first", None, None, None, None)) + 2
    assert [row[:3] for row in rows[start : start + 5]] == [
        ("F-02: File 1 is empty.", "Error", 1),
        ("F-02: File 2 is empty.", "Error", 1),
        ("101a: Date of birth is blank.", "Error", 3),
        ("M-01: XX has no code.", "Error", 5),
        ("L-122: Date of birth is blank.", "Query", 1),
    ]
    severities = rows.index(("How serious", None, None, None, None)) + 2
    assert [row[1] for row in rows[severities : severities + 4]] == [0, 6, 1, 0]


def test_quarantine_says_where_and_why_but_not_what_the_record_held(tmp_path: Path) -> None:
    path = issues_workbook(finished_run(tmp_path), tmp_path / "issues.xlsx")
    rows = list(openpyxl.load_workbook(path)["Quarantine"].iter_rows(values_only=True))
    assert rows[0] == ("Feed", "File", "Line", "Column", "Why it was left out")
    assert rows[1] == ("capita_one.ehc_plans", "capita_one_ehc_plans.csv", 7, "Date of Birth", "is not a date")
    assert not any("SECRET" in part for part in xml(path).values())
