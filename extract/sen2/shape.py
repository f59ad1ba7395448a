"""Which column a tag or a heading of a SEN2 file is, whatever its year, its form and its spelling."""

import re
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from extract.contract import normalise
from send_ready import sen2
from send_ready.sen2 import ROOT, Survey
from send_ready.settings import Settings

FIRST_YEAR = 2023  # of returns by person
FILE = "file"  # the table of what each file is: one row a module of which it may have rows
COMMON = ("_set", "_landed", "_basis", "return_year", "reference_date", "serial_no")
FILE_COLUMNS = ("_module", "form", "is_draft")


@dataclass(frozen=True)
class Table:
    """One module of the return, with the columns of every year; `spelt` gives the column of a heading as compared."""

    name: str
    tag: str
    table: str
    blade: str
    parent: str | None  # the module above it; of a person none, as there is one header
    columns: dict[str, str]  # with the data type of each
    spelt: dict[str, str]

    @property
    def key(self) -> str:
        return f"{self.name}_table_id"

    @property
    def parent_key(self) -> str | None:
        return f"{self.parent}_table_id" if self.parent else None

    @property
    def ids(self) -> tuple[str, ...]:
        """Its key, its parent's and its place among the rows of one parent."""
        return (self.key, *([self.parent_key] if self.parent_key else []), "order_seq")


@dataclass(frozen=True)
class Shape:
    """The shape in force of every year's return, as one: a file may be of any year, and says only within of which."""

    settings: Settings

    @cached_property
    def surveys(self) -> list[Survey]:
        """Every survey from the first on, in order of year, up to one that nobody has made a return for yet."""
        last = max(sen2.surveys(self.settings), default=FIRST_YEAR)
        return [sen2.survey(year, self.settings) for year in range(FIRST_YEAR, last + 4)]

    @cached_property
    def tables(self) -> dict[str, Table]:
        """The modules by name, each before those below it; the header first."""
        held: dict[str, Table] = {}
        for year in range(FIRST_YEAR, self.surveys[-1].year + 1):
            for name, module in sen2.modules(year, self.settings).items():
                parent = None if module.parent in (None, ROOT) else module.parent
                one = held.setdefault(name, Table(name, module.tag, module.table, module.blade, parent, {}, {}))
                for element in module.columns:
                    one.columns.setdefault(element.column_name, element.data_type)
                    for said in filter(None, (element.tag, element.column_name, element.template_header)):
                        one.spelt.setdefault(compared(said), element.column_name)
        for of_module, spelling, column in sen2.spellings(self.settings):
            if (one_of := held.get(of_module)) and column in one_of.columns:
                one_of.spelt.setdefault(compared(spelling), column)
        return held

    def table_of_blade(self, name: str) -> Table | None:
        """The module that a blade's file, or a sheet, is of, by a name such as `namedplan` or `Named Plan`."""
        said = compared(name)
        for table in self.tables.values():
            if said in (table.blade, compared(table.name), compared(table.tag)):
                return table
        return None

    def survey_by_name(self, name: str) -> Survey | None:
        """The survey of the one year that a file's name says without a month and a day; None where it says none."""
        years = set(re.findall(r"(?<!\d)20\d\d(?!\d)", re.sub(r"[^0-9A-Za-z]+", " ", name)))
        found = [each for each in self.surveys if str(each.year) in years]
        return found[0] if len(found) == 1 and len(years) == 1 else None

    def survey_before(self, day: date) -> Survey:
        """The last survey whose day was over on a day: that of a return which was there then."""
        return next((each for each in reversed(self.surveys) if each.survey_day <= day), self.surveys[0])

    def survey_from(self, day: date) -> Survey | None:
        """The first survey whose day is on or after a day: that of a return whose latest event was then."""
        return next((each for each in self.surveys if each.survey_day >= day), None)


def compared(heading: str) -> str:
    """A tag or heading as it is compared: what stands before the first line end, without case, spaces and dashes."""
    return normalise(heading.strip().split("\n", 1)[0])
