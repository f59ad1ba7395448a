"""The workbook of further items: its sheets, what stands above each table, and what its seeds say."""

import csv
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml

from publish.excel import items_book, workbook
from publish.excel.items_book import item_columns, items
from publish.excel.workbook import Column, Grid
from send_ready.layout import LAYOUT_VERSION, SPEC
from send_ready.settings import PROJECT
from tests.unit.publish_run import finished_run
from tests.unit.test_publish_lineage import sources
from warehouse import run_data

MODELS = PROJECT / "dbt_project" / "models" / "annex_a"
TYPES = {
    "text": "varchar",
    "council": "varchar",
    "date": "date",
    "count": "integer",
    "percentage": "decimal(18,1)",
    "hours": "double",
}
UNSHOWN = {"la_code", "run_id", "cohort_code", "phase_order", "cohort_order", "period_order", "group_order"}
AWAY: dict[str, Any] = {
    "unique_id": "007",
    "age_years": 0,
    "setting": "=HYPERLINK(1)",
    "urn": "012345",
    "establishment_la_code": "888",
    "home_la_code": "000",
    "entry_date": date(2025, 9, 1),
}


def written(home: Path, **rows: list[dict[str, Any]]) -> tuple[dict[str, int], openpyxl.Workbook, Path]:
    run = finished_run(home, items={f"rpt_annex_a__{model}": given for model, given in rows.items()})
    path = home / items_book.NAME
    with run_data.opened(run) as con:
        counts = items_book.write(path, con, run, "seed")
    return counts, openpyxl.load_workbook(path), path


def table(sheet: Any) -> tuple[list[str], list[dict[str, Any]]]:
    """The lines above a sheet's table, and its rows by header."""
    rows = list(sheet.iter_rows(values_only=True))
    head = next(at for at, row in enumerate(rows) if not any(row)) + 1
    return [row[0] for row in rows[: head - 1]], [dict(zip(rows[head], row, strict=True)) for row in rows[head + 1 :]]


def test_every_item_has_its_sheet_number_definition_limits_and_dates(tmp_path: Path) -> None:
    counts, book, _ = written(tmp_path)
    assert book.sheetnames == ["Contents", *(item.sheet for item in items()), "Columns"]
    assert counts == {item.sheet: 0 for item in items()}
    for item in items():
        (title, *lines), rows = table(book[item.sheet])
        text = " ".join(lines)
        assert title == f"{item.item}  {item.title}"
        assert f"as at 16/11/2026: {item.definition}" in text
        assert item.limits in text
        assert "16/11/2026: Students" in text
        assert "12/11/2026: EHC plans (stale)" in text
        assert ("never received: GIAS establishments" in text) == ("gias.establishments" in item.feeds)
        assert max(map(len, lines)) <= items_book.LINE
        assert rows == []


def test_values_keep_their_kind(tmp_path: Path) -> None:
    counts, book, _ = written(tmp_path, out_of_area=[AWAY])
    assert counts["3.3 Out of area"] == 1
    _, [row] = table(book["3.3 Out of area"])
    assert row["Unique ID"] == "007"
    assert row["Age"] == 0
    assert row["Setting"] == "=HYPERLINK(1)"
    assert row["URN"] == "012345"
    assert row["Council of the setting"] == "Lancashire (888)"
    assert row["Home council"] == "000"  # no council has the number
    assert row["There since"].date() == date(2025, 9, 1)
    assert row["Residential"] is None
    assert not any(cell.data_type == "f" for cells in book["3.3 Out of area"].iter_rows() for cell in cells)


def test_rows_stand_in_the_order_of_the_item(tmp_path: Path) -> None:
    weeks = [("3", 5), ("1", 7), ("2", 7)]
    rows = [{"unique_id": who, "weeks_on_roll_count": count} for who, count in weeks]
    _, book, _ = written(tmp_path, part_time_timetables=rows)
    assert [row["Unique ID"] for row in table(book["3.5 Part-time timetables"])[1]] == ["1", "2", "3"]


def test_a_cohort_that_no_feed_tells_of_is_blank_and_no_nought(tmp_path: Path) -> None:
    cohorts = [{"cohort_order": 1, "cohort": "Home educated", "plan_count": 0}, {"cohort_order": 2, "cohort": "Other"}]
    _, book, _ = written(tmp_path, cohorts=cohorts)
    assert [row["With a plan"] for row in table(book["2.5 Cohorts"])[1]] == [0, None]


