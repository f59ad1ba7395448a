"""The checks of the SEN2 return: which there must be, what they read, and what they come to on a small return."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from expectations import frames, sen2
from expectations.sen2 import SUITES, Suite, validate_sen2
from publish.sen2 import issues_book
from send_ready import database, files, issues, runs, settings
from send_ready import sen2 as shape
from send_ready.database import identifier
from send_ready.runs import Run
from send_ready.settings import Settings
from send_ready.tables import TableError
from tests.rules.examples import AS_AT, sen2_columns
from warehouse import run_data

SHIPPED = settings.load({})
YEAR = 2027
SECRET = "Zsecret"
E, Q = "error", "query"
# The checks of the specification (S2-001, of the file, is the writer's), with their severities.
DECLARED = {
    "S2-002": {E}, "S2-003": {E}, "S2-004": {E},
    "S2-101": {E}, "S2-102": {E}, "S2-103": {E}, "S2-104": {E, Q}, "S2-105": {Q}, "S2-106": {E},
    "S2-201": {E, Q}, "S2-202": {E, Q}, "S2-203": {E}, "S2-204": {E}, "S2-205": {E}, "S2-206": {Q},
    "S2-301": {E, Q}, "S2-302": {E}, "S2-303": {Q}, "S2-304": {E},
    "S2-401": {E}, "S2-402": {E, Q}, "S2-403": {E}, "S2-404": {Q}, "S2-405": {Q}, "S2-406": {E},
    "S2-501": {E}, "S2-502": {E, Q}, "S2-503": {E}, "S2-504": {E}, "S2-505": {Q}, "S2-506": {Q}, "S2-507": {Q},
    "S2-508": {E}, "S2-509": {E}, "S2-510": {Q}, "S2-511": {Q}, "S2-512": {Q},
    "S2-601": {Q}, "S2-602": {Q},
}  # fmt: skip


def test_every_check_of_the_specification_is_declared_with_its_severity() -> None:
    found: dict[str, set[str]] = {}
    for suite in SUITES:
        for rule in sen2.rules_of(suite, SHIPPED):
            found.setdefault(rule.code, set()).add(rule.severity)
    assert found == DECLARED
    assert sorted(path.stem for path in sen2.SHIPPED.glob("*.yml")) == sorted(suite.name for suite in SUITES)


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_rules_read_columns_of_the_frame_and_are_about_elements(suite: Suite) -> None:
    columns = sen2_columns(suite)
    rules = sen2.rules_of(suite, SHIPPED)
    assert {column for rule in rules for column in rule.needs} <= frames.readable(sen2.helpers_name(suite), columns)
    assert {column for rule in rules for column in rule.shows} <= set(columns)
    modules = shape.modules(YEAR)
    named = modules if suite.module in (None, sen2.WHOLE) else {suite.module: modules[suite.module]}
    elements = {each.column_name for module in named.values() for each in module.elements} | modules.keys()
    assert {rule.column for rule in rules} - {"unique_id"} <= elements
    assert all(rule.owner for rule in rules)
    for text in (text for rule in rules for text in (rule.message, rule.fix)):
        assert re.fullmatch(r"[A-Z].*[.]", text) and len(text) < 200, text
        assert not re.search(r"[a-z]_[a-z]|[{}$<>]", text), text


def test_every_helper_and_threshold_is_used() -> None:
    needed = {column for suite in SUITES for rule in sen2.rules_of(suite, SHIPPED) for column in rule.needs}
    helpers = {name for suite in SUITES for name in frames.HELPERS.get(sen2.helpers_name(suite), {})}
    assert helpers <= needed
    within = " ".join(sql for suite in SUITES for sql in frames.HELPERS.get(sen2.helpers_name(suite), {}).values())
    unused = {name for name in frames.LIMITS if name not in needed and f"'{name.removeprefix('limit_')}'" not in within}
    assert not unused


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("oldest_age,many", "oldest_age is 'many', and must be a number"),
        ("plans_began,01/09/2014", "plans_began is '01/09/2014', and must be a date"),
        ("plans_began,2014-02-30", "must be a date"),
        ("transfer_ages,10;15", "must be numbers with spaces between"),
        ("review_months,12.5", "must be a whole number"),
        ("oldest_age,24.5", None),
        ("transfer_ages,10", None),
    ],
)
def test_a_threshold_of_a_council_is_of_the_shipped_one_s_kind(tmp_path: Path, row: str, said: str | None) -> None:
    path = tmp_path / "sen2" / "sen2_thresholds.csv"
    path.parent.mkdir()
    path.write_text(f"threshold,value,unit,checks,fires_when\n{row},,,\n")
    ours = settings.load({"SEND_CONFIG": str(tmp_path)})
    if said is None:
        sen2.check_thresholds(ours)
    else:
        with pytest.raises(TableError, match=said):
            sen2.check_thresholds(ours)


# A return of one person, about whom nothing is to be said.
FINE: dict[str, dict[str, Any]] = {
    "person": {
        "person_birth_date": "2015-03-01",
        "sex": "F",
        "ethnicity": "WBRI",
        "post_code": "AA1 1AA",
        "upn": "H999200006001",
        "is_upn_valid": True,
        "age_at_survey": 11,
        "active_plan_count": 1,
        "open_plan_count": 1,
    },
    "chain": {
        "case_id": "C1",
        "plan_id": "P1",
        "received_date": "2025-01-10",
        "request_outcome": "H",
        "assessment_outcome": "H",
        "start_date": "2025-06-10",
        "review_meeting": "2026-06-01",
        "has_assessment": True,
        "has_named_plan": True,
        "has_active_plans": True,
        "should_be_active": True,
        "named_count": 1,
        "named_rank_1_count": 1,
        "placement_count": 1,
        "open_count": 1,
        "rank_1_open_count": 1,
        "rank_2_open_count": 0,
        "need_count": 1,
        "plan_from_date": "2025-06-10",
        "are_reviews_known": True,
        "age_31_august": 11,
    },
    "placement": {"module": "placement_detail", "urn": "100001", "place_count": 1, "is_in_gias": True},
    "measures": {"measure": "header", "header_year": YEAR, "header_lea": "999"},
}
OF_RETURN = {
    "survey_year": YEAR,
    "survey_day": date(2027, 1, 21),
    "reference_day": AS_AT,
    "window_start": date(2026, 1, 1),
    "year_end": date(2026, 12, 31),
}
RETURN = """
    CREATE SCHEMA "int"; CREATE SCHEMA sen2; CREATE SCHEMA quality;
    CREATE TABLE "int".int_sen2__return AS SELECT 2027 AS survey_year, DATE '2027-01-21' AS survey_day,
        DATE '2027-03-11' AS due_day, DATE '2026-11-16' AS reference_day, DATE '2026-01-01' AS window_start,
        DATE '2026-11-16' AS window_end, true AS is_draft;
    CREATE TABLE sen2.sen2_person AS SELECT 1 AS id; CREATE TABLE sen2.sen2_active_plans AS SELECT 1 AS id;
