"""What the rules on landed feeds come to: issues, refused files, and nothing of a child in either."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from expectations import findings
from expectations.feeds import LISTED, validate_feeds
from extract.choose import extract
from extract.inbox import arrivals
from send_ready import files, runs, settings
from send_ready.runs import Run
from send_ready.settings import Settings

STUDENTS = "capita_one.students"
PLANS = "capita_one.ehc_plans"
SECRET_UPN = "Zsecret"
HEADER = "Student ID,UPN,Surname,Date of Birth,Ethnicity,Postcode"


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(arrivals, "SETTLE_SECONDS", 0.0)
    (tmp_path / "inbox").mkdir()
    (tmp_path / "config").mkdir()
    return settings.load({"SEND_HOME": str(tmp_path), "SEND_CONFIG": str(tmp_path / "config"), "AS_AT": "2026-11-16"})


@pytest.fixture
def drop(given: Settings) -> Callable[[str, list[str]], Path]:
    """Put an export into the inbox, last changed long ago."""

    def _drop(name: str, lines: list[str]) -> Path:
        path = given.inbox / name
        path.write_text("\r\n".join(lines) + "\r\n", encoding="cp1252")
        os.utime(path, (1_760_000_000, 1_760_000_000))
        return path

    return _drop


def students(dates: list[str], upn: str = "") -> list[str]:
    return [HEADER, *(f"A{n},{upn},Sample,{date},WBRI,ZZ1 1AA" for n, date in enumerate(dates, 1))]


def night(given: Settings, *names: str) -> tuple[Run, list[dict[str, Any]]]:
    """Land and read the feeds, run their rules, and give the issues found."""
    run = runs.begin(given)
    for name in names:
        extract(run, given, name)
    return run, validated(run, given)


def validated(run: Run, given: Settings) -> list[dict[str, Any]]:
    count = validate_feeds(run, given)
    found = duckdb.sql(f"SELECT * FROM read_parquet('{run.issues('validate_feeds')}')")
    rows = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
    assert len(rows) == count
    return rows


def test_an_issue_says_what_where_and_how_to_fix(given: Settings, drop: Callable[..., Path]) -> None:
    drop("capita_one_students_20261116.csv", students(["01/03/2015", "02/03/2015", ""], upn="H999200006001"))
    run, found = night(given, STUDENTS)
    (issue,) = found
    assert issue.pop("message").startswith("The student has no date of birth")
    assert issue == {
        "category": "Source",
        "rule": "S-STU-02",
        "severity": "error",
        "fix": "In Capita One, enter the date of birth on the student's basic details.",
        "owner": "Capita One team",
        "feed": STUDENTS,
        "list_name": None,
        "unique_id": None,
        "record_id": "student_id=A3",
        "column_name": "Date of Birth",
        "file_name": "capita_one_students_20261116.csv",
        "line_no": 4,
        "count": 1,
    }
    assert files.read_json(run.feed_result(STUDENTS))["status"] == "fresh"


def test_a_key_of_several_columns_names_the_record(given: Settings, drop: Callable[..., Path]) -> None:
    lines = ["Student ID,URN,Enrolment Status,Entry Date,Leaving Date", "A1,100001,C,01/09/2025,31/08/2025"]
    drop("capita_one_enrolments_20261116.csv", lines)
    _, found = night(given, "capita_one.enrolments")
    assert [(i["rule"], i["record_id"]) for i in found] == [
        ("S-ENR-01", "student_id=A1; urn=100001; entry_date=2025-09-01")
    ]


def test_a_quiet_column_of_the_key_names_the_record_only_where_it_says_something(
    given: Settings, drop: Callable[..., Path]
) -> None:
    """Attendance a row a week is told as it always was: what is known of an issue goes by the name of its record."""
    start = "student_id=A1; urn=100001; week_commencing=2027-01-04"
    weeks = ["Student ID,URN,Week Commencing,Sessions Possible,Authorised Absence,Unauthorised Absence"]
    drop("capita_one_attendance_20261116.csv", [*weeks, "A1,100001,04/01/2027,10,1,0"])
    _, found = night(given, "capita_one.attendance")
    assert [(i["rule"], i["record_id"]) for i in found] == [("S-ATT-07", start)]
    marks = ["Student ID,URN,Week Commencing,Attendance Code,Sessions"]
    drop("capita_one_attendance_20261116_again.csv", [*marks, "A1,100001,04/01/2027,I,2", "A1,100001,04/01/2027,O,1"])
    _, found = night(given, "capita_one.attendance")
    assert {i["record_id"] for i in found} == {f"{start}; attendance_code={code}" for code in "IO"}


def test_nothing_is_said_of_a_column_that_the_export_lacks(given: Settings, drop: Callable[..., Path]) -> None:
    """Reading the file reported the column once; a rule about it would fail on every row."""
    lines = ["Plan ID,Student ID,Initial Plan Date,Cease Date", "P1,A1,01/02/2024,01/02/2025"]
    drop("capita_one_ehc_plans_20261116.csv", lines)
    _, found = night(given, PLANS)
    assert found == []
    drop("capita_one_ehc_plans_20261116_again.csv", [lines[0] + ",Cease Reason", lines[1] + ","])
    _, found = night(given, PLANS)
    assert [issue["rule"] for issue in found] == ["S-PLA-06"]


def test_many_failures_are_listed_up_to_a_point_and_the_rest_counted(
    given: Settings, drop: Callable[..., Path]
) -> None:
    days = ["01/03/2015"] * (LISTED + 200) + [""] * (LISTED + 7)
    drop("capita_one_students_20261116.csv", students(days))
    _, found = night(given, STUDENTS)
    listed = [issue for issue in found if issue["record_id"]]
    (rest,) = [issue for issue in found if not issue["record_id"]]
    assert {issue["rule"] for issue in found} == {"S-STU-02"}
    assert len(listed) == LISTED
    assert rest["count"] == 7
    assert "1,007 rows in all: 1,000 are listed one by one, and this line stands for the other 7." in rest["message"]
    assert sum(issue["count"] for issue in found) == LISTED + 7


def test_a_stop_rule_refuses_the_file_and_the_one_before_is_used(given: Settings, drop: Callable[..., Path]) -> None:
    drop("capita_one_students_20261115.csv", students(["01/03/2015", "02/03/2015", ""]))
    drop("capita_one_students_20261116.csv", students(["", "", "03/03/2015"]))
    drop("capita_one_home_education_20261116.csv", ["Student ID,Start Date,End Date", "A1,02/01/2025,01/01/2025"])
    run, found = night(given, STUDENTS, "capita_one.home_education")
    assert [(i["rule"], i["severity"], i["file_name"][-12:], i["count"]) for i in found] == [
        ("S-EHE-01", "error", "20261116.csv", 1),
        ("S-STU-01", "stop", "20261116.csv", 2),
        ("S-STU-02", "error", "20261115.csv", 1),
    ]
    result = files.read_json(run.feed_result(STUDENTS))
    assert (result["status"], result["is_stale"], result["data_date"]) == ("refused", True, "2026-11-15")
    reasons = {file["file_name"]: (file["status"], file["reason"]) for file in result["files"]}
    assert reasons["capita_one_students_20261115.csv"] == ("accepted", None)
    status, reason = reasons["capita_one_students_20261116.csv"]
    assert status == "refused"
    assert "S-STU-01 More than half of the students have no date of birth. The file is not used." in reason
    assert files.read_json(run.feed_result("capita_one.home_education"))["status"] == "fresh"
    assert validated(run, given) == found, "the step may be run again"
    assert files.read_json(run.feed_result(STUDENTS)) == result


def test_with_every_file_refused_the_newest_is_used_and_the_rule_is_an_error(
    given: Settings, drop: Callable[..., Path]
) -> None:
    """Without any file, everybody would be off the lists."""
    drop("capita_one_students_20261115.csv", students(["", "", ""]))
    drop("capita_one_students_20261116.csv", students(["", "", "03/03/2015"]))
    run, found = night(given, STUDENTS)
    assert [(issue["rule"], issue["severity"], issue["file_name"][-12:], issue["count"]) for issue in found] == [
        ("S-STU-01", "error", "20261116.csv", 2),
        ("S-STU-02", "error", "20261116.csv", 1),
        ("S-STU-02", "error", "20261116.csv", 1),
    ]
    assert found[0]["message"].endswith("There is no other file, so this one is used all the same.")
    result = files.read_json(run.feed_result(STUDENTS))
    assert (result["status"], result["data_date"], result["rows_accepted"]) == ("fresh", "2026-11-16", 3)
    assert validated(run, given) == found, "the step may be run again"


def test_no_value_of_a_child_is_in_issues_or_results(
    given: Settings, drop: Callable[..., Path], capfd: pytest.CaptureFixture[str]
) -> None:
    drop("capita_one_students_20261116.csv", students(["01/03/2015", "02/03/2031"], upn=SECRET_UPN))
    run, found = night(given, STUDENTS)
    assert {issue["rule"] for issue in found} == {"S-STU-03", "S-STU-05"}
    results = (run.folder / "rules" / "feeds" / "capita_one__students.json").read_text()
    assert "S-STU-05" in results
    for text in (str(found), results, "".join(capfd.readouterr())):
        assert SECRET_UPN not in text
        assert "2031" not in text
        assert "Sample" not in text


def test_a_rule_that_cannot_be_run_is_an_issue_of_its_own(given: Settings, drop: Callable[..., Path]) -> None:
    """A council's own rule file with a mistake: the rule is named, the other rules and feeds go on."""
    own = Path(str(given.config)) / "expectations" / "feeds" / "capita_one__students.yml"
    own.parent.mkdir(parents=True)
    own.write_text("""
rules:
  - {code: S-OUR-01, severity: error, column: upn, expect: expect_column_values_to_be_between,
     kwargs: {min_value: 3}, message: M., fix: F., passes: [{upn: null}], fails: [{upn: 2}]}
  - {code: S-OUR-02, severity: query, column: upn, expect: expect_column_values_to_be_null,
     owner: Admissions, message: M., fix: F., passes: [{upn: null}], fails: [{upn: H}]}
""")
    drop("capita_one_students_20261116.csv", students(["01/03/2015"], upn=SECRET_UPN))
    run, found = night(given, STUDENTS)
    assert [(i["rule"], i["severity"], i["owner"]) for i in found] == [
        ("S-OUR-01", "error", findings.MAINTAINER),
        ("S-OUR-02", "query", "Admissions"),
    ]
    assert found[0]["message"].startswith("This rule could not be run")
    assert SECRET_UPN not in str(found)
    assert "COULD NOT RUN S-OUR-01" in run.progress.read_text()


