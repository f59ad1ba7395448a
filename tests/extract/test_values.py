"""Dates in any spelling, what stands around a value or for none, and lines that are no records."""

import csv
import datetime as dt
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from extract import contract as contracts
from extract import dates, read_file
from extract.contract import Contract, ContractError
from extract.file_issues import file_issues
from extract.refusal import Refusal
from extract.types import Typed
from send_ready import settings
from send_ready.issues import Issue
from send_ready.settings import LONDON

SETTINGS = settings.load({})
STUDENTS = contracts.load("capita_one.students", SETTINGS)
PLANS = contracts.load("capita_one.ehc_plans", SETTINGS)
CASES = contracts.load("ehc_hub.cases", SETTINGS)
HOME = contracts.load("capita_one.home_education", SETTINGS)
NEEDS = contracts.load("capita_one.sen_needs", SETTINGS)
HEADER = ("Student ID", "UPN", "UPN Unknown Reason", "Surname", "Date of Birth", "Sex", "Home LA", "Last Updated")
ONE_AT_A_TIME = [HealthCheck.function_scoped_fixture]
ZERO_WIDTH, NBSP = "\u200b", "\u00a0"


@dataclass
class Read:
    """What one export came to."""

    typed: Typed
    rows: list[dict[str, Any]]
    kinds: dict[int, str]
    issues: list[Issue]

    def said(self, rule: str) -> list[tuple[str | None, int | None]]:
        """Column and count of each issue of a rule."""
        return [(issue.column_name, issue.count) for issue in self.issues if issue.rule == rule]

    def values(self, column: str) -> list[Any]:
        return [row[column] for row in self.rows]


