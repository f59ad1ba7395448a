"""The watchdog beside a true Airflow: its database, its DAG triggered as people trigger it, and its connections."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from inspection import airflow_runs, watch
from inspection.airflow_runs import DagRun, Unreachable
from inspection.alerts import send
from inspection.call import CallParameters, register
from inspection.notification import Request
from send_ready import runs
from send_ready.settings import Settings
from tests.dags.conftest import make_known

LONDON = ZoneInfo("Europe/London")
TODAY = datetime.now(LONDON).date()
CALL = {"notified_on": TODAY.isoformat()}
KEY = f"{TODAY}_full_inspection"
Trigger = Callable[..., Any]


@pytest.fixture
def url(airflow: None) -> str:
    from airflow.configuration import conf

    return str(conf.get("database", "sql_alchemy_conn"))


@pytest.fixture
def settings(tmp_path: Path, url: str) -> Settings:
    return Settings(tmp_path, tmp_path / "inbox", "999", "lettered", None, TODAY, None, airflow_database=url)


@pytest.fixture
def trigger(bag: Any) -> Iterator[Trigger]:
    """Triggers the real DAG as the server does; then the run is brought into a state, as the scheduler would."""
    from airflow.api.common.trigger_dag import trigger_dag
    from airflow.models import DagRun as Run
    from airflow.utils.session import create_session
    from airflow.utils.types import DagRunTriggeredByType
    from sqlalchemy import delete, select

    dag = bag.dags[airflow_runs.DAG]
    with create_session() as session:
        session.execute(delete(Run).where(Run.dag_id == dag.dag_id))
    make_known(dag)

    def act(conf: dict[str, Any], run_id: str = "by.hand:1", state: str = "queued", **times: datetime) -> Any:
        trigger_dag(dag.dag_id, triggered_by=DagRunTriggeredByType.TEST, run_id=run_id, conf=conf)
        with create_session() as session:
            made = session.scalar(select(Run).where(Run.run_id == run_id))
            assert made
            made._state = state
            for name, moment in times.items():
                setattr(made, name, moment)
            return made.id

    yield act
    with create_session() as session:
        session.execute(delete(Run).where(Run.dag_id == dag.dag_id))


def forget_deadlines(number: int) -> None:
    from airflow.models.deadline import Deadline
    from airflow.utils.session import create_session
    from sqlalchemy import delete

    with create_session() as session:
        session.execute(delete(Deadline).where(Deadline.dagrun_id == number))


def told(settings: Settings) -> list[dict[str, Any]]:
    return send.latest_lines(send.common_record(settings.home))


def keys(settings: Settings) -> list[str]:
    return [line["key"] for line in told(settings)]


def soon(minutes: float = 1) -> datetime:
    return datetime.now(UTC) + timedelta(minutes=minutes)


def put_on_record(settings: Settings, run_id: str = "by.hand:1") -> None:
    """As the DAG's first step does."""
    register(runs.begin(replace(settings, run_id=run_id)), CallParameters(TODAY), datetime.now(LONDON))


def test_runs_are_read_as_airflow_wrote_them(settings: Settings, trigger: Trigger, url: str) -> None:
    before = datetime.now(UTC)
    number = trigger({**CALL, "kind": "revisit_2019", "rehearsal": True})
    [run] = airflow_runs.recent_runs(url, settings.home, soon())
    assert before <= run.begun_at <= datetime.now(UTC)
    request = Request(settings.home, TODAY, "revisit_2019", is_rehearsal=True)
    assert run == DagRun(number, "by.hand:1", "queued", run.begun_at, request, airflow_runs.DEADLINES)
    assert airflow_runs.recent_runs(url, settings.home, soon() + airflow_runs.SINCE) == []


def test_reading_changes_nothing(settings: Settings, url: str) -> None:
    from sqlalchemy import text
    from sqlalchemy.exc import OperationalError

    with airflow_runs._engine(url).connect() as connection, pytest.raises(OperationalError, match="readonly"):
        connection.execute(text("DELETE FROM dag_run"))


