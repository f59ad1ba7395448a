"""Frozen versions, the decisions about them, and whether everything still is as it was then."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from inspection import release_log, sealed, sen2_return
from inspection.alerts import send
from inspection.notification import Request
from inspection.sen2_return import Return
from publish.pack import MANIFEST
from send_ready import confined, files, runs
from send_ready.home import INSPECTIONS, PURGES, SEN2
from send_ready.runs import RunError
from send_ready.settings import LONDON

ANY_DAG = "trigger annex_a_request, or for a return sen2_return."
APPROVE, REJECT, REMOVE, RECEIPT = release_log.APPROVE, release_log.REJECT, release_log.REMOVE, release_log.RECEIPT


class ReleaseError(RunError):
    """A version cannot be released or rejected. Nothing was changed; the text says what to do."""


@dataclass(frozen=True)
class Frozen:
    """A frozen version and its manifest."""

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
    def again(self) -> str:
        """How another version is made, as a clause."""
        return Return.AGAIN if self.manifest["request"].get("kind") == sen2_return.KIND else Request.AGAIN

    @property
    def hashes(self) -> dict[str, str]:
        """The SHA-256 of each of its files, the manifest included."""
        outputs = {name: str(output["sha256"]) for name, output in self.manifest["outputs"].items()}
        return {**outputs, MANIFEST: self.manifest_sha256}

    def differences(self, *, is_open: bool = False) -> list[str]:
        """A sentence for each thing in the folder that has changed or was added since it was frozen.

        `is_open`: somebody may have a workbook open, so the lock files of office programs do not count.
        """
        recorded = self.manifest.get("sealed") or self.manifest["outputs"]
        locks = {lock for name in recorded for lock in (f".~lock.{name}#", f"~${name}", f"~${name[2:]}")}
        there = {each for each in locks if is_open and os.path.lexists(self.folder / each)}
        return list(sealed.differences(self.folder, recorded, (MANIFEST, *there)))

    def __str__(self) -> str:
        return f"Version {self.number} of {self.notification}"


def verify(root: Path, head: str = "") -> list[str]:
    """A sentence for each thing that has changed since it was released; none when all is as it was.

    `root` is the folder of all notifications, or of all returns: out/inspections or out/sen2 of a SEND_HOME. Checked
    are every line of the log, all that is in released folders and in the frozen versions they were copied from, the
    files of each call, the removals that the log mentions, and released folders that it does not. `head` is the hash of
    a line of the log that somebody kept elsewhere.
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
            problems.append(f"The receipt of {_version_name(entry)} follows a line that the log no longer has.")
        known.add(entry["sha256"])
        if not removal or entry["sequence"] > removal["sequence"]:
            problems += _changed_since(root, entry)
    problems += _false_removals(
        root, removals.values(), {entry["notification"]: entry["sequence"] for entry in entries}
    )
    problems += _alerts_that_differ(root, found)
    return list(dict.fromkeys([*problems, *_not_in_log(root, entries)]))


def has_line(root: Path, head: str) -> bool:
    """Whether the release log of a folder of notifications or returns has a line with this hash."""
    try:
        return head in {entry["sha256"] for entry in release_log.entries(root / release_log.NAME)}
    except OSError:
        return False


def describe(root: Path, head: str = "") -> list[str]:
    """Lines that name every release and rejection in order, and the hash of the last line, to keep elsewhere."""
    try:
        found = release_log.entries(root / release_log.NAME)
    except OSError:
        return []  # verify says why
    if not found:
        return [f"Nothing was released or rejected in {root}."]
    lines = [line for entry in found if release_log.is_decision(entry) for line in _lines_of(entry)]
    lines += [
        f"Line {entry['sequence']} has the hash that you gave. Up to it the log says what it said then."
        for entry in found
        if entry["sha256"] == head
    ]
    return [*lines, f"The hash of the last line, which is number {found[-1]['sequence']}: {found[-1]['sha256']}"]


