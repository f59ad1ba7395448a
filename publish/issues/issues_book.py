"""What stands in issues.xlsx.

Who may be missing from a list, what to put right, in which order, what changed since last time, and a sheet an owner.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from publish.excel import workbook
from publish.excel.workbook import Block, Column, Grid, Page
from publish.issues import compare, order_of_work, values
from publish.issues.compare import Comparison
from publish.issues.order_of_work import Step
from publish.issues.sheets import sheet_names, table
from send_ready.database import literal
from send_ready.issues import SEVERITIES
from send_ready.layout import council_or_number
from send_ready.runs import Run
from send_ready.words import short_date
from warehouse import run_data
from warehouse.run_data import STATES

NAME = "issues.xlsx"
FIRST = 10  # what to do first: so many steps
MEANING = {
    "stop": "Stop: a file could not be used",
    "error": "Error: put this right",
    "query": "Query: check that it is so",
    "note": "Note: for information",
}
_SEVERITY = "upper(severity[1]) || severity[2:]"
_RANK = "list_position([" + ", ".join(f"'{severity}'" for severity in SEVERITIES) + "], severity)"

# Of a sheet: header, kind, expression in SQL, width.
_DETAIL = (
    ("Rule", "text", "rule", 9),
    ("Severity", "text", _SEVERITY, 10),
    ("List", "text", "list_name", 8),
    ("Unique ID", "text", "unique_id", 14),
    ("Column", "text", "column_name", 26),
    ("What is wrong", "text", "message", 80),
    ("Values", "text", "said", 44),
    ("Where to fix", "text", "fix", 60),
    ("Owner", "text", "owner", 20),
    ("Feed", "text", "feed", 26),
    ("Record", "text", "record_id", 30),
    ("File", "text", "file_name", 36),
    ("Line", "count", "line_no", 9),
    ("Records", "count", "count", 10),
    ("Category", "text", "category", 14),
)
_SINCE = ("Since last time", "text", "state", 16)
_FIXED = tuple(column for column in _DETAIL if column[0] not in ("Values", "Where to fix", "File", "Line"))
_OF_OWNER = (
    ("Step", "count", "step", 8),
    _SINCE,
    ("Rule", "text", "rule", 9),
    ("Severity", "text", _SEVERITY, 10),
    ("List", "text", "list_name", 8),
    ("Unique ID", "text", "unique_id", 14),
    ("Record", "text", "record_id", 34),
    ("Column", "text", "column_name", 30),
    ("What is wrong", "text", "message", 84),
    ("Values", "text", "said", 44),
    ("What to do", "text", "fix", 84),
    ("Feed", "text", "feed", 26),
    ("File", "text", "file_name", 40),
    ("Line", "count", "line_no", 9),
    ("Records", "count", "count", 10),
)


def write(path: Path, con: DuckDBPyConnection, run: Run, previous: Path | None) -> dict[str, int]:
    """How many issues of each severity stand in the workbook, which is written: compared with an earlier pack's."""
    compared = compare.compare(con, previous)
    owners = con.execute("SELECT DISTINCT owner FROM compared WHERE severity <> 'note' ORDER BY 1").fetchall()
    names = sheet_names(owner for (owner,) in owners)
    steps = order_of_work.steps(con, names)
    values.make_table(con)
    by_severity = run_data.issues_by_severity(con)
    workbook.write(
        path,
        "SEND issues to put right",
        [
            _missing(con),
            _summary(con, steps, compared, by_severity, run),
            _order(steps),
            _by_rule(con, compared),
            table(
                con,
                "Issue detail",
                (*_DETAIL, _SINCE),
                "FROM compared LEFT JOIN issue_value USING (number) ORDER BY number",
            ),
            table(con, "Fixed since last time", _FIXED, "FROM fixed ORDER BY number"),
            _quarantine(con, run),
            *_owners(con, names),
        ],
    )
    return by_severity


