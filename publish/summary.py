"""The closing words of a run: what came out, from what, and what to look at."""

from datetime import date
from pathlib import Path
from typing import Any

from publish import pack
from publish.excel import items_book, lists_book
from publish.issues import issues_book
from publish.kpi import kpi_book
from publish.report import readiness
from publish.sen2 import pack as sen2_pack
from publish.templates import fill
from send_ready import configuration
from send_ready.home import SERVING
from send_ready.issues import SEVERITIES
from send_ready.runs import Run, feed_results, read_record
from send_ready.settings import Settings
from send_ready.words import short_date
from warehouse import serve
from warehouse.run_data import STATES

TEMPLATE = Path(__file__).with_name("summary.txt.j2")
WIDTH = 100
RULE = "-" * WIDTH
NAME = 33  # what is left of the width for a file name, whose end says most


def summary(run: Run, settings: Settings) -> str:
    """Rows on each list, each feed and its state, issues by severity, paths: plain text, 100 columns.

    A run that made no pack says so, and still shows its feeds.
    """
    manifest = made(run)
    of_run = [{**result, "feed": f"{result['source']}.{result['feed']}"} for result in feed_results(run)]
    paths = {
        "The lists": run.out / lists_book.NAME,
        "Issues to put right": run.out / issues_book.NAME,
        "Further items": run.out / items_book.NAME,
        "The SEN2 return": run.out / sen2_pack.FOLDER,
        "The director's page": run.out / readiness.NAME,
        "Figures": run.out / kpi_book.NAME,
        "Manifest": run.out / pack.MANIFEST,
        "Warehouse": settings.home / SERVING / serve.DATABASE,
    }
    context = {
        "rule": RULE,
        "run": run,
        "manifest": manifest,
        "feeds": manifest["inputs"] if manifest else of_run,
        "STATES": STATES,
        "lists": [f"{name}: {rows:,} rows" for name, rows in (manifest or {}).get("rows", {}).items()],
        "issues": [f"{manifest['issues'][severity]:,} {severity}" for severity in SEVERITIES] if manifest else [],
        "sen2": manifest and manifest.get("sen2") and sen2_pack.in_words(manifest["sen2"]),
        "paths": [(name, path) for name, path in paths.items() if path.exists()],
        "set_aside": configuration.settled_for(run).set_aside,
    }
    return fill(TEMPLATE, context, day=_day, end=_end).rstrip("\n")


def made(run: Run) -> dict[str, Any] | None:
    """The manifest of the pack, if this run made it; None also when it is damaged, as that of an earlier run may be."""
    found = read_record(run.out / pack.MANIFEST)
    return found if found and found.get("run_id") == run.run_id else None


def _day(iso: str | None) -> str:
    return short_date(date.fromisoformat(iso)) if iso else "-"


def _end(name: str) -> str:
    """A name of a file, or as much of its end as there is room for."""
    return name if len(name) <= NAME else "…" + name[1 - NAME :]
