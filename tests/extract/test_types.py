"""Text to types, and what becomes of every row."""

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from extract import contract as contracts
from extract import furniture, read_file
from extract.refusal import Refusal
from extract.types import Typed, match_header
from send_ready import settings

SETTINGS = settings.load({})
STUDENTS = contracts.load("capita_one.students", SETTINGS)
ATTENDANCE = contracts.load("capita_one.attendance", SETTINGS)
HEADER = "Student ID,UPN,Surname,Date of Birth,Sex,Disability,Last Updated"


def read(folder: Path, text: str, contract: contracts.Contract = STUDENTS) -> tuple[Typed, list[tuple], list[tuple]]:  # type: ignore[type-arg]
    """What type_rows gives, the typed rows and the quarantine of a CSV text."""
    path = folder / "x.csv"
    path.write_text(text, encoding="utf-8")
    with read_file.opened_export(path, ".csv", contract, folder / "scratch") as (con, outcome):
        assert not isinstance(outcome, Refusal), outcome
        shown = "student_id, upn, surname, date_of_birth, sex, disability" if contract is STUDENTS else "*"
        rows = con.execute(f"SELECT {shown} FROM typed").fetchall()
        quarantine = con.execute("SELECT line_no, column_name, reason, record FROM quarantine ORDER BY 1").fetchall()
        return outcome[1], rows, quarantine


def kinds(folder: Path, text: str, contract: contracts.Contract = STUDENTS) -> dict[int, str]:
    """By line, the kind of quarantine of a CSV text."""
    path = folder / "x.csv"
    path.write_text(text, encoding="utf-8")
    with read_file.opened_export(path, ".csv", contract, folder / "scratch") as (con, outcome):
        assert not isinstance(outcome, Refusal), outcome
        return dict(con.execute("SELECT line_no, kind FROM quarantine ORDER BY 1").fetchall())


def test_each_row_in_quarantine_says_of_which_kind_it_is(tmp_path: Path) -> None:
    rows = f"1,,A,01/01/2012,M,,\n1,,B,01/01/2012,M,,\n,,C,01/01/2012,M,,\n2,,D\n{HEADER}\n3,,E,01/01/2012,M,,\n"
    assert kinds(tmp_path, f"{HEADER}\n{rows}") == {2: "repeated_key", 4: "key", 5: "shape", 6: "furniture"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("03/04/2012", dt.date(2012, 4, 3)),  # day first, always
        ("3/4/2012", dt.date(2012, 4, 3)),
        ("2012-04-03", dt.date(2012, 4, 3)),
        ("2012-04-03 00:00:00", dt.date(2012, 4, 3)),
        ("2012-04-03T10:15:00", dt.date(2012, 4, 3)),
        ("2012-04-03T10:15:00.000Z", dt.date(2012, 4, 3)),
        ("2012-Apr-03 00:00:00", dt.date(2012, 4, 3)),
        ("03-04-2012", dt.date(2012, 4, 3)),
        (" 03/04/2012\u00a0", dt.date(2012, 4, 3)),
        ("29/02/2012", dt.date(2012, 2, 29)),
        ("", None),
    ],
)
def test_dates_that_are_read(tmp_path: Path, text: str, expected: dt.date | None) -> None:
    typed, rows, _ = read(tmp_path, f"{HEADER}\n1,,Ash,{text},M,,\n")
    assert rows[0][3] == expected
    assert typed.unreadable == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10", 10),
        ("10.0", 10),
        ("-1", -1),
        ("999999999", 999_999_999),
        ("1000000000", None),
        ("-1E+09", None),
        ("9223372036854775807", None),
        ("1e400", None),
        ("nan", None),
        ("10.5", None),
    ],
)
def test_whole_numbers_that_can_be_added_up_are_read(tmp_path: Path, text: str, expected: int | None) -> None:
    header = "Student ID,URN,Week Commencing,Sessions Possible"
    typed, rows, _ = read(tmp_path, f"{header}\n1,100001,16/11/2026,{text}\n", ATTENDANCE)
    assert rows[0][3] == expected
    assert [found.column for found in typed.unreadable] == ([] if expected else ["sessions_possible"])


