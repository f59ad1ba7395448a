"""Releases an approved version, or puts a rejection on record, with proof of what was decided, by whom and when.

A release is a copy in released/v<n>/ with a receipt, made in a folder beside it and moved there in one step; then one
line is added to the release log of all notifications. Whatever a killed process leaves, the next try finishes: half a
folder is removed, and a whole folder without its line gets it.
"""

import math
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from inspection import encryption, release_log, sealed
from inspection.sen2_return import next_serial, serial_in_words
from inspection.verify import (
    APPROVE,
    RECEIPT,
    REJECT,
    Frozen,
    ReleaseError,
    changed_files,
    frozen_at,
    is_release,
    iso,
    json_on_record,
    moment_in_short,
    version_hash,
)
from publish.chronology import chronology
from publish.excel import items_book, lists_book
from send_ready import confined, files
from send_ready.folders import replaced
from send_ready.home import Lock

# The files that inspectors get; a return's manifest names its own. All of them are about children.
TO_SEND = (lists_book.NAME, items_book.NAME, chronology.NAME)
OF_AN_INPUT = ("feed", "file_name", "sha256", "data_date", "status")
READ_ONLY_FOLDER, OWN_FOLDER = 0o500, 0o700


@dataclass(frozen=True)
class Decision:
    """A decision about one version: Approve or Reject, by whom, when (aware), and why.

    `version_sha256` is the hash of the version that the approver saw; empty when none was shown. `evidence` says how
    the decision is known.
    """

    option: str
    by: str
    at: datetime
    comment: str = ""
    version_sha256: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)

    def on_record(self) -> dict[str, Any]:
        """The decision as receipts and the release log hold it."""
        shown = {"version_sha256": self.version_sha256} if self.version_sha256 else {}
        first = {"option": self.option, "by": self.by, "at": iso(self.at), "comment": self.comment}
        return {**first, **shown, **self.evidence}

    def is_as_recorded(self, recorded: dict[str, Any]) -> bool:
        """Whether this is the recorded decision; an earlier version of SEND Ready may have recorded less of it."""
        now = self.on_record()
        return all(now.get(name) == value for name, value in recorded.items())


def release(
    version: Path,
    released: Path,
    log: Path,
    decision: Decision,
    due: datetime,
    password: str | None,
    later_files: list[str],
    now: datetime,
) -> dict[str, Any]:
    """The receipt of a released version, or the log's line of a rejected one, after the decision was carried out.

    `due` is when the lists are due and `now` the moment of release; `later_files` came to the inbox after the version
    was built, and are named as not in it. The same decision again changes nothing and gives the same receipt.
    Raises ReleaseError, and changes nothing, for a rejection without a reason, another decision than before, a version
    older than a released one, frozen files that have changed, and a full disk.
    """
    _check(decision, due, now)
    call = version.parent
    if link := confined.first_link(log.parent, f"{call.name}/{released.name}/{version.name}"):
        raise ReleaseError(f"{link} is a link, and nothing is released by way of one. Put the folder itself there.")
    frozen = frozen_at(version)
    try:
        with files.locked(log.with_name(Lock.RELEASE)):
            _mend(released, log, now)
            earlier = _earlier(log, frozen)
            if earlier:
                return _again(earlier, decision, frozen, released)
            if decision.version_sha256 and decision.version_sha256 != version_hash(version):
                raise ReleaseError(
                    f"{frozen} changed after it was shown to {decision.by}. Nothing was done. {_anew(frozen)}"
                )
            facts = {**_facts(frozen), "decision": decision.on_record(), "later_files": sorted(later_files)}
            facts["call"] = sealed.facts_of_call(version.parent, frozen.number)
            if decision.option == REJECT:
                return release_log.append(log, {**facts, "recorded_at": iso(now)})
            _check_releasable(frozen, released, log)
            return _approve(frozen, released, log, {**facts, **_timing(decision, due, now)}, password, now)
    except OSError as error:
        raise ReleaseError(_no_room(error, frozen, released, password)) from error