def test_a_run_that_goes_its_way_is_no_news(settings: Settings, trigger: Trigger) -> None:
    trigger(CALL, state="running", start_date=soon(-60))
    put_on_record(settings)
    trigger(CALL, run_id="just.triggered")
    assert watch.watch_round(settings, soon()) == []
    assert told(settings) == []


def test_a_run_that_never_begins_is_told_once(settings: Settings, trigger: Trigger) -> None:
    number = trigger(CALL)  # the scheduler is down, or the DAG paused
    watch.watch_round(settings, soon(9))
    assert told(settings) == []
    for minutes in (11, 16):
        watch.watch_round(settings, soon(minutes))
    [line] = told(settings)
    assert (line["key"], line["level"]) == (f"not-started:{KEY}:{number}", "fault")
    assert "No version is on record" in line["text"]


def test_a_run_whose_first_step_does_not_get_anywhere_is_told(settings: Settings, trigger: Trigger) -> None:
    number = trigger(CALL, state="running", start_date=soon(-11))
    watch.watch_round(settings, soon(0))
    assert keys(settings) == [f"not-started:{KEY}:{number}"]


def test_a_run_that_failed_before_the_call_was_on_record_is_told(settings: Settings, trigger: Trigger) -> None:
    number = trigger(CALL, state="failed")
    watch.watch_round(settings, soon())
    assert keys(settings) == [f"failed-early:{KEY}:{number}"]
    assert not (settings.home / "out" / "inspections").exists()  # no folder that looks like a call on record


def test_a_run_that_failed_later_is_the_clocks_to_tell(settings: Settings, trigger: Trigger) -> None:
    trigger(CALL, state="failed")
    put_on_record(settings)
    watch.watch_round(settings, soon())
    assert told(settings) == []


def test_a_run_without_its_deadlines_is_told_beside_the_call(settings: Settings, trigger: Trigger) -> None:
    number = trigger(CALL, state="running", start_date=soon(-1))
    put_on_record(settings)
    forget_deadlines(number)
    watch.watch_round(settings, soon())
    assert keys(settings) == [f"no-deadline:{KEY}:{number}"]
    assert send.latest_lines(Request(settings.home, TODAY, "full_inspection").alerts) == told(settings)


def test_a_run_that_released_its_lists_needs_no_deadline(settings: Settings, trigger: Trigger) -> None:
    forget_deadlines(trigger(CALL, state="success"))
    watch.watch_round(settings, soon())
    assert told(settings) == []


def test_a_call_that_only_a_failed_run_knows_is_late_all_the_same(settings: Settings, trigger: Trigger) -> None:
    """Without its deadline, so that nobody else would tell."""
    number = trigger(CALL, state="failed")
    forget_deadlines(number)
    request = Request(settings.home, TODAY, "full_inspection")
    watch.watch_round(settings, request.due - timedelta(minutes=90))
    watch.watch_round(settings, request.due)
    faults = [f"failed-early:{KEY}:{number}", f"no-deadline:{KEY}:{number}"]
    assert keys(settings) == [*faults, f"warned:{KEY}", f"missed:{KEY}"]
    assert [line["key"] for line in send.latest_lines(request.alerts)] == [f"warned:{KEY}", f"missed:{KEY}"]


def test_a_day_to_come_is_no_call_that_could_be_late(settings: Settings, trigger: Trigger) -> None:
    tomorrow = TODAY + timedelta(days=1)
    number = trigger({"notified_on": tomorrow.isoformat()}, state="failed")
    request = Request(settings.home, tomorrow, "full_inspection")
    watch.watch_round(settings, request.due)
    assert keys(settings) == [f"failed-early:{request.key}:{number}"]


def test_a_rehearsal_alarms_nobody(settings: Settings, trigger: Trigger) -> None:
    forget_deadlines(trigger({**CALL, "rehearsal": True}, state="failed"))
    trigger({**CALL, "rehearsal": True}, run_id="stuck")
    watch.watch_round(settings, Request(settings.home, TODAY, "full_inspection").due)
    assert told(settings) == []


