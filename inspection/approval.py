"""What an approver is asked, and who answered what: from Airflow's own record of both, and from nowhere else.

Airflow writes who answered from the sign-in, once, into its database (`hitl_detail`), where none of its API's requests
can change it. XComs, states of tasks, variables and the parameters of a run can be changed by whoever may edit a task,
so nothing of them is read here. What was shown is bound to the version: its brief is the body of the question, and the
SHA-256 of its manifest, which holds that of every file, stands beside the comment.
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
from inspection.call import Wanted
from inspection.clock import KINDS
from inspection.freeze import BRIEF
from inspection.release import Decision
from inspection.verify import APPROVE, REJECT, ReleaseError, frozen_at, version_hash
from send_ready.runs import RunError
from send_ready.settings import Settings

OPTIONS = [APPROVE, REJECT]
LOOKS, BETWEEN = 4, 1.0  # at a database that does not answer, seconds apart
NEW_VERSION = "Make a new version: trigger annex_a_request with the same day and kind."


@dataclass(frozen=True)
class Question:
    """What an approver is shown of one frozen version, counts and rules only."""

    subject: str
    body: str  # Markdown: the version's brief, and no more
    comment: str  # what stands beside the field for the comment
    version_sha256: str  # stands for all of the version

    def says(self, found: airflow_runs.Question) -> bool:
        """Whether this is what Airflow showed."""
        shown = found.params.get("comment", {}).get("description") if isinstance(found.params, dict) else None
        return (self.subject, self.body, self.comment, OPTIONS) == (found.subject, found.body, shown, found.options)


def question(wanted: Wanted) -> Question:
    """The question about a version that is as it was frozen. Raises ReleaseError when it is not."""
    frozen, seal = frozen_at(wanted.folder), version_hash(wanted.folder)
    if frozen.manifest["request"] != wanted.about():
        raise ReleaseError(f"{frozen.folder} was not frozen for version {wanted.version} of this call. {NEW_VERSION}")
    brief = (frozen.folder / BRIEF).read_bytes()
    if hashlib.sha256(brief).hexdigest() != frozen.hashes.get(BRIEF):
        raise ReleaseError(f"{frozen.folder / BRIEF} is not the brief of this version. {NEW_VERSION}")
    request = wanted.request
    what = f"Version {wanted.version}, {KINDS[request.kind]}, notified on {request.notified_on:%d/%m/%Y}"
    return Question(
        f"{'Rehearsal. ' if request.is_rehearsal else ''}Release these lists? {what}",
        brief.decode(),
        "A rejection needs a reason. No names of children: others can read it. The version that you decide about is "
        f"sealed with SHA-256 {seal}.",
        seal,
    )


def answered(settings: Settings, wanted: Wanted) -> Decision | None:
    """What somebody decided about a version in the run of Airflow that made it; None when nobody was asked or answered.

    Raises ReleaseError when the answer is none about this version as it now is, or is that of somebody who may not
    release; RunError when it cannot be looked up.
    """
    if not settings.run_id or (wanted.request.is_rehearsal and not airflow_runs.database(settings)):
        return None
    try:
        found = _patiently(approvers.database(settings), settings.run_id)
    except Unreachable as error:
        raise RunError(
            f"Airflow's database does not say who approved ({error}), so nothing was released. The answer is kept: "
            "clear this task when the database answers."
        ) from None
    if not found or not found.responded_at:
        return None
    asked = question(wanted)
    if not asked.says(found):
        raise ReleaseError(
            f"What was shown to whoever answered is not version {wanted.version} of {wanted.request.key} as it is, so "
            f"nothing was released. {NEW_VERSION}"
        )
    who = _who(settings, found.responded_by)
    if not (isinstance(found.chosen_options, list) and len(found.chosen_options) == 1):
        raise ReleaseError(f"An answer is {APPROVE} or {REJECT}, and this one is not, so nothing was released.")
    given = found.params_input if isinstance(found.params_input, dict) else {}
    return Decision(
        found.chosen_options[0],
        who["name"],
        found.responded_at,
        str(given.get("comment") or "").strip(),
        asked.version_sha256,
        {
            "source": "Airflow",
            "user_id": who["id"],
            "airflow_run_id": settings.run_id,
            "brief_sha256": hashlib.sha256(asked.body.encode()).hexdigest(),
        },
    )


def _patiently(url: str, run_id: str) -> airflow_runs.Question | None:
    """The question, also while somebody else writes to Airflow's SQLite. Raises Unreachable."""
    for _ in range(LOOKS - 1):
        with suppress(Unreachable):
            return airflow_runs.question(url, run_id)
        time.sleep(BETWEEN)
    return airflow_runs.question(url, run_id)


def by_hand(option: str, by: str, comment: str, now: datetime) -> Decision:
    """A decision at the command line, where the machine knows whose shell it is, and takes the name on trust."""
    number = os.getuid()
    try:
        user = pwd.getpwuid(number).pw_name
    except KeyError:  # in a container, which has no such user
        user = str(number)
    return Decision(
        option, by, now, comment, evidence={"source": "command line", "os_user": user, "os_user_id": number}
    )


def _who(settings: Settings, found: Any) -> dict[str, str]:
    """The approver who answered. Raises ReleaseError when it was nobody, or nobody who may release."""
    given = found if isinstance(found, dict) else {}
    who = next((each for each in approvers.approvers(settings) if each["id"] == given.get("id")), None)
    if not who:
        raise ReleaseError(
            f"{given.get('name') or 'Nobody'} answered, and may not release: SEND_APPROVERS names "
            f"{', '.join(settings.approvers)}. Nothing was released. {NEW_VERSION}"
        )
    return {"id": who["id"], "name": str(given.get("name") or who["name"])}
