"""What an approver reads in Airflow before the lists go out: brief.md, in words, counts and dates alone.

Airflow shows it as Markdown with GitHub's tables and without HTML. It holds no name, UPN, Unique ID or date of birth,
nor anything that a source held: of values without a code only how many there are.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from publish.issues import compare
from publish.report import list_columns
from publish.templates import fill
from send_ready import configuration, files
from send_ready.runs import ABSENT, Run
from send_ready.words import change_in_percent, one_line, short_date, signed
from warehouse import run_data
from warehouse.run_data import STATES, Feed

NAME = "brief.md"
TEMPLATE = Path(__file__).with_name("approver_brief.md.j2")
SWING = 5  # percent of change in a list that an approver should ask about
RULES, COLUMNS, FEEDS, MESSAGES, REASONS = 8, 6, 16, 3, 4  # so many lines at most: it should be read in two minutes
NAMED, CELL, LINE = 48, 80, 140  # characters of a name, of what is wrong, of a line
PLANS = {"List 1": "List 1: EHC plans", "List 2": "List 2: SEN support"}
RULE_HEADERS = ("Rule", "What is wrong", "Errors", "New", "Still open", "Fixed")
ORDER = ("missing", "refused", "stale", ABSENT, "fresh")
BOARD = "board."  # feeds of the board's report: nothing in the lists comes from them


def write(
    path: Path,
    con: DuckDBPyConnection,
    run: Run,
    manifest: dict[str, Any],
    previous: Path | None,
    chronology_messages: Sequence[str],
    kind: str,
    due: datetime,
) -> None:
    """Write the brief of a frozen version, fewer than 6,000 characters.

    `manifest` is the version's, with `request`; `previous`, the folder of the pack to compare with; `kind`, the
    inspection in words; `due`, when the lists are due, aware. An earlier pack that is damaged is told of, no more.
    """
    compared = compare.compare(con, previous and previous / compare.NAME)
    errors, new, fixed = compare.errors(con)
    earlier_rows, earlier = _earlier(previous)
    of_children = (feed for feed in run_data.feeds(con) if not feed.name.startswith(BOARD))
    feeds = sorted(of_children, key=lambda feed: (ORDER.index(feed.status), feed.title))
    rules = _rules(con)
    width = len(RULE_HEADERS) if compared.as_at else 3
    filled = [
        (name, column.header, blank, rows)
        for name, column, blank, rows in list_columns.blanks(con)
        if column.column_name not in list_columns.RARELY_FILLED
    ]
    context = {
        "kind": kind,
        "place": manifest["council"] or f"Local authority {run.la_code}",
        "request": manifest["request"],
        "notified_on": date.fromisoformat(manifest["request"]["notified_on"]),
        "as_at": run.as_at,
        "due": due,
        "missing": _missing(con),
        "rows": manifest["rows"],
        "layout_version": manifest["layout_version"],
        "earlier": earlier,
        "earlier_rows": earlier_rows,
        "list_rows": [_list_row(name, now, earlier_rows) for name, now in manifest["rows"].items()],
        "feeds": feeds,
        "feed_rows": [_feed_row(feed) for feed in feeds],
        "unrecognised": len(manifest["unrecognised"]),
        "set_aside": len(configuration.set_aside_in(manifest)),
        "errors": errors,
        "new": new,
        "fixed": fixed,
        "errors_on_lists": run_data.errors_on_lists(con),
        "queries": manifest["issues"]["query"],
        "compared": compared,
        "rule_headers": RULE_HEADERS[:width],
        "rule_rows": [(rule, plain(said), *(f"{n:,}" for n in counts))[:width] for rule, said, *counts in rules],
        "rest": sum(rule[2] for rule in rules[RULES:]),
        "never_filled": [f"{header} ({name})" for name, header, blank, rows in filled if rows and blank == rows],
        "blank_rows": _blank_rows(filled),
        "chronologies": chronology_messages,
        **{name: globals()[name] for name in ("RULES", "FEEDS", "MESSAGES", "REASONS", "NAMED", "LINE", "SWING")},
    }
    files.write_bytes(path, fill(TEMPLATE, context, plain=plain).encode())


def _missing(con: DuckDBPyConnection) -> list[dict[str, Any]]:
    """How many records say that somebody may be missing from a list, by list and reason; issues.xlsx names them."""
    return run_data.rows(
        con,
        "SELECT list_name, reason, count(*) AS records FROM built.quality.quality_perhaps_missing "
        "GROUP BY list_name, reason ORDER BY min(missing_no)",
    )


def _list_row(name: str, now: int, earlier: dict[str, int]) -> list[str]:
    then = earlier.get(name)
    change = "" if then is None else signed(now - then) + (f" ({change_in_percent(now, then)})" if then else "")
    row = [PLANS.get(name, name), f"{now:,}", "" if then is None else f"{then:,}", change]
    return row if earlier else row[:2]


def _feed_row(feed: Feed) -> tuple[str, str, str]:
    state = STATES[feed.status] if feed.is_in_order else f"**{STATES[feed.status].upper()}**"
    state += {"fresh": "", ABSENT: f". {feed.note}"}.get(feed.status, f": {feed.note}")
    return plain(feed.title, NAMED), short_date(feed.data_date) if feed.data_date else "none", state


def _rules(con: DuckDBPyConnection) -> list[Any]:
    """Rule, what is wrong, errors open, new, still open, fixed: of rules with errors, those about the lists first."""
    return con.execute(f"""
        WITH named AS (
            SELECT rule, severity, category, state,
                -- The message would quote the value, and whatever stands in a column of codes by mistake.
                CASE category WHEN 'Mapping' THEN 'Values without a standard code count as blank.' ELSE message END
                    AS message
            FROM (
                SELECT rule, severity, category, message, state FROM compared
                UNION ALL SELECT rule, severity, category, message, 'Fixed' FROM fixed
            )
            WHERE severity IN ('stop', 'error')
        ),

        counted AS (SELECT *, count(*) OVER (PARTITION BY rule, message) AS times FROM named)

        SELECT rule, arg_min(message, (-times, message)), count(*) FILTER (state IS DISTINCT FROM 'Fixed') AS issues,
            count(*) FILTER (state = '{compare.NEW}'), count(*) FILTER (state = '{compare.STILL_OPEN}'),
            count(*) FILTER (state = 'Fixed')
        FROM counted GROUP BY rule HAVING issues > 0
        ORDER BY bool_or(severity = 'stop') DESC, bool_or(category = 'List') DESC, issues DESC, rule
    """).fetchall()


def _blank_rows(counted: Sequence[tuple[str, str, int, int]]) -> list[tuple[str, str, str, str]]:
    """The columns with the largest share of blanks: header, list, how many and what share."""
    some = [row for row in counted if row[2]]
    first = sorted(some, key=lambda row: (-row[2] / row[3], row[:2]))[:COLUMNS]
    return [(plain(header), name, f"{blank:,}", f"{100 * blank / rows:.1f} %") for name, header, blank, rows in first]


def _earlier(previous: Path | None) -> tuple[dict[str, int], str]:
    """Rows of each list in the earlier pack, and what to call it. Nothing when there is none that can be read."""
    try:
        found = files.read_json(previous / "manifest.json") if previous else {}
        rows = {name: int(count) for name, count in found["rows"].items()}
        as_at = date.fromisoformat(found["as_at"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}, "the earlier pack"
    version = found.get("request", {}).get("version")
    return rows, f"version {version}" if version else f"the pack of {short_date(as_at)}"


def plain(text: str, width: int = CELL) -> str:
    """Text of one line that Markdown leaves as it is."""
    return re.sub(r"([\\`*_\[\]<>|~#&@!]|:(?=//))", r"\\\1", one_line(text, width))
