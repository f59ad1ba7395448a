"""Which lines are rows: stray quotation marks, values that span lines, lines that lack the last columns."""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from extract import contract as contracts
from extract import read_file
from extract.refusal import Refusal
from extract.text.load import TextTable
from extract.types import Typed
from send_ready import settings

STUDENTS = contracts.load("capita_one.students", settings.load({}))
SUPPORT = contracts.load("capita_one.sen_provision", settings.load({}))
HEADER = ["Student ID", "UPN", "Surname", "Forename", "Date of Birth", "Sex", "Notes", "Last Updated"]


def students(count: int) -> list[list[str]]:
    return [
        [f"{700000 + n}", "", f"Ash{chr(97 + n % 26)}", "Sam", f"{day:02}/03/2012", "M", "", f"{day:02}/09/2026"]
        for n, day in enumerate(1 + n % 28 for n in range(count))
    ]


def written(rows: list[list[str]], delimiter: str = ",", end: str = "\n", quoting: int = csv.QUOTE_MINIMAL) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)  # type: ignore[arg-type]
    return text.getvalue()


@contextmanager
def read(
    folder: Path, text: str | bytes, contract: contracts.Contract = STUDENTS
) -> Iterator[tuple[duckdb.DuckDBPyConnection, TextTable, Typed]]:
    path = folder / "x.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with read_file.opened_export(path, ".csv", contract, folder / "scratch") as (con, outcome):
        if isinstance(outcome, Refusal):
            raise outcome
        table, typed = outcome
        table.lines.check("test")
        assert typed.rows_in_file == table.lines.rows + table.lines.set_aside
        yield con, table, typed


def ids(con: duckdb.DuckDBPyConnection) -> list[str]:
    return [row for (row,) in con.execute("SELECT student_id FROM typed ORDER BY _line_no").fetchall()]


def everything(con: duckdb.DuckDBPyConnection) -> str:
    """Typed rows and quarantine, as text."""
    held = con.execute("SELECT to_json(typed)::VARCHAR FROM typed UNION ALL SELECT record FROM quarantine").fetchall()
    return "\n".join(row for (row,) in held)


def quarantined(con: duckdb.DuckDBPyConnection) -> dict[int, str]:
    return dict(con.execute("SELECT line_no, kind FROM quarantine ORDER BY 1").fetchall())


# ---- stray quotation marks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", range(8))
@pytest.mark.parametrize("place", ["start", "end", "both ways"])
@pytest.mark.parametrize(("first", "second"), [(10, 390), (10, 11), (10, None), (0, 399)])
def test_stray_marks_swallow_no_row(tmp_path: Path, column: int, place: str, first: int, second: int | None) -> None:
    rows, delimiter = students(400), ",\t"[(column + first + bool(second)) % 2]
    for row, at_start in ((first, place != "end"), (second, place == "start")):
        if row is not None:
            rows[row][column] = f'"{rows[row][column]}' if at_start else f'{rows[row][column]}"'
    text = "".join(delimiter.join(row) + "\r\n" for row in [HEADER, *rows])
    with read(tmp_path, text) as (con, table, _):
        assert table.lines.total == 401
        assert table.lines.in_values == 0
        assert set(re.findall(r"7\d{5}", everything(con))) == {row[0].strip('"') for row in rows}
        assert len(set(ids(con)) & {row[0] for row in rows}) >= 398


def test_the_case_of_the_report(tmp_path: Path) -> None:
    """Two marks, 3,100 rows apart, each of which a strict reader takes for the end of a value."""
    rows = students(4000)
    rows[400][2], rows[3500][2] = f'"{rows[400][2]}', f'{rows[3500][2]}"'
    with read(tmp_path, "".join(",".join(row) + "\n" for row in [HEADER, *rows])) as (con, table, _):
        assert len(ids(con)) == 4000
        assert any("1 lines have a quotation mark" in note for note in table.notes)
        names = con.execute("SELECT surname FROM typed WHERE surname LIKE '%\"%' ORDER BY _line_no").fetchall()
        assert names == [(rows[400][2],), (rows[3500][2],)]


def test_a_mark_in_an_id_or_a_date_is_no_part_of_it(tmp_path: Path) -> None:
    rows = students(40)
    rows[5][0], rows[9][4] = f'"{rows[5][0]}', f'"{rows[9][4]}'
    with read(tmp_path, "".join(",".join(row) + "\n" for row in [HEADER, *rows])) as (con, _, _):
        assert ids(con) == [row[0] for row in students(40)]
        assert con.execute("SELECT count(*) FROM typed WHERE date_of_birth IS NULL").fetchall() == [(0,)]


