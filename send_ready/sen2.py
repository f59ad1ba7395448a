"""The shape of DfE's SEN2 return by survey year: modules, elements, codes and survey days, from dbt_project/seeds/sen2.

Everything that may differ from what DfE's schema says is a row there, and a council may have its own copy in the folder
`sen2` of SEND_CONFIG. Writer, readers and checks take the shape from here.
"""

import csv
import hashlib
import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from send_ready import tables
from send_ready.settings import PROJECT, Settings
from send_ready.tables import TableError

FOLDER = "sen2"  # of SEND_CONFIG
SEEDS = PROJECT / "dbt_project" / "seeds" / "sen2"
ELEMENTS, CODES, SURVEYS, ITEMS = "sen2_elements", "sen2_codes", "sen2_surveys", "sen2_return_items"
SPELLINGS = "sen2_spellings"
THRESHOLDS = "sen2_thresholds"  # of the checks
SCHEMA = "sen2"  # of the warehouse
MESSAGE, ROOT = "Message", "sen2"  # the document's element, and the module that it is
MODULE = "module"  # the data_type of an element that holds the rows of another module, the column_name
DATA_TYPES = ("text", "date", "flag", "code", "year", "time", MODULE)
XML_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Element:
    """One element of a module: where it stands in the XML, and the column that holds it.

    `path` names the elements between the module's and this one. Of data_type `module`, `column_name` is the module
    whose rows stand here, each an element `tag`.
    """

    path: tuple[str, ...]
    tag: str
    column_name: str
    data_type: str
    code_set: str | None
    guide_item: str | None
    template_header: str | None

    @property
    def is_module(self) -> bool:
        return self.data_type == MODULE


@dataclass(frozen=True)
class Module:
    """One module of the return in the shape of a survey year: the element of each row, and what it holds in order.

    `elements` has the modules below it at their positions. `parent` is None for the header, whose element is that of
    the document.
    """

    name: str
    tag: str
    parent: str | None
    elements: tuple[Element, ...]

    @property
    def table(self) -> str:
        """The name of its table, in schema sen2."""
        return "sen2_header" if self.name == ROOT else f"sen2_{self.name}"

    @property
    def key(self) -> str:
        """The column with its own number."""
        return f"{self.name}_table_id"

    @property
    def parent_key(self) -> str | None:
        """The column with the number of the row above it; none for a person, as there is one header."""
        return None if self.parent in (None, ROOT) else f"{self.parent}_table_id"

    @property
    def blade(self) -> str:
        """Its name in a COLLECT blade's file names and headers, such as namedplan."""
        return self.name.replace("_", "")

    @property
    def columns(self) -> tuple[Element, ...]:
        """The elements that are values, in order."""
        return tuple(element for element in self.elements if not element.is_module)

    @property
    def children(self) -> tuple[str, ...]:
        """The names of the modules below it, in order."""
        return tuple(element.column_name for element in self.elements if element.is_module)


@dataclass(frozen=True)
class Survey:
    """One year's survey: the day that the return describes, and the day by which DfE wants it."""

    year: int
    survey_day: date
    due_day: date


def modules(survey_year: int, settings: Settings | None = None) -> dict[str, Module]:
    """The modules by name in the shape of a survey year: the header first, then each before those below it.

    Raises TableError when the seed in force makes no tree of that year.
    """
    path, rows = _rows(ELEMENTS, settings)
    held: dict[str, list[dict[str, str]]] = {}
    for row in sorted(rows, key=lambda row: int(row["position"])):
        if _is_of(row, survey_year):
            held.setdefault(row["module"], []).append(row)
    if ROOT not in held:
        raise TableError(f"{path}: it has no layout of a SEN2 return of {survey_year}.")
    found: dict[str, Module] = {}

    def add(name: str, tag: str, parent: str | None) -> None:
        if name in found:
            raise TableError(f"{path}: module {name} stands in two places in {survey_year}.")
        elements = tuple(_element(row) for row in held[name])
        found[name] = Module(name, tag, parent, elements)
        tags, columns = ["/".join((*each.path, each.tag)) for each in elements], [each.column_name for each in elements]
        if twice := next((each for held in (tags, columns) for each in held if held.count(each) > 1), None):
            raise TableError(f"{path}: module {name} has {twice} twice in {survey_year}.")
        for element in elements:
            if element.is_module:
                if element.column_name not in held:
                    raise TableError(f"{path}: module {element.column_name} has no element in {survey_year}.")
                add(element.column_name, element.tag, name)

    add(ROOT, MESSAGE, None)
    if astray := sorted(held.keys() - found.keys()):
        raise TableError(f"{path}: module {astray[0]} stands below no other in {survey_year}.")
    return found


