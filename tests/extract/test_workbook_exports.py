"""Exports that come as Excel workbooks."""

import datetime as dt
import io
import zipfile
from pathlib import Path

import msoffcrypto.format.ooxml
import openpyxl
import pytest

from extract import contract as contracts
from extract import read_file
from extract.refusal import Refusal
from send_ready import settings

STUDENTS = contracts.load("capita_one.students", settings.load({}))
HEADER = ["Student ID", "UPN", "ULN", "Surname", "Date of Birth", "Disability"]


def workbook(*sheets: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets):
        sheet = book.create_sheet(f"Sheet {number}")
        for row in rows:
            sheet.append(row)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def read(folder: Path, data: bytes, suffix: str = ".xlsx") -> tuple[list[tuple[object, ...]], object] | Refusal:
    """Typed rows (with their line in the sheet) and notes, or why the workbook is refused."""
    path = folder / f"x{suffix}"
    path.write_bytes(data)
    with read_file.opened_export(path, suffix, STUDENTS, folder / "scratch") as (con, outcome):
        if isinstance(outcome, Refusal):
            return outcome
        rows = con.execute("SELECT student_id, uln, surname, date_of_birth, disability, _line_no FROM typed").fetchall()
        return rows, outcome[0].notes


def test_real_dates_ids_as_numbers_and_text_dates(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        workbook(
            [
                HEADER,
                [123456.0, None, 1234567890, "Ash", dt.datetime(2012, 4, 3), True],
                [None, None, None, None, None, None],
                ["000123", None, 1234567890.0, " Oak ", "03/04/2012", "N"],
            ]
        ),
    )
    assert found == (
        [
            ("123456", "1234567890", "Ash", dt.date(2012, 4, 3), True, 2),
            ("000123", "1234567890", "Oak", dt.date(2012, 4, 3), False, 4),
        ],
        (),
    )


def test_the_sheet_that_looks_like_the_feed_is_read_and_the_others_named(tmp_path: Path) -> None:
    found = read(
        tmp_path, workbook([["Notes"], ["Run on Monday"]], [["Students"], HEADER, [1, None, None, "Ash", "03/04/2012"]])
    )
    assert not isinstance(found, Refusal)
    assert [row[0] for row in found[0]] == ["1"]
    assert found[0][0][-1] == 3
    assert found[1] == (
        "Sheet 2 was read; the others were not.",
        "Rows above the header that were passed over: 1.",
    )


def test_a_password_is_said_to_be_a_password(tmp_path: Path) -> None:
    locked = io.BytesIO()
    plain = io.BytesIO(workbook([HEADER, [1, None, None, "Ash", "03/04/2012"]]))
    msoffcrypto.format.ooxml.OOXMLFile(plain).encrypt("secret", locked)
    for suffix in (".xlsx", ".csv"):
        found = read(tmp_path, locked.getvalue(), suffix)
        assert isinstance(found, Refusal) and found.code == "F-06"
        assert "password" in found.reason


def test_a_workbook_that_would_unpack_to_far_too_much_is_not_opened(tmp_path: Path) -> None:
    data = io.BytesIO(workbook([HEADER]))
    with zipfile.ZipFile(data, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet2.xml", b"0" * (64 << 20))
    found = read(tmp_path, data.getvalue())
    assert isinstance(found, Refusal) and found.code == "F-07"


@pytest.mark.parametrize(("keep", "code"), [(0.5, "F-08"), (0.99, "F-08")])
def test_half_a_workbook(tmp_path: Path, keep: float, code: str) -> None:
    data = workbook([HEADER, [1, None, None, "Ash", "03/04/2012"]])
    found = read(tmp_path, data[: int(len(data) * keep)])
    assert isinstance(found, Refusal) and found.code == code


def test_an_empty_workbook_and_one_with_a_header_only(tmp_path: Path) -> None:
    for sheets, code in (([[]], "F-01"), ([[HEADER]], "F-02")):
        found = read(tmp_path, workbook(*sheets))
        assert isinstance(found, Refusal) and found.code == code


def test_a_zip_that_is_no_workbook(tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("readme.txt", "hello")
    found = read(tmp_path, data.getvalue())
    assert isinstance(found, Refusal) and found.code == "F-08"
