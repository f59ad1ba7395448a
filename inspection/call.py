"""One call of the inspectors, or one return (sen2_return.py): its record, its versions and their folders.

out/inspections/<notified_on>_<kind>/     one notification
    request.json                          when the call came, its deadlines, its versions and the run of each
    timetable.ics, timetable.xlsx         the deadlines, for a diary and for the wall
    alerts.jsonl                          the alerts about its deadlines
    v1/, v2/ …                            frozen packs, as their approvers saw them
    released/v1/ …                        what was approved and sent
out/inspections/release_log.jsonl         every decision of every notification
out/rehearsals/                           the same for rehearsals: nothing there counts as sent
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from inspection import clock, sealed, sen2_return, timetable
from inspection.notification import FULL_INSPECTION, RECORD, Releasable, Request
from inspection.sen2_return import Return
from send_ready import files, runs
from send_ready.home import OUT, Lock
from send_ready.layout import council
from send_ready.runs import Run, RunError
from send_ready.settings import LONDON
from send_ready.words import long_date


@dataclass(frozen=True)
class CallParameters:
    """The parameters of a call, from Airflow's form, its API or the command line."""

    notified_on: date
    kind: str = FULL_INSPECTION
    unique_ids: tuple[str, ...] = ()  # children whose chronologies are wanted (Annex A 7.2)
    seed: str = ""  # chooses the children that are suggested for tracking
    is_rehearsal: bool = False

    def request(self, home: Path) -> Request:
        """The notification that the parameters are about."""
        return Request(home, self.notified_on, self.kind, self.is_rehearsal)


@dataclass(frozen=True)
class Version:
    """One version of what is released, made by one run."""

    request: Request | Return
    number: int
    triggered_at: str  # ISO, aware
    unique_ids: tuple[str, ...]
    seed: str

    @property
    def folder(self) -> Path:
        return self.request.version_folder(self.number)

    @property
    def earlier_folder(self) -> Path | None:
        """The folder of the newest frozen version before this one; None when there is none."""
        folders = (self.request.version_folder(number) for number in range(self.number - 1, 0, -1))
        return next((folder for folder in folders if folder.is_dir()), None)

    def manifest_facts(self) -> dict[str, Any]:
        """What the manifest of the version says of the call or return."""
        return {**self.request.facts(), "version": self.number, "is_rehearsal": self.request.is_rehearsal}


