"""What stands in sen2_issues.xlsx: what DfE would refuse or ask about, by rule, one by one, and a sheet an owner.

Values are looked up when the workbook is written, so that no record of issues, log or table ever holds them.
"""

from collections.abc import Iterator
from pathlib import Path

from duckdb import DuckDBPyConnection

from publish.excel import workbook
from publish.excel.workbook import Block, Column, Grid, Page
from publish.issues.sheets import sheet_names, table
from send_ready import sen2
from send_ready.database import identifier, literal
from send_ready.layout import council_or_number
from send_ready.runs import Run
from send_ready.settings import Settings
from send_ready.words import short_date
from warehouse import run_data

NAME = "sen2_issues.xlsx"
MEANING = {"error": "Error: DfE would not authorise the return", "query": "Query: DfE would ask; check it, or note why"}
MODULES = {  # whose elements a frame has, in the order in which an element of several is named
    "person": ("person",),
    "chain": ("requests", "assessment", "named_plan", "active_plans"),
    "placement": ("placement_detail",),
    "measures": (),
}
SAID = {  # what a frame has beside elements, in words; what is not here is not said
    "age_31_august": "age at 31 August",
    "age_at_cease": "age at the cease date",
    "age_at_survey": "age at the survey day",
    "counted": "of",
    "census_figure": "pupils in the spring census",
    "close_date": "closed",
    "establishment_name": "school",
    "establishment_type_code": "GIAS type",
    "figure": "number",
    "header_lea": "LEA",
    "header_reference_date": "ReferenceDate",
    "header_year": "Year",
    "held_ethnicity": "on record",
    "held_issue_date": "plan issued",
    "held_request_date": "decided",
    "held_sex": "on record",
    "last_event_date": "last on record",
    "last_figure": "last year",
    "last_percentage": "per cent last year",
    "named_rank_1_count": "of rank 1",
    "named_rank_2_count": "of rank 2",
    "open_count": "open placements",
    "open_plan_ids": "open plans",
    "percentage": "per cent",
    "placement_count": "placements",
    "plan_from_date": "first plan",
    "rank_1_open_count": "open placements of rank 1",
    "rank_2_open_count": "open placements of rank 2",
    "survey_day": "survey day",
    "total": "of all",
    "unknown_needs": "SENtype",
    "upn_holders": "held by",
    "year_end": "end of the year",
}
_SEVERITY = "upper(severity[1]) || severity[2:]"
_ALL = (  # header, kind, expression in SQL, width
    ("Rule", "text", "rule", 9),
    ("Severity", "text", _SEVERITY, 10),
    ("Unique ID", "text", "unique_id", 14),
    ("Case", "text", "case_id", 14),
    ("Plan", "text", "plan_id", 14),
    ("Module", "text", "module_tag", 16),
    ("Element", "text", "column_name", 22),
    ("What is wrong", "text", "message", 80),
    ("Values", "text", "said", 56),
    ("What to do", "text", "fix", 84),
    ("Who", "text", "owner", 20),
)
_NOTES = (
    "The checks and their numbers (S2-…) are our own: DfE's rules are for councils alone, and COLLECT may find more.",
    "Errors come first. All have to be cleared before DfE authorises a return; a query may stay, with a note.",
    "Put a record right in the system that it came from: the next night has it.",
)


def write(folder: Path, con: DuckDBPyConnection, run: Run, settings: Settings) -> dict[str, int]:
    """How many errors and queries stand in the workbook, which is written into the folder.

    `con` is a connection that run_data.attach has prepared.
    """
    ((year,),) = con.execute("SELECT survey_year FROM built.int.int_sen2__return").fetchall()
    _make_table(con, sen2.modules(year, settings))
    found = dict(con.execute("SELECT severity, count(*) FROM sen2_said GROUP BY 1").fetchall())
    owners = con.execute("SELECT DISTINCT owner FROM sen2_said ORDER BY 1").fetchall()
    sheets = sheet_names(owner for (owner,) in owners)
    of_owner = [column for column in _ALL if column[0] != "Who"]
    workbook.write(
        folder / NAME,
        f"SEN2 {year}: what to put right",
        [
            _about(con, run, year, found),
            _by_rule(con),
            table(con, "All issues", _ALL, "FROM sen2_said ORDER BY number"),
            *(
                table(con, name, of_owner, f"FROM sen2_said WHERE owner = {literal(owner)} ORDER BY number")
                for owner, name in sheets.items()
            ),
        ],
    )
    return {severity: found.get(severity, 0) for severity in MEANING}


