"""Chronologies of named children: which days, which words, which sheets, and what is said of an ID nobody has."""

import csv
import re
import shutil
import zipfile
from calendar import isleap
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from publish.chronology import chronology, events
from publish.chronology.events import Kind, Period
from send_ready import database
from send_ready.runs import Run, RunError
from tests.dbt.harness import AS_AT, PROJECT, build, contracts, make_raw
from warehouse import run_data

NOTIFIED = date(2026, 11, 16)
LEAP_DAY = date(2024, 2, 29)
HOSTILE = '=HYPERLINK("http://x")'
NAMES = ("Quillon", "Zephyrine")
SEEDS = PROJECT / "seeds"


def student(unique_id: str, **changes: Any) -> dict[str, Any]:
    names = {"surname": NAMES[0], "forename": NAMES[1], "postcode": "ZZ1 1ZZ", "date_of_birth": date(2015, 7, 9)}
    return {"student_id": unique_id, **names, **changes}


def suspension(number: int, unique_id: str, day: date) -> dict[str, Any]:
    return {"exclusion_id": f"X{number}", "student_id": unique_id, "category": "SUSP", "start_date": day, "sessions": 3}


def week(unique_id: str, day: date, missed: int) -> dict[str, Any]:
    about = {"student_id": unique_id, "urn": "100001", "week_commencing": day, "sessions_possible": 10}
    return about | {"authorised_absence": missed}