def _check(decision: Decision, due: datetime, now: datetime) -> None:
    if decision.option not in (APPROVE, REJECT):
        raise ReleaseError(f"{decision.option!r} is no decision: it is {APPROVE} or {REJECT}.")
    if not decision.by.strip():
        raise ReleaseError("The decision does not say whose it is. Sign in to Airflow under your own name, and decide.")
    if decision.option == REJECT and not decision.comment.strip():
        raise ReleaseError("A rejection needs a reason. Reject again, with a comment that says what to put right.")
    if not all(moment.tzinfo for moment in (decision.at, due, now)):
        raise ReleaseError("The times of decision, deadline and release need a time zone, such as 10:12:00+00:00.")


def _mend(released: Path, log: Path, now: datetime) -> None:
    """Remove the half folders that a killed process left, and add the line that is missing of a whole one."""
    for half in released.glob(".v*"):
        confined.remove_tree(half)
    logged = {(entry["notification"], entry["version"]) for entry in release_log.decisions(log)}
    for path in sorted(released.glob(f"v*/{RECEIPT}")):
        receipt = json_on_record(path)
        if (receipt["notification"], receipt["version"]) not in logged:
            _record(path.parent, log, now, was_mended=True)


def _record(folder: Path, log: Path, now: datetime, **about: Any) -> dict[str, Any]:
    """The receipt of a released folder, after the folder was made read-only and its line added to the log."""
    folder.chmod(READ_ONLY_FOLDER)
    files.sync(folder.parent)
    receipt = json_on_record(folder / RECEIPT)
    proof = {"receipt_sha256": files.sha256(folder / RECEIPT), "recorded_at": iso(now)}
    release_log.append(log, {**receipt, **proof, **about})
    return receipt


def _earlier(log: Path, frozen: Frozen) -> dict[str, Any] | None:
    key = frozen.notification, frozen.number
    decided = ((entry, (entry["notification"], entry["version"])) for entry in release_log.decisions(log))
    return next((entry for entry, about in decided if about == key), None)


def _again(earlier: dict[str, Any], decision: Decision, frozen: Frozen, released: Path) -> dict[str, Any]:
    """The same receipt, for a step that is tried again. Raises ReleaseError for another decision, which is too late."""
    first = earlier["decision"]
    if not decision.is_as_recorded(first):
        raise ReleaseError(
            f"{frozen}: {first['by']} chose {first['option']} at {moment_in_short(first['at'])}. That stands, and "
            f"nothing was changed. {_anew(frozen)}"
        )
    if first["option"] == REJECT:
        return earlier
    receipt = released / frozen.folder.name / RECEIPT
    if not receipt.is_file():
        raise ReleaseError(f"{frozen} was released, but {receipt} is gone. See what else changed: make verify-release")
    return json_on_record(receipt)


def _check_releasable(frozen: Frozen, released: Path, log: Path) -> None:
    for entry in release_log.decisions(log):
        if entry["notification"] == frozen.notification and entry["version"] > frozen.number and is_release(entry):
            raise ReleaseError(
                f"{frozen} is older than version {entry['version']}, which was released at "
                f"{moment_in_short(entry['released_at'])}. It stays unreleased. To send something newer, make a new "
                "version."
            )
    _check_return(frozen, log)
    if different := frozen.differences(is_open=True):
        raise ReleaseError(
            f"{frozen} is not what was approved, and is not released. {' '.join(different)} "
            f"Make a new version: {frozen.again}"
        )
    target = released / frozen.folder.name
    if target.exists():
        raise ReleaseError(f"{target} is there, but no release made it. Move it away, and release again.")


def _to_send(frozen: Frozen) -> list[str]:
    """The files of a version that go to whoever asked for them, in order."""
    return [name for name in frozen.manifest.get("to_send", TO_SEND) if name in frozen.hashes]


def _check_return(frozen: Frozen, log: Path) -> None:
    """Raise ReleaseError for a draft of a return, and for one whose serial number was released meanwhile."""
    made = frozen.manifest.get("return")
    if made is None:
        return
    if made["is_draft"] and not frozen.manifest["request"]["is_rehearsal"]:
        raise ReleaseError(
            f"{frozen} is a draft, made as at a day before the survey day, and no return. {_anew(frozen)}"
        )
    if made["serial"] != (expected := next_serial(log, frozen.notification)):
        raise ReleaseError(
            f"{frozen} has the serial number {serial_in_words(made['serial'])}, and the next release of the year is "
            f"{serial_in_words(expected)}: another version was released since this one was made. {_anew(frozen)}"
        )


