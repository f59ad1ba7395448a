"""Files of sources as they come: sheets, encodings, totals, lines that do not fit; no row is lost unseen."""

import os
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import xlsxwriter

from extract import choose
from extract.landing import Landed
from extract.own import source
from extract.own.land import land_sources
from operations.settle import settle
from send_ready import files, runs
from send_ready.settings import LONDON
from tests.extract.own.council import Council

YML = """
title: Tracker
owner: SEND team
file_names: ["EHCP tracker {date}*"]
stale_after_days: 8
"""
TITLES = ["UPN", "Name", "Requested", "Need", "Need"]
ROWS = [["A823432112001", "Ann", "01/09/2026", "ASD", ""], ["A823432112002", "Bob", "", "", "SLCN"]]


def read(
    council: Council, yml: str = YML
) -> tuple[list[dict[str, Any]], dict[str, Any], list[tuple[str, str, int | None]]]:
    """The rows of the source, what is on record of it, and rule, message and line of each issue."""
    council.configure("sources/tracker.yml", yml)
    run = runs.begin(council.given)
    given = settle(run, council.given)
    land_sources(run, given)
    (source,) = [each for each in files.read_json(run.folder / runs.SOURCES) if each["source"] == "tracker"]
    rows: list[dict[str, Any]] = []
    told = duckdb.execute(f"SELECT rule, message, line_no FROM '{run.issues('sources')}' ORDER BY ALL").fetchall()
    for file in source["files"]:
        if file["status"] == "accepted":
            table = duckdb.execute(f"SELECT * FROM '{council.given.home / file['typed_path']}' ORDER BY _sheet, _line")
            names = [column[0] for column in table.description]
            rows += [dict(zip(names, row, strict=True)) for row in table.fetchall()]
            path = (council.given.home / file["typed_path"]).with_name("issues.parquet")
            told += duckdb.execute(f"SELECT rule, message, line_no FROM '{path}' ORDER BY ALL").fetchall()
    return rows, source, told


def book(council: Council, sheets: dict[str, list[list[Any]]]) -> Path:
    path = council.given.inbox / "EHCP tracker Nov26.xlsx"
    with xlsxwriter.Workbook(path) as made:
        for name, rows in sheets.items():
            sheet = made.add_worksheet(name)
            for at, row in enumerate(rows):
                sheet.write_row(at, 0, row)
    return path


TABLE = [["EHCP tracker"], [], TITLES, *ROWS, ["Total", 2]]


def test_a_workbook_with_a_banner_and_a_total(council: Council) -> None:
    book(council, {"Tracker": TABLE, "Notes": [["Ask", "Jo"], ["about", "this"]]})
    rows, source, told = read(council)
    assert [(row["UPN"], row["Need"], row["Need 2"], row["_line"]) for row in rows] == [
        ("A823432112001", "ASD", "", 4), ("A823432112002", "", "SLCN", 5),
    ]  # fmt: skip
    assert {(row["_file"], row["_sheet"], row["_data_date"]) for row in rows} == {
        ("EHCP tracker Nov26.xlsx", "Tracker", "2026-11-01")
    }
    assert (source["rows"], source["rows_set_aside"]) == (2, 1)
    assert next(message for rule, message, _ in told if rule == "F-33").startswith("Line 6: a title, a total")


