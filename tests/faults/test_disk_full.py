"""A disk that is full at every step of the night, and at every place within a step.

In all: it says so and what to do, no half file counts, what is published stays, and with room made the same commands
come to the same bytes. Releasing on a full disk: tests/unit/test_release.py.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from commands import play_dag
from send_ready import disk, files
from send_ready.settings import PROJECT
from tests.faults.house import EVE, STEPS, House
from tests.faults.kills import Undisturbed
from tests.faults.standing import assert_whole, landed, pack, runs_served, served
from tests.steps import SEND_READY, Nursery

SIZE = "250m"
# What is left on the disk, in bytes, at each try: before the step's first file, and ever further into its work.
TRIES: dict[tuple[str, ...], tuple[int, ...]] = {
    ("begin",): (0,),
    ("extract", "capita_one.attendance"): (0, 16_384, 100_000, 200_000),
    ("validate-feeds",): (0,),
    ("build",): (0, 400_000, 9_000_000),
    ("validate-lists",): (0,),
    ("publish",): (0, 60_000, 300_000),
    ("serve",): (0, 800_000, 4_000_000),
}


@dataclass
class Disk:
    """A small disk under a SEND_HOME, which only the steps have mounted; seen here through them."""

    nursery: Nursery
    seen: Path

    def leave(self, free: int) -> None:
        """Fill the disk but for so many bytes."""
        with open(self.seen / ".ballast", "wb") as ballast:
            os.posix_fallocate(ballast.fileno(), 0, max(1, shutil.disk_usage(self.seen).free - free))

    def make_room(self) -> None:
        (self.seen / ".ballast").unlink()

    def copy(self, to: Path) -> Path:
        """What has to be whole, where DuckDB can open it too: it takes a path of another process for its own."""
        shutil.rmtree(to, ignore_errors=True)
        to.mkdir()
        (to / "serving").symlink_to(os.readlink(self.seen / "serving"))
        for name in ("landing", "out", "published"):
            shutil.copytree(self.seen / name, to / name, symlinks=True)
        return to


class Apart(Nursery):
    """A nursery that has a disk of its own, of memory, over a folder."""

    def __init__(self, folder: Path) -> None:
        mount = f'mount -t tmpfs -o size={SIZE} tmpfs "$0" && exec "$@"'
        self._process = subprocess.Popen(
            ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, str(folder),
             sys.executable, "-m", "tests.nursery"],
            cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self._process.stdout and self._process.stdout.readline() == "ready\n"
        self.root = Path(f"/proc/{self._process.pid}/root")


def has_disks_of_its_own() -> bool:
    probe = ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return bool(shutil.which("unshare")) and subprocess.run(probe, capture_output=True).returncode == 0


@pytest.fixture
def small(after_eve: Path, tmp_path: Path) -> Iterator[tuple[House, Disk]]:
    """The council's house on a small disk, on the morning after its first night; the inbox lies elsewhere."""
    folder = tmp_path / "home"
    folder.mkdir()
    nursery = Apart(folder)
    try:
        seen = nursery.root / folder.relative_to("/")
        shutil.copytree(after_eve / "home", seen, symlinks=True, dirs_exist_ok=True)
        shutil.copytree(after_eve / "inbox", tmp_path / "inbox")
        yield House(nursery, folder, tmp_path / "inbox"), Disk(nursery, seen)
    finally:
        nursery.close()


def assert_told(status: int, said: str, step: object) -> None:
    assert status == 2, (step, said)
    assert "The disk is full" in said and "Make room, and run this step again" in said, (step, said)
    assert "Traceback" not in said, (step, said)


@pytest.mark.skipif(
    not has_disks_of_its_own(), reason="needs leave to mount a disk, as root has it; a test below does without"
)
def test_a_disk_that_is_full_at_every_step(small: tuple[House, Disk], peace: Undisturbed, tmp_path: Path) -> None:
    house, disk = small
    for step in STEPS:
        for room in TRIES.get(step, ()):
            disk.leave(room)
            ended = house.run(*step)
            assert_told(ended.status, ended.said, (step, room))
            disk.make_room()
            found = disk.copy(tmp_path / "found")
            assert_whole(found)
            assert runs_served(found) == {"eve"}
            assert os.readlink(found / "out" / "latest") == ("2026-11-16" if step == ("serve",) else "2026-11-15")
        ended = house.run(*step)
        assert ended.status == 0, (step, ended)
    assert not [path for path in disk.seen.rglob("*") if ".partial" in path.name]

    found = disk.copy(tmp_path / "found")
    assert landed(found) == peace.landed
    assert pack(found) == peace.pack
    assert served(found) == peace.served


