"""Bytes to rows: whatever the encoding, delimiter or damage, every row is accounted for."""

import csv
import io
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from extract.contract import Column, Contract
from extract.refusal import Refusal
from extract.text.lines import Layout, Lines, Neighbours, Records
from extract.text.load import TextTable, load_text
from send_ready import database

CONTRACT = Contract(
    source="capita_one",
    feed="toys",
    title="Toys",
    grain="one row a toy",
    owner="Nobody",
    is_optional=False,
    file_name="capita_one_toys",
    undated_file="file_time",
    key=("a",),
    latest_by=None,
    max_row_drop_pct=20,
    stale_after_days=1,
    columns=tuple(Column(name, "text", name != "b", None, (f"Column {name.upper()}",)) for name in "abc"),
    fingerprint="x",
)
HEADER = "Column A,Column B,Column C"


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with database.scratch() as connection:
        yield connection


def load(con: duckdb.DuckDBPyConnection, folder: Path, data: bytes, name: str = "x.csv") -> TextTable:
    path = folder / name
    path.write_bytes(data)
    con.execute("DROP VIEW IF EXISTS text; DROP TABLE IF EXISTS misfit")
    with tempfile.TemporaryDirectory(dir=folder) as work:
        return load_text(con, path, path.suffix, CONTRACT, Path(work))


def rows(con: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    return con.execute("SELECT * FROM text ORDER BY line_no").fetchall()


def misfits(con: duckdb.DuckDBPyConnection) -> list[tuple[int, str, list[str]]]:
    held = con.execute("SELECT line_no::INTEGER, reason, record FROM misfit ORDER BY 1").fetchall()
    return [(line, reason, json.loads(record)) for line, reason, record in held]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings_delimiters_and_line_ends(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, encoding: str, delimiter: str, line_end: str
) -> None:
    text = line_end.join([HEADER, "1,Zoë,x", "2,Sian,y", ""]).replace(",", delimiter)
    load(con, tmp_path, text.encode(encoding))
    assert rows(con) == [(2, "1", "Zoë", "x"), (3, "2", "Sian", "y")]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('1,"two\nlines",x\n2,b,c\n', [(2, "1", "two\nlines", "x"), (4, "2", "b", "c")]),
        ("1,b,c\n\n2,b,c\n", [(2, "1", "b", "c"), (4, "2", "b", "c")]),
        ("1,b\x00,c\n", [(2, "1", "b", "c")]),
        ('1,O"Brien,c\n', [(2, "1", 'O"Brien', "c")]),
        ('1,"say ""hi""",c\n', [(2, "1", 'say "hi"', "c")]),
        ("1,b,c,\n2,b,c,,,\n", [(2, "1", "b", "c"), (3, "2", "b", "c")]),
        ("1,b,c", [(2, "1", "b", "c")]),
        ("1,=1+1,@x\n", [(2, "1", "=1+1", "@x")]),
        ("1,b\rb,c\n", [(2, "1", "b b", "c")]),
    ],
)
def test_irregular_but_readable(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, body: str, expected: list[tuple[object, ...]]
) -> None:
    load(con, tmp_path, f"{HEADER}\n{body}".encode())
    assert rows(con) == expected
    assert misfits(con) == []


@pytest.mark.parametrize(
    ("body", "line", "reason"),
    [
        ("1,b,c\n2,b\n3,b,c\n", 3, "The line has 2 of 3 values."),
        ("1,b,c\n3,b,c\n2,b", 4, "The line has 2 of 3 values. The file seems to be cut off here."),
        ("1,b,c\n2,b,c,d\n3,b,c\n", 3, "The line has 4 values where the header has 3"),
        ('1,b,c\n2,"b\n3,b,c\n', 3, "A quotation mark is opened and not closed."),
    ],
)
def test_a_line_that_does_not_fit_costs_that_line_only(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, body: str, line: int, reason: str
) -> None:
    load(con, tmp_path, f"{HEADER}\n{body}".encode())
    assert [(number, why.startswith(reason)) for number, why, _ in misfits(con)] == [(line, True)]
    assert [row[1] for row in rows(con)] == ["1", "3"]


