"""Last January's return of the sample council: it holds together, and each kind of file says the same."""

import csv
from collections import Counter
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from lxml import etree

from sample import council, sen2_return
from sample.sen2_return import FORMS, PARENTS, TAGS, Returned
from send_ready import sen2 as shape

AS_AT = date(2026, 11, 16)


@pytest.fixture(scope="module")
def returned() -> Returned:
    built = council.build(AS_AT, "999", 200, 200, seed=4)
    return sen2_return.build(built.feeds, built.people, AS_AT, "999")


@pytest.fixture(scope="module")
def folder(returned: Returned, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("forms")
    for write in FORMS.values():
        write(made, returned)
    return made


def test_it_is_of_the_survey_before_the_one_that_is_next(returned: Returned) -> None:
    assert (returned.year, returned.day) == (2026, date(2026, 1, 15))
    assert sen2_return.survey_day(2023) == date(2023, 1, 19)
    dates = [
        value
        for rows in returned.tables.values()
        for row in rows
        for tag, value in row.values.items()
        if isinstance(value, date) and tag != "PhaseTransferDueDate"
    ]
    assert max(dates) <= returned.day


def test_its_tables_hold_together(returned: Returned) -> None:
    for table, parent in PARENTS.items():
        numbers = {row.number for row in returned.tables[parent]}
        assert {row.parent for row in returned.tables[table]} <= numbers, table
        assert returned.tables[table], table
    of_requests = Counter(row.values["RequestOutcome"] for row in returned.tables["requests"])
    assert set(of_requests) == set("YNAWH") or set(of_requests) == set("YNAH")
    deep = {row.parent for row in returned.tables["assessment"]}
    for row in returned.tables["requests"]:
        outcome = row.values["RequestOutcome"]
        assert (outcome in "YH") == (row.number in deep)
        assert (outcome in "YN") == bool(row.values.get("RequestOutcomeDate"))
    planned = {row.parent for row in returned.tables["namedplan"]}
    for row in returned.tables["assessment"]:
        assert (row.number in planned) <= (row.values["AssessmentOutcome"] in "YH")
    ranks = Counter((row.parent, row.values["SENtypeRank"]) for row in returned.tables["senneed"])
    assert max(ranks.values()) == 1


def test_its_elements_are_those_of_the_shape(returned: Returned) -> None:
    """Two hands wrote them down."""
    for module in shape.modules(2026).values():
        tags = [element.tag for element in module.columns if element.tag not in ("DMO", "DCO", "DSCO")]
        assert tags == list(TAGS[module.blade]), module


@pytest.mark.parametrize("year", [2023, 2025, 2026])
def test_its_xml_has_the_elements_of_its_year(returned: Returned, year: int, tmp_path: Path) -> None:
    sen2_return.write_xml(tmp_path / "SEN2.xml", returned, year)
    tree = etree.parse(tmp_path / "SEN2.xml")
    counts = Counter(str(each.tag) for each in tree.iter())
    assert counts["Person"] == len(returned.tables["person"])
    assert counts["SENneed"] == len(returned.tables["senneed"])
    assert bool(counts["RequestSource"]) == (year == 2026)
    assert bool(counts["ReviewMeeting"]) == (year > 2023)
    assert bool(counts["GenderCurrent"]) == (year == 2023)


def test_blades_and_workbooks_hold_the_same_rows(returned: Returned, folder: Path) -> None:
    book = openpyxl.load_workbook(folder / "SEN2 2026 pre-submission.xlsx", read_only=True)
    sheets = dict(zip(list(TAGS)[1:], book.worksheets, strict=True))
    template = openpyxl.load_workbook(folder / "SEN2 2026 template.xlsx", read_only=True).worksheets[0]
    cells = [row[0].value for row in template.iter_rows()]
    for table, rows in returned.tables.items():
        with (folder / f"Blade-Export_15-01-2026_{table}.csv").open(encoding="utf-8", newline="") as file:
            blade = list(csv.DictReader(file))
        assert [int(row[f"{table}tableid"]) for row in blade] == [row.number for row in rows]
        assert list(blade[0])[-len(TAGS[table]) :] == [tag.lower() for tag in TAGS[table]]
        title = sen2_return.TEMPLATE[table][0]
        assert cells.count(title.split(" Rec")[0]) == len(rows)
        assert cells[cells.index(title) + 1] == "Record Type"
        if table in sheets:
            assert sheets[table].max_row == len(rows) + 1


def test_the_five_csvs_hold_five_of_the_tables(returned: Returned, folder: Path) -> None:
    for number, (table, columns) in sen2_return.D2I.items():
        with (folder / f"SEN2_2026_{number}.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == len(returned.tables[table])
        assert len(rows[0]) == len(columns) + (1 if table == "person" else 2)
