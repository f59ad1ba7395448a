"""What the machine refuses is told with what to do, whoever met it; other errors stay what they are."""

import errno
import os
import sys
from datetime import date
from pathlib import Path

import duckdb
import psutil
import pytest

from commands import cli
from send_ready import database, disk, machine
from send_ready.runs import Run, RunError, step
from send_ready.settings import SettingsError, load

AGAIN = "run this step again."


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            PermissionError(errno.EACCES, "Permission denied", "/srv/send/runs"),
            "/srv/send/runs: Permission denied. What",
        ),
        (OSError(errno.EIO, "Input/output error", "/srv/send/x"), "/srv/send/x: Input/output error. What"),
        (OSError(errno.ENAMETOOLONG, "File name too long", "/srv/x"), "/srv/x: File name too long. What"),
        (
            duckdb.IOException('IO Error: Cannot open file "/srv/x": Permission denied'),
            'open file "/srv/x": Permission',
        ),
        (MemoryError(), "There is not enough memory: DuckDB may hold "),
        (duckdb.OutOfMemoryException("Out of Memory Error: could not allocate block"), "set SEND_MEMORY to more"),
        (OSError(errno.ENOSPC, "No space left on device"), "The disk is full:"),
    ],
)
def test_a_step_that_the_machine_refuses_says_so(tmp_path: Path, error: Exception, says: str) -> None:
    with pytest.raises(RunError) as told, step(Run(tmp_path, "run", date(2026, 11, 16), "999"), "build"):
        raise RuntimeError("dbt stopped") from error
    assert says in str(told.value) and str(told.value).endswith((AGAIN, "from there."))


def test_errors_of_the_program_are_not_taken_for_the_machines(tmp_path: Path) -> None:
    for error in (
        FileNotFoundError(errno.ENOENT, "No such file", "/x"),
        ValueError("Permission denied"),
        KeyError("x"),
    ):
        assert machine.refused(error, tmp_path) is None


def test_a_home_where_nobody_may_write_is_told_by_every_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "locks").touch()  # stands in for a folder of somebody else: root may write everywhere
    monkeypatch.setenv("SEND_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    before = os.umask(0o077)
    assert cli.main(["begin"]) == 2
    os.umask(before)
    assert f"{tmp_path}/home/locks" in (said := capsys.readouterr().err) and AGAIN in said


def test_a_warehouse_that_may_not_be_read_is_not_called_damaged(tmp_path: Path) -> None:
    with pytest.raises(duckdb.Error) as error:
        database.reader(tmp_path)  # a folder
    assert machine.refused(error.value, tmp_path)


def test_a_disk_without_room_for_another_file_says_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = os.statvfs(tmp_path)
    counts = (*room[:5], 1000, 0, 0, *room[8:])
    monkeypatch.setattr(disk.os, "statvfs", lambda _: os.statvfs_result(counts))
    assert "MB, but no further file are free for" in str(disk.full(OSError(errno.ENOSPC, "No space left"), tmp_path))


def test_a_step_takes_half_of_what_is_free_and_never_less_than_dbt_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEND_MEMORY", raising=False)
    for free, limit in ((20_000, "10000MB"), (1_401, "700MB"), (100, "700MB")):
        monkeypatch.setattr(machine, "free_memory", lambda free=free: free * disk.MB)
        assert machine.memory_limit.__wrapped__() == limit
    monkeypatch.setenv("SEND_MEMORY", "2.5 gb")
    assert machine.memory_limit.__wrapped__() == "2500MB"


def test_what_is_free_is_what_the_system_says() -> None:
    assert 0 < machine.free_memory() <= psutil.virtual_memory().total


@pytest.mark.parametrize("own", ["0::/a/b\n", "9:name=systemd:/x\n4:memory:/a/b\n0::/\n"])
def test_a_container_sets_the_limit_whichever_its_kind_of_control_group(own: str, tmp_path: Path) -> None:
    top, name = (tmp_path / "memory", "memory.limit_in_bytes") if "memory" in own else (tmp_path, "memory.max")
    (top / "a" / "b").mkdir(parents=True)
    (top / "a" / "b" / name).write_text("max\n" if name == "memory.max" else "9223372036854771712\n")
    (top / "a" / name).write_text("4000000000\n")
    (tmp_path / "own").write_text(own)
    assert min(machine._group_limits(tmp_path / "own", tmp_path)) == 4_000_000_000


@pytest.mark.parametrize("given", ["lots", "0", "-4GB", "4", "4TB", "299MB", "4GB; DROP", "１GB"])
def test_an_amount_of_memory_that_cannot_be_used_is_refused(given: str) -> None:
    with pytest.raises(SettingsError, match="SEND_MEMORY="):
        load({"SEND_MEMORY": given})


def test_a_step_that_runs_out_of_memory_says_how_much_it_had_and_what_gives_it_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEND_MEMORY", "300MB")
    machine.memory_limit.cache_clear()
    run = Run(tmp_path, "run", date(2026, 11, 16), "999")
    with pytest.raises(RunError) as told, step(run, "build"), database.scratch() as con:
        con.execute("SET temp_directory = ''")
        con.execute("SELECT list(i || repeat('x', 100)) FROM range(20_000_000) AS t (i)")
    machine.memory_limit.cache_clear()
    assert "DuckDB may hold 300MB in this step, as SEND_MEMORY says." in str(told.value)
    assert "set SEND_MEMORY to more, such as 4GB" in str(told.value)