@pytest.mark.skipif(not has_disks_of_its_own(), reason="needs leave to mount a disk, as root has it")
def test_what_only_looks_works_on_a_full_disk(small: tuple[House, Disk]) -> None:
    house, disk = small
    disk.leave(0)
    ended = house.run("summary", run_id="eve", as_at=EVE)
    assert ended.status == 0 and "The lists" in ended.said


# A quota, where nobody may mount


def under_a_quota(house: House, size: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A step that may write no file larger than so many bytes: the system itself refuses, as on a full disk."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SEND_", "AIRFLOW", "AS_AT"))}
    own = {"SEND_HOME": house.home, "SEND_INBOX": house.inbox, "SEND_RUN_ID": "night", "AS_AT": "2026-11-16"}
    return subprocess.run(
        ["prlimit", f"--fsize={size}", SEND_READY, *arguments],
        cwd=PROJECT, env=kept | {key: str(value) for key, value in own.items()}, capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.parametrize("size", [10, 20_000, 140_000])
def test_a_quota_at_landing_leaves_nothing_half(house: House, size: int) -> None:
    house.run("begin")
    before = landed(house.home)
    done = under_a_quota(house, size, "extract", "capita_one.attendance")
    assert_told(done.returncode, done.stderr, size)
    assert landed(house.home).items() >= before.items()
    assert_whole(house.home)
    assert house.run("extract", "capita_one.attendance").status == 0
    result = files.read_json(house.home / "runs" / "night" / "feeds" / "capita_one__attendance.json")
    assert (result["status"], result["data_date"]) == ("fresh", "2026-11-16")


def test_a_progress_that_cannot_be_written_is_told_and_nothing_is_lost(house: House) -> None:
    house.run("begin")
    progress = house.home / "runs" / "night" / "progress.jsonl"
    lines = progress.read_bytes()
    progress.write_bytes(lines * (500_000 // len(lines)))
    done = under_a_quota(house, progress.stat().st_size, "extract", "capita_one.students")
    assert_told(done.returncode, done.stderr, "progress")
    assert house.run("extract", "capita_one.students").status == 0
    result = files.read_json(house.home / "runs" / "night" / "feeds" / "capita_one__students.json")
    assert result["status"] == "fresh"


# In whichever words


def test_an_airflow_whose_log_was_cut_off_by_a_full_disk_is_not_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "airflow.log"
    log.write_text('  File "task_runner.py", line 2187, in _run_execute_callable\n    res')
    play_dag._tell_failures(log, [])
    assert "to its end.     res\n" in capsys.readouterr().out
    real = os.statvfs
    monkeypatch.setattr(os, "statvfs", lambda path: os.statvfs_result((*real(path)[:3], 0, 0, *real(path)[5:])))
    play_dag._tell_failures(log, [])
    assert f"to its end. The disk is full: 0.0 MB are free for {tmp_path}, " in capsys.readouterr().out


def test_work_that_spills_onto_a_full_disk_is_told(tmp_path: Path) -> None:
    """DuckDB does not speak of the disk then: what it may spill is 90 % of what was free when it began."""
    with duckdb.connect(config={"memory_limit": "40MB", "threads": 1, "temp_directory": str(tmp_path)}) as con:
        con.execute("SET max_temp_directory_size = '1MB'")
        with pytest.raises(duckdb.OutOfMemoryException) as spilled:
            con.execute("SELECT count(*) FROM (SELECT random() AS r FROM range(9_000_000) ORDER BY r)").fetchall()
    assert disk.full(spilled.value, tmp_path)


def test_other_errors_are_not_taken_for_a_full_disk(tmp_path: Path) -> None:
    for error in (PermissionError(13, "Permission denied"), ValueError("full"), duckdb.IOException("No such file")):
        assert disk.full(error, tmp_path) is None


def test_a_full_disk_behind_another_error_is_found(tmp_path: Path) -> None:
    try:
        try:
            raise OSError(28, "No space left on device")
        except OSError as error:
            raise RuntimeError("dbt stopped") from error
    except RuntimeError as error:
        said = disk.full(error, tmp_path / "not yet there")
    assert said and f"MB are free for {tmp_path}/not yet there, " in said
