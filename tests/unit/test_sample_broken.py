"""Broken files are broken in the way their names say, and the reader makes of each what it should."""

import csv
import io
import re
import zipfile
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from extract import contract, read_file
from extract.inbox import arrivals
from extract.refusal import Refusal
from sample import broken
from send_ready import settings

NAME = "capita_one_students_20261116.csv"
ROWS = [["Student ID", "Date of Birth", "Surname"], *([str(1000 + n), "01/02/2014", f"Zoë {n}"] for n in range(60))]
GOOD = broken.csv_of(ROWS).encode()
EXPECTED_CODES = {
    "empty": "F-01", "header_only": "F-02", "first_column_missing": "F-03", "first_column_renamed": "F-03",
    "login_page": "F-04", "workbook_named_csv": "F-05", "csv_named_workbook": "F-05", "xls_named_csv": "F-05",
    "workbook_with_password": "F-06", "workbook_bomb": "F-07", "workbook_cut_short": "F-08", "not_text": "F-08",
}  # fmt: skip


def _read(builder: broken.Builder, folder: Path) -> tuple[str, list[str | None], int]:
    """Refusal code or empty text, the Student IDs that were read, and how many rows went to quarantine."""
    name, data = builder(NAME, GOOD)
    path = folder / name
    path.write_bytes(data)
    students = contract.load("capita_one.students", settings.load({}))
    with read_file.opened_export(path, arrivals.stem_and_suffix(name)[1], students, folder) as (con, outcome):
        if isinstance(outcome, Refusal):
            return outcome.code, [], 0
        ids = con.execute("SELECT student_id FROM typed ORDER BY student_id").fetchall()
        return "", [row[0] for row in ids], outcome[1].rows_quarantined


ALL_IDS = [row[0] for row in ROWS[1:]]


@pytest.mark.parametrize("builder", [*broken.READABLE, *broken.NAMED], ids=lambda builder: builder.__name__)
def test_read_as_if_nothing_had_happened(builder: broken.Builder, tmp_path: Path) -> None:
    assert _read(builder, tmp_path) == ("", ALL_IDS, 0)


@pytest.mark.parametrize("builder", broken.READABLE_IN_PART, ids=lambda builder: builder.__name__)
def test_read_but_for_the_record_that_broke_off(builder: broken.Builder, tmp_path: Path) -> None:
    assert _read(builder, tmp_path) == ("", ALL_IDS[:-1], 1)


@pytest.mark.parametrize("builder", broken.REFUSED, ids=lambda builder: builder.__name__)
def test_refused_for_the_right_reason(builder: broken.Builder, tmp_path: Path) -> None:
    assert _read(builder, tmp_path) == (EXPECTED_CODES[builder.__name__], [], 0)


@pytest.mark.parametrize("builder", broken.BUILDERS.values(), ids=broken.BUILDERS)
def test_the_same_name_and_a_broken_content_or_the_same_content_and_a_broken_name(builder: broken.Builder) -> None:
    name, data = builder(NAME, GOOD)
    assert (name != NAME) or (data != GOOD)
    assert (data == GOOD) == (builder in (*broken.NAMED, broken.csv_named_workbook))
    assert "/" not in name and "\\" not in name


def test_builders_are_found_by_name() -> None:
    assert broken.BUILDERS["login_page"] is broken.login_page
    assert len(broken.BUILDERS) == len({*broken.READABLE, *broken.READABLE_IN_PART, *broken.REFUSED, *broken.NAMED})


def test_the_old_workbook_is_a_real_one() -> None:
    for rows in (ROWS, [*ROWS, *ROWS[1:] * 50]):
        book = CalamineWorkbook.from_filelike(io.BytesIO(broken.xls_of(rows)))
        assert book.get_sheet_by_index(0).to_python() == rows


def test_the_workbook_is_a_real_one() -> None:
    assert (
        CalamineWorkbook.from_filelike(io.BytesIO(broken.workbook_of(GOOD))).get_sheet_by_index(0).to_python() == ROWS
    )


def test_the_bomb_is_small_and_unpacks_to_much() -> None:
    _, data = broken.workbook_bomb(NAME, GOOD)
    with zipfile.ZipFile(io.BytesIO(data)) as bomb:
        assert len(data) < 1 << 20
        assert sum(part.file_size for part in bomb.infolist()) > 64 << 20


def test_the_locked_workbook_asks_for_a_password() -> None:
    import msoffcrypto

    _, data = broken.workbook_with_password(NAME, GOOD)
    assert msoffcrypto.OfficeFile(io.BytesIO(data)).is_encrypted()


def test_broken_in_the_way_the_name_says() -> None:
    content = {name: builder(NAME, GOOD)[1] for name, builder in broken.BUILDERS.items()}
    assert b"\x00" in content["stray_nul"] and content["stray_nul"].count(b"\x00") == 1
    assert content["utf16"].startswith(b"\xff\xfe") and content["utf8_with_mark"].startswith(b"\xef\xbb\xbf")
    assert "Zoë".encode("cp1252") in content["cp1252"]
    assert b"," not in content["semicolons"] and b"," not in content["tabs"]
    assert b"\n" not in content["carriage_returns"] and b"\r" not in content["line_feeds"]
    assert not content["truncated_last_line"].endswith(b"\n")
    assert content["truncated_in_quotes"].count(b'"') == 1
    assert re.search(rb'"Zo\xc3\xab 0\nZo\xc3\xab 0"', content["quoted_newlines"])
    header = next(csv.reader(io.StringIO(content["first_column_twice"].decode())))
    assert header[0] == header[-1]