def test_a_row_tells_which_of_its_columns_hold_something_that_cannot_be_read(tmp_path: Path) -> None:
    text = f"{HEADER}\n1,,Ash,03/04/2012,M,,\n2,,Ash,,M,perhaps,soon\n3,,Ash,03/04/2012,M,maybe,\n"
    path = tmp_path / "x.csv"
    path.write_text(text, encoding="utf-8")
    with read_file.opened_export(path, ".csv", STUDENTS, tmp_path / "scratch") as (con, _):
        told = con.execute("SELECT student_id, _unreadable FROM typed ORDER BY 1").fetchall()
    assert told == [("1", None), ("2", "disability,last_updated"), ("3", "disability")]


@pytest.mark.parametrize(
    ("text", "expected"), [("50%", 50.0), ("50", 50.0), ("12.5%", 12.5), ("0.5", 0.5), ("%", None), ("half", None)]
)
def test_a_percent_sign_is_no_part_of_a_number(tmp_path: Path, text: str, expected: float | None) -> None:
    actions = contracts.load("board.actions", SETTINGS)
    header = "Action ID,Area,Action,Due Date,Status,% Complete"
    typed, rows, _ = read(tmp_path, f"{header}\n1,Advice,Agree,31/12/2026,Done,{text}\n", actions)
    assert rows[0][6] == expected
    assert [unreadable.column for unreadable in typed.unreadable] == ["percent_complete"] * (expected is None)


@pytest.mark.parametrize(
    "text", ["31/02/2012", "29/02/2013", "2012-13-01", "04/13/2012", "16/11/12", "#N/A", "soon", "12"]
)
def test_a_required_date_that_cannot_be_read_is_blank_and_its_row_stays(tmp_path: Path, text: str) -> None:
    typed, rows, quarantine = read(tmp_path, f"{HEADER}\n1,,Ash,{text},M,,\n2,,Oak,01/01/2012,F,,\n")
    assert [(row[0], row[3]) for row in rows] == [("1", None), ("2", dt.date(2012, 1, 1))]
    assert not quarantine
    assert [(u.column, u.count, u.lines) for u in typed.unreadable] == [("date_of_birth", 1, (2,))]
    assert (typed.rows_in_file, typed.rows_accepted, typed.rows_quarantined) == (2, 2, 0)


@pytest.mark.parametrize("text", ["", "31/02/2026", "soon"])
def test_a_date_of_the_key_that_cannot_be_read_sets_the_row_aside(tmp_path: Path, text: str) -> None:
    home_education = contracts.load("capita_one.home_education", SETTINGS)
    _, rows, quarantine = read(tmp_path, f"Student ID,Start Date\n1,{text}\n2,01/01/2026\n", home_education)
    assert [row[0] for row in rows] == ["2"]
    assert quarantine[0][:2] == (2, "Start Date")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Y", True), ("yes", True), ("1", True), ("1.0", True), ("True", True), ("N", False), ("0.0", False), ("", None)],
)
def test_yes_and_no(tmp_path: Path, text: str, expected: bool | None) -> None:
    assert read(tmp_path, f"{HEADER}\n1,,Ash,01/01/2012,M,{text},\n")[1][0][5] is expected


def test_an_optional_value_that_cannot_be_read_is_blank_and_reported(tmp_path: Path) -> None:
    typed, rows, quarantine = read(tmp_path, f"{HEADER}\n1,,Ash,01/01/2012,M,maybe,\n2,,Oak,01/01/2012,F,,\n")
    assert rows[0][5] is None and not quarantine
    assert [(u.column, u.count, u.lines) for u in typed.unreadable] == [("disability", 1, (2,))]


def test_ids_as_floats_and_text_with_no_break_spaces(tmp_path: Path) -> None:
    _, rows, _ = read(tmp_path, f"{HEADER}\n123456.0, A1\u00a0,Van\u00a0Dyke ,01/01/2012,1.0,,\n")
    assert rows[0][:3] == ("123456", "A1", "Van Dyke")
    assert rows[0][4] == "1"


def test_of_rows_with_one_key_the_latest_stays_and_repeats_go(tmp_path: Path) -> None:
    typed, rows, quarantine = read(
        tmp_path,
        f"{HEADER}\n"
        "1,,New,01/01/2012,M,,02/01/2026 10:00:00\n"
        "1,,Old,01/01/2012,M,,01/01/2026 10:00:00\n"
        "2,,Same,01/01/2012,M,,\n"
        "2,,Same,01/01/2012,M,,\n"
        ",,Nokey,01/01/2012,M,,\n",
    )
    assert [row[2] for row in rows] == ["New", "Same"]
    assert [(line, column) for line, column, _, _ in quarantine] == [(3, None), (6, "Student ID")]
    assert quarantine[0][2] == "Line 2 has the same key (student_id) and is later; it was kept."
    assert (typed.rows_in_file, typed.rows_accepted, typed.rows_quarantined, typed.rows_duplicate) == (5, 2, 2, 1)


