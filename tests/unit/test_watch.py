"""What the clock says of a call, at each minute that matters; and a watchdog that nothing keeps from looking."""

import json
import sqlite3
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from inspection import airflow_runs, clock, release_log, state, verify, watch
from inspection.alerts import send
from inspection.alerts.receivers import Receivers
from inspection.call import CallParameters, register
from inspection.notification import Request
from pickup import record as pickups
from pickup.record import LastPickup
from send_ready import files, runs
from send_ready.runs import RunError
from send_ready.settings import LONDON, PROJECT, Settings

MONDAY = date(2026, 11, 16)
CALL = Request(Path(), MONDAY, "full_inspection")
NOBODY = Receivers()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path, tmp_path / "inbox", "999", "lettered", None, MONDAY, "run-1")


def london(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LONDON)


def call(settings: Settings, day: date = MONDAY, kind: str = "full_inspection") -> Request:
    request = Request(settings.home, day, kind)
    request.folder.mkdir(parents=True, exist_ok=True)
    return request


def released(request: Request, at: datetime, version: int = 1) -> None:
    files.write_json(request.released / f"v{version}" / state.RECEIPT, {"released_at": at.isoformat()})


def told(settings: Settings) -> list[dict[str, Any]]:
    return send.latest_lines(send.common_record(settings.home))


def keys(settings: Settings) -> list[str]:
    return [line["key"] for line in told(settings)]


def deadline(settings: Settings, which: str, now: str, day: date = MONDAY, is_rehearsal: bool = False) -> str:
    return watch.deadline_passed(settings.home, day, "full_inspection", which, london(now), NOBODY, is_rehearsal)


@pytest.mark.parametrize(
    ("notified_on", "due"),
    [
        ("2026-11-16", "2026-11-17"),  # a Monday
        ("2026-11-20", "2026-11-23"),  # a Friday
        ("2026-03-27", "2026-03-30"),  # over the weekend the clocks go forward
        ("2026-10-23", "2026-10-26"),  # and back
        ("2026-12-24", "2026-12-29"),  # Christmas
        ("2026-05-22", "2026-05-26"),  # a bank holiday
    ],
)
def test_warned_at_half_past_nine_and_late_at_eleven_by_londons_clock(
    settings: Settings, notified_on: str, due: str
) -> None:
    request = call(settings, date.fromisoformat(notified_on))
    heard = []
    for time in ("09:29:59", "09:30", "10:59:59", "11:00", "18:00"):
        now = london(f"{due}T{time}").astimezone(UTC)  # as a server has it
        watch.watch_round(settings, now)
        heard.append([line["level"] for line in told(settings)])
    assert heard == [[], ["warning"], ["warning"], ["warning", "missed"], ["warning", "missed"]]
    assert keys(settings) == [f"warned:{request.key}", f"missed:{request.key}"]
    assert send.latest_lines(request.alerts) == told(settings)


def test_londons_clock_is_not_utc_in_summer(settings: Settings) -> None:
    call(settings, date(2026, 6, 15))
    watch.watch_round(settings, datetime(2026, 6, 16, 9, 59, tzinfo=UTC))
    watch.watch_round(settings, datetime(2026, 6, 16, 10, 0, tzinfo=UTC))
    assert [line["level"] for line in told(settings)] == ["warning", "missed"]


def test_released_in_time_nobody_hears_anything(settings: Settings) -> None:
    released(call(settings), london("2026-11-17T11:00"))
    assert deadline(settings, "warning", "2026-11-17T09:30") == (
        "No alert. Full inspection, notified on Monday 16 November 2026. Released at 11:00 on Tuesday 17 November 2026."
    )
    assert deadline(settings, "missed", "2026-11-17T11:00").startswith("No alert. ")
    assert watch.watch_round(settings, london("2026-11-17T12:00")) == []
    assert told(settings) == []


def test_released_late_is_told_though_nobody_looked_in_between(settings: Settings) -> None:
    request = call(settings)
    released(request, london("2026-11-17T11:00:01"))
    released(request, london("2026-11-17T15:00"), version=2)
    watch.watch_round(settings, london("2026-11-17T16:00"))
    [line] = told(settings)
    assert line["key"] == f"missed:{request.key}"
    assert line["text"].endswith("Released at 11:00 on Tuesday 17 November 2026, late.")


