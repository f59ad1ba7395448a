"""Releasing: once, whole, on record; and whatever goes wrong, nothing half and nothing lost."""

import io
import json
import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msoffcrypto
import pytest

from inspection import encryption, release_log
from inspection.release import Decision, release
from inspection.verify import ReleaseError, describe, verify
from publish.excel.workbook import Column, Grid, write
from send_ready import files
from send_ready.settings import PROJECT
from tests.waiting import HANG

LONDON = ZoneInfo("Europe/London")
DUE = datetime(2026, 11, 17, 11, tzinfo=LONDON)
NOW = datetime(2026, 11, 17, 10, 12, 30, tzinfo=LONDON)
APPROVED = Decision("Approve", "amina", datetime(2026, 11, 17, 10, 11, tzinfo=UTC), "Checked")
REJECTED = Decision("Reject", "raj", datetime(2026, 11, 17, 10, 5, tzinfo=LONDON), "List 2 lacks two schools")
LISTS, ITEMS, CHRONOLOGY = "annex_a_person_level_lists.xlsx", "annex_a_further_items.xlsx", "chronology.xlsx"
PASSWORD = "correct horse battery"
INPUT = {"feed": "capita_one.students", "file_name": "students.csv", "sha256": "ab" * 32, "data_date": "2026-11-16"}


@dataclass(frozen=True)
class Call:
    """One notification in a folder of its own."""

    root: Path
    key: str = "2026-11-16_full_inspection"
    is_rehearsal: bool = False

    @property
    def released(self) -> Path:
        return self.root / self.key / "released"

    @property
    def log(self) -> Path:
        return self.root / release_log.NAME

    def version(self, number: int = 1, extra: int = 0) -> Path:
        """A frozen version, as inspection.freeze leaves it, with a file of so many bytes beside its workbooks."""
        folder = self.root / self.key / f"v{number}"
        folder.mkdir(parents=True)
        for name in (LISTS, ITEMS, "issues.xlsx"):
            write(folder / name, name, [Grid("List_1", [Column("Unique ID", "text", [f"S{number}"])])])
        (folder / "brief.md").write_text("Counts")
        (folder / "issues.parquet").write_bytes(os.urandom(extra))
        outputs = {
            path.name: {"bytes": path.stat().st_size, "sha256": files.sha256(path)} for path in sorted(folder.iterdir())
        }
        manifest = {
            "as_at": "2026-11-16",
            "la_code": "999",
            "council": "Sampleshire",
            "run_id": f"run-{number}",
            "request": {
                "notified_on": "2026-11-16",
                "kind": "full_inspection",
                "version": number,
                "is_rehearsal": self.is_rehearsal,
            },
            "inputs": [{**INPUT, "status": "fresh", "rows_in_file": 10}],
            "outputs": outputs,
        }
        files.write_json(folder / "manifest.json", manifest)
        for path in folder.iterdir():
            path.chmod(0o400)
        return folder

    def release(self, number: int = 1, decision: Decision = APPROVED, **changes: Any) -> dict[str, Any]:
        given: dict[str, Any] = {"due": DUE, "password": None, "later_files": [], "now": NOW, **changes}
        version = self.root / self.key / f"v{number}"
        return release(version, self.released, self.log, decision, **given)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return release_log.entries(self.log)


@pytest.fixture
def call(tmp_path: Path) -> Iterator[Call]:
    made = Call(tmp_path / "inspections")
    made.version()
    yield made
    for folder in made.released.glob("v*"):  # so that anybody can tidy up
        folder.chmod(0o700)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def edit(path: Path, content: bytes) -> None:
    """Change a file that is kept from being changed, as somebody determined would."""
    path.parent.chmod(0o700)
    if path.exists():
        path.chmod(0o600)
    path.write_bytes(content)


# What a release is


