"""One workbook with sheets of several kinds is several sources: who takes it, whose a row is, and who goes with it."""

import os
import time
from datetime import date, datetime
from pathlib import Path

import pytest
import xlsxwriter

from commands.check_own import own_files
from extract import landing
from extract.own import accounting, source
from extract.own.source import SourceError
from operations import settle
from operations.retention.person import find_person
from operations.retention.purge import purge
from publish.report.check import OK
from send_ready.settings import LONDON
from tests.extract.own.council import FEED, NAME, Council

YML = """
title: Casework extract
owner: SEND team
file_names: ["SEND extract {part} {date}"]
stale_after_days: 8
"""
SELECT = """
SELECT "Pupil" AS student_id, any_date("On") AS start_date, events._file, events._line
FROM events JOIN people USING ("Pupil")
"""
PEOPLE = [("S1", "Ann Ash"), ("S2", "Bob Bay"), ("S3", "Cyd Cox")]
EVENTS = [("S1", "01/09/2026"), ("S2", "02/09/2026")]
NOW = datetime(2026, 11, 16, 9, 0, tzinfo=LONDON)


@pytest.mark.parametrize(
    ("one", "other", "is_alone"),
    [
        ("People", "Events", True), (" people ", "PEOPLE", False), ("People", None, False), ("People", "every", False),
        ("Peop*", "Events", True), ("Peop*", "People", False), ("North*", "South*", True), ("*north", "*South", True),
        ("*1*", "*2*", False), ("A*", "*B", False), ("A*x", "AB*y", True), ("[AB]*", "C", True),
        ("[AB]*", "[CD]*", False), ("P?ople", "People", False), ("1 People", "1 People*", False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("ending", ["", ".csv", ".xlsx"])
def test_only_sheets_that_cannot_both_fit_are_two_sources(
    tmp_path: Path, one: str, other: str | None, is_alone: bool, ending: str
) -> None:
    parsed = []
    for name, sheet in (("one", one), ("other", other)):
        path = tmp_path / f"{name}.yml"
        path.write_text(YML.replace("{date}", f"{{date}}{ending}") + (f'sheet: "{sheet}"\n' if sheet else ""))
        parsed.append(source.parse(name, path))
    if is_alone and ending != ".csv":
        source.check_alone(parsed[1], parsed[:1], tmp_path / "other.yml")
        return
    with pytest.raises(SourceError, match="would be of source other and of one"):
        source.check_alone(parsed[1], parsed[:1], tmp_path / "other.yml")


def drop(council: Council, day: str, people: list[tuple[str, str]], events: list[tuple[str, str]]) -> None:
    path = council.given.inbox / f"SEND extract North {day}.xlsx"
    with xlsxwriter.Workbook(path) as book:
        for name, lines in (("1 People", [("Pupil", "Name"), *people]), ("4 Events", [("Pupil", "On"), *events])):
            sheet = book.add_worksheet(name)
            for at, line in enumerate(lines):
                sheet.write_row(at, 0, line)
    os.utime(path, (time.time() - 60, time.time() - 60))


@pytest.fixture
def sheets(council: Council) -> Council:
    council.configure("sources/people.yml", f"{YML}sheet: 1 People\n")
    council.configure("sources/events.yml", f"{YML}sheet: '*Events'\n")
    council.configure(f"prepare/{NAME}.sql", SELECT)
    return council


def landed(council: Council, name: str) -> list[str]:
    return [each.file_name for each in landing.history(council.given.home, source.load(name, council.given))]


def test_the_workbook_is_of_each_and_a_place_says_the_sheet(sheets: Council) -> None:
    drop(sheets, "20261116", PEOPLE, EVENTS)
    night = sheets.night()
    assert night.set_aside() == {} and night.told("F-47") == []
    assert night.result["status"] == "fresh"
    book = "SEND extract North 20261116.xlsx"
    assert night.rows("student_id, _file, _line_no") == [("S1", f"{book}, sheet 2", 2), ("S2", f"{book}, sheet 2", 3)]
    assert landed(sheets, "people") == landed(sheets, "events") == [book]
    accounting.account(night.run)
    assert {name: each["rows_unused"] for name, each in night.sources().items()} == {"people": 3, "events": 0}


def test_make_check_and_the_night_say_the_same(sheets: Council) -> None:
    drop(sheets, "20261116", PEOPLE, EVENTS)
    with settle.trial(sheets.given) as (given, settled):
        assert not settled.set_aside
        (sources, _, told), prepared, _ = own_files(given, date(2026, 11, 16))
    assert prepared == {FEED} and [line.cells[2][:4] for line in told.lines] == ["F-21"]  # no end date
    assert [(line.level, line.cells[:2]) for line in sources.lines] == [
        (OK, ("events", "Fresh")),
        (OK, ("people", "Fresh")),
    ]


def test_a_file_without_sheets_under_the_same_name_is_of_neither(sheets: Council) -> None:
    sheets.drop("SEND extract North 20261116.csv", [("S1", "Ann", "", "")])
    night = sheets.night()
    assert sorted(night.told("F-47")) == [
        "Not landed: by its name it is also of sources.events.",
        "Not landed: by its name it is also of sources.people.",
    ]


def test_who_stands_in_one_sheet_goes_with_the_workbook_of_every_source(sheets: Council) -> None:
    drop(sheets, "20261110", PEOPLE, EVENTS)
    sheets.night("2026-11-10")
    found = find_person(sheets.given, ["S3"], NOW.date())  # who has no event
    assert sorted(said.split(":")[0] for said in found.blockers) == ["sources.events", "sources.people"]
    drop(sheets, "20261116", PEOPLE[:2], EVENTS)
    sheets.night()
    assert not find_person(sheets.given, ["S3"], NOW.date()).blockers
    assert purge(sheets.given, NOW, by="A", why="B", do=True, person=["S3"])
    assert landed(sheets, "people") == landed(sheets, "events") == ["SEND extract North 20261116.xlsx"]
    assert sheets.night().students() == {"S1", "S2"}


def test_rows_that_one_row_may_stand_for_are_not_counted(sheets: Council) -> None:
    sheets.configure(f"prepare/{NAME}.sql", """
        SELECT "Pupil" AS student_id, min(any_date("On")) AS start_date, min(_file) AS _file, min(_line) AS _line
        FROM events GROUP BY "Pupil"
    """)  # fmt: skip
    drop(sheets, "20261116", PEOPLE, [*EVENTS, ("S1", "03/09/2026")])
    night = sheets.night()
    accounting.account(night.run)
    assert night.told("F-52") == [
        "Line 4 of SEND extract North 20261116.xlsx, sheet 2: no row of a feed (capita_one.home_education) names these "
        f"lines, but others may stand for them, by GROUP BY, DISTINCT or QUALIFY in prepare/{NAME}.sql."
    ]
    assert night.told("F-53") == ["No preparation reads this source, so nothing of it is in the lists."]
