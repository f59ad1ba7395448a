"""The calls of the inspectors, and whether released files have changed."""

from datetime import date, datetime, timedelta
from typing import Any

from inspection import clock, release_log, state, verify
from inspection.notification import Request
from operations.status.part import CALL, PROOF, Part
from send_ready import files
from send_ready.home import INSPECTIONS
from send_ready.runs import RunError
from send_ready.settings import Settings

CALL_IS_OPEN = timedelta(days=14)  # after the lists were due; then it is history, or was no call


def inspections(settings: Settings, now: datetime) -> Part | None:
    """The open calls: their next deadlines, and what has to be released."""
    part = Part("Inspections", [])
    for folder in sorted((settings.home / INSPECTIONS).glob("[0-9]*_*")):
        try:
            call = Request(settings.home, date.fromisoformat(folder.name[:10]), folder.name[11:])
        except (ValueError, RunError):
            continue
        _add_call(part, call, now)
    return part if part.lines else None


def _add_call(part: Part, call: Request, now: datetime) -> None:
    released_at = state.released_at(call)
    deadline = _next_deadline(call, now)
    part.facts[call.key] = {"due": call.due.isoformat(), "is_released": bool(released_at), "next": deadline}
    if released_at and deadline:
        part.lines += [
            state.state_in_words(call),
            f"Next: {deadline['title']}, {state.moment_in_words(datetime.fromisoformat(deadline['due']))}",
        ]
    if released_at or now > call.due + CALL_IS_OPEN:
        return
    late = "LATE: they were" if now > call.due else "The lists are"
    part.lines += [state.state_in_words(call), f"{late} due at {state.moment_in_words(call.due)}"]
    part.todo.append(
        (
            CALL,
            f"Release the lists of {call.key}, due at {state.moment_in_words(call.due)}: annex_a_request in Airflow.",
        )
    )


def _next_deadline(call: Request, now: datetime) -> dict[str, Any] | None:
    try:
        deadlines = files.read_json(call.record)["deadlines"]
    except (OSError, ValueError, LookupError):
        return None
    coming = [each for each in deadlines if datetime.fromisoformat(each["due"]) > now and each["key"] != clock.LISTS]
    return min(coming, key=lambda each: datetime.fromisoformat(each["due"]), default=None)


def releases(settings: Settings, _: datetime) -> Part | None:
    """Whether released files exist in their size and the log is sound; `make verify-release` reads every byte."""
    root = settings.home / INSPECTIONS
    entries = release_log.decisions(root / release_log.NAME)
    if not entries and not (root / release_log.NAME).exists():
        return None
    problems = release_log.check(root / release_log.NAME)
    removed = {entry["notification"] for entry in entries if verify.is_removal(entry)}
    released = [entry for entry in entries if verify.is_release(entry) and entry["notification"] not in removed]
    for entry in released:
        folder = root / entry["notification"] / "released" / f"v{entry['version']}"
        problems += [
            f"{entry['notification']} v{entry['version']}: {name} is not what was released."
            for name, about in entry["files"].items()
            if not (folder / name).is_file() or (folder / name).stat().st_size != about["bytes"]
        ]
    part = Part(
        "Releases",
        [f"{len(released)} kept; log and sizes {'ARE NOT AS THEY WERE' if problems else 'are as they were'}"],
    )
    part.facts = {"kept": len(released), "problems": problems}
    if problems:
        part.todo.append((PROOF, f"{problems[0]} See all: make verify-release"))
    return part
