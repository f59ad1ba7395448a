"""The status says what is, what is wrong and what to do, most urgent first, whatever state things are in."""

import json
import os
import shutil
import sqlite3
import time
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from inspection import release_log
from operations.status import machine
from operations.status.status import WIDTH, status, status_json
from send_ready import files
from send_ready.folders import point
from send_ready.home import BACKUPS
from send_ready.runs import RunError
from send_ready.settings import LONDON
from tests.operations.home import NOW, TODAY, land, released, settings, snapshot, version
from tests.servers import Server

DAY = timedelta(days=1)
LISTS = {"List 1": 3_700, "List 2": 7_000}
FEED = {"title": "Students", "owner": "Capita One team", "status": "fresh", "data_date": f"{TODAY}"}


def pack(home: Path, day: date, **statuses: str) -> None:
    """A pack with a state for each feed."""
    names = {"students": "fresh", **statuses}
    inputs = [
        {**FEED, "feed": f"capita_one.{name}", "title": name.title(), "status": held} for name, held in names.items()
    ]
    files.write_json(
        home / "out" / f"{day}" / "manifest.json", {"rows": LISTS, "inputs": inputs, "run_id": f"run-{day}"}
    )


def run(home: Path, day: date, *steps: str, failed: tuple[str, ...] = (), ago: timedelta = timedelta(hours=7)) -> Path:
    """A run that noted these steps, the last of them a while ago."""
    folder = home / "runs" / f"run-{day}"
    files.write_json(folder / "run.json", {"run_id": folder.name, "as_at": f"{day}", "la_code": "999"})
    lines = [{"step": step, "feed": None, "outcome": "failed" if step in failed else "done"} for step in steps]
    if lines:
        files.write_bytes(folder / "progress.jsonl", "".join(json.dumps(line) + "\n" for line in lines).encode())
    for path in folder.iterdir():
        os.utime(path, ((NOW - ago).timestamp(),) * 2)
    return folder


