"""What is done when somebody has decided about a version."""

import os
import pwd
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from publish_run import settings

from inspection import approval, sign_off
from inspection.call import CallParameters, Version, register
from inspection.release import Decision
from inspection.verify import describe, verify
from publish.excel.workbook import Column, Grid, write
from send_ready import files
from send_ready.runs import Run, RunError
from send_ready.settings import LONDON

TEN = datetime(2026, 11, 17, 10, tzinfo=LONDON)
ANSWER = Decision("Approve", "amina", datetime(2026, 11, 17, 9, 58, 1, 123456, tzinfo=UTC), "Checked")
LISTS = "annex_a_person_level_lists.xlsx"


def frozen(home: Path, *, is_rehearsal: bool = False, la_code: str = "999") -> Version:
    """A call with one frozen version of one workbook."""
    run = Run(home, "one", date(2026, 11, 16), la_code)
    wanted = register(run, CallParameters(date(2026, 11, 16), is_rehearsal=is_rehearsal), TEN - timedelta(hours=1))
    wanted.folder.mkdir()
    write(wanted.folder / LISTS, "Lists", [Grid("List_1", [Column("Unique ID", "text", ["S1"])])])
    manifest: dict[str, Any] = {
        "as_at": "2026-11-16",
        "la_code": la_code,
        "council": "Sampleshire",
        "run_id": "one",
        "inputs": [],
        "request": wanted.manifest_facts(),
        "outputs": {LISTS: {"sha256": files.sha256(wanted.folder / LISTS), "bytes": 1}},
    }
    files.write_json(wanted.folder / "manifest.json", manifest)
    return wanted


def test_what_was_not_frozen_is_not_released(tmp_path: Path) -> None:
    run = Run(tmp_path, "one", date(2026, 11, 16), "999")
    wanted = register(run, CallParameters(date(2026, 11, 16)), TEN - timedelta(hours=1))
    with pytest.raises(RunError, match=f"There is no frozen version at {wanted.folder}. Make one"):
        sign_off.sign_off(settings(tmp_path), wanted, Decision("Approve", "amina", TEN), TEN)


@pytest.mark.parametrize("damage", [b"", b"{", b"[]"])
def test_a_version_whose_manifest_is_damaged_is_not_released(tmp_path: Path, damage: bytes) -> None:
    wanted = frozen(tmp_path)
    files.write_bytes(wanted.folder / "manifest.json", damage)
    with pytest.raises(RunError, match=r"manifest\.json cannot be read: it is not as it was written\. Make a new"):
        sign_off.sign_off(settings(tmp_path), wanted, Decision("Approve", "amina", TEN), TEN)


def test_without_an_answer_only_a_rehearsal_goes_on(tmp_path: Path) -> None:
    wanted = frozen(tmp_path)
    with pytest.raises(RunError, match="Nobody has approved version 1"):
        sign_off.sign_off(settings(tmp_path), wanted, None, TEN)
    assert not wanted.request.released.exists()


def test_a_rehearsal_on_the_sample_is_released_by_nobody_into_its_own_place(tmp_path: Path) -> None:
    wanted = frozen(tmp_path, is_rehearsal=True)
    receipt = sign_off.sign_off(settings(tmp_path), wanted, None, TEN)
    assert receipt and receipt["is_rehearsal"] is True
    assert "simulated" in receipt["decision"]["by"]
    assert (tmp_path / "out" / "rehearsals" / wanted.request.key / "released" / "v1" / LISTS).exists()
    assert not (tmp_path / "out" / "inspections").exists()


def test_a_rehearsal_on_real_exports_copies_nothing(tmp_path: Path) -> None:
    wanted = frozen(tmp_path, is_rehearsal=True, la_code="888")
    assert sign_off.sign_off(settings(tmp_path), wanted, None, TEN) is None
    assert not wanted.request.released.exists()
    assert "nothing was copied or released" in sign_off.outcome_lines(wanted, None)[0]


def test_a_feed_that_turns_up_at_five_to_eleven_is_named_and_the_release_goes_on(tmp_path: Path) -> None:
    wanted = frozen(tmp_path)
    given = settings(tmp_path)
    given.inbox.mkdir()
    (given.inbox / "capita_one_students_20261117.csv").write_text("Student ID\n1\n")
    (given.inbox / "holiday photos.zip").write_bytes(b"")
    receipt = sign_off.sign_off(given, wanted, ANSWER, TEN)
    assert receipt and receipt["later_files"] == ["capita_one_students_20261117.csv"]
    said = "\n".join(sign_off.outcome_lines(wanted, receipt))
    assert "Not in it, because they came after it was built: capita_one_students_20261117.csv" in said


def test_an_inbox_that_is_gone_does_not_hold_the_release_back(tmp_path: Path) -> None:
    wanted = frozen(tmp_path)
    receipt = sign_off.sign_off(settings(tmp_path), wanted, ANSWER, TEN)
    inbox = tmp_path / "inbox"
    told = f"whatever lies in {inbox}, which cannot be read (No such file or directory)"
    assert receipt and receipt["later_files"] == [told]


def test_late_is_told_and_on_record(tmp_path: Path) -> None:
    wanted = frozen(tmp_path)
    decision = ANSWER
    receipt = sign_off.sign_off(settings(tmp_path), wanted, decision, TEN + timedelta(hours=1, minutes=7))
    assert receipt and receipt["is_late"] is True
    assert "That was 0:07:00 after the lists were due." in "\n".join(sign_off.outcome_lines(wanted, receipt))


def test_a_rejection_is_told_with_the_way_on(tmp_path: Path) -> None:
    wanted = frozen(tmp_path)
    line = sign_off.sign_off(settings(tmp_path), wanted, Decision("Reject", "raj", TEN, "Two schools lack"), TEN)
    said = sign_off.outcome_lines(wanted, line)
    assert (
        said[0]
        == "Version 1 of 2026-11-16_full_inspection was rejected by raj. The reason is on record: make verify-release"
    )
    assert "Two schools lack" not in "".join(said)  # a task's log is read by others than the record
    assert line and line["decision"]["comment"] == "Two schools lack"
    assert "trigger again" in said[1]
    assert not wanted.request.released.exists()


def test_the_password_makes_an_encrypted_copy(tmp_path: Path) -> None:
    wanted = frozen(tmp_path)
    password = tmp_path / "password"
    files.write_bytes(password, b"four words that differ\n")
    password.chmod(0o600)
    given = settings(tmp_path, release_password_file=password)
    receipt = sign_off.sign_off(given, wanted, ANSWER, TEN)
    assert receipt and receipt["to_send"] == ["annex_a_person_level_lists_encrypted.xlsx"]


def test_what_was_decided_in_a_shell_is_told_as_such(tmp_path: Path) -> None:
    """The name is one that somebody typed; whose shell it was the machine knows."""
    wanted = frozen(tmp_path)
    by_hand = approval.decision_on_command_line("Approve", "Amina Khan", "Airflow was down", TEN)
    receipt = sign_off.sign_off(settings(tmp_path), wanted, by_hand, TEN)
    user = pwd.getpwuid(os.getuid()).pw_name
    assert receipt and (receipt["decision"]["by"], receipt["decision"]["os_user"]) == ("Amina Khan", user)
    told = "\n".join(describe(wanted.request.root))
    assert f"decided at the command line, in the shell of {user}: the name is as typed" in told
    assert verify(wanted.request.root) == []
