"""What the page and the brief say of the SEN2 return: how far it is, what stops it, what DfE would publish of it."""

import re
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from publish_run import AS_AT, child, finished_run, issue, settings

from publish import pack
from publish.report import readiness
from publish.sen2 import brief, figures, section
from send_ready import database, issues
from send_ready.issues import Sen2Issue
from send_ready.runs import Run
from warehouse import run_data

COLUMNS = (
    "measure_no INTEGER, measure VARCHAR, breakdown_value VARCHAR, area VARCHAR, title VARCHAR, unit "
    "VARCHAR, value DECIMAL(18,1), numerator BIGINT, denominator BIGINT, not_known_because VARCHAR, "
    "last_year_value DECIMAL(18,1), last_year_numerator BIGINT, last_year_denominator BIGINT, "
    "england_value DECIMAL(18,1), england_period VARCHAR, england_release VARCHAR, numerator_words "
    "VARCHAR, denominator_words VARCHAR, dfe_measure VARCHAR, note VARCHAR, survey_year INTEGER, la_code "
    "VARCHAR, run_id VARCHAR"
)
MEASURES: list[dict[str, Any]] = [
    {"measure": "plans", "title": "Plans in place", "unit": "count", "value": 1234, "numerator": 1234},
    {"measure": "twenty_weeks", "title": "Within 20 weeks", "unit": "percent", "value": 56.1, "numerator": 37,
     "denominator": 66, "england_value": 46.4, "england_period": "2024", "numerator_words": "Issued in 140 days"},
    {"measure": "work_based", "title": "In work-based learning", "unit": "percent",
     "not_known_because": "Nothing of it is recorded for anybody."},
    {"measure": "plans_by_need", "breakdown_value": "ASD", "title": "Plans by need", "unit": "percent", "value": 50,
     "numerator": 617, "denominator": 1234},
]  # fmt: skip


def made(home: Path, as_at: date = AS_AT, **changes: Any) -> Run:
    """A finished run with a return of 2027 and its measures."""
    run = finished_run(home, list_1=[child("S1")])
    with database.writer(run.warehouse) as con:
        for name in ("int", "sen2", "seeds"):
            con.execute(f"CREATE SCHEMA IF NOT EXISTS {name}")
        con.execute(
            "CREATE OR REPLACE TABLE int.int_sen2__return AS SELECT 2027 AS survey_year, "
            f"DATE '2027-01-21' AS survey_day, DATE '2027-03-11' AS due_day, {as_at < date(2027, 1, 21)} AS is_draft"
        )
        con.execute("CREATE TABLE IF NOT EXISTS seeds.code_names (code_set VARCHAR, code VARCHAR, name VARCHAR)")
        con.execute("INSERT INTO seeds.code_names VALUES ('sen_type', 'ASD', 'autistic spectrum disorder')")
        con.execute(f"CREATE OR REPLACE TABLE sen2.sen2_measures ({COLUMNS})")
        for number, row in enumerate(MEASURES, 1):
            held = {"measure_no": number, "breakdown_value": "all", **row, **changes}
            names = ", ".join(held)
            con.execute(
                f"INSERT INTO sen2.sen2_measures ({names}) VALUES ({', '.join('?' * len(held))})", [*held.values()]
            )
    return run


def checked(run: Run, *found: issues.Issue) -> Run:
    """The run after its checks found something."""
    held = [Sen2Issue(**asdict(each)) for each in found]
    issues.write(run.issues(issues.SEN2), held, kind=Sen2Issue)
    return run


def page(run: Run) -> str:
    """The text of the page's section, without markup; empty where there is none."""
    path = run.folder / "readiness.html"
    with run_data.opened(run) as con:
        readiness.write(path, con, run, {"council": "Sampleshire", "rows": {"List 1": 1}, "issues": {}}, None)
    found = re.search(r'<section id="sen2".*?</section>', path.read_text(encoding="utf-8"), re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[0])) if found else ""


def test_without_a_return_the_page_has_no_section(tmp_path: Path) -> None:
    assert page(finished_run(tmp_path)) == ""