def read(folder: Path, rows: Sequence[Sequence[str]], contract: Contract = STUDENTS) -> Read:
    """Write a CSV, header first, and read it."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    path = folder / "x.csv"
    path.write_text(text.getvalue(), encoding="utf-8")
    with read_file.opened_export(path, ".csv", contract, folder / "scratch") as (con, outcome):
        assert not isinstance(outcome, Refusal), outcome
        result = con.execute("SELECT * FROM typed ORDER BY _line_no")
        names = [name for name, *_ in result.description or ()]
        found = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
        kinds = dict(con.execute("SELECT line_no, kind FROM quarantine ORDER BY 1").fetchall())
        return Read(outcome[1], found, kinds, file_issues(con, "x.csv", contract, *outcome))


def student(key: str, **values: str) -> list[str]:
    held = {"Student ID": key, "Date of Birth": "03/04/2012"} | {
        name.replace("_", " "): it for name, it in values.items()
    }
    return [held.get(name, "") for name in HEADER]


# Dates ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "2026-06-30T23:00:00Z", "2026-06-30T23:00:00+00:00", "2026-07-01T00:00:00+0100", "2026-06-30T23:00:00.000Z",
        "2026-06-30 23:00:00+00", "2026-06-30 23:00:00 UTC", "30/06/2026 23:00 GMT", "01/07/2026 00:30 BST",
        "2026-06-30T23:30:00.1234567+00:00", "2026-06-30T19:00:00-04:00", "20260630T230000Z",
        "Tue Jun 30 23:00:00 UTC 2026", "Wed Jul 01 2026 00:00:00 GMT+0100 (British Summer Time)",
        "2026-07-01T00:00+01:00[Europe/London]", "1 Jul 2026", "1st July 2026", "Wed 1 Jul 2026",
        "WEDNESDAY, 1 JULY 2026",
        "01-JUL-2026", "1/jul/2026", "1.7.2026", "2026/7/1", "Jul  1 2026 12:00AM", "July 1, 2026", "2026-Jul-01",
        "1st of July, 2026", "01/07/2026 12:15:00 am", "2026-07-01Z", "20260701",
    ],
)  # fmt: skip
def test_a_date_in_any_english_spelling_and_an_instant_as_london_saw_it(tmp_path: Path, text: str) -> None:
    found = read(tmp_path, [HEADER, student("1", Date_of_Birth=text, Last_Updated=text)])
    assert found.values("date_of_birth") == [dt.date(2026, 7, 1)]
    assert found.values("last_updated")[0].date() == dt.date(2026, 7, 1)
    assert not found.typed.unreadable


@pytest.mark.parametrize("name", ["Sep", "sep.", "SEPT", "Sept.", "september"])
@pytest.mark.parametrize(
    "written", ["1 {} 2021", "1-{}-2021", "01/{}/2021", "2021-{}-01 00:00:00", "Wed 1 {} 2021 09:30"]
)
def test_sept_is_september_wherever_a_month_has_a_name(name: str, written: str) -> None:
    moment = dates.parse_date(written.format(name))
    assert moment and moment.date() == dt.date(2021, 9, 1)


@pytest.mark.parametrize(
    "text",
    ["09/31/2026", "12/13/2026", "31 June 2026", "1 Foo 2026", "1/9/26", "Sep 2026", "2026", "12", "32/01/2026", "soon",
     "2026-06-30T25:00:00Z", "13:00 1/2/2026pm", "0/1/2026"],
)  # fmt: skip
def test_what_is_no_date_is_not_guessed(text: str) -> None:
    assert dates.parse_date(text) is None


SPELLINGS = (
    "{d:02}/{m:02}/{y}", "{d}/{m}/{y}", "{y}-{m:02}-{d:02}", "{y}-{m:02}-{d:02} 00:00:00", "{d}.{m}.{y}",
    "{d} {name} {y}", "{d:02}-{NAME}-{y}", "{y}-{name}-{d:02}", "{d} {full} {y}", "{weekday} {d} {name} {y}",
    "{y}{m:02}{d:02}", "{full} {d}, {y}", "{d:02}-{m:02}-{y}", "{y}/{m:02}/{d:02} 13:45",
    "{d:02}/{m:02}/{y} 01:45:10 PM", "{utc}", "{utcz}",
)  # fmt: skip


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=ONE_AT_A_TIME)
@given(
    days=st.lists(st.dates(dt.date(1930, 1, 1), dt.date(2098, 12, 31)), min_size=17, max_size=17),
    order=st.permutations(SPELLINGS),
)
def test_any_date_in_any_spelling_reads_back(tmp_path: Path, days: list[dt.date], order: list[str]) -> None:
    rows = []
    for number, (day, spelling) in enumerate(zip(days, order, strict=True)):
        instant = dt.datetime.combine(day, dt.time(), LONDON).astimezone(dt.UTC)
        text = spelling.format(
            d=day.day, m=day.month, y=day.year, name=f"{day:%b}", NAME=f"{day:%b}".upper(), full=f"{day:%B}",
            weekday=f"{day:%A}", utc=f"{instant:%Y-%m-%d %H:%M:%S}+00:00", utcz=f"{instant:%Y-%m-%dT%H:%M:%S}.000Z",
        )  # fmt: skip
        rows.append(student(str(100 + number), Date_of_Birth=text))
    found = read(tmp_path, [HEADER, *rows])
    none = set(next(column for column in STUDENTS.columns if column.name == "date_of_birth").none_dates)
    assert found.values("date_of_birth") == [None if day in none else day for day in days]


# Dates that stand for none --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["1900-01-01", "01/01/1900", "1900-01-01 00:00:00.000", "1 Jan 1900", "1753-01-01", "0001-01-01T00:00:00Z",
     "1/1/0001 12:00:00 AM", "9999-12-31 23:59:59", "31/12/9999", "31/12/2999", "30/12/1899", "00/00/0000",
     "0000-00-00 00:00:00"],
)  # fmt: skip
def test_a_date_for_none_is_blank_and_told_once_a_column(tmp_path: Path, text: str) -> None:
    header = ("Plan ID", "Student ID", "Initial Plan Date", "Cease Date")
    plans = [["1", "10", "01/09/2020", text], ["2", "11", text, text], ["3", "12", "01/09/2021", "31/08/2026"]]
    found = read(tmp_path, [header, *plans], PLANS)
    assert found.values("cease_date") == [None, None, dt.date(2026, 8, 31)]
    assert found.values("initial_plan_date") == [dt.date(2020, 9, 1), None, dt.date(2021, 9, 1)]
    assert found.said("F-36") == [("Initial Plan Date", 1), ("Cease Date", 2)]
    assert not found.typed.unreadable and not found.kinds


def test_a_date_for_none_in_a_key_leaves_no_key(tmp_path: Path) -> None:
    found = read(tmp_path, [("Student ID", "Start Date"), ("1", "01/01/1900"), ("2", "01/09/2026")], HOME)
    assert found.values("student_id") == ["2"] and found.kinds == {2: "key"}


def own_contract(folder: Path, none_dates: str) -> Contract:
    path = folder / "capita_one__ehc_plans.yml"
    shipped = (contracts.CONTRACTS / path.name).read_text(encoding="utf-8")
    path.write_text(
        shipped.replace("cease_date:                {type: date}", f"cease_date: {{type: date{none_dates}}}")
    )
    return contracts.parse("capita_one__ehc_plans", path, contracts.COLUMN_MAPS / "capita_one__ehc_plans.csv")


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ("", [None, dt.date(2010, 1, 1)]),
        (", none_dates: [2010-01-01]", [dt.date(1900, 1, 1), None]),
        (", none_dates: []", [dt.date(1900, 1, 1), dt.date(2010, 1, 1)]),
    ],
)
def test_a_contract_may_have_its_own_dates_for_none(tmp_path: Path, own: str, expected: list[dt.date | None]) -> None:
    rows = [("Plan ID", "Student ID", "Initial Plan Date", "Cease Date")]
    rows += [("1", "10", "01/09/2000", "01/01/1900"), ("2", "11", "01/09/2000", "01/01/2010")]
    assert read(tmp_path, rows, own_contract(tmp_path, own)).values("cease_date") == expected


@pytest.mark.parametrize(
    "wrong", [", none_dates: 1900-01-01", ", none_dates: [soon]", ", none_dates: [1900-01-01 00:00:00]"]
)
def test_dates_for_none_that_are_no_dates_are_refused_with_file_and_column(tmp_path: Path, wrong: str) -> None:
    said = r"ehc_plans.yml, column cease_date: none_dates is .* a list of dates such as"
    with pytest.raises(ContractError, match=said):
        own_contract(tmp_path, wrong)


def test_a_council_has_its_own_list_for_every_column(tmp_path: Path) -> None:
    (tmp_path / "none_dates.yml").write_text("none_dates: [1911-11-11]\n")
    own = contracts.load("capita_one.students", settings.load({"SEND_CONFIG": str(tmp_path)}))
    rows = [HEADER, student("1", Date_of_Birth="11/11/1911"), student("2", Date_of_Birth="01/01/1900")]
    assert read(tmp_path, rows, own).values("date_of_birth") == [None, dt.date(1900, 1, 1)]
    assert own.fingerprint != STUDENTS.fingerprint


# Around a value, and in place of one ----------------------------------------------------------------

WRAPPINGS = (
    '="{}"', "={}", "'{}", "'{}'", '"{}"', "{}" + ZERO_WIDTH, "\ufeff{}", "\u200e{}\u200f", "{}\u00ad", "{}\u2060",
    "{}\u202f", "\u2007{}", "{}" + NBSP, " {} ", "\t{}", "{}.0", '="{}"' + ZERO_WIDTH, "{}\u3000", "\u202a{}\u202c",
)  # fmt: skip


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=ONE_AT_A_TIME)
@given(wrapping=st.sampled_from(WRAPPINGS), ids=st.lists(st.integers(1, 999999), min_size=1, max_size=5, unique=True))
def test_an_id_survives_what_is_put_around_it(tmp_path: Path, wrapping: str, ids: list[int]) -> None:
    keys = [f"{number:06}" for number in ids]
    found = read(tmp_path, [HEADER, *(student(wrapping.format(key)) for key in keys)])
    assert found.values("student_id") == keys and not found.kinds


def test_what_was_taken_off_is_told_once_a_column(tmp_path: Path) -> None:
    rows = [
        student(f"10{ZERO_WIDTH}1", Sex="M" + ZERO_WIDTH),
        student('="102"', UPN="'A123"),
        student("103", Surname="’t Hooft"),
    ]
    found = read(tmp_path, [HEADER, *rows])
    assert found.values("student_id") == ["101", "102", "103"]
    assert found.values("upn") == [None, "A123", None] and found.values("surname")[2] == "’t Hooft"
    assert found.said("F-34") == [("Student ID", 1), ("Student ID", 1), ("UPN", 1), ("Sex", 1)]


def test_text_keeps_what_is_inside_it(tmp_path: Path) -> None:
    names = [f"{ZERO_WIDTH}Van{NBSP}Dyke{NBSP}", "می\u200cخواهم", "O'Brien", "=cmd|'x'!A1", '="Ash"', "Zoë\u2028"]
    found = read(tmp_path, [HEADER, *(student(str(at), Surname=name) for at, name in enumerate(names))])
    assert found.values("surname") == ["Van Dyke", "می\u200cخواهم", "O'Brien", "=cmd|'x'!A1", "Ash", "Zoë"]


@pytest.mark.parametrize(
    "text",
    ["NA", "n/a", "N / A", "None", "NULL", "null", "\\N", "-", "--", "–", ".", "?", "Unknown", "NOT KNOWN", "<null>",
     "(null)", "[NULL]", "nil", "NaN", "N/A" + ZERO_WIDTH, "'NULL'", '="N/A"', " Not applicable ", "No UPN"],
)  # fmt: skip
def test_a_word_for_none_is_no_id(tmp_path: Path, text: str) -> None:
    found = read(tmp_path, [HEADER, student("1", UPN=text, Home_LA=text), student("2", UPN=text), student(text)])
    assert found.values("upn") == [None, None] and found.values("home_la") == [None, None]
    assert found.values("student_id") == ["1", "2"] and found.kinds in ({4: "key"}, {4: "furniture"})
    assert found.said("F-35")[-2:] == [("UPN", 2), ("Home LA", 1)]


@pytest.mark.parametrize(
    ("text", "reason"), [("UN1", "UN1"), ("un 10", "UN10"), ("UN02", "UN2"), ("UN11", None), ("N/A", None)]
)
def test_a_reason_in_place_of_a_upn_is_the_reason_where_none_is_held(
    tmp_path: Path, text: str, reason: str | None
) -> None:
    rows = [
        student("1", UPN=text),
        student("2", UPN=text, UPN_Unknown_Reason="UN4"),
        student("3", UPN=text, UPN_Unknown_Reason="NULL"),
    ]
    found = read(tmp_path, [HEADER, *rows])
    assert found.values("upn_unknown_reason") == [reason, "UN4", reason]
    assert found.values("upn") == [text if text == "UN11" else None] * 3


def test_null_alone_in_a_cell_of_any_type_is_blank_and_a_surname_may_be_null(tmp_path: Path) -> None:
    held = {"Surname": "NULL", "Date_of_Birth": "NULL", "Sex": "Null", "Last_Updated": "\\N"}
    found = read(tmp_path, [HEADER, student("1", **held), student("2", Surname="Null"), student("3", Sex="None")])
    assert found.values("surname") == [None, "Null", None] and found.values("sex") == [None, None, "None"]
    assert found.values("date_of_birth")[0] is None and not found.typed.unreadable
    assert found.said("F-35") == [("Surname", 1), ("Date of Birth", 1), ("Sex", 1), ("Last Updated", 1)]
    assert all(issue.severity == "note" for issue in found.issues if issue.rule == "F-35")


@pytest.mark.parametrize("text", ["#N/A", "#REF!", "#####", "#SPILL!", "Err:502", "#NO RESULT!"])
def test_an_error_of_a_spreadsheet_is_blank_and_reported_in_every_type(tmp_path: Path, text: str) -> None:
    held = dict.fromkeys(("UPN", "Surname", "Date_of_Birth", "Sex"), text)
    found = read(tmp_path, [HEADER, student("1", **held), student("2", Surname="Ash")])
    assert [found.rows[0][name] for name in ("upn", "surname", "date_of_birth", "sex")] == [None] * 4
    assert [each.column for each in found.typed.unreadable] == ["upn", "surname", "date_of_birth", "sex"]


# Lines that are no records --------------------------------------------------------------------------

LINES = (
    ["Total", "3"], ["Total: 3"], ["Grand Total", "", "", "", "", "3"], ["TOTALS", "3", "", "", "1", "2"],
    ["Page 1 of 3"], ["SEND Students Report"], ["SEND Students Report", "16/11/2026"], ["275"],
    ["Report run on 16/11/2026 02:00"], ["Printed: 16 Nov 2026"], ["(3 rows affected)"], ["End of report"],
    ["*** END ***"], ["3 students"], ["Count", "3"], ["------", "---", "--------"], list(HEADER), ["STUDENT ID"],
    ["Number of records: 3"], ["OFFICIAL - SENSITIVE"], ["Sub-total", "1", "2"], ["Total" + ZERO_WIDTH, "3"],
    ["Run date", "16/11/2026"],
)  # fmt: skip


@pytest.mark.parametrize("line", LINES, ids=" ".join)
@pytest.mark.parametrize("at", [0, 2, 3])
def test_a_title_a_total_or_a_footer_is_set_aside_and_told_once(tmp_path: Path, line: list[str], at: int) -> None:
    rows = [student(f"10000{number}", Surname="Ash") for number in range(3)]
    rows.insert(at, [*line, *[""] * (len(HEADER) - len(line))])
    found = read(tmp_path, [HEADER, *rows])
    assert found.values("student_id") == ["100000", "100001", "100002"]
    assert found.kinds == {at + 2: "furniture"}
    assert found.said("F-33") == [(None, 1)] and not found.said("F-30")


@pytest.mark.parametrize(
    ("header", "contract", "row"),
    [
        (("Case Reference", "Child DOB", "Request Received"), CASES, ("HUB-00{}", "01/01/2015", "01/01/2026")),
        (("Plan ID", "Student ID", "Initial Plan Date", "Named URN"), PLANS, ("{}", "100001", "01/01/2020", "")),
        (("Student ID", "Start Date", "End Date"), HOME, ("10{}", "01/01/2020", "")),
        (("SEN Type", "Student ID", "Rank"), NEEDS, ("ASD", "10{}", "1")),
    ],
    ids=["cases", "plans", "home_education", "sen_needs"],
)
@pytest.mark.parametrize(
    "line", [["Total", "275"], ["Page 1 of 3"], ["Home Education Report"], ["(3 rows affected)"], []], ids=" ".join
)
def test_so_in_every_feed(
    tmp_path: Path, header: tuple[str, ...], contract: Contract, row: tuple[str, ...], line: list[str]
) -> None:
    rows = [[cell.format(number) for cell in row] for number in range(100, 105)]
    line = [*line, *[""] * (len(header) - len(line))] if line else list(header)
    found = read(tmp_path, [header, *rows, line], contract)
    assert len(found.rows) == 5
    assert found.kinds == {7: "key" if header[0] == "SEN Type" and line[0] == "Home Education Report" else "furniture"}


def test_a_child_of_whom_only_the_key_is_held_stays_and_is_told(tmp_path: Path) -> None:
    rows = [student("100001", Surname="Ash"), student("100002", Surname="Oak"), student("100003", Date_of_Birth="")]
    found = read(tmp_path, [HEADER, *rows])
    assert found.values("student_id") == ["100001", "100002", "100003"] and not found.kinds
    assert found.said("F-37") == [(None, 1)]


def test_a_key_of_another_shape_with_a_child_beside_it_stays(tmp_path: Path) -> None:
    rows = [student(key, Surname="Page", UPN="A123456789012") for key in ("100001", "TBC 2", "Total3", "End-1", "10.2")]
    rows += [student("7", Surname="Total"), student("8", Date_of_Birth="01/02/2013")]
    found = read(tmp_path, [HEADER, *rows])
    assert len(found.rows) == 7 and not found.kinds


def test_a_bare_count_does_not_take_the_place_of_the_child_with_that_key(tmp_path: Path) -> None:
    rows = [student(str(number), Surname="Ash") for number in range(1, 31)]
    found = read(tmp_path, [HEADER, *rows, ["30", *[""] * (len(HEADER) - 1)]])
    assert found.values("surname") == ["Ash"] * 30 and found.kinds == {32: "repeated_key"}
