"""The question put to an approver, and the decision: from Airflow's own record of both, and from nowhere else.

Airflow writes who answered from the sign-in, once, into its database (`hitl_detail`), where none of its API's requests
can change it. XComs, states of tasks, variables and the parameters of a run can be changed by whoever may edit a task,
so none of them is read here. The question is bound to the version: its body is the version's brief, and beside the
comment it shows the SHA-256 of the version's manifest, which holds that of every file.
"""

import hashlib
import os
import pwd
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from inspection import airflow_runs, approvers
from inspection.airflow_runs import Unreachable
from inspection.call import Version
from inspection.freeze import BRIEF
from inspection.release import Decision
from inspection.verify import APPROVE, REJECT, ReleaseError, frozen_at, version_hash
from send_ready.runs import RunError
from send_ready.settings import Settings

OPTIONS = [APPROVE, REJECT]
TRIES, PAUSE = 4, 1.0  # of a database that does not answer, and the seconds between them


@dataclass(frozen=True)
class Question:
    """The question about one frozen version, as its approver sees it: counts and rules, and nothing of a child."""

    subject: str
    body: str  # Markdown: the version's brief, and no more
    comment: str  # the text beside the field for a comment
    version_sha256: str  # of the manifest, which holds the hash of every file

    def is_as_shown(self, shown: airflow_runs.Question) -> bool:
        """Whether Airflow showed the approver exactly this question."""
        comment = shown.params.get("comment", {}).get("description") if isinstance(shown.params, dict) else None
        return (self.subject, self.body, self.comment, OPTIONS) == (shown.subject, shown.body, comment, shown.options)


def new_version(version: Version) -> str:
    """The way on, as a sentence, when a version cannot be decided about."""
    return f"Make a new version: {version.request.AGAIN}"


def question_about(version: Version) -> Question:
    """The question about a frozen version. Raises ReleaseError when the version is not as it was frozen."""
    frozen, seal = frozen_at(version.folder), version_hash(version.folder)
    which = f"version {version.number} of this call"
    if frozen.manifest["request"] != version.manifest_facts():
        raise ReleaseError(f"{frozen.folder} was not frozen for {which}. {new_version(version)}")
    brief = (frozen.folder / BRIEF).read_bytes()
    if hashlib.sha256(brief).hexdigest() != frozen.hashes.get(BRIEF):
        raise ReleaseError(f"{frozen.folder / BRIEF} is not the brief of this version. {new_version(version)}")
    request = version.request
    return Question(
        f"{'Rehearsal. ' if request.is_rehearsal else ''}Release {request.THESE}? "
        f"Version {version.number}, {request.title}",
        brief.decode(),
        "A rejection needs a reason. No names of children: others can read it. The version that you decide about is "
        f"sealed with SHA-256 {seal}.",
        seal,
    )


def decision_in_airflow(settings: Settings, version: Version) -> Decision | None:
    """The decision given in the Airflow run that made a version; None when nobody was asked, or nobody has answered.

    Raises ReleaseError when the answer is not about this version as it is now, or comes from somebody who may not
    release; RunError when Airflow's database does not answer.
    """
    if not settings.run_id or (version.request.is_rehearsal and not airflow_runs.database_url(settings)):
        return None
    try:
        found = _question_of_run(approvers.database_url(settings), version.request.DAG, settings.run_id)
    except Unreachable as error:
        raise RunError(
            f"Airflow's database does not say who approved ({error}), so nothing was released. The answer is kept: "
            "clear this task when the database answers."
        ) from None
    if not found or not found.responded_at:
        return None
    question = question_about(version)
    if not question.is_as_shown(found):
        raise ReleaseError(
            f"What was shown to whoever answered is not version {version.number} of {version.request.key} as it is, so "
            f"nothing was released. {new_version(version)}"
        )
    who = _approver(settings, version, found.responded_by)
    if not (isinstance(found.chosen_options, list) and len(found.chosen_options) == 1):
        raise ReleaseError(f"An answer is {APPROVE} or {REJECT}, and this one is not, so nothing was released.")
    given = found.params_input if isinstance(found.params_input, dict) else {}
    return Decision(
        found.chosen_options[0],
        who["name"],
        found.responded_at,
        str(given.get("comment") or "").strip(),
        question.version_sha256,
        {
            "source": "Airflow",
            "user_id": who["id"],
            "airflow_run_id": settings.run_id,
            "brief_sha256": hashlib.sha256(question.body.encode()).hexdigest(),
        },
    )


def _question_of_run(url: str, dag_id: str, run_id: str) -> airflow_runs.Question | None:
    """The question of a run, tried again while another process writes to Airflow's SQLite. Raises Unreachable."""
    for _ in range(TRIES - 1):
        with suppress(Unreachable):
            return airflow_runs.question_of_run(url, dag_id, run_id)
        time.sleep(PAUSE)
    return airflow_runs.question_of_run(url, dag_id, run_id)


def decision_on_command_line(option: str, by: str, comment: str, now: datetime) -> Decision:
    """A decision given on the command line: the name is as typed, and beside it stands whose shell it was."""
    number = os.getuid()
    try:
        user = pwd.getpwuid(number).pw_name
    except KeyError:  # in a container, which has no such user
        user = str(number)
    return Decision(
        option, by, now, comment, evidence={"source": "command line", "os_user": user, "os_user_id": number}
    )


def _approver(settings: Settings, version: Version, found: Any) -> dict[str, str]:
    """The id and name of the approver who answered. Raises ReleaseError when that is not one who may release."""
    given = found if isinstance(found, dict) else {}
    who = next((each for each in approvers.approvers(settings) if each["id"] == given.get("id")), None)
    if not who:
        raise ReleaseError(
            f"{given.get('name') or 'Nobody'} answered, and may not release: SEND_APPROVERS names "
            f"{', '.join(settings.approvers)}. Nothing was released. {new_version(version)}"
        )
    return {"id": who["id"], "name": str(given.get("name") or who["name"])}
