"""# The call: lists for an inspection, approved and released

**Trigger it when the call comes**, with the day of the notification and the kind of inspection. It takes what has
arrived in the inbox since the night, builds the pack exactly as the nightly does, freezes it as a numbered version
under `out/inspections/`, and waits for a person: **Required actions** shows the counts, the data dates, the open
errors and what changed. Approve, and the lists are released with proof of what was sent. Reject, with a reason, and
nothing is; put right what is wrong and trigger again with the same day and kind: that makes the next version.
Only those whom `SEND_APPROVERS` names can answer.

**The deadline** is 11:00 in London on the first working day after the notification. At 09:30 an early warning goes
out, at 11:00 an alarm, unless a version has been released. Every deadline of the kind is in `timetable.ics` and
`timetable.xlsx` beside the versions.

**Colours.** Red in `rejected`: somebody rejected this version. Red anywhere else is a technical fault, after its
retries: trigger again. A rehearsal lies in `out/rehearsals/` and counts for nothing.

**Ask** the SEND data team.
"""

from datetime import timedelta

from airflow.sdk import DAG, DeadlineAlert, Param, SyncCallback  # type: ignore[attr-defined]
from approval_steps import approved_release, request_step
from inspection_deadline import ListsDue
from pipeline import AS_AT, DEFAULT_ARGS, as_at, build, read_feeds, step, validate_feeds, validate_lists

from inspection.clock import KINDS

with DAG(
    "annex_a_request",
    description="The call of the inspectors: lists built, approved, released before 11:00",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=8,  # a version that waits for its approver must not keep the next one from being built
    max_active_tasks=4,
    tags=["send", "annex-a", "inspection"],
    params={
        "notified_on": Param(
            type="string",
            format="date",
            title="Notified on",
            description="The day the call came. The clock runs from the first working day after it.",
        ),
        "kind": Param(
            "full_inspection", enum=list(KINDS), values_display=KINDS, title="Kind", description="What was announced."
        ),
        "as_at": AS_AT,
        "unique_ids": Param(
            [],
            type=["null", "array"],
            items={"type": "string"},
            title="Chronologies for",
            description="Unique IDs of children chosen for tracking (Annex A 7.2), one a line. Every user of Airflow "
            "can read them. May stay empty: `make chronology` on the server shows them to nobody.",
        ),
        "seed": Param(
            None,
            type=["null", "string"],
            title="Seed of the suggested tracking set",
            description="Another seed suggests other children. Empty: the as-at date.",
        ),
        "rehearsal": Param(
            False,
            type="boolean",
            title="Rehearsal",
            description="Plays the day in out/rehearsals: nothing there counts as released, and no alarm goes out.",
        ),
    },
    user_defined_macros={"as_at": as_at},
    default_args=DEFAULT_ARGS,
    deadline=[
        DeadlineAlert(
            ListsDue(),
            timedelta(minutes=-90),
            SyncCallback("inspection_deadline.tell", {"which": "warning"}),
            name="lists due in 90 minutes",
        ),
        DeadlineAlert(
            ListsDue(), timedelta(0), SyncCallback("inspection_deadline.tell", {"which": "missed"}), name="lists due"
        ),
    ],
) as dag:
    request = request_step(
        "request", "Puts the call on record, works out every deadline, and gives this run its version number."
    )
    freeze = step(
        "freeze",
        "Writes the pack of this version, which nobody changes afterwards, and what its approver reads.",
    )
    read_feeds(request) >> validate_feeds(request) >> build() >> validate_lists() >> freeze
    approved_release(freeze, "Release these lists?", "with the same day and kind")
