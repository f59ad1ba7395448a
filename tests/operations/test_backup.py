"""Backup and restore: everything comes back byte for byte, or nothing does and somebody is told why."""

import errno
import gzip
import io
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import stat
import tarfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from inspection import release_log, verify
from operations.backup import archive
from operations.backup import restore as restoring
from operations.backup.archive import LIST, Held
from operations.backup.backup import backup, folders
from operations.backup.restore import restore
from send_ready import confined, files
from send_ready.home import BACKUPS
from send_ready.runs import RunError
from tests.operations.home import NOW, TODAY, land, pack, released, settings, snapshot, version
from tests.waiting import until

FORK = multiprocessing.get_context("fork")
DAY = timedelta(days=1)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home with a bit of everything."""
    made = tmp_path / "home"
    for back in range(3):
        land(made, "capita_one.students", TODAY - back * DAY, f"Student ID\r\n{back}\r\n".encode() * 2000)
    land(made, "ehc_hub.cases", TODAY, b"Case Reference\r\nX\r\n")
    pack(made, TODAY, **{"issues.xlsx": b"issues", "readiness.html": b"<p>"})
    pack(made, TODAY - DAY, **{"issues.xlsx": b"before"})
    (made / "out" / "latest").symlink_to(TODAY.isoformat())
    version(made, TODAY - 40 * DAY)
    released(made, TODAY)
    version(made, TODAY, root="rehearsals")
    for name in (
        "runs/r/warehouse.duckdb",
        "typed/x.parquet",
        "airflow/server/airflow.db",
        "out/board/2026-10/kpi.xlsx",
    ):
        files.write_bytes(made / name, b"kept elsewhere")
    files.write_bytes(made / "out" / "alerts.jsonl", b"{}\n")
    files.write_bytes(made / "landing" / "capita_one" / "students" / ".12.partial", b"half")
    files.write_bytes(tmp_path / "config" / "targets" / "kpi_targets.csv", b"kpi_id\n")
    (tmp_path / "backups").mkdir()
    yield made
    for folder in tmp_path.glob("**/released/v*"):
        folder.chmod(0o700)


def made(home: Path, **changes: Any) -> Path:
    return backup(settings(home, config=home.parent / "config", **changes), home.parent / "backups", NOW)


def wanted(home: Path) -> dict[str, tuple[bytes, int]]:
    """What has to come back."""
    parts = {name: snapshot(home / name) for name in ("landing", "out")}
    found = {f"{part}/{name}": held for part, files in parts.items() for name, held in files.items()}
    return {name: held for name, held in found.items() if not name.startswith("out/rehearsals/")}


def test_what_cannot_be_built_again_comes_back(home: Path, tmp_path: Path) -> None:
    before, mode = wanted(home), (home / f"out/inspections/{TODAY}_full_inspection/released/v1").stat().st_mode
    path = made(home)
    assert path.name == "send-ready_999_20261116T090000Z.tar.gz"
    assert path.stat().st_mode & 0o777 == 0o600
    there = tmp_path / "new"
    told = restore(settings(there), path)
    assert {name: held for name, held in wanted(there).items() if not name.startswith("config")} == before
    assert (there / f"out/inspections/{TODAY}_full_inspection/released/v1").stat().st_mode == mode
    assert verify.verify(there / "out" / "inspections") == []
    assert (there / "out" / "latest").resolve().name == TODAY.isoformat()
    assert (there / "config" / "targets" / "kpi_targets.csv").read_bytes() == b"kpi_id\n"
    assert {path.name for path in there.iterdir()} == {"landing", "out", "config", "locks"}
    assert any(f"SEND_CONFIG={there / 'config'}" in line for line in told)
    assert all(path.stat().st_mode & 0o077 == 0 for path in there.rglob("*") if not path.is_symlink())


def test_an_archive_is_an_ordinary_one_and_on_record(home: Path) -> None:
    path = made(home)
    with tarfile.open(path) as tar:
        names = tar.getnames()
    assert names[-1] == LIST
    assert not [
        name for name in names if "partial" in name or "rehearsals" in name or name.startswith(("runs", "typed"))
    ]
    (line,) = release_log.entries(home / BACKUPS)
    assert (line["file"], line["bytes"], line["files"]) == (path.name, path.stat().st_size, len(names) - 1)
    again = backup(settings(home), path.parent, NOW + DAY)
    with tarfile.open(again) as tar:
        assert BACKUPS in tar.getnames()


@pytest.mark.parametrize(
    ("place", "says"),
    [
        (lambda home: home / "out", "lies in SEND_HOME"),
        (lambda home: home.parent / "to_home", "lies in SEND_HOME"),
        (lambda home: home.parent / "inbox", "lies in SEND_INBOX"),
        (lambda home: home.parent / "config", "lies in SEND_CONFIG"),
        (lambda home: home.parent / "not mounted", "see that its disk is mounted"),
    ],
)
def test_a_backup_goes_to_a_folder_elsewhere(home: Path, place: Callable[[Path], Path], says: str) -> None:
    (home.parent / "to_home").symlink_to(home)
    (home.parent / "inbox").mkdir()
    given = settings(home, inbox=home.parent / "inbox", config=home.parent / "config")
    with pytest.raises(RunError, match=says):
        backup(given, place(home), NOW)


def test_a_backup_goes_to_a_share_that_keeps_no_folders_of_its_own(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As SMB, which answers EINVAL when a folder is to be put on the disk."""
    real = os.fsync

    def fsync(opened: int) -> None:
        if stat.S_ISDIR(os.fstat(opened).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        real(opened)

    monkeypatch.setattr(os, "fsync", fsync)
    path = made(home)
    restore(settings(tmp_path / "new"), path)
    assert snapshot(tmp_path / "new" / "landing") == snapshot(home / "landing")


def test_an_empty_home_has_nothing_to_back_up(tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    with pytest.raises(RunError, match="nothing to back up"):
        backup(settings(tmp_path / "home"), tmp_path / "backups", NOW)


# Into what, and from what


def test_only_an_empty_home_is_restored_into(home: Path) -> None:
    path, before = made(home), wanted(home)
    with pytest.raises(RunError, match="is not empty: landing, out, records, runs, typed"):
        restore(settings(home), path)
    assert wanted(home) == before


def test_exports_that_wait_in_the_inbox_are_no_hindrance(home: Path, tmp_path: Path) -> None:
    path, there = made(home), tmp_path / "new"
    files.write_bytes(there / "inbox" / "a.csv", b"waits")
    (there / "config").mkdir()
    restore(settings(there, config=there / "config"), path)
    assert wanted(there) == wanted(home)
    assert (there / "inbox" / "a.csv").exists()


def test_another_councils_backup_is_refused(home: Path, tmp_path: Path) -> None:
    path = made(home)
    with pytest.raises(RunError, match=r"is of LA 999, and this is LA 888: see SEND_LA_CODE"):
        restore(settings(tmp_path / "new", la_code="888"), path)
    assert not (tmp_path / "new" / "landing").exists()
    with pytest.raises(RunError, match="There is no file"):
        restore(settings(tmp_path / "new"), tmp_path / "none.tar.gz")


def refused(path: Path, home: Path) -> bool:
    """Whether an archive is refused with nothing written; False when it is restored."""
    try:
        restore(settings(home), path)
    except RunError:
        assert {each.name for each in home.iterdir()} <= {"locks"}
        return True
    return False


def test_a_backup_with_a_damaged_byte_or_cut_off_never_restores_anything_else(home: Path, tmp_path: Path) -> None:
    """A sample of its bytes. Some change nothing, such as another way to pack the same: then all is as it was."""
    shutil.rmtree(home / "landing")
    whole = made(home)
    data, there, damaged = whole.read_bytes(), tmp_path / "new", tmp_path / "damaged.tar.gz"
    at_random = random.Random(5)  # noqa: S311
    for place in [*range(24), *at_random.sample(range(len(data)), 80), *range(len(data) - 16, len(data))]:
        flipped = bytearray(data)
        flipped[place] ^= 1 << at_random.randrange(8)
        damaged.write_bytes(flipped)
        if not refused(damaged, there):
            assert wanted(there) == wanted(home)
            confined.remove_tree(there)
    for size in (0, 1, 20, *at_random.sample(range(len(data)), 20), len(data) - 1):
        damaged.write_bytes(data[:size])
        assert refused(damaged, there)
    for more in (b"x", data):
        damaged.write_bytes(data + more)
        assert refused(damaged, there)


def test_what_the_disk_did_not_keep_as_it_was_written_is_not_restored(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, there, put = made(home), tmp_path / "new", restoring._put

    def put_badly(target: Path, content: Any) -> None:
        put(target, content)
        if target.name == "readiness.html":
            target.write_bytes(b"<q>")

    monkeypatch.setattr(restoring, "_put", put_badly)
    with pytest.raises(RunError, match=r"readiness\.html is not as the backup has it\. .+ Nothing was restored"):
        restore(settings(there), path)
    assert not (there / "out").exists() and not (there / "landing").exists()
    monkeypatch.setattr(restoring, "_put", put)
    restore(settings(there), path)
    assert wanted(there) == wanted(home)


def hostile(path: Path, *members: tarfile.TarInfo, listed: dict[str, Any] | None = None) -> Path:
    """An archive as somebody might make it to hurt, with a list that fits."""
    with tarfile.open(path, "w:gz") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(bytes(member.size)))
        found = {
            member.name: {
                "bytes": member.size,
                "sha256": files.hashlib.sha256(bytes(member.size)).hexdigest(),
                "mode": 384,
            }
            for member in members
        }
        about = {"format": 1, "la_code": "999", "code_style": "lettered", "made_at": "now", "code_version": "0"}
        text = json.dumps({**about, "files": found, **(listed or {})}).encode()
        last = tarfile.TarInfo(LIST)
        last.size = len(text)
        tar.addfile(last, io.BytesIO(text))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, size: int = 3, **more: Any) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.size = kind, size if kind == tarfile.REGTYPE else 0
    for key, value in more.items():
        setattr(found, key, value)
    return found


HOSTILE = {
    "absolute": [member("/tmp/evil")],
    "up and out": [member("out/../../evil")],
    "up": [member("../evil")],
    "elsewhere": [member("runs/evil")],
    "inbox": [member("inbox/evil.csv")],
    "a folder's own name": [member("out")],
    "not plain": [member("out//evil")],
    "link": [member("out/link", tarfile.SYMTYPE, linkname="/etc"), member("out/link/evil")],
    "hard link": [member("out/link", tarfile.LNKTYPE, linkname="/etc/passwd")],
    "device": [member("out/device", tarfile.CHRTYPE)],
    "fifo": [member("out/fifo", tarfile.FIFOTYPE)],
    "folder": [member("out/folder", tarfile.DIRTYPE)],
    "twice": [member("out/a"), member("out/a")],
    "below a file": [member("out/a"), member("out/a/b")],
    "sparse": [
        member("out/a", pax_headers={"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "out/a"})
    ],
}


@pytest.mark.parametrize("how", HOSTILE)
def test_a_hostile_archive_writes_nothing_anywhere(tmp_path: Path, how: str) -> None:
    assert refused(hostile(tmp_path / "hostile.tar.gz", *HOSTILE[how]), tmp_path / "new")
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    "listed",
    [{"files": {}}, {"files": None}, {"files": {"out/a": {}}}, {"format": 2}, {"format": None}],
)
def test_a_list_that_does_not_fit_is_refused(tmp_path: Path, listed: dict[str, Any]) -> None:
    assert refused(hostile(tmp_path / "hostile.tar.gz", member("out/a"), listed=listed), tmp_path / "new")
    assert not refused(hostile(tmp_path / "sound.tar.gz", member("out/a")), tmp_path / "new")


def test_a_header_that_claims_to_be_huge_takes_no_memory(tmp_path: Path) -> None:
    """A kilobyte of archive that unpacks to a header of 200 MB."""
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 200 << 20
    path = tmp_path / "bomb.tar.gz"
    with gzip.open(path, "wb") as packed:
        packed.write(header.tobuf(tarfile.USTAR_FORMAT))
        for _ in range(200):
            packed.write(bytes(1 << 20))
    with pytest.raises(RunError, match="damaged or cut off"):
        archive.checked_list(path, folders())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(RunError):
        archive.checked_list(path, folders())
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


# While others work, and when it is cut off


def test_a_pack_that_is_being_replaced_and_files_that_land_are_taken_whole(home: Path, tmp_path: Path) -> None:
    """Somebody publishes and lands all the while: each backup holds records with their bytes, and packs of one run."""
    stop = FORK.Event()

    def work() -> None:
        from send_ready.folders import replaced

        number = 0
        while not stop.is_set():
            number += 1
            with files.locked(home / "locks" / "capita_one__students"):
                land(home, "capita_one.students", TODAY, f"{number}".encode() * 5000)
            with files.locked(home / "locks" / "publish"), replaced(home / "out" / TODAY.isoformat()) as folder:
                for name in ("a", "b", "c"):
                    (folder / name).write_bytes(f"{number}".encode() * 50_000)

    worker = FORK.Process(target=work)
    worker.start()
    until("the first pack", (home / "out" / TODAY.isoformat() / "a").exists)
    try:
        for number in range(6):
            there = tmp_path / f"new{number}"
            restore(settings(there), backup(settings(home), tmp_path / "backups", NOW + number * DAY))
            assert len({path.read_bytes() for path in (there / "out" / TODAY.isoformat()).glob("?")}) == 1
            for record in (there / "landing").glob("*/*/*/*.json"):
                assert record.with_name(record.name.split(".")[0] + ".csv").exists()
    finally:
        stop.set()
        worker.join()


def killed_at_random(seconds: float, work: Callable[[], object]) -> bool:
    """Do the work in a child and kill it after so many seconds; whether it was still at it."""
    child = FORK.Process(target=work)
    child.start()
    time.sleep(seconds)
    if child.pid and child.is_alive():
        os.kill(child.pid, signal.SIGKILL)
    child.join()
    return child.exitcode == -signal.SIGKILL


def test_a_backup_that_is_killed_leaves_no_archive_and_the_next_one_is_whole(home: Path, tmp_path: Path) -> None:
    for number in range(40):
        land(home, "capita_one.enrolments", TODAY - number * DAY, os.urandom(200_000))
    backups, at_random, kills = tmp_path / "backups", random.Random(1), 0  # noqa: S311
    started = time.perf_counter()
    shutil.rmtree(tmp_path / "timed", ignore_errors=True)
    (tmp_path / "timed").mkdir()
    backup(settings(home), tmp_path / "timed", NOW)
    takes = time.perf_counter() - started
    for number in range(100):
        if kills > 1 and number >= 6:
            break
        kills += killed_at_random(
            takes * at_random.random(), lambda n=number: backup(settings(home), backups, NOW + n * DAY)
        )
        for path in backups.glob("send-ready_*"):
            archive.checked_list(path, folders())
    assert kills > 1
    path = backup(settings(home), backups, NOW + 101 * DAY)
    assert not list(backups.glob(".*"))
    restore(settings(tmp_path / "new"), path)
    assert snapshot(tmp_path / "new" / "landing") == snapshot(home / "landing")
    assert release_log.check(home / BACKUPS) == []


def test_a_restore_that_is_killed_is_finished_by_the_same_command(home: Path, tmp_path: Path) -> None:
    for number in range(40):
        land(home, "capita_one.enrolments", TODAY - number * DAY, os.urandom(100_000))
    path, at_random, kills = made(home), random.Random(2), 0  # noqa: S311
    started = time.perf_counter()
    restore(settings(tmp_path / "timed"), path)
    takes = time.perf_counter() - started
    for number in range(100):
        if kills > 1 and number >= 6:
            break
        there = tmp_path / f"new{number}"
        kills += killed_at_random(takes * at_random.random(), lambda there=there: restore(settings(there), path))
        found = {each.name for each in there.glob("[!.]*")}
        if "landing" not in found or (there / ".restoring").exists():
            restore(settings(there), path)
        assert wanted(there) == wanted(home)
        assert verify.verify(there / "out" / "inspections") == []
        assert not (there / ".restoring").exists()
    assert kills > 1


def test_between_two_moves_the_same_command_goes_on(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, there, moves = made(home), tmp_path / "new", []

    def move(source: Path, target: Path, real: Callable[..., None] = os.replace) -> None:
        if target.parent == there:
            moves.append(target)
            if len(moves) == 2:
                raise KeyboardInterrupt
        real(source, target)

    monkeypatch.setattr(os, "replace", move)
    with pytest.raises(KeyboardInterrupt):
        restore(settings(there), path)
    restore(settings(there), path)
    assert wanted(there) == wanted(home)


def test_cut_off_at_its_very_end_it_is_finished_or_done(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, there = made(home), tmp_path / "new"
    with monkeypatch.context() as patched:
        patched.setattr("operations.backup.restore._there", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            restore(settings(there), path)
    assert "Restored as it was" in " ".join(restore(settings(there), path))
    assert wanted(there) == wanted(home)
    assert not (there / ".restoring").exists()


def test_a_full_disk_leaves_no_backup_and_says_how_much_is_free(home: Path) -> None:
    land(home, "capita_one.enrolments", TODAY, os.urandom(3_000_000))
    before = wanted(home)

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            made(home)
        except RunError as error:
            os._exit(7 if "bytes are free. Make room there" in str(error) else 8)

    child = FORK.Process(target=limited)
    child.start()
    child.join()
    assert child.exitcode == 7
    assert not list((home.parent / "backups").iterdir())
    assert wanted(home) == before


def test_a_full_disk_restores_nothing(home: Path, tmp_path: Path) -> None:
    land(home, "capita_one.enrolments", TODAY, os.urandom(3_000_000))
    path, there = made(home), tmp_path / "new"

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            restore(settings(there), path)
        except RunError as error:
            os._exit(7 if "Nothing was restored. Put that right" in str(error) else 8)

    child = FORK.Process(target=limited)
    child.start()
    child.join()
    assert child.exitcode == 7
    assert {each.name for each in there.iterdir()} <= {"locks", ".restoring"}
    restore(settings(there), path)
    assert wanted(there) == wanted(home)


def test_what_cannot_be_read_back_is_no_backup(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The share took the bytes and kept others."""
    real = archive.write

    def spoiled(path: Path, *arguments: Any) -> dict[str, Any]:
        listed = real(path, *arguments)
        data = bytearray(path.read_bytes())
        middle = slice(len(data) // 2, len(data) // 2 + 64)  # one bit alone may mean the same
        data[middle] = bytes(byte ^ 0xFF for byte in data[middle])
        path.write_bytes(data)
        return listed

    monkeypatch.setattr(archive, "write", spoiled)
    with pytest.raises(RunError, match="damaged or cut off"):
        made(home)
    assert not list((home.parent / "backups").iterdir())


def test_memory_does_not_grow_with_the_landing(tmp_path: Path) -> None:
    with open(tmp_path / "large", "wb") as large:
        large.truncate(150 << 20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    archive.write(tmp_path / "a.tar.gz", [Held("landing/large", tmp_path / "large")], {})
    archive.checked_list(tmp_path / "a.tar.gz", folders())
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kilobytes
