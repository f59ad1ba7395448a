"""Watches the deadlines of inspections, for Airflow's deadline alert and as a watchdog that needs no Airflow.

The watchdog finds what Airflow cannot report when it is down or was never asked: a call whose lists are late without an
alert; a run that never began, failed before it put the call on record, or has no deadline; a night without a pack. cron
or systemd starts it every five minutes, so it imports little.
"""

import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path

from inspection import airflow_runs, release_log, state
from inspection.airflow_runs import DagRun, Unreachable
from inspection.alerts import send
from inspection.alerts.receivers import Receivers, configured
from inspection.alerts.send import Alert
from inspection.call import parameters_from_json
from inspection.notification import Request
from inspection.state import moment_in_words
from pickup import record as pickups
from send_ready import runs as run_folders
from send_ready.home import INSPECTIONS, OUT, SEN2
from send_ready.runs import RunError
from send_ready.settings import LONDON, Settings
from send_ready.words import weekday_date

WARNING = timedelta(minutes=90)  # before the lists are due, as the DAG declares too
BEGUN_WITHIN = timedelta(minutes=10)  # a run has put its call on record by then; it takes seconds
FETCHED_WITHIN = timedelta(hours=1)  # tries that may help are over by then
PACK_BY = time_of_day(7)  # in London; the night begins at 02:00
SECOND_LOOK = 10.0  # seconds: a database that was just being restarted answers then
AlertOnRecords = tuple[Alert, list[Path]]  # an alert, and the records that it belongs on


def deadline(settings: Settings, which: str, now: datetime) -> str:
    """What was done after Airflow's deadline fired for the call in SEND_REQUEST, as one line."""
    receivers = configured(settings)
    try:
        call = parameters_from_json(settings.request or "")
        return deadline_passed(settings.home, call.notified_on, call.kind, which, now, receivers, call.is_rehearsal)
    except RunError as error:
        title = "A deadline fired for what is no call"
        alert = Alert(
            f"no-call:{_london_day(now)}", "fault", title, f"See the runs of {airflow_runs.DAG}. {error}", now
        )
        send.raise_alert(alert, [send.common_record(settings.home)], receivers)
        return f"{title}. {error}"


def deadline_passed(
    home: Path,
    notified_on: date,
    kind: str,
    which: str,
    now: datetime,
    receivers: Receivers,
    is_rehearsal: bool = False,
) -> str:
    """What was done after a deadline ("warning" or "missed") fired: at most one alert was raised, if one is due.

    Nothing needs to be on record: the run may have failed before. The alert of a rehearsal stays in its folder.
    Raises clock.ClockError for an unknown kind.
    """
    request = Request(home, notified_on, kind, is_rehearsal)
    alert = _alert_due(request, now)
    fires_at = request.due - (WARNING if which == "warning" else timedelta())
    if not alert and now < fires_at and not state.released_at(request):
        alert = _wrong_clock(request, now)
    if not alert:
        return f"No alert. {state.state_in_words(request)}"
    if is_rehearsal:
        send.raise_alert(alert, [request.alerts], Receivers())
        return f"Rehearsal, nobody is told. {alert.title}. {alert.text}"
    raised = send.raise_alert(alert, [request.alerts, send.common_record(home)], receivers)
    return f"{'Raised' if raised else 'Had been raised before'}: {alert.title}. {alert.text}"


def watch_round(settings: Settings, now: datetime) -> list[str]:
    """A line for each alert that a receiver should have got in this round of the watchdog and did not.

    Raises RunError when SEND_HOME does not exist.
    """
    if not settings.home.is_dir():
        raise RunError(f"There is no folder {settings.home} to watch. Set SEND_HOME to the one that the nights use.")
    receivers = configured(settings)
    found = [*_alerts(settings, now), *(_log_alerts(settings.home, now) if receivers.urls else ())]
    raised = (send.raise_alert(alert, paths, receivers) for alert, paths in found)
    tried = [line for line in raised if line]
    records = [*settings.home.glob(f"{INSPECTIONS}/*/{send.NAME}"), send.common_record(settings.home)]
    tried += send.resend(records, receivers, now, {line["key"] for line in tried})
    return [f"Not sent: {line['title']}. {send.reasons(line)}" for line in tried if not line["sent"]]


def send_trial(settings: Settings, now: datetime) -> list[str]:
    """A line for each receiver who did not get a trial message, with the reason. The trial is not put on record."""
    receivers = configured(settings)
    text = f"Sent at {moment_in_words(now)}. Nothing is wrong, and there is nothing to do."
    outcome = receivers.send("warning", "Trial of SEND Ready's alerts", text) or send.NOBODY
    for name in (name for name, why in outcome.items() if not why):
        print(f"{name}: sent")
    return [f"{name}: {why}" for name, why in outcome.items() if why]


