"""Where a call stands: what is on record, frozen, rejected, released. The watchdog reads it, so it loads little."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any

from inspection import clock, release_log
from inspection.notification import Request
from send_ready import files
from send_ready.settings import LONDON

RECEIPT = "receipt.json"  # of a released version
REJECT = "Reject"  # as the release log has it


def on_record(request: Request) -> dict[str, int]:
    """The version that each run of a call makes, by the run's id."""
    record = _read(request.record) or {"versions": []}
    return {made["run_id"]: made["version"] for made in record["versions"]}


def released_at(request: Request) -> datetime | None:
    """When the first version was released; a receipt that cannot be read is no proof that one was."""
    receipts = [receipt for path in request.released.glob(f"v*/{RECEIPT}") if (receipt := _read(path))]
    return min((datetime.fromisoformat(receipt["released_at"]) for receipt in receipts), default=None)


def told(request: Request) -> str:
    """A call in words: kind, day, deadline, and how far each version is. Times and counts only."""
    what = f"{clock.KINDS[request.kind]}, notified on {clock.shown(request.notified_on)}."
    released = released_at(request)
    if released:
        return f"{what} Released at {at(released)}{', late' if released > request.due else ''}."
    frozen = {int(path.name[1:]) for path in request.folder.glob("v*") if re.fullmatch(r"v[0-9]+", path.name)}
    rejected = {
        entry["version"]
        for entry in release_log.decisions(request.log)
        if entry["notification"] == request.key and entry["decision"]["option"] == REJECT
    }
    states = [
        f"Version {number} {_state(number in frozen, number in rejected)}."
        for number in sorted({*on_record(request).values(), *frozen})
    ]
    return " ".join([what, *states]) if states else f"{what} No version is on record: see annex_a_request in Airflow."


def at(moment: datetime) -> str:
    """A moment as people in London read it: 11:00 on Tuesday 17 November 2026."""
    local = moment.astimezone(LONDON)
    return f"{local:%H:%M} on {clock.shown(local.date())}"


def _state(is_frozen: bool, is_rejected: bool) -> str:
    if is_rejected:
        return "was rejected"
    return "is frozen, and nobody has decided on it" if is_frozen else "is not frozen: its run is under way, or failed"


def _read(path: Path) -> Any:
    """What a file of JSON holds; None when there is none, or nobody can read it."""
    try:
        return files.read_json(path)
    except (OSError, ValueError):
        return None