def publish(home: Path, day: date) -> Path:
    folder = home / "published" / f"run-{day}_x"
    files.write_bytes(folder / "warehouse.duckdb", b"x" * 1000)
    record = {"run_id": f"run-{day}", "as_at": f"{day}", "previous": None, "files": {"warehouse.duckdb": "ab"}}
    files.write_json(folder / "publication.json", record)
    point(home / "serving", folder)
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home in which all is well."""
    made = tmp_path / "home"
    run(made, TODAY, "begin", "build", "publish", "serve")
    pack(made, TODAY)
    publish(made, TODAY)
    return made


def told(home: Path, now: datetime = NOW, **changes: Any) -> tuple[str, list[str], int]:
    """The whole text in one line, what to do, and the exit status."""
    lines, exit_status = status(settings(home, **changes), now)
    assert all(len(line) <= WIDTH or str(home) in line for line in lines)  # a path is never broken
    facts, same = status_json(settings(home, **changes), now)
    assert same == exit_status == bool(facts["todo"])
    json.dumps(facts)
    return " ".join(" ".join(lines).split()), facts["todo"], exit_status


def test_when_all_is_well_there_is_nothing_to_do_and_nothing_is_written(home: Path) -> None:
    before = snapshot(home)
    text, todo, exit_status = told(home)
    assert (todo, exit_status) == ([], 0)
    assert text.startswith("SEND Ready, LA 999 Sampleshire: Monday 16 November 2026, 09:00 Last run run-2026-11-16")
    assert "Done (night)" in text
    assert "Monday 16 November 2026: List 1 3,700 rows, List 2 7,000 rows" in text
    assert "Feeds 1 fresh" in text
    assert "DuckDB: run run-2026-11-16, as at 2026-11-16" in text
    assert text.endswith("Nothing to do.")
    assert snapshot(home) == before


def test_a_home_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="There is no folder"):
        status(settings(tmp_path / "none"), NOW)
    (tmp_path / "new").mkdir()
    _, todo, exit_status = told(tmp_path / "new")
    assert exit_status == 1
    assert todo == ["Make the first run: make run", "There is no pack: make run"]


@pytest.mark.parametrize(
    ("now", "says"),
    [
        (NOW + DAY, "STALE: the pack is of Monday 16 November 2026, 1 day old"),
        (NOW + 3 * DAY, "STALE: the pack is of Monday 16 November 2026, 3 days old"),
        (datetime(2026, 11, 17, 7, 0, tzinfo=LONDON), "STALE"),
        (datetime(2026, 11, 17, 6, 59, tzinfo=LONDON), ""),
    ],
)
def test_a_pack_of_another_day_is_told_loudly_once_todays_is_due(home: Path, now: datetime, says: str) -> None:
    text, todo, exit_status = told(home, now)
    assert exit_status == bool(says)
    assert says in text
    assert bool(says) == ("STALE" in text)
    assert "fresh, as they were for that pack" in text
    if says:
        assert f"There is no pack of {now:%A %-d %B %Y}" in todo[0]


@pytest.mark.parametrize(
    ("steps", "failed", "ago", "says", "to_do"),
    [
        (("begin", "build"), ("build",), 60, "FAILED: build", "The last run failed at build"),
        (("begin", "build", "build", "serve"), (), 60, "Done (night)", None),
        (
            ("begin", "build", "night"),
            (),
            60,
            "STOPPED without a word",
            "The last run stopped after build. Run it again",
        ),
        ((), (), 60, "STOPPED without a word", "The last run stopped after it began"),
        (("begin", "build"), (), 5, "UNDER WAY", None),
        (
            ("begin", "build"),
            (),
            -60,
            "STOPPED without a word",
            "The last run stopped after build",
        ),  # the clock went back
        (("begin", "build"), ("build",), 5, "UNDER WAY", None),
        (("begin", "freeze"), (), 60, "Done (call of the inspectors)", None),
        (("begin", "board"), (), 60, "Done (edition for the board)", None),
    ],
)
def test_the_last_run_in_whatever_state(
    home: Path, steps: tuple[str, ...], failed: tuple[str, ...], ago: int, says: str, to_do: str | None
) -> None:
    shutil.rmtree(home / "runs")
    run(home, TODAY, *steps, failed=failed, ago=timedelta(minutes=ago))
    text, todo, _ = told(home)
    assert says in text
    assert [to_do in each for each in todo] == ([True] if to_do else [])


def test_a_step_that_failed_and_then_did_not_is_no_failure_and_half_a_line_is_no_step(home: Path) -> None:
    folder = run(home, TODAY, "begin", "build", failed=("build",))
    with open(folder / "progress.jsonl", "a") as progress:
        progress.write('{"step": "build", "feed": null, "outcome": "done"}\n{"step": "pub')
    os.utime(folder / "progress.jsonl", ((NOW - DAY).timestamp(),) * 2)
    assert "The last run stopped after build" in told(home)[1][0]


def test_a_run_at_a_prompt_is_under_way_however_long_it_is_silent(home: Path) -> None:
    run(home, TODAY, "begin", "build", ago=timedelta(hours=2))
    with files.locked(home / "locks" / "night"):
        assert "UNDER WAY" in told(home)[0]


def test_each_owner_hears_of_their_exports(home: Path) -> None:
    pack(home, TODAY, enrolments="stale", exclusions="refused", sen_needs="missing")
    text, todo, _ = told(home)
    assert "Feeds 1 fresh, 1 stale, 1 refused, 1 missing" in text
    assert "capita_one.exclusions: REFUSED, in use: 2026-11-16, Capita One team" in text
    exports = "Enrolments (stale), Exclusions (refused), Sen_Needs (missing)"
    assert todo == [f"Capita One team: a new export of {exports}. issues.xlsx says why a file was refused."]


def test_what_is_published_is_behind_damaged_or_gone(home: Path) -> None:
    publish(home, TODAY - DAY)
    assert "The published warehouse is as at 2026-11-15, the pack of 2026-11-16" in told(home)[1][0]
    (publish(home, TODAY) / "warehouse.duckdb").unlink()
    text, todo, _ = told(home)
    assert "DAMAGED: 1 of 1 files" in text
    assert "warehouse.duckdb is missing. Publish again: make run; or go back: make rollback" in todo[0]
    (home / "serving").unlink()
    assert told(home)[1] == ["The published warehouse is not there, or cannot be read: make run"]


def test_a_published_file_that_was_written_to_is_read_and_told(home: Path) -> None:
    path = publish(home, TODAY) / "warehouse.duckdb"
    later = (path.with_name("publication.json").stat().st_mtime_ns + 1,) * 2
    os.utime(path, ns=later)  # as a copy has it: its hash tells
    record = files.read_json(path.with_name("publication.json"))
    files.write_json(path.with_name("publication.json"), record | {"files": {path.name: files.sha256(path)}})
    os.utime(path, ns=(path.with_name("publication.json").stat().st_mtime_ns + 1,) * 2)
    assert told(home)[1] == []
    path.write_bytes(b"y" * 1000)
    assert "warehouse.duckdb is damaged" in told(home)[1][0]


@pytest.mark.parametrize("held", [b"", b"{", b"{}", b"[]", b"\xff\n"])
def test_damaged_records_are_told_and_keep_nothing_else_from_being_told(home: Path, held: bytes) -> None:
    folder = run(home, TODAY, "begin", "build", "serve")
    files.write_bytes(folder / "warehouse.duckdb", b"x")
    for name in ("feeds/capita_one__students.json", "progress.jsonl"):
        files.write_bytes(folder / name, held)
    text, todo, _ = told(home)
    assert "STOPPED" in text
    files.write_bytes(folder / "run.json", held)
    text, todo, _ = told(home)
    assert "Last run run-2026-11-16: its record CANNOT BE READ" in text
    assert todo == [f"{folder / 'run.json'} is damaged. Make another run: make run"]


def test_a_look_that_fails_is_told_beside_the_others(home: Path, capsys: Any) -> None:
    files.write_bytes(home / "landing" / "capita_one" / "students", b"no folder")
    text, todo, _ = told(home)
    assert "Retained CANNOT BE TOLD" in text and "DuckDB: run run-2026-11-16" in text
    assert "Retained: a record is damaged (NotADirectoryError, see above)" in todo[0]
    assert "NotADirectoryError" in capsys.readouterr().err
    own = home / "config" / "retention.yml"
    files.write_bytes(own, b"{")
    assert f"{own} is not YAML" in told(home, config=own.parent)[1][0]


def test_a_run_at_a_prompt_that_was_killed_has_stopped_at_once_and_the_last_is_the_one_begun_last(home: Path) -> None:
    folder = run(home, TODAY, "begin", "build", ago=timedelta(minutes=1))
    assert "UNDER WAY" in told(home)[0]
    (folder / "airflow.log").touch()
    assert "STOPPED without a word" in told(home)[0]
    earlier = run(home, TODAY - DAY, "begin", ago=timedelta(minutes=1))
    for path, hour in ((folder, 9), (earlier, 8)):
        record = files.read_json(path / "run.json")
        files.write_json(path / "run.json", record | {"begun_at": f"2026-11-16T{hour:02}:00:00+00:00"})
    assert f"Last run run-{TODAY}, as at" in told(home)[0]


def test_postgres_in_words(home: Path, postgres: Server) -> None:
    name = postgres.database()
    url = postgres.url(name)
    assert "PostgreSQL: nothing yet" in told(home, publish_url=url)[0]
    assert "PostgreSQL shows another run" in told(home, publish_url=url)[1][0]
    shown = "SELECT 'run-2026-11-16' AS run_id, DATE '2026-11-16' AS as_at_date"
    postgres.run(f"CREATE SCHEMA quality; CREATE TABLE quality.runs AS {shown}", name)
    text, todo, _ = told(home, publish_url=url)
    assert "PostgreSQL: run run-2026-11-16, as at 2026-11-16" in text
    assert todo == []
    gone = "postgresql://loader:secret-word@127.0.0.1:1/nowhere"
    text, todo, _ = told(home, publish_url=gone)
    assert "PostgreSQL: NOT REACHABLE" in text
    assert "127.0.0.1" in todo[0]
    assert "secret-word" not in text


def test_an_open_call_comes_first_and_is_forgotten_when_it_is_history(home: Path) -> None:
    pack(home, TODAY, exclusions="refused")
    version(home, TODAY)
    text, todo, _ = told(home)
    assert "The lists are due at 11:00 on Tuesday 17 November 2026" in text
    assert todo[0].startswith("Release the lists of 2026-11-16_full_inspection, due at 11:00 on Tuesday")
    assert len(todo) == 2
    assert "LATE: they were due" in told(home, NOW + 2 * DAY)[0]
    assert "Inspections" not in told(home, NOW + 20 * DAY)[0]


def test_a_release_that_was_tampered_with_is_seen_at_a_glance(home: Path) -> None:
    folder = released(home, TODAY - 30 * DAY)
    assert "1 kept; log and sizes are as they were" in told(home)[0]
    folder.chmod(0o700)
    (folder / "brief.md").chmod(0o600)
    (folder / "brief.md").write_text("Other counts")
    text, todo, _ = told(home)
    assert "ARE NOT AS THEY WERE" in text
    assert "brief.md is not what was released. See all: make verify-release" in todo[0]


def test_a_disk_that_the_next_run_would_fill_is_told_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files.write_bytes(home / "runs" / f"run-{TODAY}" / "warehouse.duckdb", b"x" * 3_000_000)
    landed = land(home, "capita_one.students", TODAY, b"x" * 50_000)
    result = {"landing_path": str(landed.path), "typed_path": None}
    files.write_json(home / "runs" / f"run-{TODAY}" / "feeds" / "f.json", result)
    real = shutil.disk_usage(home)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: real._replace(free=1_000_000))
    assert told(home)[1] == ["Make room: the next run needs 3 MB, and 1 MB are free. make purge"]
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: real._replace(free=3_500_000))
    assert "The disk is full in about" in told(home)[1][0]
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: real._replace(free=300_000_000))
    assert told(home)[1] == []


def test_room_for_a_run_is_judged_by_the_one_that_made_the_pack(home: Path) -> None:
    for run_id, size in (("whole", 3_000_000), ("cut-off", 10_000)):
        files.write_bytes(home / "runs" / run_id / "warehouse.duckdb", b"x" * size)
    manifest = home / "out" / f"{TODAY}" / "manifest.json"
    files.write_json(manifest, files.read_json(manifest) | {"run_id": "whole"})
    text = told(home)[0]
    assert "a run needs 3 MB" in text and "as they were" not in text


def test_a_disk_too_small_for_any_run_is_told_before_the_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = shutil.disk_usage(home)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: real._replace(free=0))
    assert told(home)[1][0] == "Make room: 0 MB are free, and a run needs 150 MB at the least."


def test_backups_are_missed_by_councils_and_not_by_the_sample(home: Path) -> None:
    assert told(home, la_code="888")[1] == ["Back up: make backup TO=/a/folder/on/another/disk"]
    line = {"at": (NOW - 2 * DAY).isoformat(), "file": "send-ready_888.tar.gz", "bytes": 12_000_000, "files": 3}
    release_log.append(home / BACKUPS, line)
    text, todo, _ = told(home, la_code="888")
    assert "send-ready_888.tar.gz, 12 MB, 2 days ago" in text
    assert todo == []
    pack(home, TODAY + 8 * DAY)
    publish(home, TODAY + 8 * DAY)
    assert told(home, NOW + 8 * DAY, la_code="888")[1] == ["Back up: make backup TO=/a/folder/on/another/disk"]
    (home / ".restoring" / "new").mkdir(parents=True)
    assert told(home)[1] == ["A restore was cut off: run the same make restore again."]


def test_what_is_older_than_its_period_is_counted(home: Path) -> None:
    for days in (500, 450, 1):
        land(home, "capita_one.students", TODAY - days * DAY, f"{days}".encode())
    pack(home, TODAY - 200 * DAY)
    text, todo, _ = told(home)
    assert "1 exports, as they came, 1 packs" in text
    assert todo == ["See what is older than its period, and decide: make purge"]


def test_airflow_that_is_down_or_paused_is_told_and_matters_when_the_night_did_not_come(home: Path) -> None:
    database = home / "airflow" / "server" / "airflow.db"
    files.write_bytes(database, b"")
    assert "its database gives NO ANSWER" in told(home)[0]
    with closing(sqlite3.connect(database)) as con:
        con.execute("CREATE TABLE job (job_type TEXT, latest_heartbeat TEXT)")
        con.execute("CREATE TABLE dag (dag_id TEXT, is_paused BOOLEAN)")
        con.execute("INSERT INTO dag VALUES ('send_nightly', 0)")
        con.execute("INSERT INTO job VALUES ('SchedulerJob', '2026-11-16 08:59:00.000000')")
        con.commit()
        assert "the scheduler is up" in told(home)[0]
        later = NOW + timedelta(hours=1)
        assert "NOT RUNNING, last heard of at 08:59 on Monday" in told(home, later)[0]
        assert told(home, later)[1] == []
        assert told(home, NOW + DAY)[1][1] == "Start Airflow: its scheduler is not running."
        con.execute("UPDATE dag SET is_paused = 1")
        con.commit()
    assert "PAUSED" in told(home)[0]
    assert told(home, NOW + DAY)[1][-1] == "Switch send_nightly on in Airflow."


def test_years_of_landing_are_looked_at_in_a_second(home: Path) -> None:
    for number in range(399):
        folder = home / "landing" / "capita_one" / "students" / f"{TODAY - number * DAY}"
        folder.mkdir(parents=True)
        for name in ("a.csv", "a.json", "a.x.json"):
            (folder / name).touch()
    for other in range(5):
        shutil.copytree(home / "landing" / "capita_one" / "students", home / "landing" / "capita_one" / f"f{other}")
    started = time.process_time()
    assert told(home)[2] == 0
    assert time.process_time() - started < 2  # twice: as lines and as facts