def _alerts(settings: Settings, now: datetime) -> Iterator[AlertOnRecords]:
    """The alerts of every check. A check that breaks is an alert itself, and the others go on."""
    home, common = settings.home, [send.common_record(settings.home)]
    runs: list[DagRun] = []
    checks: dict[str, Callable[[], Iterable[AlertOnRecords]]] = {
        "Airflow": lambda: _airflow_alerts(settings, now, runs),
        "calls": lambda: _late_calls(home, runs, now),
        "nights": lambda: ((alert, common) for alert in _night_alerts(home, now)),
        "pickups": lambda: ((alert, common) for alert in _pickup_alerts(home, now)),
    }
    for name, check in checks.items():
        try:
            yield from check()
        except Exception as error:
            traceback.print_exc()
            text = f"It failed with {type(error).__name__} when it looked at: {name}. Its log says where."
            title = "The watchdog is broken: see `send-ready watch`"
            yield Alert(f"watch:{name}:{_london_day(now)}", "fault", title, text, now), common


def _late_calls(home: Path, runs: Iterable[DagRun], now: datetime) -> Iterator[AlertOnRecords]:
    """An alert for each call whose lists are late or nearly so; some calls are known only from a run of Airflow."""
    folders = (home / INSPECTIONS).glob("*_*")
    calls = {_request_of_folder(home, folder.name) for folder in folders} | {
        run.request for run in runs if _is_real_call(run)
    }
    for request in sorted(filter(None, calls), key=lambda call: call.key):
        if alert := _alert_due(request, now):
            yield alert, [request.alerts, send.common_record(home)]


def _request_of_folder(home: Path, key: str) -> Request | None:
    """The notification that a folder is of; None for any other folder."""
    day, _, kind = key.partition("_")
    try:
        return Request(home, date.fromisoformat(day), kind)
    except (ValueError, RunError):
        return None


def _is_real_call(run: DagRun) -> bool:
    """Whether a run is for a real call on a day that had come: a run for a later day is refused, and so fails."""
    asked_on = run.begun_at.astimezone(LONDON).date()
    return bool(run.request and not run.request.is_rehearsal and run.request.notified_on <= asked_on)