def test_a_feed_that_cannot_be_checked_does_not_stop_the_others(given: Settings, drop: Callable[..., Path]) -> None:
    """A rule file that is not one, and a typed file that is gone: two loud issues, and the third feed is checked."""
    own = Path(str(given.config)) / "expectations" / "feeds" / "capita_one__ehc_plans.yml"
    own.parent.mkdir(parents=True)
    own.write_text("rules: nonsense")
    drop("capita_one_ehc_plans_20261116.csv", ["Plan ID,Student ID,Initial Plan Date", "P1,A1,01/02/2024"])
    drop("capita_one_home_education_20261116.csv", ["Student ID,Start Date,End Date", "A1,02/01/2025,01/02/2025"])
    drop("capita_one_students_20261116.csv", students(["01/03/2015", ""]))
    run, _ = night(given, PLANS, "capita_one.home_education", STUDENTS)
    (run.home / files.read_json(run.feed_result("capita_one.home_education"))["typed_path"]).unlink()
    found = validated(run, given)
    assert [(i["feed"], i["rule"], i["severity"]) for i in found] == [
        (PLANS, "S-01", "error"),
        ("capita_one.home_education", "S-01", "error"),
        (STUDENTS, "S-STU-02", "error"),
    ]
    assert "rules is nonsense, and must be a list" in found[0]["message"]
    assert "IOException in line" in found[1]["message"]


def test_a_file_whose_rows_are_all_set_aside_cannot_pass(given: Settings, drop: Callable[..., Path]) -> None:
    """An empty table passes every rule, so it is refused before any is asked."""
    drop("capita_one_students_20261116.csv", students(["01/03/2015"]))
    run, _ = night(given, STUDENTS)
    result = files.read_json(run.feed_result(STUDENTS))
    typed = run.home / result["typed_path"]
    duckdb.sql(f"COPY (SELECT * FROM '{typed}' LIMIT 0) TO '{typed}.new' (FORMAT parquet)")
    os.replace(f"{typed}.new", typed)
    found = validated(run, given)
    assert [(issue["rule"], issue["severity"]) for issue in found] == [("S-00", "stop")]
    assert files.read_json(run.feed_result(STUDENTS))["status"] == "refused"