def _anew(frozen: Frozen) -> str:
    return f"To decide anew, make a new version: {frozen.again}"


def _facts(frozen: Frozen) -> dict[str, Any]:
    """The facts of a version for its receipt and the log, whatever was decided."""
    manifest = frozen.manifest
    return {
        **manifest["request"],
        **({"return": manifest["return"]} if "return" in manifest else {}),
        **{name: manifest[name] for name in ("la_code", "council", "as_at", "run_id")},
        "notification": frozen.notification,
        "manifest_sha256": frozen.manifest_sha256,
        "inputs": [{name: each[name] for name in OF_AN_INPUT} for each in manifest["inputs"]],
    }


def _timing(decision: Decision, due: datetime, now: datetime) -> dict[str, Any]:
    """When a version was released, and how late. Counted in UTC: London's clock repeats or skips an hour."""
    at = max(moment.astimezone(UTC) for moment in (decision.at, now))
    late = math.ceil((at - due.astimezone(UTC)).total_seconds())
    return {"due": iso(due), "released_at": iso(at), "is_late": late > 0, "late_by_seconds": max(0, late)}


def _approve(
    frozen: Frozen, released: Path, log: Path, facts: dict[str, Any], password: str | None, now: datetime
) -> dict[str, Any]:
    target = released / frozen.folder.name
    try:
        with replaced(target) as folder:
            for name in frozen.hashes:
                shutil.copyfile(frozen.folder / name, folder / name)
            if wrong := list(changed_files(folder, frozen.hashes)):
                raise ReleaseError(f"Copying went wrong, and nothing is released. {' '.join(wrong)} Release again.")
            to_send = _to_send(frozen)
            if password:
                to_send = [_encrypted(folder, name, password) for name in to_send]
            _seal(folder, {**facts, "to_send": to_send, "previous_log_sha256": release_log.head(log)})
        return _record(target, log, now)
    except Exception:
        _take_back(target)
        raise


def _encrypted(folder: Path, name: str, password: str) -> str:
    target = encryption.encrypted_name(name)
    encryption.encrypt(folder / name, folder / target, password)
    return target


def _seal(folder: Path, receipt: dict[str, Any]) -> None:
    """Write the receipt, which holds the hash of every file, and make the files read-only."""
    found = {path.name: {"bytes": path.stat().st_size, "sha256": files.sha256(path)} for path in folder.iterdir()}
    for path in folder.iterdir():
        path.chmod(files.READ_ONLY)
        files.sync(path)
    files.write_json(folder / RECEIPT, {**receipt, "files": found, "sealed": sealed.listing(folder)})
    (folder / RECEIPT).chmod(files.READ_ONLY)
    files.sync(folder / RECEIPT)
    files.sync(folder)


def _take_back(target: Path) -> None:
    """Move away and remove what could not be released whole."""
    if target.exists():
        target.chmod(OWN_FOLDER)
        target.replace(target.with_name(f".{target.name}.taken_back"))
    for half in target.parent.glob(".v*"):
        confined.remove_tree(half)


def _no_room(error: OSError, frozen: Frozen, released: Path, password: str | None) -> str:
    sizes = {name: int(output["bytes"]) for name, output in frozen.manifest["outputs"].items()}
    needed = sum(sizes.values()) + (sum(sizes.get(name, 0) for name in _to_send(frozen)) if password else 0)
    free = shutil.disk_usage(frozen.folder.parent).free
    where = error.filename2 or error.filename or released
    return (
        f"{frozen} is not released, and nothing of it is in {released}. {where}: {error.strerror}. About "
        f"{needed:,} bytes are needed there, and {free:,} are free. Make room, or have the fault mended, and release "
        "again: in Airflow, clear the task release. The decision stands."
    )