def test_an_approved_version_is_copied_with_a_receipt_and_a_line(call: Call) -> None:
    receipt = call.release(later_files=["ehc_hub_cases_20261117.csv"])
    frozen, released = call.root / call.key / "v1", call.released / "v1"
    assert {path.name for path in released.iterdir()} == {path.name for path in frozen.iterdir()} | {"receipt.json"}
    for path in frozen.iterdir():
        assert (released / path.name).read_bytes() == path.read_bytes()
        assert receipt["files"][path.name] == {"bytes": path.stat().st_size, "sha256": files.sha256(path)}
    assert receipt == files.read_json(released / "receipt.json")
    assert receipt["decision"] == {
        "option": "Approve",
        "by": "amina",
        "at": "2026-11-17T10:11:00+00:00",
        "comment": "Checked",
    }
    assert receipt["inputs"] == [{**INPUT, "status": "fresh"}]
    assert receipt["later_files"] == ["ehc_hub_cases_20261117.csv"]
    assert receipt["to_send"] == [LISTS, ITEMS]
    assert receipt["previous_log_sha256"] == release_log.FIRST
    assert (receipt["notified_on"], receipt["kind"], receipt["version"]) == ("2026-11-16", "full_inspection", 1)
    assert (receipt["council"], receipt["as_at"], receipt["run_id"]) == ("Sampleshire", "2026-11-16", "run-1")
    (line,) = call.lines
    assert {**line, **receipt} == line
    assert line["receipt_sha256"] == files.sha256(released / "receipt.json")
    assert verify(call.root) == []


def test_nobody_can_write_to_what_was_released_by_mistake(call: Call) -> None:
    call.release(password=PASSWORD)
    assert (call.released / "v1").stat().st_mode & 0o777 == 0o500
    assert {path.stat().st_mode & 0o777 for path in (call.released / "v1").iterdir()} == {0o400}


def test_workbooks_with_children_get_an_encrypted_copy(call: Call) -> None:
    receipt = call.release(password=PASSWORD)
    assert receipt["to_send"] == ["annex_a_person_level_lists_encrypted.xlsx", "annex_a_further_items_encrypted.xlsx"]
    for name, plain in zip(receipt["to_send"], (LISTS, ITEMS), strict=True):
        path = call.released / "v1" / name
        assert receipt["files"][name] == {"bytes": path.stat().st_size, "sha256": files.sha256(path)}
        opened = io.BytesIO()
        with path.open("rb") as file:
            book = msoffcrypto.OfficeFile(file)
            book.load_key(password=PASSWORD, verify_password=True)
            book.decrypt(opened)
        assert opened.getvalue() == (call.released / "v1" / plain).read_bytes()
    assert verify(call.root) == []


def test_the_password_is_on_no_record(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    call.release(password=PASSWORD)
    written = b"".join(snapshot(call.root).values())
    assert PASSWORD.encode() not in written and PASSWORD.encode("utf-16-le") not in written
    assert PASSWORD not in "".join([*capsys.readouterr(), *describe(call.root)])


def test_a_rehearsal_says_so(tmp_path: Path) -> None:
    drill = Call(tmp_path / "rehearsals", is_rehearsal=True)
    drill.version()
    assert drill.release()["is_rehearsal"] is True
    assert "(rehearsal)" in describe(drill.root)[0]


# Late is recorded, never hidden


@pytest.mark.parametrize(
    ("now", "late"),
    [
        (DUE - timedelta(seconds=1), 0),
        (DUE, 0),
        (DUE + timedelta(milliseconds=1), 1),
        (DUE + timedelta(hours=1, minutes=5), 3900),
        (datetime(2026, 11, 17, 12, 30, tzinfo=ZoneInfo("Europe/Paris")), 1800),
    ],
)
def test_it_is_late_from_the_first_moment_after_it_was_due(call: Call, now: datetime, late: int) -> None:
    receipt = call.release(now=now)
    assert (receipt["is_late"], receipt["late_by_seconds"]) == (late > 0, late)
    assert call.lines[0]["is_late"] is (late > 0)
    assert ("LATE" in describe(call.root)[0]) is (late > 0)


def test_an_approval_after_the_deadline_is_late_whatever_the_clock_of_the_release_says(call: Call) -> None:
    receipt = call.release(decision=Decision("Approve", "amina", DUE + timedelta(minutes=30), ""), now=DUE)
    assert receipt["late_by_seconds"] == 1800
    assert "LATE by 0:30:00 (due 17 Nov 2026 11:00)" in describe(call.root)[0]


def test_the_change_of_clocks_makes_nobody_later(call: Call) -> None:
    due, now = (datetime(2026, 10, day, 11, tzinfo=LONDON) for day in (23, 26))  # an hour more lies between them
    receipt = call.release(decision=Decision("Approve", "amina", now, ""), due=due, now=now)
    assert receipt["late_by_seconds"] == 73 * 3600
    assert (receipt["due"], receipt["released_at"]) == ("2026-10-23T11:00:00+01:00", "2026-10-26T11:00:00+00:00")


# Rejections, and decisions that cannot stand


def test_a_rejection_is_on_record_and_releases_nothing(call: Call) -> None:
    line = call.release(decision=REJECTED)
    assert call.lines == [line]
    assert line["decision"]["comment"] == "List 2 lacks two schools" and line["decision"]["by"] == "raj"
    assert not call.released.exists()
    assert call.release(decision=REJECTED, now=NOW + timedelta(minutes=5)) == line
    assert call.lines == [line]
    assert verify(call.root) == []
    assert "rejected by raj at 17 Nov 2026 10:05: List 2 lacks two schools" in describe(call.root)[0]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"decision": Decision("Reject", "raj", NOW, " \n")}, "A rejection needs a reason"),
        ({"decision": Decision("Approve", " ", NOW, "")}, "does not say whose it is"),
        ({"decision": Decision("Perhaps", "raj", NOW, "")}, "'Perhaps' is no decision"),
        ({"decision": Decision("Approve", "raj", datetime(2026, 11, 17, 10), "")}, "need a time zone"),
        ({"due": datetime(2026, 11, 17, 11)}, "need a time zone"),
        ({"now": datetime(2026, 11, 17, 11)}, "need a time zone"),
        ({"number": 7}, "There is no frozen version at .*/v7"),
    ],
)
def test_what_cannot_be_a_decision_changes_nothing(call: Call, changes: dict[str, Any], expected: str) -> None:
    before = snapshot(call.root)
    with pytest.raises(ReleaseError, match=expected):
        call.release(**changes)
    assert snapshot(call.root) == before


