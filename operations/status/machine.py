"""Disk, backups, overdue things, and Airflow."""

import os
import shutil
from datetime import datetime, timedelta
from pathlib import Path

from inspection import airflow_runs, release_log, state
from operations.retention import overdue, periods, purge
from operations.status.night import newest_pack
from operations.status.part import NIGHT, NIGHTLY, ROOM, UPKEEP, Part
from publish import pack
from send_ready import confined, runs
from send_ready.home import BACKUPS, OUT, RESTORING, RUNS, SERVING, kinds, readers
from send_ready.settings import LONDON, SAMPLE_LA_CODE, Settings

BACKUP_WITHIN = timedelta(days=7)
NIGHTS_OF_ROOM, YEAR = 14, 365
LARGEST = 4  # folders that are named
AT_LEAST = 150_000_000  # bytes that the first run of a middling council needs: the sample's, with a little over
HEARD_WITHIN = timedelta(minutes=2)


def disk(settings: Settings, _: datetime) -> Part:
    """The free disk space, the size of SEND_HOME, and for how many nights there is room."""
    usage = shutil.disk_usage(settings.home)
    there = {path.name: path for path in settings.home.iterdir() if path.is_dir() and not path.is_symlink()}
    ours = {name: _size(there.pop(name)) for name in readers() if name in there}
    sizes = ours | ({"other folders": sum(map(_size, there.values()))} if there else {})
    largest = sorted(sizes.items(), key=lambda each: -each[1])
    needed, stays = _of_a_night(settings)
    nights = (usage.free - needed) // stays if stays else None
    part = Part(
        "Disk", [f"{_shown(usage.free)} free of {_shown(usage.total)}; SEND_HOME has {_shown(sum(sizes.values()))}"]
    )
    part.lines.append(", ".join(f"{name} {_shown(size)}" for name, size in largest[:LARGEST]))
    part.facts = {
        "free": usage.free,
        "sizes": sizes,
        "needed_for_a_run": needed,
        "stays_of_a_run": stays,
        "nights": nights,
    }
    if nights is not None:
        part.lines.append(f"a run needs {_shown(needed)} and leaves {_shown(stays)}: enough for {_nights(nights)}")
    if not needed and usage.free < AT_LEAST:
        part.todo.append(
            (ROOM, f"Make room: {_shown(usage.free)} are free, and a run needs {_shown(AT_LEAST)} at the least.")
        )
    elif usage.free < needed:
        part.todo.append(
            (ROOM, f"Make room: the next run needs {_shown(needed)}, and {_shown(usage.free)} are free. make purge")
        )
    elif nights is not None and nights < NIGHTS_OF_ROOM:
        part.todo.append((UPKEEP, f"The disk is full in about {nights} nights. make purge, or a larger one."))
    return part


def _nights(number: int) -> str:
    return "more than a year" if number > YEAR else f"{max(0, number)} nights"


def _of_a_night(settings: Settings) -> tuple[int, int]:
    """The bytes that a run needs while it works and those that stay, as in the last run that made a pack."""
    newest = pack.newest(settings.home / OUT)
    served = (settings.home / SERVING).resolve()
    made = [path.parent for path in (settings.home / RUNS).glob("[!.]*/warehouse.duckdb")]
    if not newest or not made:
        return 0, 0
    run = settings.home / RUNS / str((runs.read_record(newest / pack.MANIFEST) or {}).get("run_id"))
    if run not in made:
        run = max(made, key=lambda path: path.stat().st_mtime)
    landed = 0
    for path in run.glob("feeds/*.json"):
        result = runs.read_record(path) or {}
        held = (result.get(name) for name in ("landing_path", "typed_path"))
        landed += sum(_size(settings.home / str(each)) for each in held if confined.is_plain(each))
    stays = landed + _size(newest)
    return _size(run) + _size(newest) + landed + (_size(served) if served.exists() else 0), stays


def _size(path: Path) -> int:
    """The bytes of a file, or of everything below a folder."""
    if path.is_file():
        return path.stat().st_size
    try:
        with os.scandir(path) as entries:
            return sum(
                _size(Path(entry.path))
                if entry.is_dir(follow_symlinks=False)
                else entry.stat(follow_symlinks=False).st_size
                for entry in entries
            )
    except FileNotFoundError:  # removed by whoever is at work
        return 0


def _shown(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.0f} MB"


def backups(settings: Settings, now: datetime) -> Part:
    """The last backup and its age."""
    made = release_log.entries(settings.home / BACKUPS)
    part = Part("Backup", ["None was ever made by make backup."], {"last_at": None})
    how = "make backup TO=/a/folder/on/another/disk"
    if made:
        at = datetime.fromisoformat(made[-1]["at"])
        part.lines = [f"{made[-1]['file']}, {_shown(made[-1]['bytes'])}, {(now - at).days} days ago"]
        part.facts = {"last_at": made[-1]["at"], "file": made[-1]["file"]}
    if any((settings.home / RESTORING).glob("*")):  # empty when it came to its end
        part.lines.append("A RESTORE WAS CUT OFF")
        part.todo.append((NIGHT, "A restore was cut off: run the same make restore again."))
    elif settings.la_code != SAMPLE_LA_CODE and (not made or now - at > BACKUP_WITHIN):
        part.todo.append((UPKEEP, f"Back up: {how}"))
    return part


def retained(settings: Settings, now: datetime) -> Part:
    """The things that are older than their period."""
    today = now.astimezone(LONDON).date()
    counts = overdue.counts(settings, periods.load(settings), today)
    said = (
        ", ".join(f"{count:,} {kinds()[kind][1].title}" for kind, count in counts.items())
        or "Nothing is older than its period."
    )
    part = Part("Retention", [said], counts)
    if counts:
        part.todo.append((UPKEEP, "See what is older than its period, and decide: make purge"))
    if purge.unfinished(settings.home):
        part.lines.append("A REMOVAL WAS CUT OFF")
        part.todo.append((UPKEEP, "A removal was cut off. The next one finishes it first: see make purge"))
    return part


def airflow(settings: Settings, now: datetime) -> Part | None:
    """Whether Airflow starts the nights, if this SEND_HOME has an Airflow."""
    url = airflow_runs.database_url(settings)
    if not url:
        return None
    try:
        found = airflow_runs.health(url, NIGHTLY)
    except airflow_runs.Unreachable as error:
        part = Part("Airflow", [f"its database gives NO ANSWER ({error})"], {"is_reachable": False})
        part.todo.append((NIGHT, "Start Airflow's database."))
        return part
    is_up = bool(found.heard_at and now - found.heard_at < HEARD_WITHIN)
    heard = f", last heard of at {state.moment_in_words(found.heard_at)}" if found.heard_at else ""
    part = Part("Airflow", ["the scheduler is up" if is_up else f"the scheduler is NOT RUNNING{heard}"])
    part.facts = {"is_reachable": True, "is_up": is_up, "is_paused": found.is_paused}
    if found.is_paused is not False:
        part.lines.append(f"{NIGHTLY} is PAUSED: no night comes by itself")
    if not newest_pack(settings, now).facts.get("is_expected"):
        if not is_up:
            part.todo.append((NIGHT, "Start Airflow: its scheduler is not running."))
        if found.is_paused is not False:
            part.todo.append((NIGHT, f"Switch {NIGHTLY} on in Airflow."))
    return part