def frozen_at(version: Path) -> Frozen:
    """The frozen version in a folder. Raises ReleaseError when there is none, or its manifest is another's."""
    path = version / MANIFEST
    if version.is_symlink() or path.is_symlink() or not path.is_file():
        raise ReleaseError(f"There is no frozen version at {version}. Make one: {ANY_DAG}")
    manifest = json_on_record(path)
    try:
        found = Frozen(version, manifest, files.sha256(path, follow=False))
        is_whole = all(map(confined.is_plain, found.hashes)) and MANIFEST not in manifest["outputs"]
        number = found.number
    except (LookupError, TypeError, ValueError, AttributeError):
        is_whole, number = False, 0
    if not is_whole:
        raise ReleaseError(f"{path} is not that of a version. Make a new version: {ANY_DAG}")
    if version.name != f"v{number}":
        raise ReleaseError(f"{path} is that of version {number}. Make a new version: {ANY_DAG}")
    return found


def version_hash(version: Path) -> str:
    """The SHA-256 of a frozen version's manifest, which holds the hash of everything else in the folder.

    It binds a decision to the version that was shown. Raises ReleaseError when there is no such version, or it is not
    as it was frozen.
    """
    frozen = frozen_at(version)
    if different := frozen.differences(is_open=True):
        raise ReleaseError(f"{frozen} is not as it was frozen. {' '.join(different)} Make a new version.")
    return frozen.manifest_sha256


def json_on_record(path: Path) -> dict[str, Any]:
    """The contents of a manifest or receipt. Raises ReleaseError when it cannot be read any more."""
    if not (found := runs.read_record(path)):
        raise ReleaseError(f"{path} cannot be read: it is not as it was written. Make a new version: {ANY_DAG}")
    return found


def changed_files(folder: Path, hashes: dict[str, str]) -> Iterator[str]:
    """A sentence for each file whose SHA-256 is not the recorded one."""
    for name, sha256 in sorted(hashes.items()):
        path = folder / name
        try:
            if files.sha256(path, follow=False) != sha256:
                yield f"{path} has changed."
        except OSError as error:
            yield f"{path} cannot be read: {error.strerror}."


def _changed_since(root: Path, entry: dict[str, Any]) -> Iterator[str]:
    """A sentence for each change to what an entry is about: its frozen version, and if approved the released one."""
    call, number = root / entry["notification"], entry["version"]
    if link := confined.first_link(root, f"{call.name}/released/v{number}") or confined.first_link(call, f"v{number}"):
        yield f"{link} is a link, and was a folder."
        return
    for path in (call, call / "released"):
        yield from sealed.open_to_others(path)
    version = call / f"v{number}"
    of_manifest = list(changed_files(version, {MANIFEST: entry["manifest_sha256"]}))
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
        yield from changed_files(folder, {RECEIPT: entry["receipt_sha256"]})
        yield from sealed.differences(folder, entry.get("sealed") or entry["files"], (RECEIPT,))


def _not_in_log(root: Path, entries: Iterable[dict[str, Any]]) -> Iterator[str]:
    """A sentence for each released folder that has no line in the log."""
    known = {root / each["notification"] / "released" / f"v{each['version']}" for each in entries if is_release(each)}
    for path in sorted(root.glob("*/released/*")):
        if path.name.startswith("."):
            yield f"{path} is half a release: a process was killed. Release again, and it goes."
        elif path not in known:
            yield f"{path} has no line in the log: the line was cut off, or something else than a release put it there."


def _false_removals(root: Path, removals: Iterable[dict[str, Any]], last: dict[str, int]) -> Iterator[str]:
    """A sentence for each line that says a call was removed when the record of removals or the disk says otherwise."""
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
    """Whether the folder of a call exists, and its call was on record at a moment, not a later one of the same day."""
    if not os.path.lexists(call):
        return False
    try:
        found = runs.read_record(call / sealed.REQUEST) or {}
        return datetime.fromisoformat(found["first_triggered_at"]) <= datetime.fromisoformat(moment)
    except (OSError, LookupError, TypeError, ValueError):
        return True