def test_without_last_updated_the_last_in_the_file_stays(tmp_path: Path) -> None:
    header = "Student ID,URN,Week Commencing,Sessions Possible,Authorised Absence"
    body = "1,,05/01/2026,10,1\n1,,05/01/2026,10,2\n1,,05/01/2026,10,1\n1,123456,05/01/2026,10,3\n"
    typed, rows, quarantine = read(tmp_path, f"{header}\n{body}", ATTENDANCE)
    assert [(row[1], row[4], row[-2]) for row in rows] == [(None, 1, 4), ("123456", 3, 5)]
    assert [line for line, *_ in quarantine] == [3]
    assert typed.rows_duplicate == 1


def test_headers_are_found_by_alias_in_any_order_and_oddities_reported() -> None:
    match = match_header(["last name", "\ufeffDOB", "STUDENT-ID\n", "Surname", "Hobby"], STUDENTS)
    assert match.positions == {"surname": 3, "date_of_birth": 1, "student_id": 2}
    assert match.repeated == ("last name",)
    assert match.extra == ("Hobby",)
    assert "upn" in match.missing


def test_a_missing_required_column_refuses_the_file_and_says_what_to_do() -> None:
    with pytest.raises(Refusal) as refusal:
        match_header(["Student ID", "UPN", "Birthday"], STUDENTS)
    assert refusal.value.reason == "Required column missing: Date of Birth."
    assert "capita_one__students.csv" in refusal.value.fix and "Birthday" in refusal.value.fix


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    table=st.lists(
        st.tuples(
            st.sampled_from(["1", "2", "3", "", "1.0"]),
            st.sampled_from(["Ash", "Oak", ""]),
            st.sampled_from(["01/01/2012", "2012-01-01", "31/02/2012", ""]),
            st.sampled_from(["01/01/2026", "02/01/2026", "x", ""]),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_every_row_is_accounted_for(tmp_path: Path, table: list[tuple[str, str, str, str]]) -> None:
    last = ["9,End,01/01/2012,", "8.0,End,01/01/2012,", ""]  # a number alone on a line is a count, unless IDs look so
    text = "\n".join(["Student ID,Surname,Date of Birth,Last Updated", *map(",".join, table), *last])
    typed, rows, quarantine = read(tmp_path, text)
    rows_in_file = sum(any(row) for row in table) + 2  # a line of nothing but separators is none
    assert typed.rows_in_file == rows_in_file == len(rows) + len(quarantine) + typed.rows_duplicate
    ids = [row[0] for row in rows]
    assert len(ids) == len(set(ids))
    usable = {row[0].removesuffix(".0") for row in table if row[0]}
    assert usable | {"8", "9"} == set(ids)


def test_numbers_that_a_spreadsheet_shortened_are_nobodys(tmp_path: Path) -> None:
    """Rounded, the IDs of many children are one; a UPN or an ID of letters may look much alike."""
    text = f"{HEADER}\n1.23E+12,,Ash,,,,\n1E+05,,Oak,,,,\n1E5,E123456789012,Elm,,,,\n3,1.2E+11,Yew,,,,\n"
    typed, rows, quarantine = read(tmp_path, text)
    assert [row[:3] for row in rows] == [("1E5", "E123456789012", "Elm"), ("3", "1.2E+11", "Yew")]
    assert not typed.unreadable
    assert [row[:2] for row in quarantine] == [(2, "Student ID"), (3, "Student ID")]
    assert quarantine[0][2].endswith("expected an ID in full, not shortened as in 1.2E+12.")


def test_a_header_between_the_rows_is_no_record(tmp_path: Path) -> None:
    needs = contracts.load("capita_one.sen_needs", SETTINGS)  # of which no date is required
    _, rows, quarantine = read(tmp_path, "\ufeffStudent ID ,SEN Type,Rank\n1,ASD,1\nStudent ID,SEN Type,Rank\n", needs)
    assert len(rows) == 1
    assert [row[:3] for row in quarantine] == [(3, None, furniture.REASON)]