ROWS: dict[str, list[dict[str, Any]]] = {
    "capita_one.students": [student("1"), student("2"), student("3", date_of_birth=None), student("a/b:c")],
    "capita_one.ehc_plans": [
        {"plan_id": "P1", "student_id": "1", "initial_plan_date": date(2025, 3, 3)},
        {"plan_id": "P2", "student_id": "2", "initial_plan_date": date(2019, 3, 3), "cease_date": date(2020, 1, 1)},
        {"plan_id": "P3", "student_id": "a/b:c", "initial_plan_date": date(2019, 3, 3)},
    ],
    "capita_one.sen_needs": [{"student_id": "1", "sen_type": "ASD", "rank": 1}],
    "capita_one.enrolments": [
        {"student_id": "1", "urn": "100001", "enrolment_status": "M", "entry_date": date(2020, 9, 1)},
        {"student_id": "1", "urn": "999999", "enrolment_status": "S", "entry_date": date(2025, 9, 1)},
    ],
    "capita_one.home_education": [{"student_id": "a/b:c", "start_date": date(2020, 1, 1)}],
    "capita_one.exclusions": [
        suspension(number, "3", day)
        for number, day in enumerate((date(2022, 2, 28), date(2022, 3, 1), LEAP_DAY, date(2024, 3, 1)))
    ],
    "capita_one.attendance": [
        week("1", date(2024, 11, 4) + timedelta(weeks=number), 5 if number < 3 else 0) for number in range(5)
    ],
    "social_care.involvements": [
        {
            "person_id": "C1",
            "first_name": NAMES[1],
            "last_name": NAMES[0],
            "dob": date(2015, 7, 9),
            "postcode": "ZZ1 1ZZ",
            "status": "Child in need",
            "team": HOSTILE,
            "start_date": date(2026, 1, 5),
        }
    ],
    "ehc_hub.cases": [
        {"case_reference": "9", "child_dob": date(2015, 7, 9), "migrated_student_id": "1"},
        {"case_reference": "7", "child_dob": date(2016, 7, 9), "request_received": date(2026, 1, 1)},
    ],
    "gias.establishments": [
        {"urn": "100001", "la_code": "999", "establishment_name": "Ash School", "type_code": "1", "phase_code": "2"}
    ],
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    made = Run(tmp_path_factory.mktemp("home"), "a", AS_AT, "999")
    made.folder.mkdir(parents=True)
    rows = {feed: [_typed(feed, row) for row in given] for feed, given in ROWS.items()}
    build(make_raw(made.warehouse, rows))
    return made


def _typed(feed: str, row: dict[str, Any]) -> dict[str, Any]:
    """A row under the column names of the feed's contract."""
    names = contracts()[feed]["columns"]
    return {name if name in names else {"dob": "date_of_birth"}[name]: value for name, value in row.items()}


def made(run: Run, path: Path, *unique_ids: str, notified_on: date = NOTIFIED) -> tuple[Any, list[str]]:
    messages = chronology.chronology(run, unique_ids, notified_on, path)
    return openpyxl.load_workbook(path), messages


def table(sheet: Any) -> list[tuple[Any, ...]]:
    """The rows under the header that begins with Date."""
    rows = [tuple(cell.value for cell in row) for row in sheet.iter_rows()]
    starts = [number for number, row in enumerate(rows, 1) if row[0] == "Date"]
    return rows[starts[0] :] if starts else []


def texts(book: Any) -> list[str]:
    return [str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]


@given(st.dates(date(1999, 1, 1), date(2099, 12, 31)))
def test_two_years_before_a_day_is_the_same_day_and_of_29_february_the_28th(day: date) -> None:
    before = events.years_before(day)
    if (day.month, day.day) == (2, 29):
        assert before == date(day.year - 2, 2, 28)
    else:
        assert (before.year, before.month, before.day) == (day.year - 2, day.month, day.day)
    leap_days = sum(before < date(year, 2, 29) <= day for year in range(before.year, day.year + 1) if isleap(year))
    assert (day - before).days == 730 + leap_days
    assert not isleap(before.year) or day.year % 4 == 2


@given(st.dates(date(1999, 1, 1), date(2099, 12, 31)))
def test_a_later_day_never_looks_further_back(day: date) -> None:
    assert events.years_before(day) <= events.years_before(day + timedelta(days=1))


def test_the_period_is_open_at_its_start_and_closed_at_its_end(run: Run, tmp_path: Path) -> None:
    book, _ = made(run, tmp_path / "c.xlsx", "3", notified_on=LEAP_DAY)
    assert [row[0].date() for row in table(book["3"])] == [date(2022, 3, 1), LEAP_DAY]
    assert "after 28/02/2022, up to 29/02/2024" in " ".join(texts(book))


def test_nothing_is_shown_beyond_the_as_at_date(run: Run, tmp_path: Path) -> None:
    book, _ = made(run, tmp_path / "c.xlsx", "1", notified_on=AS_AT + timedelta(days=9))
    assert f"up to {AS_AT:%d/%m/%Y}" in " ".join(texts(book))


def test_absence_that_was_under_way_when_the_period_begins_is_shown_whole(run: Run, tmp_path: Path) -> None:
    book, _ = made(run, tmp_path / "c.xlsx", "1")
    (first, *_) = table(book["1"])
    assert first[0] == datetime(2024, 11, 4)
    assert first[2] == "Missed 15 sessions of 30 possible (50%) in 3 weeks from 04/11/2024 to the week of 18/11/2024."
    after, _ = made(run, tmp_path / "later.xlsx", "1", notified_on=date(2026, 11, 18))
    assert table(after["1"])[0][1] != "Half a week or more missed"


def test_a_childs_sheet_says_who_and_what_and_where_from(run: Run, tmp_path: Path) -> None:
    book, messages = made(run, tmp_path / "c.xlsx", "1")
    assert messages == []
    about = {row[0].value: row[1].value for row in book["1"].iter_rows(min_row=4, max_row=8)}
    assert about == {
        "Unique ID": "1",
        "Age": "11",
        "Primary need": "Autistic spectrum disorder",
        "Plan": "EHC plan issued 03/03/2025",
        "School": "Ash School (Primary); the establishment with URN 999999",
    }
    told = [(row[0].date(), *row[1:]) for row in table(book["1"])[1:]]
    assert told == [
        (date(2025, 3, 3), "EHC plan issued", "EHC plan issued.", "Capita One: EHC plans, plan_id=P1", None, None),
        (
            *(date(2025, 9, 1), "Joined a school"),
            "Joined the establishment with URN 999999. Subsidiary registration of two.",
            *("Capita One: Enrolments, student_id=1; urn=999999; entry_date=2025-09-01", None, None),
        ),
    ]


def test_neither_names_nor_birth_dates_are_shown(run: Run, tmp_path: Path) -> None:
    book, messages = made(run, tmp_path / "c.xlsx", "1", "2", "SC-C1")
    shown = " ".join([*texts(book), *messages])
    assert not any(word in shown for word in (*NAMES, "ZZ1", "09/07/2015", "2015-07-09"))


def test_what_a_source_holds_stays_text(run: Run, tmp_path: Path) -> None:
    book, _ = made(run, tmp_path / "c.xlsx", "SC-C1", HOSTILE)
    assert f"Social care involvement began: Child in need, {HOSTILE}." in texts(book)
    assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row)
    assert "<f>" not in zipfile.ZipFile(tmp_path / "c.xlsx").read("xl/worksheets/sheet1.xml").decode()