@pytest.mark.parametrize("value", ['O"Neil', '6" nails', '"Bo" Smith', 'say ""hi""', '"quoted" '])
def test_marks_within_a_text_cost_nothing(tmp_path: Path, value: str) -> None:
    rows = students(40)
    rows[5][2] = value
    with read(tmp_path, "".join(",".join(row) + "\n" for row in [HEADER, *rows, []])) as (con, _, _):
        assert len(ids(con)) == 40


def test_two_marks_in_one_line_that_join_two_values(tmp_path: Path) -> None:
    """The line seems to lack its last column; its date of birth tells that it does not."""
    rows = students(40)
    rows[5][2], rows[5][3] = '"Ash', 'Sam"'
    with read(tmp_path, "".join(",".join(row) + "\n" for row in [HEADER, *rows])) as (con, _, _):
        held = con.execute("SELECT surname, forename, date_of_birth::VARCHAR FROM typed WHERE student_id = '700005'")
        assert held.fetchall() == [('"Ash', 'Sam"', "2012-03-06")]


def test_a_mark_alone_behind_the_last_value(tmp_path: Path) -> None:
    text = written([HEADER, *students(40)]).replace(",05/09/2026\n", ',05/09/2026,"\n')
    with read(tmp_path, text) as (con, table, _):
        assert len(ids(con)) == 40
        assert table.lines.in_values == 0


def test_marks_in_two_rows_of_one_line(tmp_path: Path) -> None:
    """A line end was lost, and a lenient reader would find as many values as there should be."""
    rows = students(40)
    line = '700100,,Oak,Sam,03/03/2012,M,",,700101,"Oak,03/09/2026,,,,\n'
    with read(tmp_path, written([HEADER, *rows]) + line + written(students(41)[40:])) as (con, _, _):
        assert quarantined(con) == {42: "shape"}
        assert "700101" in everything(con)


def test_two_marks_of_which_nobody_can_tell_whether_they_join_values(tmp_path: Path) -> None:
    header, rows = [*HEADER, "A", "B", "C"], [[*row, "x", "y", "z"] for row in students(40)]
    rows[5][8:] = ['"x', 'y"', "z"]
    with read(tmp_path, "".join(",".join(row) + "\n" for row in [header, *rows])) as (con, _, _):
        assert quarantined(con) == {7: "shape"}


@pytest.mark.parametrize("at", range(8))
def test_a_mark_in_the_header(tmp_path: Path, at: int) -> None:
    header = list(HEADER)
    header[at] = f'"{header[at]}'
    rows = students(40)
    for second in (None, 20):
        if second:
            rows[second][at] += '"'
        with read(tmp_path, "".join(",".join(row) + "\n" for row in [header, *rows])) as (con, _, _):
            assert ids(con) == [row[0] for row in students(40)]


def test_a_file_of_marks_takes_little_time(tmp_path: Path) -> None:
    for line in ('"\n', '"a\n', 'x,"\n', '"",",\n', '","\n', '"""\n'):
        text = written([HEADER, *students(40)]) + line * 100_000
        try:
            with read(tmp_path, text) as (con, _, _):
                assert len(ids(con)) >= 39
        except Refusal as refusal:
            assert refusal.code == "F-11"  # most lines of the file do not fit


# ---- values that span lines ----------------------------------------------------------------------------------------

NOTES = [
    "Phoned mum.\nNo answer",
    "One, two, three\nfour, five, six\n",
    "Tried again, twice, with Sam, on 3 May, no luck, see below, and so on, yes\n" * 4,
    "\n\n",
    'He said "no",\n"never", and left',
    "03/04/2026, called, a, b, c, d, e, f\n04/04/2026, called, a, b, c, d, e, f",
    "700 pounds\n7, 8, 9",
    "one\rtwo\nthree",
]


@pytest.mark.parametrize("note", NOTES)
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("place", [1, 6, 7])
def test_a_note_of_several_lines_is_believed(tmp_path: Path, note: str, quoting: int, place: int) -> None:
    """In a column between others, in the second and in the last one."""
    order = [0, *(at for at in (1, 2, 3, 4, 5, 7))]
    order.insert(place, 6)
    rows = students(40)
    for at in (0, 7, 8, 39):
        rows[at][6] = note
    table = [[row[at] for at in order] for row in [HEADER, *rows]]
    with read(tmp_path, written(table, quoting=quoting)) as (con, held, _):
        assert ids(con) == [row[0] for row in rows]
        assert held.lines.in_values == 4 * note.count("\n")
        notes = con.execute(f"SELECT c{place} FROM text WHERE c{place} <> ''").fetchall()
        assert notes == [(note.replace("\r", " "),)] * 4