def _missing(con: DuckDBPyConnection) -> Grid:
    """Who may be missing from a list: a row a record, or one that says that there is nobody."""
    titles = {feed.name: feed.title for feed in run_data.feeds(con)}
    found = con.execute(
        """
        SELECT coalesce(unique_id, list_extract(string_split(split_part(record_id, '; ', -1), '='), 2), 'Not known'),
            list_name, reason, fix, owner, feed, record_id, file_name, line_no
        FROM built.quality.quality_perhaps_missing ORDER BY missing_no
        """
    ).fetchall()
    nobody = ("Nobody", None, "No record says that a child is missing from a list.", *[None] * 6)
    rows = [(*row[:5], titles.get(row[5], row[5]), *row[6:]) for row in found] or [nobody]
    headers: tuple[tuple[str, str, float], ...] = (
        ("Student ID or reference", "text", 24),
        ("List", "text", 11),
        ("Why", "text", 70),
        ("What to do", "text", 60),
        ("Who", "text", 22),
        ("Feed", "text", 26),
        ("Record", "text", 34),
        ("File", "text", 40),
        ("Line", "count", 9),
    )
    columns = [
        Column(name, kind, list(held), width)
        for (name, kind, width), held in zip(headers, zip(*rows, strict=True), strict=True)
    ]
    return Grid("Perhaps missing from a list", columns, is_filtered=True, is_wrapped=True)


def _summary(
    con: DuckDBPyConnection, steps: Sequence[Step], compared: Comparison, by_severity: dict[str, int], run: Run
) -> Page:
    feeds = run_data.feeds(con)
    place = council_or_number(run.la_code)
    return Page(
        "Summary",
        f"Issues to put right: {place}, {short_date(run.as_at)}",
        [
            _first(steps),
            Block(
                "How serious",
                [
                    Column("Severity", "text", [MEANING[severity] for severity in SEVERITIES]),
                    Column("Issues", "count", list(by_severity.values())),
                ],
            ),
            _since(con, compared),
            _counts(con, "Who can put it right", "Owner", "owner"),
            _counts(con, "What it is about", "Category", "category"),
            Block(
                "Feeds",
                [
                    Column("Feed", "text", [feed.title for feed in feeds]),
                    Column("State", "text", [STATES[feed.status] for feed in feeds]),
                    Column("Data date", "date", [feed.data_date for feed in feeds]),
                    Column("Owner", "text", [feed.owner for feed in feeds]),
                    Column("File", "text", [feed.file_name for feed in feeds]),
                    Column("Rows used", "count", [feed.rows_accepted for feed in feeds]),
                    Column("In quarantine", "count", [feed.rows_quarantined for feed in feeds]),
                ],
            ),
        ],
        widths=(70, 12, 12, 24, 62, 12, 12),
    )


def _first(steps: Sequence[Step]) -> Block:
    """The first steps of the order of work."""
    first = steps[:FIRST]
    return Block(
        "What to do first",
        [
            Column("What", "text", [f"{step.rule}: {step.message}" for step in first] or ["Nothing is to be done."]),
            Column("Severity", "text", [_shown(step.severity) for step in first] or [None]),
            Column("Records", "count", [step.records for step in first] or [None]),
            Column("Owner", "text", [step.owner for step in first] or [None]),
            Column("Where to fix", "text", [step.fix for step in first] or [None]),
        ],
    )


def _since(con: DuckDBPyConnection, compared: Comparison) -> Block:
    """How many issues are new, still open and fixed; or why that cannot be said."""
    if not compared.as_at:
        return Block("Since last time", [Column("", "text", [compared.said])], has_header=False)
    (now,), (fixed,) = (
        con.execute(query).fetchall()
        for query in (
            f"SELECT count(*) FILTER (state = '{compare.NEW}'), count(*) FILTER (state = '{compare.STILL_OPEN}') "
            "FROM compared",
            "SELECT count(*) FROM fixed",
        )
    )
    states = (compare.NEW, compare.STILL_OPEN, "Fixed")
    return Block(
        f"Since the pack of {short_date(compared.as_at)}",
        [Column("State", "text", states), Column("Issues", "count", [*now, *fixed])],
    )


