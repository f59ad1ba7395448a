"""The reader of SEN2 returns: what a source declares with `reader: sen2`.

A file is a whole return (XML, DfE's template, a pre-submission workbook) or one table of one (a blade of COLLECT, a
CSV of the D2I tool); which tables belong together its name says. Each becomes rows of one table with a column `_table`,
whose parts are the tables that preparations name: sen2_person, sen2_requests …, and sen2_file, which says of each file
what it is.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from extract.sen2.shape import COMMON, FILE, FILE_COLUMNS, Shape
from send_ready import sen2
from send_ready.settings import Settings

if TYPE_CHECKING:  # commands that only look at names know of readers, and few need DuckDB
    import duckdb

    from extract.sen2.found import Came, Read, Told


@dataclass(frozen=True)
class Reader:
    """Reads the files of a source as SEN2 returns of the council."""

    settings: Settings = field(repr=False)

    @cached_property
    def shape(self) -> Shape:
        return Shape(self.settings)

    @property
    def fingerprint(self) -> str:
        """Changes with the council, and with each seed in force that decides how a file is read."""
        seeds = sen2.fingerprint(self.settings, sen2.ELEMENTS, sen2.SURVEYS, sen2.SPELLINGS)
        return hashlib.sha256(f"{self.settings.la_code} {seeds}".encode()).hexdigest()

    @property
    def tables(self) -> dict[str, tuple[str, tuple[str, ...]]]:
        """The tables that a source gives to preparations: by name, the value of `_table`, and the columns."""
        found: dict[str, tuple[str, tuple[str, ...]]] = {f"sen2_{FILE}": (FILE, (*COMMON, *FILE_COLUMNS))}
        for table in self.shape.tables.values():
            found[table.table] = (table.name, (*COMMON, *table.ids, *table.columns))
        return found

    def data_date(self, path: Path, name: str, suffix: str, modified: date) -> date | None:
        """The survey day of a return: of its header, or else of the survey that its name and its dates tell."""
        from extract.sen2 import reading

        return reading.data_date(self.shape, path, name, suffix, modified)

    def read(self, con: "duckdb.DuckDBPyConnection", path: Path, came: "Came", work: Path) -> "Read":
        """Make `rows` and `set_aside` of a file; gives what is to be told of it. Raises Refusal."""
        from extract.sen2 import reading

        return reading.read(con, self.shape, path, came, work)

    def told_of_all(self, con: "duckdb.DuckDBPyConnection", rows: Sequence[Path]) -> "list[tuple[str, Told]]":
        """What is to be told of all files that were read as wholes, each with the file that it is of."""
        from extract.sen2 import returns

        return returns.told(con, self.shape, rows)


def of(settings: Settings) -> Reader:
    """The reader of a council."""
    return Reader(settings)
