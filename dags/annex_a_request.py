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

import json
import os
import subprocess
from datetime import timedelta
from typing import Any

from airflow.configuration import conf
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import DAG, DeadlineAlert, Param, SyncCallback  # type: ignore[attr-defined]
from airflow.sdk.definitions.param import ParamsDict
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from inspection_deadline import ListsDue
from pipeline import (
    AS_AT,
    DEFAULT_ARGS,
    PROJECT,
    SEND_READY,
    as_at,
    build,
    read_feeds,
    step,
    validate_feeds,
    validate_lists,
)

from inspection.clock import KINDS

APPROVE, REJECT = "Approve", "Reject"
LONGEST = 300  # seconds that the question may take to make: it is read from disk and database
REFUSED = 2  # exit status of a program that says what a person has to put right
# Which users Airflow has: a step knows how to look them up by that.
SIGN_IN = {"AIRFLOW__CORE__AUTH_MANAGER": conf.get("core", "auth_manager")}


class Call(BashOperator):
    """A step that gets the run's parameters, which hold Unique IDs, without a template, whose text Airflow shows."""

    def get_env(self, context: Any) -> dict[str, str]:
        """The step's environment, the parameters in SEND_REQUEST as JSON."""
        return {**super().get_env(context), "SEND_REQUEST": json.dumps(context["params"], default=str)}


class SignOff(HITLOperator):
    """Puts the question of `send-ready question` to an approver, and asks again when a rejection has no reason.

    None of it is a template or comes from an XCom, and the answer goes into none: `release` looks it up itself.
    """

    template_fields = ()

    def execute(self, context: Any) -> None:
        """Put the question to those who may release, and wait."""
        question = self._question(context)
        self.subject, self.body = question["subject"], question["body"]
        self.assigned_users = question["assigned_users"]
        self.params = ParamsDict({"comment": comment(question["comment"])})
        super().execute(context)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        """The answer: chosen_options, params_input, responded_at, responded_by_user."""
        answer = super().execute_complete(context, event)
        if answer["chosen_options"] == [REJECT] and not str(answer["params_input"].get("comment") or "").strip():
            raise AirflowException("A rejection needs a reason. The question is asked again in a moment.")
        return answer

    def _question(self, context: Any) -> dict[str, Any]:
        env = {**os.environ, "SEND_RUN_ID": os.environ.get("SEND_RUN_ID") or context["run_id"], **SIGN_IN}
        program = env.get("SEND_COMMAND") or SEND_READY
        command = [program, "question"]
        said = subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, timeout=LONGEST)
        if said.returncode == REFUSED:
            raise AirflowFailException((said.stderr or said.stdout).strip())
        if said.returncode:
            raise AirflowException(f"The question could not be made: {(said.stderr or said.stdout).strip()}")
        question: dict[str, Any] = json.loads(said.stdout)
        return question


def comment(description: str) -> Param:
    """The field for the approver's comment."""
    return Param(None, type=["null", "string"], title="Comment", description=description)


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
    request = step(
        "request",
        "Puts the call on record, works out every deadline, and gives this run its version number.",
        operator=Call,
        env=SIGN_IN,
        retry_delay=timedelta(seconds=5),  # a mistake in the form should show at once
    )
    freeze = step(
        "freeze",
        "Writes the pack of this version, which nobody changes afterwards, and what its approver reads.",
    )
    approve = SignOff(
        task_id="approve",
        subject="Release these lists?",
        options=[APPROVE, REJECT],
        params={"comment": comment("A rejection needs a reason.")},
        execution_timeout=None,
        retries=100,  # each one is a rejection without a reason
        retry_delay=timedelta(seconds=5),
        retry_exponential_backoff=0,
        doc_md="Waits for a person, as long as it takes. Nothing is released by itself.",
    )
    release = step(
        "release",
        "Approved: copies, encrypts, hashes and puts on record. Rejected: puts the reason on record, and is skipped.",
        env=SIGN_IN,
    )
    rejected = BashOperator(
        task_id="rejected",
        bash_command="echo 'This version was rejected; the reason is on record. Put right what is wrong, and trigger "
        "this DAG again with the same day and kind: that makes the next version.'; exit 1",
        trigger_rule="all_skipped",
        retries=0,
        doc_md="Runs, and fails, when this version was rejected, so that the run does not look done.",
    )
    released = EmptyOperator(task_id="released", doc_md="Green when the lists are released. It decides the run.")

    read_feeds(request) >> validate_feeds(request) >> build() >> validate_lists() >> freeze >> approve >> release
    release >> [released, rejected]