def _order(steps: Sequence[Step]) -> Grid:
    columns: tuple[tuple[str, str, list[Any], float], ...] = (
        ("Step", "count", [step.number for step in steps], 8),
        ("What to do", "text", [step.fix for step in steps], 46),
        ("Who", "text", [step.owner for step in steps], 18),
        ("Where", "text", [step.where for step in steps], 46),
        ("Why now", "text", [step.why for step in steps], 30),
        ("Rule", "text", [step.rule for step in steps], 10),
        ("Severity", "text", [_shown(step.severity) for step in steps], 10),
        ("Column", "text", [step.column for step in steps], 22),
        ("What is wrong", "text", [step.message for step in steps], 50),
        ("Records", "count", [step.records for step in steps], 10),
        ("Children", "count", [step.children for step in steps], 10),
    )
    return Grid("Order of work", [Column(*column) for column in columns], is_filtered=True, is_wrapped=True)


def _owners(con: DuckDBPyConnection, names: dict[str, str]) -> Iterator[Grid]:
    """A sheet for each owner, ready to send: what to do, step by step, and for which record."""
    for owner, name in names.items():
        joined = "compared JOIN step_of USING (number) LEFT JOIN issue_value USING (number)"
        rows = f"FROM {joined} WHERE owner IS NOT DISTINCT FROM {literal(owner)}"
        yield table(con, name, _OF_OWNER, f"{rows} ORDER BY step, number")


def _counts(con: DuckDBPyConnection, heading: str, header: str, column: str) -> Block:
    names, total, serious = run_data.columns(
        con,
        f"""
        SELECT {column}, count(*) AS issues, count(*) FILTER (severity IN ('stop', 'error')) AS serious
        FROM issue GROUP BY 1 ORDER BY serious DESC, issues DESC, 1
        """,
    )
    return Block(
        heading,
        [
            Column(header, "text", names),
            Column("Issues", "count", total),
            Column("Stop or error", "count", serious),
        ],
    )


def _by_rule(con: DuckDBPyConnection, compared: Comparison) -> Grid:
    """A row a rule, with the message that is usual or, where none is, an example; also rules with nothing left."""
    values = run_data.columns(
        con,
        f"""
        WITH found AS (
            SELECT rule, severity, category, message, owner, fix, count, state FROM compared
            UNION ALL
            SELECT rule, severity, category, message, owner, fix, count, 'Fixed' FROM fixed
        ),

        counted AS (
            SELECT *, count(*) OVER (PARTITION BY rule, severity, message) AS times FROM found
        )

        SELECT rule, {_SEVERITY}, category,
            CASE WHEN 2 * max(times) < count(*) THEN 'For example: ' ELSE '' END || arg_min(message, (-times, message)),
            count(*) FILTER (state IS DISTINCT FROM 'Fixed'),
            coalesce(sum(count) FILTER (state IS DISTINCT FROM 'Fixed'), 0)::BIGINT AS records,
            arg_min(owner, (-times, message, owner)), arg_min(fix, (-times, message, fix)),
            {", ".join(f"count(*) FILTER (state = '{state}')" for state in (compare.NEW, compare.STILL_OPEN, "Fixed"))}
        FROM counted GROUP BY rule, severity, category
        ORDER BY {_RANK}, records DESC, rule, category
        """,
    )
    headers: tuple[tuple[str, str, float], ...] = (
        ("Rule", "text", 9),
        ("Severity", "text", 10),
        ("Category", "text", 14),
        ("What is wrong", "text", 80),
        ("Issues", "count", 10),
        ("Records", "count", 10),
        ("Owner", "text", 22),
        ("Where to fix", "text", 60),
    )
    if compared.as_at:
        headers += ((compare.NEW, "count", 9), (compare.STILL_OPEN, "count", 11), ("Fixed", "count", 9))
    return Grid(
        "Issues by rule",
        [Column(name, kind, held, width) for (name, kind, width), held in zip(headers, values, strict=False)],
        is_filtered=True,
        is_wrapped=True,
    )


def _quarantine(con: DuckDBPyConnection, run: Run) -> Grid:
    headers = (
        ("Feed", "text"),
        ("File", "text"),
        ("Line", "count"),
        ("Column", "text"),
        ("Why it was left out", "text"),
    )
    values = run_data.columns(con, run_data.quarantine(run))
    return Grid(
        "Quarantine",
        [Column(*header, held) for header, held in zip(headers, values, strict=True)],
        is_filtered=True,
    )


def _shown(severity: str) -> str:
    return severity.capitalize()
