"""A workbook of lists that somebody made by hand: which sheet is which, how it is read, what the rules find on it."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import xlsxwriter

from commands.check import check
from expectations import handmade
from send_ready import layout, settings

HEADERS = {listed.name: [column.header for column in listed.columns] for listed in layout.lists()}
CHILD = {
    "Unique ID": "S1",
    "UPN": "H801200001001",
    "Date of birth": "03/05/2016",
    "Gender": "b) Female",
    "Ethnicity": "WBRI",
    "Date initial EHC plan issued": "10/02/2024",
    "Date EHC plan last reviewed": "12/02/2026",
    "SEN primary need": "k) asd",
    "Main education establishment – URN": 100001,
    "Main education establishment – phase": "primary",
    "Elective home education": "No",
    "Suspensions": 0,
    "Permanent exclusions": 0,
    "Absence": 4.2,
    "Pupil Premium": "b) No",
    "Known to children's social care?": "NO",
    "Does the child or young person have a disability?": "a) Yes",
}


def write(path: Path, sheets: dict[str, Sequence[dict[str, object]]], titles: int = 0) -> Path:
    """A workbook with a sheet a list; its tab is the name before any colon, its columns those of the list after it."""
    with xlsxwriter.Workbook(path) as book:
        for name, children in sheets.items():
            tab, _, listed = name.partition(":")
            headers = HEADERS[listed or tab]
            sheet = book.add_worksheet(tab)
            for at in range(titles):
                sheet.write(at, 0, "Annex A" if not at else "")
            sheet.write_row(titles, 0, headers)
            for row, child in enumerate(children, start=titles + 1):
                sheet.write_row(row, 0, [child.get(header, "") for header in headers])
    return path


def found(path: Path, tmp_path: Path) -> dict[str, handmade.CheckedList]:
    given = settings.load({"SEND_HOME": str(tmp_path / "home"), "AS_AT": "2026-11-16"})
    sheets = handmade.sheets_of_lists(path, layout.in_force(None), tmp_path / "sheets")
    return {each.listed.name: each for each in handmade.check_workbook(path, sheets, given, tmp_path)}


def codes(checked: handmade.CheckedList) -> dict[str, tuple[int, ...]]:
    return {each.rule.code: each.lines for each in checked.findings}


def test_a_good_list_has_nothing_to_put_right(tmp_path: Path) -> None:
    checked = found(write(tmp_path / "a.xlsx", {"List 1": [CHILD]}), tmp_path)["List 1"]
    assert (checked.rows, codes(checked), checked.refusal) == (1, {}, None)
    assert {"L-110", "L-112", "L-116", "L-126"} <= set(checked.not_checked)  # there is no night, and no GIAS
    assert "L-124" not in checked.not_checked


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"SEN primary need": ""}, "101d"),
        ({"Gender": "Robot"}, "L-124"),
        ({"Date of birth": "17/11/2026"}, "105a"),
        ({"Date of birth": "16/11/2000"}, "102b"),
        ({"Date EHC plan last reviewed": "01/02/2024"}, "106b"),
        ({"Date EHC plan last reviewed": "16/11/2025"}, "L-122"),
        ({"UPN": "A801200001001"}, "L-113"),
        ({"UPN": "", "ULN": ""}, "107"),
        ({"Main education establishment – URN": ""}, "108a"),
        ({"Absence": 101}, "L-120"),
    ],
)
def test_a_fault_is_found_on_its_row(tmp_path: Path, change: dict[str, object], code: str) -> None:
    path = write(
        tmp_path / "a.xlsx", {"List 1": [CHILD, {**CHILD, "Unique ID": "S2", "UPN": "X801200001002", **change}]}
    )
    assert codes(found(path, tmp_path)["List 1"]).get(code) == (3,)


def test_a_child_on_both_lists_is_told_on_both(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx", {"List_1:List 1": [CHILD], "List_2:List 2": [CHILD]})
    both = found(path, tmp_path)
    assert [codes(both[name]).get("L-111") for name in HEADERS] == [(2,), (2,)]


def test_sheets_are_known_by_their_headers_below_titles_whatever_their_tabs_say(tmp_path: Path) -> None:
    other = {**CHILD, "Unique ID": "S2", "UPN": "X801200001002"}
    path = write(tmp_path / "a.xlsx", {"SEN support:List 2": [other], "Plans:List 1": [CHILD]}, titles=3)
    both = found(path, tmp_path)
    assert {name: each.sheet for name, each in both.items()} == {"List 1": 2, "List 2": 1}
    assert [codes(each) for each in both.values()] == [{}, {}]


def test_what_cannot_be_read_and_who_is_there_twice_is_told_by_row(tmp_path: Path) -> None:
    second = {**CHILD, "Unique ID": "S2", "UPN": "X801200001002", "Date of birth": "31/02/2016"}
    path = write(tmp_path / "a.xlsx", {"List 1": [CHILD, second, {**CHILD, "Suspensions": 2}]})
    checked = found(path, tmp_path)["List 1"]
    assert codes(checked)["101a"] == (3,)
    told = " ".join(issue.message for issue in checked.reading)
    assert "Date of birth" in told and any(issue.line_no in (2, 4) for issue in checked.reading)


def test_a_workbook_of_lists_is_checked_by_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = settings.load({"SEND_HOME": str(tmp_path / "home"), "AS_AT": "2026-11-16"})
    path = write(tmp_path / "our lists.xlsx", {"List 1": [{**CHILD, "SEN primary need": ""}], "List 2": []})
    assert check(given, path, None) == 1
    said = capsys.readouterr().out
    assert said.startswith("our lists.xlsx: List 1 and List 2 of Annex A, layout 2022-11, checked as at 16/11/2026.")
    assert "Error  101d  The SEN primary need is blank. Row 2. " in said
    assert "List 2, sheet 2\n  Cannot be checked" in said
    assert "S1" not in said and not (tmp_path / "home").exists()
    assert check(given, write(tmp_path / "fine.xlsx", {"List 1": [CHILD]}), None) == 0


def test_another_workbook_is_no_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with xlsxwriter.Workbook(tmp_path / "other.xlsx") as book:
        book.add_worksheet("Budget").write_row(0, 0, ["UPN", "Amount"])
    assert check(settings.load({"SEND_HOME": str(tmp_path / "home")}), tmp_path / "other.xlsx", None) == 1
    assert "No feed has files named like other.xlsx." in capsys.readouterr().out
