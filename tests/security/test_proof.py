"""Whoever changes what was frozen, decided or released, or what stands beside it, is found by the proof."""

import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from inspection import freeze, release_log, sealed, verify, watch
from inspection.alerts import send
from inspection.alerts.receivers import Receivers
from inspection.alerts.send import Alert
from inspection.release import Decision, ReleaseError, release
from operations.retention.purge import purge
from send_ready import confined, files
from send_ready.home import PURGES
from send_ready.settings import Settings
from tests.operations.home import NOW, settings

KEY = "2020-11-16_full_inspection"
DUE = datetime(2020, 11, 17, 11, tzinfo=UTC)
AT = DUE - timedelta(hours=1)
REQUEST = {"notified_on": "2020-11-16", "kind": "full_inspection", "is_rehearsal": False}
LISTS = "annex_a_person_level_lists.xlsx"
NOBODY = Receivers()


class Call:
    """A call with one version released and one rejected, as freeze, release and the clock leave them."""

    def __init__(self, home: Path) -> None:
        self.home, self.root = home, home / "out" / "inspections"
        self.folder, self.log = self.root / KEY, self.root / release_log.NAME
        self.records = [self.folder / send.NAME, home / "out" / send.NAME]
        self.request(1)
        self.tell("warned")
        self.freeze(1)
        self.request(2)
        self.freeze(2)
        self.release(1, "Approve")
        self.tell("missed")
        self.release(2, "Reject")

    def request(self, number: int) -> None:
        """As inspection.call.register: the timetable first, then the record that holds its hashes."""
        for name in sealed.TIMETABLES:
            files.write_bytes(self.folder / name, f"timetable of {number}".encode())
        before = files.read_json(self.folder / "request.json")["versions"] if number > 1 else []
        hashes = {name: files.sha256(self.folder / name) for name in sealed.TIMETABLES}
        about = {**REQUEST, "first_triggered_at": AT.isoformat(), "deadlines": [], "files": hashes}
        made = {"version": number, "run_id": f"run-{number}"}
        files.write_json(self.folder / "request.json", {**about, "versions": [*before, made]})

    def freeze(self, number: int) -> None:
        folder = self.folder / f"v{number}"
        for name in (LISTS, "issues.xlsx", "brief.md"):
            files.write_bytes(folder / name, f"{name} of {number}".encode())
        about = {"as_at": "2020-11-16", "la_code": "999", "council": "Sampleshire", "run_id": f"run-{number}"}
        manifest = {**about, "request": {**REQUEST, "version": number}, "inputs": []}
        freeze.seal_folder(folder, manifest, sealed.facts_of_call(self.folder, number))

    def release(self, number: int, option: str) -> dict[str, Any]:
        decision = Decision(option, "amina", AT, "Seen")
        given = {"due": DUE, "password": None, "later_files": [], "now": AT}
        return release(self.folder / f"v{number}", self.folder / "released", self.log, decision, **given)

    def tell(self, what: str) -> None:
        send.raise_alert(Alert(f"{what}:{KEY}", "warning", "Late", "See to it.", AT), self.records, NOBODY)


@pytest.fixture
def call(tmp_path: Path) -> Iterator[Call]:
    made = Call(tmp_path / "home")
    assert verify.verify(made.root) == []
    yield made
    confined.remove_tree(made.home)


def swap(path: Path, make: Callable[[Path], Any]) -> None:
    """Put something else in the place of a file or folder, and close its folder again, as somebody with time does."""
    parent, mode = path.parent, path.parent.stat().st_mode & 0o777
    parent.chmod(0o700)
    if path.exists() and not path.is_symlink():
        path.rename(path.with_name(".aside"))
        shutil.move(path.with_name(".aside"), parent.parents[3] / f"aside-{path.name}")
    make(path)
    parent.chmod(mode)


def plant(name: str, make: Callable[[Path], Any]) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        swap(folder / name, make)

    return do


def aside(path: Path) -> Path:
    return path.parent.parents[3] / f"aside-{path.name}"


def listen(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # a socket's path is short
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)
    os.chdir(here)


CHANGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "a file is added": (plant("note.txt", lambda path: path.write_bytes(b"")), "note.txt was added"),
    "a hidden file is added": (plant(".hidden", lambda path: path.write_bytes(b"")), ".hidden was added"),
    "a program's lock is added": (plant(f"~${LISTS}", lambda path: path.write_bytes(b"")), "was added"),
    "an empty folder is added": (plant("empty", lambda path: path.mkdir(mode=0o500)), "empty was added"),
    "a link is added": (plant("link", lambda path: path.symlink_to("/etc/passwd")), "link was added"),
    "a link to the same bytes": (plant(LISTS, lambda path: path.symlink_to(aside(path))), "is a link, and was a file"),
    "a link to nothing": (plant(LISTS, lambda path: path.symlink_to("nowhere")), "is a link, and was a file"),
    "a pipe": (plant(LISTS, lambda path: os.mkfifo(path, 0o400)), "is a pipe, and was a file"),
    "a socket": (plant(LISTS, listen), "is a socket, and was a file"),
    "a folder": (plant(LISTS, lambda path: path.mkdir(mode=0o500)), "is a folder, and was a file"),
    "a hard link": (plant(LISTS, lambda path: os.link(aside(path), path)), "it is a hard link"),
    "a pipe for a manifest": (plant("manifest.json", lambda path: os.mkfifo(path, 0o400)), "manifest.json"),
    "it is gone": (plant(LISTS, lambda path: None), "cannot be read: No such file"),
    "all may read it": (lambda folder: (folder / LISTS).chmod(0o404), "can be read or changed by others"),
    "a group may read it": (lambda folder: (folder / "manifest.json").chmod(0o440), "can be read or changed by others"),
    "all may enter": (lambda folder: folder.chmod(0o505), "can be read or changed by others"),
    "it can be written to": (lambda folder: (folder / LISTS).chmod(0o600), "has mode 0600"),
}


def rewritten(path: Path, old: bytes, new: bytes) -> None:
    """Change bytes and put every time back as it was."""
    about = path.stat()
    path.chmod(0o600)
    path.write_bytes(path.read_bytes().replace(old, new))
    path.chmod(about.st_mode & 0o777)
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))


@pytest.mark.parametrize("place", ["v1", "v2", "released/v1"])
@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_a_folder_is_found(call: Call, name: str, place: str) -> None:
    change, expected = CHANGES[name]
    change(call.folder / place)
    found = verify.verify(call.root)
    assert any(expected in problem and str(call.folder / place) in problem for problem in found), found


@pytest.mark.parametrize("place", ["v1", "v2", "released/v1"])
def test_bytes_of_the_same_size_and_time_are_found(call: Call, place: str) -> None:
    rewritten(call.folder / place / LISTS, b"lists", b"LISTS")
    assert any("has changed" in problem for problem in verify.verify(call.root))


@pytest.mark.parametrize("place", ["v1", "released/v1", "released", "", ".."])
def test_a_link_in_the_place_of_a_folder_is_found(call: Call, place: str, tmp_path: Path) -> None:
    folder = Path(os.path.normpath(call.folder / place))
    folder.parent.chmod(0o700)
    shutil.copytree(folder, tmp_path / "copy", symlinks=True)
    confined.remove_tree(folder)
    folder.symlink_to(tmp_path / "copy")
    assert any("is a link" in problem for problem in verify.verify(call.root))


