"""Back test: fixed councils, made by hand, whose lists were worked out by hand from the rules.

What each child is there to show is in council/children.md. Nothing but a person ever writes the
expected files: when the pipeline disagrees, either it is wrong or the rule has changed.
"""

import csv
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from publish.chronology import chronology
from send_ready.runs import Run
from tests.golden.events_by_hand import Council
from tests.golden.pipeline import SHEETS, Pipeline, differences
from tools.bench import floor

COUNCIL = Path(__file__).with_name("council")
DAYS = sorted(folder.name for folder in COUNCIL.iterdir() if folder.is_dir())
LIST_1 = (
    "Unique ID",
    "UPN",
    "ULN",
    "Date of birth",
    "Gender",
    "Ethnicity",
    "Date initial EHC plan issued",
    "Date updated EHC plan issued",
    "Date EHC plan last reviewed",
    "SEN primary need",
    "Main education establishment – URN",
    "Main education establishment – phase",
    "Subsidiary education establishment – phase (dual registration)",
    "Elective home education",
    "Suspensions",
    "Permanent exclusions",
    "Absence",
    "Pupil Premium",
    "Known to children's social care?",
    "Which children's social care team?",
    "Does the child or young person have a disability?",
)
NOTIFIED = {
    "2026-11-16": date(2026, 11, 16),
    "2024-08-31": date(2024, 2, 29),
    "2025-02-28": date(2025, 3, 3),
    "2026-03-31": date(2026, 3, 31),
}
HEADERS = {"List_1": LIST_1, "List_2": LIST_1[:6] + LIST_1[9:13] + LIST_1[14:]}


def _typed(column: str, text: str) -> Any:
    if not text:
        return None
    if column.endswith("_date"):
        return date.fromisoformat(text)
    if column.endswith("_count"):
        return int(text)
    return float(text) if column.endswith("_pct") else text


def expected_list(day: str, sheet: str) -> list[tuple[Any, ...]]:
    with open(COUNCIL / day / f"expected_{sheet.lower()}.csv", encoding="utf-8", newline="") as file:
        return [tuple(_typed(column, text) for column, text in row.items()) for row in csv.DictReader(file)]


def expected_issues(day: str) -> set[tuple[str, str, str]]:
    with open(COUNCIL / day / "expected_issues.csv", encoding="utf-8", newline="") as file:
        return {(row["rule"], row["list"], row["unique_id"]) for row in csv.DictReader(file)}


def expected_items(day: str) -> dict[str, list[dict[str, str]]]:
    """The further items that were worked out for a day: rows by model, all as text."""
    found = {}
    for path in sorted((COUNCIL / day).glob("expected_*.csv")):
        name = path.stem.removeprefix("expected_")
        if name != "issues" and not name.startswith("list_"):
            with open(path, encoding="utf-8", newline="") as file:
                found[f"rpt_annex_a__{name}"] = list(csv.DictReader(file))
    return found


@pytest.fixture(scope="module", params=DAYS)
def golden(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Pipeline]:
    day: str = request.param
    pipeline = Pipeline(tmp_path_factory.mktemp("home"), COUNCIL / day, date.fromisoformat(day))
    pipeline.night("plain")
    return day, pipeline


@pytest.mark.parametrize("sheet", SHEETS)
@pytest.mark.parametrize("day", DAYS)
def test_the_floor_makes_the_expected_lists(day: str, sheet: str) -> None:
    made = floor.lists(COUNCIL / day, date.fromisoformat(day), "999")
    assert differences(expected_list(day, sheet), made.plain[sheet], HEADERS[sheet]) == []


@pytest.mark.parametrize("sheet", SHEETS)
def test_the_pipeline_makes_the_expected_lists(golden: tuple[str, Pipeline], sheet: str) -> None:
    day, pipeline = golden
    header, *rows = pipeline.lists()[sheet]
    assert header == HEADERS[sheet]
    assert differences(expected_list(day, sheet), rows, HEADERS[sheet]) == []


def test_the_pipeline_finds_each_childs_issues(golden: tuple[str, Pipeline]) -> None:
    day, pipeline = golden
    with duckdb.connect(str(pipeline.home / "serving" / "warehouse.duckdb"), read_only=True) as con:
        found = set(
            con.execute(
                "SELECT rule, list_name, unique_id FROM quality.issues "
                "WHERE category = 'List' AND unique_id IS NOT NULL"
            ).fetchall()
        )
    expected = expected_issues(day)
    assert {"not found": sorted(expected - found), "not expected": sorted(found - expected)} == {
        "not found": [],
        "not expected": [],
    }


def test_the_pipeline_makes_the_expected_further_items(golden: tuple[str, Pipeline]) -> None:
    day, pipeline = golden
    items = expected_items(day)
    assert len(items) == (7 if day == "2026-11-16" else 0)
    with duckdb.connect(str(pipeline.home / "serving" / "warehouse.duckdb"), read_only=True) as con:
        for model, expected in items.items():
            chosen = ", ".join(f"coalesce(CAST({column} AS VARCHAR), '')" for column in expected[0])
            found = con.execute(f"SELECT {chosen} FROM annex_a.{model}").fetchall()
            assert sorted(found) == sorted(tuple(row.values()) for row in expected), model


def expected_chronology(day: str) -> dict[str, list[tuple[Any, ...]]]:
    """By child: date, event, what happened, source, days late."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    path = COUNCIL / day / "chronology_expected.csv"
    for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines()) if path.exists() else ():
        late = int(row["days_late"]) if row["days_late"] else None
        told = (date.fromisoformat(row["date"]), row["event"], row["what_happened"], row["source"], late)
        found.setdefault(row["unique_id"], []).append(told)
    return found


def test_the_chronologies_are_as_expected(golden: tuple[str, Pipeline], tmp_path: Path) -> None:
    day, pipeline = golden
    expected = expected_chronology(day)
    run = Run(pipeline.home, "test", date.fromisoformat(day), "999")
    chronology.chronology(run, list(expected), NOTIFIED[day], tmp_path / chronology.NAME)
    book = openpyxl.load_workbook(tmp_path / chronology.NAME)
    assert book.sheetnames == [chronology.CONTENTS, *expected]
    for unique_id, told in expected.items():
        rows = [tuple(cell.value for cell in row) for row in book[unique_id].iter_rows()]
        start = next(number for number, row in enumerate(rows, 1) if row[0] == "Date")
        assert [(row[0].date(), *row[1:5]) for row in rows[start:]] == told, unique_id


def test_the_events_are_those_of_the_raw_exports(golden: tuple[str, Pipeline]) -> None:
    day, pipeline = golden
    with duckdb.connect(str(pipeline.home / "serving" / "warehouse.duckdb"), read_only=True) as con:
        query = "SELECT person_id, event_date, event_type, source_record, days_late FROM core.fct_event"
        built = con.execute(query).fetchall()
    by_hand = Council(COUNCIL / day, date.fromisoformat(day)).happened()
    assert len(built) == len(set(built)) > 10
    assert {"only by hand": by_hand - set(built), "only built": set(built) - by_hand} == {
        "only by hand": set(),
        "only built": set(),
    }
