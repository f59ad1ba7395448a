"""What stands in annex_a_person_level_lists.xlsx: the two lists, and About."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from duckdb import DuckDBPyConnection

import send_ready
from publish.excel import workbook
from publish.excel.workbook import Block, Column, Grid, Page
from send_ready import layout
from send_ready.database import identifier, literal
from send_ready.layout import Layout, ListLayout, council_or_number
from send_ready.runs import ABSENT, Run
from send_ready.settings import Settings
from send_ready.words import counted, short_date
from warehouse import returns, run_data
from warehouse.run_data import STATES, Feed, feed_has_columns

NAME = "annex_a_person_level_lists.xlsx"
WHO = {
    "List 1": "Everyone with an EHC plan open at the as-at date for whom the council is responsible",
    "List 2": "Everyone on SEN support (K) at an establishment of the council's area, without an EHC plan",
}
WIDEST = 24  # characters of a text column of the lists: longer values wrap, so that a sheet prints on one page's width
_BOTH = ("List 1", "List 2")
# The feeds whose values each list shows or is chosen by; tests hold this to the lineage of the dbt models.
BEHIND = {
    "capita_one.students": _BOTH,
    "capita_one.ehc_plans": _BOTH,
    "capita_one.annual_reviews": ("List 1",),
    "capita_one.sen_needs": _BOTH,
    "capita_one.sen_provision": ("List 2",),
    "capita_one.enrolments": _BOTH,
    "capita_one.home_education": ("List 1",),
    "capita_one.attendance": _BOTH,
    "capita_one.exclusions": _BOTH,
    "census.pupils": _BOTH,
    "census.sessions": _BOTH,
    "census.exclusions": _BOTH,
    "dfe.pupil_premium": _BOTH,
    "ehc_hub.cases": _BOTH,
    "ehc_hub.reviews": ("List 1",),
    "gias.establishments": _BOTH,
    "ilacs.involvements": _BOTH,
    "local.person_bridge": _BOTH,
    "sen2.active_plans": _BOTH,
    "sen2.assessments": _BOTH,
    "sen2.named_plans": _BOTH,
    "sen2.persons": _BOTH,
    "sen2.placement_details": _BOTH,
    "sen2.plan_details": _BOTH,
    "sen2.requests": _BOTH,
    "sen2.sen_needs": _BOTH,
    "social_care.involvements": _BOTH,
}
_KINDS = {"date": "DATE", "count": "BIGINT", "percentage": "DOUBLE", "text": "VARCHAR"}


@dataclass(frozen=True)
class CensusReturn:
    """A return of the school census in use: its term and year, its census day, and how many schools made it."""

    name: str
    census_day: date
    schools: int


def write(path: Path, con: DuckDBPyConnection, run: Run, settings: Settings) -> dict[str, int]:
    """How many rows stand on each list; they are written, with About."""
    shape = layout.in_force(settings.config)
    grids = [_grid(con, listed, shape.forms(settings.code_style)) for listed in shape.lists]
    rows = {listed.name: len(grid.columns[0].values) for listed, grid in zip(shape.lists, grids, strict=True)}
    used = _used(run_data.feeds(con), run)
    sen2_day = returns.reference_date(con, run.as_at) if any(feed.name == returns.PERSONS for feed in used) else None
    about = _about(used, _census_returns(con, run.as_at), sen2_day, rows, run, settings, shape)
    workbook.write(path, "Annex A person-level lists", [*grids, about])
    return rows


def _grid(con: DuckDBPyConnection, listed: ListLayout, forms: dict[str, dict[str, str]]) -> Grid:
    """One list, ordered by Unique ID, codes in the forms given; a column that nothing fills is empty."""
    chosen = ", ".join(
        f"CAST({identifier(column.column_name) if column.column_name else 'NULL'} AS {_KINDS[column.kind]})"
        for column in listed.columns
    )
    values = run_data.columns(con, f"SELECT {chosen} FROM built.{listed.table} ORDER BY unique_id")
    columns = []
    for column, held in zip(listed.columns, values, strict=True):
        form = forms.get(column.code_set or "", {})
        columns.append(Column(column.header, column.kind, [form.get(value, value) for value in held] if form else held))
    return Grid(listed.sheet, columns, is_filtered=True, is_wrapped=True, widest=WIDEST, frozen=1)


def _used(feeds: Sequence[Feed], run: Run) -> list[Feed]:
    """The feeds that may say something on the lists: not those of a SEN2 return that is only compared."""
    is_source = returns.role(run) == returns.SOURCE
    return [feed for feed in feeds if is_source or not feed.name.startswith("sen2.")]


def _census_returns(con: DuckDBPyConnection, as_at: date) -> list[CensusReturn]:
    """The returns of the school census up to a day, the oldest first; none where none ever came."""
    place = "database_name = 'built' AND schema_name = 'raw' AND table_name = 'census__pupils'"
    is_there = f"SELECT 1 FROM duckdb_tables() WHERE {place} UNION SELECT 1 FROM duckdb_views() WHERE "
    is_there += place.replace("table_name", "view_name")
    if not con.execute(is_there).fetchone():
        return []  # of a run of an earlier version
    found = run_data.rows(
        con,
        f"""
        SELECT trim(concat_ws(' ', term, year::VARCHAR)) AS name, reference_date AS census_day,
            count(DISTINCT urn) AS schools
        FROM built.raw.census__pupils WHERE reference_date <= {literal(as_at)} GROUP BY ALL ORDER BY ALL
        """,
    )
    return sorted((CensusReturn(**row) for row in found), key=lambda each: each.census_day)


def _about(
    feeds: Sequence[Feed],
    census: Sequence[CensusReturn],
    sen2_day: date | None,
    rows: dict[str, int],
    run: Run,
    settings: Settings,
    shape: Layout,
) -> Page:
    return Page(
        "About",
        "Annex A person-level lists",
        [
            Block(
                "These lists",
                [
                    Column("Council", "text", [council_or_number(run.la_code)]),
                    Column("DfE number", "text", [run.la_code]),
                    Column("As-at date", "date", [run.as_at]),
                    Column("Layout version", "text", [shape.version]),
                    Column("Code style", "text", [settings.code_style.capitalize()]),
                    Column("Made by", "text", [f"SEND Ready {send_ready.__version__}"]),
                ],
            ),
            _lists_block(feeds, rows),
            _feeds_block(feeds),
            Block("Notes", [Column("", "text", _notes(feeds, census, sen2_day, settings, shape))], has_header=False),
        ],
        widths=(48, 12, 13, 15, 44, 56),
    )


def _of_layout(shape: Layout) -> list[str]:
    """What there is to say about the layout of the lists."""
    if shape.is_shipped:
        return [
            f"The layout is that of the Annex A request of November 2022 (version {shape.version}).",
            "Conformance to the June 2025 handbook is not claimed.",
        ]
    said = [
        f"The layout is the council's own (version {shape.version}), read from a template and confirmed by the council."
    ]
    for listed in shape.lists:
        if empty := [column.header for column in listed.columns if not column.column_name]:
            said.append(f"{listed.name}: nothing that is held fills {', '.join(empty)}.")
    return said


def _lists_block(feeds: Sequence[Feed], rows: dict[str, int]) -> Block:
    behind = {name: [feed for feed in feeds if name in BEHIND.get(feed.name, ())] for name in rows}
    dates = {name: [feed.data_date for feed in used if feed.data_date] for name, used in behind.items()}
    others = {name: sum(not feed.is_in_order for feed in used) for name, used in behind.items()}
    return Block(
        "What date each list represents",
        [
            Column("Sheet", "text", [name.replace(" ", "_") for name in rows]),
            Column("Rows", "count", list(rows.values())),
            Column("Oldest data", "date", [min(dates[name], default=None) for name in rows]),
            Column("Newest data", "date", [max(dates[name], default=None) for name in rows]),
            Column(
                "State of its feeds",
                "text",
                [f"{others[name]} of {len(behind[name])} not fresh" if others[name] else "All fresh" for name in rows],
            ),
            Column("Who is on it", "text", [WHO[name] for name in rows]),
        ],
    )


def _feeds_block(feeds: Sequence[Feed]) -> Block:
    used = [feed for feed in feeds if feed.name in BEHIND]
    return Block(
        "What each feed behind the lists holds",
        [
            Column("Feed", "text", [feed.title for feed in used]),
            Column("State", "text", [STATES[feed.status] for feed in used]),
            Column("Data date", "date", [feed.data_date for feed in used]),
            Column("Behind", "text", [" and ".join(BEHIND[feed.name]).replace("and List ", "and ") for feed in used]),
            Column("File", "text", [feed.file_name for feed in used]),
            Column("Note", "text", [feed.note for feed in used]),
        ],
    )


def _notes(
    feeds: Sequence[Feed], census: Sequence[CensusReturn], sen2_day: date | None, settings: Settings, shape: Layout
) -> list[str]:
    never = {
        name
        for name, (columns, _) in _NOT_KNOWN.items()
        if not any(feed_has_columns(feeds, name, *each) for each in columns)
        and not feed_has_columns(feeds, _INSTEAD.get(name, ""))
        and not (sen2_day and name == "capita_one.home_education")
    }
    notes = [
        *_of_layout(shape),
        "An empty cell means that nothing is recorded or known. What ought to be put right is in issues.xlsx.",
        "Counts and absence cover the six months up to the as-at date; absence is a percentage of possible sessions.",
        "These lists hold personal data about children. Share them only by the means agreed for it.",
    ]
    if settings.code_style == "lettered" and shape.letters["primary_need"].get("DS") == "DS":
        notes.append("DS (Down syndrome) has no letter in this version of the layout and stands as DS.")
    if sen2_day:
        notes += [
            f"List 1 is made of the SEN2 return of reference date {short_date(sen2_day)}, a snapshot of that day: what "
            "a better source does not say is as it was then, and who has got or lost a plan since is not known.",
            "A SEN2 return gives the date a plan was first issued only where that was in the calendar year before it: "
            "for all others it is blank, and so is the date updated. Of reviews it holds the last one.",
            "A SEN2 return holds neither suspensions, exclusions and absence nor pupil premium, social care and "
            "disability: without another source they are blank or Unknown. It holds nobody for List 2.",
        ]
    if census:
        listed = ", ".join(
            f"{each.name} ({short_date(each.census_day)}, {counted(each.schools, 'school')})" for each in census
        )
        notes.append(
            f"School census: these returns speak for whom Capita One says nothing: {listed}. The newest return of a "
            "school says who is on its roll; needs and ethnicity are those of its newest return of spring."
        )
        notes.append(
            "A return holds the suspensions, exclusions and attendance of the term before it, a term in arrears. "
            "A period of attendance counts when its first day is within the six months."
        )
    periods = {"period_start", "period_end"}
    if any(feed.name == "capita_one.attendance" and not periods.isdisjoint(feed.columns_besides) for feed in feeds):
        notes.append("Attendance came by periods: each counts where its first day is in the six months.")
    absent = {feed.name: feed for feed in feeds if feed.status == ABSENT}
    for name, (_, note) in _NOT_KNOWN.items():
        if name in never and name in absent:
            _, _, what = note.partition(": ")
            notes.append(f"{absent[name].title}: the council does not hold this ({absent[name].absent_reason}): {what}")
        elif name in never:
            notes.append(note)
    return notes


# The feed that may say what another would.
_INSTEAD = {
    "capita_one.exclusions": "census.exclusions",
    "capita_one.attendance": "census.sessions",
    "social_care.involvements": "ilacs.involvements",
}


# What a feed must have for its columns of the lists to be known (one of these), and what to say where it has not.
_NOT_KNOWN: dict[str, tuple[Sequence[Sequence[str]], str]] = {
    "gias.establishments": (
        [()],
        "No GIAS file has been received: phases are blank, and List_2 holds every enrolled child on SEN support, "
        "whichever area the school is in.",
    ),
    "capita_one.exclusions": (
        [()],
        "No exclusions file has been received: suspensions and permanent exclusions are blank, which is not 0.",
    ),
    "capita_one.attendance": (
        [("authorised_absence", "unauthorised_absence")],
        "No attendance file with authorised and unauthorised absence has been received: absence is blank.",
    ),
    "capita_one.home_education": (
        [()],
        "No home education file has been received: elective home education is blank, which is not No.",
    ),
    "social_care.involvements": (
        [("date_of_birth", "upn"), ("date_of_birth", "first_name", "last_name", "postcode")],
        "No social care file that can be linked to children has been received: whether a child is known to social care "
        "is blank, which is not No.",
    ),
}
