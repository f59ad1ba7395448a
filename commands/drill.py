"""`make drill`: the day of an inspection, rehearsed from the call to the release, with the time that each part took.

The call comes today and the lists are as at D. Nobody is asked: the approval is simulated. On the sample council the
lists are released into out/rehearsals; on real exports it ends with the approval.
"""

import json
import time
from pathlib import Path

from commands import night, play_dag
from commands.play_dag import PERSON, Played
from inspection import call as calls
from inspection.call import Version
from inspection.notification import FULL_INSPECTION, Request
from publish.chronology import chronology, suggested
from send_ready import files, runs
from send_ready import settings as environment
from send_ready.runs import Run
from send_ready.settings import Settings
from send_ready.words import weekday_date
from warehouse import run_data

AIM = 120  # seconds from the call to lists that somebody can approve
PARTS = {
    "request": "The call on record, with its timetable",
    "read": "What has arrived, read",
    "validate_feeds": "The rules on every export",
    "build": "The warehouse",
    "validate_lists": "The rules on both lists",
    "freeze": "The pack, frozen for approval",
    PERSON: "Approval (simulated)",
    "release": "The release, with its proof",
}
INCOMPLETE = 1


def drill(settings: Settings) -> int:
    """The exit status after the day was rehearsed: 0 when it came to its end, 130 when it was stopped, else 1."""
    night.stoppable()
    call = Request(settings.home, environment.now().date(), FULL_INSPECTION, is_rehearsal=True)
    try:
        with night.one_at_a_time(settings.home):
            print(f"Rehearsal: the call comes now, for the lists as at {settings.as_at}, LA {settings.la_code}.")
            print(f"For real they would be due at {call.due:%H:%M} on {weekday_date(call.due.date())}.", flush=True)
            night.fill_inbox(settings)
            this = runs.begin(settings)
            parameters = {
                "notified_on": f"{call.notified_on}",
                "kind": call.kind,
                "as_at": f"{this.as_at}",
                "rehearsal": True,
            }
            played = play_dag.play(
                settings, this, "annex_a_request", parameters, ["request"], SEND_REQUEST=json.dumps(parameters)
            )
            _tell_times(played)
            if played.state("release") != "success":
                print(
                    "The rehearsal did not come to its end. What failed is named above: better today than on the day."
                )
                return INCOMPLETE
            _tell_outcome(calls.version_of_run(settings.home, this.run_id), _chronologies(this, call))
            return 0
    except KeyboardInterrupt:
        print("\nStopped. Nothing half-made is left; the same command starts again.", flush=True)
        return night.STOPPED


def _tell_times(played: Played) -> None:
    """Print how long each part took, and whether that was within the aim."""
    seconds = dict.fromkeys(PARTS, 0.0)
    for task in played.tasks:
        part = task["task"].partition(".")[0]
        if part in seconds:
            seconds[part] += task["seconds"]
    print("\nThe day, part by part" + "seconds".rjust(33))
    for part, title in PARTS.items():
        print(f"  {title:<44}{seconds[part]:>8.1f}")
    print(f"  {'Airflow itself':<44}{played.seconds - sum(seconds.values()):>8.1f}")
    ready = played.seconds - seconds[PERSON] - seconds["release"]
    verdict = "within" if ready <= AIM else "over"
    print(
        f"From the call to lists that somebody can approve: {ready:.0f} s, {verdict} the aim of {AIM} s.\n", flush=True
    )


def _chronologies(this: Run, call: Request) -> Path:
    """The path of chronologies of the children suggested for tracking, in place of those whom inspectors would name."""
    started = time.perf_counter()
    path = call.folder / chronology.NAME
    with run_data.opened(this) as con:
        children = [child.unique_id for child in suggested.suggest(con, this.as_at.isoformat()).children]
        chronology.write(path, con, this, children, call.notified_on)
    seconds = time.perf_counter() - started
    print(f"The children are named: chronologies of {len(children)} suggested for tracking, in {seconds:.1f} s.\n")
    return path


def _tell_outcome(version: Version, chronologies: Path) -> None:
    folder = version.request.released / version.folder.name
    places: list[tuple[str, Path]] = [
        ("The timetable", version.request.folder / "timetable.xlsx"),
        ("What the approver reads", version.folder / "brief.md"),
        ("The pack", version.folder),
        ("The chronologies", chronologies),
    ]
    if folder.exists():
        receipt = files.read_json(folder / "receipt.json")
        places.append((f"Released, {len(receipt['files'])} files", folder))
    for what, path in places:
        print(f"{what + ':':<26}{path}")
    if not folder.exists():
        print("These are real exports, so nothing was released: a rehearsal ends with the approval.")
    print("Nothing here counts as sent. For the day itself: make airflow, and trigger annex_a_request.", flush=True)