def test_what_was_triggered_without_a_call_is_told_without_its_words(settings: Settings, trigger: Trigger) -> None:
    """Airflow's form refuses such parameters; a row written by anything else may have them."""
    from airflow.models import DagRun as Run
    from airflow.utils.session import create_session

    number = trigger(CALL, state="failed")
    with create_session() as session:
        found = session.get(Run, number)
        assert found
        found.conf = {"notified_on": "Amina Khan"}
    watch.watch_round(settings, soon())
    assert keys(settings) == [f"failed-early:unknown:{number}"]
    assert "Amina" not in json.dumps(told(settings))


def test_a_database_that_does_not_answer_is_told_once_a_day(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(watch.time, "sleep", waits.append)
    nobody = "postgresql+psycopg2://airflow:S3CRET@127.0.0.1:1/airflow"
    morning = datetime(2026, 11, 17, 9, tzinfo=LONDON)
    for url in (nobody, f"sqlite:///{tmp_path}/none.db", "mysql://S3CRET", "S3CRET"):
        watch.watch_round(replace(settings, airflow_database=url), morning)
    watch.watch_round(replace(settings, airflow_database=nobody), morning + timedelta(days=1))
    assert keys(settings) == ["airflow:2026-11-17", "airflow:2026-11-18"]
    assert set(waits) == {watch.SECOND_LOOK}
    assert "S3CRET" not in json.dumps(told(settings))
    assert not (tmp_path / "none.db").exists()


def test_a_database_that_is_just_being_restarted_is_no_news(
    settings: Settings, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    later = tmp_path / "later.db"
    true = Path(url.removeprefix("sqlite:///"))
    monkeypatch.setattr(watch.time, "sleep", lambda _: later.symlink_to(true))
    watch.watch_round(replace(settings, airflow_database=f"sqlite:///{later}"), soon())
    assert told(settings) == []


def test_a_database_that_is_not_airflows_is_told(tmp_path: Path) -> None:
    import sqlite3

    sqlite3.connect(tmp_path / "other.db").close()
    with pytest.raises(Unreachable, match="OperationalError"):
        airflow_runs.recent_runs(f"sqlite:///{tmp_path}/other.db", tmp_path, soon())


def test_the_database_is_the_one_configured_or_the_embedded_servers(settings: Settings) -> None:
    unset = replace(settings, airflow_database=None)
    assert airflow_runs.database_url(unset) is None
    own = settings.home / "airflow" / "server" / "airflow.db"
    own.parent.mkdir(parents=True)
    own.touch()
    assert airflow_runs.database_url(unset) == f"sqlite:///{own}"
    assert airflow_runs.database_url(settings) == settings.airflow_database


def test_airflows_callback_and_the_watchdog_tell_once(settings: Settings, trigger: Trigger) -> None:
    trigger(CALL, state="running", start_date=soon(-1))
    put_on_record(settings)
    request = Request(settings.home, TODAY, "full_inspection")
    given = replace(settings, request=json.dumps(CALL))
    assert watch.deadline(given, "missed", request.due).startswith("Raised: The lists are late")
    watch.watch_round(settings, request.due)
    assert watch.deadline(given, "missed", request.due).startswith("Had been raised before")
    assert keys(settings) == [f"missed:{KEY}"]


def test_a_callback_without_a_call_is_told(settings: Settings) -> None:
    said = watch.deadline(replace(settings, request="{}"), "missed", datetime(2026, 11, 17, 11, tzinfo=LONDON))
    assert "no call" in said
    assert keys(settings) == ["no-call:2026-11-17"]


def test_the_watchdog_declares_as_many_deadlines_as_the_dag(bag: Any) -> None:
    declared = bag.dags[airflow_runs.DAG].deadline
    assert len(declared) == airflow_runs.DEADLINES
    assert {each.interval for each in declared} == {-watch.WARNING, timedelta(0)}