@pytest.mark.parametrize("first", [APPROVED, REJECTED])
@pytest.mark.parametrize("second", [APPROVED, REJECTED, Decision("Approve", "lin", NOW, "")])
def test_the_first_of_two_people_decides(call: Call, first: Decision, second: Decision) -> None:
    receipt = call.release(decision=first)
    before = snapshot(call.root)
    if first == second:
        assert call.release(decision=second) == receipt
    else:
        with pytest.raises(ReleaseError, match=f"Version 1 .*: {first.by} chose {first.option} at 17 Nov 2026 10:"):
            call.release(decision=second)
    assert snapshot(call.root) == before


def _race(call: Call, who: str, results: Any) -> None:
    try:
        call.release(decision=Decision("Approve", who, NOW, ""))
        results.put("released")
    except ReleaseError as error:
        results.put(str(error))


def test_of_many_who_approve_at_once_one_releases(call: Call) -> None:
    fork = multiprocessing.get_context("fork")
    results = fork.Queue()
    racers = [fork.Process(target=_race, args=(call, f"person {number}", results)) for number in range(6)]
    for racer in racers:
        racer.start()
    said = [results.get(timeout=HANG) for _ in racers]
    for racer in racers:
        racer.join()
    (line,) = call.lines
    assert said.count("released") == 1
    assert sum(f"{line['decision']['by']} chose Approve" in each for each in said) == 5
    assert verify(call.root) == []


def test_a_new_version_leaves_the_released_one_alone(call: Call) -> None:
    call.release()
    before = snapshot(call.released / "v1")
    call.version(2)
    second = Decision("Approve", "amina", NOW + timedelta(hours=1), "With the two schools")
    receipt = call.release(2, second)
    assert snapshot(call.released / "v1") == before
    assert receipt["previous_log_sha256"] == call.lines[0]["sha256"]
    assert verify(call.root) == []


def test_an_older_version_is_not_released_after_a_newer_one_but_may_be_rejected(call: Call) -> None:
    call.version(2)
    call.release(2)
    with pytest.raises(ReleaseError, match=r"Version 1 .* is older than version 2, which was released at"):
        call.release(1, Decision("Approve", "raj", NOW, ""))
    assert [path.name for path in call.released.iterdir()] == ["v2"]
    call.release(1, REJECTED)
    assert [(line["version"], line["decision"]["option"]) for line in call.lines] == [(2, "Approve"), (1, "Reject")]
    assert verify(call.root) == []


