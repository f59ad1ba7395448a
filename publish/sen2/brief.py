"""What an approver reads in Airflow before a SEN2 return is released: words, counts, dates alone, as of the lists."""

from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from publish.approver_brief import LINE, NAMED, plain
from publish.sen2 import figures
from publish.templates import fill
from send_ready import configuration, files
from send_ready.runs import Run
from warehouse import run_data

TEMPLATE = Path(__file__).with_name("brief.md.j2")
RULES = 10  # so many lines at most: it should be read in two minutes
# Airflow shows it in one column: what a director asks first.
SHOWN = (
    *("plans", "new_plans", "requests", "requests_refused", "requests_six_weeks", "twenty_weeks", "twenty_weeks_all"),
    *("reviews_in_year", "placement_unknown", "ceased"),
)


def write(path: Path, con: DuckDBPyConnection, run: Run, manifest: dict[str, Any]) -> None:
    """Write the brief of a frozen version of the return, fewer than 6,000 characters.

    `manifest` is the version's, with `request`, `return` and the rows of each table as `rows`.
    """
    days, found = figures.days(con, run), figures.found(con, run)
    measures = [each for each in figures.headlines(figures.measures(con)) if each.measure in SHOWN]
    rows = manifest["rows"]
    of_children = (feed for feed in run_data.feeds(con) if not feed.is_in_order)
    context = {
        "days": days,
        "place": manifest["council"] or f"Local authority {run.la_code}",
        "is_rehearsal": manifest["request"]["is_rehearsal"],
        "version": manifest["request"]["version"],
        "serial": manifest["return"]["serial_no"],
        "xml": manifest["to_send"][0],
        "is_checked": found is not None,
        "errors": figures.number(found or (), figures.ERROR),
        "queries": figures.number(found or (), figures.QUERY),
        "not_fresh": [feed.title for feed in of_children],
        "set_aside": len(configuration.set_aside_in(manifest)),
        "has_last": any(each.last_year for each in measures),
        "table_rows": [
            (name.removeprefix("sen2_").replace("_", " ").capitalize(), f"{n:,}") for name, n in rows.items()
        ],
        "measure_rows": [(each.title, each.value, each.last_year or "–", each.england or "–") for each in measures],
        "unknown": figures.not_known(measures),
        "rule_rows": [
            (each.rule, plain(each.message), each.severity.capitalize(), f"{each.number:,}") for each in found or ()
        ],
        "RULES": RULES,
        "NAMED": NAMED,
        "LINE": LINE,
    }
    files.write_bytes(path, fill(TEMPLATE, context, plain=plain).encode())