BESIDE: dict[str, tuple[Callable[[Call], None], str]] = {
    "when the call came": (lambda call: rewritten(call.folder / "request.json", b"T10:00", b"T09:00"), "request.json"),
    "which run made it": (lambda call: rewritten(call.folder / "request.json", b"run-1", b"run-9"), "request.json"),
    "the request is gone": (lambda call: (call.folder / "request.json").unlink(), "request.json has changed"),
    "the diary": (lambda call: rewritten(call.folder / "timetable.ics", b"of 2", b"of 3"), "timetable.ics has changed"),
    "the wall": (lambda call: (call.folder / "timetable.xlsx").unlink(), "timetable.xlsx has changed"),
    "an alert is changed": (lambda call: rewritten(call.records[0], b"Late", b"Soon"), "alerts.jsonl has changed"),
    "the first alert went": (lambda call: cut(call.records[0], 0), "alerts.jsonl has changed"),
    "the last alert went": (lambda call: cut(call.records[0], 1), "lacks an alert"),
    "all alerts went": (lambda call: call.records[0].unlink(), "alerts.jsonl has changed"),
    "a line of all alerts": (lambda call: cut(call.records[1], 0), "does not follow from those before it"),
    "a link": (lambda call: swap(call.folder / "request.json", lambda path: path.symlink_to("/etc/passwd")), "request"),
    "a pipe": (lambda call: swap(call.folder / "alerts.jsonl", os.mkfifo), "alerts.jsonl has changed"),
    "all may read it": (lambda call: (call.folder / "request.json").chmod(0o644), "can be read or changed by others"),
    "all may enter the call": (lambda call: call.folder.chmod(0o755), "can be read or changed by others"),
    "all may enter all": (lambda call: call.root.chmod(0o711), "can be read or changed by others"),
    "all may read every alert": (lambda call: call.records[1].chmod(0o604), "can be read or changed by others"),
    "all may change what is released": (lambda call: (call.folder / "released").chmod(0o777), "changed by others"),
}


def cut(path: Path, number: int) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:number] + lines[number + 1 :]))


@pytest.mark.parametrize("name", BESIDE)
def test_a_change_beside_the_versions_is_found(call: Call, name: str) -> None:
    change, expected = BESIDE[name]
    change(call)
    found = verify.verify(call.root)
    assert any(expected in problem for problem in found), found


def test_what_comes_later_by_right_is_no_change(call: Call) -> None:
    call.request(3)
    call.tell("clock")
    assert verify.verify(call.root) == []
    rewritten(call.folder / "timetable.ics", b"of 3", b"of 4")
    assert verify.verify(call.root) == [f"{call.folder / 'timetable.ics'} has changed."]


# The log


def lines(call: Call) -> list[bytes]:
    return call.log.read_bytes().splitlines(keepends=True)


LOGS: dict[str, tuple[Callable[[Call], Any], str]] = {
    "cut": (lambda call: call.log.write_bytes(lines(call)[0]), ""),  # v2 was rejected: the e-mail tells
    "two swapped": (lambda call: call.log.write_bytes(b"".join(reversed(lines(call)))), "does not follow"),
    "gone": (lambda call: call.log.unlink(), "has no line in the log"),
    "a link": (lambda call: swap(call.log, lambda path: path.symlink_to(aside(path))), "is a link"),
    "a pipe": (lambda call: swap(call.log, os.mkfifo), "cannot be read"),
    "a folder": (lambda call: swap(call.log, os.mkdir), "cannot be read"),
    "all may read it": (lambda call: call.log.chmod(0o644), "can be read or changed by others"),
    "what is no decision": (lambda call: release_log.append(call.log, {"a": 1}), "is no decision"),
    "a path": (lambda call: forged(call, notification="../../../etc"), "is no decision"),
    "a version that is a path": (lambda call: forged(call, version="1/../../x"), "is no decision"),
    "files that are paths": (lambda call: forged(call, files={"../../x": {"sha256": "0"}}), "is no decision"),
}


def forged(call: Call, **changes: Any) -> None:
    entry = release_log.entries(call.log)[0]
    release_log.append(call.log, {**entry, "notification": "2020-01-01_full_inspection", **changes})


@pytest.mark.parametrize("name", LOGS)
def test_a_change_of_the_log_is_found(call: Call, name: str) -> None:
    kept = release_log.head(call.log)
    assert verify.verify(call.root, kept) == []
    assert "Line 2 has the hash that you gave. Up to it the log says what it said then." in verify.describe(
        call.root, kept
    )
    change, expected = LOGS[name]
    change(call)
    found = verify.verify(call.root, kept)
    assert found and any(expected in problem for problem in found), found
    verify.describe(call.root, kept)


