"""A file of a return, whichever its form, to rows: which form it is, whose it is, and of which survey."""

import tempfile
from datetime import date, datetime
from pathlib import Path

import duckdb

from extract.inbox import names
from extract.refusal import Refusal
from extract.sen2 import csv_file, workbook, xml
from extract.sen2.found import BY_DATES, BY_FILE, BY_NAME, Came, Found, Read, Told, create_rows, latest_event, row_files
from extract.sen2.shape import Shape
from extract.text import WORKBOOK_SUFFIXES, XML_SUFFIXES
from send_ready import database
from send_ready.sen2 import Survey

OTHER_COUNCIL, SWAPPED, YEARS_DIFFER = "F-65", "F-66", "F-67"
_BLADE_NAME = "*blade*export*{date}*"


def data_date(shape: Shape, path: Path, name: str, suffix: str, modified: date) -> date:
    """The survey day of a return: of its header, or else of the survey that its name or its dates tell.

    A file that cannot be read has the day on which it was last changed.
    """
    try:
        if suffix in XML_SUFFIXES:
            found = Found(xml.FORM, name, xml.read_header(path, shape))
            return found.survey(shape)[1] or modified
        if named := _named(shape, name):
            return named.survey_day
        if suffix in WORKBOOK_SUFFIXES:
            with tempfile.TemporaryDirectory(dir=path.parent) as work, database.scratch(Path(work), threads=1) as con:
                came = Came(name, suffix, modified, modified.isoformat())
                found = workbook.read(con, shape, path, came, Path(work))
                _settle_year(shape, con, found, came)
                return found.survey(shape)[1] or modified
    except Refusal:
        return modified
    return shape.survey_before(modified).survey_day


def read(con: duckdb.DuckDBPyConnection, shape: Shape, path: Path, came: Came, work: Path) -> Read:
    """Make `rows` of a file that landed, and add to `set_aside`; gives what is to be told of it. Raises Refusal."""
    with row_files(shape, work) as files:
        if came.suffix in XML_SUFFIXES:
            found = xml.read(path, shape, files, came.file_name.casefold())
        elif came.suffix in WORKBOOK_SUFFIXES:
            found = workbook.read(con, shape, path, came, work)
        else:
            found = csv_file.read(con, shape, path, came, work)
        _must_be_ours(shape, found)
        _settle_year(shape, con, found, came)
        create_rows(con, shape, found, came)
    found.told += _swapped(con, found)
    return Read(found.told, found.notes, found.misfits)


def _named(shape: Shape, name: str) -> Survey | None:
    """The survey that a file's name says: of a blade by the day of the export, else by the year alone."""
    stem = names.stem_and_suffix(Path(name).name)[0]
    blade = names.in_pattern(stem, _BLADE_NAME)
    if blade:
        return shape.survey_before(blade.date) if blade.date else None
    return shape.survey_by_name(Path(name).stem)


def _must_be_ours(shape: Shape, found: Found) -> None:
    given = [lea] if (lea := found.header.get("lea")) else found.la_codes  # where there is no header, its rows say
    numbers = {each.strip().split(".")[0] for each in given} - {""}
    ours = shape.settings.la_code
    if numbers and ours not in numbers:
        said = ", ".join(sorted(each[:10] for each in numbers)[:3])
        raise Refusal(
            OTHER_COUNCIL,
            f"The return is of authority {said}, and not of {ours}.",
            "Take it out of the inbox. If the number is wrong there, have the return made again.",
        )


def _settle_year(shape: Shape, con: duckdb.DuckDBPyConnection, found: Found, came: Came) -> None:
    """Say of which survey a file is that has no header with a year, and how that is known."""
    day = found.reference_date
    if found.year or day:
        if found.year and day and found.year != day.year:
            found.told.append(Told(
                YEARS_DIFFER, "query", f"The header says Year {found.year}, and the day {day}. It is read as the "
                f"return of {found.year}.", "Look which is right, and have the return made again.",
            ))  # fmt: skip
        return
    landed = datetime.fromisoformat(came.landed_at).date()
    if named := _named(shape, came.file_name):
        found.said_of, found.basis = named, BY_NAME
    elif (latest := latest_event(con, shape, found, landed)) and (survey := shape.survey_from(latest)):
        found.said_of, found.basis = survey, BY_DATES
    else:
        found.said_of, found.basis = shape.survey_before(came.data_date), BY_FILE


def _swapped(con: duckdb.DuckDBPyConnection, found: Found) -> list[Told]:
    """Told where of most rows the meeting of a review stands after the decision: the labels may be swapped."""
    if "active_plans" not in found.queries:
        return []
    row = con.execute("""
        SELECT count(*) FILTER (WHERE meeting > decision), count(*) FILTER (WHERE meeting <> decision)
        FROM (SELECT try_cast(review_meeting AS DATE) AS meeting, try_cast(last_review AS DATE) AS decision
            FROM rows WHERE _table = 'active_plans')""").fetchone()
    after, both = row or (0, 0)
    if not after or 2 * after <= both:
        return []
    return [Told(
        SWAPPED, "error", f"Of {after:,} of the {both:,} reviews with two days the meeting is after the decision: the "
        "headings of the two are perhaps swapped in this file. They are read as they stand.",
        "Look at a review that is known. If they are swapped, put both headings right in the file and drop it again.",
        count=after,
    )]  # fmt: skip