def _alert_due(request: Request, now: datetime) -> Alert | None:
    """The alert that is due: before the deadline a warning, after it an alarm, also for lists released late."""
    released = state.released_at(request)
    if now < request.due - WARNING or (released and (released <= request.due or now < request.due)):
        return None
    if now >= request.due:
        title = f"The lists are late: they were due at {moment_in_words(request.due)}"
        return Alert(f"missed:{request.key}", "missed", title, state.state_in_words(request), now)
    left = -(-(request.due - now) // timedelta(minutes=1))  # rounded up
    title = f"The lists are due at {request.due:%H:%M}, in {left} minutes, and not released"
    return Alert(f"warned:{request.key}", "warning", title, state.state_in_words(request), now)


def _wrong_clock(request: Request, now: datetime) -> Alert:
    text = (
        f"{state.state_in_words(request)} They are due at {moment_in_words(request.due)}. Airflow could not work "
        "that out: its deadline fired at once. Nothing is late, but now only `send-ready watch` watches this clock. "
        "See that it runs."
    )
    return Alert(f"clock:{request.key}", "fault", "Airflow does not know when the lists are due", text, now)


def _airflow_alerts(settings: Settings, now: datetime, runs: list[DagRun]) -> Iterator[AlertOnRecords]:
    """Alerts about runs that are stuck, have failed or have no deadline. Adds all runs that there are to `runs`."""
    url, common = airflow_runs.database_url(settings), [send.common_record(settings.home)]
    if not url:
        return
    try:
        runs += _recent_runs(url, settings.home, now)
    except Unreachable as error:
        text = f"Its database gives no answer ({error}). Nobody watches the clock but `send-ready watch`."
        yield Alert(f"airflow:{_london_day(now)}", "fault", "Airflow cannot be reached", text, now), common
    for run in runs:
        if not (run.request and run.request.is_rehearsal):
            beside = [run.request.alerts] if run.request and run.request.folder.is_dir() else []
            yield from ((alert, beside + common) for alert in _faults(run, now))


def _recent_runs(url: str, home: Path, now: datetime) -> list[DagRun]:
    try:
        return airflow_runs.recent_runs(url, home, now)
    except Unreachable:
        time.sleep(SECOND_LOOK)
        return airflow_runs.recent_runs(url, home, now)


def _faults(run: DagRun, now: datetime) -> Iterator[Alert]:
    call = run.request.key if run.request else "unknown"
    what = state.state_in_words(run.request) if run.request else "It is not known for which call."
    is_known = bool(run.request and run_folders.tidy(run.run_id) in state.version_by_run(run.request))

    def fault(key: str, title: str, text: str) -> Alert:
        return Alert(f"{key}:{call}:{run.number}", "fault", title, f"{text} {what}", now)

    is_stuck = run.state == "queued" or (run.state == "running" and not is_known)
    if is_stuck and now - run.begun_at > BEGUN_WITHIN:
        begun = moment_in_words(run.begun_at)
        text = f"Triggered at {begun}. See that the DAG is not paused, and Airflow's scheduler runs."
        yield fault("not-started", f"A run of {airflow_runs.DAG} does not begin", text)
    if run.state == "failed" and not is_known:
        text = "It failed before the call was on record. Its task `request` in Airflow says why; trigger again."
        yield fault("failed-early", f"A run of {airflow_runs.DAG} failed at once", text)
    if run.state != "success" and run.deadlines < airflow_runs.DEADLINES:
        text = "Its deadline was never made. The clock of this call is watched by `send-ready watch` only."
        yield fault("no-deadline", f"Airflow does not watch the clock of a run of {airflow_runs.DAG}", text)


def _night_alerts(home: Path, now: datetime) -> Iterator[Alert]:
    """An alert when there is no pack of today at 07:00, and there has ever been one."""
    local = now.astimezone(LONDON)
    days = sorted(path.parent.name for path in (home / OUT).glob("[0-9]*-[0-9]*-[0-9]*/manifest.json"))
    if not days or _london_day(now) in days or local.time() < PACK_BY:
        return
    newest = weekday_date(date.fromisoformat(days[-1]))
    text = f"It should be there by {PACK_BY:%H:%M}. The newest is of {newest}. See the run of send_nightly in Airflow."
    title = f"There is no pack of {weekday_date(local.date())}"
    yield Alert(f"night-missing:{_london_day(now)}", "fault", title, text, now)


def _pickup_alerts(home: Path, now: datetime) -> Iterator[Alert]:
    """An alert for each source whose files have not come for an hour; once for each time that it begins to fail.

    What the other side is called stays in the log of the pickup: an alert may go far.
    """
    for found in pickups.all_last(home):
        if found.since and now - found.since >= FETCHED_WITHIN:
            title = f"Files of the source {found.source} do not come"
            text = (
                f"Since {moment_in_words(found.since)} its pickup fails, {len(found.said)} of what it tried. The "
                "night goes "
                "on with what came before. What to do is said by make status, and in the log of send_pickup."
            )
            yield Alert(f"pickup:{found.source}:{found.fails_since}", "fault", title, text, now)


def _log_alerts(home: Path, now: datetime) -> Iterator[AlertOnRecords]:
    """Alerts about the release log of the lists, and that of the returns."""
    yield from _log_alerts_of(home, now, INSPECTIONS, send.LOG, "The release log")
    yield from _log_alerts_of(home, now, SEN2, send.LOG_OF_RETURNS, "The release log of SEN2 returns")


def _log_alerts_of(home: Path, now: datetime, root: str, key: str, what: str) -> Iterator[AlertOnRecords]:
    """Alerts about a release log: the hash of its last line, to keep, and any line of an earlier alert that is gone.

    So an e-mail still proves that somebody wrote the log anew, even together with all files.
    """
    common, log = [send.common_record(home)], home / root / release_log.NAME
    try:
        entries = release_log.entries(log)
    except OSError as error:
        yield (
            Alert(f"{key}-unread:{_london_day(now)}", "fault", f"{what} cannot be read", f"{error.strerror}.", now),
            common,
        )
        return
    there = {(entry["sequence"], entry["sha256"]) for entry in entries}
    for number, sha256 in send.heads(send.latest_lines(common[0]), key):
        if (number, sha256) not in there:
            title, text = (
                f"{what} was changed",
                f"Line {number} had the hash {sha256}. See make verify-release.",
            )
            yield Alert(f"{key}-changed:{number}:{sha256}", "fault", title, text, now), common
    if entries:
        number, sha256 = entries[-1]["sequence"], entries[-1]["sha256"]
        title = f"{what} has {number} line{'s' * (number != 1)}: keep this message"
        text = (
            f"The hash of line {number} is {sha256}. With it, make verify-release HEAD={sha256} shows at any time that "
            "nothing up to that line was changed. There is nothing else to do."
        )
        yield Alert(f"{key}:{number}:{sha256}", "record", title, text, now), common


def _london_day(now: datetime) -> str:
    return now.astimezone(LONDON).date().isoformat()