def test_ids_are_told_by_their_place_and_do_not_stop_the_others(run: Run, tmp_path: Path) -> None:
    asked = ("1", "NOBODY-77", "2", " 1 ", "", "HUB-9")
    book, messages = made(run, tmp_path / "c.xlsx", *asked)
    assert messages == [
        "Unique ID 2 of 6: Nobody in the data has it. Check it against the first column of the lists, and ask again.",
        "Unique ID 3 of 6: On neither list as at 16/11/2026. Check that it is the child who was named.",
        "Unique ID 4 of 6: The same child as number 1: written once.",
        "Unique ID 5 of 6: It is blank. Give the Unique ID of the child.",
        "Unique ID 6 of 6: The same child as number 1: written once.",
    ]
    assert book.sheetnames == ["Contents", "1", "2"]
    contents = [tuple(cell.value for cell in row) for row in book["Contents"].iter_rows(min_row=5, max_row=8)]
    assert [(row[0], row[1], row[3], row[4]) for row in contents] == [
        ("1", 3, "1", "1"),
        ("NOBODY-77", None, None, None),
        ("2", 0, "2", "2"),
        (None, None, None, None),
    ]


def test_an_id_that_was_given_up_leads_to_the_child(run: Run, tmp_path: Path) -> None:
    book, messages = made(run, tmp_path / "c.xlsx", "HUB-9")
    assert messages == ["Unique ID 1 of 1: The child has another Unique ID; the first sheet shows it."]
    assert book.sheetnames == ["Contents", "1"]
    assert [book["Contents"].cell(5, column).value for column in (1, 4)] == ["HUB-9", "1"]


def test_the_hubs_own_reference_leads_to_the_child_where_it_is_nobodys_unique_id(run: Run, tmp_path: Path) -> None:
    book, messages = made(run, tmp_path / "c.xlsx", "9")
    assert messages == ["Unique ID 1 of 1: The child has another Unique ID; the first sheet shows it."]
    assert book.sheetnames == ["Contents", "1"]


def test_no_id_at_all_makes_a_workbook_without_children(run: Run, tmp_path: Path) -> None:
    book, messages = made(run, tmp_path / "c.xlsx")
    assert messages == ["No Unique ID was given: the workbook holds no child."]
    assert book.sheetnames == ["Contents"]


def test_a_child_without_events_has_a_sheet_that_says_so(run: Run, tmp_path: Path) -> None:
    book, _ = made(run, tmp_path / "c.xlsx", "a/b:c")
    sheet = book["a-b-c"]
    assert "No event of this child is recorded between these days." in [row[0].value for row in sheet.iter_rows()]
    assert [row[1].value for row in sheet.iter_rows(min_row=4, max_row=8)] == [
        *("a/b:c", "11", "Not recorded", "EHC plan issued 03/03/2019", "home educated")
    ]


def test_the_contents_say_what_the_sources_cover(run: Run, tmp_path: Path) -> None:
    book, _ = made(run, tmp_path / "c.xlsx", "1", notified_on=date(2026, 11, 1))
    shown = texts(book)
    assert "Attendance begins with the week of 04/11/2024: absence before it is not known." in shown
    assert {contract["title"] for contract in contracts().values() if not contract.get("is_optional")} <= {
        text.removeprefix("Capita One: ") for text in shown
    }
    assert "Advice still awaited" in shown


