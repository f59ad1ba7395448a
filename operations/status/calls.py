"""The calls of the inspectors, the SEN2 returns, and whether released files have changed."""

from datetime import date, datetime, timedelta
from typing import Any

from inspection import clock, release_log, state, verify
from inspection.notification import RECORD, Request
from inspection.sen2_return import Return, from_record
from operations.status.part import CALL, PROOF, Part
from send_ready import files, runs
from send_ready.home import INSPECTIONS, SEN2
from send_ready.runs import RunError
from send_ready.settings import Settings
from send_ready.words import weekday_date

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


def returns(settings: Settings, now: datetime) -> Part | None:
    """The SEN2 returns that were asked for and are not over: how far each is, and when it is due."""
    part = Part("SEN2", [])
    for folder in sorted((settings.home / SEN2).glob("[0-9]*")):
        try:
            found = from_record(settings.home, runs.read_record(folder / RECORD) or {})
        except (LookupError, TypeError, ValueError):
            continue
        if found.folder == folder:
            _add_return(part, found, now)
    return part if part.lines else None


def _add_return(part: Part, found: Return, now: datetime) -> None:
    released_at = state.released_at(found)
    facts = {"due": found.due.isoformat(), "is_released": bool(released_at), "releases": found.serial - 1}
    part.facts[found.key] = facts
    if now > found.due + CALL_IS_OPEN:
        return
    due = f"due on {weekday_date(found.due_day)}"
    part.lines += [state.state_in_words(found), f"{'LATE: it was ' if now > found.due else 'It is '}{due}"]
    if not released_at:
        part.todo.append((CALL, f"Release SEN2 {found.key}, {due}: sen2_return in Airflow."))


def releases(settings: Settings, _: datetime) -> Part | None:
    """Whether released files exist in their size and the log is sound; `make verify-release` reads every byte."""
    roots = [settings.home / root for root in (INSPECTIONS, SEN2)]
    logs = [root / release_log.NAME for root in roots if (root / release_log.NAME).exists()]
    if not logs:
        return None
    kept, problems = 0, list[str]()
    for log in logs:
        entries = release_log.decisions(log)
        problems += release_log.check(log)
        removed = {entry["notification"] for entry in entries if verify.is_removal(entry)}
        released = [entry for entry in entries if verify.is_release(entry) and entry["notification"] not in removed]
        kept += len(released)
        for entry in released:
            folder = log.parent / entry["notification"] / "released" / f"v{entry['version']}"
            problems += [
                f"{entry['notification']} v{entry['version']}: {name} is not what was released."
                for name, about in entry["files"].items()
                if not (folder / name).is_file() or (folder / name).stat().st_size != about["bytes"]
            ]
    part = Part(
        "Releases",
        [f"{kept} kept; log and sizes {'ARE NOT AS THEY WERE' if problems else 'are as they were'}"],
    )
    part.facts = {"kept": kept, "problems": problems}
    if problems:
        part.todo.append((PROOF, f"{problems[0]} See all: make verify-release"))
    return part