# Frozen files that changed


@pytest.mark.parametrize("name", [LISTS, "brief.md", "issues.parquet"])
@pytest.mark.parametrize("is_gone", [True, False])
def test_a_frozen_file_that_changed_is_named_and_not_released(call: Call, name: str, is_gone: bool) -> None:
    path = call.root / call.key / "v1" / name
    edit(path, b"other children")
    if is_gone:
        path.unlink()
    with pytest.raises(ReleaseError, match=f"/v1/{name} (has changed|cannot be read: No such file)"):
        call.release()
    assert not call.released.exists() and call.lines == []


def test_a_copy_that_went_wrong_is_not_released(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "copyfile", lambda _, target: target.write_bytes(b"half"))
    with pytest.raises(ReleaseError, match=r"Copying went wrong, and nothing is released\. .*/brief\.md has changed"):
        call.release()
    assert list(call.released.iterdir()) == [] and call.lines == []


def test_a_manifest_that_is_damaged_or_of_another_version_is_refused(call: Call) -> None:
    shutil.copytree(call.root / call.key / "v1", call.root / call.key / "v2")
    with pytest.raises(ReleaseError, match=r"v2/manifest\.json is that of version 1"):
        call.release(2)
    edit(call.root / call.key / "v1" / "manifest.json", b"{")
    with pytest.raises(ReleaseError, match=r"v1/manifest\.json cannot be read"):
        call.release()
    assert call.lines == []


def test_what_lies_beside_the_frozen_files_is_not_released(call: Call) -> None:
    """LibreOffice and Excel leave a lock file there while the approver looks at the lists."""
    (call.root / call.key / "v1" / f".~lock.{LISTS}#").write_text("amina")
    call.release()
    assert LISTS in {path.name for path in (call.released / "v1").iterdir()}
    assert not list((call.released / "v1").glob(".*"))


def test_a_folder_that_no_release_made_is_not_replaced(call: Call) -> None:
    (call.released / "v1").mkdir(parents=True)
    with pytest.raises(ReleaseError, match="v1 is there, but no release made it"):
        call.release()
    assert "v1 has no line in the log" in verify(call.root)[0]


# Killed, and tried again


def _release_until(call: Call, step: int) -> None:
    """Release, and be killed before the given one of the things that are done to files."""
    seen = 0

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if event in ("open", "os.rename", "os.mkdir", "os.chmod", "os.remove", "os.truncate", "shutil.copyfile"):
            seen += str(call.root) in str(arguments[0]) or event == "os.truncate"
            if seen == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    call.release()
    os._exit(0)


def test_whenever_it_is_killed_the_next_try_finishes_it(tmp_path: Path) -> None:
    template = Call(tmp_path / "template")
    template.version()
    step, survived = 0, False
    while not survived:
        step += 1
        call = Call(tmp_path / f"killed at {step}")
        shutil.copytree(template.root, call.root)
        child = multiprocessing.get_context("fork").Process(target=_release_until, args=(call, step))
        child.start()
        child.join()
        survived = child.exitcode == 0
        found = call.release(now=NOW + timedelta(minutes=1))
        assert verify(call.root) == [], step
        assert len(call.lines) == 1, step
        assert [path.name for path in call.released.iterdir()] == ["v1"], step
        assert found == files.read_json(call.released / "v1" / "receipt.json")
        assert (call.released / "v1").stat().st_mode & 0o777 == 0o500
        (call.released / "v1").chmod(0o700)
    assert step > 30


def test_a_folder_without_its_line_gets_it_and_that_is_told(call: Call) -> None:
    receipt = call.release()
    call.log.unlink()
    assert "v1 has no line in the log" in verify(call.root)[0]
    assert call.release(now=NOW + timedelta(minutes=9)) == receipt
    assert [line["was_mended"] for line in call.lines] == [True]
    assert "  its line was missing, and was added at 17 Nov 2026 10:21" in describe(call.root)
    assert verify(call.root) == []


def test_another_persons_decision_does_not_take_over_what_a_killed_process_released(call: Call) -> None:
    call.release()
    call.log.unlink()
    with pytest.raises(ReleaseError, match="amina chose Approve"):
        call.release(decision=REJECTED)
    assert [line["decision"]["by"] for line in call.lines] == ["amina"]


