"""What is different: from the pack before, and what people were told within the week."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from publish.issues import compare
from send_ready import files
from send_ready.home import ALERTS
from send_ready.runs import Run
from send_ready.words import long_date, signed

ALERTS_OF, SHOWN_ALERTS = timedelta(days=7), 5


def alerts(run: Run) -> list[dict[str, Any]]:
    """What people were told in the week up to D, newest first: title, text, when, and whether it reached everybody."""
    path = run.home / ALERTS
    first, last = (run.as_at - ALERTS_OF).isoformat(), run.as_at.isoformat()
    found: dict[str, dict[str, Any]] = {}
    for line in _lines(path):
        found[line["key"]] = line
    told = [line for line in found.values() if first < line["at"][:10] <= last and line["level"] != "record"]
    told.sort(key=lambda line: (line["at"], line["key"]), reverse=True)
    return [
        {
            "title": line["title"],
            "text": line["text"],
            "level": line["level"],
            "at": f"{long_date(date.fromisoformat(line['at'][:10]))} at {line['at'][11:16]}",
            "sent": bool(line.get("sent")),
        }
        for line in told[:SHOWN_ALERTS]
    ]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of a record of alerts; torn or foreign ones are left out."""
    if not path.is_file():
        return
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
            date.fromisoformat(line["at"][:10])
            if all(isinstance(line[name], str) for name in ("key", "level", "title", "text", "at")):
                yield line
        except (ValueError, LookupError, TypeError):
            continue


def changes(con: DuckDBPyConnection, manifest: dict[str, Any], previous: Path | None) -> dict[str, Any]:
    """What is different from the earlier pack: children on each list, errors new and fixed, and feeds' dates."""
    compared = compare.compare(con, previous and previous / compare.NAME)
    open_, new, fixed = compare.errors(con)
    earlier = _earlier(previous)
    rows = []
    for name, now in manifest["rows"].items():
        then = earlier.get("rows", {}).get(name)
        if isinstance(then, int):
            rows.append((f"Children on {name}", f"{then:,}", f"{now:,}", signed(now - then, "no change")))
    if compared.as_at:
        rows.append(
            ("Errors in exports and lists", f"{open_ - new + fixed:,}", f"{open_:,}", signed(new - fixed, "no change"))
        )
    return {
        "said": compared.said,
        "as_at": compared.as_at,
        "rows": rows,
        "new": new if compared.as_at else 0,
        "fixed": fixed if compared.as_at else 0,
    }


def _earlier(previous: Path | None) -> dict[str, Any]:
    """The earlier pack's manifest, or nothing when it cannot be read."""
    try:
        found = files.read_json(previous / "manifest.json") if previous else {}
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and isinstance(found.get("rows", {}), dict) else {}
