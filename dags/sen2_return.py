"""# The SEN2 return, approved and released

**Trigger it when the return is to go to COLLECT**, from the survey day on. It takes what has arrived in the inbox since
the night, builds the return, runs its checks, freezes it as a numbered version under `out/sen2/`, and waits for a
person: **Required actions** shows the errors that would stop authorisation, the queries, and the figures that DfE will
publish beside last year's. Approve, and the XML is released with its serial number and proof of what was approved.
Reject, with a reason, and nothing is; put right what is wrong and trigger again: that makes the next version. Only
those whom `SEND_APPROVERS` names can answer. Uploading to COLLECT, and what DfE answers, stay with a person.

**The serial number** counts the releases of a year. It stands in the file that is approved, so a version that was made
before another one was released cannot be released itself: make it anew.

**Before the survey day** there is only a draft, which each night makes in `out/<day>/sen2`; this DAG then takes
rehearsals alone.

**Colours.** Red in `request_return`: what was asked for cannot be, and its log says why. Red in `rejected`: somebody
rejected this version. Red anywhere else is a technical fault, after its retries: trigger again. A rehearsal lies in
`out/rehearsals/` and counts for nothing.

**Ask** the SEND data team.
"""

from airflow.sdk import DAG, Param
from approval_steps import approved_release, request_step
from pipeline import AS_AT, DEFAULT_ARGS, as_at, build, read_feeds, step, validate_feeds, validate_sen2

with DAG(
    "sen2_return",
    description="The SEN2 return: built, checked, approved, released for COLLECT",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=8,  # a version that waits for its approver must not keep the next one from being built
    max_active_tasks=4,
    tags=["send", "sen2"],
    params={
        "year": Param(
            None,
            type=["null", "integer"],
            minimum=2023,
            maximum=2099,
            title="Survey year",
            description="The January of the return. Empty: the survey whose due day comes next.",
        ),
        "as_at": AS_AT,
        "rehearsal": Param(
            False,
            type="boolean",
            title="Rehearsal",
            description="Plays the release in out/rehearsals: nothing there counts as released. Before the survey day "
            "only this is possible.",
        ),
    },
    user_defined_macros={"as_at": as_at},
    default_args=DEFAULT_ARGS,
) as dag:
    request = request_step(
        "request-return", "Puts the return on record with its days, and gives this run its version number."
    )
    checked = validate_sen2()
    freeze = step(
        "freeze",
        "Writes the return of this version, which nobody changes afterwards, and what its approver reads.",
    )
    year = {"SEND_SEN2_YEAR": "{{ params.year or '' }}"}
    read_feeds(request) >> validate_feeds(request) >> build(year) >> checked >> freeze
    approved_release(freeze, "Release this return?", "for the same year")
