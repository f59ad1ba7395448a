"""The floor: the two Annex A lists from a folder of exports in the default layout, by floor.sql alone."""

import csv
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import duckdb
import xlsxwriter

SQL = Path(__file__).with_name("floor.sql")
CROSSWALKS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds" / "xwalk"

# feed -> (file name before the date, the columns that the lists need)
FEEDS = {
    "students": (
        "capita_one_students",
        "Student ID, UPN, Former UPN, ULN, Surname, Forename, Date of Birth, Sex, Ethnicity, Postcode, "
        "Disability, Pupil Premium, Date of Death, Last Updated",
    ),
    "enrolments": ("capita_one_enrolments", "Student ID, URN, Enrolment Status, Entry Date, Leaving Date"),
    "sen_provision": ("capita_one_sen_provision", "Student ID, SEN Provision, Start Date, End Date"),
    "sen_needs": ("capita_one_sen_needs", "Student ID, SEN Type, Rank, Start Date, End Date"),
    "ehcp_assessments": ("capita_one_ehcp_assessments", "Involvement ID, Student ID, Date Final Issued"),
    "ehc_plans": (
        "capita_one_ehc_plans",
        "Plan ID, Student ID, Involvement ID, Initial Plan Date, Current Plan Date, Cease Date",
    ),
    "annual_reviews": ("capita_one_annual_reviews", "Review ID, Plan ID, Meeting Date"),
    "attendance": (
        "capita_one_attendance",
        "Student ID, URN, Week Commencing, Sessions Possible, Authorised Absence, Unauthorised Absence",
    ),
    "exclusions": ("capita_one_exclusions", "Exclusion ID, Student ID, Category, Start Date"),
    "home_education": ("capita_one_home_education", "Student ID, Start Date, End Date"),
    "cases": (
        "ehc_hub_cases",
        "Case Reference, Child UPN, Child First Name, Child Last Name, Child DOB, Gender, Postcode, Primary Need, "
        "Request Received, Decision To Issue, Final Plan Issued, Plan Last Amended, Case Closed, Migrated Student ID",
    ),
    "reviews": ("ehc_hub_reviews", "Review Reference, Case Reference, Meeting Date"),
    "involvements": (
        "social_care_involvements",
        "Person ID, UPN, First Name, Last Name, DOB, Postcode, Status, Team, Start Date, End Date",
    ),
    "establishments": (
        "edubasealldata",
        "URN, LA (code), TypeOfEstablishment (code), PhaseOfEducation (code), StatutoryLowAge, StatutoryHighAge",
    ),
}
SHEETS = ("List_1", "List_2")


@dataclass(frozen=True)
class Lists:
    """Both lists as rows of values in the order of the Annex A columns, plain and lettered; a blank is None."""

    plain: dict[str, list[tuple[Any, ...]]]
    lettered: dict[str, list[tuple[Any, ...]]]
    table_seconds: float  # from the files to the finished tables
    workbook_seconds: float  # and the workbook on top, 0.0 when none was asked for


def lists(inbox: Path, as_at: date, la_code: str, workbook: Path | None = None, threads: int | None = None) -> Lists:
    """Read the exports that count on the as-at date and derive both lists; write a workbook if given a path."""
    started = time.perf_counter()
    with duckdb.connect(config={"threads": threads} if threads else {}) as con:
        received = {feed: _load(con, inbox, feed, as_at) for feed in FEEDS}
        con.execute(
            f"CREATE TABLE xwalk AS "
            f"SELECT parse_filename(filename)[7:-5] AS what, lower(trim(local_value)) AS local_value, code "
            f"FROM read_csv({_literal(CROSSWALKS / '*.csv')}, all_varchar = true, filename = true)"
        )
        con.execute(f"SET VARIABLE as_at = DATE '{as_at}'")
        con.execute(f"SET VARIABLE known_at = DATE '{as_at}'")
        con.execute(f"SET VARIABLE la_code = '{la_code}'")
        tell_what_came(con, received)
        con.execute(SQL.read_text(encoding="utf-8"))
        tables = time.perf_counter()
        lettered = {sheet: con.table(f"{sheet.lower()}_lettered").fetchall() for sheet in SHEETS}
        if workbook:
            _write(workbook, lettered)
        written = time.perf_counter()
        plain = {sheet: con.table(sheet.lower()).fetchall() for sheet in SHEETS}
    return Lists(plain, lettered, tables - started, written - tables if workbook else 0.0)


