"""The release log: nothing whole is ever lost, and no byte of it changes unseen."""

import hashlib
import json
import multiprocessing
import os
import resource
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inspection import release_log

SCALAR = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
CONTENT = st.dictionaries(st.text(), SCALAR | st.lists(SCALAR, max_size=3), max_size=4)
LINKS = {"sequence", "previous_sha256", "sha256", "torn_line"}
EXAMPLES = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log.jsonl"


def filled(log: Path, contents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for leftover in log.parent.glob("log.jsonl*"):
        leftover.unlink()
    return [release_log.append(log, content) for content in contents]


def plain(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in LINKS}


def test_an_empty_log_has_no_entries_and_no_problems(log: Path) -> None:
    assert release_log.entries(log) == []
    assert release_log.check(log) == []
    assert release_log.head(log) == release_log.FIRST


def test_each_line_holds_its_number_its_hash_and_the_hash_before(log: Path) -> None:
    first, second = filled(log, [{"by": "Zoë"}, {"by": "Raj"}])
    assert (first["sequence"], first["previous_sha256"]) == (1, "0" * 64)
    assert (second["sequence"], second["previous_sha256"]) == (2, first["sha256"])
    body = f'{{"by":"Raj","previous_sha256":"{first["sha256"]}","sequence":2}}'
    assert second["sha256"] == hashlib.sha256(body.encode()).hexdigest()
    assert log.stat().st_mode & 0o777 == 0o600


@EXAMPLES
@given(contents=st.lists(CONTENT, max_size=5))
def test_what_is_appended_is_there_in_order(log: Path, contents: list[dict[str, Any]]) -> None:
    appended = filled(log, contents)
    assert release_log.entries(log) == appended
    assert [plain(entry) for entry in appended] == [plain(content) for content in contents]
    assert release_log.check(log) == []
    assert release_log.head(log) == (appended[-1]["sha256"] if appended else release_log.FIRST)


@EXAMPLES
@given(contents=st.lists(CONTENT, min_size=1, max_size=4), data=st.data())
def test_a_byte_that_changes_is_seen(log: Path, contents: list[dict[str, Any]], data: st.DataObject) -> None:
    filled(log, contents)
    written = bytearray(log.read_bytes())
    place = data.draw(st.integers(0, len(written) - 1))
    written[place] ^= data.draw(st.integers(1, 255))
    log.write_bytes(written)
    assert release_log.check(log)


@EXAMPLES
@given(contents=st.lists(CONTENT, min_size=2, max_size=5), data=st.data())
def test_a_line_that_goes_is_seen(log: Path, contents: list[dict[str, Any]], data: st.DataObject) -> None:
    filled(log, contents)
    lines = log.read_bytes().splitlines(keepends=True)
    del lines[data.draw(st.integers(0, len(lines) - 2))]
    log.write_bytes(b"".join(lines))
    assert release_log.check(log)


def test_a_line_of_another_log_is_seen(log: Path) -> None:
    filled(log, [{"by": "Amina"}, {"by": "Raj"}])
    _, foreign = log.read_bytes().splitlines(keepends=True)
    first, _ = filled(log, [{"by": "Zoë"}, {"by": "Raj"}])
    log.write_bytes(log.read_bytes().splitlines(keepends=True)[0] + foreign)
    assert release_log.entries(log)[0] == first
    assert release_log.check(log) == [
        f"Line 2 of {log} does not follow from the one before it: a line changed or went."
    ]


def test_a_line_that_was_made_with_care_but_has_another_number_is_seen(log: Path) -> None:
    body = json.dumps({"previous_sha256": release_log.FIRST, "sequence": 2}, separators=(",", ":"))
    entry = {**json.loads(body), "sha256": hashlib.sha256(body.encode()).hexdigest()}
    log.write_text(json.dumps(entry, separators=(",", ":"), sort_keys=True) + "\n")
    assert release_log.entries(log) == [entry]
    assert "Line 1" in release_log.check(log)[0]


def test_the_same_json_in_other_words_is_seen(log: Path) -> None:
    filled(log, [{"count": 1}])
    log.write_bytes(log.read_bytes().replace(b":1,", b": 1,"))
    assert release_log.check(log) == [f"Line 1 of {log} is not as it was written."]


@EXAMPLES
@given(contents=st.lists(CONTENT, min_size=1, max_size=3), data=st.data())
def test_a_line_cut_off_while_writing_is_set_aside(
    log: Path, contents: list[dict[str, Any]], data: st.DataObject
) -> None:
    appended = filled(log, contents)
    written = log.read_bytes()
    last = len(written.splitlines(keepends=True)[-1])
    left = data.draw(st.integers(1, last - 2))
    torn = written[len(written) - last :][:left]
    log.write_bytes(written[: len(written) - last] + torn)
    assert release_log.check(log)
    after = release_log.append(log, {"by": "Raj"})
    assert release_log.entries(log) == [*appended[:-1], after]
    assert after["torn_line"] == {"bytes": len(torn), "sha256": hashlib.sha256(torn).hexdigest()}
    assert log.with_name("log.jsonl.torn").read_bytes() == torn + b"\n"
    assert release_log.check(log) == []


def test_a_line_that_lacks_only_its_end_is_kept(log: Path) -> None:
    (first,) = filled(log, [{"by": "Amina"}])
    log.write_bytes(log.read_bytes().removesuffix(b"\n"))
    assert "no end" in release_log.check(log)[0]
    second = release_log.append(log, {"by": "Raj"})
    assert release_log.entries(log) == [first, second]
    assert "torn_line" not in second
    assert release_log.check(log) == []


def test_the_chain_goes_on_after_a_damaged_line_which_stays_on_view(log: Path) -> None:
    first, _, third = filled(log, [{"by": "Amina"}, {"by": "Raj"}, {"by": "Zoë"}])
    damaged = log.read_bytes().replace(b"Raj", b"Ray")
    log.write_bytes(damaged)
    fourth = release_log.append(log, {"by": "Lin"})
    assert log.read_bytes().startswith(damaged)
    assert release_log.entries(log) == [first, third, fourth]
    assert (fourth["sequence"], fourth["previous_sha256"]) == (4, third["sha256"])
    assert f"Line 2 of {log} is not as it was written." in release_log.check(log)


def test_a_full_disk_leaves_the_log_as_it_was(log: Path) -> None:
    filled(log, [{"by": "Amina"}])
    before = log.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 50, hard))  # bytes that a file may have
    try:
        with pytest.raises(OSError, match="File too large"):
            release_log.append(log, {"comment": "x" * 200})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert log.read_bytes() == before


def test_content_that_json_cannot_hold_is_refused_before_anything_is_written(log: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        release_log.append(log, {"share": float("nan")})
    assert release_log.entries(log) == []


def _append_ten(log: Path, who: int) -> None:
    for turn in range(10):
        release_log.append(log, {"by": who, "turn": turn})


def test_processes_take_turns(log: Path) -> None:
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=_append_ten, args=(log, who)) for who in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert release_log.check(log) == []
    assert len(release_log.entries(log)) == 40


def test_a_name_on_the_disk_is_asked_for(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    real = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda opened: (synced.append(os.readlink(f"/proc/self/fd/{opened}")), real(opened))
    )
    release_log.append(log, {"by": "Amina"})
    assert synced == [str(log.parent), str(log)]