def test_a_title_above_the_header_is_passed_over(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    load(con, tmp_path, f"Report of toys\nRun by nobody,today\n{HEADER}\n1,b,c\n".encode())
    assert rows(con) == [(4, "1", "b", "c")]


def test_a_header_over_two_lines(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    table = load(con, tmp_path, b'Column A,"Column\nB",Column C\n1,b,c\n2,b,c\n')
    assert table.header == ["Column A", "Column\nB", "Column C"]
    assert rows(con) == [(3, "1", "b", "c"), (4, "2", "b", "c")]


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("x.csv", b"", "F-01"),
        ("x.csv", b"\xef\xbb\xbf \r\n", "F-01"),
        ("x.csv", HEADER.encode(), "F-02"),
        ("x.csv", HEADER.encode() + b"\r\n\r\n", "F-02"),
        ("x.csv", b"\xef\xbb\xbf<!DOCTYPE html><html><body>Log in</body></html>", "F-04"),
        ("x.csv", b"PK\x03\x04rest of a workbook", "F-05"),
        ("x.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 100, "F-05"),
        ("x.xlsx", b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "F-06"),
        ("x.xlsx", b"Column A,Column B\n1,2\n", "F-05"),
        ("x.xlsx", b"PK\x03\x04half a workbook", "F-08"),
        ("x.csv", bytes(range(256)) * 20, "F-08"),
    ],
)
def test_what_is_no_export_is_refused(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, name: str, data: bytes, code: str
) -> None:
    with pytest.raises(Refusal) as refusal:
        load(con, tmp_path, data, name)
    assert refusal.value.code == code
    assert refusal.value.reason.endswith(".") and refusal.value.fix.endswith(".")


CELL = st.text(alphabet="ab,\"\n;' \t=é0123456789/.", max_size=8)
KEY = st.integers(100000, 999999).map(str)
NOTE = st.text(alphabet="ab,\"\n;' \t=é/.", max_size=12)
TABLE = st.lists(st.tuples(KEY, NOTE, CELL.map(lambda cell: cell.replace("\n", " "))), min_size=1, max_size=12)


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=TABLE, quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_the_fast_way_and_the_careful_way_agree(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, table: list[tuple[str, ...]], quoting: int
) -> None:
    """What a regular writer writes comes back as written, whichever way it took."""
    text = io.StringIO()
    csv.writer(text, quoting=quoting, lineterminator="\n").writerows([HEADER.split(","), *table])
    load(con, tmp_path, text.getvalue().encode())
    fast = [row[1:] for row in rows(con)]
    lines = Lines(io.StringIO(text.getvalue().partition("\n")[2], newline="\n"), 1)
    layout = Layout(HEADER.split(","), CONTRACT)
    records = list(Records(lines, ",", Neighbours(layout, [list(row) for row in table])))
    assert not misfits(con)
    assert [tuple(record[1:]) for record in records if isinstance(record, list)] == table
    assert fast == table


@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.text(alphabet='ab,"\n;\r\x00 1', max_size=60))
def test_no_line_is_lost_whatever_comes(con: duckdb.DuckDBPyConnection, tmp_path: Path, body: str) -> None:
    """Every line with something on it stands in a row or is set aside, and nothing raises but a refusal."""
    try:
        load(con, tmp_path, f"{HEADER}\n{body}".encode())
    except Refusal:
        return
    kept = sum((str(cell).count("\n") for row in rows(con) for cell in row[1:]), len(rows(con)))
    plain = body.replace("\x00", "").replace("\r\n", "\n").replace("\r", " ")
    written = [line for line in plain.split("\n") if line.strip(' ,;"')]
    assert len(written) <= kept + len(misfits(con))