def test_a_log_written_anew_with_all_its_files_is_told_by_the_hash_that_was_kept(call: Call) -> None:
    first, kept = (entry["sha256"] for entry in release_log.entries(call.log))
    confined.remove_tree(call.folder)
    call.log.unlink()
    call.records[1].unlink()
    again = Call(call.home)
    rewritten(again.log, b"", b"")
    again.log.unlink()
    confined.remove_tree(again.folder / "released")
    for number, option in ((1, "Approve"), (2, "Reject")):
        decision = Decision(option, "somebody else", AT, "Seen")
        given = {"due": DUE, "password": None, "later_files": [], "now": AT}
        release(again.folder / f"v{number}", again.folder / "released", again.log, decision, **given)
    assert verify.verify(call.root) == []
    for head in (first, kept):
        assert verify.verify(call.root, head) == [
            f"No line of {call.log} has the hash {head}: it was cut or written anew, or is another log."
        ]


def test_people_are_told_each_new_end_of_the_log_and_when_it_changes(call: Call) -> None:
    common = [call.records[1]]

    def look() -> list[str]:
        raised = (send.raise_alert(alert, paths, NOBODY) for alert, paths in watch._log_alerts(call.home, AT))
        return [line["text"] for line in raised if line]

    head = release_log.head(call.log)
    [text] = look()
    assert f"make verify-release HEAD={head}" in text
    assert look() == []
    call.request(3)
    call.freeze(3)
    call.release(3, "Reject")
    assert release_log.head(call.log) in look()[0]
    assert verify.verify(call.root) == []
    call.log.write_bytes(b"".join(lines(call)[:2]))
    gone = [number for number, _ in send.heads(send.latest_lines(common[0]))][-1]
    assert f"Line {gone} had the hash" in look()[0]
    assert any("when people were told, and has it no more" in problem for problem in verify.verify(call.root))


def test_nobody_is_told_the_log_where_nobody_gets_alerts(call: Call) -> None:
    watch.watch_round(settings(call.home), AT)
    assert not any(str(line["key"]).startswith("log:") for line in send.latest_lines(call.records[1]))


# Removals


def remove_line(call: Call, number: int, by: str = "amina") -> None:
    decision = {"option": verify.REMOVE, "by": by, "at": AT.isoformat(timespec="seconds"), "comment": "Old"}
    about = {"notification": KEY, "version": 0, "is_rehearsal": False, "later_files": [], "purge": number}
    release_log.append(call.log, {**about, "decision": decision})


def test_a_removal_that_nobody_did_is_found(call: Call) -> None:
    confined.remove_tree(call.folder)
    remove_line(call, 1)
    assert any("has no such removal" in problem for problem in verify.verify(call.root))


def test_a_removal_of_something_else_does_not_stand_for_this_one(call: Call) -> None:
    given: Settings = settings(call.home)
    (call.root / "2019-01-01_full_inspection" / "v1").mkdir(parents=True)
    purge(given, NOW, do=True, by="amina", why="Old")
    record = call.home / PURGES
    assert release_log.entries(record)
    confined.remove_tree(call.folder)
    for number in (0, 1, 2, 99):
        remove_line(call, number)
        assert any("has no such removal" in problem for problem in verify.verify(call.root))


def test_a_removal_by_right_is_proved_and_its_record_is_watched(call: Call) -> None:
    purge(settings(call.home), NOW.replace(year=2040), do=True, by="amina", why="Over")
    assert not call.folder.exists()
    assert verify.verify(call.root) == []
    record = call.home / PURGES
    entry = release_log.entries(record)[0]
    record.write_bytes(record.read_bytes().replace(b'"why":"Over"', b'"why":"Else"'))
    assert any("is not as it was written" in problem for problem in verify.verify(call.root))
    record.unlink()
    release_log.append(record, {**entry, "by": "raj"})
    assert any("has no such removal" in problem for problem in verify.verify(call.root))


def test_what_is_there_again_after_its_removal_is_told(call: Call, tmp_path: Path) -> None:
    shutil.copytree(call.folder, tmp_path / "kept")
    purge(settings(call.home), NOW.replace(year=2040), do=True, by="amina", why="Over")
    shutil.copytree(tmp_path / "kept", call.folder)
    assert any("was removed, and it is there" in problem for problem in verify.verify(call.root))


