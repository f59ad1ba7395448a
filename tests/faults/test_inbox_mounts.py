"""The inbox at its worst: read only, closed, slow, mute, broken, gone, empty, or changing while it is read.

In all: what can be landed is, byte for byte; what cannot is told with the next step; and the next night lands it.
"""

import datetime as dt
import errno
import hashlib
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from extract.choose import InboxError, extract
from extract.inbox import arrivals, drive
from extract.inbox.survey import survey
from send_ready import files, runs, settings
from send_ready.runs import Run
from send_ready.settings import PROJECT, Settings
from tests import debian
from tests.faults.network_drive import FOR_EVER, Drive, can_mount, connected
from tests.steps import SEND_READY
from tests.waiting import HANG

FEED = "capita_one.home_education"
NAME = "capita_one_home_education_20261116.csv"
EVE = "capita_one_home_education_20261115.csv"
OTHER, OTHER_NAME = "capita_one.exclusions", "capita_one_exclusions_20261116.csv"
AN_HOUR_AGO = time.time() - 3600


def export(first: int = 0, rows: int = 10) -> bytes:
    lines = [f"{student:05},01/09/2026,\n" for student in range(first, first + rows)]
    return "".join(["Student ID,Start Date,End Date\n", *lines]).encode()


def put(path: Path, data: bytes, at: float = AN_HOUR_AGO) -> Path:
    path.write_bytes(data)
    os.utime(path, (at, at))
    return path


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "SETTLE_SECONDS", 0.0)


@pytest.fixture
def given(tmp_path: Path) -> Settings:
    found = settings.load({"SEND_HOME": str(tmp_path / "home"), "AS_AT": "2026-11-16"})
    found.inbox.mkdir(parents=True)
    return found


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Drive]:
    debian.need("fuse")
    if not can_mount():
        pytest.skip("This machine has no /dev/fuse, or not for this user, as in most containers.")
    with connected(tmp_path) as made:
        yield made


@pytest.fixture
def afar(given: Settings, mounted: Drive) -> Settings:
    """With the inbox on the drive."""
    return replace(given, inbox=mounted.mount)


def begun(given: Settings) -> Run:
    run = runs.begin(replace(given, run_id=f"run-{time.time_ns()}"))
    survey(run, given)
    return run


def night(given: Settings, feed: str = FEED) -> tuple[dict[str, Any], str]:
    """What the feed came to, and what the step said about the inbox."""
    run = begun(given)
    try:
        return extract(run, given, feed), ""
    except InboxError as error:
        return files.read_json(run.feed_result(feed)), str(error)


def hashes(given: Settings) -> set[str]:
    """Of the exports that landed; each stands under its own."""
    found = set((given.home / "landing").rglob("*.csv"))
    for path in found:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.stem
    assert not list((given.home / "landing").rglob(".*")), "something half"
    return {path.stem for path in found}


def sha256(*versions: bytes) -> set[str]:
    return {hashlib.sha256(version).hexdigest() for version in versions}


def statuses(result: dict[str, Any]) -> dict[str, str]:
    return {file["file_name"]: file["status"] for file in result["files"]}


def told(run: Run, stage: str) -> list[tuple[str, str, str]]:
    return duckdb.execute(f"SELECT rule, severity, message FROM '{run.issues(stage)}' ORDER BY ALL").fetchall()


# Read only, or closed

AS_ANYBODY = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.getuid() == 0 else []


