"""One feed, night after night: what lands, what is used, what is refused, and that nothing is lost."""

import datetime as dt
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from extract import read_file
from extract.choose import extract, fill_gaps
from extract.inbox import arrivals, drive
from extract.inbox.survey import survey, unrecognised
from extract.landing import Landed
from send_ready import disk, files, runs, settings
from send_ready.settings import Settings

FEED = "capita_one.home_education"
HEADER = "Student ID,Start Date,End Date"


@pytest.fixture(autouse=True)
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "SETTLE_SECONDS", 0.0)


@pytest.fixture
def given(tmp_path: Path) -> Settings:
    found = settings.load({"SEND_HOME": str(tmp_path / "home"), "AS_AT": "2026-11-16"})
    found.inbox.mkdir(parents=True)
    return found


def drop(given: Settings, name: str, students: Iterable[int], end: str = "", age: float = 60) -> Path:
    path = given.inbox / name
    path.write_text("\n".join([HEADER, *(f"{student},01/09/2026,{end}" for student in students), ""]))
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def night(given: Settings, as_at: str = "2026-11-16") -> dict[str, Any]:
    given = replace(given, as_at=dt.date.fromisoformat(as_at), run_id=f"run-{as_at}-{time.time_ns()}")
    return extract(runs.begin(given), given, FEED)


def students(given: Settings, result: dict[str, Any]) -> set[str]:
    rows = duckdb.execute(f"SELECT student_id FROM '{given.home / result['typed_path']}'").fetchall()
    return {row[0] for row in rows}


def statuses(result: dict[str, Any]) -> dict[str, str]:
    return {file["file_name"]: file["status"] for file in result["files"]}


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_newest_file_up_to_the_date_is_used_and_rerunning_changes_nothing(given: Settings) -> None:
    drop(given, "capita_one_home_education_20261115.csv", range(10))
    drop(given, "capita_one_home_education_20261116.csv", range(11))
    drop(given, "capita_one_home_education_20261117.csv", range(12))
    first = night(given)
    assert (first["status"], first["data_date"], first["rows_accepted"]) == ("fresh", "2026-11-16", 11)
    before = tree(given.home / "landing")
    again = night(given)
    assert tree(given.home / "landing") == before
    assert {key: again[key] for key in first} == first
    assert night(given, "2026-11-15")["rows_accepted"] == 10
    assert night(given, "2026-11-19")["status"] == "stale"
    assert night(given, "2026-11-14")["status"] == "missing"


def test_a_past_day_is_rebuilt_when_the_inbox_and_the_cache_are_gone(given: Settings) -> None:
    path = drop(given, "capita_one_home_education_20261116.csv", range(10))
    first = night(given)
    path.unlink()
    for cached in (given.home / "typed").rglob("*.parquet"):
        cached.unlink()
    again = night(given)
    assert again == first
    assert students(given, again) == {str(number) for number in range(10)}


def test_a_second_file_for_one_date_supersedes_the_first_and_both_stay(given: Settings) -> None:
    drop(given, "capita_one_home_education_20261116.csv", range(10))
    night(given)
    drop(given, "capita_one_home_education_20261116 (1).csv", range(20, 31))
    result = night(given)
    assert result["rows_accepted"] == 11
    assert sorted(statuses(result).values()) == ["accepted", "superseded"]
    assert len(list((given.home / "landing").rglob("*.csv"))) == 2


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
@pytest.mark.parametrize("nights", [1, 3])
def test_of_two_times_of_one_date_the_later_supersedes_whichever_comes_first(
    given: Settings, order: tuple[int, ...], nights: int
) -> None:
    times = ("0200", "0900", "1400")
    for age, at in zip((90, 60, 30), order, strict=True):
        drop(given, f"capita_one_home_education_20261116_{times[at]}.csv", range(10 + at), age=age)
        if nights > 1:
            night(given)
    result = night(given)
    assert (result["file_name"], result["rows_accepted"]) == ("capita_one_home_education_20261116_1400.csv", 12)
    assert sorted(statuses(result).values()) == ["accepted", "superseded", "superseded"]
    drop(given, "capita_one_home_education_20261116.csv", range(13))  # without a time, what comes later
    assert night(given)["rows_accepted"] == 13


