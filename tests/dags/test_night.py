"""`make run` as somebody at a prompt meets it, with a stand-in for the pipeline."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import psutil
import pytest

from commands import airflow_home, night
from send_ready import settings
from send_ready.settings import Settings
from tests.dags.conftest import PROJECT
from tests.waiting import HANG, until

FEEDS = len(list((PROJECT / "extract" / "contracts").glob("*__*.yml")))
STAND_IN = """#!{python} -IS
import json, os, sys, time
command, feed = sys.argv[1], os.environ.get("SEND_FEED")
run = os.environ["SEND_HOME"] + "/runs/" + os.environ["SEND_RUN_ID"]
line = dict(step=command, feed=feed, outcome="done", rows=7, note=None, wall_seconds=0.1, work_seconds=0.1)
with open(run + "/progress.jsonl", "a") as progress:
    progress.write(json.dumps(line) + "\\n")
if command == os.environ.get("SLOW"):
    time.sleep(600)
if command == os.environ.get("BROKEN"):
    sys.exit("The disk is full.")
if feed == os.environ.get("KILLED") and command == "extract":
    os.kill(os.getpid(), 9)
if command == "verdict" and feed == "gias.establishments":
    sys.exit(1)
if command == "publish":
    out = os.environ["SEND_HOME"] + "/out/" + os.environ["AS_AT"]
    os.makedirs(out)
    with open(out + "/manifest.json", "w") as manifest:
        json.dump(dict(run_id=os.environ["SEND_RUN_ID"]), manifest)
"""


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings of a council with one export, and the stand-in as the pipeline. The process is put back as it was."""
    program = tmp_path / "stand-in"
    program.write_text(STAND_IN.format(python=sys.executable))
    program.chmod(0o700)
    monkeypatch.setenv("SEND_COMMAND", str(program))
    inbox = tmp_path / "a named inbox"
    inbox.mkdir()
    (inbox / "capita_one_students_20261116.csv").write_text("Student ID\n")
    umask, terminate = os.umask(0o077), signal.getsignal(signal.SIGTERM)
    yield settings.load(
        {"SEND_HOME": str(tmp_path / "home"), "SEND_INBOX": str(inbox), "SEND_LA_CODE": "888", "AS_AT": "2026-11-16"}
    )
    os.umask(umask)
    signal.signal(signal.SIGTERM, terminate)


@pytest.fixture
def summary(monkeypatch: pytest.MonkeyPatch) -> None:
    """The closing table, which has tests of its own."""
    monkeypatch.setattr("publish.summary.summary", lambda run, _: f"What came of {run.run_id}")