def by_hand(given: Settings, *arguments: str, first: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """A step as somebody whom the modes of files bind, as they do not bind root."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(("SEND_", "AIRFLOW"))}
    own |= {"SEND_HOME": str(given.home), "SEND_INBOX": str(given.inbox), "AS_AT": "2026-11-16", "SEND_RUN_ID": "t"}
    command = [*first, *AS_ANYBODY, SEND_READY, *arguments]
    return subprocess.run(command, cwd=PROJECT, env=own, capture_output=True, text=True, timeout=HANG)


def test_an_inbox_that_can_only_be_read_is_enough(given: Settings) -> None:
    put(given.inbox / NAME, export())
    (given.inbox / NAME).chmod(0o400)
    given.inbox.chmod(0o500)
    assert by_hand(given, "begin").returncode == 0
    assert by_hand(given, "extract", FEED).returncode == 0
    assert hashes(given) == sha256(export())


@pytest.mark.skipif(
    subprocess.run(["unshare", "--map-root-user", "--mount", "true"], capture_output=True).returncode != 0,
    reason="needs leave to mount a folder, as root has it; the test above does without",
)
def test_an_inbox_on_a_read_only_mount_is_enough(given: Settings) -> None:
    put(given.inbox / NAME, export())
    script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && ! touch "$0/x" 2>/dev/null && exec "$@"'
    first = ("unshare", "--map-root-user", "--mount", "sh", "-c", script, str(given.inbox))
    assert by_hand(given, "begin", first=first).returncode == 0
    done = by_hand(given, "extract", FEED, first=first)
    assert done.returncode == 0, done.stderr
    assert hashes(given) == sha256(export())


def test_a_closed_inbox_is_told_and_stops_nothing(given: Settings) -> None:
    put(given.inbox / NAME, export())
    given.inbox.chmod(0)
    begin = by_hand(given, "begin")
    assert begin.returncode == 0
    assert f"The inbox cannot be read. {given.inbox}: Permission denied." in begin.stderr
    done = by_hand(given, "extract", FEED)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert f"{given.inbox}: The inbox cannot be read: Permission denied." in done.stderr
    assert "What had landed before is in use. Let the account that runs the night read it" in done.stderr
    run = runs.find(replace(given, run_id="t"))
    assert [rule for rule, *_ in told(run, "inbox")] == ["F-18"]
    assert {rule for rule, *_ in told(run, "extract__capita_one__home_education")} == {"F-15", "F-18"}
    given.inbox.chmod(0o700)
    assert by_hand(given, "extract", FEED).returncode == 0
    assert hashes(given) == sha256(export())


def test_a_closed_file_is_told_and_those_beside_it_land(given: Settings) -> None:
    put(given.inbox / EVE, export())
    put(given.inbox / NAME, export(5)).chmod(0)
    by_hand(given, "begin")
    done = by_hand(given, "extract", FEED)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert f"{NAME}: It cannot be read: Permission denied." in done.stderr
    assert hashes(given) == sha256(export())
    verdict = by_hand(given, "verdict", FEED)
    assert f"{NAME}: deferred. It cannot be read: Permission denied. The next run tries again." in verdict.stdout
    (given.inbox / NAME).chmod(0o600)
    assert by_hand(given, "extract", FEED).returncode == 0
    assert hashes(given) == sha256(export(), export(5))


def test_a_folder_that_is_closed_is_told_and_holds_nobody_up(given: Settings) -> None:
    put(given.inbox / NAME, export())
    (given.inbox / "lost+found").mkdir(mode=0)
    begin = by_hand(given, "begin")
    assert f"{given.inbox}/lost+found: Permission denied" in begin.stderr
    assert by_hand(given, "extract", FEED).returncode == 0


def test_an_empty_inbox_is_told(given: Settings) -> None:
    put(given.inbox / NAME, export())
    night(given)
    (given.inbox / NAME).unlink()  # as when the drive is not connected, and its mount point is what one sees
    run = begun(given)
    assert told(run, "inbox") == []
    assert "The inbox is empty. If exports should lie there, connect its drive" in run.progress.read_text()
    result = extract(run, replace(given, as_at=dt.date(2026, 12, 16)), FEED)
    assert result["status"] == "fresh"


def test_an_inbox_that_nobody_made_yet_is_made(given: Settings) -> None:
    given.inbox.rmdir()
    assert "The inbox is empty." in begun(given).progress.read_text()
    assert given.inbox.is_dir()


def test_an_inbox_elsewhere_that_is_not_there_is_told(given: Settings, tmp_path: Path) -> None:
    given = replace(given, inbox=tmp_path / "share" / "exports")
    told_ = [("F-18", "error", f"The inbox cannot be read. {given.inbox}: No such file or directory.")]
    assert told(begun(given), "inbox") == told_
    assert "No such file or directory" in night(given)[1] and not given.inbox.exists()


# A drive that is slow, mute or broken


def test_a_slow_drive_is_waited_for(afar: Settings, mounted: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive, "CHUNK", 1 << 17)  # as much as the drive is asked for at once
    monkeypatch.setattr(drive, "PATIENCE", 6.0)
    data = export(rows=90_000)
    put(mounted.folder / NAME, data)
    mounted.obey({"call": "read", "seconds": 0.6})
    started = time.monotonic()
    result, said = night(afar)
    assert said == "" and result["status"] == "fresh" and hashes(afar) == sha256(data)
    assert time.monotonic() - started > drive.PATIENCE


@pytest.mark.parametrize("call", ["readdir", "getattr", "open", "read"])
def test_a_drive_that_never_answers_is_given_up(
    call: str, afar: Settings, mounted: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = drive.PATIENCE
    monkeypatch.setattr(drive, "PATIENCE", 2.0)
    put(mounted.folder / NAME, export())
    put(mounted.folder / OTHER_NAME, b"x")
    mounted.obey({"call": call, "name": "" if call == "readdir" else NAME, "seconds": FOR_EVER})
    started = time.monotonic()
    result, said = night(afar)
    assert "It has not answered for" in said and "the next run takes what is there" in said
    assert result["status"] == "missing" and hashes(afar) == set()
    night(afar)  # the lock of the feed is nobody's, though whoever waits for the drive cannot be ended
    assert time.monotonic() - started < FOR_EVER / 10
    monkeypatch.setattr(drive, "PATIENCE", usual)
    if call in ("open", "read"):
        assert night(afar, OTHER)[0]["files"][0]["status"] == "refused"  # it was read: no other feed is held up
    mounted.obey()
    assert night(afar)[0]["status"] == "fresh" and sha256(export()) <= hashes(afar)


BROKEN = {
    "input/output error at the start": {"call": "read", "errno": errno.EIO},
    "input/output error in the middle": {"call": "read", "errno": errno.EIO, "after": 1 << 17},
    "stale handle": {"call": "open", "errno": errno.ESTALE},
    "no such device": {"call": "open", "errno": errno.ENODEV},
    "closed": {"call": "open", "errno": errno.EACCES},
    "no answer from the host": {"call": "getattr", "errno": errno.EHOSTDOWN},
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_file_that_breaks_off_is_told_and_lands_the_next_night(how: str, afar: Settings, mounted: Drive) -> None:
    data = export(rows=10_000)
    put(mounted.folder / EVE, export())
    put(mounted.folder / NAME, data)
    mounted.obey(BROKEN[how] | {"name": NAME})
    result, said = night(afar)
    assert f"{NAME}: It cannot be read: {os.strerror(BROKEN[how]['errno'])}." in said
    assert statuses(result) == {EVE: "accepted", NAME: "deferred"}
    assert hashes(afar) == sha256(export())
    mounted.obey()
    assert night(afar)[1] == "" and hashes(afar) == sha256(export(), data)


@pytest.mark.parametrize("number", [errno.ESTALE, errno.ENOTCONN, errno.EIO, errno.EACCES, errno.EHOSTDOWN])
def test_an_inbox_that_cannot_be_listed_is_told(number: int, afar: Settings, mounted: Drive) -> None:
    put(mounted.folder / NAME, export())
    mounted.obey({"call": "readdir", "errno": number})
    run = begun(afar)
    assert told(run, "inbox") == [("F-18", "error", f"The inbox cannot be read. {afar.inbox}: {os.strerror(number)}.")]
    result, said = night(afar)
    assert f"{afar.inbox}: The inbox cannot be read: {os.strerror(number)}." in said
    assert result["status"] == "missing" and result["files"] == []
    mounted.obey()
    assert night(afar)[1] == "" and hashes(afar) == sha256(export())


def test_a_drive_whose_server_died_is_told(afar: Settings, mounted: Drive) -> None:
    put(mounted.folder / NAME, export())
    mounted.cut()
    assert f"cannot be read: {os.strerror(errno.ENOTCONN)}." in night(afar)[1]


@pytest.mark.parametrize("comes_back", [True, False])
def test_a_drive_that_goes_between_looking_and_reading(
    comes_back: bool, given: Settings, mounted: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    afar = replace(given, inbox=mounted.mount)
    put(mounted.folder / NAME, export())
    find_arrivals = arrivals.find_arrivals

    def look_and_lose(*arguments: Any) -> Any:
        found = find_arrivals(*arguments)
        mounted.disconnect()
        return found

    monkeypatch.setattr(arrivals, "find_arrivals", look_and_lose)
    result, _ = night(afar)
    assert statuses(result) == {NAME: "deferred"} and hashes(afar) == set()
    assert result["files"][0]["reason"] == "It went away before it was read. The next run tries again."
    monkeypatch.setattr(arrivals, "find_arrivals", find_arrivals)
    if comes_back:
        shutil.copytree(mounted.folder, mounted.mount, dirs_exist_ok=True)
        assert night(afar)[0]["status"] == "fresh" and hashes(afar) == sha256(export())
    else:
        assert "The inbox is empty." in begun(afar).progress.read_text()


def test_a_file_of_which_less_comes_than_it_holds_does_not_land(afar: Settings, mounted: Drive) -> None:
    put(mounted.folder / NAME, export())
    mounted.obey({"call": "read", "bytes": 0, "after": 100}, {"call": "read", "bytes": 100})
    result, _ = night(afar)
    assert statuses(result) == {NAME: "deferred"} and hashes(afar) == set()
    mounted.obey({"call": "read", "bytes": 100})  # bit by bit, but all of it
    assert night(afar)[0]["status"] == "fresh" and hashes(afar) == sha256(export())


# A file that changes while it is read

FIRST, SECOND = export(0, 40), export(50_000, 40)  # of one size
OTHER_SIZE = export(0, 60)


def replaced(path: Path, data: bytes = OTHER_SIZE, at: float = AN_HOUR_AGO + 60) -> None:
    os.replace(put(path.with_name(".new"), data, at), path)


def overwritten(path: Path, data: bytes = OTHER_SIZE, at: float = AN_HOUR_AGO + 60) -> None:
    with path.open("r+b") as file:
        file.write(data)
    os.utime(path, (at, at))


def appended(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"99999,01/09/2026,\n")
    os.utime(path, (AN_HOUR_AGO + 60, AN_HOUR_AGO + 60))


CHANGES: dict[str, tuple[Callable[[Path], None], bytes | None]] = {
    "replaced": (replaced, OTHER_SIZE),
    "replaced by one of its size and time": (lambda path: replaced(path, SECOND, AN_HOUR_AGO), SECOND),
    "overwritten": (overwritten, OTHER_SIZE),
    "overwritten in its size and time": (lambda path: overwritten(path, SECOND, AN_HOUR_AGO), SECOND),
    "appended to": (appended, FIRST + b"99999,01/09/2026,\n"),
    "cut": (lambda path: overwritten((path.write_bytes(b"") and path) or path, export(0, 5)), export(0, 5)),
    "deleted": (Path.unlink, None),
    "renamed": (lambda path: os.replace(path, path.with_name("Capita One Home Education 2026-11-16.csv")), FIRST),
}
PIECE = 100  # bytes: the file comes in some eight of them
MOMENTS = (0, 4, -1)  # before the first, after that many pieces, after the last


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("change", CHANGES)
def test_no_mixture_of_two_versions_lands(
    change: str, moment: int, given: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(given.inbox / NAME, FIRST)
    act, after = CHANGES[change]
    monkeypatch.setattr(drive, "CHUNK", PIECE)
    read = drive._read

    def read_and_change(path: Path) -> Iterator[Any]:
        count = len(FIRST) // PIECE + 1 if moment < 0 else moment
        for number, piece in enumerate(read(path)):
            if number == count:
                act(path)
            yield piece

    monkeypatch.setattr(drive, "_read", read_and_change)
    result, _ = night(given)
    assert statuses(result) == {NAME: "deferred"}
    assert hashes(given) == set()
    monkeypatch.setattr(drive, "_read", read)
    result, _ = night(given)
    assert hashes(given) == (sha256(after) if after else set())
    assert result["status"] == ("fresh" if after else "missing")
    assert path.exists() == (change not in ("deleted", "renamed"))


@pytest.mark.parametrize("how", [replaced, overwritten])
def test_another_version_of_the_same_size_and_time_lands_the_next_night(
    how: Callable[..., None], given: Settings
) -> None:
    path = put(given.inbox / NAME, FIRST)
    night(given)
    how(path, SECOND, AN_HOUR_AGO)
    result, _ = night(given)
    assert hashes(given) == sha256(FIRST, SECOND)
    assert {result["sha256"]} == sha256(SECOND)


def test_a_file_is_read_again_only_when_something_about_it_changed(
    given: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(given.inbox / NAME, FIRST)
    night(given)
    read, asked = drive.read_pieces, []
    monkeypatch.setattr(drive, "read_pieces", lambda path: asked.append(path) or read(path))
    night(given)
    assert asked == []
    os.utime(path, (AN_HOUR_AGO + 5, AN_HOUR_AGO + 5))  # as a backup or a copy of the folder does
    night(given)
    night(given)
    assert asked == [path] and hashes(given) == sha256(FIRST)


def test_whole_versions_land_from_a_file_that_never_rests(given: Settings) -> None:
    """Two versions of one size and time in turns, in place and by replacement, while night follows night."""
    path = put(given.inbox / NAME, FIRST)
    stop = threading.Event()

    def meddle() -> None:
        while not stop.wait(0.002):
            for how, data in ((replaced, SECOND), (overwritten, FIRST)):
                how(path, data, AN_HOUR_AGO)

    meddler = threading.Thread(target=meddle)
    meddler.start()
    try:
        for _ in range(15):
            night(given)
            assert hashes(given) <= sha256(FIRST, SECOND)
    finally:
        stop.set()
        meddler.join()
    last = path.read_bytes()
    result, _ = night(given)
    assert {result["sha256"]} == sha256(last)
