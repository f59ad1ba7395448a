"""Files that lack columns of the feed and have others in their place: what becomes of their rows."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from expectations import frames
from extract import contract as contracts
from extract import read_file
from extract.contract import COLUMN_MAPS, CONTRACTS
from extract.file_issues import NO_UPN, file_issues
from extract.fit import fit, valid_upn
from extract.refusal import Refusal
from extract.types import Typed
from onboarding.profile import is_upn
from send_ready import database, settings
from send_ready.database import literal
from tests.onboarding import odd

SHIPPED = settings.load({})
UPN = "A999200012345"


def read(folder: Path, feed: str | contracts.Contract, text: str) -> tuple[Typed, list[dict[str, Any]], set[str]]:
    """What typing a CSV text comes to, its typed rows, and the codes of what is told."""
    contract = contracts.load(feed, SHIPPED) if isinstance(feed, str) else feed
    path = folder / "x.csv"
    path.write_text(text, encoding="utf-8")
    with read_file.opened_export(path, ".csv", contract, folder / "scratch") as (con, outcome):
        if isinstance(outcome, Refusal):
            raise outcome
        cursor = con.execute("SELECT * FROM typed ORDER BY ALL")
        names = [column[0] for column in cursor.description or ()]
        assert names == [*(column.name for column in contract.columns), "_line_no", "_unreadable"]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        found = file_issues(con, "x.csv", contract, *outcome)
        return outcome[1], rows, {issue.rule for issue in found}


def values(rows: Sequence[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


@pytest.mark.parametrize("contract", contracts.load_all(SHIPPED), ids=lambda contract: contract.id)
def test_a_file_of_the_default_layout_is_read_by_what_is_not_quiet(contract: contracts.Contract) -> None:
    default = [column for column in contract.columns if not column.is_quiet]
    fitted = fit(contract, [column.headers[0] for column in default])
    assert list(fitted.contract.columns) == default
    assert fitted.fills == {} and not fitted.places and not fitted.generated
    assert fitted.contract.required == contract.required and fitted.contract.musts == contract.musts
    quiet = {column.name for column in contract.columns if column.is_quiet}
    assert set(fitted.absent) == quiet and set(contract.key) - quiet == set(fitted.contract.key)


def test_a_upn_in_any_spelling_is_one_name_and_no_upn(tmp_path: Path) -> None:
    text = f"UPN,SEN Provision,Start Date\n{UPN},K,01/09/2024\n{UPN.lower()} ,K,02/09/2024\nB12,K,01/09/2024\n"
    typed, rows, told = read(tmp_path, "capita_one.sen_provision", text)
    names = {row["student_id"] for row in rows}
    assert len(names) == 2 and all(name.startswith("UPN-") and len(name) == 20 for name in names)
    assert UPN not in str(names) and {row["upn"] for row in rows} == {UPN, UPN.lower(), "B12"}
    assert "student_id" not in typed.fitted.absent and "F-55" in told


def test_two_rows_of_one_name_and_key_are_one_record(tmp_path: Path) -> None:
    text = f"UPN,SEN Provision,Start Date\n{UPN},E,01/09/2024\n{UPN.lower()},K,01/09/2024\n,K,01/09/2024\n"
    typed, rows, _ = read(tmp_path, "capita_one.sen_provision", text)
    assert values(rows, "sen_provision", "_line_no") == [("K", 3)]
    assert (typed.rows_accepted, typed.rows_quarantined) == (1, 2)


def test_a_student_id_comes_before_what_may_stand_in_for_it(tmp_path: Path) -> None:
    rows = f"1,{UPN},01/09/2024\n,{UPN},02/09/2024\n,,03/09/2024\n1,,01/09/2024\n"
    typed, found, told = read(tmp_path, "capita_one.home_education", f"Student ID,UPN,Start Date\n{rows}")
    assert [name[:4] for (name,) in values(found, "student_id")] == ["1", "UPN-"]
    assert typed.rows_quarantined == 2 and typed.filled == {"student_id": 1} and "F-55" in told


def test_a_key_of_another_system_says_of_which_and_is_never_a_shortened_number(tmp_path: Path) -> None:
    rows = "88,Synergy ,01/09/2024\n88,,01/09/2024\n1.23E+12,Synergy,01/09/2024\n#N/A,Synergy,01/09/2024\n"
    _, found, _ = read(tmp_path, "capita_one.home_education", f"Other ID,Other System,Start Date\n{rows}")
    assert values(found, "student_id") == [("KEY-88",), ("KEY-SYNERGY-88",)]


@pytest.mark.parametrize(
    ("columns", "cells", "urn"),
    [
        ("LAESTAB", "9992034", "DFE-9992034"),
        ("DfE Number", "999/2034", "DFE-9992034"),
        ("DfE Number", "999-2034", "DFE-9992034"),
        ("DfE Number", "999 2034", "DFE-9992034"),
        ("DfE No", "2034.0", "DFE-2034"),
        ("DfE No", "34", "DFE-0034"),
        ("Estab,LA Number", "2034,999", "DFE-9992034"),
        ("Estab,LA Number", "2034,", "DFE-2034"),
        ("Estab,LA Number", "9992034,998", "DFE-9992034"),
        ("Estab", "School 7", "DFE-School 7"),
        ("Estab,URN", "2034,100123", "100123"),
    ],
)
def test_establishments_by_their_dfe_numbers(tmp_path: Path, columns: str, cells: str, urn: str) -> None:
    text = f"Student ID,Enrolment Status,Entry Date,{columns}\n1,C,01/09/2024,{cells}\n"
    _, rows, _ = read(tmp_path, "capita_one.enrolments", text)
    assert values(rows, "urn") == [(urn,)]


def test_an_enrolment_that_names_no_establishment_is_set_aside(tmp_path: Path) -> None:
    text = "Student ID,Enrolment Status,Entry Date,LAESTAB\n1,C,01/09/2024,\n2,C,01/09/2024,9992034\n"
    typed, rows, _ = read(tmp_path, "capita_one.enrolments", text)
    assert values(rows, "student_id") == [("2",)] and typed.rows_quarantined == 1


def test_needs_that_stand_side_by_side_become_rows_with_their_rank(tmp_path: Path) -> None:
    rows = "1,ASD,SLCN,,01/09/2024\n2,,MLD,,\n3,,,,\n4,MLD,MLD,SEMH,\n1,ASD,SLCN,,01/09/2024\n"
    text = f"Student ID,SEN Type 1,SEN Type 2,SEN Type 10,Start Date\n{rows}"
    typed, found, told = read(tmp_path, "capita_one.sen_needs", text)
    assert values(found, "student_id", "sen_type", "rank") == [
        ("1", "ASD", 1),
        ("1", "SLCN", 2),
        ("2", "MLD", 2),
        ("4", "MLD", 1),
    ]
    assert (typed.rows_in_file, typed.rows_accepted, typed.rows_duplicate) == (5, 4, 1)  # lines, not needs
    assert typed.match.extra == ("SEN Type 10",) and "F-57" in told


def test_two_rows_of_one_child_side_by_side_lose_no_need(tmp_path: Path) -> None:
    text = "Student ID,Primary Need,Secondary Need\n1,ASD,\n1,SEMH,ASD\n"
    _, rows, _ = read(tmp_path, "capita_one.sen_needs", text)
    assert values(rows, "sen_type", "rank") == [("ASD", 1), ("SEMH", 1)]


def test_rows_without_an_id_are_known_by_what_they_hold_in_whatever_order_the_columns_stand(tmp_path: Path) -> None:
    one = "Plan ID,Meeting Date,LA Outcome\nP1,01/06/2026,M\nP1,01/06/2026,M\nP2,01/06/2026,M\n"
    other = "Hobby,LA Outcome,Meeting Date,Plan ID\nx,M,01/06/2026,P2\ny,M ,01/06/2026,P1\n"
    typed, first, told = read(tmp_path, "capita_one.annual_reviews", one)
    _, second, _ = read(tmp_path, "capita_one.annual_reviews", other)
    assert typed.rows_duplicate == 1 and "F-56" in told
    assert sorted(values(first, "review_id", "plan_id")) == sorted(values(second, "review_id", "plan_id"))
    assert len({row["review_id"] for row in first}) == 2


def test_needs_side_by_side_of_students_named_in_two_ways(tmp_path: Path) -> None:
    text = f"Student ID,UPN,SEN Type 1,SEN Type 2\n1,,ASD,\n,{UPN},SEMH,ASD\n,,MLD,\nTotal,2,,\n"
    typed, rows, _ = read(tmp_path, "capita_one.sen_needs", text)
    assert [(name[:4], need, rank) for name, need, rank in values(rows, "student_id", "sen_type", "rank")] == [
        ("1", "ASD", 1),
        ("UPN-", "ASD", 2),
        ("UPN-", "SEMH", 1),
    ]
    assert typed.furniture == [5] and typed.rows_quarantined == 2


def test_an_id_that_is_there_and_blank_is_not_made_up(tmp_path: Path) -> None:
    text = "Review ID,Plan ID,Meeting Date\n,P1,01/06/2026\n7,P1,02/06/2026\n"
    typed, rows, _ = read(tmp_path, "capita_one.annual_reviews", text)
    assert values(rows, "review_id") == [("7",)] and typed.rows_quarantined == 1


@pytest.mark.parametrize("by", ["Plan ID", "Student ID", "UPN", "Involvement ID", "Other ID"])
def test_reviews_name_a_plan_a_student_or_a_case(tmp_path: Path, by: str) -> None:
    typed, rows, _ = read(tmp_path, "capita_one.annual_reviews", f"{by},Meeting Date\n77,01/06/2026\n,02/06/2026\n")
    assert len(rows) == 1 and typed.rows_quarantined == 1
    named = [name for name in ("plan_id", "student_id", "involvement_id") if rows[0][name]]
    assert named == [{"Plan ID": "plan_id", "Involvement ID": "involvement_id"}.get(by, "student_id")]


def test_attendance_by_mark_is_a_row_a_mark_and_no_mark_is_an_error_of_excel(tmp_path: Path) -> None:
    rows = "".join(f"1,100123,01/09/2026,20/10/2026,{mark},{n}\n" for n, mark in enumerate("/\\#-ILN", start=1))
    text = f"Student ID,URN,Period Start,Period End,Mark,Sessions\n{rows}"
    typed, found, _ = read(tmp_path, "capita_one.attendance", text)
    assert {row["attendance_code"] for row in found} == set("/\\#-ILN") and not typed.unreadable
    assert typed.match.missing == ()


def test_a_mark_without_its_sessions_does_not_stand_in_for_them(tmp_path: Path) -> None:
    with pytest.raises(Refusal) as refusal:
        read(tmp_path, "capita_one.attendance", "Student ID,Week Commencing,Mark\n1,07/09/2026,/\n")
    assert refusal.value.reason == "Required column missing: Sessions Possible."


def test_a_file_that_names_nobody_is_refused_with_what_it_may_have(tmp_path: Path) -> None:
    with pytest.raises(Refusal) as refusal:
        read(tmp_path, "capita_one.home_education", "Name,Start Date\nA,01/09/2024\n")
    assert refusal.value.reason == "Required column missing: Student ID."
    assert "In place of Student ID it may have: UPN, Other ID." in refusal.value.fix


def test_what_a_file_lacks_is_absent_whatever_stands_in_for_other_columns(tmp_path: Path) -> None:
    default, _, _ = read(
        tmp_path, "capita_one.enrolments", "Student ID,URN,Enrolment Status,Entry Date\n1,1,C,1/9/2024\n"
    )
    other, _, _ = read(tmp_path, "capita_one.enrolments", "UPN,LAESTAB,Enrolment Status,Entry Date\n1,1,C,1/9/2024\n")
    lacking = {"nc_year", "leaving_date", "part_time_timetable", "weekly_hours"}
    assert set(default.match.missing) == set(other.match.missing) == lacking
    assert set(default.fitted.absent) == lacking | {"upn", "other_id", "other_system", "dfe_number", "dfe_la"}
    assert set(other.fitted.absent) == lacking | {"other_id", "other_system", "dfe_la"}


def own_layout(folder: Path, feed: str, *changes: tuple[str, str], headers: str = "") -> contracts.Contract:
    """A council's own contract and column map of a feed."""
    for kind, shipped in (("contracts", CONTRACTS / f"{feed}.yml"), ("column_maps", COLUMN_MAPS / f"{feed}.csv")):
        (folder / kind).mkdir(exist_ok=True)
        text = shipped.read_text()
        for change in changes if kind == "contracts" else ():
            assert change[0] in text
            text = text.replace(*change)
        (folder / kind / shipped.name).write_text(text if kind == "contracts" else text + headers)
    return contracts.load(feed.replace("__", "."), settings.load({"SEND_CONFIG": str(folder)}))