def test_yesterdays_bytes_under_todays_name_do_not_make_the_data_newer(given: Settings) -> None:
    drop(given, "capita_one_home_education_20261113.csv", range(10))
    night(given)
    drop(given, "capita_one_home_education_20261116.csv", range(10))
    result = night(given)
    assert (result["status"], result["data_date"]) == ("stale", "2026-11-13")
    assert statuses(result)["capita_one_home_education_20261116.csv"] == "duplicate"


@pytest.mark.parametrize("wrong", ["20261316", "20271116"])
def test_a_file_whose_wrong_date_is_put_right_is_used(given: Settings, wrong: str) -> None:
    drop(given, "capita_one_home_education_20261113.csv", range(10))
    path = drop(given, f"capita_one_home_education_{wrong}.csv", range(11))
    assert night(given)["data_date"] == "2026-11-13"
    path.rename(path.with_name("capita_one_home_education_20261116.csv"))
    result = night(given)
    assert (result["status"], result["data_date"], result["rows_accepted"]) == ("fresh", "2026-11-16", 11)
    assert night(given) == result


def test_a_file_of_a_day_to_come_is_told_until_its_date_is_put_right(given: Settings) -> None:
    today = dt.datetime.now(settings.LONDON).date()
    as_at = str(today + dt.timedelta(days=1))  # the test may last over midnight
    path = drop(given, f"capita_one_home_education_{today + dt.timedelta(days=40):%Y%m%d}.csv", range(11))

    def told() -> list[tuple[str, str]]:
        night(given, as_at)
        (found,) = (path for path in (given.home / "runs").glob("*/issues/*home_education*") if path.name[:4] != "file")
        rows = duckdb.execute(f"SELECT rule, file_name FROM '{found}' WHERE rule = 'F-24'").fetchall()
        found.unlink()
        return rows

    assert told() == [("F-24", path.name)]
    path.rename(path.with_name(f"capita_one_home_education_{today:%Y%m%d}.csv"))
    assert told() == []


def test_an_older_file_that_comes_late_does_not_displace_a_newer(given: Settings) -> None:
    drop(given, "capita_one_home_education_20261116.csv", range(10))
    night(given)
    drop(given, "capita_one_home_education_20261110.csv", range(50, 60))
    result = night(given)
    assert (result["data_date"], students(given, result)) == ("2026-11-16", {str(number) for number in range(10)})
    assert statuses(result)["capita_one_home_education_20261110.csv"] == "accepted"


def test_far_fewer_rows_are_refused_until_the_council_raises_the_limit(given: Settings, tmp_path: Path) -> None:
    drop(given, "capita_one_home_education_20261115.csv", range(10))
    drop(given, "capita_one_home_education_20261116.csv", range(7))
    result = night(given)
    assert (result["status"], result["data_date"], result["rows_accepted"]) == ("refused", "2026-11-15", 10)
    refused = next(file for file in result["files"] if file["status"] == "refused")
    assert "7 usable rows, 30 % fewer than the 10 of the last accepted file (limit 20 %)" in refused["reason"]
    own = tmp_path / "config" / "contracts" / "capita_one__home_education.yml"
    own.parent.mkdir(parents=True)
    shipped = Path(settings.PROJECT / "extract" / "contracts" / own.name).read_text()
    own.write_text(shipped.replace("max_row_drop_pct: 20", "max_row_drop_pct: 40"))
    result = night(replace(given, config=tmp_path / "config"))
    assert (result["status"], result["rows_accepted"]) == ("fresh", 7)


