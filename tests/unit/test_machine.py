"""What the machine refuses is told with what to do, whoever met it; other errors stay what they are."""

import errno
import os
import sys
from datetime import date
from pathlib import Path

import duckdb
import pytest

from send_ready import cli, disk, machine, warehouse
from send_ready.runs import Run, RunError, step

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
        (MemoryError(), "There is not enough memory."),
        (duckdb.OutOfMemoryException("Out of Memory Error: could not allocate block"), "There is not enough memory."),
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
        warehouse.reader(tmp_path)  # a folder
    assert machine.refused(error.value, tmp_path)


def test_a_disk_without_room_for_another_file_says_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = os.statvfs(tmp_path)
    counts = (*room[:5], 1000, 0, 0, *room[8:])
    monkeypatch.setattr(disk.os, "statvfs", lambda _: os.statvfs_result(counts))
    assert "MB, but no further file are free for" in str(disk.full(OSError(errno.ENOSPC, "No space left"), tmp_path))
