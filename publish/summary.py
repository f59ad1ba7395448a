"""The closing words of a run: what came out, from what, and what to look at."""

from typing import Any

from publish import pack
from publish.excel import items_book, lists_book
from publish.issues import issues_book
from publish.kpi import kpi_book
from publish.report import readiness
from send_ready import configuration
from send_ready.home import SERVING
from send_ready.issues import SEVERITIES
from send_ready.runs import Run, feed_results, read
from send_ready.settings import Settings
from warehouse import serve
from warehouse.run_data import STATES

WIDTH = 100
RULE = "-" * WIDTH
NAME = 33  # what is left of the width for a file name, whose end says most


def summary(run: Run, settings: Settings) -> str:
    """Rows on each list, each feed and its state, issues by severity, paths: plain text, 100 columns.

    A run that made no pack says so, and still shows its feeds.
    """
    manifest = made(run)
    head = f"SEND Ready: LA {run.la_code}, as at {run.as_at:%d/%m/%Y}"
    feeds = (
        manifest["inputs"]
        if manifest
        else [{**result, "feed": f"{result['source']}.{result['feed']}"} for result in feed_results(run)]
    )
    lines = [RULE, head, "", *_feeds(feeds), ""]
    lines += _results(manifest, run, settings) if manifest else _no_pack(run)
    lines += [f"Configuration set aside: {each.told}" for each in configuration.of(run).set_aside]
    return "\n".join([*lines, RULE])


def made(run: Run) -> dict[str, Any] | None:
    """The manifest of the pack, if this run made it; None also when it is damaged, as that of an earlier run may be."""
    found = read(run.out / pack.MANIFEST)
    return found if found and found.get("run_id") == run.run_id else None


def _feeds(feeds: list[dict[str, Any]]) -> list[str]:
    lines = [f"{'Feed':<28}{'Data date':<11}{'State':<8}{'Rows used':>9}{'Left out':>9}  File"]
    for feed in feeds:
        day = feed["data_date"]
        shown = f"{day[8:]}/{day[5:7]}/{day[:4]}" if day else "-"
        left_out = (feed["rows_quarantined"] or 0) + (feed["rows_duplicate"] or 0)
        name = feed["file_name"] or "-"
        lines.append(
            f"{feed['feed']:<28}{shown:<11}{STATES[feed['status']]:<8}{feed['rows_accepted'] or 0:>9,}"
            f"{left_out:>9,}  {name if len(name) <= NAME else '…' + name[1 - NAME :]}"
        )
    return lines


def _results(manifest: dict[str, Any], run: Run, settings: Settings) -> list[str]:
    lists = ", ".join(f"{name}: {rows:,} rows" for name, rows in manifest["rows"].items())
    found = ", ".join(f"{manifest['issues'][severity]:,} {severity}" for severity in SEVERITIES)
    found += f"; of the errors, {manifest['errors_on_lists']:,} are about the lists"
    paths = {
        "The lists": run.out / lists_book.NAME,
        "Issues to put right": run.out / issues_book.NAME,
        "Further items": run.out / items_book.NAME,
        "The director's page": run.out / readiness.NAME,
        "Figures": run.out / kpi_book.NAME,
        "Manifest": run.out / pack.MANIFEST,
        "Warehouse": settings.home / SERVING / serve.DATABASE,
    }
    return [
        f"{'Lists':<22}{lists}",
        f"{'Issues':<22}{found}",
        "",
        *(f"{name:<22}{path}" for name, path in paths.items() if path.exists()),
    ]


def _no_pack(run: Run) -> list[str]:
    earlier = f" The pack in {run.out} is of an earlier run." if run.out.exists() else ""
    return [f"This run made no pack.{earlier}", f"What each step did: {run.progress}"]
