"""The release log: one JSON line a decision, each holding the hash of the one before.

A line is canonical JSON: keys in order, no blanks, ASCII, closed by a line feed. `sequence` is its number from 1,
`previous_sha256` the `sha256` of the line before (64 zeros before the first), and `sha256` the hash of the line
without that key. So `check` finds any byte of the log that was changed. It cannot find a log that somebody wrote anew
from the start, or cut at its end; whoever keeps the hash of the last line elsewhere can.
"""

import hashlib
import json
import os
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from send_ready import confined, files

NAME = "release_log.jsonl"
APPROVE, REJECT = "Approve", "Reject"
REMOVE = "Remove"  # all of a notification, when its period is over: no decision about any version
RECEIPT = "receipt.json"  # of a released version
OF_WHAT = r"[0-9]{4}(-[0-9]{2}-[0-9]{2}_[a-z0-9_]+)?"  # a notification's day and kind, or a return's year
FIRST = "0" * 64  # in place of the hash before the first line
END = b"\n"


def append(path: Path, content: dict[str, Any]) -> dict[str, Any]:
    """The new entry of the log, as `entries` would give it, after its line was added and is on the disk.

    The whole line is added, or none of it: OSError leaves the log as it was. An unfinished last line, left by a process
    that was killed, goes to `<log>.torn`; the new line's `torn_line` holds its hash. `content` is plain JSON.
    """
    with files.locked(path.with_name(f".{path.name}.lock")):
        is_new = not os.path.lexists(path)
        data = _bytes(path)
        whole, torn = _split(data)
        about: dict[str, Any] = {}
        lead_in = b""
        if torn and _sound_entry(torn):  # killed before the line feed: nothing is missing but that
            whole, lead_in = [*whole, torn], END
        elif torn:
            _set_aside(path, torn)
            data = data[: -len(torn)]
            about = {"torn_line": {"bytes": len(torn), "sha256": hashlib.sha256(torn).hexdigest()}}
        links = {"sequence": len(whole) + 1, "previous_sha256": _head(whole)}
        line = _line({**content, **about, **links})
        if is_new:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            files.sync(path.parent)
        _write(path, len(data), lead_in + line + END)
    return dict(json.loads(line))


def entries(path: Path) -> list[dict[str, Any]]:
    """The entries of all lines that are as they were written, in order. `check` names the other lines."""
    return [entry for line in _lines(path) if (entry := _sound_entry(line))]


def is_decision(entry: dict[str, Any]) -> bool:
    """Whether an entry has all that paths, dates and messages are made from, each of the right type."""
    try:
        decision, sequence = entry["decision"], entry["version"]
        moments = [decision["at"], *([entry["released_at"], entry["due"]] if decision["option"] == APPROVE else [])]
        names = [*entry["files"], RECEIPT] if decision["option"] == APPROVE else []
        hashes = [] if decision["option"] == REMOVE else [entry["manifest_sha256"]]
        texts = [decision["by"], decision["comment"], *hashes, *entry["later_files"]]
        hashes_of_files = [each["sha256"] for each in entry["files"].values()] if names else []
        return (
            decision["option"] in (APPROVE, REJECT, REMOVE)
            and bool(re.fullmatch(OF_WHAT, entry["notification"]))
            and type(sequence) is int
            and all(map(confined.is_plain, names))
            and all(isinstance(each, str) for each in (*texts, *hashes_of_files))
            and all(datetime.fromisoformat(each) for each in moments)
            and isinstance(entry["is_rehearsal"], bool)
            and (decision["option"] != APPROVE or isinstance(entry["late_by_seconds"], int))
        )
    except (LookupError, TypeError, ValueError, AttributeError):
        return False


def decisions(path: Path) -> list[dict[str, Any]]:
    """The entries of a release log that are decisions."""
    return [entry for entry in entries(path) if is_decision(entry)]


def head(path: Path) -> str:
    """The hash of the last sound line, which proves later that nothing up to it was changed or removed."""
    return _head(_lines(path))


def check(path: Path) -> list[str]:
    """A sentence for each fault of the log; none when no byte has changed since it was written."""
    problems, before = [], FIRST
    for number, line in enumerate(_lines(path), 1):
        entry = _sound_entry(line)
        if not entry:
            problems.append(f"Line {number} of {path} is not as it was written.")
            continue
        if entry["sequence"] != number or entry["previous_sha256"] != before:
            problems.append(f"Line {number} of {path} does not follow from the one before it: a line changed or went.")
        before = entry["sha256"]
    if (data := _bytes(path)) and not data.endswith(END):
        problems.append(f"The last line of {path} has no end: a process was killed while writing. Release again.")
    return problems


def _bytes(path: Path) -> bytes:
    """The bytes of a log; empty when it does not exist. Raises OSError for a link or a pipe in its place."""
    try:
        with files.regular(path, follow=False) as file:
            return file.read()
    except FileNotFoundError:
        return b""


def _split(data: bytes) -> tuple[list[bytes], bytes]:
    """The whole lines, without line feeds, and the rest after the last line feed."""
    *whole, rest = data.split(END)
    return whole, rest


def _lines(path: Path) -> list[bytes]:
    whole, rest = _split(_bytes(path))
    return [*whole, rest] if rest else whole


def _line(content: dict[str, Any]) -> bytes:
    body = {key: value for key, value in content.items() if key != "sha256"}
    return _canonical({**body, "sha256": hashlib.sha256(_canonical(body)).hexdigest()})


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def _sound_entry(line: bytes) -> dict[str, Any] | None:
    """The entry of a line; None when one of its bytes has changed."""
    try:
        entry = json.loads(line)
        return entry if isinstance(entry, dict) and _line(entry) == line else None
    except (ValueError, RecursionError):
        return None


def _head(lines: list[bytes]) -> str:
    return next((str(entry["sha256"]) for line in reversed(lines) if (entry := _sound_entry(line))), FIRST)


def _set_aside(path: Path, torn: bytes) -> None:
    with files.appended(path.with_name(f"{path.name}.torn")) as aside:
        aside.write(torn + END)
        aside.flush()
        os.fsync(aside.fileno())


def _write(path: Path, at: int, data: bytes) -> None:
    """Write from an offset of the file; when not everything can be written, the file is cut there again."""
    log = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
    try:
        os.ftruncate(log, at)
        os.lseek(log, at, os.SEEK_SET)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(log, rest) :]
        os.fsync(log)
    except OSError:
        os.ftruncate(log, at)
        raise
    finally:
        os.close(log)
