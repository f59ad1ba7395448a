"""What feeds and lists say alike: how many issues, and loudly what could not be checked."""

import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from expectations.engine import Outcome
from expectations.rules import RuleError
from send_ready.issues import Issue

MAINTAINER = "Data team"
_NOT_RUN = "could not be run"


def summary_of(found: Sequence[Issue]) -> str:
    """How many issues there are, and by name the rules that could not be run, for the step's line in the log."""
    broken = sorted({issue.rule for issue in found if _NOT_RUN in issue.message})
    said = f"{sum(issue.count for issue in found):,} issues"
    return f"{said}; COULD NOT RUN {', '.join(broken)}" if broken else said


def could_not_run(outcome: Outcome, category: str, **where: Any) -> Issue:
    """The issue of a rule that could not be run: nothing is known about what it checks."""
    return Issue(
        category,
        outcome.rule.code,
        "error",
        f"This rule {_NOT_RUN}: {outcome.broken}. Nothing is known about what it checks.",
        f"Correct rule {outcome.rule.id} in the expectations folder, or the columns that it reads.",
        MAINTAINER,
        **where,
    )


def none_could_run(error: Exception, category: str, rule: str, **where: Any) -> Issue:
    """The issue of a feed or list none of whose rules could be run.

    A RuleError's text is told; any other may quote a value, so only its kind and place are.
    """
    reason = str(error)
    if not isinstance(error, RuleError):
        place = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"{type(error).__name__} in line {place.lineno} of {Path(place.filename).name}"
    return Issue(
        category,
        rule,
        "error",
        f"The rules {_NOT_RUN}: {reason}. Nothing is known about what they check.",
        "Correct the rule file. If it is something else, report this message to whoever maintains the pipeline.",
        MAINTAINER,
        **where,
    )
