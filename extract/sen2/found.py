"""What reading one file of a return gives, whichever its form, and the rows of the source that it becomes."""

import csv
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import IO, Any

import duckdb

from extract import dates
from extract.sen2 import values
from extract.sen2.shape import COMMON, FILE, FILE_COLUMNS, Shape
from send_ready.database import identifier, literal
from send_ready.sen2 import ROOT, Survey

UNKNOWN, TWICE = "F-62", "F-64"  # rules: names that no return has, and what stands twice
SHOWN = 5  # names that are told
# How the survey of a file is known, the surest first: by its header, its name, the dates in it, or the file's own date.
BY_HEADER, BY_NAME, BY_DATES, BY_FILE = range(1, 5)
EVENTS = (  # whose latest day says of which survey a return without a header is
    ("requests", "received_date"),
    ("requests", "request_outcome_date"),
    ("assessment", "assessment_outcome_date"),
)


@dataclass(frozen=True)
class Told:
    """Something to be told about a file: rule, severity, message, what to do, and the line if it is of one."""

    rule: str
    severity: str
    message: str
    fix: str
    line: int | None = None
    count: int = 1


@dataclass(frozen=True)
class Came:
    """How a file came: its name as dropped, what it is by that, the day that it stands for, and when."""

    file_name: str
    suffix: str
    data_date: date
    landed_at: str


@dataclass(frozen=True)
class Read:
    """What is to be told of a file that was read; lines that fit no row, each with the reason; and plain notes."""

    told: list[Told]
    notes: list[str]
    misfits: list[tuple[int, str]]


@dataclass
class Found:
    """One file of a return. `queries` give each module's rows as text: _line, _sheet, its ids and its columns."""

    form: str
    set_name: str
    header: dict[str, str] = field(default_factory=dict)  # by column, as it stands in the file
    la_codes: set[str] = field(default_factory=set)  # of authorities, beside the header's
    has_header: bool = False  # a header of its own, be it empty
    queries: dict[str, str] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    misfits: list[tuple[int, str]] = field(default_factory=list)
    said_of: Survey | None = None  # the survey, where the form has no header
    basis: int = BY_HEADER

    @property
    def reference_date(self) -> date | None:
        moment = dates.parse_date(self.header.get("reference_date", "")[:19])
        return moment.date() if moment else None

    def survey(self, shape: Shape) -> tuple[int | None, date | None]:
        """The survey year and day of the file, as far as it says or as it was found out."""
        if self.said_of:
            return self.said_of.year, self.said_of.survey_day
        year = self.year or (self.reference_date.year if self.reference_date else None)
        survey = next((each for each in shape.surveys if each.year == year), None)
        return year, self.reference_date or (survey.survey_day if survey else None)

    @property
    def year(self) -> int | None:
        year = self.header.get("year", "").strip().split(".")[0]
        return int(year) if year.isdecimal() and len(year) == 4 else None


class RowFiles:
    """A CSV for each module in a folder, to which a form's rows are written one after another."""

    def __init__(self, shape: Shape, folder: Path, open_files: ExitStack):
        self._shape, self._folder, self._open = shape, folder, open_files
        self._files: dict[str, IO[str]] = {}

    def writer(self, module: str) -> Any:
        """What writes a row of a module: line, sheet, the ids, and the columns, in the order of its Table."""
        file = self._open.enter_context(self._path(module).open("w", encoding="utf-8", newline=""))
        self._files[module] = file
        return csv.writer(file, lineterminator="\n").writerow

    def queries(self) -> dict[str, str]:
        """By module, SQL of its rows, once all are written."""
        found = {}
        for module, file in self._files.items():
            file.close()
            table = self._shape.tables[module]
            names = ["_line", "_sheet", *table.ids, *table.columns]
            columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
            found[module] = f"""
                FROM read_csv({literal(self._path(module))}, columns = {{{columns}}}, header = false, delim = ',',
                    quote = '"', escape = '"', auto_detect = false, max_line_size = 67108864)"""
        return found

    def _path(self, module: str) -> Path:
        return self._folder / f"{module}.csv"