def tell_what_came(con: duckdb.DuckDBPyConnection, received: dict[str, set[str]]) -> None:
    """Set the variables of floor.sql that say what is known at all, from the columns of each export that came."""
    care = received["involvements"]
    known = {
        "has_exclusions": bool(received["exclusions"]),
        "has_gias": bool(received["establishments"]),
        "has_home_education": bool(received["home_education"]),
        "has_absence": {"Authorised Absence", "Unauthorised Absence"} <= received["attendance"],
        "has_care": {"DOB", "UPN"} <= care or {"DOB", "First Name", "Last Name", "Postcode"} <= care,
    }
    for name, value in known.items():
        con.execute(f"SET VARIABLE {name} = {value}")


def _load(con: duckdb.DuckDBPyConnection, inbox: Path, feed: str, as_at: date) -> set[str]:
    """Make raw_<feed> from the newest export of the as-at date or before, and say which of its columns came.

    Empty, and no column, when there is no export.
    """
    name, columns = FEEDS[feed]
    dated = {path.stem.removeprefix(name).strip("_"): path for path in inbox.glob(f"{name}*.csv")}
    usable = [day for day in dated if day.isdecimal() and day <= f"{as_at:%Y%m%d}"]
    empty = "SELECT " + ", ".join(f'NULL::VARCHAR AS "{column}"' for column in columns.split(", ")) + " WHERE false"
    if not usable:
        con.execute(f"CREATE TABLE raw_{feed} AS {empty}")
        return set()
    with _as_utf8(dated[max(usable)]) as path:
        names = _headers(path, columns.split(", "))
        headers = ", ".join(f"{_literal(name)}: 'VARCHAR'" for name in names)
        con.execute(
            f"CREATE TABLE raw_{feed} AS FROM read_csv({_literal(path)}, auto_detect = false, header = true, "
            f"columns = {{{headers}}}, delim = ',', quote = '\"', escape = '\"', "
            f"strict_mode = false) UNION ALL BY NAME {empty}"
        )
    return {*names} & {*columns.split(", ")}


def _headers(path: Path, columns: list[str]) -> list[str]:
    """The names to read the columns by: ours where only case, spaces, dashes, quotes or new lines differ."""
    known = {_bare(column): column for column in columns}
    with open(path, encoding="utf-8-sig", newline="") as file:
        found = next(csv.reader(file))
    return [known.get(_bare(name), f"{number} {name}") for number, name in enumerate(found)]


def _bare(header: str) -> str:
    return "".join(letter for letter in header.lower() if letter.isalnum())


def _literal(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


@contextmanager
def _as_utf8(path: Path) -> Iterator[Path]:
    """The file itself when it is UTF-8, else a copy made from cp1252, which DuckDB cannot read."""
    data = path.read_bytes()
    try:
        data.decode()
    except UnicodeDecodeError:
        with NamedTemporaryFile(suffix=".csv") as copy:
            copy.write(data.decode("cp1252").encode())
            copy.flush()
            yield Path(copy.name)
    else:
        yield path


def _write(path: Path, rows: dict[str, list[tuple[Any, ...]]]) -> None:
    with xlsxwriter.Workbook(path, {"default_date_format": "dd/mm/yyyy", "strings_to_formulas": False}) as book:
        for sheet, lines in rows.items():
            page = book.add_worksheet(sheet)
            for number, line in enumerate(lines, start=1):
                page.write_row(number, 0, line)


if __name__ == "__main__":
    folder, day, la, *book = sys.argv[1:]
    made = lists(Path(folder), date.fromisoformat(day), la, Path(book[0]) if book else None)
    found = {
        "list_rows": {sheet: len(lines) for sheet, lines in made.plain.items()},
        "table_seconds": round(made.table_seconds, 3),
        "workbook_seconds": round(made.workbook_seconds, 3),
    }
    print(json.dumps(found))
