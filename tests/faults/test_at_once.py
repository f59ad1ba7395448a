"""Two at work at the same moment on one SEND_HOME, and programs that hold a file open: each ends well or says so."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from extract import contract as contracts
from extract import landing
from send_ready import files, settings
from tests.faults import standing
from tests.faults.house import EVE, House
from tests.golden.pipeline import FEEDS
from tests.steps import Ended

# A DuckDB client that keeps trying until it has the file, and then holds it until its stdin ends.
CLIENT = """
import sys, time, duckdb
until = time.monotonic() + 300
while time.monotonic() < until:
    try:
        con = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "read")
        break
    except duckdb.Error:
        time.sleep(0.002)
else:
    sys.exit("not opened")
print("open", flush=True)
sys.stdin.read()
"""


@contextmanager
def client(path: Path, mode: str = "read") -> Iterator["subprocess.Popen[str]"]:
    """Somebody's DuckDB client, which holds a file as soon as it can."""
    command = [sys.executable, "-c", CLIENT, str(path), mode]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as tool:
        yield tool


def opened(tool: "subprocess.Popen[str]") -> int:
    """Wait until the client has the file; gives its process id."""
    assert tool.stdout and tool.stdout.readline() == "open\n"
    return tool.pid


def at_once(house: House, *steps: tuple[tuple[str, ...], dict[str, object]]) -> list[Ended]:
    """Start steps together, and wait for all."""
    started = [house.start(*step, **options) for step, options in steps]  # type: ignore[arg-type]
    ended = [each.wait() for each in started]
    assert all(ended)
    return [each for each in ended if each]


def test_two_nights_at_once_land_each_export_once_and_read_the_same(house: House) -> None:
    both: list[dict[str, object]] = [{"run_id": "one"}, {"run_id": "two"}]
    for step in (("begin",), *(("extract", feed) for feed in FEEDS)):
        said = at_once(house, *((step, run) for run in both))
        assert [each.status for each in said] == [0, 0], said
    standing.assert_landing(house.home)
    results = [
        {path.name: files.read_json(path) for path in (house.home / "runs" / run / "feeds").iterdir()}
        for run in ("one", "two")
    ]
    assert results[0] == results[1]
    given = settings.load({"SEND_HOME": str(house.home)})
    for contract in contracts.load_all(given):
        history = landing.history(house.home, contract)
        assert len({each.file_name for each in history}) == len(history) == len({each.landed_at for each in history})
    assert not list((house.home / "landing").rglob(".*"))


def test_a_night_and_a_call_at_once_take_the_same_export_once(house: House) -> None:
    call = ("request", "--notified-on", settings.now().date().isoformat(), "--rehearsal")
    said = at_once(house, (("begin",), {"run_id": "night"}), (call, {"run_id": "call"}))
    assert [each.status for each in said] == [0, 0], said
    for feed in FEEDS[:4]:
        said = at_once(house, *((("extract", feed), {"run_id": run}) for run in ("night", "call")))
        assert [each.status for each in said] == [0, 0], said
        results = [files.read_json(house.home / "runs" / run / "feeds" / f"{feed.replace('.', '__')}.json")
                   for run in ("night", "call")]  # fmt: skip
        assert results[0] == results[1]
    standing.assert_landing(house.home)


def test_publishing_and_serving_twice_at_once_leaves_both_whole(house: House, after_eve: Path) -> None:
    eve: dict[str, object] = {"run_id": "eve", "as_at": EVE}
    said = at_once(house, *(((step,), eve) for step in ("publish", "serve", "publish", "serve", "publish")))
    assert [each.status for each in said] == [0] * 5, said
    standing.assert_whole(house.home)
    assert standing.pack(house.home, EVE) == standing.pack(after_eve / "home", EVE)
    assert standing.served(house.home) == standing.served(after_eve / "home")
    assert len(list((house.home / "published").iterdir())) <= 2


def test_many_runs_begun_at_once_are_all_there_and_old_ones_are_forgotten_once(house: House) -> None:
    for number in range(2):
        runs: list[dict[str, object]] = [{"run_id": f"{number}-{each}"} for each in range(10)]
        said = at_once(house, *((("begin",), run) for run in runs))
        assert [each.status for each in said] == [0] * 10, said
    kept = {path.name for path in (house.home / "runs").iterdir()}
    assert len(kept) == 14
    assert kept > {f"1-{each}" for each in range(10)}


@pytest.mark.parametrize("mode", ["read", "write"])
def test_a_client_on_what_is_published_keeps_nobody_from_publishing(house: House, mode: str) -> None:
    serving = (house.home / "serving").resolve()
    with client(serving / "warehouse.duckdb", mode) as one, client(serving / "bi.duckdb", mode) as other:
        opened(one), opened(other)
        house.night((("serve",),), run_id="eve", as_at=EVE)
    assert (house.home / "serving").resolve() != serving
    standing.assert_whole(house.home)


def test_a_client_that_writes_to_the_runs_warehouse_is_named_and_the_step_runs_again(house: House) -> None:
    path = house.home / "runs" / "eve" / "warehouse.duckdb"
    with client(path, "write") as tool:
        holder = opened(tool)
        for step in ("validate-lists", "publish", "serve"):
            ended = house.run(step, run_id="eve", as_at=EVE)
            assert (step, ended.status, "Traceback" in ended.said) == (step, 2, False), ended.said
            assert f"{path} is open in another program" in ended.said and f"(PID {holder}). Close it" in ended.said
    standing.assert_whole(house.home)
    house.night((("validate-lists",), ("publish",), ("serve",)), run_id="eve", as_at=EVE)


def test_a_client_that_takes_the_warehouse_between_two_statements_of_the_build_is_named(house: House) -> None:
    path = house.home / "runs" / "eve" / "warehouse.duckdb"
    path.unlink()
    with client(path) as tool:
        building = house.start("build", run_id="eve", as_at=EVE)
        holder = opened(tool)
        ended = building.wait()
        assert ended and (ended.status, "Traceback" in ended.said) == (2, False), ended
        assert f"{path} is open in another program" in ended.said and f"(PID {holder}). Close it" in ended.said
        rebuilding = house.start("build", run_id="eve", as_at=EVE)  # it builds a file of its own
        assert rebuilding.wait(3) is None
        rebuilding.kill()
    standing.assert_whole(house.home)
