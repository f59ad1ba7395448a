"""What fuzzing has found, each by the smallest file that shows it. All were mended."""

import dataclasses
import errno
import io
import json
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import xlsxwriter

from commands.check import check
from extract import contract as contracts
from extract import read_file
from extract.choose import extract
from extract.inbox import arrivals
from extract.read_file import Outcome
from extract.refusal import Refusal
from extract.text import lines as reading_lines
from extract.text import workbooks
from sample.broken import xls_of
from send_ready import runs, settings
from send_ready.settings import Settings

STUDENTS = contracts.load("capita_one.students", settings.load({}))
HEADER = "Student ID,Surname,Date of Birth"
ROWS = [HEADER.split(","), *([str(number), "Ash", "03/04/2012"] for number in range(20))]


def text_of(rows: list[list[str]], end: str = "\n") -> str:
    return "".join(",".join(row) + end for row in rows)


@contextmanager
def read(folder: Path, data: bytes | str, suffix: str = ".csv") -> Iterator[tuple[duckdb.DuckDBPyConnection, Outcome]]:
    """reader.loaded of a file with these bytes."""
    path = folder / f"x{suffix}"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    with read_file.opened_export(path, suffix, STUDENTS, folder / "scratch") as loaded:
        yield loaded


def ids(con: duckdb.DuckDBPyConnection) -> list[str]:
    return [row for (row,) in con.execute("SELECT student_id FROM typed ORDER BY _line_no").fetchall()]


def surnames(con: duckdb.DuckDBPyConnection) -> list[str]:
    return [row for (row,) in con.execute("SELECT surname FROM typed ORDER BY _line_no").fetchall()]


def aside(con: duckdb.DuckDBPyConnection) -> list[tuple[int, str]]:
    return con.execute("SELECT line_no, record FROM quarantine ORDER BY 1").fetchall()


def refusal(folder: Path, data: bytes | str, suffix: str = ".csv") -> Refusal:
    with read(folder, data, suffix) as (_, outcome):
        assert isinstance(outcome, Refusal)
        return outcome


# ---- lines ---------------------------------------------------------------------------------------------------------


def test_lines_of_one_file_that_end_in_three_ways(tmp_path: Path) -> None:
    lines = text_of(ROWS).splitlines()
    text = "".join(line + "\n\r\r\n"[at % 3 : at % 3 + 1 + (at % 3 == 2)] for at, line in enumerate(lines))
    with read(tmp_path, text) as (con, _):
        assert ids(con) == [row[0] for row in ROWS[1:]]
        assert aside(con) == []


def test_a_line_feed_after_a_text_of_carriage_returns(tmp_path: Path) -> None:
    with read(tmp_path, text_of(ROWS, "\r") + "\n") as (con, _):
        assert len(ids(con)) == 20


def test_quotation_marks_that_run_away_cost_their_own_lines_and_little_time(tmp_path: Path) -> None:
    """Each line ends the quotation of the one before and begins another: all were read as one, over and over."""
    with read(tmp_path, text_of(ROWS * 1000) + 'x"y,"\n' * 10_000) as (con, _):
        assert len(aside(con)) == 10_000 + 999  # the header again
        assert len(ids(con)) == 20


def test_quoted_lines_are_followed_until_patience_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    note = '40,"a note\nof two lines",03/04/2012\n'
    text = text_of(ROWS) + '30,"x\n' + "and nothing that ends it\n" * 3 + 'x,"y\n' + note
    for patience, lines in ((1000, [22, 23, 24, 25, 26]), (40, [22, 23, 24, 25, 26, 27, 28])):
        monkeypatch.setattr(reading_lines, "PATIENCE", patience)
        with read(tmp_path, text) as (con, outcome):
            assert not isinstance(outcome, Refusal)
            assert [line for line, _ in aside(con)] == lines
            assert outcome[1].rows_in_file == 20 + 5 + (1 if patience == 1000 else 2)


def test_a_line_end_lost_between_the_header_and_the_first_record(tmp_path: Path) -> None:
    """A record in the header is lost; so the file is refused, and what looks like a heading is not quoted."""
    rows = [[number, born, name] for number, name, born in ROWS]
    found = refusal(tmp_path, text_of(rows).replace("\n", "", 1))
    assert (found.code, "Ash" in str(found)) == ("F-11", False)


