"""Steps killed at any moment: nothing is half in between, and trying again comes to what nobody disturbed.

More of it, with other seeds: python -m tests.faults.kills --kills 1000
"""

import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from send_ready import files, settings
from tests.faults import standing
from tests.faults.house import EVE, House, moved_in
from tests.faults.kills import Undisturbed, assert_as_undisturbed, disturb, walk
from tests.servers import Server, postgres
from tests.steps import Nursery
from tests.waiting import until

__all__ = ["postgres"]

SEED = 2026
LISTS = "annex_a_person_level_lists.xlsx"
FEED = "capita_one.home_education"
# A step, and how many of the things that it does to files lie between one kill and the next. Closer walks, down to one
# kill at every place: python -m tests.faults.kills --every 1
WALKS = [(("begin",), 5), (("validate-lists",), 17), (("publish",), 11), (("serve",), 31)]


@pytest.fixture(scope="module")
def finished(after_night: Path, steps_nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> House:
    """A house that has had its night, and is played on by one test after the other."""
    return moved_in(after_night, steps_nursery, tmp_path_factory.mktemp("finished"))


def test_a_night_killed_again_and_again_comes_to_what_one_in_peace_comes_to(house: House, peace: Undisturbed) -> None:
    met = disturb(house, peace, random.Random(SEED))  # noqa: S311
    print(f"seed {SEED}: {dict(met)}")
    assert met.total() >= 20
    assert {"extract", "validate-feeds", "build", "validate-lists", "publish", "serve"} <= met.keys()


@pytest.mark.parametrize(("step", "stride"), WALKS, ids=lambda value: value[0] if isinstance(value, tuple) else "")
def test_a_step_killed_at_one_place_after_the_other_gets_there(
    finished: House, peace: Undisturbed, step: tuple[str, ...], stride: int
) -> None:
    assert walk(finished, step, stride, random.Random(SEED).randint(1, stride)) >= 1  # noqa: S311
    finished.night((("publish",), ("serve",)))
    assert_as_undisturbed(finished.home, peace)


def test_a_warehouse_whose_build_did_not_end_well_is_not_published(finished: House, peace: Undisturbed) -> None:
    """Whether it was killed, or failed: until one has ended well."""

    def assert_nothing_is_published() -> None:
        for step in ("publish", "serve"):
            ended = finished.run(step)
            assert ended.status == 2 and "Run night has no finished warehouse." in ended.said

    at_work = finished.start("build")
    until("the build has begun", (finished.home / "runs" / "night" / "unfinished").exists)
    assert at_work.kill().status == -signal.SIGKILL
    assert_nothing_is_published()

    record = finished.home / "runs" / "night" / "feeds" / "capita_one__students.json"
    whole = record.read_bytes()
    another = files.read_json(record.with_stem("capita_one__attendance"))["typed_path"]
    files.write_json(record, {**files.read_json(record), "typed_path": another})
    ended = finished.run("build")
    assert ended.status == 2 and "dbt built with failures" in ended.said, ended
    assert "capita_one.students" in ended.said
    record.write_bytes(whole)
    assert_nothing_is_published()
    finished.night((("build",), ("publish",), ("serve",)))
    assert_as_undisturbed(finished.home, peace)


def test_a_landing_killed_at_one_place_after_the_other_lands_once(house: House) -> None:
    for left in ("landing", "runs", "typed"):
        shutil.rmtree(house.home / left)
    house.night((("begin",),))
    begun = house.home.with_name("begun")
    shutil.copytree(house.home, begun, symlinks=True)
    house.night((("extract", FEED),))
    expected = standing.landed(house.home)
    assert sum(path.endswith(".csv") for path in expected) == 2
    kills, moment, status = 0, 1, -signal.SIGKILL
    while status == -signal.SIGKILL:
        shutil.rmtree(house.home)
        shutil.copytree(begun, house.home, symlinks=True)
        status = house.run("extract", FEED, kill_at=moment).status
        standing.assert_landing(house.home)
        house.night((("extract", FEED),))
        assert standing.landed(house.home) == expected, moment
        kills, moment = kills + 1, moment + 5
    assert status == 0
    assert kills > 7


def test_a_call_and_its_frozen_version_killed_at_one_place_after_the_other_are_there_once(
    finished: House, peace: Undisturbed
) -> None:
    today = settings.now().date().isoformat()
    kills = 0
    for step, stride in ((("request", "--notified-on", today, "--rehearsal"), 5), (("freeze",), 9)):
        moment = 1
        while finished.run(*step, kill_at=moment).status == -signal.SIGKILL:
            kills, moment = kills + 1, moment + stride
        finished.night((step,))
    assert kills > 3
    call = finished.home / "out" / "rehearsals" / f"{today}_full_inspection"
    assert {path.name for path in call.glob("[!.]*")} == {"request.json", "timetable.ics", "timetable.xlsx", "v1"}
    manifest = files.read_json(call / "v1" / "manifest.json")
    assert {path.relative_to(call / "v1").as_posix() for path in (call / "v1").rglob("*") if path.is_file()} == {
        *manifest["outputs"],
        "manifest.json",
    }
    for name, output in manifest["outputs"].items():
        assert files.sha256(call / "v1" / name) == output["sha256"]
    assert files.sha256(call / "v1" / LISTS) == peace.pack[LISTS]


def test_publishing_to_postgresql_killed_and_tried_again_shows_one_run_at_a_time(
    finished: House, peace: Undisturbed, postgres: Server
) -> None:
    database, chance = postgres.database(), random.Random(SEED)  # noqa: S311
    finished.set["SEND_PUBLISH_URL"] = postgres.url(database)

    def shown() -> dict[str, tuple[str, int]]:
        """Which runs each table that readers see is of, and its rows."""
        named = "SELECT schemaname || '.' || tablename FROM pg_tables WHERE tableowner = 'send_loader'"
        tables = postgres.run(
            f"{named} AND schemaname NOT LIKE '%_previous' AND schemaname <> 'send_publisher'", database
        )
        counted = "SELECT string_agg(DISTINCT run_id, ','), count(*) FROM"
        return {table: tuple(postgres.run(f"{counted} {table}", database)[0]) for (table,) in tables}

    began = time.perf_counter()
    finished.night((("serve-postgres",),), run_id="eve", as_at=EVE)
    seconds, eve, kills = time.perf_counter() - began, shown(), 0
    for number in range(50):
        if kills and number >= 4:
            break
        at_work = finished.start("serve-postgres")
        ended = at_work.wait(chance.uniform(0, seconds)) or at_work.kill()
        kills += ended.status == -signal.SIGKILL
        assert shown() == eve or {run for run, _ in shown().values() if run} == {"night"}
    assert kills
    finished.night((("serve-postgres",),))
    assert {run for run, _ in shown().values() if run} == {"night"}
    rows = {table: count for table, (_, count) in shown().items()}
    assert rows == {table: len(held) for table, held in peace.served.items()}


STAND_IN = """#!{python} -IS
import sys, time
open({calls!r}, "a").write(" ".join(sys.argv[1:]) + chr(10))
time.sleep({seconds})
"""


@pytest.fixture
def slow_steps(house: House, tmp_path: Path) -> Path:
    """Stand-ins for the steps, which take their time. The file that they write their names to."""
    program, calls = tmp_path / "stand_in", tmp_path / "calls"
    program.write_text(STAND_IN.format(python=sys.executable, calls=str(calls), seconds=0.3))
    program.chmod(0o700)
    house.set["SEND_COMMAND"] = str(program)
    calls.touch()
    return calls


def of_this_home(house: House) -> list[psutil.Process]:
    """Whoever is at work for this SEND_HOME, steps and Airflow."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("SEND_HOME") == str(house.home) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_make_run_killed_leaves_nobody_at_work_and_two_at_once_take_turns(house: House, slow_steps: Path) -> None:
    database = house.home / "airflow" / "run" / "airflow.db"
    moments: list[Callable[[], bool]] = [
        lambda: database.exists() and not database.with_name("migrated").exists(),  # half made
        lambda: len(slow_steps.read_text().splitlines()) >= 3,
    ]
    for moment in moments:
        night = house.start("run")
        until("the moment has come", moment)
        assert of_this_home(house)
        os.killpg(night.pid, signal.SIGKILL)
        assert night.wait()
        until("nobody is at work", lambda: not of_this_home(house))
    slow_steps.write_text("")
    database.write_bytes(b"damaged" + database.read_bytes()[7:])
    nights = [house.start("run", run_id="") for _ in range(2)]  # named by the second, which is the same
    said = [ended.said for night in nights if (ended := night.wait())]
    assert sorted("waiting for it to end" in each for each in said) == [False, True]
    assert [call for call in slow_steps.read_text().splitlines() if call in ("begin", "summary")] == [
        *("begin", "summary"),
        *("begin", "summary"),
    ]
    assert len({path.parent for path in (house.home / "runs").glob("*/airflow.json")}) == 2


def test_no_step_outlives_an_airflow_that_was_killed(house: House, slow_steps: Path) -> None:
    program = Path(house.set["SEND_COMMAND"])
    program.write_text(program.read_text().replace("sleep(0.3)", "sleep(600)"))
    night = house.start("run")
    until("a step is at work", slow_steps.read_text)
    (airflow,) = (process for process in of_this_home(house) if "commands.play_dag" in process.cmdline())
    airflow.kill()
    ended = night.wait()
    assert ended and ended.status == 1
    assert "Airflow did not run the DAG to its end." in ended.said
    assert not of_this_home(house)