def test_words_for_yes_and_no_are_a_columns_own(tmp_path: Path) -> None:
    change = ("part_time_timetable: {type: boolean}", "part_time_timetable: {type: boolean, yes: [P, x], no: [F, '']}")
    contract = own_layout(tmp_path, "capita_one__enrolments", change)
    rows = "".join(f"{at},100123,C,01/09/2024,{word}\n" for at, word in enumerate(["p", "X", "F", "", "Y"]))
    text = f"Student ID,URN,Enrolment Status,Entry Date,Part Time Timetable\n{rows}"
    typed, found, told = read(tmp_path, contract, text)
    assert [row["part_time_timetable"] for row in found] == [True, True, False, False, None]
    assert typed.unreadable[0].lines == (6,) and "F-31" in told


def test_a_blank_that_means_no_does_so_only_where_the_column_is(tmp_path: Path) -> None:
    was = "personal_budget:           {type: boolean}"
    change = (was, was.replace("boolean", "boolean, no: ['', N]"))
    contract = own_layout(tmp_path, "capita_one__ehc_plans", change)
    _, rows, _ = read(tmp_path, contract, "Plan ID,Student ID,Initial Plan Date\n1,1,01/09/2024\n")
    assert rows[0]["personal_budget"] is None


def test_one_header_feeds_two_columns(tmp_path: Path) -> None:
    contract = own_layout(
        tmp_path, "capita_one__ehc_plans", headers="initial_plan_date,Plan Date\ncurrent_plan_date,Plan Date\n"
    )
    typed, rows, _ = read(tmp_path, contract, "Plan ID,Student ID,Plan Date\n1,1,01/09/2024\n")
    assert rows[0]["initial_plan_date"] == rows[0]["current_plan_date"] and rows[0]["initial_plan_date"]
    assert typed.match.extra == typed.match.repeated == ()