def test_a_file_of_lines_that_do_not_fit(tmp_path: Path) -> None:
    found = refusal(tmp_path, text_of(ROWS[:3]) + "7,Ash\n" * 30_000)
    assert (found.code, found.reason.partition(" have")[0]) == ("F-11", "30,000 of the 30,002 rows")


@pytest.mark.parametrize("value", ["x" * 600_000, "é" * 600_000, '"' + "é" * 600_000 + '"'])
def test_a_value_longer_than_any(tmp_path: Path, value: str) -> None:
    with read(tmp_path, f"{HEADER}\n1,Ash,03/04/2012\n2,{value},03/04/2012\n3,Oak,03/04/2012\n") as (con, _):
        assert (ids(con)[0], ids(con)[-1]) == ("1", "3")
        assert aside(con)[0][0] == 3


def test_many_long_values_in_a_record(tmp_path: Path) -> None:
    assert refusal(tmp_path, f"{HEADER}\n1,{'x' * 900_000}\n2,{'y' * 900_000}\n").code == "F-11"


# ---- header --------------------------------------------------------------------------------------------------------


def test_records_above_the_header_are_kept_and_titles_are_told(tmp_path: Path) -> None:
    text = text_of([["Students"], ["Run on", "16/11/2026"], ROWS[1], ROWS[0], *ROWS[2:]])
    with read(tmp_path, text) as (con, outcome):
        assert not isinstance(outcome, Refusal)
        assert aside(con) == [(3, '["0","Ash","03/04/2012"]')]
        assert outcome[0].notes == ("Rows above the header that were passed over: 2.",)


def test_a_file_without_header_gives_nobody_away(tmp_path: Path) -> None:
    found = refusal(tmp_path, text_of(ROWS[1:]))
    assert (found.code, "Ash" in str(found), "2012" in str(found)) == ("F-03", False, False)
    assert "Required columns: Student ID, Date of Birth." in found.reason


def test_headings_that_may_be_values_are_told_by_their_place(tmp_path: Path) -> None:
    header = f"{HEADER},Address Line 1,03/04/2012,A123456789012,,\x1b[2J\u202eReview\nof year"
    with read(tmp_path, f'"{header.replace(",", chr(34) + "," + chr(34))}"\n1,Ash,03/04/2012,,,,,\n') as (_, outcome):
        assert not isinstance(outcome, Refusal)
        extra = ("Address Line 1", "(column 5)", "(column 6)", "(column 7)", "[2J Review of year")
        assert outcome[1].match.extra == extra


def test_a_hundred_thousand_columns(tmp_path: Path) -> None:
    more = "".join(f",c{number}" for number in range(100_000))
    assert refusal(tmp_path, f"{HEADER}{more}\n").code == "F-04"
    few = "".join(f",c{number}" for number in range(990))
    with read(tmp_path, f"{HEADER}{few}\n1,Ash,03/04/2012{',x' * 990}\n,,{',x' * 990}\n") as (con, _):
        assert (ids(con), len(json.loads(aside(con)[0][1]))) == (["1"], 993)


def test_a_first_line_that_is_blank_and_a_header_that_never_ends(tmp_path: Path) -> None:
    with read(tmp_path, "\n" + text_of(ROWS)) as (con, _):
        assert len(ids(con)) == 20
    assert refusal(tmp_path, f'{HEADER},"{"x " * 600_000}').code == "F-08"


# ---- bytes ---------------------------------------------------------------------------------------------------------


def test_one_byte_that_is_not_utf_8_does_not_spoil_the_other_letters(tmp_path: Path) -> None:
    data = f"{HEADER}\n1,Zoë,03/04/2012\n2,Sián,03/04/2012\n3,".encode() + b"Ren\xe9,03/04/2012\n"
    with read(tmp_path, data) as (con, outcome):
        assert not isinstance(outcome, Refusal)
        assert surnames(con) == ["Zoë", "Sián", "René"]
        assert "2 in UTF-8 and 1 in Windows-1252" in outcome[0].notes[0]


def test_windows_1252_in_which_a_pair_looks_like_utf_8(tmp_path: Path) -> None:
    text = f"{HEADER}\n1,RENÉ\u00a0,03/04/2012\n2,Zoë,03/04/2012\n3,Chloë,03/04/2012\n"
    with read(tmp_path, text.encode("cp1252")) as (con, _):
        assert surnames(con) == ["RENÉ", "Zoë", "Chloë"]