def test_what_never_came_is_not_known_and_not_neither() -> None:
    """Without plans or SEN provision nobody can say that a child has neither; and each missing feed is told."""

    def feed(name: str, title: str, came: bool, missing: tuple[str, ...] = ()) -> run_data.Feed:
        about = ("fresh", came, AS_AT, None, 1, 0, 1, missing)
        return run_data.Feed(name, title, "Team", *about)

    plans, support = feed("capita_one.ehc_plans", "EHC plans", True), feed("capita_one.sen_provision", "SEN", True)
    assert chronology._support_known([plans, support]) == "Neither EHC plan nor SEN support"
    never = feed("capita_one.sen_provision", "SEN provision", False)
    assert chronology._support_known([plans, never]) == "Not known: no export of SEN provision has ever been received."
    with database.scratch() as con:
        con.execute("ATTACH ':memory:' AS built")
        con.execute("CREATE SCHEMA built.core")
        con.execute("CREATE TABLE built.core.fct_attendance_week (week_commencing_date DATE)")
        advice = feed("ehc_hub.advice", "EHC Hub advice", True, ("received_date",))
        told = list(chronology._gaps(con, events.Period(AS_AT, AS_AT), [plans, never, advice]))
    assert told == [
        "No export of SEN provision has ever been received: what it would tell is not known.",
        "The export of advice does not say what was received: what is still awaited is not known.",
        "There is no attendance, so no absence is shown.",
    ]


def test_a_practitioner_can_go_on_with_it(run: Run, tmp_path: Path) -> None:
    book, _ = made(run, tmp_path / "c.xlsx", "1")
    sheet = book["1"]
    assert not sheet.protection.sheet
    assert sheet.auto_filter.ref == "A11:F14"
    assert (sheet.page_setup.orientation, int(sheet.page_setup.paperSize)) == ("landscape", 9)
    assert sheet.print_title_rows == "$11:$11"
    note = sheet["F12"]
    assert note.value is None and note.alignment.wrap_text and note.border.bottom.style
    xml = zipfile.ZipFile(tmp_path / "c.xlsx").read("xl/worksheets/sheet2.xml").decode()
    (heights,) = re.findall(r'<row r="12"[^>]*>', xml)
    assert 'ht="' in heights and "customHeight" not in heights  # room for its text, and for what is typed


def test_equal_input_gives_equal_bytes(run: Run, tmp_path: Path) -> None:
    for name in ("a.xlsx", "b.xlsx"):
        made(run, tmp_path / name, "1", "3")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_a_run_that_was_not_built_is_told(run: Run, tmp_path: Path) -> None:
    unbuilt = Run(tmp_path, "b", AS_AT, "999")
    with pytest.raises(RunError, match="Run b has no finished warehouse"):
        chronology.chronology(unbuilt, ["1"], NOTIFIED, tmp_path / "c.xlsx")
    half = Run(tmp_path, "half", AS_AT, "999")
    half.folder.mkdir(parents=True)
    make_raw(half.warehouse)
    with pytest.raises(RunError, match="SEND_RUN_ID"):
        chronology.chronology(half, ["1"], NOTIFIED, tmp_path / "c.xlsx")
    assert not (tmp_path / "c.xlsx").exists()


def test_a_councils_own_wording_that_lacks_something_loses_no_event(run: Run, tmp_path: Path) -> None:
    changed = Run(tmp_path, "a", AS_AT, "999")
    changed.folder.mkdir(parents=True)
    shutil.copy(run.warehouse, changed.warehouse)
    with database.writer(changed.warehouse) as con:
        con.execute("DELETE FROM seeds.event_types WHERE event_type = 'school_joined'")
        con.execute("UPDATE seeds.event_types SET sentence = 'A {plam}.' WHERE event_type = 'plan_issued'")
    book, messages = made(changed, tmp_path / "c.xlsx", "1")
    assert [row[1:3] for row in table(book["1"])[1:]] == [
        ("EHC plan issued", "A {plam}."),
        ("School joined", "School joined."),
    ]
    assert len(messages) == 1
    assert "the sentence of plan_issued names {plam}" in messages[0]