def parameters_from_json(text: str) -> CallParameters:
    """The parameters of a call, read from the DAG's parameters as JSON. Raises RunError when they are not usable."""
    try:
        given = json.loads(text)
        return CallParameters(
            date.fromisoformat(given["notified_on"]),
            given.get("kind") or FULL_INSPECTION,
            tuple(given.get("unique_ids") or ()),
            given.get("seed") or "",
            bool(given.get("rehearsal")),
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        raise RunError(
            'SEND_REQUEST is not what an inspection needs. It is JSON, such as {"notified_on": "2026-11-16", '
            '"kind": "full_inspection"}; on the command line say --notified-on 2026-11-16 instead.'
        ) from None


def register(run: Run, parameters: CallParameters, now: datetime) -> Version:
    """The version that a run makes for a call, after the call, its timetable and the version were put on record.

    A run that registers again keeps its number. Raises clock.ClockError for a date or kind that cannot be.
    """
    clock.check_notified(parameters.notified_on, now.astimezone(LONDON).date())
    request = parameters.request(run.home)
    deadlines = clock.deadlines(request.notified_on, request.kind)
    asked = {"unique_ids": parameters.unique_ids, "seed": parameters.seed or run.as_at.isoformat()}
    with _on_record(run, request, now, asked) as record:
        record["deadlines"] = [{**asdict(deadline), "due": deadline.due.isoformat()} for deadline in deadlines]
        place = council(run.la_code) or f"LA {run.la_code}"
        timetable.write_ics(request.folder / "timetable.ics", request, place, deadlines)
        timetable.write_table(request.folder / "timetable.xlsx", request, place, deadlines)
        record["files"] = {name: files.sha256(request.folder / name) for name in sealed.TIMETABLES}
    return version_of_run(run.home, run.run_id)


def register_return(run: Run, wanted: Return, now: datetime) -> Version:
    """The version that a run makes of a return, after the return and the version were put on record.

    A run that registers again keeps its number. Raises RunError for a draft that is no rehearsal: nobody could release
    it.
    """
    if wanted.is_draft(run.as_at) and not wanted.is_rehearsal:
        raise RunError(
            f"As at {long_date(run.as_at)} this is a draft: the survey day of SEN2 {wanted.year} is "
            f"{long_date(wanted.survey_day)}, and no return is released before. Every night makes the draft, in "
            "out/<day>/sen2; to rehearse the release, trigger sen2_return as a rehearsal."
        )
    with _on_record(run, wanted, now, {"unique_ids": (), "seed": ""}) as record:
        record.update({**wanted.facts(), "deadlines": [], "files": {}})
    return version_of_run(run.home, run.run_id)


@contextmanager
def _on_record(run: Run, request: Releasable, now: datetime, asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The record of a call or return, with the run's version in it, to be completed; it is written at the end."""
    with files.locked(request.root / Lock.CALL):
        _check_unused(run, request)
        if request.folder.is_symlink():
            raise RunError(f"{request.folder} is a link, and no call is put on record behind one. Move it away.")
        record = _record(request) or _new_record(request, now)
        if not any(each["run_id"] == run.run_id for each in record["versions"]):
            record["versions"].append(
                {
                    "version": 1 + len(record["versions"]),
                    "run_id": run.run_id,
                    "as_at": run.as_at.isoformat(),
                    "triggered_at": now.isoformat(timespec="seconds"),
                    **asked,
                }
            )
        yield record
        files.write_json(request.record, record)


def _check_unused(run: Run, request: Releasable) -> None:
    """Raises RunError when the run was begun for something else: a version is found by the name of its run."""
    if (begun := _find_version(run.home, run.run_id)) and begun.request.record != request.record:
        raise RunError(
            f"Run {run.run_id} was begun for {begun.request.key}, and is not begun again for {request.key}. Trigger "
            f"{request.DAG} anew, with another run ID."
        )


def _record(request: Releasable) -> dict[str, Any] | None:
    """The call as it is on record; None when it is not yet. Raises RunError for a damaged record."""
    record = runs.read_record(request.record)
    if not record and request.record.exists():
        raise RunError(f"{request.record} is damaged. Put it back as the last backup has it; then begin again.")
    return record


def _new_record(request: Releasable, now: datetime) -> dict[str, Any]:
    return {
        **request.facts(),
        "is_rehearsal": request.is_rehearsal,
        "first_triggered_at": now.isoformat(timespec="seconds"),
        "versions": [],
    }


def version_of_run(home: Path, run_id: str) -> Version:
    """The version that a run was begun to make. Raises RunError when it was not begun for an inspection."""
    if found := _find_version(home, run_id):
        return found
    raise RunError(
        f"Run {run_id} was not begun for an inspection or a return. Begin one with `send-ready request` or "
        "`send-ready request-return`."
    )


def _find_version(home: Path, run_id: str) -> Version | None:
    for path in sorted((home / OUT).glob(f"*/*/{RECORD}")):
        if found := _version_on_record(home, path, run_id):
            return found
    return None


def _version_on_record(home: Path, path: Path, run_id: str) -> Version | None:
    """The version that a run makes, from the record at `path`; None when it has none, is damaged or misplaced."""
    found = runs.read_record(path) or {}
    try:
        made = next((each for each in found["versions"] if each["run_id"] == run_id), None)
        if not made or type(made["version"]) is not int:
            return None
        request = _releasable(home, found)
        unique_ids = tuple(made["unique_ids"])
        return (
            Version(request, made["version"], made["triggered_at"], unique_ids, made["seed"])
            if (request.record == path)
            else None
        )
    except (LookupError, TypeError, ValueError, RunError):
        return None


def _releasable(home: Path, found: dict[str, Any]) -> Request | Return:
    """What a record is of. Raises LookupError, TypeError, ValueError or RunError when it is of nothing."""
    if found["kind"] == sen2_return.KIND:
        return sen2_return.from_record(home, found)
    return Request(home, date.fromisoformat(found["notified_on"]), found["kind"], bool(found["is_rehearsal"]))
