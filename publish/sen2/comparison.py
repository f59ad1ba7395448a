"""Two SEN2 returns set beside one another, element by element: one made of the warehouse and one read in, or any two.

A return is nine tables, one a module of send_ready.sen2, each with its own key, the key of the row above it,
`order_seq` among its siblings, and its elements. Persons are taken for one by UPN and date of birth, UPN, ULN, or name
and date of birth, each only where it is one person's in both; requests by the day they were received, and what stands
below by what tells it best, then by its order. All of it is SQL, so that 15,000 persons take seconds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from duckdb import DuckDBPyConnection

from publish.excel import workbook
from publish.excel.workbook import Block, Column, Grid, Page
from send_ready.database import identifier, literal
from send_ready.sen2 import ROOT, Element, Module

Relation = Callable[[Module], str]  # of a module, what stands in FROM; its columns are those of schema sen2's table

COUNTS = "sen2_counts"  # temporary tables that `compare` leaves
DIFFERENCES = "sen2_differences"
EQUAL, DIFFERS, ONLY_FIRST, ONLY_SECOND = "equal", "differs", "only in the first", "only in the second"
PERSON = "person"
_NAME = "nullif(lower(regexp_replace(strip_accents({}), '[^A-Za-z]', '', 'g')), '')"
_PLACE = "concat_ws(' ', urn, ukprn, sen_setting)"
# What tells which row of one return is which of the other, the best first; a blank part tells nothing.
_TELLING: Mapping[str, Sequence[Sequence[str]]] = {
    "requests": (("received_date",),),
    "named_plan": (("start_date",),),
    "plan_detail": ((f"nullif({_PLACE}, '')", "placement_rank"), (f"nullif({_PLACE}, '')",), ("placement_rank",)),
    "placement_detail": (
        (f"nullif({_PLACE}, '')", "entry_date"),
        (f"nullif({_PLACE}, '')",),
        ("placement_rank", "leaving_date IS NULL"),
    ),
    "sen_need": (("sen_type_rank",), ("sen_type",)),
}
_OF_PERSONS = (
    ("nullif(upper(trim(upn)), '')", "person_birth_date"),
    ("nullif(upper(trim(upn)), '')",),
    ("nullif(trim(unique_learner_number), '')",),
    (_NAME.format("surname"), _NAME.format("forename"), "person_birth_date"),
)


@dataclass(frozen=True)
class Sides:
    """What the two returns are called in the workbook, such as `Made 2026-01-15` and `Read in`."""

    first: str
    second: str


def compare(con: DuckDBPyConnection, modules: Mapping[str, Module], first: Relation, second: Relation) -> None:
    """Leave the temporary tables sen2_counts and sen2_differences of two returns in the shape of `modules`.

    sen2_counts has a row a module and element, and one of the module's rows themselves (element blank): how many are
    equal, differ, and stand in one return alone; what is blank in both is in no number. sen2_differences has a row an
    element that is not equal, or a row that only one return has, below which nothing is told again: module, element,
    the person's key in each return, both values, and what is so.
    """
    con.execute(f"CREATE OR REPLACE TEMP TABLE {COUNTS} (module VARCHAR, element VARCHAR, number INTEGER, "
                "equal BIGINT, differs BIGINT, only_first BIGINT, only_second BIGINT)")  # fmt: skip
    con.execute(f"CREATE OR REPLACE TEMP TABLE {DIFFERENCES} (module VARCHAR, element VARCHAR, number INTEGER, "
                "first_person BIGINT, second_person BIGINT, first_value VARCHAR, second_value VARCHAR, "
                "what VARCHAR)")  # fmt: skip
    number = 0
    for module in modules.values():
        if module.name == ROOT:
            continue
        _pair(con, module, first(module), second(module))
        number = _tell(con, module, number)


def _pair(con: DuckDBPyConnection, module: Module, first: str, second: str) -> None:
    """The temporary tables one_<module> and two_<module>, the rows with `pair`, the same in both for what is one.

    Rows whose parent has no partner have none, and `is_below` says that its absence was told above.
    """
    is_person = module.name == PERSON
    for side, relation in (("one", first), ("two", second)):
        above = (
            f"LEFT JOIN {side}_{module.parent} AS above ON above.{identifier(module.parent_key or '')} = held.parent"
        )
        con.execute(f"""
            CREATE OR REPLACE TEMP TABLE {side}_{module.name} AS
            SELECT held.* EXCLUDE (parent), {"1" if is_person else "above.pair"} AS parent_pair,
                {"held.own" if is_person else "above.person"} AS person,
                {"false" if is_person else "above.pair IS NULL"} AS is_below, NULL::BIGINT AS pair
            FROM (
                SELECT *, {identifier(module.key)}::BIGINT AS own,
                    {"1" if is_person else identifier(module.parent_key or "")}::BIGINT AS parent
                FROM {relation}
            ) AS held {"" if is_person else above}""")
    rules = _OF_PERSONS if is_person else (*_TELLING.get(module.name, ()), ())
    for rule in rules:
        _pair_by(con, module.name, rule, is_alone=is_person)


def _pair_by(con: DuckDBPyConnection, name: str, rule: Sequence[str], *, is_alone: bool) -> None:
    """Pair the rows without a partner that agree in all parts of a rule: in order, or only where each is alone."""
    parts = ["parent_pair", *rule]
    same = " AND ".join(f"one.part_{number} = two.part_{number}" for number in range(len(parts)))
    sides = []
    for side in ("one", "two"):
        chosen = ", ".join(f"{part} AS part_{number}" for number, part in enumerate(parts))
        window = ", ".join(f"part_{number}" for number in range(len(parts)))
        alone = f"QUALIFY count(*) OVER (PARTITION BY {window}) = 1" if is_alone else ""
        known = " AND ".join(f"part_{number} IS NOT NULL" for number in range(len(parts)))
        sides.append(f"""
            SELECT *, row_number() OVER (PARTITION BY {window} ORDER BY order_seq, own) AS nth
            FROM (SELECT own, order_seq, {chosen} FROM {side}_{name} WHERE pair IS NULL AND parent_pair IS NOT NULL)
            WHERE {known} {alone}""")
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE found AS
        SELECT one.own AS one, two.own AS two FROM ({sides[0]}) AS one JOIN ({sides[1]}) AS two
        ON {same} AND one.nth = two.nth""")
    for side in ("one", "two"):
        con.execute(f"UPDATE {side}_{name} SET pair = found.one FROM found WHERE own = found.{side}")