def every_column(module: str) -> tuple[Element, ...]:
    """The values of a module in any year, as shipped, in order and each column once: those that its table has."""
    rows = sorted(_rows(ELEMENTS, None)[1], key=lambda row: int(row["position"]))
    elements = [_element(row) for row in rows if row["module"] == module]
    return tuple({element.column_name: element for element in elements if not element.is_module}.values())


def codes(survey_year: int, settings: Settings | None = None) -> dict[str, tuple[str, ...]]:
    """The codes that a return of a survey year may hold, by code set, in order. A set without codes is not there."""
    found: dict[str, list[str]] = {}
    for row in _rows(CODES, settings)[1]:
        if _is_of(row, survey_year):
            found.setdefault(row["code_set"], []).append(row["code"])
    return {code_set: tuple(held) for code_set, held in found.items()}


def surveys(settings: Settings | None = None) -> dict[int, Survey]:
    """The surveys of the seed in force by year; those that a council's own copy lacks are as shipped."""
    rows = [*_rows(SURVEYS, None)[1], *_rows(SURVEYS, settings)[1]]
    found = [
        Survey(int(row["survey_year"]), date.fromisoformat(row["survey_day"]), date.fromisoformat(row["due_day"]))
        for row in rows
    ]
    return {each.year: each for each in sorted(found, key=lambda each: each.year)}


def survey(year: int, settings: Settings | None = None) -> Survey:
    """The survey of a year: of the seed, else the third Thursday of January, due the second Thursday of March."""
    return surveys(settings).get(year) or Survey(year, _thursday(year, 1, 3), _thursday(year, 3, 2))


def return_items(settings: Settings | None = None) -> dict[str, str]:
    """The values of the header that a council sets, by column; those that its own copy lacks are as shipped."""
    rows = [*_rows(ITEMS, None)[1], *_rows(ITEMS, settings)[1]]
    return {row["column_name"]: row["value"] for row in rows}


def spellings(settings: Settings | None = None) -> list[tuple[str, str, str]]:
    """Module, spelling and column of each other spelling that files have for a column of the return."""
    return [(row["module"], row["spelling"], row["column_name"]) for row in _rows(SPELLINGS, settings)[1]]


def fingerprint(settings: Settings, *names: str) -> str:
    """A hash of the files in force of some seeds."""
    digest = hashlib.sha256()
    for name in names:
        digest.update(settings.config_file(FOLDER, f"{name}.csv", shipped=SEEDS / f"{name}.csv").read_bytes())
    return digest.hexdigest()


def check(settings: Settings) -> None:
    """Raise TableError when the elements in force make no tree, or a column of which the warehouse knows nothing."""
    path, rows = _rows(ELEMENTS, settings)
    shipped = {(row["module"], row["column_name"]): row["data_type"] for row in _rows(ELEMENTS, None)[1]}
    for row in rows:
        kind = shipped.get((row["module"], row["column_name"]))
        if kind is None:
            held = ", ".join(column for module, column in shipped if module == row["module"])
            raise TableError(
                f"{path}: module {row['module']}, tag {row['tag']}: {row['column_name']} is no column of "
                f"{row['module']}. Its columns are {held}."
            )
        if kind != row["data_type"]:
            raise TableError(f"{path}: module {row['module']}, tag {row['tag']}: its data_type must be {kind}.")
    ends = [int(row[end]) for row in rows for end in ("first_year", "last_year") if row[end]]
    for year in range(min(ends), max(ends) + 2):
        modules(year, settings)


def _thursday(year: int, month: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(3 - first.weekday()) % 7 + 7 * (nth - 1))


def _is_of(row: dict[str, str], year: int) -> bool:
    return int(row["first_year"] or 0) <= year <= int(row["last_year"] or 9999)


def _element(row: dict[str, str]) -> Element:
    return Element(
        tuple(filter(None, row["path"].split("/"))),
        row["tag"],
        row["column_name"],
        row["data_type"],
        row["code_set"] or None,
        row["guide_item"] or None,
        row["template_header"] or None,
    )


def _rows(name: str, settings: Settings | None) -> tuple[Path, list[dict[str, str]]]:
    """The file of a seed in force, and its rows."""
    shipped = SEEDS / f"{name}.csv"
    path = settings.config_file(FOLDER, shipped.name, shipped=shipped) if settings else shipped
    about = path.stat()
    return path, _read(path, shipped, (about.st_mtime_ns, about.st_size))


@cache
def _read(path: Path, shipped: Path, _version: tuple[int, int]) -> list[dict[str, str]]:
    """The rows of one version of a file, read once a process: the shape of a year asks for them again and again."""
    with shipped.open(encoding="utf-8", newline="") as file:
        if path == shipped:
            return list(csv.DictReader(file))
        columns = next(csv.reader(file))
    return [{column: value.strip() for column, value in row.items()} for _, row in tables.read_rows(path, columns)]
