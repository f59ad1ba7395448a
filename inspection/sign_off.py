"""Carries out the decision about a version."""

from datetime import date, datetime, timedelta
from typing import Any

from extract.inbox import survey
from inspection import encryption, release
from inspection.call import Version
from inspection.release import Decision
from inspection.verify import APPROVE, REJECT, frozen_at
from send_ready.runs import RunError
from send_ready.settings import SAMPLE_LA_CODE, Settings

NOBODY = "nobody: simulated for a rehearsal"


def sign_off(settings: Settings, version: Version, decision: Decision | None, now: datetime) -> dict[str, Any] | None:
    """The receipt or line of a version that was released or rejected; None for a rehearsal on real exports.

    Without a decision only a rehearsal goes on, with a simulated approval. A rehearsal on real exports releases
    nothing: copies of real lists are for real inspections. Raises ReleaseError, or RunError when nobody decided.
    """
    request = version.request
    if decision is None and not request.is_rehearsal:
        raise RunError(f"Nobody has approved version {version.number} of {request.key}, so nothing is released.")
    manifest = frozen_at(version.folder).manifest
    if request.is_rehearsal and manifest["la_code"] != SAMPLE_LA_CODE:
        return None
    used = {file["sha256"] for feed in manifest["inputs"] for file in feed["files"]}
    used |= {file.get("sha256") for each in manifest.get("sources", ()) for file in each["files"]}
    as_at = date.fromisoformat(manifest["as_at"])
    later = survey.late_files(settings, datetime.fromisoformat(version.triggered_at), used, as_at)
    password = settings.release_password_file
    return release.release(
        version.folder,
        request.released,
        request.log,
        decision or Decision(APPROVE, NOBODY, now),
        request.due,
        encryption.read_password(password) if password else None,
        later,
        now,
    )


def outcome_lines(version: Version, done: dict[str, Any] | None) -> list[str]:
    """Lines that say what was done, for the reader of the task's log."""
    what = f"Version {version.number} of {version.request.key}"
    if done is None:
        return [f"{what} was approved in a rehearsal. It holds real exports, so nothing was copied or released."]
    if done["decision"]["option"] == REJECT:
        return [
            f"{what} was rejected by {done['decision']['by']}. The reason is on record: make verify-release",
            "Nothing was released. Put right what is wrong, and trigger again: that makes the next version.",
        ]
    lines = [f"{what} is released: {version.request.released / version.folder.name}"]
    if done["is_late"]:
        lines.append(
            f"That was {timedelta(seconds=done['late_by_seconds'])} after {version.request.WERE_DUE}. It is on record."
        )
    if done["later_files"]:
        lines.append(f"Not in it, because they came after it was built: {', '.join(done['later_files'])}")
        lines.append("To send them too, trigger again: that makes the next version.")
    return lines
