"""A file of a return, whichever its form, to rows: which form it is, whose it is, and of which survey."""

from datetime import date
from pathlib import Path

import duckdb

from extract.refusal import Refusal
from extract.sen2 import xml
from extract.sen2.found import BY_DATES, BY_FILE, BY_NAME, Came, Found, Read, Told, create_rows, latest_event, row_files
from extract.sen2.shape import Shape
from extract.text import XML_SUFFIXES

OTHER_COUNCIL, YEAR_ASSUMED, YEARS_DIFFER = "F-65", "F-66", "F-67"


def data_date(shape: Shape, path: Path, name: str, suffix: str, modified: date) -> date:
    """The survey day of a return: of its header, or else of the survey that its name and its dates tell."""
    if suffix in XML_SUFFIXES:
        try:
            header = Found(xml.FORM, name, xml.read_header(path, shape))
        except Refusal:
            return modified
        survey = next((each for each in shape.surveys if each.year == header.year), None)
        return header.reference_date or (survey.survey_day if survey else modified)
    return shape.survey_before(modified).survey_day


def read(con: duckdb.DuckDBPyConnection, shape: Shape, path: Path, came: Came, work: Path) -> Read:
    """Make `rows` of a file that landed; gives what is to be told of it. Raises Refusal."""
    with row_files(shape, work) as files:
        found = xml.read(path, shape, files, came.file_name.casefold())
        _must_be_ours(shape, found.header.get("lea"))
        _settle_year(shape, con, found, came.file_name, came.data_date)
        create_rows(con, shape, found, came)
    return Read(found.told, found.notes, found.misfits)


def _must_be_ours(shape: Shape, lea: str | None) -> None:
    number = (lea or "").strip().split(".")[0]
    if number and number != shape.settings.la_code:
        raise Refusal(
            OTHER_COUNCIL,
            f"By its header the return is of authority {number[:10]}, and not of {shape.settings.la_code}.",
            "Take it out of the inbox. If the number is wrong there, have the return made again.",
        )


def _settle_year(shape: Shape, con: duckdb.DuckDBPyConnection, found: Found, file_name: str, until: date) -> None:
    """Say of which survey a file is that has no header with a year; tell how it is known."""
    day = found.reference_date
    if found.year or day:
        if found.year and day and found.year != day.year:
            found.told.append(Told(
                YEARS_DIFFER, "query", f"The header says Year {found.year}, and the day {day}. It is read as the "
                f"return of {found.year}.", "Look which is right, and have the return made again.",
            ))  # fmt: skip
        return
    if named := shape.survey_by_name(Path(file_name).stem):
        found.said_of, found.basis, how = named, BY_NAME, "its name"
    elif (latest := latest_event(con, shape, found, until)) and (survey := shape.survey_from(latest)):
        found.said_of, found.basis, how = survey, BY_DATES, "the latest request or decision in it"
    else:
        found.said_of, found.basis, how = shape.survey_before(until), BY_FILE, "the day of the file"
    found.told.append(Told(
        YEAR_ASSUMED, "query", f"It does not say of which survey it is; by {how} it is read as the return of "
        f"{found.said_of.year}.", "If that is wrong, put the year alone into the name, such as SEN2 2025.",
    ))  # fmt: skip
