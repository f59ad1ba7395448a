"""What stands in issues.xlsx: Summary, Issues by rule, Issue detail, Quarantine."""

from collections.abc import Sequence
from pathlib import Path

from duckdb import DuckDBPyConnection

from publish import findings, since, workbook
from publish.findings import STATES, Feed
from publish.workbook import Block, Column, Grid, Page
from send_ready.issues import SEVERITIES
from send_ready.layout import council
from send_ready.runs import Run

NAME = "issues.xlsx"
FIRST = 10  # what to do first: so many lines
MEANING = {
    "stop": "Stop: a file could not be used",
    "error": "Error: put this right",
    "query": "Query: check that it is so",
    "note": "Note: for information",
}
_SEVERITY = "upper(severity[1]) || severity[2:]"
_RANK = "list_position([" + ", ".join(f"'{severity}'" for severity in SEVERITIES) + "], severity)"


def _grouped(by: str) -> str:
    """One row a group of issues of one rule, with the message that is usual or, where none is, an example."""
    return f"""
        SELECT rule, {_SEVERITY} AS severity, category, count(*) AS issues, sum(count)::BIGINT AS records,
               CASE WHEN 2 * max(times) < count(*) THEN 'For example: ' ELSE '' END
                   || arg_min(message, (-times, message)) AS message,
               arg_min(owner, (-times, message, owner)) AS owner,
               arg_min(fix, (-times, message, fix)) AS fix, {_RANK} AS rank
        FROM (SELECT *, count(*) OVER (PARTITION BY rule, severity, message) AS times FROM issue)
        GROUP BY rule, severity, category, {by}
    """


_DETAIL = (
    ("Rule", "text", "rule", 9),
    ("Severity", "text", _SEVERITY, 10),
    ("List", "text", "list_name", 8),
    ("Unique ID", "text", "unique_id", 14),
    ("Column", "text", "column_name", 26),
    ("What is wrong", "text", "message", 80),
    ("Where to fix", "text", "fix", 60),
    ("Owner", "text", "owner", 20),
    ("Feed", "text", "feed", 26),
    ("Record", "text", "record_id", 30),
    ("File", "text", "file_name", 36),
    ("Line", "count", "line_no", 9),
    ("Records", "count", "count", 10),
    ("Category", "text", "category", 14),
)


def write(path: Path, con: DuckDBPyConnection, run: Run, previous: Path | None) -> dict[str, int]:
    """Write the issues workbook, and say how many issues there are of each severity."""
    since.compare(con, previous)
    totals = _totals(con, "severity")
    by_severity = {severity: totals.get(severity, 0) for severity in SEVERITIES}
    workbook.write(
        path,
        "SEND issues to put right",
        [_summary(con, findings.feeds(con), by_severity, run), _by_rule(con), _detail(con), _quarantine(con, run)],
    )
    return by_severity


def _summary(con: DuckDBPyConnection, feeds: Sequence[Feed], by_severity: dict[str, int], run: Run) -> Page:
    place = council(run.la_code) or f"Local authority {run.la_code}"
    return Page(
        "Summary",
        f"Issues to put right: {place}, {run.as_at:%d/%m/%Y}",
        [
            _first(con),
            Block(
                "How serious",
                [
                    Column("Severity", "text", [MEANING[severity] for severity in SEVERITIES]),
                    Column("Issues", "count", list(by_severity.values())),
                ],
            ),
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


def _first(con: DuckDBPyConnection) -> Block:
    """What most deserves an hour's work: of each severity, whole files before the rules that concern most records."""
    values = findings.columns(
        con,
        f"""
        SELECT rule || ': ' || message, severity, records, owner, fix
        FROM ({_grouped("CASE WHEN category = 'File' THEN message END")})
        ORDER BY rank, category = 'File' DESC, records DESC, rule, message LIMIT {FIRST}
        """,
    )
    if not values[0]:
        values = [["Nothing: no issue was found."], [None], [None], [None], [None]]
    headers = (
        ("What", "text"),
        ("Severity", "text"),
        ("Records", "count"),
        ("Owner", "text"),
        ("Where to fix", "text"),
    )
    return Block("What to do first", [Column(*header, held) for header, held in zip(headers, values, strict=True)])


def _counts(con: DuckDBPyConnection, heading: str, header: str, column: str) -> Block:
    names, total, serious = findings.columns(
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


def _by_rule(con: DuckDBPyConnection) -> Grid:
    values = findings.columns(
        con,
        f"""
        SELECT rule, severity, category, message, issues, records, owner, fix
        FROM ({_grouped("rule")}) ORDER BY rank, records DESC, rule, category
        """,
    )
    headers = (
        ("Rule", "text", 9),
        ("Severity", "text", 10),
        ("Category", "text", 14),
        ("What is wrong", "text", 80),
        ("Issues", "count", 10),
        ("Records", "count", 10),
        ("Owner", "text", 22),
        ("Where to fix", "text", 60),
    )
    return Grid(
        "Issues by rule",
        [Column(name, kind, held, width) for (name, kind, width), held in zip(headers, values, strict=True)],
        is_filtered=True,
        is_wrapped=True,
    )


def _detail(con: DuckDBPyConnection) -> Grid:
    values = findings.columns(con, f"SELECT {', '.join(expression for _, _, expression, _ in _DETAIL)} FROM issue")
    return Grid(
        "Issue detail",
        [Column(name, kind, held, width) for (name, kind, _, width), held in zip(_DETAIL, values, strict=True)],
        is_filtered=True,
    )


def _quarantine(con: DuckDBPyConnection, run: Run) -> Grid:
    headers = (
        ("Feed", "text"),
        ("File", "text"),
        ("Line", "count"),
        ("Column", "text"),
        ("Why it was left out", "text"),
    )
    values = findings.columns(con, findings.quarantine(run))
    return Grid(
        "Quarantine",
        [Column(*header, held) for header, held in zip(headers, values, strict=True)],
        is_filtered=True,
    )


def _totals(con: DuckDBPyConnection, column: str) -> dict[str, int]:
    return dict(con.execute(f"SELECT {column}, count(*) FROM issue GROUP BY 1").fetchall())