@given(st.text(max_size=60), st.sets(st.text(max_size=31), max_size=5))
def test_a_sheet_has_a_name_that_excel_takes(unique_id: str, taken: set[str]) -> None:
    used = {name.casefold() for name in taken} | set(chronology.RESERVED)
    before = set(used)
    name = chronology.sheet_name(unique_id, used)
    assert 1 <= len(name) <= 31
    assert not set(name) & set("[]:*?/\\")
    assert name[0] != "'" != name[-1]
    assert used - before == {name.casefold()}


def test_ids_that_look_alike_to_excel_have_sheets_of_their_own() -> None:
    taken: set[str] = set(chronology.RESERVED)
    names = [chronology.sheet_name(unique_id, taken) for unique_id in ("ab", "AB", "a?", "a*", "x" * 40, "x" * 41)]
    assert names == ["ab", "AB (2)", "a-", "a- (2)", "x" * 31, "x" * 27 + " (2)"]
    assert chronology.sheet_name("contents", taken) == "contents (2)"
    assert chronology.sheet_name("History", taken) == "History (2)"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"code": "A", "detail": "B"}, "Began: A, B."),
        ({"code": "A", "detail": None}, "Began: A."),
        ({"code": None, "detail": "B"}, "Began, B."),
        ({"code": "", "detail": None}, "Began."),
        ({"code": "{detail} [x]", "detail": None}, "Began: {detail} [x]."),
    ],
)
def test_a_part_in_brackets_goes_when_its_value_is_blank(values: dict[str, str | None], expected: str) -> None:
    assert events.sentence("Began[: {code}][, {detail}].", values) == expected


def test_a_value_that_must_be_there_and_is_not_is_said_to_be_missing() -> None:
    assert events.sentence("Left {place}.", {"place": None}) == "Left not recorded."


@given(st.text(), st.text())
def test_values_are_never_read_as_wording(code: str, detail: str) -> None:
    told = events.sentence("<{code}|{detail}>", {"code": code or "-", "detail": detail or "-"})
    assert told == f"<{code or '-'}|{detail or '-'}>"


@pytest.mark.parametrize(
    ("sessions", "days"), [(1, "½ day"), (2, "1 day"), (3, "1½ days"), (4, "2 days"), (15, "7½ days")]
)
def test_two_sessions_are_a_day(sessions: int, days: str) -> None:
    assert events.school_days(sessions) == days


def seed(path: str) -> list[dict[str, str]]:
    with (SEEDS / path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_event_types_are_worded_and_their_codes_have_names() -> None:
    kinds = seed("spec/event_types.csv")
    limits = {row["limit_name"]: row["days"] for row in seed("spec/statutory_limits.csv")}
    assert len({row["event_type"] for row in kinds}) == len({row["sort_order"] for row in kinds}) == len(kinds)
    sets = {row["code_set"] for row in seed("codes/code_names.csv")}
    for row in kinds:
        kind = Kind(row["event_type"], row["title"], row["sentence"])
        assert not kind.unknown_names, kind
        assert "[" not in events.OPTIONAL.sub("", kind.sentence) and kind.title and row["definition"]
        assert {row["code_set"], row["detail_set"]} <= sets | {""}, kind
        assert set(row["source_feeds"].split()) <= set(contracts()), kind
        days = limits[row["limit_name"]] if row["limit_name"] else ""
        assert days in row["definition"] or days == "0"


def test_every_code_that_an_event_shows_has_a_name() -> None:
    names = {(row["code_set"], row["code"]) for row in seed("codes/code_names.csv")}
    for row in seed("spec/event_types.csv"):
        for code_set in {row["code_set"], row["detail_set"]} - {""}:
            path = SEEDS / "xwalk" / f"xwalk_{code_set}.csv"
            if path.exists():
                codes = {each["code"] for each in seed(f"xwalk/{path.name}")} - {""}
                assert {(code_set, code) for code in codes} <= names, code_set


def test_a_period_says_its_days() -> None:
    assert str(Period(date(2024, 11, 16), NOTIFIED)) == "after 16/11/2024, up to 16/11/2026"