def test_the_first_release_counts_also_when_a_later_version_came_after_the_deadline(settings: Settings) -> None:
    request = call(settings)
    released(request, london("2026-11-17T10:00"))
    released(request, london("2026-11-17T15:00"), version=2)
    watch.watch_round(settings, london("2026-11-17T16:00"))
    assert told(settings) == []


def test_an_unreadable_receipt_proves_nothing(settings: Settings) -> None:
    request = call(settings)
    (request.released / "v1").mkdir(parents=True)
    (request.released / "v1" / state.RECEIPT).write_text("{")
    watch.watch_round(settings, london("2026-11-17T11:00"))
    assert keys(settings) == [f"missed:{request.key}"]


def test_a_rejection_is_no_release_and_an_alert_says_how_far_each_version_is(settings: Settings) -> None:
    for number in range(1, 4):
        run = runs.begin(replace(settings, run_id=f"run-{number}"))
        register(run, CallParameters(MONDAY), london("2026-11-16T10:00"))
    request = call(settings)
    for number in (1, 2):
        request.version_folder(number).mkdir()
    decision = {"option": verify.REJECT, "by": "Amina Khan", "at": "2026-11-17T09:00:00+00:00", "comment": "Wrong"}
    facts = {"notification": request.key, "version": 1, "decision": decision, "manifest_sha256": "0" * 64}
    facts |= {"is_rehearsal": False, "later_files": []}
    release_log.append(request.log, facts)

    deadline(settings, "warning", "2026-11-17T09:45")
    [line] = told(settings)
    assert line["title"] == "The lists are due at 11:00, in 75 minutes, and not released"
    assert line["text"] == (
        "Full inspection, notified on Monday 16 November 2026. Version 1 was rejected. Version 2 is frozen, and nobody "
        "has decided on it. Version 3 is not frozen: its run is under way, or failed."
    )
    assert "Amina" not in json.dumps(line)


def test_the_constants_are_those_of_the_release() -> None:
    assert (state.RECEIPT, state.REJECT) == (verify.RECEIPT, verify.REJECT)


def test_a_call_that_failed_before_it_was_on_record_is_told(settings: Settings) -> None:
    said = deadline(settings, "missed", "2026-11-17T11:00")
    request = Request(settings.home, MONDAY, "full_inspection")
    assert said.startswith("Raised: The lists are late: they were due at 11:00 on Tuesday 17 November 2026.")
    assert "No version is on record" in said
    assert [line["key"] for line in send.latest_lines(request.alerts)] == keys(settings) == [f"missed:{request.key}"]


def test_airflow_and_the_watchdog_together_tell_once(settings: Settings) -> None:
    call(settings)
    watch.watch_round(settings, london("2026-11-17T09:31"))
    assert deadline(settings, "warning", "2026-11-17T09:32").startswith("Had been raised before")
    assert deadline(settings, "missed", "2026-11-17T11:00").startswith("Raised")
    watch.watch_round(settings, london("2026-11-17T11:01"))
    assert [line["level"] for line in told(settings)] == ["warning", "missed"]


def test_a_warning_that_comes_after_the_deadline_is_the_alarm(settings: Settings) -> None:
    """As when the scheduler was down in the morning."""
    assert "The lists are late" in deadline(settings, "warning", "2026-11-17T12:00")
    assert deadline(settings, "missed", "2026-11-17T12:00").startswith("Had been raised before")
    assert [line["level"] for line in told(settings)] == ["missed"]


@pytest.mark.parametrize("which", ["warning", "missed"])
def test_a_deadline_that_fires_at_once_is_a_fault_and_no_lateness(settings: Settings, which: str) -> None:
    said = deadline(settings, which, "2026-11-16T09:05")
    assert "Airflow does not know when the lists are due" in said
    assert "They are due at 11:00 on Tuesday 17 November 2026" in said
    assert keys(settings) == ["clock:2026-11-16_full_inspection"]
    released(call(settings), london("2026-11-16T09:30"))
    assert deadline(settings, which, "2026-11-16T10:00").startswith("No alert")