def _alerts_that_differ(root: Path, entries: Iterable[dict[str, Any]]) -> Iterator[str]:
    """A sentence for each alert that was changed, and for each line of the log that an alert named and that is gone."""
    log = {INSPECTIONS: send.LOG, SEN2: send.LOG_OF_RETURNS}.get(f"{root.parent.name}/{root.name}")
    if not log:
        return
    record = root.parent / send.NAME
    common = send.latest_lines(record)
    if log == send.LOG:  # a return has no alerts of its own
        for path in [*sorted(root.glob(f"*/{send.NAME}")), record]:
            yield from send.check(path)
    heads = {(entry["sequence"], entry["sha256"]) for entry in entries}
    for number, sha256 in send.heads(common, log):
        if (number, sha256) not in heads:
            yield f"Line {number} of the log had the hash {sha256} when people were told, and has it no more."
    for line in common if log == send.LOG else ():
        what, _, call = str(line["key"]).partition(":")
        if what not in ("missed", "warned") or not confined.is_name(call) or not (root / call).is_dir():
            continue
        if line["key"] not in {each["key"] for each in send.latest_lines(root / call / send.NAME)}:
            yield f"{root / call / send.NAME} lacks an alert that {record} has: {line['key']}."


def is_release(entry: dict[str, Any]) -> bool:
    """Whether an entry of the log is a release."""
    return bool(entry["decision"]["option"] == APPROVE)


def is_removal(entry: dict[str, Any]) -> bool:
    """Whether an entry of the log says that a notification was removed (operations.retention.purge)."""
    return bool(entry["decision"]["option"] == REMOVE)


def _lines_of(entry: dict[str, Any]) -> Iterator[str]:
    """What was decided, in lines for people."""
    decision = entry["decision"]
    who, comment = _one_line(decision["by"]), _one_line(decision["comment"])
    if is_removal(entry):
        yield f"{entry['notification']}: all of it removed by {who} at {moment_in_short(decision['at'])}: {comment}"
    elif decision["option"] == REJECT:
        yield f"{_version_name(entry)}: rejected by {who} at {moment_in_short(decision['at'])}: {comment}"
    else:
        approved, released = moment_in_short(decision["at"]), moment_in_short(entry["released_at"])
        what = f"approved by {who} at {approved}, released at {released}"
        yield f"{_version_name(entry)}: {what}, {_punctuality(entry)}" + (f": {comment}" if comment else "")
    if "os_user" in decision:
        user = _one_line(str(decision["os_user"]))
        yield f"  decided at the command line, in the shell of {user}: the name is as typed"
    if entry["later_files"]:
        yield f"  not in it, because they came later: {', '.join(map(_one_line, entry['later_files']))}"
    if entry.get("was_mended"):
        yield f"  its line was missing, and was added at {moment_in_short(entry['recorded_at'])}"
    if "call" not in entry and not is_removal(entry):
        yield "  put on record by an earlier version: modes, request, timetable and alerts cannot be proved"
    if "torn_line" in entry:
        yield f"  half a line before it, left by a killed process, is kept in {release_log.NAME}.torn"


def _version_name(entry: dict[str, Any]) -> str:
    rehearsal = " (rehearsal)" if entry["is_rehearsal"] else ""
    return f"{entry['notification']} v{entry['version']}{rehearsal}"


def _punctuality(entry: dict[str, Any]) -> str:
    due = f"due {moment_in_short(entry['due'])}"
    if entry["is_late"]:
        return f"LATE by {timedelta(seconds=entry['late_by_seconds'])} ({due})"
    return f"in time ({due})"


def iso(moment: datetime) -> str:
    """A moment as records hold it: in London, to the second."""
    return moment.astimezone(LONDON).isoformat(timespec="seconds")


def moment_in_short(moment: str) -> str:
    """A recorded moment as people read it, such as 16 Nov 2026 10:20."""
    return f"{datetime.fromisoformat(moment):%d %b %Y %H:%M}"


def _one_line(text: str) -> str:
    """Text from a form as one printable line, for a terminal."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
