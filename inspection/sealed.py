"""The contents of a folder for the record, and the differences between the record and the folder as it is now.

The record has the type and mode of each thing below the folder, hidden ones included, and the size and SHA-256 of each
file. No link is followed, and only regular files are opened: a pipe or a device in the place of a file is reported, and
never waited for.
"""

import hashlib
import json
import os
import stat
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from send_ready import files, ownership

FILE, FOLDER = "file", "folder"
KINDS = ((stat.S_ISLNK, "a link"), (stat.S_ISDIR, "a folder"), (stat.S_ISREG, "a file"), (stat.S_ISFIFO, "a pipe"),
         (stat.S_ISSOCK, "a socket"), (stat.S_ISBLK, "a device"), (stat.S_ISCHR, "a device"))  # fmt: skip
REQUEST, ALERTS, TIMETABLES = "request.json", "alerts.jsonl", ("timetable.ics", "timetable.xlsx")
FIXED = ("notified_on", "kind", "is_rehearsal", "first_triggered_at")  # of a request: a later version keeps them
YEAR = "survey_year"  # the same of a return, which has no day
Entry = Mapping[str, Any]


def listing(folder: Path) -> dict[str, dict[str, Any]]:
    """The record of everything below a folder, by path. Raises OSError for what is neither a file nor a folder."""
    found: dict[str, dict[str, Any]] = {}
    for name, about in _below(folder):
        mode = f"{stat.S_IMODE(about.st_mode):04o}"
        if stat.S_ISDIR(about.st_mode):
            found[name] = {"type": FOLDER, "mode": mode}
        else:
            sha256 = files.sha256(folder / name, follow=False)
            found[name] = {"type": FILE, "mode": mode, "bytes": about.st_size, "sha256": sha256}
    return found


def differences(folder: Path, recorded: Mapping[str, Entry], beside: Collection[str] = ()) -> Iterator[str]:
    """A sentence for each thing that is not as recorded; an earlier version of SEND Ready recorded less.

    `beside` are files that belong there and whose content is proved elsewhere.
    """
    try:
        about = folder.lstat()
    except FileNotFoundError:
        yield from (f"{folder / name} cannot be read: No such file or directory." for name in sorted(recorded))
        return
    if not stat.S_ISDIR(about.st_mode):
        yield f"{folder} is {_kind(about.st_mode)}, and was a folder."
        return
    yield from open_to_others(folder)
    missing = dict.fromkeys([*recorded, *beside])
    folders = {str(parent) for name in recorded for parent in PurePosixPath(name).parents}
    try:
        for name, now in _below(folder):
            missing.pop(name, None)
            if name in recorded:
                yield from _changed(folder / name, recorded[name], now)
            elif name in beside:
                yield from _changed(folder / name, {}, now)
            elif name not in folders:
                yield f"{folder / name} was added."
    except OSError as error:
        yield f"{error.filename or folder} cannot be read: {error.strerror}."
    yield from (f"{folder / name} cannot be read: No such file or directory." for name in missing)


def facts_of_call(folder: Path, version: int) -> dict[str, Any]:
    """The record of a call's own files: its request up to a version, its timetable, and its alerts so far."""
    request, alerts = _json(folder / REQUEST), files.held(folder / ALERTS)
    return {
        "versions": len(_versions(request)),
        "request_sha256": _request_hash(request, version),
        "files": {name: _sha256(folder / name) for name in (REQUEST, *TIMETABLES)},
        "alerts": {"bytes": len(alerts), "sha256": hashlib.sha256(alerts).hexdigest()},
    }


def differences_of_call(folder: Path, version: int, recorded: Entry) -> Iterator[str]:
    """A sentence for each of a call's own files that has changed since a version was frozen or decided on.

    A later version adds itself to the request and writes the timetable again: then the timetable is compared with the
    hashes that the request holds.
    """
    now = facts_of_call(folder, version)
    if now["request_sha256"] != recorded["request_sha256"]:
        yield f"{folder / REQUEST} has changed in what it says of the call, or of versions up to {version}."
    if now["versions"] == recorded["versions"]:
        expected = recorded["files"]
    else:
        kept = _json(folder / REQUEST).get("files")
        expected = kept if isinstance(kept, dict) else {}
    for name, sha256 in sorted(expected.items()):
        if name in now["files"] and now["files"][name] != sha256:
            yield f"{folder / name} has changed."
    length = int(recorded["alerts"]["bytes"])
    if hashlib.sha256(files.held(folder / ALERTS)[:length]).hexdigest() != recorded["alerts"]["sha256"]:
        yield f"{folder / ALERTS} has changed: a line of it was changed, or went."
    for name in (REQUEST, ALERTS, *TIMETABLES):
        if os.path.lexists(folder / name):
            yield from open_to_others(folder / name)


def _request_hash(request: dict[str, Any], version: int) -> str:
    versions = [each for each in _versions(request) if isinstance(each, dict) and _number(each) <= version]
    year = {YEAR: request[YEAR]} if YEAR in request else {}
    fixed = {**{name: request.get(name) for name in FIXED}, **year, "versions": versions}
    return hashlib.sha256(json.dumps(fixed, sort_keys=True).encode()).hexdigest()


def _number(made: Entry) -> int:
    number = made.get("version")
    return number if isinstance(number, int) else 0


def _versions(request: dict[str, Any]) -> list[Any]:
    versions = request.get("versions")
    return versions if isinstance(versions, list) else []


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(files.held(path))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _sha256(path: Path) -> str | None:
    try:
        return files.sha256(path, follow=False)
    except OSError:
        return None


def _below(folder: Path, name: str = "") -> Iterator[tuple[str, os.stat_result]]:
    """The path and status of everything below a folder, in order; links are not followed."""
    with os.scandir(folder / name) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        about, inner = entry.stat(follow_symlinks=False), f"{name}/{entry.name}" if name else entry.name
        yield inner, about
        if stat.S_ISDIR(about.st_mode):
            yield from _below(folder, inner)


def _changed(path: Path, before: Entry, now: os.stat_result) -> Iterator[str]:
    is_folder = before.get("type") == FOLDER
    if not (stat.S_ISDIR if is_folder else stat.S_ISREG)(now.st_mode):
        yield f"{path} is {_kind(now.st_mode)}, and was a {before.get('type', FILE)}."
        return
    if not is_folder:
        if now.st_nlink > 1:
            yield f"{path} has another name by which it can be changed: it is a hard link."
        try:
            if "sha256" in before and files.sha256(path, follow=False) != before["sha256"]:
                yield f"{path} has changed."
        except OSError as error:
            yield f"{path} cannot be read: {error.strerror}."
    yield from open_to_others(path)
    mode = stat.S_IMODE(now.st_mode)
    if "mode" in before and mode & ~int(before["mode"], 8) & ~(stat.S_IRWXG | stat.S_IRWXO):
        yield f"{path} has mode {mode:04o}, and was put on record with {before['mode']}."


def open_to_others(path: Path) -> Iterator[str]:
    """A sentence when others than the owner can change a path, or read it without being named in its access list."""
    everybody, named = ownership.others(path)
    if everybody or named & ownership.WRITE:
        yield f"{path} can be read or changed by others: chmod go-rwx"


def _kind(mode: int) -> str:
    return next((words for is_it, words in KINDS if is_it(mode)), "something else")
