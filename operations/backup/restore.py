"""Restores a backup into an empty SEND_HOME: all of it, or nothing."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from operations.backup import archive, records
from operations.backup.archive import CHUNK, LIST, Readable
from operations.backup.backup import ABOUT, folders
from operations.turns import one_at_a_time
from publish import pack
from send_ready import confined, files
from send_ready.folders import point
from send_ready.home import CONFIG, INSPECTIONS, LATEST, OUT, RESTORING, SEN2, Lock, folders_that_may_precede_restore
from send_ready.runs import RunError
from send_ready.settings import Settings

RESTORED = f"{RESTORING}.done"
WHOLE = "whole.json"  # in there, once everything was unpacked and checked
CLOSED_FOLDER = 0o500  # of a frozen version, and of a release
FREEZES = re.compile(rf"((?:{INSPECTIONS}|{SEN2})/[^/]+/(?:released/)?v[0-9]+)/[^/]+")


def restore(settings: Settings, file: Path) -> list[str]:
    """Lines that say what was restored into an empty SEND_HOME, and what to do next.

    The archive is checked to its end before anything is written, and what was written is read again before it takes
    its place, its records by what they name. One that was killed is finished, or begun anew, by the same command.
    Raises RunError when SEND_HOME is not empty or has no room, and when the archive is damaged, of another council, or
    no backup.
    """
    staging = settings.home / RESTORING
    with _undisturbed(settings.home):
        confined.remove(settings.home, RESTORED)  # of one that was killed at its very end
        if not (staging / WHOLE).exists():
            _check_empty(settings.home)
            listed = _checked(file, settings)
            confined.remove(settings.home, RESTORING)
            _unpack(file, staging / "new", listed)
            try:
                damaged = records.check(staging / "new", listed["files"])
            except RunError:
                confined.remove(settings.home, RESTORING)
                raise
            files.write_json(staging / WHOLE, {**{name: listed[name] for name in ABOUT}, "damaged": damaged})
        about = files.read_json(staging / WHOLE)
        _settle(settings.home, staging)
        told = [*_there(settings.home), *about.get("damaged", []), *_next_steps(settings, about)]
        os.replace(staging, settings.home / RESTORED)  # in one step: whoever is killed before it runs this again
        confined.remove(settings.home, RESTORED)
    return told


@contextmanager
def _undisturbed(home: Path) -> Iterator[None]:
    waiting = "A run is at work here: waiting for it to end."
    with one_at_a_time(home), files.locked(home / Lock.NIGHT, lambda: print(waiting, flush=True)):
        yield


def _check_empty(home: Path) -> None:
    found = [path for path in sorted(home.iterdir()) if path.name not in folders_that_may_precede_restore()]
    if there := [path.name for path in found if not path.is_dir() or any(path.iterdir())]:
        raise RunError(
            f"{home} is not empty: {', '.join(there)}. A backup is restored into an empty SEND_HOME only. Move these "
            "away, or set SEND_HOME to another folder. Nothing was changed."
        )


def _checked(file: Path, settings: Settings) -> dict[str, Any]:
    """The list of an archive that can be restored here."""
    if not file.is_file():
        raise RunError(f"There is no file {file}. Name a backup, such as send-ready_888_20261116T031500Z.tar.gz.")
    listed = archive.checked_list(file, folders(), shutil.disk_usage(settings.home).free)
    if not all(isinstance(listed.get(name), str) and confined.is_plain(listed[name]) for name in ABOUT):
        raise RunError(f"{file} is no backup that can be restored: it does not say of what. Nothing was changed.")
    if listed["la_code"] != settings.la_code:
        raise RunError(
            f"{file} is of LA {listed['la_code']}, and this is LA {settings.la_code}: see SEND_LA_CODE. Nothing was "
            "changed."
        )
    needed, free = sum(each["bytes"] for each in listed["files"].values()), shutil.disk_usage(settings.home).free
    if needed > free:
        raise RunError(
            f"{settings.home} has {free:,} bytes free, and the backup needs {needed:,}. Nothing was changed."
        )
    return listed


def _unpack(file: Path, folder: Path, listed: dict[str, Any]) -> None:
    """Write every file, and read each from the disk again."""
    folder.mkdir(parents=True)
    try:
        with archive.opened(file, folders()) as members:
            for name, content in members:
                if name != LIST:
                    _put(folder / name, content)
        for name, each in listed["files"].items():
            path = folder / name
            if files.sha256(path) != each["sha256"]:
                raise RunError(f"{path} is not as the backup has it. Have the disk seen to. Nothing was restored.")
            if is_released := FREEZES.fullmatch(name):
                path.chmod(files.READ_ONLY)
                (folder / is_released[1]).chmod(CLOSED_FOLDER)
            elif not int(each["mode"]) & 0o200:
                path.chmod(files.READ_ONLY)
            files.sync(path)
    except OSError as error:
        raise RunError(
            f"{error.filename or folder}: {error.strerror or error}. Nothing was restored. Put that right, and run the "
            "same command again."
        ) from error


def _put(path: Path, content: Readable) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
        while chunk := content.read(CHUNK):
            target.write(chunk)


def _settle(home: Path, staging: Path) -> None:
    """Move the unpacked folders into their places. After a kill, the next try moves the rest."""
    for part in sorted((staging / "new").glob("*")):
        os.replace(part, home / part.name)
    files.sync(home)
    if newest := pack.newest(home / OUT):
        point(home / LATEST, newest)


def _there(home: Path) -> Iterator[str]:
    for name in folders():
        found = files.visible(home / name)
        yield f"{home / name}: {len(found):,} files, {sum(path.stat().st_size for path in found):,} bytes"


def _next_steps(settings: Settings, about: dict[str, Any]) -> Iterator[str]:
    config, steps = settings.home / CONFIG, []
    if config.is_dir() and config != settings.config:
        steps.append(f"Set SEND_CONFIG={config}, or move that folder to where your configuration belongs.")
    if about["code_style"] != settings.code_style:
        steps.append(f"Set SEND_CODE_STYLE={about['code_style']} as it was: now it is {settings.code_style}.")
    steps += [
        "make run: builds the warehouse and today's pack again.",
        "make verify-release: proves that the releases are as they were.",
        "make purge: what was removed after this backup was made is here again.",
    ]
    yield f"Restored as it was at {about['made_at']} (version {about['code_version']}). What to do now:"
    yield from (f"  {number}. {step}" for number, step in enumerate(steps, 1))