def test_the_tracking_sheet_shows_the_set_its_reasons_and_what_it_lacks(tmp_path: Path) -> None:
    child = {"sen_group": "EHC plan", "in_alternative_provision": "No", "age_band": "5 to 10", "stage": "New plan"}
    rows = [{"unique_id": str(number), **child} for number in range(20)]
    counts, book, _ = written(tmp_path, tracking_candidates=rows)
    lines, shown = table(book["Tracking rehearsal"])
    assert counts["Tracking rehearsal"] == len(shown) == 6
    assert shown[0]["Chosen for"] == "Aged 5 to 10; Stage: New plan; Not known to social care"
    assert shown[5]["Chosen for"] == "Makes the set up to six"
    text = " ".join(lines)
    assert "Seed: seed. Not met: In alternative provision: no child known here fits. On SEN support:" in text


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    first, again = (written(tmp_path / name, out_of_area=[AWAY])[2].read_bytes() for name in "ab")
    assert first == again


def test_each_column_is_explained(tmp_path: Path) -> None:
    _, book, _ = written(tmp_path)
    rows = list(book["Columns"].iter_rows(min_row=2, values_only=True))
    assert {row[:2] for row in rows} == {
        (item.sheet, column.header) for item in items() for column in item_columns()[item.model]
    }
    assert all(row[2] for row in rows)


def test_a_table_below_lines_is_frozen_filtered_and_repeated_from_its_header(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    columns = [Column("Id", "text", ["1", "2"]), Column("On", "date", [date(2026, 1, 2), None])]
    workbook.write(path, "t", [Grid("G", columns, is_filtered=True, above=["Title", "What it is"])])
    sheet = openpyxl.load_workbook(path)["G"]
    assert [[cell.value for cell in row] for row in sheet["A1:A6"]] == [
        ["Title"],
        ["What it is"],
        [None],
        ["Id"],
        ["1"],
        ["2"],
    ]
    assert sheet.freeze_panes == "A5"
    assert sheet.auto_filter.ref == "A4:B6"
    assert sheet.print_title_rows == "$4:$4"


def test_a_long_table_says_on_every_sheet_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MAX_ROWS", 2)
    path = tmp_path / "book.xlsx"
    workbook.write(path, "t", [Grid("G", [Column("Id", "text", ["1", "2", "3"])], above=["Title"])])
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["G", "G 2"]
    assert [row[0] for row in book["G 2"].iter_rows(values_only=True)] == ["Title", None, "Id", "3"]


@pytest.mark.parametrize("model", sorted(item_columns()))
def test_a_models_contract_is_what_its_sheet_shows(model: str) -> None:
    [described] = yaml.safe_load((MODELS / f"{model}.yml").read_text(encoding="utf-8"))["models"]
    assert described["config"]["contract"]["enforced"]
    held = {column["name"]: column["data_type"] for column in described["columns"]}
    shown = {column.column_name: TYPES[column.data_type] for column in item_columns()[model]}
    # Half days of every child of a council may be more than an integer holds.
    as_shown = {name: kind.replace("bigint", "integer") for name, kind in held.items() if name not in UNSHOWN}
    assert as_shown == shown
    assert {"la_code", "run_id"} <= set(held)


def test_items_models_and_sheets_belong_together() -> None:
    assert {item.model for item in items()} == set(item_columns())
    shown = {path.stem for path in MODELS.glob("*.sql")} - {"rpt_annex_a__list_1", "rpt_annex_a__list_2"}
    assert {item.model for item in items()} == shown
    assert all(len(item.sheet) <= 31 for item in items())


def test_no_item_is_said_to_need_a_feed_that_it_does_not_read() -> None:
    for item in items():
        assert item.feeds
        assert item.feeds <= {table.replace("__", ".") for table in sources(item.model)}


def test_cohorts_of_the_seed_are_those_of_the_model() -> None:
    with (PROJECT / "dbt_project" / "seeds" / "spec" / "annex_a_cohorts.csv").open(
        encoding="utf-8", newline=""
    ) as file:
        held = {row["cohort_code"] for row in csv.DictReader(file) if row["needed_feed"]}
    sql = (MODELS / "rpt_annex_a__cohort_children.sql").read_text(encoding="utf-8")
    [described] = yaml.safe_load((MODELS / "rpt_annex_a__cohort_children.yml").read_text(encoding="utf-8"))[
        "unit_tests"
    ]
    assert held == {row["cohort_code"] for row in described["expect"]["rows"]}
    assert all(f"'{cohort}': (" in sql for cohort in held)


def test_the_layout_of_the_models_is_the_one_in_force() -> None:
    macro = (PROJECT / "dbt_project" / "macros" / "annex_a.sql").read_text(encoding="utf-8")
    assert f"'{LAYOUT_VERSION}'" in macro


def test_cohorts_need_feeds_that_exist_and_that_the_item_names() -> None:
    [cohorts] = [item for item in items() if item.sheet == "2.5 Cohorts"]
    with (SPEC / "annex_a_cohorts.csv").open(encoding="utf-8", newline="") as file:
        needed = {need for row in csv.DictReader(file) for need in row["needed_feed"].split("; ")} - {""}
    assert {need.partition("[")[0] for need in needed} <= cohorts.feeds
