"""kpi.xlsx: the sheets of the guidance, tidy marked-up tables without holes, symbols, rounding, two editions."""

from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet
from publish_kpis import add_kpis, kpi_row
from publish_run import AS_AT, finished_run

from publish.kpi import kpi_book, suppression
from send_ready.runs import Run
from warehouse import run_data

END = date(2026, 10, 31)
VALUES = [
    kpi_row("K01", "rolling_12_months", END, 49, 400, rag="amber", target_value=100.0, comparator_value=46.4,
            comparator_period="2024"),
    kpi_row("K01", "rolling_12_months", AS_AT, 321, 675, rag="amber", target_value=100.0),
    kpi_row("K01", "month", AS_AT, 0, 0, is_part_period=True, rag=None),
    kpi_row("K39", "point", AS_AT, 1, 3700, rag=None),
    kpi_row("K16", "point", AS_AT, 3700, rag=None),
    kpi_row("K33", "point", AS_AT, 1165, 3700, rag=None, breakdown=("primary_need", "ASD")),
    kpi_row("K33", "point", END, 1000, 3600, rag=None, breakdown=("primary_need", "ASD")),
    kpi_row("K40", "point", AS_AT, 9, 3700, rag=None, breakdown=("setting_type", "EHE")),
    kpi_row("K13", "rolling_12_months", AS_AT, None, rag=None, unit="percent", is_stale=True, data_date=None),
]  # fmt: skip
AREA = {"area": "Reviews", "action_count": 3, "blue_count": 1, "green_count": 1, "amber_count": 0, "red_count": 1,
        "cancelled_count": 0, "mean_complete_pct": 46.25}  # fmt: skip
ACTION = {"action_id": "A1", "area": "Reviews", "action": "=Hold the reviews", "rag_reason": "overdue"}
META = ["Cover", "Contents", "Notes", "Definitions"]


def book(run: Run, is_public: bool = False) -> openpyxl.Workbook:
    path = run.folder / "kpi.xlsx"
    with run_data.opened(run) as con:
        given: dict[str, Any] = {"values": suppression.public(con, 5), "withhold_below": 5} if is_public else {}
        kpi_book.write(path, con, run, **given)
    return openpyxl.load_workbook(path)


@pytest.fixture()
def made(tmp_path: Path) -> openpyxl.Workbook:
    return book(add_kpis(finished_run(tmp_path), VALUES, [AREA], [ACTION]))


def table(sheet: Worksheet) -> list[dict[str, Any]]:
    """The rows of the one table of a sheet, found by its mark-up."""
    (found,) = sheet.tables.values()
    head, *rows = [[cell.value for cell in row] for row in sheet[found.ref]]
    assert [column.name for column in found.tableColumns] == head
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_sheets_are_in_the_order_of_the_guidance(made: openpyxl.Workbook) -> None:
    assert made.sheetnames == [
        *META, "Latest", "Over time", "Breakdowns", "Improvement areas", "Improvement actions",
    ]  # fmt: skip
    assert made["Cover"]["A1"].value == "SEND figures: Sampleshire, 16 November 2026"


def test_every_sheet_but_the_cover_is_one_named_table_without_holes(made: openpyxl.Workbook) -> None:
    names = []
    for sheet in made.worksheets[1:]:
        assert not sheet.merged_cells.ranges
        (found,) = sheet.tables.values()
        names.append(found.name)
        assert found.ref.startswith("A3:")
        assert found.ref.split(":")[1] == f"{openpyxl.utils.get_column_letter(sheet.max_column)}{sheet.max_row}"
        assert sheet.freeze_panes == "A4"
        rows = table(sheet)
        assert rows
        assert all(value is not None and value != "" for row in rows for value in row.values()), sheet.title
        assert "one table" in sheet["A2"].value
    assert len(set(names)) == len(names)


def test_contents_lead_to_every_sheet(made: openpyxl.Workbook) -> None:
    sheet = made["Contents"]
    rows = table(sheet)
    assert [row["Sheet"] for row in rows] == made.sheetnames[2:]
    for number, row in enumerate(rows, 4):
        link = sheet.cell(number, 1).hyperlink
        assert link is not None
        assert link.location == f"'{row['Sheet']}'!A1"