def test_a_draft_says_that_it_is_one_and_how_many_days_are_left(tmp_path: Path) -> None:
    said = page(made(tmp_path))
    assert f"SEN2 2027: draft as at {AS_AT.day} November 2026" in said
    assert "Due on 11 March 2027 In 115 days" in said
    assert "The checks of the return were not made" in said  # which is not the same as none failed
    assert "1,234" in said and "There is no return of 2026 to compare with" in said


def test_errors_stop_it_and_queries_do_not(tmp_path: Path) -> None:
    upn = issue(rule="S2-104", severity="error", message="Neither UPN nor ULN", count=3)
    other = issue(rule="S2-404", severity="query", message="Reason 9", count=2)
    said = page(checked(made(tmp_path), upn, other))
    assert "3 errors would stop its authorisation" in said and "2 queries may stay" in said
    assert "S2-104 Neither UPN nor ULN 3" in said
    assert "No error would stop its authorisation" in page(checked(made(tmp_path / "b"), other))
    assert "Nothing was found that would stop" in page(checked(made(tmp_path / "c")))


def test_what_is_not_known_is_said_and_england_stands_with_its_year(tmp_path: Path) -> None:
    said = page(made(tmp_path))
    assert "Within 20 weeks 56.1% 37 of 66 46.4% (2024)" in said
    assert "Not known: In work-based learning. Nothing of it is recorded for anybody." in said
    assert "Plans by need: Autistic spectrum disorder 50.0% 617 of 1,234" in said
    assert "20 weeks 56.1% 37 of 66 12.0% 46.4%" in page(made(tmp_path / "b", last_year_value=12))


def test_the_page_leads_to_files_that_are_there(tmp_path: Path) -> None:
    run = made(tmp_path)
    folder = run.folder / section.FOLDER
    folder.mkdir()
    (folder / "sen2_issues.xlsx").write_bytes(b"")
    page(run)
    assert '<a href="sen2/sen2_issues.xlsx">' in (run.folder / "readiness.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("is_draft", [True, False])
def test_the_brief_is_short_and_says_what_is_decided(tmp_path: Path, is_draft: bool) -> None:
    run = made(tmp_path, date(2026, 11, 16) if is_draft else date(2027, 2, 1))
    checked(run, issue(rule="S2-104", severity="error", message="Neither | nor", count=3))
    request = {"is_rehearsal": is_draft, "version": 2}
    with run_data.opened(run) as con:
        manifest = pack.about(con, run, settings(run.home, as_at=run.as_at), None)
        manifest |= {"request": request, "return": {"serial_no": "002"}, "rows": {"sen2_person": 1500}}
        brief.write(run.folder / "brief.md", con, run, {**manifest, "to_send": ["SEN2_2027_999_002.xml"]})
    text = (run.folder / "brief.md").read_text(encoding="utf-8")
    assert len(text) < 6_000
    assert ("A DRAFT" in text) == ("A rehearsal" in text) == is_draft
    assert "serial number **002**" in text and "SEN2_2027_999_002.xml" in text
    assert r"| S2-104 | Neither \| nor | Error | 3 |" in text
    assert "| Person | 1,500 |" in text and "3 errors would stop authorisation" in text


def test_a_message_is_the_same_whoever_it_is_about(tmp_path: Path) -> None:
    two = [issue(rule="S2-101", severity="error", unique_id=each, message="No date of birth") for each in ("S1", "S2")]
    run = checked(made(tmp_path), *two)
    with run_data.opened(run) as con:
        found = figures.found(con, run)
    assert found and [(each.rule, each.number) for each in found] == [("S2-101", 2)]


def test_a_rule_says_what_is_wrong_and_what_to_do_of_the_same_aspect(tmp_path: Path) -> None:
    aspects = [("Blank.", "Zap it.", "S1"), ("Too old.", "Ask.", "S2"), ("Too old.", "Ask.", "S3")]
    found_ = [issue(rule="S2-101", message=message, fix=fix, unique_id=who) for message, fix, who in aspects]
    run = checked(made(tmp_path), *found_)
    with run_data.opened(run) as con:
        found = figures.found(con, run)
    assert found and [(each.message, each.fix, each.number) for each in found] == [("Too old.", "Ask.", 3)]
