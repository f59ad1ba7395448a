"""One call of the inspectors: its record, its versions and their folders.

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
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from inspection import clock, sealed, timetable
from inspection.notification import FULL_INSPECTION, RECORD, Request
from send_ready import files, runs
from send_ready.home import OUT, Lock
from send_ready.layout import council
from send_ready.runs import Run, RunError
from send_ready.settings import LONDON


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
    """One version of the lists for a notification, made by one run."""

    request: Request
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
        """What the manifest of the version says of the call."""
        return {
            "notified_on": self.request.notified_on.isoformat(),
            "kind": self.request.kind,
            "version": self.number,
            "is_rehearsal": self.request.is_rehearsal,
        }


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
    with files.locked(request.root / Lock.CALL):
        _check_unused(run, request)
        if request.folder.is_symlink():
            raise RunError(f"{request.folder} is a link, and no call is put on record behind one. Move it away.")
        record = _record(request) or _new_record(request, now)
        record["deadlines"] = [{**asdict(deadline), "due": deadline.due.isoformat()} for deadline in deadlines]
        if not any(each["run_id"] == run.run_id for each in record["versions"]):
            record["versions"].append(
                {
                    "version": 1 + len(record["versions"]),
                    "run_id": run.run_id,
                    "as_at": run.as_at.isoformat(),
                    "triggered_at": now.isoformat(timespec="seconds"),
                    "unique_ids": parameters.unique_ids,
                    "seed": parameters.seed or run.as_at.isoformat(),
                }
            )
        place = council(run.la_code) or f"LA {run.la_code}"
        timetable.write_ics(request.folder / "timetable.ics", request, place, deadlines)
        timetable.write_table(request.folder / "timetable.xlsx", request, place, deadlines)
        record["files"] = {name: files.sha256(request.folder / name) for name in sealed.TIMETABLES}
        files.write_json(request.record, record)
    return version_of_run(run.home, run.run_id)


def _check_unused(run: Run, request: Request) -> None:
    """Raises RunError when the run was begun for another call: a version is found by the name of its run."""
    if (begun := _find_version(run.home, run.run_id)) and begun.request != request:
        raise RunError(
            f"Run {run.run_id} was begun for {begun.request.key}, and is not begun again for {request.key}. Trigger "
            "annex_a_request anew, with another run ID."
        )


def _record(request: Request) -> dict[str, Any] | None:
    """The call as it is on record; None when it is not yet. Raises RunError for a damaged record."""
    record = runs.read_record(request.record)
    if not record and request.record.exists():
        raise RunError(f"{request.record} is damaged. Put it back as the last backup has it; then begin again.")
    return record


def _new_record(request: Request, now: datetime) -> dict[str, Any]:
    return {
        "notified_on": request.notified_on.isoformat(),
        "kind": request.kind,
        "is_rehearsal": request.is_rehearsal,
        "first_triggered_at": now.isoformat(timespec="seconds"),
        "versions": [],
    }


def version_of_run(home: Path, run_id: str) -> Version:
    """The version that a run was begun to make. Raises RunError when it was not begun for an inspection."""
    if found := _find_version(home, run_id):
        return found
    raise RunError(f"Run {run_id} was not begun for an inspection. Begin one with `send-ready request`.")


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
        request = Request(home, date.fromisoformat(found["notified_on"]), found["kind"], bool(found["is_rehearsal"]))
        unique_ids = tuple(made["unique_ids"])
        return (
            Version(request, made["version"], made["triggered_at"], unique_ids, made["seed"])
            if (request.record == path)
            else None
        )
    except (LookupError, TypeError, ValueError, RunError):
        return None
