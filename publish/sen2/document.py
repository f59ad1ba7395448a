"""The SEN2 return as XML: its nine tables in the order, under the names and with the wrappers of the seed in force.

Made a share of the persons at a time, so that a large return takes no more memory than a small one. One element a line,
UTF-8, no namespace; booleans 1 and 0, dates ccyy-mm-dd; what is blank is left out. Equal tables are equal bytes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import groupby
from typing import NamedTuple

from duckdb import DuckDBPyConnection

from send_ready import sen2
from send_ready.database import identifier, literal
from send_ready.runs import Run, RunError
from send_ready.sen2 import ROOT, Element, Module
from send_ready.settings import Settings
from warehouse import run_data

PERSONS_AT_ONCE = 2_000
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
# What XML 1.0 cannot hold, in any spelling. A surrogate is none of UTF-8's.
UNWRITABLE = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x{FFFE}\x{FFFF}]"
_PERSONS = "person"
_WRITTEN_BY_PEOPLE = ("text", "code")  # the other types are dates, flags and numbers
_HERE = "\x01"  # stands in the header's text where the persons come: no value has it


@dataclass(frozen=True)
class Made:
    """What one return is: its year and days, whether it is a draft, and what its header says of its making.

    `serial` counts the releases of the year, this one included; `made_at` is when it was released, of a draft and of a
    night's return the beginning of the as-at day, so that a day that is built again gives the same bytes.
    """

    survey: sen2.Survey
    la_code: str
    as_at: date
    is_draft: bool
    serial: int
    made_at: datetime

    @property
    def serial_no(self) -> str:
        """The serial number as the header has it, such as 001."""
        return f"{self.serial:03}"

    @property
    def file_name(self) -> str:
        draft = "_DRAFT" if self.is_draft else ""
        return f"SEN2_{self.survey.year}_{self.la_code}_{self.serial_no}{draft}.xml"


class Share(NamedTuple):
    """Some persons in a row of the document: their Unique IDs, the number of lines of each, and the text of all."""

    unique_ids: list[str | None]
    lines: list[int]
    text: str


@dataclass(frozen=True)
class Document:
    """A document in parts: what comes before the persons, the persons by shares, what comes after them."""

    before: str
    persons: int
    shares: Iterator[Share]
    after: str

    def parts(self) -> Iterator[str]:
        """The whole text, in order."""
        yield self.before
        for share in self.shares:
            yield share.text
        yield self.after


def made(con: DuckDBPyConnection, run: Run, serial: int = 1, made_at: datetime | None = None) -> Made:
    """What the return is that a run's warehouse, attached as `built`, holds."""
    (row,) = run_data.rows(con, "SELECT survey_year, survey_day, due_day, is_draft FROM built.int.int_sen2__return")
    survey = sen2.Survey(row["survey_year"], row["survey_day"], row["due_day"])
    return Made(survey, run.la_code, run.as_at, row["is_draft"], serial, made_at or datetime.combine(run.as_at, time()))


def document(
    con: DuckDBPyConnection, what: Made, settings: Settings | None = None, at_once: int = PERSONS_AT_ONCE
) -> Document:
    """The document of the return in the warehouse attached as `built`, `at_once` persons a share.

    Raises RunError when a row of a table hangs below none, as it would be in no place of the document.
    """
    modules = sen2.modules(what.survey.year, settings)
    persons = _number(con, modules)
    top = modules[ROOT]
    (text,) = con.execute(f"SELECT {_row(top, 0, {_PERSONS: literal(_HERE)})} FROM {header(what)}").fetchone() or ("",)
    before, _, after = text.partition(_HERE)
    return Document(DECLARATION + before, persons, _shares(con, modules, at_once), after)


def counts(con: DuckDBPyConnection, modules: dict[str, Module]) -> dict[str, int]:
    """The number of rows of each table of the return, by its name."""
    parts = (f"SELECT {literal(each.table)} AS name, count(*) AS n FROM {table(each)}" for each in modules.values())
    return {row["name"]: row["n"] for row in run_data.rows(con, " UNION ALL ".join(parts))}


def left_out(con: DuckDBPyConnection, modules: dict[str, Module]) -> list[tuple[str, str, str | None]]:
    """Module, tag and Unique ID of each value with a character that XML cannot hold, in the order of the return."""
    parts = []
    for at, module in enumerate(modules.values()):
        unique_id = "NULL" if module.name == ROOT else "unique_id"
        parts += [
            f"SELECT {at} AS at, {key} AS key, {literal(module.name)}, {literal(element.tag)}, {unique_id} "
            f"FROM {table(module)} WHERE regexp_matches({identifier(element.column_name)}, {literal(UNWRITABLE)})"
            for key in [identifier(module.key)]
            for element in module.columns
            if element.data_type in _WRITTEN_BY_PEOPLE
        ]
    return [row[2:] for row in con.execute(" UNION ALL ".join(parts) + " ORDER BY ALL").fetchall()]


def table(module: Module) -> str:
    """The table of a module in the warehouse attached as `built`."""
    return f"built.{sen2.SCHEMA}.{identifier(module.table)}"


def header(what: Made) -> str:
    """The header's row with what is known only now: a table of SQL."""
    stamped = f"{literal(what.serial_no)} AS serial_no, {literal(f'{what.made_at:%Y-%m-%dT%H:%M:%S}')} AS date_time"
    return f"(SELECT * REPLACE ({stamped}) FROM built.{sen2.SCHEMA}.sen2_header)"