# What is released, and what an earlier version froze


@pytest.mark.parametrize("name", [name for name in CHANGES if "lock" not in name and "enter" not in name])
def test_a_changed_version_is_not_released(call: Call, name: str) -> None:
    call.request(3)
    call.freeze(3)
    before = verify.version_hash(call.folder / "v3")
    assert before == files.sha256(call.folder / "v3" / "manifest.json")
    CHANGES[name][0](call.folder / "v3")
    with pytest.raises(ReleaseError):
        verify.version_hash(call.folder / "v3")
    with pytest.raises(ReleaseError):
        call.release(3, "Approve")
    assert not (call.folder / "released" / "v3").exists()


def test_a_workbook_that_the_approver_has_open_does_not_hinder(call: Call) -> None:
    call.request(3)
    call.freeze(3)
    folder = call.folder / "v3"
    folder.chmod(0o700)
    for lock in (f".~lock.{LISTS}#", f"~${LISTS}"):
        (folder / lock).write_text("amina")
    folder.chmod(0o500)
    verify.version_hash(folder)
    call.release(3, "Approve")
    assert not [path.name for path in (call.folder / "released" / "v3").iterdir() if path.name[0] in ".~"]


ELSEWHERE = ("../../../x", "/etc/passwd", "a\0b", "manifest.json", "a/../../b")


@pytest.mark.parametrize("outputs", [*({name: {"sha256": "0" * 64}} for name in ELSEWHERE), None, [], {"a": 1}])
def test_a_manifest_that_names_paths_elsewhere_is_none(call: Call, outputs: Any) -> None:
    path = call.folder / "v2" / "manifest.json"
    path.parent.chmod(0o700)
    path.chmod(0o600)
    path.write_text(json.dumps({**files.read_json(path), "outputs": outputs, "sealed": {}}))
    with pytest.raises(ReleaseError, match="is not that of a version"):
        verify.frozen_at(path.parent)


def test_what_an_earlier_version_froze_is_proved_by_what_it_has_and_the_rest_is_said(call: Call) -> None:
    """No listing in its manifest and receipt, and nothing of the call."""
    for folder in (call.folder / "v1", call.folder / "released" / "v1"):
        folder.chmod(0o700)
        for name in ("manifest.json", "receipt.json"):
            if (folder / name).exists():
                path = folder / name
                found = files.read_json(path)
                path.chmod(0o600)
                path.write_text(json.dumps({key: found[key] for key in found if key not in ("sealed", "call")}))
    released = call.folder / "released" / "v1"
    shutil.copy(call.folder / "v1" / "manifest.json", released)
    receipt, entry = files.read_json(released / "receipt.json"), release_log.entries(call.log)[0]
    digest = files.sha256(released / "manifest.json")
    receipt["manifest_sha256"] = receipt["files"]["manifest.json"]["sha256"] = digest
    (released / "receipt.json").write_text(json.dumps(receipt))
    old = {key: entry[key] for key in entry if key not in ("sealed", "call")}
    old |= {"files": receipt["files"], "manifest_sha256": digest}
    call.log.unlink()
    release_log.append(call.log, old | {"receipt_sha256": files.sha256(released / "receipt.json")})
    assert verify.verify(call.root) == []
    assert "  put on record by an earlier version: modes, request, timetable and alerts cannot be proved" in (
        verify.describe(call.root)
    )
    for place in ("v1", "released/v1"):
        (call.folder / place / "note.txt").write_text("x")
        assert verify.verify(call.root) == [f"{call.folder / place / 'note.txt'} was added."]
        (call.folder / place / "note.txt").unlink()


@pytest.mark.parametrize("place", ["", "released"])
def test_nothing_is_released_by_way_of_a_link(call: Call, tmp_path: Path, place: str) -> None:
    call.request(3)
    call.freeze(3)
    folder = call.folder / place
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    before = sorted(path.name for path in (tmp_path / "elsewhere").rglob("*"))
    with pytest.raises(ReleaseError, match="is a link, and nothing is released by way of one"):
        call.release(3, "Approve")
    assert sorted(path.name for path in (tmp_path / "elsewhere").rglob("*")) == before