def test_a_night_with_a_pack(given: Settings, summary: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert night.run(replace(given, run_id="one")) == 0

    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"Annex A lists as at 2026-11-16, LA 888, from {given.inbox}"
    assert sum(line.startswith("extract ") for line in said) == FEEDS
    assert "extract         capita_one.students                   7 rows     0.1 s" in said
    assert said[-1] == "What came of one"
    folder = given.home / "runs" / "one"
    last = json.loads((folder / "progress.jsonl").read_text().splitlines()[-1])
    assert last["step"] == "night"
    assert last["work_seconds"] == pytest.approx((2 * FEEDS + 10) / 10)  # a tenth for each program
    parts = last["work_seconds"] + last["start_seconds"] + last["airflow_seconds"]
    assert parts == pytest.approx(last["wall_seconds"], abs=0.01)
    assert last["airflow_seconds"] > 1
    private = [folder / "airflow.log", folder / "airflow.json", given.home / "airflow" / "run" / "airflow.db"]
    assert {path.stat().st_mode & 0o077 for path in private} == {0}


def test_a_night_without_a_pack(
    given: Settings, summary: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BROKEN", "build")
    monkeypatch.setenv("KILLED", "capita_one.students")

    assert night.run(replace(given, run_id="two")) == 1

    said = capsys.readouterr().out
    assert "build failed 3 times. The disk is full.\n" in said
    assert "capita_one__students failed 3 times. Signal 9 ended it: somebody killed it, or the system did when" in said
    assert (
        "For that reason these did not run: validate_lists, validate_sen2, publish, serve, serve_postgres, done\n"
        in said
    )
    assert "verdict" not in said.replace("verdict         ", "")


def test_interrupting_stops_everything_in_order(given: Settings) -> None:
    script = (
        "import sys; from dataclasses import replace; from pathlib import Path\n"
        "from commands import night; from send_ready import settings; sys.exit(night.run(settings.load()))"
    )
    env = os.environ | {
        "SEND_HOME": str(given.home),
        "SEND_INBOX": str(given.inbox),
        "AS_AT": "2026-11-16",
        "SLOW": "extract",
        "PYTHONUNBUFFERED": "1",
    }
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=PROJECT, env=env, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout
        for line in run.stdout:
            if line.startswith("extract "):
                break
        started = psutil.Process(run.pid).children(recursive=True)
        assert len(started) >= 2  # Airflow and the stand-in
        run.send_signal(signal.SIGINT)
        said = run.stdout.read()
        assert run.wait(timeout=HANG) == 130
    assert "Stopped. Nothing half-made is published" in said
    assert "Traceback" not in said
    assert psutil.wait_procs(started, timeout=HANG)[1] == []


def test_one_night_at_a_time(given: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    (given.home / "locks").mkdir(parents=True)
    with open(given.home / "locks" / "night", "w", encoding="utf-8") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        ended = threading.Event()

        def end() -> None:
            try:
                until("who waits is told so", lambda: "Another run is at work" in capsys.readouterr().out)
                ended.set()
            finally:
                fcntl.flock(other, fcntl.LOCK_UN)

        threading.Thread(target=end).start()
        with night.one_at_a_time(given.home):
            assert ended.is_set()


def council(folder: Path, *, as_at: date, answer_key: Path, has_last_return: bool = False) -> None:
    folder.mkdir(parents=True)
    (folder / "students.csv").write_text(as_at.isoformat())


def test_an_empty_inbox_of_a_fresh_clone_gets_the_invented_council(
    given: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sample.council.write", council)
    ours = replace(given, inbox=given.home / "inbox", la_code="999")
    council(given.home / ".sample.partial", as_at=date(2026, 11, 15), answer_key=given.home)  # of one that was killed

    night.fill_inbox(ours)
    night.fill_inbox(replace(ours, as_at=date(2026, 11, 17)))

    assert [path.read_text() for path in ours.inbox.iterdir()] == ["2026-11-16"]


def test_a_restored_council_is_joined_by_no_other(given: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sample.council.write", council)
    (given.home / "landing" / "capita_one").mkdir(parents=True)
    night.fill_inbox(replace(given, inbox=given.home / "inbox", la_code="999"))
    assert not (given.home / "inbox").exists()


def test_an_inbox_that_is_a_link_belongs_to_somebody(given: Settings) -> None:
    inbox = given.home / "inbox"
    inbox.parent.mkdir(exist_ok=True)
    inbox.symlink_to("a drive that is away")
    night.fill_inbox(replace(given, inbox=inbox, la_code="999"))
    assert inbox.is_symlink()


@pytest.mark.parametrize(("named", "la_code"), [(True, "999"), (False, "888")])
def test_an_inbox_that_somebody_named_or_of_a_real_council_stays_empty(
    given: Settings, monkeypatch: pytest.MonkeyPatch, named: bool, la_code: str
) -> None:
    monkeypatch.setattr("sample.council.write", council)
    inbox = given.home / ("mine" if named else "inbox")

    night.fill_inbox(replace(given, inbox=inbox, la_code=la_code))

    assert not inbox.exists()


def test_the_embedded_airflow_is_quiet_local_and_its_own(given: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql://somewhere/else")

    run, server = (airflow_home.environment(given, name) for name in ("run", "server"))

    assert run["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == f"sqlite:///{given.home}/airflow/run/airflow.db"
    assert run["AIRFLOW_HOME"] != server["AIRFLOW_HOME"]
    assert run["SEND_HOME"] == str(given.home)
    assert run["DO_NOT_TRACK"] == "1"
