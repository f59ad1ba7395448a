"""Any form of one return gives the same tables; what is odd in a form is told, and nothing is lost."""

from pathlib import Path
from typing import Any

import pytest

from extract.refusal import Refusal
from tests.extract.own.council import Council
from tests.extract.sen2.forms import D2I, TITLES, blades, d2i, pre_submission, template, xml
from tests.extract.sen2.reads import read, read_all
from tests.extract.sen2.truth import COLUMNS, PARENT, PERSONS, Row, tables

HEAD = [{"return_year": "2026", "reference_date": "2026-01-15", "lea": "999", "serial_no": "001"}]


def renumbered(found: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """Tables with the numbers of their rows from 1 in the order of those that they have."""
    numbers = {
        module: {row[f"{module}_table_id"]: at for at, row in enumerate(rows, start=1)}
        for module, rows in found.items()
        if module in COLUMNS
    }
    return {module: [_renumbered(module, row, numbers) for row in found[module]] for module in numbers}


def _renumbered(module: str, row: Row, numbers: dict[str, dict[Any, int]]) -> Row:
    made = dict(row)
    made[f"{module}_table_id"] = numbers[module][row[f"{module}_table_id"]]
    if parent := PARENT.get(module):
        made[f"{parent}_table_id"] = numbers[parent].get(row[f"{parent}_table_id"])
    return made


def test_blades_are_the_tables_of_the_return(tmp_path: Path) -> None:
    found, told = read_all(blades(tmp_path))
    assert found["sen2"] == [HEAD[0] | {"reference_date": "2026-01-15"}]
    assert renumbered(found) == tables()
    assert {row["person_table_id"] for row in found["requests"]} == {1001, 1002, 1003}
    assert told == []


def test_the_template_is_the_tables_of_the_return_in_whatever_order_they_stand(tmp_path: Path) -> None:
    for at, order in enumerate([tuple(TITLES), tuple(reversed(TITLES))]):
        found, told = read(template(tmp_path / f"sen2 {at}.xlsx", order=order))
        assert found.pop("sen2") == HEAD
        assert renumbered(found) == tables()
        assert told == []


def test_the_workbook_before_submission_is_the_tables_and_says_its_year_by_its_dates(tmp_path: Path) -> None:
    found, told = read(pre_submission(tmp_path / "sen2 pre-submission.xlsx"))
    assert found.pop("sen2") == []
    assert renumbered(found) == tables()
    assert told == []


def test_the_five_csvs_of_the_tool_are_what_they_hold_of_the_return(tmp_path: Path) -> None:
    found, told = read_all(d2i(tmp_path))
    expected = tables(without=("plan_detail", "placement_detail", "sen_need"))
    held = renumbered(found)
    for module, headings in D2I.items():
        names = [name for name in (*headings, *(f"{each}_table_id" for each in (module, PARENT.get(module))))
                 if name in expected[module][0]]  # fmt: skip
        # Numbers of requests are those of person and request together, so that their order is another.
        assert [[row[name] for name in names if not name.endswith("_id")] for row in held[module]] == [
            [row[name] for name in names if not name.endswith("_id")] for row in expected[module]
        ]
        if parent := PARENT.get(module):
            assert all(row[f"{parent}_table_id"] for row in held[module])
    assert told == []


def test_a_table_that_numbers_requests_within_a_person_is_read_by_both(tmp_path: Path) -> None:
    import openpyxl

    path = pre_submission(tmp_path / "sen2.xlsx")
    book = openpyxl.load_workbook(path)
    first = {1: 1, 2: 1, 3: 2, 4: 1}  # the requests of the three persons, from 1 in each
    for sheet in book.worksheets:
        if sheet.title != "Person":
            for row in sheet.iter_rows(min_row=2, min_col=2, max_col=2):
                row[0].value = first[int(row[0].value)]
    book.save(path)
    found, _ = read(path)
    requests = {row["requests_table_id"]: row for row in found["requests"]}
    assert len(requests) == 4
    outcomes = {
        (row["transfer_la"], requests[row["requests_table_id"]]["request_outcome"]) for row in found["active_plans"]
    }
    assert outcomes == {(None, "Y"), ("330", "H")}
    assert {requests[row["requests_table_id"]]["person_table_id"] for row in found["assessment"]} == {1, 2, 3}


def test_swapped_labels_are_told_and_read_as_they_stand(tmp_path: Path) -> None:
    found, told = read(template(tmp_path / "sen2.xlsx", swapped=True))
    assert found["active_plans"][0]["last_review"] == "2025-11-03"
    assert [(each.rule, each.severity) for each in told] == [("F-66", "error")]


def test_a_heading_that_nobody_knows_is_told(tmp_path: Path) -> None:
    paths = blades(tmp_path)
    person = next(path for path in paths if path.stem.endswith("person"))
    person.write_text(person.read_text().replace("surname", "colour,surname", 1).replace("Example", "red,Example"))
    _, told = read_all([person])
    assert [each.rule for each in told] == ["F-62"] and "'colour'" in told[0].message


@pytest.mark.parametrize("form", ["blades", "template"])
def test_another_councils_tables_are_refused(tmp_path: Path, form: str) -> None:
    if form == "blades":
        paths = blades(tmp_path, la="330")
    else:
        paths = [template(tmp_path / "sen2.xlsx", header={"LEA": "330"})]
    for path in paths[1:] or paths:
        with pytest.raises(Refusal, match="of authority 330"):
            read(path)


def test_a_workbook_that_is_no_return_is_refused(tmp_path: Path) -> None:
    import xlsxwriter

    path = tmp_path / "sen2 notes.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("Notes").write(0, 0, "Ask DfE")
    with pytest.raises(Refusal, match="no table of a SEN2 return"):
        read(path)


def test_blades_of_which_some_are_missing_are_read_and_told_by_name(council: Council) -> None:
    blades(council.given.inbox, leave_out=("requests", "sen_need"))
    night = council.night("2026-11-16", "sen2.persons")
    assert night.rows("return_year, surname") == [(2026, "Example"), (2026, "Last"), (2026, "O'Brien & <Sons>")]
    (message,) = night.told("F-68")
    assert message.startswith("2 of the 9 blades of COLLECT that belong together are not there: requests, senneed.")
    assert night.told("F-70") == []
    blades(council.given.inbox)
    night = council.night("2026-11-17", "sen2.sen_needs")
    assert night.told("F-68") == [] and len(night.rows("sen_type")) == 3


def test_rows_whose_parent_is_missing_are_kept_and_told(council: Council) -> None:
    paths = blades(council.given.inbox)
    named = next(path for path in paths if path.stem.endswith("namedplan"))
    lines = named.read_text().splitlines(keepends=True)
    named.write_text("".join(lines[:-1]))
    night = council.night("2026-11-16", "sen2.plan_details")
    assert len(night.rows("urn")) == 3
    (message,) = night.told("F-70")
    assert message.startswith("2 PlanDetail whose NamedPlan is not there, first in line 3.")


def test_a_fuller_return_stands_before_a_barer_one(council: Council) -> None:
    d2i(council.given.inbox, stem="SEN2 2026 tool")
    (council.given.inbox / "sen2.xml").write_text(xml(PERSONS[:2]))
    night = council.night("2026-11-16", "sen2.persons")
    assert len(night.rows("surname")) == 2
    assert "sen2.xml stands, since it holds more tables" in night.told("F-69")[0]
    assert "by its name it is read as the return of 2026" in night.told("F-71")[0]