def test_a_councils_contract_of_before_has_the_quiet_columns_all_the_same(tmp_path: Path) -> None:
    feed = "capita_one__attendance"
    contract = own_layout(tmp_path, feed)
    for kind, suffix in (("contracts", "yml"), ("column_maps", "csv")):
        path = tmp_path / kind / f"{feed}.{suffix}"
        quiet = [f"{column.name}{end}" for column in contract.columns if column.is_quiet for end in ":,"]
        lines = [line for line in path.read_text().splitlines() if not line.strip().startswith(tuple(quiet))]
        path.write_text("\n".join(lines).replace(", attendance_code]", "]") + "\n")
    old = contracts.load("capita_one.attendance", settings.load({"SEND_CONFIG": str(tmp_path)}))
    assert set(old.columns) == set(contract.columns) and set(old.key) == set(contract.key)


def test_a_header_that_a_council_gives_to_another_column_is_no_quiet_ones(tmp_path: Path) -> None:
    own = tmp_path / "column_maps" / "capita_one__home_education.csv"
    own.parent.mkdir()
    own.write_text("column,header\nstudent_id,UPN\nstart_date,Start Date\nend_date,End Date\n")
    contract = contracts.load("capita_one.home_education", settings.load({"SEND_CONFIG": str(tmp_path)}))
    _, rows, _ = read(tmp_path, contract, f"UPN,Start Date\n{UPN},01/09/2024\n")
    assert values(rows, "student_id", "upn") == [(UPN, None)]


