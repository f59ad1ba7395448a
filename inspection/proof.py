"""What was decided about frozen versions, and whether everything still is as it was."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from inspection import release_log
from publish.pack import MANIFEST
from send_ready import files, runs
from send_ready.runs import RunError
from send_ready.settings import LONDON

APPROVE, REJECT = "Approve", "Reject"
REMOVE = "Remove"  # all of a notification, when its period is over: no decision about any version
RECEIPT = "receipt.json"


class ReleaseError(RunError):
    """A version cannot be released or rejected. Nothing was changed; the text says what to do."""


@dataclass(frozen=True)
class Frozen:
    """A frozen version, as its manifest has it."""

    folder: Path
    manifest: dict[str, Any]
    manifest_sha256: str

    @property
    def notification(self) -> str:
        return self.folder.parent.name

    @property
    def number(self) -> int:
        return int(self.manifest["request"]["version"])

    @property
    def hashes(self) -> dict[str, str]:
        """The SHA-256 of each of its files, the manifest included."""
        outputs = {name: str(output["sha256"]) for name, output in self.manifest["outputs"].items()}
        return {**outputs, MANIFEST: self.manifest_sha256}

    def __str__(self) -> str:
        return f"Version {self.number} of {self.notification}"


def verify(root: Path) -> list[str]:
    """What changed since it was released, a sentence each; nothing when all is as it was.

    `root` is the folder of all notifications. Looks at every line of the log, every released file, the frozen
    versions that they were copied from, and for anything in a released folder that the log does not know.
    """
    log = root / release_log.NAME
    problems, known = release_log.check(log), {release_log.FIRST}
    decided: set[tuple[str, int]] = set()
    removed = {entry["notification"] for entry in release_log.entries(log) if is_removal(entry)}
    for entry in release_log.entries(log):
        key = entry["notification"], entry["version"]
        if key in decided:
            problems.append(f"Line {entry['sequence']} of {log} decides version {key[1]} of {key[0]} a second time.")
        decided.add(key)
        if entry.get("previous_log_sha256", release_log.FIRST) not in known:
            problems.append(f"The receipt of {_named(entry)} follows a line that the log no longer has.")
        known.add(entry["sha256"])
        if entry["notification"] not in removed:
            problems += _changed_since(root / entry["notification"], entry)
    return [*problems, *_unknown(root)]


def describe(root: Path) -> list[str]:
    """Every release and rejection in order, a line each for people, and the hash to keep elsewhere."""
    log = root / release_log.NAME
    found = release_log.entries(log)
    if not found:
        return [f"Nothing was released or rejected in {root}."]
    lines = [line for entry in found for line in _told(entry)]
    return [*lines, f"The hash of the last line, which is number {found[-1]['sequence']}: {found[-1]['sha256']}"]


def frozen_at(version: Path) -> Frozen:
    """The version in a folder. Raises ReleaseError when there is none, or its manifest is not its own."""
    path = version / MANIFEST
    if not path.is_file():
        raise ReleaseError(f"There is no frozen version at {version}. Make one: trigger annex_a_request.")
    found = Frozen(version, read(path), files.sha256(path))
    if version.name != f"v{found.number}":
        raise ReleaseError(f"{path} is that of version {found.number}. Make a new version: trigger annex_a_request.")
    return found


def version_hash(version: Path) -> str:
    """The SHA-256 that stands for all of a frozen version: of its manifest, which holds what else is in the folder.

    To bind a decision to what was shown: it is the same for as long as the folder is as it was frozen. Raises
    ReleaseError when there is no such version, or it is not as it was frozen.
    """
    frozen = frozen_at(version)
    if different := list(changed(version, frozen.hashes)):
        raise ReleaseError(f"{frozen} is not as it was frozen. {' '.join(different)} Make a new version.")
    return frozen.manifest_sha256


def read(path: Path) -> dict[str, Any]:
    """A manifest or a receipt. Raises ReleaseError when it is none any more."""
    if not (found := runs.read(path)):
        raise ReleaseError(
            f"{path} cannot be read: it is not as it was written. Make a new version: trigger annex_a_request."
        )
    return found


def changed(folder: Path, hashes: dict[str, str]) -> Iterator[str]:
    """A sentence for each file that does not have its hash."""
    for name, sha256 in sorted(hashes.items()):
        path = folder / name
        try:
            if files.sha256(path) != sha256:
                yield f"{path} has changed."
        except OSError as error:
            yield f"{path} cannot be read: {error.strerror}."


def _changed_since(notification: Path, entry: dict[str, Any]) -> Iterator[str]:
    """What is no longer as a line of the log has it: the frozen version, and the released one if it was approved."""
    version = notification / f"v{entry['version']}"
    of_manifest = list(changed(version, {MANIFEST: entry["manifest_sha256"]}))
    yield from of_manifest or changed(version, frozen_at(version).hashes)
    if not is_release(entry):
        return
    folder = notification / "released" / version.name
    hashes = {name: str(found["sha256"]) for name, found in entry["files"].items()}
    yield from changed(folder, {**hashes, RECEIPT: entry["receipt_sha256"]})
    for path in sorted(folder.glob("*")):
        if path.name not in {*hashes, RECEIPT}:
            yield f"{path} was added."


def _unknown(root: Path) -> Iterator[str]:
    """What lies in a released folder without a line in the log."""
    entries = release_log.entries(root / release_log.NAME)
    known = {root / each["notification"] / "released" / f"v{each['version']}" for each in entries if is_release(each)}
    for path in sorted(root.glob("*/released/*")):
        if path.name.startswith("."):
            yield f"{path} is half a release: a process was killed. Release again, and it goes."
        elif path not in known:
            yield f"{path} has no line in the log: the line was cut off, or something else than a release put it there."


def is_release(entry: dict[str, Any]) -> bool:
    """Whether a line of the log is a release, and not a rejection."""
    return bool(entry["decision"]["option"] == APPROVE)


def is_removal(entry: dict[str, Any]) -> bool:
    """Whether a line of the log says that a notification was removed (operations.purge)."""
    return bool(entry["decision"]["option"] == REMOVE)


def _told(entry: dict[str, Any]) -> Iterator[str]:
    decision = entry["decision"]
    who, comment = _one_line(decision["by"]), _one_line(decision["comment"])
    if is_removal(entry):
        yield f"{entry['notification']}: all of it removed by {who} at {shown(decision['at'])}: {comment}"
    elif decision["option"] == REJECT:
        yield f"{_named(entry)}: rejected by {who} at {shown(decision['at'])}: {comment}"
    else:
        what = f"approved by {who} at {shown(decision['at'])}, released at {shown(entry['released_at'])}"
        yield f"{_named(entry)}: {what}, {_punctuality(entry)}" + (f": {comment}" if comment else "")
    if "os_user" in decision:
        user = _one_line(str(decision["os_user"]))
        yield f"  decided at the command line, in the shell of {user}: the name is as typed"
    if entry["later_files"]:
        yield f"  not in it, because they came later: {', '.join(map(_one_line, entry['later_files']))}"
    if entry.get("was_mended"):
        yield f"  its line was missing, and was added at {shown(entry['recorded_at'])}"
    if "torn_line" in entry:
        yield f"  half a line before it, left by a killed process, is kept in {release_log.NAME}.torn"


def _named(entry: dict[str, Any]) -> str:
    rehearsal = " (rehearsal)" if entry["is_rehearsal"] else ""
    return f"{entry['notification']} v{entry['version']}{rehearsal}"


def _punctuality(entry: dict[str, Any]) -> str:
    due = f"due {shown(entry['due'])}"
    if entry["is_late"]:
        return f"LATE by {timedelta(seconds=entry['late_by_seconds'])} ({due})"
    return f"in time ({due})"


def iso(moment: datetime) -> str:
    """A moment for the record, to the second, in London."""
    return moment.astimezone(LONDON).isoformat(timespec="seconds")


def shown(moment: str) -> str:
    """A recorded moment for people."""
    return f"{datetime.fromisoformat(moment):%d %b %Y %H:%M}"


def _one_line(text: str) -> str:
    """Text from a form, fit for a terminal."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