def test_a_note_in_the_first_column(tmp_path: Path) -> None:
    rows = [[note, *row[:6], row[7]] for note, row in zip(NOTES * 5, students(40), strict=True)]
    with read(tmp_path, written([["Notes", *HEADER[:6], HEADER[7]], *rows])) as (con, _, _):
        assert ids(con) == [row[1] for row in rows]


def test_a_note_that_is_cut_off_and_one_with_a_space_behind_it(tmp_path: Path) -> None:
    text = written([HEADER, *students(20)])
    spaced = '800000,,Oak,Sam,01/01/2012,M,"of two\nlines" ,01/09/2026\n'
    with read(tmp_path, text + spaced + '800001,,Oak,Sam,01/01/2012,M,"cut\noff, in the mid') as (con, _, typed):
        assert ids(con)[-1] == "800000"
        assert sorted(quarantined(con)) == [24, 25]
        assert typed.rows_accepted == 21


# ---- lines with too few values, and with none ----------------------------------------------------------------------


def test_lines_that_lack_the_last_optional_columns(tmp_path: Path) -> None:
    rows = students(40)
    text = "".join(",".join(row[: 5 + at % 4]) + "\n" for at, row in enumerate([HEADER, *rows], start=3))
    with read(tmp_path, text) as (con, table, _):
        assert len(ids(con)) == 40
        assert sum("lines lack one or more of the last columns" in note for note in table.notes) == 1
        assert "30 lines lack" in " ".join(table.notes)


def test_lines_that_lack_a_required_column_or_the_end_of_the_file_are_set_aside(tmp_path: Path) -> None:
    text = written([HEADER, *students(20)]) + "800000,,Oak,Sam\n800001,,Oak,Sam,01/01/2012,M"
    with read(tmp_path, text) as (con, _, _):
        assert quarantined(con) == {22: "shape", 23: "shape"}
    with read(tmp_path, text + "\n") as (con, _, _):
        assert quarantined(con) == {22: "shape"}


def test_a_line_that_lacks_a_value_in_between_is_not_read_as_if_it_lacked_the_last(tmp_path: Path) -> None:
    """A date that moved to the left would be a date of death."""
    header = [*HEADER[:6], "Disability", "Pupil Premium", "Date of Death", "Last Updated"]
    rows = [[*row[:6], "N", "N", "", row[7]] for row in students(60)]
    del rows[30][6]
    with read(tmp_path, written([header, *rows])) as (con, _, _):
        assert quarantined(con) == {32: "shape"}
        assert con.execute("SELECT count(*) FROM typed WHERE date_of_death IS NOT NULL").fetchall() == [(0,)]


@pytest.mark.parametrize("line", [",,,,,,,\n", " , ,\n", ",\n", ";;;\n", '"","",""\n', "\t\n", "\u00a0,,,,,,,\n", "\n"])
def test_lines_of_nothing_but_separators_are_no_rows(tmp_path: Path, line: str) -> None:
    with read(tmp_path, written([HEADER, *students(20)]) + line * 5000) as (con, table, typed):
        assert (len(ids(con)), typed.rows_in_file, typed.rows_quarantined) == (20, 20, 0)
        assert table.lines.blank == 5000


def test_a_header_and_nothing_but_separators(tmp_path: Path) -> None:
    for line in (",,,,,,,\n", ",\n"):
        with pytest.raises(Refusal) as refusal, read(tmp_path, ",".join(HEADER) + "\n" + line * 50):
            pass
        assert refusal.value.code == "F-02"


# ---- headers -------------------------------------------------------------------------------------------------------


def test_a_header_again_within_the_first_rows_loses_none(tmp_path: Path) -> None:
    rows, partial, other = students(20), ["Student ID", "", "Surname", *[""] * 5], list(HEADER)
    other[1] = "Former UPN"
    for second, places in ((HEADER, (1, 3, 8)), (partial, (1, 3, 8)), (other, (12,))):
        for at in places:
            with read(tmp_path, written([HEADER, *rows[:at], second, *rows[at:]])) as (con, _, typed):
                assert set(re.findall(r"7\d{5}", everything(con))) == {row[0] for row in rows}
                assert typed.rows_accepted == (12 if second is other else 20)


def test_rows_below_a_header_of_another_order_are_not_read_by_the_first(tmp_path: Path) -> None:
    other = [0, 1, 3, 2, 4, 5, 6, 7]
    text = written([HEADER, *students(40)[:30], *([row[at] for at in other] for row in [HEADER, *students(40)[30:]])])
    for data in (text, text + "\n"):
        with read(tmp_path, data) as (con, _, _):
            assert len(ids(con)) == 30
            assert quarantined(con)[32] == "furniture"
            assert set(re.findall(r"7\d{5}", everything(con))) == {row[0] for row in students(40)}


