"""One call of the inspectors, what was made for it, and where that lies.

out/inspections/<notified_on>_<kind>/     one notification
    request.json                          when the call came, every deadline, every version and the run behind it
    timetable.ics, timetable.xlsx         the deadlines, for a diary and for the wall
    alerts.jsonl                          what the clock said
    v1/, v2/ …                            frozen packs, each as its approver saw it
    released/v1/ …                        what was approved and sent
out/inspections/release_log.jsonl         every decision of every notification
out/rehearsals/                           the same for drills: nothing there counts as sent
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
class Asked:
    """What somebody typed into the form, on the command line or into a REST call."""

    notified_on: date
    kind: str = FULL_INSPECTION
    unique_ids: tuple[str, ...] = ()  # whose chronologies (Annex A 7.2)
    seed: str = ""  # of the suggested tracking set
    is_rehearsal: bool = False

    def request(self, home: Path) -> Request:
        return Request(home, self.notified_on, self.kind, self.is_rehearsal)


@dataclass(frozen=True)
class Wanted:
    """What one run makes for a notification."""

    request: Request
    version: int
    triggered_at: str  # ISO, aware
    unique_ids: tuple[str, ...]
    seed: str

    @property
    def folder(self) -> Path:
        return self.request.version(self.version)

    @property
    def earlier(self) -> Path | None:
        """The frozen version before this one, if there is any."""
        folders = (self.request.version(number) for number in range(self.version - 1, 0, -1))
        return next((folder for folder in folders if folder.is_dir()), None)

    def about(self) -> dict[str, Any]:
        """As the manifest tells it."""
        return {
            "notified_on": self.request.notified_on.isoformat(),
            "kind": self.request.kind,
            "version": self.version,
            "is_rehearsal": self.request.is_rehearsal,
        }


def asked(text: str) -> Asked:
    """The parameters of the DAG, as JSON. Raises RunError when they are no such thing."""
    try:
        given = json.loads(text)
        return Asked(
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


def register(run: Run, wish: Asked, now: datetime) -> Wanted:
    """Put the call on record with its timetable, and give the run a version number of its own.

    A run that registers again keeps its number. Raises clock.ClockError for a date or kind that cannot be.
    """
    clock.check_notified(wish.notified_on, now.astimezone(LONDON).date())
    request = wish.request(run.home)
    deadlines = clock.deadlines(request.notified_on, request.kind)
    with files.locked(request.root / Lock.CALL):
        _check_unused(run, request)
        if request.folder.is_symlink():
            raise RunError(f"{request.folder} is a link, and no call is put on record behind one. Move it away.")
        record = _standing(request) or _new(request, now)
        record["deadlines"] = [{**asdict(deadline), "due": deadline.due.isoformat()} for deadline in deadlines]
        if not any(each["run_id"] == run.run_id for each in record["versions"]):
            record["versions"].append(
                {
                    "version": 1 + len(record["versions"]),
                    "run_id": run.run_id,
                    "as_at": run.as_at.isoformat(),
                    "triggered_at": now.isoformat(timespec="seconds"),
                    "unique_ids": wish.unique_ids,
                    "seed": wish.seed or run.as_at.isoformat(),
                }
            )
        place = council(run.la_code) or f"LA {run.la_code}"
        timetable.write_ics(request.folder / "timetable.ics", request, place, deadlines)
        timetable.write_table(request.folder / "timetable.xlsx", request, place, deadlines)
        record["files"] = {name: files.sha256(request.folder / name) for name in sealed.TIMETABLES}
        files.write_json(request.record, record)
    return of(run.home, run.run_id)


def _check_unused(run: Run, request: Request) -> None:
    """What a run makes is found by its name: one that was begun for a call is never begun for another."""
    if (begun := _of(run.home, run.run_id)) and begun.request != request:
        raise RunError(
            f"Run {run.run_id} was begun for {begun.request.key}, and is not begun again for {request.key}. Trigger "
            "annex_a_request anew, with another run ID."
        )


def _standing(request: Request) -> dict[str, Any] | None:
    record = runs.read(request.record)
    if not record and request.record.exists():
        raise RunError(f"{request.record} is damaged. Put it back as the last backup has it; then begin again.")
    return record


def _new(request: Request, now: datetime) -> dict[str, Any]:
    return {
        "notified_on": request.notified_on.isoformat(),
        "kind": request.kind,
        "is_rehearsal": request.is_rehearsal,
        "first_triggered_at": now.isoformat(timespec="seconds"),
        "versions": [],
    }


def of(home: Path, run_id: str) -> Wanted:
    """What a run was begun for. Raises RunError when it was no call of the inspectors."""
    if found := _of(home, run_id):
        return found
    raise RunError(f"Run {run_id} was not begun for an inspection. Begin one with `send-ready request`.")


def _of(home: Path, run_id: str) -> Wanted | None:
    for path in sorted((home / OUT).glob(f"*/*/{RECORD}")):
        if found := _wanted(home, path, run_id):
            return found
    return None


def _wanted(home: Path, path: Path, run_id: str) -> Wanted | None:
    """What a run makes for the call of a record; None for another's, and for one damaged or not in its place."""
    found = runs.read(path) or {}
    try:
        made = next((each for each in found["versions"] if each["run_id"] == run_id), None)
        if not made or type(made["version"]) is not int:
            return None
        request = Request(home, date.fromisoformat(found["notified_on"]), found["kind"], bool(found["is_rehearsal"]))
        unique_ids = tuple(made["unique_ids"])
        return (
            Wanted(request, made["version"], made["triggered_at"], unique_ids, made["seed"])
            if (request.record == path)
            else None
        )
    except (LookupError, TypeError, ValueError, RunError):
        return None