def _tell(con: DuckDBPyConnection, module: Module, number: int) -> int:
    """Add a module to both tables; gives the number of its last element, which begin after `number`."""
    together = f"one_{module.name} AS one FULL JOIN two_{module.name} AS two ON one.pair = two.pair"
    con.execute(f"""
        INSERT INTO {COUNTS}
        SELECT {literal(module.name)}, NULL, {number + 1},
            count(*) FILTER (one.own IS NOT NULL AND two.own IS NOT NULL), 0,
            count(*) FILTER (two.own IS NULL), count(*) FILTER (one.own IS NULL)
        FROM {together}""")
    listed = ", ".join(
        f"{{'element': {literal(element.tag)}, 'number': {number + 2 + place}, "
        f"'one': {_said(element, 'one')}, 'two': {_said(element, 'two')}}}"
        for place, element in enumerate(module.columns)
    )
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE told AS
        SELECT first_person, second_person, is_pair, each.element, each.number, each.one, each.two,
            CASE WHEN each.one = each.two THEN {literal(EQUAL)} WHEN each.one IS NULL THEN {literal(ONLY_SECOND)}
                WHEN each.two IS NULL THEN {literal(ONLY_FIRST)} ELSE {literal(DIFFERS)} END AS what
        FROM (
            SELECT one.person AS first_person, two.person AS second_person,
                one.own IS NOT NULL AND two.own IS NOT NULL AS is_pair, unnest([{listed}]) AS each
            FROM {together}
        ) WHERE each.one IS NOT NULL OR each.two IS NOT NULL""")
    con.execute(f"""
        INSERT INTO {COUNTS}
        SELECT {literal(module.name)}, element, number, {_counted(EQUAL)}, {_counted(DIFFERS)}, {_counted(ONLY_FIRST)},
            {_counted(ONLY_SECOND)}
        FROM told GROUP BY element, number""")
    con.execute(f"""
        INSERT INTO {DIFFERENCES}
        SELECT {literal(module.name)}, element, number, first_person, second_person, one, two, what
        FROM told WHERE is_pair AND what <> {literal(EQUAL)}""")
    for side, other, what in (("one", "two", ONLY_FIRST), ("two", "one", ONLY_SECOND)):
        values = [f"{literal(element.tag + ' ')} || {_said(element, 'held')}" for element in module.columns]
        persons = {side: "held.person", other: "partner.own"}
        held = {side: f"concat_ws('; ', {', '.join(values)})", other: "NULL"}
        con.execute(f"""
            INSERT INTO {DIFFERENCES}
            SELECT {literal(module.name)}, NULL, {number + 1}, {persons["one"]}, {persons["two"]}, {held["one"]},
                {held["two"]}, {literal(what)}
            FROM {side}_{module.name} AS held
            LEFT JOIN {side}_{PERSON} AS whose ON whose.own = held.person
            LEFT JOIN {other}_{PERSON} AS partner ON partner.pair = whose.pair
            WHERE held.pair IS NULL AND NOT held.is_below""")
    return number + 1 + len(module.columns)


def _counted(what: str) -> str:
    return f"count(*) FILTER (what = {literal(what)})"


def _said(element: Element, side: str) -> str:
    """A value as text, None for a blank: two spellings of one value are one."""
    name = f"{side}.{identifier(element.column_name)}"
    if element.data_type == "flag":
        return f"CAST({name}::BOOLEAN::INTEGER AS VARCHAR)"
    return f"nullif(trim(CAST({name} AS VARCHAR)), '')"


def write(path: Path, con: DuckDBPyConnection, modules: Mapping[str, Module], sides: Sides) -> int:
    """How many differences stand in the workbook, which is written of the tables of `compare`."""
    counts = con.execute(f"FROM {COUNTS} ORDER BY number").fetchall()
    rows = con.execute(f"""
        SELECT coalesce(one.unique_id, '') AS unique_id, held.second_person, coalesce(one.surname, two.surname),
            coalesce(one.forename, two.forename), module, coalesce(element, 'the whole record'), first_value,
            second_value, replace(replace(what, 'the first', {literal(sides.first)}), 'the second',
                {literal(sides.second)})
        FROM {DIFFERENCES} AS held
        LEFT JOIN one_{PERSON} AS one ON one.own = held.first_person
        LEFT JOIN two_{PERSON} AS two ON two.own = held.second_person
        ORDER BY held.first_person NULLS LAST, held.second_person, number, first_value, second_value""").fetchall()
    titles = {name: module.tag for name, module in modules.items()}
    found = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(9)]
    differing = {
        one or two for one, two in con.execute(f"SELECT first_person, -second_person FROM {DIFFERENCES}").fetchall()
    }
    about = Page(
        "About",
        "Two SEN2 returns, element by element",
        [
            Block(
                "What is compared",
                [
                    Column("", "text", ["First", "Second", "Persons with a difference"]),
                    Column("", "text", [sides.first, sides.second, f"{len(differing):,}"]),
                ],
                has_header=False,
            ),
            Block("Notes", [Column("", "text", NOTES)], has_header=False),
        ],
        widths=(40, 60),
    )
    elements = Grid(
        "Elements",
        [
            Column("Module", "text", [titles[row[0]] for row in counts]),
            Column("Element", "text", [row[1] or "the records themselves" for row in counts]),
            Column("Equal", "count", [row[3] for row in counts]),
            Column("Differs", "count", [row[4] for row in counts]),
            Column(f"Only in {sides.first}", "count", [row[5] for row in counts], width=20),
            Column(f"Only in {sides.second}", "count", [row[6] for row in counts], width=20),
        ],
        is_filtered=True,
    )
    headers = ("Unique ID", "Person in the second", "Surname", "Forename", "Module", "Element", sides.first,
               sides.second, "What is so")  # fmt: skip
    kinds = ["text", "count", *["text"] * 7]
    found[4] = [titles[name] for name in found[4]]
    differences = Grid(
        "Differences",
        [Column(header, kind, values) for header, kind, values in zip(headers, kinds, found, strict=True)],
        is_filtered=True,
        frozen=1,
    )
    workbook.write(path, "SEN2 returns compared", [about, elements, differences])
    return len(rows)


NOTES = (
    "Persons are taken for one by UPN and date of birth, else by UPN, else by ULN, else by name and date of birth, "
    "each only where it is one person's in either return.",
    "Requests of a person go together by the day they were received, else in their order; placements by establishment "
    "and entry date, needs by rank.",
    "What is blank in both returns is in no number. Below a record that one return alone has, nothing is told again.",
    "This workbook holds personal data about children. Share it only by the means agreed for it.",
)