def test_a_rehearsal_alarms_in_its_own_folder_only(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(Receivers, "send", lambda self, *given: sent.append(self.urls) or {})
    request = Request(settings.home, MONDAY, "full_inspection", is_rehearsal=True)
    given = {"notified_on": "2026-11-16", "rehearsal": True}
    own = replace(settings, request=json.dumps(given), alert_url="json://127.0.0.1:1")
    assert watch.deadline(own, "missed", london("2026-11-17T11:00")).startswith("Rehearsal, nobody is told.")
    watch.watch_round(own, london("2026-11-17T11:05"))
    assert [line["key"] for line in send.latest_lines(request.alerts)] == [f"missed:{request.key}"]
    assert sent == [()]
    assert not send.common_record(settings.home).exists()


@pytest.mark.parametrize(
    "given", [None, "{", "{}", '{"notified_on": "soon"}', '{"notified_on": "2026-11-16", "kind": "x"}']
)
def test_a_deadline_of_no_call_is_told(settings: Settings, given: str | None) -> None:
    own = replace(settings, request=given)
    assert watch.deadline(own, "missed", london("2026-11-17T11:00")).startswith("A deadline fired for what is no call.")
    [line] = told(settings)
    assert (line["key"], line["level"]) == ("no-call:2026-11-17", "fault")


def test_only_folders_of_calls_are_calls(settings: Settings) -> None:
    root = settings.home / "out" / "inspections"
    for name in ("2026-11-16_", "2026-11-16_visit", "soon_full_inspection", ".2026-11-16_full_inspection.partial"):
        (root / name).mkdir(parents=True)
    call(settings, kind="revisit_2019")
    watch.watch_round(settings, london("2026-11-17T11:00"))
    assert keys(settings) == ["missed:2026-11-16_revisit_2019"]


def test_a_folder_that_cannot_be_written_hinders_neither_this_call_nor_the_next(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = call(settings)
    broken.alerts.mkdir()  # where a file should be
    call(settings, kind="revisit_2019")
    for _ in range(2):
        watch.watch_round(settings, london("2026-11-17T11:00"))
    assert keys(settings) == [f"missed:{broken.key}", "missed:2026-11-16_revisit_2019"]
    assert f"not on record: {broken.alerts}" in capsys.readouterr().err


def test_a_look_that_breaks_is_told_and_the_others_are_done(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: date) -> datetime:
        raise ZeroDivisionError

    call(settings)
    files.write_json(settings.home / "out" / "2026-11-15" / "manifest.json", {})
    monkeypatch.setattr(clock, "lists_due", broken)
    for minutes in (0, 5):
        watch.watch_round(settings, london("2026-11-17T11:00") + timedelta(minutes=minutes))
    assert keys(settings) == ["watch:calls:2026-11-17", "night-missing:2026-11-17"]
    assert "ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("packs", "now", "is_told"),
    [
        ([], "2026-11-17T12:00", False),  # never a night here
        (["2026-11-16"], "2026-11-17T06:59", False),
        (["2026-11-16"], "2026-11-17T07:00", True),
        (["2026-11-17", "2026-11-16"], "2026-11-17T07:00", False),
        (["2025-01-06"], "2026-11-17T12:00", True),
        (["2026-06-15"], "2026-06-16T07:00", True),  # in summer
    ],
)
def test_a_night_without_a_pack_is_told_at_seven(settings: Settings, packs: list[str], now: str, is_told: bool) -> None:
    for day in packs:
        files.write_json(settings.home / "out" / day / "manifest.json", {})
    (settings.home / "out" / "inspections").mkdir(parents=True)
    for seconds in (0, 59):
        watch.watch_round(settings, london(now).astimezone(UTC) + timedelta(seconds=seconds))
    assert keys(settings) == ([f"night-missing:{now[:10]}"] if is_told else [])


def test_half_a_pack_is_none(settings: Settings) -> None:
    files.write_json(settings.home / "out" / "2026-11-16" / "manifest.json", {})
    (settings.home / "out" / "2026-11-17").mkdir()
    watch.watch_round(settings, london("2026-11-17T07:00"))
    assert keys(settings) == ["night-missing:2026-11-17"]
    assert "The newest is of Monday 16 November 2026." in told(settings)[0]["text"]


def test_what_reached_nobody_is_given_back_once(settings: Settings) -> None:
    call(settings)
    assert watch.watch_round(settings, london("2026-11-17T11:00")) == [
        "Not sent: The lists are late: they were due at 11:00 on Tuesday 17 November 2026. "
        "nobody: no receiver is configured"
    ]
    assert watch.watch_round(settings, london("2026-11-17T11:05")) == []


def test_what_was_not_sent_is_tried_again_by_the_next_round(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [{"JSON": "could not be reached"}, {"JSON": "could not be reached"}, {"JSON": ""}]
    monkeypatch.setattr(Receivers, "send", lambda *_: answers.pop(0))
    own = replace(settings, alert_url="json://127.0.0.1:1")
    request = call(own)
    rounds = [watch.watch_round(own, london(f"2026-11-17T11:0{minute}")) for minute in (0, 5, 6, 7)]
    assert [len(each) for each in rounds] == [1, 1, 0, 0]
    assert answers == []
    [line] = send.latest_lines(request.alerts)
    assert (line["sent"], line["tried_at"]) == (True, "2026-11-17T11:06:00+00:00")


def test_a_home_that_is_not_there_is_refused_and_not_made(settings: Settings) -> None:
    own = replace(settings, home=settings.home / "elsewhere")
    with pytest.raises(RunError, match=r"elsewhere.*SEND_HOME"):
        watch.watch_round(own, london("2026-11-17T11:00"))
    assert not own.home.exists()


def test_a_trial_says_who_has_it_and_who_has_not(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = london("2026-11-17T11:00")
    assert watch.send_trial(settings, now) == ["nobody: no receiver is configured"]
    monkeypatch.setattr(Receivers, "send", lambda *_: {"Slack": "", "E-Mail": "refused with status 535"})
    assert watch.send_trial(settings, now) == ["E-Mail: refused with status 535"]
    assert capsys.readouterr().out == "Slack: sent\n"
    assert not (settings.home / "out").exists()


def test_a_round_loads_little(settings: Settings) -> None:
    """It runs every five minutes, beside a build that needs the machine."""
    call(settings)
    code = (
        "import sys\nfrom commands.cli import main\nmain(['watch'])\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    database = settings.home / "airflow.db"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE dag_run (id, run_id, dag_id, state, conf, run_after, queued_at, start_date)")
        connection.execute("CREATE TABLE deadline (dagrun_id)")
    env = {"SEND_HOME": str(settings.home), "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{database}"}
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, env=env, capture_output=True, text=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert {"inspection", "sqlalchemy", "holidays"} <= loaded, done.stderr
    assert not {"airflow", "apprise", "dbt", "duckdb", "great_expectations", "numpy", "pandas"} & loaded


def test_the_longest_wait_for_a_deadline_is_in_view() -> None:
    """A call that is known from its run alone is watched until its lists are due."""
    days = (date(2024, 1, 1) + timedelta(days=ahead) for ahead in range(365 * 10))
    longest = max(clock.lists_due(day) - datetime.combine(day, datetime.min.time(), LONDON) for day in days)
    assert longest < airflow_runs.SINCE


def test_a_source_that_does_not_come_is_told_once(settings: Settings) -> None:
    def last(since: str | None) -> None:
        said = ("students.csv: files.council.example:22 refused the sign-in.",) if since else ()
        pickups.put_last(
            settings.home, LastPickup("hub", since or "2026-11-16T00:30:00+00:00", not since, 0, said, since)
        )

    last("2026-11-16T00:30:00+00:00")
    watch.watch_round(settings, london("2026-11-16 01:00"))
    assert keys(settings) == []  # it is tried again meanwhile
    for _ in range(2):
        watch.watch_round(settings, london("2026-11-16 01:31"))
    assert keys(settings) == ["pickup:hub:2026-11-16T00:30:00+00:00"]
    assert "council.example" not in json.dumps(told(settings))
    last(None)
    watch.watch_round(settings, london("2026-11-17 01:31"))
    assert len(keys(settings)) == 1
    last("2026-11-18T00:30:00+00:00")
    watch.watch_round(settings, london("2026-11-18 08:00"))
    assert len(keys(settings)) == 2