def test_two_sheets_with_a_table_each_are_refused_until_the_source_says_which(council: Council) -> None:
    book(council, {"North": TABLE, "South": [TITLES, ["A823432112003", "Cyd", "02/09/2026", "", ""]]})
    rows, _, told = read(council)
    assert not rows and [rule for rule, *_ in told] == ["F-43"]
    rows, *_ = read(council, f"{YML}sheet: so*\n")
    assert [row["UPN"] for row in rows] == ["A823432112003"]
    rows, *_ = read(council, f"{YML}sheet: every\n")
    assert {(row["UPN"], row["_file"], row["_line"]) for row in rows} == {
        ("A823432112001", "EHCP tracker Nov26.xlsx, sheet 1", 4),
        ("A823432112002", "EHCP tracker Nov26.xlsx, sheet 1", 5),
        ("A823432112003", "EHCP tracker Nov26.xlsx, sheet 2", 2),
    }
    _, _, told = read(council, f"{YML}sheet: West\n")
    assert [rule for rule, *_ in told] == ["F-43"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_text_in_any_encoding_with_any_delimiter(council: Council, encoding: str, delimiter: str) -> None:
    lines = [
        TITLES,
        ["A823432112001", "Zoë", "01/09/2026", "ASD", "“x”"],
        *([f"A8234321120{n}", "B", "", "", ""] for n in range(10, 30)),
    ]
    text = "\r\n".join(delimiter.join(line) for line in [["EHCP tracker"], *lines]) + "\r\n"
    (council.given.inbox / "EHCP tracker 20261116.csv").write_bytes(text.encode(encoding))
    rows, _, _ = read(council)
    assert (rows[0]["Name"], rows[0]["Need 2"], len(rows)) == ("Zoë", "“x”", 21)


def test_lines_that_do_not_fit_are_set_aside_by_line_and_values_span_lines(council: Council) -> None:
    text = (
        'UPN,Name,Note,Date\nA1001,Ann,"one\ntwo",01/09/2026\nA1002,Bob,x,02/09/2026\nA1003,Cyd,y,03/09/2026,too,many\n'
    )
    text += "A1004\n" + "".join(f"A10{n},Dee,z,04/09/2026\n" for n in range(10, 20))
    (council.given.inbox / "EHCP tracker 20261116.csv").write_text(text)
    rows, source, told = read(council)
    assert [(row["UPN"], row["Note"], row["_line"]) for row in rows[:3]] == [
        ("A1001", "one\ntwo", 2), ("A1002", "x", 4), ("A1004", "", 6),
    ]  # fmt: skip
    assert source["rows_set_aside"] == 1 and [line for rule, _, line in told if rule == "F-30"] == [5]


def test_totals_may_be_kept_or_named(council: Council) -> None:
    lines = [TITLES, *ROWS, ["Total", "2", "", "", ""], ["Summe: 2", "", "", "", ""]]
    (council.given.inbox / "EHCP tracker 20261116.csv").write_text("\n".join(",".join(line) for line in lines) + "\n")
    assert [row["UPN"] for row in read(council, f"{YML}totals: keep\n")[0]][2:] == ["Total", "Summe: 2"]
    assert [row["UPN"] for row in read(council, f"{YML}totals: [summe]\n")[0]][2:] == ["Total"]


@pytest.mark.parametrize(
    ("given", "rule"),
    [("header: {row: 40}", "F-42"), ("header: {columns: [Postcode]}", "F-42"), ("header: {row: 3}", None),
     ("header: {columns: [upn, requested]}", None)],
)  # fmt: skip
def test_a_header_that_is_given(council: Council, given: str, rule: str | None) -> None:
    book(council, {"Tracker": TABLE})
    rows, _, told = read(council, f"{YML}{given}\n")
    assert len(rows) == (0 if rule else 2)
    assert rule is None or rule in [code for code, *_ in told]


def test_an_undated_file_has_the_latest_date_of_a_column_if_the_source_says_so(council: Council) -> None:
    lines = [TITLES, *ROWS, ["A823432112003", "Cyd", "5 Nov 2026", "", ""]]
    (council.given.inbox / "EHCP tracker.csv").write_text("\n".join(",".join(line) for line in lines) + "\n")
    rows, *_ = read(council, f"{YML}undated_file: requested\n")
    assert {row["_data_date"] for row in rows} == {"2026-11-05"}


@pytest.mark.parametrize(
    ("name", "yml", "said"),
    [
        ("EHCP tracker.csv", "", "Its file time, "),
        (
            "EHCP tracker.csv",
            "undated_file: requested\n",
            "The latest date in its column requested, 2026-11-20, is after",
        ),
    ],
)
def test_an_undated_file_of_a_day_to_come_is_told(council: Council, name: str, yml: str, said: str) -> None:
    lines = [TITLES, *ROWS, ["A823432112003", "Cyd", "20 Nov 2026", "", ""]]
    path = council.given.inbox / name
    path.write_text("\n".join(",".join(line) for line in lines) + "\n")
    moment = datetime(2027, 1, 5, 12, tzinfo=LONDON).timestamp()
    os.utime(path, (moment, moment))
    _, on_record, told = read(council, f"{YML}{yml}")
    assert not on_record["files"]
    messages = [message for rule, message, _ in told if rule == "F-24"]
    assert [message.startswith(said) for message in messages] == [True]


@pytest.mark.parametrize(
    ("name", "landed_at", "is_in_use", "is_told"),
    [
        ("EHCP tracker.csv", "2026-11-15", True, True), ("EHCP tracker.csv", "2026-11-30", True, False),
        ("EHCP tracker.csv", "2026-11-30", False, True), ("EHCP tracker 20261120.csv", "2026-11-15", True, True),
        ("EHCP tracker 20261120.csv", "2026-11-30", False, False),
    ],
)  # fmt: skip
def test_what_landed_after_the_day_is_of_later_days(
    council: Council, name: str, landed_at: str, is_in_use: bool, is_told: bool
) -> None:
    council.configure("sources/tracker.yml", YML)
    run, day = runs.begin(council.given), date(2026, 11, 20)
    landed = Landed("sources", "tracker", name, ".csv", 1, 1, "0" * 64, day, f"{landed_at}T03:00:00+00:00", None)
    tracker = source.load("tracker", council.given)
    assert bool(list(choose.files_to_come(run, [landed], tracker, is_in_use=is_in_use))) == is_told


@pytest.mark.parametrize(
    ("name", "held", "rule"),
    [("EHCP tracker 20261116.csv", b"", "F-01"), ("EHCP tracker 20261332.csv", b"UPN,Name\nA1001,Ann\n", "F-10"),
     ("EHCP tracker 20261116.csv", b"<html><body>Log in", "F-04"),
     ("EHCP tracker 20261116.xlsx", b"no workbook", "F-05"),
     ("EHCP tracker 20261116.csv", b"UPN,Name\n", "F-42"), ("EHCP tracker 20261116.csv", b"\0\1\2\3" * 99, "F-08")],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_refused_by_name(council: Council, name: str, held: bytes, rule: str) -> None:
    (council.given.inbox / name).write_bytes(held)
    rows, source, told = read(council)
    assert not rows and [code for code, *_ in told] == [rule]
    assert [file["status"] for file in source["files"]] == ["refused"]