def _about(con: DuckDBPyConnection, run: Run, year: int, found: dict[str, int]) -> Page:
    query = """
        SELECT survey_day, due_day, reference_day, window_start, window_end, is_draft,
            (SELECT count(*) FROM built.sen2.sen2_person), (SELECT count(*) FROM built.sen2.sen2_active_plans),
            (SELECT coalesce(bool_or(last_figure IS NOT NULL), false) FROM built.int.int_sen2__measures_frame)
        FROM built.int.int_sen2__return
    """
    ((survey, due, reference, start, end, is_draft, persons, plans, has_last),) = con.execute(query).fetchall()
    facts = {
        "What it is": "A draft: the return as it would be made today" if is_draft else "The return",
        "As at": short_date(run.as_at),
        "Survey day": short_date(survey),
        "Due": short_date(due),
        "What it covers": f"{short_date(start)} to {short_date(end)}; active plans on {short_date(reference)}",
        "Persons": f"{persons:,}",
        "Active plans": f"{plans:,}",
        "Last year": "Compared with the return of last year that was read in (S2-601)"
        if has_last
        else "There is no return of last year to compare with: put it into the inbox, and S2-601 compares",
    }
    return Page(
        "About",
        f"SEN2 {year}, what to put right: {council_or_number(run.la_code)}",
        [
            Block(
                "The return",
                [Column("", "text", list(facts)), Column("", "text", list(facts.values()))],
                has_header=False,
            ),
            Block(
                "How serious",
                [
                    Column("Severity", "text", list(MEANING.values())),
                    Column("Issues", "count", [found.get(severity, 0) for severity in MEANING]),
                ],
            ),
            _owners(con),
            Block("How to read this", [Column("", "text", list(_NOTES))], has_header=False),
        ],
        widths=(52, 60, 12),
    )


def _owners(con: DuckDBPyConnection) -> Block:
    names, errors, queries = run_data.columns(
        con,
        """
        SELECT owner, count(*) FILTER (severity = 'error') AS errors, count(*) FILTER (severity = 'query') AS queries
        FROM sen2_said GROUP BY 1
        UNION ALL
        SELECT 'Nobody: nothing is to be done', 0, 0 WHERE NOT EXISTS (FROM sen2_said)
        ORDER BY errors DESC, queries DESC, 1
        """,
    )
    return Block(
        "Who can put it right",
        [Column("Owner", "text", names), Column("Errors", "count", errors), Column("Queries", "count", queries)],
    )


def _by_rule(con: DuckDBPyConnection) -> Grid:
    values = run_data.columns(
        con,
        f"""
        SELECT rule, {_SEVERITY}, message, string_agg(DISTINCT module_tag, ', ' ORDER BY module_tag),
            string_agg(DISTINCT column_name, ', ' ORDER BY column_name), count(*), count(DISTINCT unique_id), owner, fix
        FROM sen2_said GROUP BY rule, severity, message, owner, fix
        ORDER BY list_position(['error', 'query'], severity), count(*) DESC, rule, message
        """,
    )
    headers: tuple[tuple[str, str, float], ...] = (
        ("Rule", "text", 9),
        ("Severity", "text", 10),
        ("What is wrong", "text", 60),
        ("Module", "text", 18),
        ("Element", "text", 22),
        ("Issues", "count", 10),
        ("Children", "count", 10),
        ("Who", "text", 20),
        ("What to do", "text", 60),
    )
    return Grid(
        "By rule",
        [Column(name, kind, held, width) for (name, kind, width), held in zip(headers, values, strict=True)],
        is_filtered=True,
        is_wrapped=True,
    )


def _make_table(con: DuckDBPyConnection, modules: dict[str, sen2.Module]) -> None:
    """Make the temporary table `sen2_said`: every issue with its number, its module's tag and its values in words."""
    groups = con.execute("SELECT DISTINCT frame, shown FROM sen2_issue WHERE frame IS NOT NULL ORDER BY ALL").fetchall()
    parts = [part for frame, shown in groups if (part := _values(con, frame, shown, modules))]
    values = " UNION ALL ".join(parts) or "SELECT '' AS frame, '' AS shown, '' AS row_id, '' AS said WHERE false"
    tags = " ".join(f"WHEN {literal(name)} THEN {literal(module.tag)}" for name, module in modules.items())
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE sen2_said AS
        SELECT issue.*, valued.said, CASE module {tags} END AS module_tag
        FROM (SELECT *, rowid AS number FROM sen2_issue) AS issue
        LEFT JOIN ({values}) AS valued USING (frame, shown, row_id)
        ORDER BY number
    """)


def _values(con: DuckDBPyConnection, frame: str, shown: str, modules: dict[str, sen2.Module]) -> str | None:
    """A query for the values of the columns `shown` of a frame's rows; None when none of them is said."""
    source = f"built.int.{identifier(f'int_sen2__{frame}_frame')}"
    kinds = {column: kind for column, kind, *_ in con.execute(f"DESCRIBE {source}").fetchall()}
    tags = {each.column_name: each.tag for name in reversed(MODULES[frame]) for each in modules[name].columns}
    said = list(_parts([column for column in shown.split(",") if column in kinds], kinds, SAID | tags))
    if not said:
        return None
    return (
        f"SELECT {literal(frame)} AS frame, {literal(shown)} AS shown, row_id, "
        f"concat_ws('; ', {', '.join(said)}) AS said "
        f"FROM {source} WHERE row_id IN (SELECT row_id FROM sen2_issue WHERE frame = {literal(frame)})"
    )


def _parts(columns: list[str], kinds: dict[str, str], words: dict[str, str]) -> Iterator[str]:
    for column in columns:
        if column in words:
            name = identifier(column)
            shown = {"DATE": f"strftime({name}, '%d/%m/%Y')", "BOOLEAN": f"if({name}, 'yes', 'no')"}
            value = shown.get(kinds[column], f"CAST({name} AS VARCHAR)")
            yield f"{literal(words[column])} || ' ' || coalesce({value}, 'blank')"