CELLS = {
    "Student ID": st.sampled_from(["1", "2", "", "3.0"]),
    "UPN": st.sampled_from([UPN, UPN.lower(), "B1", "", "N/A"]),
    "Other ID": st.sampled_from(["7", "", "1.2E+12"]),
    "Other System": st.sampled_from(["A", "b", ""]),
    "URN": st.sampled_from(["100123", ""]),
    "LAESTAB": st.sampled_from(["999/2034", "2034", "9992034", ""]),
    "LA Number": st.sampled_from(["999", ""]),
    "Enrolment Status": st.sampled_from(["C", "M", ""]),
    "Entry Date": st.sampled_from(["01/09/2024", "2024-09-01", "31/02/2024", ""]),
}


@hypothesis_settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_columns_a_file_has_its_rows_are_accounted_for_and_no_key_stands_twice(
    tmp_path: Path, data: st.DataObject
) -> None:
    names = data.draw(st.lists(st.sampled_from(list(CELLS)), min_size=3, unique=True))
    rows = data.draw(st.lists(st.tuples(*(CELLS[name] for name in names)), min_size=1, max_size=10))
    out = io.StringIO()
    csv.writer(out).writerows([names, *rows])
    try:
        typed, found, _ = read(tmp_path, "capita_one.enrolments", out.getvalue())
    except Refusal:
        return
    assert typed.rows_in_file == typed.rows_accepted + typed.rows_quarantined + typed.rows_duplicate
    keys = values(found, "student_id", "urn", "entry_date")
    assert len(keys) == len(set(keys)) == typed.rows_accepted and not any(None in key for key in keys)


