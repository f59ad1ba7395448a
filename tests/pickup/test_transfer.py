"""What lands in the inbox: whole files under names that may stand there, once, and nothing through a link."""

import errno
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extract.inbox import arrivals
from pickup import record, transfer
from pickup.sources import Source
from pickup.store import RemoteFile
from pickup.trouble import Trouble
from send_ready import disk
from send_ready.home import PICKED_UP
from tests.pickup.conftest import House, said

BODY = b"Student ID,Sex\r\n600001,F\r\n"


class Other:
    """Another side that says and sends what it likes."""

    settles = False

    def __init__(self, *files: RemoteFile, sends: list[bytes | Exception] | None = None):
        self.files, self.sends = list(files), sends or [BODY]

    def __enter__(self) -> "Other":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing."""

    def listing(self) -> list[RemoteFile]:
        return self.files

    def read(self, _: RemoteFile) -> Iterator[bytes]:
        for piece in self.sends:
            if isinstance(piece, Exception):
                raise piece
            yield piece


@pytest.fixture
def met(house: House, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Picks up from another side: gives what came of it."""
    source = house.source(**{"from": "folder", "folder": "/nowhere", "files": ["*"]})

    def pick_up(other: Other, again: bool = False) -> transfer.PickedUp:
        monkeypatch.setattr(transfer, "opened", lambda *_: other)
        return transfer.pick_up(source, house.settings, again=again)

    return pick_up


@pytest.mark.parametrize(
    "name",
    [
        "../students.csv", "/etc/cron.d/x.csv", "a/b.csv", "..", ".", "", ".hidden.csv", "~$students.xlsx",
        "a\\..\\b.csv", "students\n.csv", "students\x00.csv", "students\x1b[2J.csv", "\u202evsc.stneduts",
        "x" * 201 + ".csv", "é" * 110, "students\udcff.csv",
    ],
)  # fmt: skip
def test_a_name_from_elsewhere_is_not_trusted(house: House, met: Any, name: str) -> None:
    came = met(Other(RemoteFile(name, len(BODY), "1"), RemoteFile("good.csv", len(BODY), "1")))
    assert came.taken == ["exports/good.csv"]
    assert "It was not fetched. Have it renamed there." in said(came)
    assert said(came).isprintable() and len(said(came)) < 400
    assert house.held() == {"exports/good.csv": BODY}
    assert sorted(path.name for path in house.folder.iterdir()) == ["config", "home"]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(name=st.text(max_size=40) | st.text(alphabet="./\\~a\n\x00", max_size=8))
def test_whatever_it_is_called_nothing_leaves_the_folder(house: House, met: Any, name: str) -> None:
    before = set(house.inbox.rglob("*"))
    came = met(Other(RemoteFile(name, len(BODY), "1")), again=True)
    new = set(house.inbox.rglob("*")) - before
    assert all(path.parent == house.inbox / "exports" or path == house.inbox / "exports" for path in new)
    assert len(came.taken) + len(came.troubles) + len(came.notes) + came.known == 1
    assert all(arrivals.is_export(path) for path in new if path.is_file())


