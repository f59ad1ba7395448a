"""Retention: what is older than its period goes, with a record; what is needed stays; a kill changes none of that."""

import json
import multiprocessing
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from extract import contract as contracts
from extract import landing, removed
from extract.choose import extract
from inspection import release_log, verify
from operations.retention import periods
from operations.retention.purge import purge, record, unfinished
from send_ready import files, runs
from send_ready.home import PURGES
from send_ready.runs import RunError
from send_ready.settings import SettingsError
from tests.operations.home import NOW, TODAY, land, pack, released, settings, snapshot, version
from tests.waiting import until

FORK = multiprocessing.get_context("fork")

DAY = timedelta(days=1)
LONG_AGO = TODAY - 3000 * DAY
STUDENTS = "capita_one.students"
DONE = {"do": True, "by": "Amina Khan", "why": "Records management, review of 2026"}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    made = tmp_path / "home"
    yield made
    for folder in made.glob("out/*/*/released/v*"):
        folder.chmod(0o700)


def old(path: Path, days: int) -> Path:
    """A file or folder that nobody has touched for so many days."""
    if not path.exists():
        files.write_bytes(path, b"x")
    then = datetime.combine(TODAY - days * DAY, datetime.min.time()).timestamp()
    for each in [*path.rglob("*"), path, path.parent]:
        os.utime(each, (then, then))
    return path


def days_landed(home: Path, feed: str = STUDENTS) -> list[int]:
    """How many days old the files of a feed are that are still there, oldest first."""
    found = landing.history(home, contracts.load(feed, settings(home)))
    assert all((home / each.path).exists() for each in found)
    return [(TODAY - (each.data_date or TODAY)).days for each in found]