def test_a_value_in_a_column_of_upns_that_is_none_is_told_with_its_lines_and_never_quoted(tmp_path: Path) -> None:
    good = odd.upn(1)
    rows = [good, f" {good[:7].lower()} {good[7:]}", "Malik,Amara,04/03/2022", "UN2", f"{good[:-1]}{9 - int(good[-1])}"]
    contract = contracts.load("capita_one.home_education", SHIPPED)
    path = tmp_path / "x.csv"
    path.write_text("UPN,Start Date\n" + "".join(f'"{row}",01/0{n}/2024\n' for n, row in enumerate(rows, start=1)))
    with read_file.opened_export(path, ".csv", contract, tmp_path / "scratch") as (con, outcome):
        assert not isinstance(outcome, Refusal)
        (told,) = [each for each in file_issues(con, "x.csv", contract, *outcome) if each.rule == NO_UPN]
    assert told.message == "Lines 4, 6: no UPN in UPN in 2 rows, so nobody can be found by them."
    assert (told.file_name, told.line_no, told.column_name, told.count) == ("x.csv", 4, "UPN", 2)


def test_a_upn_that_is_none_names_nobody_only_where_the_row_has_no_better_name(tmp_path: Path) -> None:
    text = f"Student ID,UPN,Start Date\n1,B12,01/09/2024\n,B12,02/09/2024\n,{odd.upn(1)},03/09/2024\n"
    typed, _, _ = read(tmp_path, "capita_one.home_education", text)
    assert typed.nameless == {"upn": [3]}


@hypothesis_settings(deadline=None, max_examples=20)
@given(st.lists(st.one_of(st.integers(0, 10**6).map(odd.upn), st.from_regex(r"[A-Z]\d{11}[0-9A-Z]", fullmatch=True))))
def test_a_upn_is_valid_in_the_database_as_it_is_in_python(values: list[str]) -> None:
    with database.scratch() as con:
        for value in values:
            assert con.execute(f"SELECT {valid_upn(literal(value))}").fetchone() == (is_upn(value),)


def test_the_start_of_a_period_is_of_no_week_also_without_its_end(tmp_path: Path) -> None:
    text = "Student ID,{},Sessions Possible\n1,01/09/2025,130\n"
    for header, expected in (("Week Commencing", 130), ("Period Start", None), ("Half Term Start", None)):
        contract = contracts.load("capita_one.attendance", SHIPPED)
        path = tmp_path / "x.csv"
        path.write_text(text.format(header))
        with read_file.opened_export(path, ".csv", contract, tmp_path / "scratch") as (con, outcome):
            assert not isinstance(outcome, Refusal)
            assert con.execute("SELECT week_commencing::VARCHAR FROM typed").fetchone() == ("2025-09-01",)
            sql = frames.HELPERS[contract.id]["week_sessions"]
            assert con.execute(f"SELECT {sql} FROM typed").fetchone() == (expected,)


PLACEMENT_HEADERS = (
    "UPN,LAESTAB,Named In Section I,Placement Rank (1=Primary, 2=Secondary),Placement Start Date,SEN Unit Indicator"
)


def test_placements_under_the_return_s_headings_without_an_id_a_student_id_or_a_urn(tmp_path: Path) -> None:
    """Ids as Excel makes numbers of them, a rank that is none, and neither yes nor no: each blank alone is told."""
    headers = PLACEMENT_HEADERS.replace(
        "Placement Rank (1=Primary, 2=Secondary)", '"Placement Rank (1=Primary, 2=Secondary)"'
    )
    lines = [f"{UPN},999/2034,Y,1.0,2025-09-01,0", f"{UPN},999/2034,No,2,01/09/2025,TRUE", f"{UPN},,perhaps,First,,"]
    _, rows, told = read(tmp_path, "capita_one.placements", "\n".join([headers, *lines, ""]))
    assert len(rows) == 3 and len({row["placement_id"] for row in rows}) == 3
    assert {row["student_id"][:4] for row in rows} == {"UPN-"}
    held = {(row["section_i"], row["rank"], row["urn"], row["sen_unit"]) for row in rows}
    assert held == {(True, 1, "DFE-9992034", False), (False, 2, "DFE-9992034", True), (None, None, None, None)}
    assert "F-31" in told  # perhaps, and First


@pytest.mark.parametrize("feed", ["capita_one.ehcp_assessments", "capita_one.ehc_plans", "capita_one.annual_reviews"])
def test_a_file_without_what_the_return_asks_besides_is_told_nothing_of_it(feed: str, tmp_path: Path) -> None:
    contract = contracts.load(feed, SHIPPED)
    default = [column for column in contract.columns if not column.is_quiet]
    day = {"date": "01/09/2025", "boolean": "Y"}
    text = ",".join(column.headers[0] for column in default) + "\n" + ",".join(day.get(c.type, "1") for c in default)
    _, rows, told = read(tmp_path, feed, text + "\n")
    quiet = [column.name for column in contract.columns if column.is_quiet]
    assert len(quiet) > 3 and all(rows[0][name] is None for name in quiet)
    assert told == set()
