"""The report for the director, readiness.html: one page without scripts or network, figures only and nobody's data.

Are we ready today, how do the headline figures stand, where does work wait, what changed: charts that a person can
read, a table behind every one of them. What each section says is found by a module of its own beside this one, and
its words stand in readiness.html.j2. In the public edition what is of the council's own house is left out, and small
numbers are withheld (publish/kpi/suppression.py). Equal input gives equal bytes: no clock, no run's name.
"""

import base64
import hashlib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from publish.kpi import figures
from publish.kpi.figures import INTERNAL, rounded, shown
from publish.report import changes, charts, headlines, improvement_plan, list_columns, placements, waiting
from publish.report.list_columns import Column
from publish.sen2 import section
from publish.templates import fill
from send_ready import configuration, files
from send_ready.runs import Run
from warehouse import run_data
from warehouse.run_data import STATES, Feed

NAME = "readiness.html"
TEMPLATE = Path(__file__).with_name("readiness.html.j2")
# A page of figures has no business with anything but its own style sheet.
POLICY = "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'"
TRENDS = ("K01", "K13", "K19")


def write(
    path: Path,
    con: DuckDBPyConnection,
    run: Run,
    manifest: dict[str, Any],
    previous: Path | None,
    values: str = INTERNAL,
    withhold_below: int = 0,
) -> None:
    """Write the page from a run's findings (warehouse.run_data.opened) and what the manifest will say.

    `previous` is the folder of the pack to compare with. `values` names the table of figures: with the public one of
    publish/kpi/suppression.py, and `withhold_below` set, it is the public edition. A KPI, list or table that is empty
    or absent is told of, and stops nothing.
    """
    is_public = values != INTERNAL
    kpis = figures.series(con, values)
    feeds = run_data.feeds(con)
    known = figures.not_known(con)
    cards = [headlines.headline(each) for each in kpis.values()]
    series = [each for each in kpis.values() if each.kpi.is_headline]
    by_phase = figures.parts(con, "K16", "phase", values) if kpis else []
    places, placed = placements.places(con, kpis, values), placements.placements(con, kpis, values)
    dated = [feed for feed in feeds if feed.data_date]
    context: dict[str, Any] = {
        "place": manifest["council"] or f"Local authority {run.la_code}",
        "as_at": run.as_at,
        "is_public": is_public,
        "withhold_below": withhold_below,
        "headlines": [card for card in cards if card["kpi"].is_headline],
        "all_table": headlines.table(cards),
        "history_rows": [[end, *cells] for end, cells in headlines.history(series)],
        "trends": {kpi_id: headlines.trend(kpis[kpi_id]) for kpi_id in TRENDS if kpi_id in kpis},
        "places": places,
        "places_at": max((part["period_end"] for part in by_phase), default=None),
        "placements": placed,
        **placements.tables(places, placed),
        "plan": improvement_plan.plan(con, is_public),
        "states": STATES,
        "oldest": min(dated, key=lambda feed: feed.data_date or date.max, default=None),
        "rag_words": headlines.rag_words(kpis),
        **dict.fromkeys(("verdict", "backlog", "advice", "reviews", "changes", "sen2")),
        **dict.fromkeys(("list_rows", "feeds", "alerts"), ()),
    }
    if not is_public:
        columns = list_columns.columns(con)
        context |= list_columns.tables(columns) | {
            "verdict": _verdict(con, manifest, feeds, columns),
            "backlog": waiting.backlog(con, known),
            "advice": waiting.advice(con, known),
            "reviews": waiting.reviews(con, run.as_at, feeds, known),
            "changes": changes.changes(con, manifest, previous),
            "list_rows": list(manifest["rows"].items()),
            "feeds": sorted(feeds, key=lambda feed: (feed.is_in_order, feed.status == "fresh", feed.title)),
            "alerts": changes.alerts(run),
            "sen2": section.section(con, run, path.parent),
        }
    files.write_bytes(path, _page(context).encode())


def _page(context: dict[str, Any]) -> str:
    """The page's text from what it says."""
    style = TEMPLATE.with_name("readiness.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    drawn = {"charts": charts, "Segment": charts.Segment, "style": style, "policy": POLICY.format(digest)}
    return fill(TEMPLATE, context | drawn, is_html=True, shown=shown, rounded=rounded)


def _verdict(
    con: DuckDBPyConnection, manifest: dict[str, Any], feeds: Sequence[Feed], columns: Sequence[Column]
) -> dict[str, Any]:
    """Could the lists go out today? Not when one is empty or a rule says stop; with care when anything would show.

    Errors are those of the whole pack, as the console, the brief and issues.xlsx count them, and of these so many are
    about the lists. So many records, `missing`, say that a child may be missing from one.
    """
    stops = manifest["issues"].get("stop", 0)
    worst = max(columns, key=lambda column: column.error_count, default=None)
    found = {
        "missing": con.execute("SELECT count(*) FROM built.quality.quality_perhaps_missing").fetchall()[0][0],
        "empty": [name for name, rows in manifest["rows"].items() if not rows],
        "stops": stops,
        "old": [feed.title for feed in feeds if not feed.is_in_order],
        "set_aside": [each["file_name"] for each in configuration.set_aside_in(manifest)],
        "errors": manifest["issues"].get("error", 0) + stops,
        "worst": worst if worst and worst.error_count else None,
    }
    level = "not" if found["empty"] or stops else "care" if any(found.values()) else "ready"
    return {**found, "level": level, "on_lists": run_data.errors_on_lists(con)}