def test_half_a_line_in_the_log_is_kept_aside_and_told(call: Call) -> None:
    call.release(decision=REJECTED)
    call.version(2)
    written = call.log.read_bytes()
    call.log.write_bytes(written + written[:100])
    assert "has no end" in verify(call.root)[-1]
    call.release(2)
    assert call.log.with_name("release_log.jsonl.torn").read_bytes() == written[:100] + b"\n"
    assert "  half a line before it, left by a killed process, is kept in release_log.jsonl.torn" in describe(call.root)
    assert verify(call.root) == []


def test_half_a_folder_is_named_until_the_next_try(call: Call) -> None:
    half = call.released / ".v1.partial"
    half.mkdir(parents=True)
    (half / LISTS).write_text("half")
    assert verify(call.root) == [f"{half} is half a release: a process was killed. Release again, and it goes."]
    call.version(2)
    call.release(2)
    assert [path.name for path in call.released.iterdir()] == ["v2"]


# A full disk


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """What a quota or a full disk does to a write: OSError from the system itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_full_while_copying_leaves_nothing_half(tmp_path: Path) -> None:
    call = Call(tmp_path)
    call.version(extra=100_000)
    with no_file_larger_than(50_000), pytest.raises(ReleaseError) as refused:
        call.release()
    said = str(refused.value)
    assert f"not released, and nothing of it is in {call.released}" in said and "File too large" in said
    assert "bytes are needed there" in said and "are free" in said and "clear the task release" in said
    assert list(call.released.iterdir()) == [] and call.lines == []
    call.release()
    assert verify(call.root) == []


def test_a_disk_full_while_encrypting_leaves_nothing_half(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(encryption, "encrypt", no_room)
    with pytest.raises(ReleaseError, match="No space left on device"):
        call.release(password=PASSWORD)
    assert list(call.released.iterdir()) == [] and call.lines == []


def test_a_disk_full_at_the_log_takes_the_release_back(call: Call) -> None:
    call.version(2)
    call.release(1, Decision("Reject", "raj", NOW, "x" * 100_000))
    before = call.log.read_bytes()
    with no_file_larger_than(len(before) + 100), pytest.raises(ReleaseError, match="File too large"):
        call.release(2)
    assert list(call.released.iterdir()) == [] and call.log.read_bytes() == before
    call.release(2)
    assert verify(call.root) == []


ON_A_SMALL_DISK = """
import subprocess, sys
from pathlib import Path
sys.path[:0] = [{project!r}, {tests!r}]
disk = Path({disk!r})
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k,mode=700", "tmpfs", disk], check=True)
from test_release import Call, verify, ReleaseError, PASSWORD
call = Call(disk)
call.version(extra=150_000)
ballast = disk / "ballast"
ballast.write_bytes(bytes(100_000))
try:
    call.release(password=PASSWORD)
    raise SystemExit("there was room")
except ReleaseError as error:
    print(error)
