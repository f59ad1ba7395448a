"""From a real SFTP server: whole files, once, of a server that is known; and what each trouble says."""

import logging
import os
import time
from pathlib import Path

import pytest

from pickup import sftp
from pickup.trouble import REFUSED, Trouble
from tests.pickup.conftest import House, SftpServer, free_port, said

pytestmark = pytest.mark.debian("sftp")
STUDENTS = b"Student ID,Sex\r\n600001,F\r\n"


def put(server: SftpServer, name: str, body: bytes = STUDENTS, at: float = 1_790_000_000.0) -> Path:
    path = server.files / name
    path.write_bytes(body)
    path.chmod(0o644)
    os.utime(path, (at, at))
    return path


@pytest.fixture
def signed_in(house: House, sftp_server: SftpServer) -> House:
    house.secrets = sftp_server.secrets
    return house


def test_new_files_come_once_with_their_time(signed_in: House, sftp_server: SftpServer) -> None:
    put(sftp_server, "students_20261116.csv")
    put(sftp_server, "notes.docx", b"PK")
    put(sftp_server, "plans_20261116.csv.part", b"half")
    came = signed_in.pick_up(**sftp_server.entry(files=["*.csv", "*.part"]))
    assert (came.taken, said(came)) == (["exports/students_20261116.csv"], "")
    assert came.notes == ["plans_20261116.csv.part is half a file by its name, and left."]
    assert signed_in.held() == {"exports/students_20261116.csv": STUDENTS}
    assert (signed_in.inbox / "exports/students_20261116.csv").stat().st_mtime == 1_790_000_000.0
    again = signed_in.pick_up(**sftp_server.entry())
    assert (again.taken, again.known, again.status) == ([], 1, 0)
    (signed_in.inbox / "exports/students_20261116.csv").unlink()  # the council clears its inbox
    put(sftp_server, "students_20261116.csv", at=1_790_000_100.0)  # touched, the same bytes
    assert signed_in.pick_up(**sftp_server.entry()).taken == []
    assert signed_in.held() == {}
    assert signed_in.pick_up(again=True, **sftp_server.entry()).taken == ["exports/students_20261116.csv"]


def test_a_large_file_is_the_same_here(signed_in: House, sftp_server: SftpServer) -> None:
    body = b"x" * 3_000_000 + os.urandom(2_000_000)
    put(sftp_server, "students_20261116.csv", body)
    assert signed_in.pick_up(**sftp_server.entry()).taken
    assert signed_in.held()["exports/students_20261116.csv"] == body


def test_a_key_is_pinned_by_a_person(signed_in: House, sftp_server: SftpServer) -> None:
    put(sftp_server, "students_20261116.csv")
    unknown = signed_in.pick_up(**sftp_server.entry(host_key=None))
    assert f"write `host_key: {sftp_server.fingerprint()}` below `exports` in pickup.yml" in said(unknown)
    changed = signed_in.pick_up(**sftp_server.entry(host_key=sftp_server.fingerprint("other")))
    assert "showed another key than pickup.yml names" in said(changed) and "Nothing was sent" in said(changed)
    assert {unknown.status, changed.status} == {REFUSED}  # Airflow need not try again
    assert "Accepted" not in (sftp_server.folder / "log").read_text()  # nobody signed in
    both = [sftp_server.fingerprint("other"), sftp_server.fingerprint()]
    assert signed_in.pick_up(**sftp_server.entry(host_key=both)).taken


def test_a_server_that_changes_its_key_gets_nothing(signed_in: House, sftp_server: SftpServer) -> None:
    put(sftp_server, "students_20261116.csv")
    assert signed_in.pick_up(**sftp_server.entry()).taken
    sftp_server.stop()
    sftp_server.start("other")
    put(sftp_server, "students_20261117.csv", b"from somebody else")
    came = signed_in.pick_up(**sftp_server.entry())
    assert sftp_server.fingerprint("other") in said(came) and list(signed_in.held()) == [
        "exports/students_20261116.csv"
    ]