def test_a_header_over_two_lines_and_rows_above_it(tmp_path: Path) -> None:
    two = [
        ["Student", "UPN", "Surname", "Forename", "Date", "Sex", "Notes", "Last"],
        ["ID", "", "", "", "of Birth", "", "", "Updated"],
    ]
    with read(tmp_path, written([["Students"], *two, *students(20)])) as (con, table, _):
        assert (len(ids(con)), table.lines.header, table.lines.titles) == (20, 2, 1)
        assert con.execute("SELECT count(last_updated) FROM typed").fetchall() == [(20,)]
    above = [["700100", "", "Oak"], ["700101", "Oak", "", "", "", "", "", ""], ["Students of", "today"]]
    with read(tmp_path, written([*above, HEADER, *students(20)])) as (con, table, _):
        assert {"700100", "700101"} <= set(re.findall(r"7\d{5}", everything(con)))
        assert table.lines.titles == 1


# ---- encodings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("one", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("other", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_two_exports_put_together(tmp_path: Path, one: str, other: str, end: str) -> None:
    rows = students(60)
    for at, name in enumerate(["Zoë", "Siân", "O’Neil", "Renée"] * 15):
        rows[at][2] = name
    first, second = written([HEADER, *rows[:30]], end=end), written([HEADER, *rows[30:]], end=end)
    with read(tmp_path, first.encode(one) + second.encode(other)) as (con, table, _):
        assert ids(con) == [row[0] for row in rows]
        names = [name for (name,) in con.execute("SELECT surname FROM typed ORDER BY _line_no").fetchall()]
        assert names == [row[2] for row in rows]
        assert any("more than one encoding" in note for note in table.notes) == (
            one.removesuffix("-sig").removesuffix("-le") != other.removesuffix("-sig").removesuffix("-le")
        )


def test_each_line_in_an_encoding_of_its_own(tmp_path: Path) -> None:
    rows = students(60)
    for at, name in enumerate(["Zoë", "Siân", "O’Neil", "Renée"] * 15):
        rows[at][2] = name
    lines = written([HEADER, *rows]).splitlines(keepends=True)
    data = b"".join(line.encode("cp1252" if at % 2 else "utf-8") for at, line in enumerate(lines))
    with read(tmp_path, data) as (con, table, _):
        names = [name for (name,) in con.execute("SELECT surname FROM typed ORDER BY _line_no").fetchall()]
        assert names == [row[2] for row in rows]
        assert "30 in UTF-8 and 30 in Windows-1252" in table.notes[0]


# ---- whatever comes ------------------------------------------------------------------------------------------------

CELL = st.text(alphabet="ab,\";' =é/.", max_size=10)
WORDS = st.lists(st.sampled_from(["Phoned", "mum,", "no", '"answer"', "on", "3 May;", "\n", "a,b,c", ","]), max_size=9)
ROW = st.tuples(st.integers(100_000, 999_999), CELL, CELL, st.dates(), st.sampled_from("MF"), WORDS.map(" ".join))
TABLES = st.lists(ROW, min_size=1, max_size=20, unique_by=lambda row: row[0])


def as_rows(table: list[tuple[object, ...]]) -> list[list[str]]:
    return [[str(key), "", one, other, f"{born:%d/%m/%Y}", sex, note, ""] for key, one, other, born, sex, note in table]  # type: ignore[str-format]


@hypothesis_settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    table=TABLES,
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    delimiter=st.sampled_from([",", ";", "\t"]),
)
def test_what_a_writer_writes_comes_back(
    tmp_path: Path, table: list[tuple[object, ...]], quoting: int, delimiter: str
) -> None:
    rows = as_rows(table)
    with read(tmp_path, written([HEADER, *rows], delimiter, quoting=quoting)) as (con, _, _):
        held = con.execute("SELECT * EXCLUDE (line_no) FROM text ORDER BY line_no").fetchall()
        assert [list(row) for row in held] == rows


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=TABLES, quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), data=st.data())
def test_stray_marks_anywhere_lose_no_untouched_line(
    tmp_path: Path, table: list[tuple[object, ...]], quoting: int, data: st.DataObject
) -> None:
    rows = [[value.replace("\n", " ") for value in row] for row in as_rows(table)]
    text = written([HEADER, *rows], quoting=quoting)
    header = len(text.partition("\n")[0]) + 1
    touched = set()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(header, len(text) - 1))
        touched.add(text.count("\n", 0, at) - 1)
        text = text[:at] + '"' + text[at:]
    try:
        with read(tmp_path, text) as (con, _, _):
            held = everything(con)
            lost = [row[0] for at, row in enumerate(rows) if at not in touched and row[0] not in held]
            assert not lost
    except Refusal as refusal:
        assert refusal.code in ("F-02", "F-11")