@contextmanager
def row_files(shape: Shape, folder: Path) -> Iterator[RowFiles]:
    """Files for rows, which are closed whatever comes."""
    with ExitStack() as open_files:
        yield RowFiles(shape, folder, open_files)


def columns_of(shape: Shape) -> dict[str, str]:
    """Every column of the source's rows, with its type in SQL."""
    names = [name for table in shape.tables.values() for name in (*table.ids, *table.columns)]
    kinds = {"_file": "VARCHAR", "_sheet": "VARCHAR", "_line": "BIGINT", "_data_date": "VARCHAR", "_table": "VARCHAR"}
    return kinds | dict.fromkeys([*COMMON, *FILE_COLUMNS, *names], "VARCHAR")


def create_rows(con: duckdb.DuckDBPyConnection, shape: Shape, found: Found, came: Came) -> None:
    """Make `rows` of a file: those of all modules one below another, and one a module that says what the file is."""
    year, day = found.survey(shape)
    of_file = {
        "_file": came.file_name, "_data_date": str(came.data_date), "_set": found.set_name, "_landed": came.landed_at,
        "_basis": str(found.basis), "return_year": str(year) if year else None,
        "reference_date": str(day) if day else None, "serial_no": found.header.get("serial_no"),
    }  # fmt: skip
    of_all = ", ".join(f"{literal(value)}::VARCHAR AS {identifier(name)}" for name, value in of_file.items())
    is_draft = str("draft" in came.file_name.casefold()).lower()
    there = [*([ROOT] if found.has_header else []), *found.queries]
    said = ", ".join(f"({', '.join(map(literal, (FILE, module, found.form, is_draft)))})" for module in there)
    parts = [f"SELECT *, {of_all} FROM (VALUES {said}) AS files (_table, _module, form, is_draft)"]
    for module in there:
        table = shape.tables[module]
        kinds = {name: kind for name, kind in table.columns.items() if name not in of_file}
        if module == ROOT:
            given = ", ".join(f"{literal(found.header.get(name))}::VARCHAR AS {identifier(name)}" for name in kinds)
            query = f"SELECT NULL AS _line, NULL AS _sheet, NULL AS {table.key}, NULL AS order_seq, {given}"
        else:
            query = found.queries[module]
        ids = ", ".join(f"{values.number(name)} AS {identifier(name)}" for name in table.ids)
        cells = ", ".join(f"{values.value(name, kind)} AS {identifier(name)}" for name, kind in kinds.items())
        # A table each, as wide as its module: one of all columns takes twice as long.
        con.execute(f"""
            CREATE OR REPLACE TABLE {identifier(table.table)} AS
            SELECT {literal(module)} AS _table, try_cast(_line AS BIGINT) AS _line, _sheet::VARCHAR AS _sheet, {ids},
                {cells}
            FROM ({query})""")
        parts.append(f"SELECT *, {of_all} FROM {identifier(table.table)}")
    columns = ", ".join(f"NULL::{kind} AS {identifier(name)}" for name, kind in columns_of(shape).items())
    every = " UNION ALL BY NAME ".join([f"SELECT {columns} WHERE false", *parts])
    con.execute("DROP TABLE IF EXISTS rows")
    con.execute(f"CREATE OR REPLACE VIEW rows AS {every}")


def latest_event(con: duckdb.DuckDBPyConnection, shape: Shape, found: Found, until: date) -> date | None:
    """The latest day up to another on which something happened in a file: received, decided or issued."""
    asked = []
    for module, column in EVENTS:
        if module in found.queries and column in shape.tables[module].columns:
            asked.append(f"SELECT DISTINCT {values.value(column, 'date')} FROM ({found.queries[module]})")
    if not asked:
        return None
    said = [text for (text,) in con.execute(" UNION ".join(asked)).fetchall() if text]
    days = (moment.date() for text in said if (moment := dates.parse_date(text)))
    return max((day for day in days if day <= until), default=None)