@pytest.mark.parametrize("nuls", [100, 5000, 3_000_000])
def test_a_file_filled_up_with_nuls(tmp_path: Path, nuls: int) -> None:
    with read(tmp_path, f"{HEADER}\n1,Ash,03/04/2012\n".encode() + bytes(nuls)) as (con, _):
        assert ids(con) == ["1"]


def test_utf_16_in_pieces(tmp_path: Path) -> None:
    """A letter of four bytes on the border of two pieces."""
    rows = [[str(number), "👩" * 40, "03/04/2012"] for number in range(20_000)]
    with read(tmp_path, text_of([ROWS[0], *rows]).encode("utf-16")) as (con, _):
        assert len(ids(con)) == 20_000
        assert set(surnames(con)) == {"👩" * 40}


# ---- workbooks -----------------------------------------------------------------------------------------------------


def workbook(*sheets: list[list[Any]], hidden: int | None = None, **options: bool) -> bytes:
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"default_date_format": "dd/mm/yyyy", **options}) as book:
        for number, rows in enumerate(sheets):
            sheet = book.add_worksheet()
            for at, row in enumerate(rows):
                sheet.write_row(at, 0, row)
            if number == hidden:
                sheet.hide()
            else:
                sheet.activate()
    return data.getvalue()


def with_part(data: bytes, name: str, old: bytes, new: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for part in source.namelist():
            content = source.read(part)
            target.writestr(part, content.replace(old, new, 1) if part == name else content)
    return made.getvalue()


def test_a_carriage_return_in_a_cell(tmp_path: Path) -> None:
    with read(tmp_path, workbook([ROWS[0], ["99", "a\rb\r\nc", "03/04/2012"], *ROWS[1:]]), ".xlsx") as (con, _):
        assert surnames(con)[0] == "a b\nc"


@pytest.mark.parametrize("cell", ["XFD1048576", "A9000000", "XFD1500"])
def test_a_cell_far_from_the_table(tmp_path: Path, cell: str) -> None:
    row = cell.lstrip("XFDA")
    far = f'<row r="{row}"><c r="{cell}"><v>1</v></c></row></sheetData>'.encode()
    data = with_part(workbook(ROWS), "xl/worksheets/sheet1.xml", b"</sheetData>", far)
    assert refusal(tmp_path, data, ".xlsx").code == "F-07"


def test_one_text_that_very_many_cells_refer_to(tmp_path: Path) -> None:
    cells = b"".join(b'<row r="%d"><c r="A%d" t="s"><v>0</v></c></row>' % (row, row) for row in range(30, 30_000))
    data = with_part(workbook(ROWS), "xl/worksheets/sheet1.xml", b"</sheetData>", cells + b"</sheetData>")
    data = with_part(
        data, "xl/sharedStrings.xml", b"<t>Student ID", b"<t>" + bytes(range(65, 91)) * 2000 + b"Student ID"
    )
    assert refusal(tmp_path, data, ".xlsx").code == "F-07"


def test_a_workbook_whose_days_count_from_1904(tmp_path: Path) -> None:
    data = workbook([ROWS[0], ["1", "Ash", datetime(2012, 4, 3)]], date_1904=True)
    with read(tmp_path, data, ".xlsx") as (con, _):
        assert con.execute("SELECT date_of_birth FROM typed").fetchall() == [(date(2012, 4, 3),)]


def test_an_old_workbook_by_the_name_of_a_new_one(tmp_path: Path) -> None:
    for data, suffix in ((xls_of(ROWS), ".xlsx"), (workbook(ROWS), ".xls")):
        with read(tmp_path, data, suffix) as (con, _):
            assert len(ids(con)) == 20


def test_of_two_like_sheets_the_one_that_can_be_seen(tmp_path: Path) -> None:
    with read(tmp_path, workbook(ROWS[:3], ROWS, hidden=0), ".xlsx") as (con, outcome):
        assert not isinstance(outcome, Refusal)
        assert len(ids(con)) == 20
        assert outcome[0].notes == ("Sheet 2 was read; the others were not.",)


def test_rows_that_go_on_on_a_second_sheet_are_told(tmp_path: Path) -> None:
    with read(tmp_path, workbook(ROWS[:3], [ROWS[0], *ROWS[3:]]), ".xlsx") as (con, outcome):
        assert not isinstance(outcome, Refusal)
        assert len(ids(con)) == 2
        assert outcome[0].notes[1] == "Sheet 2 has the same header, and was not read: put all rows on one sheet."


def test_cells_beside_the_table(tmp_path: Path) -> None:
    data = workbook([ROWS[0], [*ROWS[1], "", "seen"], ROWS[2]])
    with read(tmp_path, data, ".xlsx") as (con, outcome):
        assert not isinstance(outcome, Refusal)
        assert len(ids(con)) == 2
        assert outcome[0].notes == ("Cells to the right of the table were not used, in 1 rows.",)


def test_what_ends_the_reading_of_a_workbook_from_without_is_no_fault_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kept, a refusal would stand against a good file for ever."""
    killer = tmp_path / "python"
    monkeypatch.setattr(sys, "executable", str(killer))
    for script, error in (("kill -9 $$", RuntimeError), ("kill -15 $$", RuntimeError), ("exit 1", RuntimeError)):
        killer.write_text(f"#!/bin/sh\n{script}\n")
        killer.chmod(0o700)
        with pytest.raises(error), read(tmp_path, workbook(ROWS), ".xlsx"):
            pass
    killer.write_text(f"#!/bin/sh\nexit {workbooks.DISK_FULL}\n")
    with pytest.raises(OSError, match="No space left") as full, read(tmp_path, workbook(ROWS), ".xlsx"):
        pass
    assert full.value.errno == errno.ENOSPC


# ---- names ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(arrivals, "SETTLE_SECONDS", 0.0)
    found = settings.load({"SEND_HOME": str(tmp_path / "home"), "AS_AT": "2026-11-16"})
    found.inbox.mkdir(parents=True)
    return found


def night(given: Settings, run_id: str, name: str, text: str = "") -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """What comes of the feed when a file has come, and the rules and files of its issues."""
    (given.inbox / name).write_text(text or text_of(ROWS))
    run = runs.begin(dataclasses.replace(given, run_id=run_id))
    result: dict[str, Any] = extract(run, given, STUDENTS.id)
    said = duckdb.execute(f"SELECT rule, file_name FROM '{run.issues(f'extract__{STUDENTS.name}')}'").fetchall()
    return result, said


@pytest.mark.parametrize(
    ("odd", "shown"),
    [
        ("\udcff", "\\udcff"),
        ("\n[ERROR] forged", "\\n[ERROR] forged"),
        ("\u202egpj", "\\u202egpj"),
        ("*[1]?é", "*[1]?é"),
    ],
)
def test_a_name_that_would_break_a_log_or_a_query(
    given: Settings, capsys: pytest.CaptureFixture[str], odd: str, shown: str
) -> None:
    name = f"capita_one_students_20261116{odd}.csv"
    result, _ = night(given, "one", name)
    assert (result["status"], result["file_name"]) == ("fresh", name.replace(odd, shown))
    again, _ = night(given, "two", name)
    assert len(again["files"]) == 1
    capsys.readouterr()
    assert check(given, given.inbox / name, None) == 0
    assert capsys.readouterr().out.startswith(f"{name.replace(odd, shown)}: ")
    assert check(given, given.inbox / ("x" * 300), None) == 1
    assert capsys.readouterr().out == f"There is no file {given.inbox / ('x' * 300)}.\n"
    assert check(given, given.inbox / f"none{odd}", None) == 1
    assert capsys.readouterr().out.endswith(f"none{shown}.\n")


def test_a_date_that_does_not_exist_is_told_while_a_good_file_is_in_use(given: Settings) -> None:
    night(given, "one", "capita_one_students_20261116.csv")
    result, said = night(given, "two", "capita_one_students_20261345.csv", text_of(ROWS[:-1]))
    assert (result["status"], result["data_date"]) == ("fresh", "2026-11-16")
    assert said == [("F-10", "capita_one_students_20261345.csv")]
    _, said = night(
        given, "three", "capita_one_students_20261116 (2).csv", text_of([*ROWS, ["99", "Oak", "03/04/2012"]])
    )
    assert said == []