def test_a_link_in_the_inbox_is_not_followed(house: House, met: Any, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    house.inbox.mkdir()
    (house.inbox / "exports").symlink_to(outside)
    came = met(Other(RemoteFile("students.csv", len(BODY), "1")))
    assert "is no folder but a link or a file. Take it away" in said(came)
    assert list(outside.iterdir()) == []
    (house.inbox / "exports").unlink()
    (house.inbox / "exports").mkdir()
    (outside / "target.csv").write_bytes(b"theirs")
    (house.inbox / "exports" / "students.csv").symlink_to(outside / "target.csv")
    assert "another file called exports/students.csv" in said(met(Other(RemoteFile("students.csv", len(BODY), "1"))))
    assert (outside / "target.csv").read_bytes() == b"theirs"


def test_half_a_file_is_never_seen(house: House, met: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Path] = []

    def look(*_: object) -> None:
        found, _unreadable = arrivals.list_exports(house.inbox)
        seen.extend(path for path, _ in found)

    class Looking(Other):
        def read(self, _: RemoteFile) -> Iterator[bytes]:
            yield b"a,b\n"
            look()
            yield b"1,2\n"
            look()

    assert met(Looking(RemoteFile("students.csv", 8, "1"))).taken and seen == []
    for sends in ([b"a,b\n"], [b"a,b\n", Trouble("It broke off.", may_pass=True)], [b"a,b\n1,2\n3,4\n"]):
        came = met(Other(RemoteFile("plans.csv", 8, "1"), sends=sends))
        assert came.status in (1, 3) and list(house.held()) == ["exports/students.csv"]
    full = met(Other(RemoteFile("plans.csv", 8, "1"), sends=[b"a", OSError(errno.ENOSPC, "No space left on device")]))
    assert "is full. Make room" in said(full) and list(house.held()) == ["exports/students.csv"]
    (house.inbox / "exports" / ".plans.csv.pickup.partial").write_bytes(b"of a killed one")
    assert met(Other(RemoteFile("plans.csv", 8, "1"), sends=[b"a,b\n1,2\n"])).taken
    assert list(house.held()) == ["exports/plans.csv", "exports/students.csv"] or len(house.held()) == 2


def test_a_file_that_somebody_put_there_stays(house: House, met: Any) -> None:
    (house.inbox / "exports").mkdir(parents=True)
    (house.inbox / "exports" / "students.csv").write_bytes(b"by hand")
    came = met(Other(RemoteFile("students.csv", len(BODY), "1")))
    assert "did not come from here. It was left as it is. Move it away" in said(came)
    assert house.held() == {"exports/students.csv": b"by hand"}
    (house.inbox / "exports" / "students.csv").unlink()
    assert met(Other(RemoteFile("students.csv", len(BODY), "1"))).taken
    newer = met(Other(RemoteFile("students.csv", 3, "2"), sends=[b"new"]))  # what came from there, it may replace
    assert newer.taken and house.held() == {"exports/students.csv": b"new"}


def test_there_must_be_room_and_an_end(house: House, met: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "free", lambda _: 5_000_000)
    came = met(Other(RemoteFile("students.csv", 3_000_000, "1")))
    assert "6.0 MB should be free, and 5.0 MB are. Make room" in said(came) and came.status == 1
    many = met(Other(*(RemoteFile(f"{number}.csv", 1, "1") for number in range(501))))
    assert "501 files are wanted, and 500 may come at once. Nothing was fetched." in said(many)
    assert house.held() == {}


def test_old_ones_may_be_left(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    other = Other(
        RemoteFile("old.csv", len(BODY), "1", now - 40 * 86_400), RemoteFile("new.csv", len(BODY), "1", now - 3600)
    )
    monkeypatch.setattr(transfer, "opened", lambda *_: other)
    came = house.pick_up(**{"from": "folder", "folder": "/x", "files": ["*"], "newest_days": 31})
    assert came.taken == ["exports/new.csv"]


def test_another_folder_of_this_machine(house: House, tmp_path: Path) -> None:
    share = tmp_path / "share"
    (share / "old").mkdir(parents=True)
    (share / "students_20261116.csv").write_bytes(BODY)
    (share / "old" / "students_20261016.csv").write_bytes(BODY)
    (share / "link.csv").symlink_to(share / "old" / "students_20261016.csv")
    entry = {"from": "folder", "folder": str(share), "files": ["*.CSV"]}
    assert house.pick_up(**entry).taken == ["exports/students_20261116.csv"]
    assert house.pick_up(**entry).known == 1
    away = house.pick_up(**(entry | {"folder": str(tmp_path / "away")}))
    assert "cannot be read: No such file or directory. Connect its drive" in said(away) and away.status == 1


def test_a_damaged_record_fetches_once_more_and_loses_nothing(house: House, met: Any) -> None:
    file = RemoteFile("students.csv", len(BODY), "1")
    assert met(Other(file)).taken
    path = house.settings.home / PICKED_UP / "exports.jsonl"
    path.write_bytes(b'{"half": \n[1]\n"x"\n' + json.dumps({"name": []}).encode() + b"\n\xff\n")
    assert met(Other(file)).known == 1  # the same bytes lie there
    assert len(path.read_bytes().splitlines()) == 6


def test_how_it_went_is_on_record(house: House, met: Any) -> None:
    bad = Other(RemoteFile("students.csv", len(BODY), "1"), sends=[Trouble("It broke off.", may_pass=True)])
    met(bad)
    first = record.last(house.settings.home, "exports")
    assert first and not first.is_done and first.said == ("students.csv: It broke off.",) and first.since
    met(bad)
    second = record.last(house.settings.home, "exports")
    assert second and second.fails_since == first.fails_since
    met(Other())
    third = record.last(house.settings.home, "exports")
    assert third and third.is_done and third.since is None
    assert record.all_last(house.settings.home) == [third]
    (house.settings.home / PICKED_UP / "exports.json").write_text('{"source": 1}')
    assert record.all_last(house.settings.home) == []


def test_files_are_private(house: House, met: Any) -> None:
    before = os.umask(0o077)
    try:
        met(Other(RemoteFile("students.csv", len(BODY), "1")))
    finally:
        os.umask(before)
    assert (house.inbox / "exports" / "students.csv").stat().st_mode & 0o777 == 0o600


def test_a_source_is_not_told_with_its_secrets(house: House) -> None:
    house.secrets = {"SEND_PICKUP_EXPORTS_PASSWORD": "s3cret-word"}
    source: Source = house.source(**{"from": "folder", "folder": "/x", "files": ["*"]})
    assert "s3cret-word" not in repr(source) + repr(house.settings)
    assert source.secret("PASSWORD") == "s3cret-word"
