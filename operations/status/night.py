"""The last run, the newest pack, and the exports in it."""

import fcntl
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from typing import Any

from inspection.state import moment_in_words
from operations.status.part import EXPORTS, NIGHT, NIGHTLY, Part
from publish import pack
from send_ready import files, runs
from send_ready.home import OUT, Lock
from send_ready.settings import LONDON, Settings
from send_ready.words import weekday_date

PACK_BY = time_of_day(7)  # the night begins at 02:00
QUIET = timedelta(minutes=15)  # a run that notes nothing for so long has ended, whatever it says: retries wait ten
ENDS = {"serve": "night", "freeze": "call of the inspectors", "board": "edition for the board"}


def last_run(settings: Settings, now: datetime) -> Part:
    """The newest run of any kind: done, under way, failed or interrupted."""
    begun = runs.begun(settings.home)
    part = Part("Last run", [], {"state": "none"})
    if not begun:
        part.lines = ["None yet."]
        part.todo.append((NIGHT, "Make the first run: make run"))
        return part
    folder = begun[-1]
    about = runs.read_record(folder / runs.RECORD) or {}
    if not {"run_id", "as_at"} <= about.keys():
        part.lines, part.facts = [f"{folder.name}: its record CANNOT BE READ"], {"state": "damaged"}
        part.todo.append((NIGHT, f"{folder / runs.RECORD} is damaged. Make another run: make run"))
        return part
    steps = _steps(folder / "progress.jsonl")
    failed = sorted({_named(step) for step in _last_tries(steps) if step["outcome"] == "failed"})
    ended = next((kind for step, kind in ENDS.items() if _is_done(steps, step)), None)
    noted = folder / ("progress.jsonl" if steps else runs.RECORD)
    touched = datetime.fromtimestamp(noted.stat().st_mtime, LONDON)
    state = "done" if ended else _unended(settings.home, folder, failed, now - touched)
    last = f"last heard of at {moment_in_words(touched)}"
    part.lines = [
        f"{about['run_id']}, as at {weekday_date(date.fromisoformat(about['as_at']))}",
        f"{_state_in_words(state, ended)}, {last}",
    ]
    part.facts = {"state": state, "run_id": about["run_id"], "as_at": about["as_at"], "failed": failed}
    part.facts |= {
        "last_step": _named(steps[-1]) if steps else None,
        "touched_at": touched.isoformat(timespec="seconds"),
    }
    if state == "failed":
        part.lines.append(f"FAILED: {', '.join(failed)}")
        why = f"See why: runs/{folder.name}/airflow.log in SEND_HOME, or the task's log in Airflow."
        part.todo.append((NIGHT, f"The last run failed at {', '.join(failed)}. {why} Mend it, and run again."))
    if state == "stopped":
        step = part.facts["last_step"] or "it began"
        part.todo.append((NIGHT, f"The last run stopped after {step}. Run it again: AS_AT={about['as_at']} make run"))
    return part


def _unended(home: Path, folder: Path, failed: list[str], quiet: timedelta) -> str:
    """The state of a run that has not ended: by its lock if it was started at a prompt, else by its progress."""
    is_at_prompt = (folder / runs.AIRFLOW_LOG).exists()
    if _is_locked(home / Lock.NIGHT) or (abs(quiet) < QUIET and not is_at_prompt):
        return "under way"
    return "failed" if failed else "stopped"


def _state_in_words(state: str, kind: str | None) -> str:
    words = {"done": f"Done ({kind})", "under way": "UNDER WAY", "failed": "Did not come to its end"}
    return words.get(state, "STOPPED without a word, as a killed process does")


def _steps(progress: Path) -> list[dict[str, Any]]:
    """The whole lines of a run's progress, without those that `make run` adds about its time."""
    lines = progress.read_bytes().splitlines() if progress.exists() else ()
    return [step for line in lines if (step := runs.noted(line)) and step["step"] != "night"]


def _last_tries(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({(step["step"], step["feed"]): step for step in steps}.values())


def _is_done(steps: list[dict[str, Any]], name: str) -> bool:
    return any(step["step"] == name and step["outcome"] == "done" for step in _last_tries(steps))


def _named(step: dict[str, Any]) -> str:
    return " ".join(filter(None, (step["step"], step["feed"])))


def _is_locked(path: Path) -> bool:
    """Whether another process holds a lock, tried with a shared lock for an instant."""
    try:
        with files.regular(path, follow=False) as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except OSError:
        return False


def newest_pack(settings: Settings, now: datetime) -> Part:
    """The newest pack, with a warning when it is not today's."""
    newest = pack.newest(settings.home / OUT)
    if not newest:
        return Part("Pack", ["None yet."], {"as_at": None}, [(NIGHT, "There is no pack: make run")])
    local, day = now.astimezone(LONDON), date.fromisoformat(newest.name)
    days = (local.date() - day).days
    is_expected = days <= 0 or (days == 1 and local.time() < PACK_BY)
    part = Part("Pack", [], {"as_at": newest.name, "days_old": days, "is_expected": is_expected})
    try:
        rows = files.read_json(newest / pack.MANIFEST)["rows"]
        part.lines = [f"{weekday_date(day)}: {', '.join(f'{name} {count:,} rows' for name, count in rows.items())}"]
    except (OSError, ValueError, LookupError):
        part.lines = [f"{weekday_date(day)}: its manifest CANNOT BE READ"]
        part.todo.append(
            (NIGHT, f"{newest / pack.MANIFEST} cannot be read. Build that day again: AS_AT={day} make run")
        )
    if not is_expected:
        old = "1 day" if days == 1 else f"{days} days"
        part.lines.append(f"STALE: the pack is of {weekday_date(day)}, {old} old")
        part.todo.append(
            (NIGHT, f"There is no pack of {weekday_date(local.date())}: make run, or see {NIGHTLY} in Airflow.")
        )
    return part


def feeds(settings: Settings, now: datetime) -> Part | None:
    """The feeds of the newest pack; those that are not fresh with their owners."""
    newest = pack.newest(settings.home / OUT)
    try:
        inputs = files.read_json(newest / pack.MANIFEST)["inputs"] if newest else []
    except (OSError, ValueError, LookupError):
        return None
    if not newest or not inputs:
        return None
    counts = {state: sum(each["status"] == state for each in inputs) for state in runs.STATUSES if state != runs.UNUSED}
    held = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    is_old = newest.name < f"{now.astimezone(LONDON):%Y-%m-%d}"
    part = Part("Feeds", [f"{held}, as they were for that pack" if is_old else held])
    part.facts = {each["feed"]: {"status": each["status"], "data_date": each["data_date"]} for each in inputs}
    by_owner: dict[str, list[str]] = {}
    for each in inputs:
        if each["status"] not in ("fresh", runs.ABSENT):
            in_use = f"in use: {each['data_date']}" if each["data_date"] else "nothing in use"
            part.lines.append(f"{each['feed']}: {each['status'].upper()}, {in_use}, {each['owner']}")
            by_owner.setdefault(each["owner"], []).append(f"{each['title']} ({each['status']})")
    for owner, titles in by_owner.items():
        refused = " issues.xlsx says why a file was refused." if any("(refused)" in title for title in titles) else ""
        part.todo.append((EXPORTS, f"{owner}: a new export of {', '.join(titles)}.{refused}"))
    return part
