"""A SEND_HOME that others can read or change is refused by every command, with what mends it."""

import os
import re
import shlex
import struct
import subprocess
from pathlib import Path

import pytest

from send_ready import ownership
from send_ready.settings import PROJECT, SettingsError
from tests.steps import SEND_READY
from tests.waiting import HANG

COMMANDS = (["begin"], ["status"], ["watch"], ["purge"], ["extract", "capita_one.students"], ["verify-release"],
            ["deadline", "missed"], ["release", "--approve", "--by", "A"], ["run"], ["catalogue"])  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "a home"
    (made / "landing").mkdir(parents=True)
    return made


def send_ready(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SEND_", "AIRFLOW"))}
    env = kept | {"SEND_HOME": str(home), "AS_AT": "2026-11-16"}
    command = [SEND_READY, *arguments]
    return subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, timeout=HANG)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_refuses_a_home_that_others_can_read(home: Path, command: list[str]) -> None:
    home.chmod(0o755)
    done = send_ready(home, *command)
    assert done.returncode == 2
    assert "can be read or changed by others" in done.stderr
    mend = re.search(r"chmod -R go-rwx '[^']+'", done.stderr)
    assert mend
    assert [path.name for path in home.iterdir()] == ["landing"]  # nothing was done
    subprocess.run(shlex.split(mend[0]), check=True)
    ownership.check(home)


def test_airflow_refuses_it_too(home: Path) -> None:
    home.chmod(0o750)
    done = send_ready(home, "airflow")
    assert done.returncode == 2
    assert "can be read or changed by others" in done.stderr
    assert not (home / "airflow").exists()


@pytest.mark.parametrize("bits", [0o710, 0o701, 0o720, 0o702, 0o740, 0o704, 0o777])
@pytest.mark.parametrize("inner", ["", "landing"])
def test_any_bit_for_group_or_others_counts(home: Path, bits: int, inner: str) -> None:
    ownership.check(home)
    (home / inner).chmod(bits)
    with pytest.raises(SettingsError, match="chmod -R go-rwx"):
        ownership.check(home)


def test_a_new_home_is_closed_and_one_that_is_not_there_is_made_so(tmp_path: Path) -> None:
    for name, inner in (("empty", ""), ("with-an-inbox", "inbox"), ("absent", None)):
        home = tmp_path / name
        if inner is not None:
            (home / inner).mkdir(parents=True, exist_ok=True)
            home.chmod(0o755)
            (home / inner).chmod(0o755)
        before = os.umask(0)
        try:
            assert send_ready(home, "begin").returncode == 0
        finally:
            os.umask(before)
        assert home.stat().st_mode & 0o777 == 0o700
        ownership.check(home)


def test_nobody_may_put_another_folder_in_its_place(tmp_path: Path) -> None:
    above = tmp_path / "shared"
    home = above / "home"
    home.mkdir(parents=True)
    above.chmod(0o777)
    with pytest.raises(SettingsError, match=f"chmod o-w {above}"):
        ownership.check(home)
    above.chmod(0o1777)  # as /tmp: only its owner moves what is his
    ownership.check(home)


def give(path: Path, named: int, group: int = 0) -> None:
    """An access list that lets group 1234 in, as setfacl writes it."""
    entries = [(1, 7, 0xFFFFFFFF), (4, group, 0xFFFFFFFF), (8, named, 1234), (16, 7, 0xFFFFFFFF), (32, 0, 0xFFFFFFFF)]
    data = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    try:
        os.setxattr(path, "system.posix_acl_access", data)
    except OSError as error:
        pytest.skip(f"{path}: {error.strerror}: this file system keeps no access lists")


def test_a_list_may_let_named_people_read_the_packs_and_nothing_else(home: Path) -> None:
    """As docs/users/team-server.md sets it up."""
    (home / "out").mkdir()
    give(home, 1)
    give(home / "out", 5)
    ownership.check(home)
    for path, named, group in ((home, 5, 0), (home / "out", 7, 0), (home / "landing", 1, 0), (home / "out", 5, 5)):
        give(home, 1)
        give(home / "out", 5)
        give(path, named, group)
        with pytest.raises(SettingsError, match="chmod -R go-rwx"):
            ownership.check(home)
        os.removexattr(path, "system.posix_acl_access")
        path.chmod(0o700)


def test_the_inbox_in_it_is_for_others(home: Path) -> None:
    (home / "inbox").mkdir()
    (home / "inbox").chmod(0o777)
    ownership.check(home)