def test_the_shipped_periods_can_be_read_and_each_has_its_reason() -> None:
    shipped = yaml.safe_load(periods.SHIPPED.read_text())
    assert periods.load(settings(Path("/none"))) == {kind: held["days"] for kind, held in shipped.items()}
    assert all(held["why"].strip() for held in shipped.values())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"landing": {"days": 0}}, "and must be a record whose `days` is"),
        ({"landing": {"days": True}}, "and must be a record whose `days` is"),
        ({"landing": {"days": "400"}}, "and must be a record whose `days` is"),
        ({"landing": 400}, "and must be a record whose `days` is"),
        ({"exports": {"days": 3}}, "unknown thing exports. Known: board"),
    ],
)
def test_a_councils_own_periods_are_checked(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    own = yaml.safe_load(periods.SHIPPED.read_text()) | change
    (tmp_path / "retention.yml").write_text(json.dumps(own))
    with pytest.raises(SettingsError, match=says):
        periods.load(settings(tmp_path, config=tmp_path))
    (tmp_path / "retention.yml").write_text(json.dumps({"landing": {"days": "forever"}, "packs": {"days": 1}}))
    shipped = periods.load(settings(tmp_path))
    assert periods.load(settings(tmp_path, config=tmp_path)) == shipped | {"landing": None, "packs": 1}


def test_of_the_exports_those_go_that_no_day_within_the_period_needs(home: Path) -> None:
    for days in (900, 500, 401, 400, 399, 1):
        land(home, STUDENTS, TODAY - days * DAY, f"{days}".encode())
    land(home, STUDENTS, TODAY - 450 * DAY, b"bad", status="refused")
    land(home, "gias.establishments", LONG_AGO, b"the only one")
    land(home, "ehc_hub.cases", LONG_AGO, b"bad", status="refused")
    told = "\n".join(purge(settings(home), NOW))
    assert "4 exports, as they came" in told
    assert "landing/capita_one/students: 3" in told
    assert f"{TODAY - 401 * DAY} is the first day that can be built again" in told
    assert "Nothing was removed." in told
    assert len(days_landed(home)) == 7
    purge(settings(home), NOW, **DONE)
    assert days_landed(home) == [401, 400, 399, 1]
    assert days_landed(home, "gias.establishments") == [3000]
    assert days_landed(home, "ehc_hub.cases") == []
    assert not list(home.glob(f"landing/*/*/{TODAY - 500 * DAY}"))


@pytest.mark.parametrize("damage", [b"{", b"{}\n", b"[]\n", b"\xff\n"])
def test_damaged_notes_of_what_was_removed_stop_everything(home: Path, damage: bytes) -> None:
    land(home, STUDENTS, TODAY - 500 * DAY, b"old")
    land(home, STUDENTS, TODAY - 401 * DAY, b"needed")
    purge(settings(home), NOW, **DONE)
    (notes,) = home.glob("landing/*/*/removed.jsonl")
    notes.write_bytes(damage)
    with pytest.raises(RunError, match=f"{notes} is damaged, .* Put it back"):
        removed.check_day(settings(home), TODAY)


def test_what_is_damaged_in_the_landing_goes_by_its_day_too(home: Path) -> None:
    for days in (500, 450, 1):
        gone = land(home, STUDENTS, TODAY - days * DAY, f"{days}".encode() * 9)
        cut = land(home, STUDENTS, TODAY - days * DAY, f"cut {days}".encode() * 9)
        (home / gone.path).unlink()
        (home / cut.path).write_bytes(b"cut")
    purge(settings(home), NOW, **DONE)
    kept = [path.parent.name for path in home.glob("landing/*/*/*/*") if path.is_file()]
    assert set(kept) == {f"{TODAY - DAY}"}


def test_everything_else_goes_by_its_day_and_the_newest_stays(home: Path) -> None:
    for days in (93, 92, 200):
        pack(home, TODAY - days * DAY)
    (home / "out" / "latest").symlink_to(f"{TODAY - 92 * DAY}")
    for month in ("2019-01", "2019-02"):
        files.write_bytes(home / "out" / "board" / month / "manifest.json", b"{}")
    going = [
        old(home / "runs" / "old" / "run.json", 36).parent,
        old(home / "published" / "old_x" / "a.parquet", 36).parent,
        old(home / "typed" / "capita_one" / "students" / "2020-01-01" / "ab-cd" / "rows.parquet", 36).parent,
        old(home / "typed" / "capita_one" / "students" / ".reading" / "text", 2).parent,
        old(home / "landing" / "capita_one" / "students" / ".77.partial", 2),
        old(home / "runs" / "recent" / "tmpk1ll3d" / "index.html", 2).parent,
        version(home, TODAY - 93 * DAY, root="rehearsals").parent,
        version(home, TODAY - 367 * DAY).parent,
        home / "out" / f"{TODAY - 93 * DAY}",
        home / "out" / f"{TODAY - 200 * DAY}",
        home / "out" / "board" / "2019-01",
    ]
    staying = [
        old(home / "runs" / "recent" / "run.json", 34).parent,
        old(home / "published" / "served_x" / "a.parquet", 99).parent,
        old(home / "typed" / "capita_one" / "students" / "2020-01-01" / "used" / "rows.parquet", 99).parent,
        version(home, TODAY - 366 * DAY).parent,
        home / "out" / f"{TODAY - 92 * DAY}",
        home / "out" / "board" / "2019-02",
    ]
    (home / "serving").symlink_to("published/served_x")
    used = str((staying[2] / "rows.parquet").relative_to(home))
    files.write_json(staying[0] / "feeds" / "f.json", {"typed_path": used})
    purge(settings(home), NOW, **DONE)
    assert [path for path in going if path.exists()] == []
    assert [path for path in staying if not path.exists()] == []
    assert (home / "out" / "latest").resolve() == home / "out" / f"{TODAY - 92 * DAY}"
    assert not list(home.glob("**/.*.removed"))


def test_the_last_run_stays_however_old(home: Path) -> None:
    for name, days in (("a", 90), ("b", 80)):
        old(home / "runs" / name / "run.json", days)
    purge(settings(home), NOW, **DONE)
    assert [path.name for path in (home / "runs").iterdir()] == ["b"]


def test_a_release_goes_after_six_years_and_the_proof_says_by_whose_decision(home: Path) -> None:
    released(home, TODAY - 2193 * DAY)
    released(home, TODAY - 2192 * DAY)
    root = home / "out" / "inspections"
    assert verify.verify(root) == []
    told = "\n".join(purge(settings(home), NOW, **DONE))
    assert "proves of these calls and returns only what the release log says" in told
    assert [path.name for path in root.glob("[0-9]*")] == [f"{TODAY - 2192 * DAY}_full_inspection"]
    assert verify.verify(root) == []
    assert "all of it removed by Amina Khan" in "\n".join(verify.describe(root))
    shutil.copytree(root / f"{TODAY - 2192 * DAY}_full_inspection", root / "x" / "released" / "v1")
    assert verify.verify(root) != []


def test_what_is_removed_is_on_record_first_with_its_hash_and_by_whom(home: Path) -> None:
    gone = land(home, STUDENTS, TODAY - 500 * DAY, b"Student ID\n600123\n")
    land(home, STUDENTS, TODAY - 450 * DAY, b"later")
    seal = files.sha256(pack(home, TODAY - 93 * DAY) / "manifest.json")
    pack(home, TODAY)
    purge(settings(home), NOW, **DONE)
    begun, ended = release_log.entries(record(home))
    assert release_log.check(record(home)) == []
    assert (begun["by"], begun["why"], begun["at"]) == (DONE["by"], DONE["why"], NOW.isoformat(timespec="seconds"))
    assert ended["begun"] == begun["sequence"]
    landed, packed = begun["items"]
    assert (landed["path"], landed["sha256"], landed["files"]) == (str(gone.path), gone.sha256, 3)
    assert (packed["path"], packed["sha256"]) == (f"out/{TODAY - 93 * DAY}", seal)
    assert "600123" not in record(home).read_text()
    again = purge(settings(home), NOW, **DONE)
    assert again == ["Nothing is older than its period."]
    assert len(release_log.entries(record(home))) == 2


@pytest.mark.parametrize("given", [{"by": "", "why": "x"}, {"by": "x", "why": " "}, {}])
def test_nobody_removes_anything_without_a_name_and_a_reason(home: Path, given: dict[str, str]) -> None:
    pack(home, TODAY - 93 * DAY)
    pack(home, TODAY)
    with pytest.raises(RunError, match="Say who removes, and why"):
        purge(settings(home), NOW, do=True, **given)
    assert (home / "out" / f"{TODAY - 93 * DAY}").exists()


# What removal means for the days to come


def run_of(home: Path, as_at: date) -> runs.Run:
    return runs.begin(settings(home, as_at=as_at, run_id=f"{as_at}_{time.monotonic_ns()}"))


def test_what_was_removed_does_not_land_again_from_the_inbox_whatever_its_time(home: Path) -> None:
    text = b"Student ID,Date of Birth,Surname,Forename\r\n1,01/02/2015,A,B\r\n"
    for days in (500, 450, 0):
        path = home / "inbox" / f"capita_one_students_{TODAY - days * DAY:%Y%m%d}.csv"
        old(files_written(path, text + f"{days + 2},01/02/2015,A,B\r\n".encode()), 1)
    given = settings(home)
    extract(run_of(home, TODAY), given, STUDENTS)
    assert days_landed(home) == [500, 450, 0]
    told = "\n".join(purge(given, NOW, **DONE))
    assert "The inbox still has 1 of these files" in told
    assert days_landed(home) == [450, 0]
    gone = home / "inbox" / f"capita_one_students_{TODAY - 500 * DAY:%Y%m%d}.csv"
    extract(run_of(home, TODAY), given, STUDENTS)
    old(gone, 3)  # copied there once more
    extract(run_of(home, TODAY), given, STUDENTS)
    assert days_landed(home) == [450, 0]


def files_written(path: Path, content: bytes) -> Path:
    files.write_bytes(path, content)
    return path


def test_the_days_that_remain_choose_the_same_files_and_earlier_ones_say_why_they_cannot(home: Path) -> None:
    ages = (700, 500, 430, 300, 2)
    for days in ages:
        land(home, STUDENTS, TODAY - days * DAY, f"{days}".encode())
    days = [TODAY - days * DAY for days in (710, 700, 600, 500, 450, 430, 429, 401, 400, 299, 2, 0)]
    contract, given = contracts.load(STUDENTS, settings(home)), settings(home)

    def chosen(day: date) -> str | None:
        return next(
            (e.sha256 for e in reversed(landing.history(home, contract)) if e.data_date and e.data_date <= day), None
        )

    before = {day: chosen(day) for day in days}
    purge(given, NOW, **DONE)
    for day in days:
        if TODAY - 700 * DAY <= day < TODAY - 430 * DAY:
            with pytest.raises(RunError, match=rf"{day} cannot be built again: .*was removed on {TODAY}"):
                removed.check_day(given, day)
        else:
            removed.check_day(given, day)
            assert chosen(day) == before[day]


def test_begin_refuses_such_a_day_and_a_feed_that_lost_its_last_file_stops_no_later_night(home: Path) -> None:
    from extract.inbox.survey import survey

    contract = contracts.load(STUDENTS, settings(home))
    gone = land(home, STUDENTS, TODAY - DAY, b"x")
    removed.add(home, [removed.Removed(gone, True, TODAY)])
    for path in (home / gone.folder).iterdir():
        path.unlink()
    with pytest.raises(RunError, match="cannot be built again"):
        survey(run_of(home, TODAY - DAY), settings(home, as_at=TODAY - DAY))
    survey(run_of(home, TODAY), settings(home))
    assert removed.removed_records(home, contract) == [gone]


# Killed in the middle, and beside others


def filled(home: Path) -> None:
    for days in range(420, 445):
        land(home, STUDENTS, TODAY - days * DAY, f"{days}".encode() * 1000)
    for days in range(95, 110):
        pack(home, TODAY - days * DAY, **{"a.xlsx": b"a" * 5000, "b.xlsx": b"b" * 5000})
    released(home, TODAY - 2300 * DAY)
    pack(home, TODAY)


def test_a_removal_that_is_killed_is_finished_by_the_next(tmp_path: Path) -> None:
    filled(tmp_path / "whole")
    shutil.copytree(tmp_path / "whole", tmp_path / "timed", symlinks=True)
    started = time.perf_counter()
    purge(settings(tmp_path / "timed"), NOW, **DONE)
    takes, wanted, at_random, kills = time.perf_counter() - started, snapshot(tmp_path / "timed"), random.Random(3), 0  # noqa: S311
    for number in range(100):
        if kills and number >= 5:
            break
        home = tmp_path / f"home{number}"
        shutil.copytree(tmp_path / "whole", home, symlinks=True)
        child = FORK.Process(target=purge, args=(settings(home), NOW), kwargs=DONE)
        child.start()
        until("the removal is on record", record(home).exists, pause=0.001)
        time.sleep(takes / 2 * at_random.random())
        if child.pid and child.is_alive():
            os.kill(child.pid, signal.SIGKILL)
        child.join()
        kills += unfinished(home)
        assert days_landed(home)  # every record has its bytes
        if unfinished(home):
            assert "was cut off" in "\n".join(purge(settings(home), NOW))
        told = "\n".join(purge(settings(home), NOW, **DONE))
        assert not unfinished(home)
        assert "Removed." in told or "it is finished now" in told or "Nothing is older" in told
        found = snapshot(home)
        for each in (found, wanted):
            each.pop(PURGES, None)
        assert found.keys() == wanted.keys()
        assert not list(home.glob("**/.*.removed"))
        assert verify.verify(home / "out" / "inspections") == []
        assert release_log.check(record(home)) == []
    assert kills


def test_a_removal_waits_for_whoever_publishes(home: Path) -> None:
    pack(home, TODAY - 93 * DAY)
    pack(home, TODAY)
    go = FORK.Event()

    def work() -> None:
        go.wait()
        purge(settings(home), NOW, **DONE)

    child = FORK.Process(target=work)  # before the lock, which it would inherit
    child.start()
    with files.locked(home / "locks" / "publish"):
        go.set()
        child.join(0.5)
        assert child.is_alive()
        assert (home / "out" / f"{TODAY - 93 * DAY}").exists()
    child.join()
    assert child.exitcode == 0
    assert not (home / "out" / f"{TODAY - 93 * DAY}").exists()


def test_a_pack_that_was_made_anew_since_the_kill_stays(home: Path) -> None:
    day = TODAY - 93 * DAY
    path, line = pack(home, day, run_id="first"), {"event": "begun", "at": NOW.isoformat(), "by": "A", "why": "B"}
    about = {"kind": "packs", "path": f"out/{day}", "sha256": files.sha256(path / "manifest.json")}
    release_log.append(record(home), {**line, "person": None, "items": [about]})
    pack(home, day, run_id="second")
    pack(home, TODAY - 50 * DAY)
    own = yaml.safe_load(periods.SHIPPED.read_text()) | {"packs": {"days": "forever"}}
    files.write_json(home / "config" / "retention.yml", own)
    assert "it is finished now" in "\n".join(purge(settings(home, config=home / "config"), NOW, **DONE))
    assert path.exists()
