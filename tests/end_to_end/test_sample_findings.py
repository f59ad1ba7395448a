"""What the pipeline finds in a council with faults is held to the answer key, and it leaves the rest alone."""

import csv
from collections.abc import Callable
from typing import Any

import pytest

from send_ready import database
from tests import nights
from tests.golden.pipeline import SHEETS
from tests.nights import CLEAN, FAULTY, Night
from tools.bench import floor

FINDING = "rule, feed, unique_id, record_id, column_name, line_no"
Finding = dict[str, Any]
Row = dict[str, str]


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    return nights.of(FAULTY, tmp_path_factory)


@pytest.fixture(scope="module")
def key(night: Night) -> list[Row]:
    with night.answer_key.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def findings(night: Night) -> list[Finding]:
    with database.reader(night.warehouse) as con:
        rows = con.execute(f"""
            SELECT {FINDING} FROM quality.issues
            UNION ALL SELECT rule, NULL, unique_id, NULL, column_name, NULL FROM quality.sen2_issues
        """).fetchall()
    return [dict(zip(FINDING.split(", "), row, strict=True)) for row in rows]


def _on_line(rule: str) -> Callable[[Finding, Row], bool]:
    return lambda found, row: (
        found["rule"] == rule and found["feed"] == row["feed"] and str(found["line_no"]) == row["line_no"]
    )


def _of_feed(rule: str, *, by_column: bool = False) -> Callable[[Finding, Row], bool]:
    return lambda found, row: (
        found["rule"] == rule
        and found["feed"] == row["feed"]
        and (not by_column or found["column_name"] == row["column_name"])
    )


def _of_record(found: Finding, row: Row, code: str) -> bool:
    known_as = row["unique_id"] or row["record_id"].partition("=")[2].partition(";")[0]
    return found["rule"] == code and known_as in (found["record_id"] or "")


def _of_child(found: Finding, row: Row, code: str) -> bool:
    return found["rule"] == code and found["unique_id"] == row["unique_id"]


STAGES = {
    "quarantine": _on_line("F-30"),
    "same-key": _on_line("F-30"),
    "unreadable": _on_line("F-31"),
    "duplicate": _of_feed("F-32"),
    "unmapped": _of_feed("M-01", by_column=True),
    "orphan": _of_feed("O-01"),
}


def _is_found(code: str, row: Row, findings: list[Finding]) -> bool:
    if code in STAGES:
        return any(STAGES[code](found, row) for found in findings)
    if code.startswith("P-"):
        return any(_of_record(found, row, code) for found in findings)
    if code.startswith("S-"):
        return any(_on_line(code)(found, row) for found in findings)
    return any(_of_child(found, row, code) for found in findings)


def test_every_fault_is_found(key: list[Row], findings: list[Finding]) -> None:
    missed = [
        (row["fault"], code, row["feed"], row["line_no"])
        for row in key
        for code in row["expected_finding"].split()
        if code != "tolerated" and not _is_found(code, row, findings)
    ]
    assert missed == []


def test_what_is_tolerated_is_not_reported(key: list[Row], findings: list[Finding]) -> None:
    lines = {(found["feed"], str(found["line_no"])) for found in findings if found["line_no"]}
    tolerated = [row for row in key if row["expected_finding"] == "tolerated" and row["line_no"]]
    assert len(tolerated) > 20
    assert [row["fault"] for row in tolerated if (row["feed"], row["line_no"]) in lines] == []


def test_only_people_of_the_key_differ_on_the_lists(
    night: Night, key: list[Row], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Faults touch nobody else; and what is tolerated leaves the child's row as it would be without."""
    faulty = night.lettered.lists()
    clean = floor.lists(nights.of(CLEAN, tmp_path_factory).inbox, nights.AS_AT, "999")
    # A team's name goes onto the list as it is held, whatever it looks like.
    blamed = {row["unique_id"] for row in key if row["expected_finding"] != "tolerated" or row["column_name"] == "team"}
    for sheet in SHEETS:
        before, after = ({row[0]: row for row in rows} for rows in (clean.lettered[sheet], faulty[sheet][1:]))
        differs = {person for person in before.keys() | after.keys() if before.get(person) != after.get(person)}
        assert differs and differs <= blamed, differs - blamed


def test_a_clean_council_has_only_what_is_inherent(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Children without a need, a school or a review are in the published figures too; nothing else is wrong."""
    with database.reader(nights.of(CLEAN, tmp_path_factory).warehouse) as con:
        found = con.execute("SELECT DISTINCT rule, severity FROM quality.issues").fetchall()
        counts = [
            con.execute(f"SELECT count(*) FROM annex_a.rpt_annex_a__{name}").fetchone() for name in ("list_1", "list_2")
        ]
    assert {rule for rule, severity in found if severity in ("stop", "error")} <= {"101d", "201d"}
    queries = {
        "102a",
        "107",
        "207",
        "108a",
        "L-115",
        "L-121",
        "L-122",
        "L-128",
        "S-PLA-09",
        "S-REV-05",
        "S-HUR-04",
        "W-01",
    }
    assert {rule for rule, severity in found if severity == "query"} <= queries
    assert counts == [(CLEAN.plans,), (CLEAN.sen_support,)]


def test_a_clean_council_s_return_has_only_what_is_inherent(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Children at no school or between two; and what the hub does not hold of its own."""
    with database.reader(nights.of(CLEAN, tmp_path_factory).warehouse) as con:
        found = con.execute("""
            SELECT DISTINCT rule, severity, coalesce(starts_with(unique_id, 'HUB-'), false) FROM quality.sen2_issues
        """).fetchall()
    errors = {(rule, is_of_hub) for rule, severity, is_of_hub in found if severity == "error"}
    inherent = {"S2-501", "S2-503", "S2-504"}
    assert {rule for rule, is_of_hub in errors if not is_of_hub} <= inherent
    assert {rule for rule, is_of_hub in errors if is_of_hub} <= inherent | {"S2-104", "S2-106"}
    assert {rule for rule, severity, _ in found if severity == "query"} <= {
        "S2-104",
        "S2-201",  # of plans whose request was years ago
        "S2-206",
        "S2-404",
        "S2-405",  # a review was decided after a child had died
        "S2-506",  # nor does the hub say who is in a unit
        "S2-507",
        "S2-510",
        "S2-511",
    }
