"""What a SEN2 return that was read is set beside, in the folder `sen2` of a pack: Capita One, and ours of its year.

`sen2_reconciliation.xlsx`: the newest return read beside what the systems hold of its reference date, child by child,
where Capita One has plans of its own. `sen2_comparison.xlsx`: a return read of the very year of which one is made,
element by element. Neither is written where nothing was read.
"""

from pathlib import Path

from duckdb import DuckDBPyConnection

from publish.excel import workbook
from publish.excel.workbook import Block, Column, Grid, Page
from publish.sen2 import comparison
from publish.sen2.comparison import Relation, Sides
from send_ready import sen2
from send_ready.database import identifier, literal
from send_ready.layout import council_or_number
from send_ready.runs import Run
from send_ready.sen2 import Module
from send_ready.settings import Settings
from send_ready.words import short_date
from warehouse import returns, run_data

RECONCILIATION, COMPARISON = "sen2_reconciliation.xlsx", "sen2_comparison.xlsx"
FEEDS = {
    "person": "persons",
    "requests": "requests",
    "assessment": "assessments",
    "named_plan": "named_plans",
    "plan_detail": "plan_details",
    "active_plans": "active_plans",
    "placement_detail": "placement_details",
    "sen_need": "sen_needs",
}
# What the reconciliation says of a child, in the order in which to look at it.
WHAT = {
    "only in the return": "In the return, and nobody like that in the other systems",
    "not in the return": "A plan open on the reference date, and not in the return",
    "plan in the return alone": "An active plan in the return, and none open on that day in the other systems",
    "plan not in the return": "A plan open on the reference date, and none active in the return",
    "differs": "A plan in both, and an element that differs",
}
NOTES = (
    "Persons are taken for one by UPN, else by ULN, else by name and date of birth, each only where it is one person's "
    "in the return and in the other systems.",
    "The other systems are Capita One and, for whom it has no plan, the EHC Hub, as they hold the reference date "
    "tonight: what was put right since the return differs, and is meant to. Nothing of the return goes into a list.",
    "Of ethnicity, postcode, dates, residential and budget only what both say is compared; needs and placements are "
    "the primary ones.",
    "This workbook holds personal data about children. Share it only by the means agreed for it.",
)


def write(folder: Path, con: DuckDBPyConnection, run: Run, settings: Settings) -> None:
    """Write both workbooks into the folder, as far as there is something to compare; the run's warehouse is `built`."""
    role = returns.role(run)
    if role == returns.BESIDE and (day := returns.reference_date(con, run.as_at)):
        folder.mkdir(parents=True, exist_ok=True)
        reconciliation(folder / RECONCILIATION, con, run, f"SEN2 return of {short_date(day)} beside Capita One")
    if role:
        compare_with_read(folder, con, run, settings)


def compare_with_read(folder: Path, con: DuckDBPyConnection, run: Run, settings: Settings) -> None:
    """Write the comparison into the folder, if a return was read of the very year of which `built` holds one."""
    (year,) = con.execute("SELECT survey_year FROM built.int.int_sen2__return").fetchall()[0]
    if con.execute(f"SELECT 1 FROM built.raw.sen2__persons WHERE return_year = {literal(year)} LIMIT 1").fetchone():
        folder.mkdir(parents=True, exist_ok=True)
        modules = sen2.modules(year, settings)
        comparison.compare(con, modules, made, read_in(year))
        sides = Sides(f"Made as at {short_date(run.as_at)}", f"Read in, of {year}")
        comparison.write(folder / COMPARISON, con, modules, sides)


def made(module: Module) -> str:
    """The table of a module of the return that the run's warehouse makes."""
    return f"built.{sen2.SCHEMA}.{identifier(module.table)}"


def read_in(year: int) -> Relation:
    """The tables of the return of a survey year that was read."""

    def relation(module: Module) -> str:
        more = ", NULL::VARCHAR AS unique_id" if module.name == "person" else ""
        table = f"built.raw.{identifier('sen2__' + FEEDS[module.name])}"
        return f"(SELECT *{more} FROM {table} WHERE return_year = {literal(year)})"

    return relation


def reconciliation(path: Path, con: DuckDBPyConnection, run: Run, title: str) -> int:
    """How many rows stand in the workbook of the reconciliation, which is written: counts, children and elements."""
    names = run_data.systems(con)
    rows = con.execute("""
        SELECT held.reconciled_as, held.unique_id, held.person_table_id, coalesce(person.surname, returned.surname),
            coalesce(person.forename, returned.forename),
            coalesce(person.birth_date, returned.person_birth_date), held.match_rule, held.element,
            held.returned_value, held.held_value
        FROM built.sen2.sen2_reconciliation AS held
        LEFT JOIN built.person_identifiable.persons AS person ON person.person_id = held.unique_id
        LEFT JOIN (
            SELECT TRY_CAST(person_table_id AS BIGINT) AS person_table_id, surname, forename, person_birth_date
            FROM built.raw.sen2__persons
            WHERE reference_date <= ? QUALIFY reference_date = max(reference_date) OVER ()
        ) AS returned ON returned.person_table_id = held.person_table_id
        ORDER BY held.reconciliation_no""", [run.as_at]).fetchall()  # fmt: skip
    children = [row for row in rows if row[7] is None]
    elements = [row for row in rows if row[7] is not None]
    counted = {what: len({row[1:3] for row in rows if row[0] == what}) for what in WHAT}
    by_element = {name: sum(row[7] == name for row in elements) for name in dict.fromkeys(row[7] for row in elements)}
    about = Page(
        "About",
        names.said(title),
        [
            Block(
                "Children",
                [
                    Column("What is so", "text", [names.said(words) for words in WHAT.values()]),
                    Column("Children", "count", list(counted.values())),
                ],
            ),
            Block(
                "Elements that differ",
                [Column("Element", "text", list(by_element)), Column("Children", "count", list(by_element.values()))],
            ),
            Block("Notes", [Column("", "text", [names.said(note) for note in NOTES])], has_header=False),
            Block("Made for", [Column("", "text", [council_or_number(run.la_code)])], has_header=False),
        ],
        widths=(90, 12),
    )
    who = (("Unique ID", "text"), ("Person in the return", "count"), ("Surname", "text"), ("Forename", "text"),
           ("Date of birth", "date"), ("Taken for one by", "text"))  # fmt: skip
    grids = [
        Grid(
            "Children",
            [
                Column("What is so", "text", [names.said(WHAT[row[0]]) for row in children]),
                *(Column(name, kind, [row[at] for row in children]) for at, (name, kind) in enumerate(who, 1)),
            ],
            is_filtered=True,
            is_wrapped=True,
        ),
        Grid(
            "Elements",
            [
                *(Column(name, kind, [row[at] for row in elements]) for at, (name, kind) in enumerate(who, 1)),
                *(
                    Column(name, "text", [row[at] for row in elements])
                    for at, name in enumerate(("Element", "In the return", "In the other systems"), 7)
                ),
            ],
            is_filtered=True,
        ),
    ]
    workbook.write(path, names.said(title), [about, *grids])
    return len(rows)
