"""The state of a call: its versions on record, frozen, rejected and released. It imports little, for the watchdog."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any

from inspection import release_log
from inspection.notification import Releasable
from send_ready import files
from send_ready.settings import LONDON
from send_ready.words import weekday_date

RECEIPT = "receipt.json"  # of a released version
REJECT = "Reject"  # as the release log has it


def version_by_run(request: Releasable) -> dict[str, int]:
    """The number of the version that each run of a call makes, by the run's ID."""
    record = _json_or_none(request.record) or {"versions": []}
    return {made["run_id"]: made["version"] for made in record["versions"]}


def released_at(request: Releasable) -> datetime | None:
    """When the first version was released; None when none was. A receipt that cannot be read does not count."""
    receipts = [receipt for path in request.released.glob(f"v*/{RECEIPT}") if (receipt := _json_or_none(path))]
    return min((datetime.fromisoformat(receipt["released_at"]) for receipt in receipts), default=None)


def state_in_words(request: Releasable) -> str:
    """The state of a call or return in words: what it is, and how far each version is; no names."""
    what = request.sentence
    released = released_at(request)
    if released:
        return f"{what} Released at {moment_in_words(released)}{', late' if released > request.due else ''}."
    frozen = {int(path.name[1:]) for path in request.folder.glob("v*") if re.fullmatch(r"v[0-9]+", path.name)}
    rejected = {
        entry["version"]
        for entry in release_log.decisions(request.log)
        if entry["notification"] == request.key and entry["decision"]["option"] == REJECT
    }
    states = [
        f"Version {number} {_state(number in frozen, number in rejected)}."
        for number in sorted({*version_by_run(request).values(), *frozen})
    ]
    return " ".join([what, *states]) if states else f"{what} No version is on record: see {request.DAG} in Airflow."


def moment_in_words(moment: datetime) -> str:
    """A moment in London, in words, such as 11:00 on Tuesday 17 November 2026."""
    local = moment.astimezone(LONDON)
    return f"{local:%H:%M} on {weekday_date(local.date())}"


def _state(is_frozen: bool, is_rejected: bool) -> str:
    if is_rejected:
        return "was rejected"
    return "is frozen, and nobody has decided on it" if is_frozen else "is not frozen: its run is under way, or failed"


def _json_or_none(path: Path) -> Any:
    """The contents of a JSON file; None when it does not exist or cannot be read."""
    try:
        return files.read_json(path)
    except (OSError, ValueError):
        return None