def test_figures_are_rounded_half_up_beside_what_they_are_of(made: openpyxl.Workbook) -> None:
    rows = {(row["KPI"], row["Period"], row["Period ends"].date()): row for row in table(made["Over time"])}
    row = rows["K01", "12 months", END]
    assert (row["Numerator"], row["Denominator"], row["Figure"], row["Unit"]) == (49, 400, 12.3, "percent")
    assert (row["England"], row["England's period"], row["Target"]) == (46.4, "2024", 100)
    assert row["Against target"] == "Amber"
    assert (rows["K16", "At the day", AS_AT]["Figure"], rows["K16", "At the day", AS_AT]["Denominator"]) == (
        3700,
        "[z]",
    )


def test_a_symbol_says_why_there_is_no_number(made: openpyxl.Workbook) -> None:
    rows = {(row["KPI"], row["Period"]): row for row in table(made["Over time"])}
    never = rows["K13", "12 months"]
    assert {never[name] for name in ("Numerator", "Denominator", "Figure", "Data of")} == {"[x]"}
    assert never["Stale"] == "Yes"
    nothing = rows["K01", "Month"]
    assert (nothing["Numerator"], nothing["Figure"], nothing["Part of a month"]) == (0, "[z]", "Yes")
    assert rows["K39", "At the day"]["Figure"] == "[low]"
    assert rows["K39", "At the day"]["Against target"] == "[z]"


def test_latest_has_a_row_a_kpi_in_the_window_that_stands_for_it(made: openpyxl.Workbook) -> None:
    rows = {row["KPI"]: row for row in table(made["Latest"])}
    assert rows.keys() == {"K01", "K13", "K16", "K39"}
    assert (rows["K01"]["Period"], rows["K01"]["Period ends"].date(), rows["K01"]["Figure"]) == (
        "12 months",
        AS_AT,
        47.6,
    )


def test_breakdowns_are_of_the_last_period_in_words(made: openpyxl.Workbook) -> None:
    rows = [(row["KPI"], row["By"], row["Value"], row["Figure"]) for row in table(made["Breakdowns"])]
    assert rows == [
        ("K33", "Primary need", "Autistic spectrum disorder (ASD)", 31.5),
        ("K40", "Setting", "Elective home education", 0.2),
    ]


def test_the_plan_has_its_areas_and_actions(made: openpyxl.Workbook) -> None:
    (area,) = table(made["Improvement areas"])
    assert (area["Actions"], area["Overdue"], area["Mean complete, %"]) == (3, 1, 46.3)
    (action,) = table(made["Improvement actions"])
    assert (action["What is to be done"], action["State"], action["Owner"]) == ("=Hold the reviews", "Overdue", "[x]")


def test_every_kpi_that_is_built_is_defined(made: openpyxl.Workbook) -> None:
    rows = {row["KPI"]: row for row in table(made["Definitions"])}
    assert {"K01", "K16", "K67"} <= rows.keys()
    assert rows["K01"]["Target, and why"].startswith("100, amber within 54. Statutory duty")
    assert rows["K16"]["Target, and why"] == "[z]"


def test_without_figures_the_book_still_opens(tmp_path: Path) -> None:
    assert book(finished_run(tmp_path / "a")).sheetnames == ["Cover", "Contents", "Notes"]
    assert book(add_kpis(finished_run(tmp_path / "b"))).sheetnames == META


def test_the_public_edition_withholds_and_has_no_actions(tmp_path: Path) -> None:
    quarter = date(2026, 9, 30)
    values = [kpi_row("K16", "point", day, 3700) for day in (quarter, END, AS_AT)]
    values.append(kpi_row("K05", "point", quarter, 4))
    found = book(add_kpis(finished_run(tmp_path), values, [AREA], [ACTION]), is_public=True)
    assert found.sheetnames == [*META, "Latest", "Over time", "Improvement areas"]
    rows = {row["KPI"]: row for row in table(found["Latest"])}
    assert (rows["K05"]["Numerator"], rows["K05"]["Figure"], rows["K05"]["Against target"]) == ("[c]", "[c]", "[z]")
    assert rows["K16"]["Figure"] == 3700
    notes = [row["What to know"] for row in table(found["Notes"])]
    assert "from 1 to 4" in notes[0]
    assert any("stays as it was first given" in note for note in notes)
    assert not any("worked out anew" in note for note in notes)
    assert "may be published" in "".join(str(cell.value) for cell in found["Cover"]["A"])


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    made = []
    for name in ("a", "b"):
        run = add_kpis(finished_run(tmp_path / name, name), VALUES)
        book(run)
        made.append((run.folder / "kpi.xlsx").read_bytes())
    assert made[0] == made[1]
