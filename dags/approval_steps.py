"""What the DAGs share in which a person approves: the question, the release, and how the run ends. Not a DAG itself."""

import json
import os
import subprocess
from datetime import timedelta
from typing import Any

from airflow.configuration import conf
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param
from airflow.sdk.definitions.param import ParamsDict
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from pipeline import PROJECT, SEND_READY, step

APPROVE, REJECT = "Approve", "Reject"
LONGEST = 300  # seconds that the question may take to make: it is read from disk and database
REFUSED = 2  # exit status of a program that says what a person has to put right
# Which users Airflow has: a step knows how to look them up by that.
SIGN_IN = {"AIRFLOW__CORE__AUTH_MANAGER": conf.get("core", "auth_manager")}


class Call(BashOperator):
    """A step that gets the run's parameters, which may name children, without a template, whose text Airflow shows."""

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


def request_step(command: str, doc: str) -> BashOperator:
    """The first step: what was asked for goes on record."""
    return step(
        command,
        doc,
        operator=Call,
        env=SIGN_IN,
        retry_delay=timedelta(seconds=5),  # a mistake in the form should show at once
    )


def approved_release(frozen: BashOperator, subject: str, again: str) -> None:
    """After a version is frozen: a person decides, and it is released or rejected. `again` says the way to another."""
    approve = SignOff(
        task_id="approve",
        subject=subject,
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
        f"this DAG again {again}: that makes the next version.'; exit 1",
        trigger_rule="all_skipped",
        retries=0,
        doc_md="Runs, and fails, when this version was rejected, so that the run does not look done.",
    )
    released = EmptyOperator(task_id="released", doc_md="Green when it is released. It decides the run.")
    frozen >> approve >> release >> [released, rejected]