def test_wrong_logins_say_so_and_are_not_tried_again(signed_in: House, sftp_server: SftpServer) -> None:
    put(sftp_server, "students_20261116.csv")
    signed_in.secrets = {"SEND_PICKUP_EXPORTS_USER": sftp_server.user, "SEND_PICKUP_EXPORTS_PASSWORD": "s3cret-word"}
    came = signed_in.pick_up(**sftp_server.entry())
    assert "refused the sign-in. Check SEND_PICKUP_EXPORTS_USER" in said(came) and came.status == REFUSED
    assert "s3cret-word" not in said(came)
    signed_in.secrets = {"SEND_PICKUP_EXPORTS_USER": sftp_server.user}
    assert "Set SEND_PICKUP_EXPORTS_PASSWORD or SEND_PICKUP_EXPORTS_KEY_FILE" in said(
        signed_in.pick_up(**sftp_server.entry())
    )
    signed_in.secrets = {}
    assert "Set SEND_PICKUP_EXPORTS_USER" in said(signed_in.pick_up(**sftp_server.entry()))
    signed_in.secrets = sftp_server.secrets | {"SEND_PICKUP_EXPORTS_KEY_FILE": str(sftp_server.folder / "other")}
    assert "refused the sign-in" in said(signed_in.pick_up(**sftp_server.entry()))
    (sftp_server.folder / "other").chmod(0o644)
    assert "can be read by others. Run: chmod 600" in said(signed_in.pick_up(**sftp_server.entry()))
    (sftp_server.folder / "other").chmod(0o600)
    (sftp_server.folder / "other").write_text("no key")
    assert "is no private key that can be used" in said(signed_in.pick_up(**sftp_server.entry()))


def test_what_may_not_be_read_leaves_the_others(signed_in: House, sftp_server: SftpServer) -> None:
    put(sftp_server, "plans_20261116.csv").chmod(0o000)
    put(sftp_server, "students_20261116.csv")
    came = signed_in.pick_up(**sftp_server.entry())
    assert came.taken == ["exports/students_20261116.csv"]
    assert "plans_20261116.csv" in said(came) and "may not be read" in said(came)
    missing = signed_in.pick_up(**sftp_server.entry(folder="/nowhere"))
    assert "its folder /nowhere is not there" in said(missing)


def test_a_server_that_is_not_there(signed_in: House, sftp_server: SftpServer) -> None:
    came = signed_in.pick_up(**sftp_server.entry(port=free_port()))
    assert "gave no connection" in said(came) and came.status == 1  # another try may help
    unknown = signed_in.pick_up(**sftp_server.entry(host="no-such-host.invalid"))
    assert "is not a name that this machine knows" in said(unknown)


def test_a_server_that_goes_away_in_the_middle(signed_in: House, sftp_server: SftpServer) -> None:
    put(sftp_server, "students_20261116.csv", b"y" * 60_000_000)
    source = signed_in.source(**sftp_server.entry())
    with (
        pytest.raises(Trouble, match=r"broke the connection|gave no connection") as raised,
        sftp.opened(source) as store,
    ):
        pieces = store.read(store.listing()[0])
        next(pieces)
        sftp_server.stop()
        for _ in pieces:
            pass
    assert raised.value.may_pass


def test_a_server_that_falls_silent(signed_in: House, sftp_server: SftpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        monkeypatch.setattr(sftp, "CONNECT", 0.5)
        came = signed_in.pick_up(**sftp_server.entry(port=mute.getsockname()[1]))
    assert came.troubles and came.status == 1


def test_a_file_that_still_grows_is_left(
    signed_in: House, sftp_server: SftpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(sftp_server, "students_20261116.csv")
    slept = []

    def while_it_is_written(seconds: float) -> None:
        slept.append(seconds)
        put(sftp_server, path.name, STUDENTS * 2)

    with monkeypatch.context() as patched:
        patched.setattr(time, "sleep", while_it_is_written)
        came = signed_in.pick_up(**sftp_server.entry())
    assert slept and came.taken == [] and came.status == 0
    assert came.notes == ["students_20261116.csv is still being written, and left for the next pickup."]
    assert signed_in.pick_up(**sftp_server.entry()).taken
    assert signed_in.held()["exports/students_20261116.csv"] == STUDENTS * 2


def test_nothing_of_it_is_logged(signed_in: House, sftp_server: SftpServer, caplog: pytest.LogCaptureFixture) -> None:
    put(sftp_server, "students_20261116.csv")
    with caplog.at_level(logging.DEBUG):
        signed_in.pick_up(**sftp_server.entry(host_key=None))
        signed_in.pick_up(**sftp_server.entry())
    assert not [each for each in caplog.records if each.levelno >= logging.WARNING]
