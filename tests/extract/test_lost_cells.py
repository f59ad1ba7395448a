"""Errors and formulas without a stored result in workbooks: blank, and reported per column as in a CSV."""

import zipfile
from pathlib import Path

import openpyxl
import pytest

from extract import contract as contracts
from extract import read_file
from extract.refusal import Refusal
from extract.types import Typed
from send_ready import settings

STUDENTS = contracts.load("capita_one.students", settings.load({}))
HEADER = ["Student ID", "UPN", "Surname", "Date of Birth"]


def read(path: Path) -> tuple[Typed, list[tuple[object, ...]]]:
    with read_file.opened_export(path, path.suffix, STUDENTS, path.parent / "scratch") as (con, outcome):
        assert not isinstance(outcome, Refusal), outcome
        rows = con.execute("SELECT student_id, upn, surname, date_of_birth::VARCHAR FROM typed").fetchall()
        return outcome[1], rows


def workbook(path: Path, *rows: list[object], before: int = 0) -> Path:
    """A workbook as openpyxl writes it: formulas without results. `before` sheets stand in front."""
    book = openpyxl.Workbook()
    sheet = book.active
    for _ in range(before):
        sheet = book.create_sheet()
    assert sheet is not None
    for row in (HEADER, *rows):
        sheet.append(row)
    book.save(path)
    return path


@pytest.mark.parametrize("before", [0, 2])
def test_errors_and_formulas_without_a_result_are_reported_by_column_and_line(tmp_path: Path, before: int) -> None:
    rows: list[list[object]] = [
        ["1", "#N/A", "Ash", "03/04/2012"],
        ["2", "=VLOOKUP(A3,X!A:B,2,0)", "#REF!", "=TODAY()"],
        ["3", None, "Oak", "05/04/2012"],
        ["4", "B2", "Elm", "#NAME?"],
    ]
    typed, found = read(workbook(tmp_path / "x.xlsx", *rows, before=before))
    assert found == [
        ("1", None, "Ash", "2012-04-03"),
        ("2", None, None, None),
        ("3", None, "Oak", "2012-04-05"),
        ("4", "B2", "Elm", None),
    ]
    unreadable = {each.column: each.lines for each in typed.unreadable}
    assert unreadable == {"upn": (2, 3), "surname": (3,), "date_of_birth": (3, 5)}


def test_a_key_that_is_a_formula_without_a_result_sets_its_row_aside(tmp_path: Path) -> None:
    typed, found = read(
        workbook(tmp_path / "x.xlsx", ["=A9", "A1", "Ash", "03/04/2012"], ["2", "A2", "Oak", "03/04/2012"])
    )
    assert [row[0] for row in found] == ["2"] and typed.rows_quarantined == 1


CELLS = (
    '<row><c t="inlineStr"><is><t>Student ID</t></is></c><c t="inlineStr"><is><t>UPN</t></is></c>'
    '<c t="inlineStr"><is><t>Surname</t></is></c><c t="inlineStr"><is><t>Date of Birth</t></is></c></row>'
    "<row><c><v>1</v></c>{}<c t='inlineStr'><is><t>Ash</t></is></c>"
    '<c t="inlineStr"><is><t>03/04/2012</t></is></c></row>'
)


@pytest.mark.parametrize(
    ("cell", "is_lost"),
    [
        ("<c t='e'><v>#N/A</v></c>", True),
        ('<c t="e"/>', True),
        ("<c><f>A1</f></c>", True),
        ('<c><f t="shared" si="0"/></c>', True),
        ("<c><f>A1</f><v/></c>", True),
        ('<c t="str"><f>A1</f></c>', True),
        ('<c t="str"><f>""</f><v></v></c>', False),  # an empty text is a result
        ('<c t="str"><f>B9</f><v>A12</v></c>', False),
        ("<c/>", False),
    ],
)
def test_cells_without_references_as_other_programs_write_them(tmp_path: Path, cell: str, is_lost: bool) -> None:
    made, sheet = workbook(tmp_path / "made.xlsx"), "xl/worksheets/sheet1.xml"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(tmp_path / "x.xlsx", "w") as book:
        for name in old.namelist():
            cells = f'<worksheet xmlns="{main}"><sheetData>{CELLS.format(cell)}</sheetData></worksheet>'
            book.writestr(name, cells if name == sheet else old.read(name))
    typed, found = read(tmp_path / "x.xlsx")
    assert found == [("1", "A12" if "A12" in cell else None, "Ash", "2012-04-03")]
    assert [each.column for each in typed.unreadable] == ["upn"] * is_lost


CALCEXT = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"
MANIFEST = (
    '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
    '<manifest:file-entry manifest:full-path="/" '
    'manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/></manifest:manifest>'
)


def ods(path: Path, rows: str) -> Path:
    """A spreadsheet as LibreOffice writes it, with these rows below the header."""
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    header = "".join(text_cell(cell) for cell in HEADER)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        book.writestr("META-INF/manifest.xml", MANIFEST)
        book.writestr(
            "content.xml",
            f'<office:document-content {spaces} xmlns:calcext="{CALCEXT}"><office:body>'
            '<office:spreadsheet><table:table table:name="S">'
            f"<table:table-row>{header}</table:table-row>{rows}</table:table></office:spreadsheet></office:body>"
            "</office:document-content>",
        )
    return path


def text_cell(text: str, more: str = "") -> str:
    return f'<table:table-cell office:value-type="string" {more}><text:p>{text}</text:p></table:table-cell>'


ERROR = (
    '<table:table-cell table:formula="of:=NA()" office:value-type="string" office:string-value="" '
    'calcext:value-type="error"><text:p>#N/A</text:p></table:table-cell>'
)


def test_an_ods_is_read_like_an_xlsx_and_its_errors_told(tmp_path: Path) -> None:
    date = '<table:table-cell office:value-type="date" office:date-value="2012-04-03"/>'
    empty = '<table:table-cell table:number-columns-repeated="2"/>'
    rows = [text_cell("1") + ERROR + text_cell("Ash") + date]
    rows += [text_cell("2") + empty + '<table:table-cell table:formula="of:=TODAY()"/>']
    path = ods(tmp_path / "x.ods", "".join(f"<table:table-row>{row}</table:table-row>" for row in rows))
    typed, found = read(path)
    assert found == [("1", None, "Ash", "2012-04-03"), ("2", None, None, None)]
    assert {each.column: each.lines for each in typed.unreadable} == {"upn": (2,), "date_of_birth": (3,)}


@pytest.mark.parametrize(("rows", "columns"), [(1_048_576, 16_384)])
def test_an_ods_that_says_it_is_huge_is_refused_and_no_more(tmp_path: Path, rows: int, columns: int) -> None:
    cell = text_cell("1", f'table:number-columns-repeated="{columns}"')
    path = ods(tmp_path / "x.ods", f'<table:table-row table:number-rows-repeated="{rows}">{cell}</table:table-row>')
    with read_file.opened_export(path, ".ods", STUDENTS, tmp_path / "scratch") as (_, outcome):
        assert isinstance(outcome, Refusal) and outcome.code in ("F-07", "F-08"), outcome