"""


@pytest.fixture
def given(tmp_path: Path) -> Settings:
    return settings.load({"SEND_HOME": str(tmp_path), "AS_AT": AS_AT.isoformat()})


def build(run: Run, *rows: tuple[str, dict[str, Any]]) -> None:
    """A warehouse whose frames hold just these rows: each a frame, and what differs from FINE."""
    by_frame = {suite.frame: suite for suite in SUITES}
    with database.writer(run.warehouse) as con:
        con.execute(RETURN)
        held = ", ".join(f"NULL::{kind} AS {name}" for name, kind in issues.COLUMNS.items())
        con.execute(f"CREATE TABLE quality.quality_issues AS SELECT {held} WHERE false")
        for name, suite in by_frame.items():
            columns = sen2_columns(suite)
            kinds = ", ".join(f"{identifier(column)} {kind}" for column, kind in columns.items())
            con.execute(f"CREATE TABLE {suite.table} ({kinds})")
            for number, (_, given) in enumerate((row for row in rows if row[0] == name), start=1):
                row = {"row_id": f"{number}", "unique_id": f"A{number}"} | OF_RETURN | FINE[name] | given
                row = {column: value for column, value in row.items() if column in columns}
                names, marks = ", ".join(map(identifier, row)), ", ".join("?" * len(row))
                con.execute(f"INSERT INTO {suite.table} ({names}) VALUES ({marks})", list(row.values()))


@pytest.fixture
def fine() -> list[tuple[str, dict[str, Any]]]:
    return [(frame, {}) for frame in FINE]


def validated(run: Run, given: Settings) -> list[dict[str, Any]]:
    count = validate_sen2(run, given)
    with database.scratch() as con:
        found = run_data.rows(con, f"SELECT * FROM read_parquet('{run.issues(issues.SEN2)}')")
    assert len(found) == count
    return found


def test_nothing_is_said_of_a_return_without_faults(given: Settings, fine: list[Any]) -> None:
    run = runs.begin(given)
    build(run, *fine)
    assert validated(run, given) == []


def test_an_issue_names_child_case_plan_and_element_and_holds_no_value(given: Settings) -> None:
    run = runs.begin(given)
    build(
        run,
        ("person", {"upn": SECRET}),
        ("chain", {"dp": SECRET, "pb": False}),
        ("placement", {"module": "plan_detail", "row_id": "plan_detail 7", "sen_setting": SECRET, "place_count": 2}),
        ("measures", {"header_lea": SECRET}),
        ("measures", {"row_id": "plans", "measure": "plans", "figure": 120, "last_figure": 100}),
    )
    found = validated(run, given)
    assert [(i["rule"], i["severity"], i["module"], i["column_name"], i["unique_id"]) for i in found] == [
        ("S2-003", "error", "sen2", "LEA", None),
        ("S2-601", "query", "sen2", "ActivePlans", None),
        ("S2-102", "error", "person", "UPN", "A1"),
        ("S2-406", "error", "named_plan", "DP", "A1"),
        ("S2-502", "query", "plan_detail", "URN", "A1"),
        ("S2-503", "error", "plan_detail", "SENsetting", "A1"),
    ]
    (dp,) = (i for i in found if i["rule"] == "S2-406")
    assert (dp["case_id"], dp["plan_id"], dp["frame"], dp["row_id"]) == ("C1", "P1", "chain", "1")
    assert {i["category"] for i in found} == {"SEN2"} and all(i["fix"] and i["owner"] for i in found)
    assert SECRET not in str(found)
    results = run.folder / "rules" / "sen2" / "person.json"
    assert ("S2-102", "failed", 1) in {
        (each["rule"], each["state"], each["rows_failed"]) for each in files.read_json(results)["rules"]
    }
    assert SECRET not in "".join(path.read_text() for path in results.parent.iterdir())


def test_issues_of_the_return_stay_apart_from_those_of_exports_and_lists(given: Settings) -> None:
    run = runs.begin(given)
    build(run, ("person", {"sex": None}))
    validated(run, given)
    with run_data.opened(run) as con:
        assert run_data.rows(con, "SELECT count(*) AS n FROM issue") == [{"n": 0}]
        assert run_data.rows(con, "SELECT rule, unique_id FROM sen2_issue") == [{"rule": "S2-106", "unique_id": "A1"}]


def test_without_the_step_there_are_no_issues_of_the_return(given: Settings) -> None:
    run = runs.begin(given)
    build(run)
    with run_data.opened(run) as con:
        assert con.execute("SELECT count(*) FROM sen2_issue").fetchall() == [(0,)]


def test_a_return_of_nobody_says_so(given: Settings) -> None:
    run = runs.begin(given)
    build(run, ("measures", {}))
    (said,) = validated(run, given)
    assert (said["rule"], said["severity"]) == ("S2-000", "query")
    assert "nobody" in said["message"]


def test_a_frame_that_is_gone_breaks_its_suites_and_no_other(given: Settings, fine: list[Any]) -> None:
    run = runs.begin(given)
    build(run, *fine, ("person", {"upn": None}))
    with database.writer(run.warehouse) as con:
        con.execute('DROP TABLE "int".int_sen2__chain_frame; ALTER TABLE "int".int_sen2__person_frame DROP held_sex')
    found = validated(run, given)
    assert [(i["rule"], i["module"]) for i in found] == [
        ("S2-104", "person"),
        *(("S2-009", name) for name in ("requests", "assessment", "named_plan", "active_plans")),
    ]
    assert all("Nothing is known" in i["message"] for i in found[1:])


def test_a_return_of_a_year_without_a_layout_is_told_and_stops_nothing(given: Settings, fine: list[Any]) -> None:
    run = runs.begin(given)
    build(run, *fine)
    with database.writer(run.warehouse) as con:
        con.execute('UPDATE "int".int_sen2__return SET survey_year = 2019')
    found = validated(run, given)
    assert {i["rule"] for i in found} == {"S2-009"} and len(found) == len(SUITES)


def test_every_rule_can_be_run_when_every_column_is_blank(given: Settings) -> None:
    """The types hold, and nothing stops with an exception."""
    run = runs.begin(given)
    blank = {name: dict.fromkeys(row) for name, row in FINE.items()}
    true = {"has_assessment": True, "has_named_plan": True, "should_be_active": True}
    build(run, *((name, row | true if name == "chain" else row) for name, row in blank.items()))
    assert not [issue for issue in validated(run, given) if "could not be run" in issue["message"]]


def test_a_council_s_own_threshold_counts(tmp_path: Path) -> None:
    config = tmp_path / "config"
    (config / "sen2").mkdir(parents=True)
    (config / "sen2" / "sen2_thresholds.csv").write_text(
        "threshold,value,unit,checks,fires_when\noldest_age,10,years,S2-101,Ours\n"
    )
    given = settings.load({"SEND_HOME": str(tmp_path / "home"), "AS_AT": "2026-11-16", "SEND_CONFIG": str(config)})
    run = runs.begin(given)
    build(run, ("person", {}))
    assert [i["rule"] for i in validated(run, given)] == ["S2-101"]


# The workbook


@pytest.fixture
def book(given: Settings, tmp_path: Path) -> Iterator[openpyxl.Workbook]:
    run = runs.begin(given)
    build(
        run,
        ("person", {"upn": "=1+1", "upn_holders": "A1, A9", "open_plan_count": 2, "open_plan_ids": "P1, P2"}),
        ("chain", {"pb": False, "oa": True, "cease_date": "2025-12-31", "cease_reason": "9"}),
        ("placement", {"sen_setting": "NEET", "age_31_august": 15}),
        ("measures", {"row_id": "plans", "measure": "plans", "counted": "active plans", "figure": 120,
                      "last_figure": 100}),
    )  # fmt: skip
    validate_sen2(run, given)
    with run_data.opened(run) as con:
        assert issues_book.write(tmp_path, con, run, given) == {"error": 3, "query": 4}
    yield openpyxl.load_workbook(tmp_path / issues_book.NAME)


def _rows(book: openpyxl.Workbook, sheet: str) -> list[dict[str, Any]]:
    header, *rows = book[sheet].iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_the_workbook_has_errors_first_each_with_its_values_and_what_to_do(book: openpyxl.Workbook) -> None:
    rows = _rows(book, "All issues")
    assert [(row["Rule"], row["Severity"], row["Unique ID"], row["Element"], row["Values"]) for row in rows] == [
        ("S2-102", "Error", "A1", "UPN", "UPN =1+1"),
        ("S2-403", "Error", "A1", "CeaseDate", "CeaseDate 31/12/2025"),
        ("S2-406", "Error", "A1", "OA", "OA yes; PB no"),
        ("S2-404", "Query", "A1", "CeaseReason", "CeaseReason 9; CeaseDate 31/12/2025"),
        ("S2-507", "Query", "A1", "SENsetting", "SENsetting NEET; age at 31 August 15"),
        ("S2-512", "Query", "A1", "Requests", "open plans P1, P2"),
        ("S2-601", "Query", None, "ActivePlans", "of active plans; number 120; last year 100"),
    ]
    assert all(row["What to do"] and row["Who"] and row["What is wrong"] for row in rows)
    assert {row["Module"] for row in rows} == {"Person", "NamedPlan", "PlacementDetail", "Message"}
    assert [row["Rule"] for row in _rows(book, "By rule")][:3] == ["S2-102", "S2-403", "S2-406"]
    assert len(_rows(book, "To Data team")) == 1 and len(_rows(book, "To SEN casework team")) == 6


def test_the_workbook_says_what_it_is_of_and_whose_numbers_these_are(book: openpyxl.Workbook) -> None:
    said = " ".join(str(cell) for row in book["About"].iter_rows(values_only=True) for cell in row if cell is not None)
    assert "A draft" in said and "16/11/2026" in said and "21/01/2027" in said
    assert "numbers (S2-…) are our own" in said
    assert "Compared with the return of last year" in said


def test_what_is_not_said_in_words_is_known() -> None:
    """Every column that a rule of the return shows is an element, or in words; or nobody needs to see it."""
    unsaid = {
        *(f"is_{what}" for what in ("upn_valid", "another_council_s", "in_gias", "closed", "contested")),
        *(f"has_{what}" for what in ("assessment", "named_plan", "active_plans", "sen_unit", "resourced_provision")),
        *(f"are_{what}_known" for what in ("reviews", "phase_transfers", "flags")),
        *("should_be_active", "unique_id", "case_id", "measure", "survey_year", "reference_day", "window_start"),
        *("active_plan_count", "open_plan_count", "named_count", "need_count", "place_count", "rank_1_open_count"),
    }
    elements = {
        name for module in shape.modules(YEAR).values() for name in (each.column_name for each in module.columns)
    }
    shown = {
        column
        for suite in SUITES
        for rule in sen2.rules_of(suite, SHIPPED)
        for column in (*rule.needs, *rule.shows)
        if column in sen2_columns(suite)
    }
    assert shown - elements - set(issues_book.SAID) <= unsaid


def test_the_page_for_users_is_of_the_rules_that_ship() -> None:
    """Written anew: .venv/bin/python -c 'from expectations.sen2 import page; print(page(2027), end="")'."""
    assert (settings.PROJECT / "docs" / "users" / "sen2-checks.md").read_text(encoding="utf-8") == sen2.page(YEAR)
