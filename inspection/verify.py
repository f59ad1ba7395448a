"""What was decided about frozen versions, and whether everything still is as it was."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from inspection import release_log, sealed
from inspection.alerts import send
from publish.pack import MANIFEST
from send_ready import confined, files, runs
from send_ready.home import INSPECTIONS, PURGES
from send_ready.runs import RunError
from send_ready.settings import LONDON

APPROVE, REJECT, REMOVE, RECEIPT = release_log.APPROVE, release_log.REJECT, release_log.REMOVE, release_log.RECEIPT


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

    def differences(self, *, is_open: bool = False) -> list[str]:
        """A sentence for each thing in the folder that is not as it was frozen, or was not there.

        `is_open`: somebody may be looking at the workbooks, so that the locks of their programs do not count.
        """
        recorded = self.manifest.get("sealed") or self.manifest["outputs"]
        locks = {lock for name in recorded for lock in (f".~lock.{name}#", f"~${name}", f"~${name[2:]}")}
        there = {each for each in locks if is_open and os.path.lexists(self.folder / each)}
        return list(sealed.differences(self.folder, recorded, (MANIFEST, *there)))

    def __str__(self) -> str:
        return f"Version {self.number} of {self.notification}"


def verify(root: Path, head: str = "") -> list[str]:
    """What changed since it was released, a sentence each; nothing when all is as it was.

    `root` is the folder of all notifications: out/inspections of a SEND_HOME. Looks at every line of the log, every
    thing in a released folder and in the frozen version that it was copied from, at what stands beside them, at the
    purges that lines of the log speak of, and for anything in a released folder that the log does not know. `head` is
    the hash of a line, as somebody kept it elsewhere.
    """
    log = root / release_log.NAME
    if link := confined.first_link(root.parents[1], f"{root.parent.name}/{root.name}/{release_log.NAME}"):
        return [f"{link} is a link. What it leads to is not looked at: put the folder or file itself in its place."]
    try:
        problems, found = release_log.check(log), release_log.entries(log)
    except OSError as error:
        return [f"{log} cannot be read: {error.strerror}."]
    for path in (root, log, root.parent / send.NAME):
        problems += sealed.open_to_others(path)
    entries = [entry for entry in found if release_log.is_decision(entry)]
    problems += [
        f"Line {each['sequence']} of {log} is no decision." for each in found if not release_log.is_decision(each)
    ]
    if head and head not in {entry["sha256"] for entry in found}:
        problems.append(f"No line of {log} has the hash {head}: it was cut or written anew, or is another log.")
    known, decided = {release_log.FIRST}, set[tuple[str, int]]()
    removals = {entry["notification"]: entry for entry in entries if is_removal(entry)}
    for entry in entries:
        key, removal = (entry["notification"], entry["version"]), removals.get(entry["notification"])
        if key in decided:
            problems.append(f"Line {entry['sequence']} of {log} decides version {key[1]} of {key[0]} a second time.")
        decided.add(key)
        if entry.get("previous_log_sha256", release_log.FIRST) not in known:
            problems.append(f"The receipt of {_named(entry)} follows a line that the log no longer has.")
        known.add(entry["sha256"])
        if not removal or entry["sequence"] > removal["sequence"]:
            problems += _changed_since(root, entry)
    problems += _purged(root, removals.values(), {entry["notification"]: entry["sequence"] for entry in entries})
    problems += _told_otherwise(root, found)
    return list(dict.fromkeys([*problems, *_unknown(root, entries)]))


def describe(root: Path, head: str = "") -> list[str]:
    """Every release and rejection in order, a line each for people, and the hash to keep elsewhere."""
    try:
        found = release_log.entries(root / release_log.NAME)
    except OSError:
        return []  # verify says why
    if not found:
        return [f"Nothing was released or rejected in {root}."]
    lines = [line for entry in found if release_log.is_decision(entry) for line in _told(entry)]
    lines += [
        f"Line {entry['sequence']} has the hash that you gave. Up to it the log says what it said then."
        for entry in found
        if entry["sha256"] == head
    ]
    return [*lines, f"The hash of the last line, which is number {found[-1]['sequence']}: {found[-1]['sha256']}"]


def frozen_at(version: Path) -> Frozen:
    """The version in a folder. Raises ReleaseError when there is none, or its manifest is not its own."""
    path = version / MANIFEST
    if version.is_symlink() or path.is_symlink() or not path.is_file():
        raise ReleaseError(f"There is no frozen version at {version}. Make one: trigger annex_a_request.")
    manifest = read(path)
    try:
        found = Frozen(version, manifest, files.sha256(path, follow=False))
        is_whole = all(map(confined.is_plain, found.hashes)) and MANIFEST not in manifest["outputs"]
        number = found.number
    except (LookupError, TypeError, ValueError, AttributeError):
        is_whole, number = False, 0
    if not is_whole:
        raise ReleaseError(f"{path} is not that of a version. Make a new version: trigger annex_a_request.")
    if version.name != f"v{number}":
        raise ReleaseError(f"{path} is that of version {number}. Make a new version: trigger annex_a_request.")
    return found


def version_hash(version: Path) -> str:
    """The SHA-256 that stands for all of a frozen version: of its manifest, which holds what else is in the folder.

    To bind a decision to what was shown: it is the same for as long as the folder is as it was frozen. Raises
    ReleaseError when there is no such version, or it is not as it was frozen.
    """
    frozen = frozen_at(version)
    if different := frozen.differences(is_open=True):
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
            if files.sha256(path, follow=False) != sha256:
                yield f"{path} has changed."
        except OSError as error:
            yield f"{path} cannot be read: {error.strerror}."


def _changed_since(root: Path, entry: dict[str, Any]) -> Iterator[str]:
    """What is no longer as a line of the log has it: the frozen version, and the released one if it was approved."""
    call, number = root / entry["notification"], entry["version"]
    if link := confined.first_link(root, f"{call.name}/released/v{number}") or confined.first_link(call, f"v{number}"):
        yield f"{link} is a link, and was a folder."
        return
    for path in (call, call / "released"):
        yield from sealed.open_to_others(path)
    version = call / f"v{number}"
    of_manifest = list(changed(version, {MANIFEST: entry["manifest_sha256"]}))
    if of_manifest:
        yield from of_manifest
    else:
        try:
            frozen = frozen_at(version)
        except ReleaseError as error:
            yield str(error)
        else:
            yield from frozen.differences()
            for recorded in (frozen.manifest.get("call"), entry.get("call")):
                if isinstance(recorded, dict):
                    yield from sealed.differences_of_call(call, number, recorded)
    if is_release(entry):
        folder = call / "released" / version.name
        yield from changed(folder, {RECEIPT: entry["receipt_sha256"]})
        yield from sealed.differences(folder, entry.get("sealed") or entry["files"], (RECEIPT,))


def _unknown(root: Path, entries: Iterable[dict[str, Any]]) -> Iterator[str]:
    """What lies in a released folder without a line in the log."""
    known = {root / each["notification"] / "released" / f"v{each['version']}" for each in entries if is_release(each)}
    for path in sorted(root.glob("*/released/*")):
        if path.name.startswith("."):
            yield f"{path} is half a release: a process was killed. Release again, and it goes."
        elif path not in known:
            yield f"{path} has no line in the log: the line was cut off, or something else than a release put it there."


def _purged(root: Path, removals: Iterable[dict[str, Any]], last: dict[str, int]) -> Iterator[str]:
    """Lines that say that a call was removed, of which the record of removals knows nothing, or which are not true."""
    path = root.parents[1] / PURGES
    try:
        wrong, lines = release_log.check(path), release_log.entries(path)
    except OSError as error:
        wrong, lines = [f"{path} cannot be read: {error.strerror}."], []
    yield from wrong
    begun = {line["sequence"]: line for line in lines if line.get("event") == "begun"}
    ended = {line.get("begun") for line in lines if line.get("event") == "ended"}
    for entry in removals:
        name, number, decision = entry["notification"], entry.get("purge"), entry["decision"]
        purge = begun.get(number) if isinstance(number, int) else None
        said = purge and {"by": purge.get("by"), "at": purge.get("at"), "comment": purge.get("why")}
        items = purge.get("items") if purge else None
        gone = [each.get("path") for each in items if isinstance(each, dict)] if isinstance(items, list) else []
        if said != {key: decision[key] for key in ("by", "at", "comment")} or f"out/{root.name}/{name}" not in gone:
            yield f"Line {entry['sequence']} says that {name} was removed, and {path} has no such removal."
        elif number in ended and last[name] == entry["sequence"] and _is_from_before(root / name, decision["at"]):
            yield f"Line {entry['sequence']} says that {name} was removed, and it is there."


def _is_from_before(call: Path, moment: str) -> bool:
    """Whether a folder is there of a call that was on record at a moment, and not of a later one of that day."""
    if not os.path.lexists(call):
        return False
    try:
        found = runs.read(call / sealed.REQUEST) or {}
        return datetime.fromisoformat(found["first_triggered_at"]) <= datetime.fromisoformat(moment)
    except (OSError, LookupError, TypeError, ValueError):
        return True


def _told_otherwise(root: Path, entries: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Alerts that are not as they were raised, and lines of the log that were told to people and are not in it."""
    if root.name != Path(INSPECTIONS).name:
        return
    record = root.parent / send.NAME
    for path in [*sorted(root.glob(f"*/{send.NAME}")), record]:
        yield from send.check(path)
    heads = {(entry["sequence"], entry["sha256"]) for entry in entries}
    common = send.read(record)
    for number, sha256 in send.heads(common):
        if (number, sha256) not in heads:
            yield f"Line {number} of the log had the hash {sha256} when people were told, and has it no more."
    for line in common:
        what, _, call = str(line["key"]).partition(":")
        if what not in ("missed", "warned") or not confined.is_name(call) or not (root / call).is_dir():
            continue
        if line["key"] not in {each["key"] for each in send.read(root / call / send.NAME)}:
            yield f"{root / call / send.NAME} lacks an alert that {record} has: {line['key']}."


def is_release(entry: dict[str, Any]) -> bool:
    """Whether a line of the log is a release, and not a rejection."""
    return bool(entry["decision"]["option"] == APPROVE)


def is_removal(entry: dict[str, Any]) -> bool:
    """Whether a line of the log says that a notification was removed (operations.retention.purge)."""
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
    if "call" not in entry and not is_removal(entry):
        yield "  put on record by an earlier version: modes, request, timetable and alerts cannot be proved"
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