assert list(call.released.iterdir()) == [], list(call.released.iterdir())
assert call.lines == []
ballast.unlink()
call.release(password=PASSWORD)
assert verify(disk) == []
print("released")
"""


def _has_a_disk_of_its_own() -> bool:
    probe = ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return bool(shutil.which("unshare")) and subprocess.run(probe, capture_output=True).returncode == 0


@pytest.mark.skipif(not _has_a_disk_of_its_own(), reason="needs leave to mount a disk; the tests above do without")
def test_on_a_disk_that_is_really_full(tmp_path: Path) -> None:
    script = ON_A_SMALL_DISK.format(project=str(PROJECT), tests=str(Path(__file__).parent), disk=str(tmp_path))
    command = ["unshare", "--map-root-user", "--mount", sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANG)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No space left on device" in done.stdout and done.stdout.endswith("released\n")


# Proof that nothing changed since


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda call: edit(call.released / "v1" / LISTS, b"other"), f"released/v1/{LISTS} has changed."),
        (lambda call: edit(call.released / "v1" / "note.txt", b""), "released/v1/note.txt was added."),
        (lambda call: edit(call.released / "v1" / ".note", b""), "released/v1/.note was added."),
        (lambda call: (call.released / "v1" / LISTS).unlink(), f"{LISTS} cannot be read: No such file"),
        (lambda call: edit(call.released / "v1" / "manifest.json", b"{}"), "released/v1/manifest.json has changed."),
        (lambda call: shutil.rmtree(call.released / "v1"), "released/v1/receipt.json cannot be read: No such file"),
        (lambda call: edit(call.root / call.key / "v1" / LISTS, b"other"), f"/v1/{LISTS} has changed."),
        (lambda call: edit(call.root / call.key / "v1" / "manifest.json", b"{}"), "/v1/manifest.json has changed."),
        (lambda call: edit(call.root / call.key / "v2" / "brief.md", b"{}"), "/v2/brief.md has changed."),
        (lambda call: shutil.copytree(call.released / "v1", call.released / "v9"), "v9 has no line in the log"),
        (lambda call: edit(call.released / "list.xlsx", b""), "list.xlsx has no line in the log"),
        (lambda call: call.log.unlink(), "v1 has no line in the log"),
    ],
)
def test_a_change_since_the_release_is_found(call: Call, change: Callable[[Call], None], expected: str) -> None:
    call.version(2)
    call.release(2, REJECTED)
    call.release(1)
    assert verify(call.root) == []
    (call.released / "v1").chmod(0o700)
    change(call)
    assert any(expected in problem for problem in verify(call.root))


def test_a_receipt_that_says_something_else_is_found(call: Call) -> None:
    receipt = call.release(now=DUE + timedelta(hours=1))
    edit(call.released / "v1" / "receipt.json", json.dumps({**receipt, "is_late": False}).encode())
    assert verify(call.root) == [f"{call.released}/v1/receipt.json has changed."]


def test_a_log_cut_at_its_end_is_found_by_the_release_that_has_no_line(call: Call) -> None:
    call.version(2)
    call.release(1)
    call.release(2, Decision("Approve", "amina", NOW + timedelta(hours=1), ""))
    first = call.log.read_bytes().splitlines(keepends=True)[0]
    call.log.write_bytes(first)
    assert len(verify(call.root)) == 1 and "released/v2 has no line in the log" in verify(call.root)[0]


def test_a_rejection_cut_out_of_the_log_is_found_by_the_receipt_after_it(call: Call) -> None:
    call.version(2)
    call.release(1, REJECTED)
    call.release(2)
    release_of_2 = call.lines[1]
    call.log.unlink()
    release_log.append(call.log, release_of_2)  # by somebody who knows how lines are made
    assert verify(call.root) == [f"The receipt of {call.key} v2 follows a line that the log no longer has."]


def test_a_version_decided_twice_is_found(call: Call) -> None:
    call.release()
    release_log.append(call.log, call.lines[0])
    assert verify(call.root) == [f"Line 2 of {call.log} decides version 1 of {call.key} a second time."]


def test_a_changed_line_is_found_and_its_release_is_not_believed(call: Call) -> None:
    call.release(now=DUE + timedelta(hours=1))
    call.log.write_bytes(call.log.read_bytes().replace(b'"is_late":true', b'"is_late":false'))
    problems = verify(call.root)
    assert f"Line 1 of {call.log} is not as it was written." in problems
    assert any("released/v1 has no line" in problem for problem in problems)


def test_the_hash_to_keep_is_shown_and_names_are_fit_for_a_terminal(call: Call) -> None:
    assert describe(call.root) == [f"Nothing was released or rejected in {call.root}."]
    call.release(decision=Decision("Approve", "amina\x1b[31m", NOW, "line 1\nline 2"), later_files=["a.csv", "b.csv"])
    first, later, last = describe(call.root)
    assert first == (
        "2026-11-16_full_inspection v1: approved by amina [31m at 17 Nov 2026 10:12, released at 17 Nov 2026 10:12, "
        "in time (due 17 Nov 2026 11:00): line 1 line 2"
    )
    assert later == "  not in it, because they came later: a.csv, b.csv"
    assert last == f"The hash of the last line, which is number 1: {call.lines[0]['sha256']}"


def test_releases_of_other_notifications_share_the_log(call: Call) -> None:
    other = Call(call.root, "2027-01-11_monitoring_inspection")
    other.version()
    call.release()
    other.release()
    assert [line["notification"] for line in call.lines] == [call.key, other.key]
    assert verify(call.root) == []
    (other.released / "v1").chmod(0o700)