@pytest.mark.parametrize("rows", [8, 9])
def test_a_fall_up_to_the_limit_is_accepted(given: Settings, rows: int) -> None:
    drop(given, "capita_one_home_education_20261115.csv", range(10))
    drop(given, "capita_one_home_education_20261116.csv", range(rows))
    assert night(given)["rows_accepted"] == rows


def test_a_broken_file_leaves_the_last_good_one_in_use_and_counts_its_rows(given: Settings) -> None:
    drop(given, "capita_one_home_education_20261115.csv", range(10))
    path = given.inbox / "capita_one_home_education_20261116.csv"
    path.write_text("Student,Start Date\n1,01/09/2026\n2,01/09/2026\n")
    os.utime(path, (time.time() - 60, time.time() - 60))
    result = night(given)
    assert (result["status"], result["is_stale"], result["data_date"]) == ("refused", True, "2026-11-15")
    refused = next(file for file in result["files"] if file["status"] == "refused")
    assert "Required column missing: Student ID." in refused["reason"]
    assert refused["rows_in_file"] == refused["rows_quarantined"] == 2


@pytest.mark.parametrize("hours", [0, 5, -5], ids=["in time", "clock ahead", "clock behind"])
def test_a_file_that_still_grows_is_left_for_the_next_run_whatever_its_servers_clock(
    given: Settings, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    monkeypatch.setattr(arrivals, "SETTLE_SECONDS", 2.0)
    path = drop(given, "capita_one_home_education_20261116.csv", range(10), age=-3600 * hours)
    stop = threading.Event()

    def grow() -> None:
        while not stop.wait(0.1):
            with path.open("a") as file:
                file.write("99,01/09/2026,\n")
            os.utime(path, (time.time() + 3600 * hours,) * 2)

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        result = night(given)
    finally:
        stop.set()
        writer.join()
    assert result["status"] == "missing"
    assert statuses(result) == {path.name: "deferred"}
    assert not list((given.home / "landing").rglob("*.csv"))
    assert night(given)["status"] == "fresh"  # whole now, and its clock as wrong as before


def test_nobody_waits_for_an_inbox_in_which_nothing_is_new(given: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(arrivals, "SETTLE_SECONDS", 0.01)
    monkeypatch.setattr(arrivals.time, "sleep", waits.append)
    night(given)
    assert waits == []
    drop(given, "capita_one_home_education_20261116.csv", range(10))
    assert night(given)["status"] == "fresh" and waits == [0.01]
    night(given)
    assert waits == [0.01]
    drop(given, "capita_one_home_education_20261117.csv", range(11))
    run = runs.begin(replace(given, as_at=dt.date(2026, 11, 17), run_id="looked"))
    survey(run, given)
    threading.Event().wait(0.02)
    result = extract(run, given, FEED)  # the run began with a look at the inbox
    assert (result["data_date"], waits) == ("2026-11-17", [0.01])


def test_a_mostly_unusable_file_does_not_displace_a_good_one(given: Settings) -> None:
    drop(given, "capita_one_home_education_20261115.csv", range(10))
    night(given)
    path = drop(given, "capita_one_home_education_20261116.csv", [])
    rows = [f"{number},{'01/09/2026' if number < 4 else 'soon'}," for number in range(10)]
    path.write_text("\n".join([HEADER, *rows, *rows[:2], *rows[:2], ",,", ",,", "Total,10,", ""]))
    result = night(given)
    assert (result["status"], result["data_date"], result["rows_accepted"]) == ("refused", "2026-11-15", 10)
    refused = next(file for file in result["files"] if file["status"] == "refused")
    assert "4 usable rows, 60 % fewer than the 10 of the last accepted file" in refused["reason"]
    # The usable rows count on the other side, too.
    path.write_text("\n".join([HEADER, *(f"{number},01/09/2026," for number in range(8)), *rows[4:], ""]))
    result = night(given)
    assert (result["status"], result["rows_accepted"]) == ("fresh", 8)


def test_a_first_file_is_used_however_few_of_its_rows_can_be_and_that_is_an_error(given: Settings) -> None:
    path = drop(given, "capita_one_home_education_20261116.csv", [])
    path.write_text("\n".join([HEADER, "1,01/09/2026,", *(f"{number},soon," for number in range(2, 10)), ""]))
    run = runs.begin(replace(given, run_id="first"))
    assert extract(run, given, FEED)["rows_accepted"] == 1
    issues = run.issues(f"file__{FEED.replace('.', '__')}")
    found = duckdb.execute(f"SELECT severity, count FROM '{issues}' WHERE rule = 'F-38'").fetchall()
    assert found == [("error", 8)]


@pytest.mark.parametrize(
    "name",
    [
        "capita_one_home_education_20261116.csv",
        "Capita One Home Education 2026-11-16.CSV",
        "capita_one_home_education_20261116 (2).csv",
        "..capita_one_home_education_20261116.csv",
        "..\\..\\capita_one_home_education_20261116.csv",
        "'capita_one_home_education'_\"20261116\".csv",
    ],
)
def test_odd_names_are_recognised_and_land_under_their_hash(given: Settings, name: str) -> None:
    drop(given, name, range(3))
    result = night(given)
    assert (result["status"], result["file_name"]) == ("fresh", name)
    landed = [path for path in (given.home / "landing").rglob("*") if path.is_file()]
    assert all(path.name.startswith(result["sha256"]) for path in landed)


def test_a_date_that_does_not_exist_refuses_the_file(given: Settings) -> None:
    drop(given, "capita_one_home_education_20261345.csv", range(3))
    result = night(given)
    assert result["status"] == "refused"
    assert "The date in the file name does not exist." in result["files"][0]["reason"]


def test_a_name_without_a_date_takes_the_time_of_the_file(given: Settings) -> None:
    path = drop(given, "capita_one_home_education.csv", range(3))
    os.utime(path, (dt.datetime(2026, 11, 14, 23, 30, tzinfo=dt.UTC).timestamp(),) * 2)
    assert night(given)["data_date"] == "2026-11-14"


def test_names_of_no_feed_are_reported_and_not_landed(given: Settings) -> None:
    drop(given, "holiday_rota.csv", range(3))
    drop(given, "capita_one_home_education_old.csv", range(3))
    drop(given, ".capita_one_home_education_20261116.csv", range(3))
    drop(given, "capita_one_home_education_20261116.csv.part", range(3))
    found = {path.name for path in unrecognised((path for path, _ in arrivals.list_exports(given.inbox)[0]), given)}
    assert found == {"holiday_rota.csv", "capita_one_home_education_old.csv"}
    assert night(given)["status"] == "missing"


def test_links_are_not_followed(given: Settings, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text(f"{HEADER}\n1,01/09/2026,\n")
    (given.inbox / "capita_one_home_education_20261116.csv").symlink_to(secret)
    (given.inbox / "folder").symlink_to(tmp_path)
    os.mkfifo(given.inbox / "capita_one_home_education_20261115.csv")
    assert night(given)["status"] == "missing"
    run = runs.begin(given)
    survey(run, given)
    query = f"SELECT file_name, message FROM '{run.issues('inbox')}' WHERE rule = 'F-17' ORDER BY 1"
    message = "It is a link, a pipe or the like, so it was left alone."
    names = ("capita_one_home_education_20261115.csv", "capita_one_home_education_20261116.csv", "folder")
    assert duckdb.execute(query).fetchall() == [(name, message) for name in names]
    assert "3 links or the like, left alone" in run.progress.read_text()


def test_a_feed_whose_extract_never_ended_is_settled_from_the_landing(given: Settings) -> None:
    drop(given, "capita_one_home_education_20261116.csv", range(10))
    night(given)
    given = replace(given, run_id="broken")
    run = runs.begin(given)
    assert FEED in fill_gaps(run, given)
    assert fill_gaps(run, given) == []
    assert {result["status"] for result in runs.feed_results(run)} == {"fresh", "missing"}


def test_files_and_folders_are_the_owners_alone(given: Settings) -> None:
    old = os.umask(0o077)
    try:
        drop(given, "capita_one_home_education_20261116.csv", range(3))
        night(given)
    finally:
        os.umask(old)
    for path in (given.home / "landing").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0


def test_an_optional_feed_is_unused_until_its_first_file_and_one_like_the_others_from_then_on(given: Settings) -> None:
    def actions(as_at: str) -> tuple[str, bool, set[str]]:
        run = runs.begin(replace(given, as_at=dt.date.fromisoformat(as_at), run_id=f"run-{as_at}-{time.time_ns()}"))
        result = extract(run, given, "board.actions")
        found = duckdb.execute(f"SELECT rule FROM '{run.issues('extract__board__actions')}'").fetchall()
        assert [each["feed"] for each in runs.feed_results(run)] == (
            [] if result["status"] == "unused" else ["actions"]
        )
        return str(result["status"]), bool(result["is_stale"]), {rule for (rule,) in found}

    header = "Action ID,Area of Weakness,Action,Due Date,Status"
    assert actions("2026-11-16") == ("unused", False, set())
    path = given.inbox / "board_actions_20261110.csv"
    path.write_text(f"{header}\n1,Advice,Agree a form,31/12/2026,Done\n")
    os.utime(path, (0, 0))
    assert actions("2026-11-16") == ("fresh", False, set())
    assert actions("2026-11-09") == ("unused", False, set())
    assert actions("2026-12-25") == ("fresh", False, set())
    assert actions("2026-12-26") == ("stale", True, {"F-16"})
    path.with_name("board_actions_20261112.csv").write_text("Action ID\n2\n")
    status, is_stale, rules = actions("2026-11-16")
    assert (status, is_stale) == ("refused", True) and rules


def hollow(given: Settings, name: str, megabytes: int) -> Path:
    """A file of holes: its size is that of what a copy would write, and it takes no room where it lies."""
    path = given.inbox / name
    with path.open("wb") as file:
        file.truncate(megabytes * 1_000_000)
    os.utime(path, (time.time() - 60, time.time() - 60))
    return path


def said(given: Settings, rule: str) -> list[tuple[str, str]]:
    path = next(iter(sorted((given.home / "runs").glob("*/issues/extract__*"), key=os.path.getmtime, reverse=True)))
    rows = duckdb.execute(f"SELECT file_name, message FROM '{path}' WHERE rule = ?", [rule]).fetchall()
    return [(name, message) for name, message in rows]


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are read."""
    names: list[str] = []
    read = drive.read_pieces
    monkeypatch.setattr(drive, "read_pieces", lambda path: names.append(path.name) or read(path))  # type: ignore[func-returns-value]
    return names


def test_a_file_above_the_limit_is_left_reported_and_never_read(given: Settings, unread: list[str]) -> None:
    drop(given, "capita_one_home_education_20261114.csv", range(5))
    hollow(given, "capita_one_home_education_20261115.csv", 5_000)
    for _ in range(2):
        result = night(given)
        assert (result["data_date"], result["rows_accepted"]) == ("2026-11-14", 5)
        assert statuses(result)["capita_one_home_education_20261115.csv"] == "deferred"
        ((name, message),) = said(given, "F-26")
        assert name == "capita_one_home_education_20261115.csv"
        assert "It has 5,000.0 MB, and a file of this feed may have 1,000 MB. The file of 2026-11-14 stays" in message
    assert unread == ["capita_one_home_education_20261114.csv"]
    assert sum(path.stat().st_size for path in (given.home / "landing").rglob("*") if path.is_file()) < 10_000


def test_the_limit_is_the_councils_and_a_feeds_own_goes_before_it(given: Settings, tmp_path: Path) -> None:
    hollow(given, "capita_one_home_education_20261115.csv", 3)
    night(replace(given, max_file_mb=2))
    assert "may have 2 MB" in said(given, "F-26")[0][1]
    own = tmp_path / "config" / "contracts" / "capita_one__home_education.yml"
    own.parent.mkdir(parents=True)
    shipped = (settings.PROJECT / "extract" / "contracts" / own.name).read_text()
    own.write_text(shipped.replace("limits:\n", "limits:\n  max_file_mb: 1\n"))
    night(replace(given, config=tmp_path / "config"))
    assert "may have 1 MB" in said(given, "F-26")[0][1]
    own.write_text(shipped.replace("limits:\n", "limits:\n  max_file_mb: 4\n"))
    assert statuses(night(replace(given, config=tmp_path / "config", max_file_mb=2))) == {
        "capita_one_home_education_20261115.csv": "refused"  # landed and read
    }


def test_a_file_that_would_fill_the_disk_is_left_and_the_next_takes_its_turn(
    given: Settings, unread: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "free", lambda folder: 200_000_000)
    hollow(given, "capita_one_home_education_20261114.csv", 100)
    drop(given, "capita_one_home_education_20261115.csv", range(5), age=30)
    result = night(given)
    assert (result["status"], result["data_date"], result["rows_accepted"]) == ("fresh", "2026-11-15", 5)
    ((name, message),) = said(given, "F-26")
    assert name == "capita_one_home_education_20261114.csv"
    assert "It has 100.0 MB, for which 300.0 MB should be free, and 200.0 MB are." in message
    assert unread == ["capita_one_home_education_20261115.csv"]


def test_a_file_that_grows_as_fast_as_it_is_read_is_left(given: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    path = drop(given, "capita_one_home_education_20261115.csv", range(5))
    monkeypatch.setattr(drive, "CHUNK", 16)

    class Growing:
        def __init__(self, file: Any) -> None:
            self.file = file

        def __enter__(self) -> "Growing":
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def fileno(self) -> int:
            return int(self.file.fileno())

        def read(self, size: int) -> bytes:
            with path.open("ab") as more:
                more.write(b"x" * size)
            return bytes(self.file.read(size))

    monkeypatch.setattr(drive, "open", lambda *given: Growing(open(*given)), raising=False)  # noqa: SIM115
    assert statuses(night(given)) == {path.name: "deferred"}
    assert path.stat().st_size < 1_000


@pytest.mark.parametrize(
    "change",
    [
        lambda kept: kept | {"rows_in_file": kept["rows_in_file"] + 900},
        lambda kept: kept | {"rows_in_file": kept["rows_in_file"] + 1, "rows_quarantined": 1},
        lambda kept: kept | {"rows_accepted": str(kept["rows_accepted"])},
        lambda kept: kept | {"rows_duplicate": True, "rows_accepted": kept["rows_accepted"] - 1},
        lambda kept: kept | {"rows_quarantined": -1, "rows_accepted": kept["rows_accepted"] + 1},
        lambda kept: kept | {"status": "acceptea"},
        lambda kept: kept | {"code": "F-09"},
        lambda kept: kept | {"columns_missing": ["end_data"]},
        lambda kept: kept | {"columns_missing": [7]},
        lambda kept: kept | {"columns_extra": None},
        lambda kept: {key: value for key, value in kept.items() if key != "fix"},
        lambda kept: [kept],
        lambda kept: None,
    ],
)
@pytest.mark.parametrize("is_sealed", [True, False], ids=["sealed", "of a version without seals"])
def test_a_record_of_reading_that_does_not_fit_its_file_is_made_again(
    given: Settings, change: Callable[[Any], Any], is_sealed: bool
) -> None:
    drop(given, "capita_one_home_education_20261115.csv", range(90))
    drop(given, "capita_one_home_education_20261116.csv", range(100))
    before = night(given)
    (record,) = (given.home / "landing").glob(f"*/*/2026-11-16/{before['sha256']}.*.json")
    whole = record.read_bytes()
    kept = files.read_json(record)
    changed = change({key: value for key, value in kept.items() if is_sealed or key != read_file.OF_RECORD})
    files.write_json(record, changed)
    if not is_sealed and isinstance(changed, dict) and changed.get("rows_quarantined") == 1:
        return  # it adds up, and nobody can tell
    assert night(given) == before
    assert record.read_bytes() == whole


def test_a_record_of_another_file_is_not_taken_for_this_ones(given: Settings) -> None:
    drop(given, "capita_one_home_education_20261115.csv", range(90))
    drop(given, "capita_one_home_education_20261116.csv", range(100))
    before = night(given)
    one, other = sorted((given.home / "landing").glob("*/*/*/*.*.json"))
    other.write_bytes(one.read_bytes())
    assert night(given) == before


@pytest.mark.parametrize("change", [("rows_accepted", 9), ("rows_in_file", "100"), ("files", [7])])
def test_what_a_run_keeps_of_a_feed_is_made_again_when_it_does_not_add_up(
    given: Settings, change: tuple[str, Any]
) -> None:
    drop(given, "capita_one_home_education_20261116.csv", range(100))
    before = night(given)
    run = runs.find(given)
    path = run.feed_result(FEED)
    files.write_json(path, files.read_json(path) | dict([change]))
    with pytest.raises(runs.RunError, match=r"is damaged\. Run `send-ready extract capita_one\.home_education`"):
        runs.feed_results(run)
    assert FEED in fill_gaps(run, given)
    assert runs.feed_result(run, FEED) == before


def test_many_files_of_a_feed_take_as_long_as_their_number(given: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: looking at one file may not look at all others."""
    looks: Counter[str] = Counter()
    is_still, recorded, listed = Landed.is_still, read_file._parsed_record, Path.glob

    def counting(name: str, whole: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            looks[name] += 1
            return whole(*arguments, **named)

        return counted

    monkeypatch.setattr(Landed, "is_still", counting("is_still", is_still))
    monkeypatch.setattr(read_file, "_parsed_record", counting("_parsed_record", recorded))
    monkeypatch.setattr(Path, "glob", counting("glob", listed))
    for number in range(20):
        drop(given, f"capita_one_home_education_20261101_{number}.csv", range(number + 100))
    night(given)
    assert looks["is_still"] <= 20
    assert looks["_parsed_record"] <= 3 * 20
    looks.clear()
    night(given)
    assert looks["is_still"] <= 3 * 20
    assert looks["_parsed_record"] <= 3 * 20 and looks["glob"] < 20


def test_a_feed_that_the_council_does_not_have_is_not_asked_for_and_used_all_the_same(
    given: Settings, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "absent_feeds.csv").write_text("feed,reason\ncapita_one.home_education,Another council keeps it\n")
    given = replace(given, config=config)
    result = night(given)
    assert (result["status"], result["is_stale"], result["absent_reason"]) == (
        "absent",
        False,
        "Another council keeps it",
    )
    assert told(given) == []
    drop(given, "capita_one_home_education_20261116.csv", range(3))
    result = night(given)
    assert (result["status"], result["rows_accepted"], result["absent_reason"]) == ("fresh", 3, None)
    assert told(given) == ["F-58"]


def told(given: Settings) -> list[str]:
    """The codes of what the last run says of the feed as a whole."""
    run = max((given.home / "runs").glob("run-*"), key=lambda path: path.stat().st_mtime)
    path = run / "issues" / "extract__capita_one__home_education.parquet"
    return [rule for (rule,) in duckdb.execute(f"SELECT rule FROM '{path}'").fetchall()] if path.exists() else []