def value(element: Element) -> str:
    """A column's value as text, without what XML cannot hold: an expression of SQL, null of what is blank."""
    name = identifier(element.column_name)
    if element.data_type == "flag":
        return f"CAST({name}::INTEGER AS VARCHAR)"
    if element.data_type in _WRITTEN_BY_PEOPLE:
        return f"nullif(regexp_replace({name}, {literal(UNWRITABLE)}, '', 'g'), '')"
    return f"CAST({name} AS VARCHAR)"


def _number(con: DuckDBPyConnection, modules: dict[str, Module]) -> int:
    """The number of persons, after each row's person was noted in a temporary table `of_<module>`.

    Raises RunError for rows that hang below none.
    """
    for module in modules.values():
        if module.name == ROOT:
            continue
        key, parent = identifier(module.key), module.parent_key and identifier(module.parent_key)
        of = f"FROM {table(module)} AS own" + (f" JOIN of_{module.parent} AS above USING ({parent})" if parent else "")
        person = "above.person_table_id, " if parent else ""
        con.execute(f"CREATE OR REPLACE TEMP TABLE of_{module.name} AS SELECT {person}own.{key} {of} ORDER BY ALL")
    found = counts(con, modules)
    for module in modules.values():
        if module.name != ROOT:
            (placed,) = con.execute(f"SELECT count(*) FROM of_{module.name}").fetchone() or (0,)
            if placed != found[module.table]:
                raise RunError(
                    f"{found[module.table]:,} rows of {module.table} should each hang below one of {module.parent}, "
                    f"and {placed:,} do. The return was not made. This is a fault of the program: report it."
                )
    return found[modules[_PERSONS].table]


def _shares(con: DuckDBPyConnection, modules: dict[str, Module], at_once: int) -> Iterator[Share]:
    ends = con.execute(
        f"SELECT min(person_table_id), max(person_table_id) FROM (SELECT person_table_id, (row_number() OVER "
        f"(ORDER BY person_table_id) - 1) // {at_once} AS share FROM of_{_PERSONS}) GROUP BY share ORDER BY share"
    ).fetchall()
    persons = modules[_PERSONS]
    depth = 1 + next(len(each.path) for each in modules[ROOT].elements if each.column_name == _PERSONS)
    for first, last in ends:
        texts = _texts(modules, persons, depth, f"person_table_id BETWEEN {first} AND {last}")
        found = con.execute(f"SELECT unique_id, xml FROM ({texts}) ORDER BY person_table_id").fetchall()
        yield Share([row[0] for row in found], [row[1].count("\n") for row in found], "".join(row[1] for row in found))


def _texts(modules: dict[str, Module], module: Module, depth: int, where: str) -> str:
    """A query for the rows of a module of some persons, each with its text as `xml`, and all below it in that."""
    inside, joins = {}, []
    for element in module.elements:
        if element.is_module:
            below = modules[element.column_name]
            texts = _texts(modules, below, depth + 1 + len(element.path), where)
            order = ", ".join(identifier(name) for name in ("order_seq", below.key))
            joins.append(
                f"LEFT JOIN (SELECT {identifier(module.key)}, string_agg(xml, '' ORDER BY {order}) AS {below.name}_xml "
                f"FROM ({texts}) GROUP BY ALL) USING ({identifier(module.key)})"
            )
            inside[below.name] = f"coalesce({below.name}_xml, '')"
    own = f"(SELECT * FROM {table(module)} WHERE {where})"
    if module.name != _PERSONS:
        keys = f"SELECT {identifier(module.key)} FROM of_{module.name} WHERE {where}"
        own = f"(SELECT * FROM {table(module)} SEMI JOIN ({keys}) USING ({identifier(module.key)}))"
    return f"SELECT *, {_row(module, depth, inside)} AS xml FROM {own} {' '.join(joins)}"


def _row(module: Module, depth: int, inside: dict[str, str]) -> str:
    """The element of a row with all that is in it, and `inside` for the modules below: an expression of SQL."""
    return _element(module.tag, depth, _within(module.elements, depth + 1, 0, inside))


def _within(elements: Sequence[Element], depth: int, level: int, inside: dict[str, str]) -> str:
    """What an element has inside, one after the other; `level` names of the elements' paths are around it already."""
    parts = []
    for wrapper, group in groupby(elements, key=lambda each: each.path[level] if len(each.path) > level else None):
        held = list(group)
        if wrapper is None:
            parts += [inside[each.column_name] if each.is_module else _line(each, depth) for each in held]
        else:
            wrapped = _within(held, depth + 1, level + 1, inside)
            parts.append(f"CASE WHEN ({wrapped}) = '' THEN '' ELSE {_element(wrapper, depth, wrapped)} END")
    return " || ".join(parts) or "''"


def _element(tag: str, depth: int, within: str) -> str:
    begin, end = (literal(f"{' ' * depth}<{slash}{tag}>\n") for slash in ("", "/"))
    return f"{begin} || {within} || {end}"


def _line(element: Element, depth: int) -> str:
    """A line with an element's value; empty when it is blank."""
    text = value(element)
    if element.data_type in _WRITTEN_BY_PEOPLE:
        # A line end as it is would be another one when read back, or none.
        signs = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\r", "&#13;"), ("\n", "&#10;"))
        for sign, written in signs:
            text = f"replace({text}, {literal(sign)}, {literal(written)})"
    begin, end = literal(f"{' ' * depth}<{element.tag}>"), literal(f"</{element.tag}>\n")
    return f"coalesce({begin} || {text} || {end}, '')"
