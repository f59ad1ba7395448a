"""Rules to Great Expectations and back: which rules failed, and which rows failed them.

Great Expectations has three habits that would hide things, and this module undoes them: it drops
an expectation that looks like another one (so what it kept is counted), it reports a rule that
could not be run as one that failed (so the two are told apart), and it passes everything on an
empty table (so an empty frame is refused). Failing values are kept out of every result: rows are
known by their number only.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expectations.rules import Rule, RuleError
from send_ready import files

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.core import ExpectationSuite, ExpectationSuiteValidationResult, ExpectationValidationResult
    from great_expectations.core.batch_definition import BatchDefinition
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext
    from great_expectations.expectations.expectation import Expectation

_PASS_OR_FAIL = {"result_format": "BOOLEAN_ONLY"}  # half the work; most rules pass, and nothing more is asked of them
# Gives every failing row's number; asking for named columns too walks the rows in Python.
_FAILING_ROWS = {
    "result_format": "COMPLETE",
    "exclude_unexpected_values": True,
    "return_unexpected_index_query": False,
}
_ROW_LISTS = ("unexpected_index_list", "partial_unexpected_index_list")


class EngineError(RuntimeError):
    """Great Expectations did not do what it was asked. The text names the rules."""


class EmptyFrame(EngineError):
    """There are no rows, so every rule would pass and mean nothing."""


@dataclass(frozen=True)
class Outcome:
    """What came of one rule. `rows` are index labels of the frame; `broken` says why it could not be run."""

    rule: Rule
    passed: bool
    rows: list[int] = field(default_factory=list)
    broken: str | None = None


@dataclass(frozen=True)
class Checked:
    """What came of every rule of a suite, in the order given, and Great Expectations' own results."""

    outcomes: list[Outcome]
    results: ExpectationSuiteValidationResult | None

    @property
    def failed(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if not outcome.passed and not outcome.broken]

    @property
    def broken(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.broken]


def check(name: str, frame: pd.DataFrame, rules: Sequence[Rule]) -> Checked:
    """Run the rules of one suite over one frame. Raises EmptyFrame, and EngineError when a rule was dropped."""
    if not len(frame):
        raise EmptyFrame(f"{name} has no rows, so no rule means anything.")
    found: dict[str, Outcome] = {}
    expectations = []
    for rule in rules:
        missing = sorted(rule.needs - set(frame.columns))
        made = f"it needs {', '.join(missing)}, which is not there" if missing else _expectation(rule)
        if isinstance(made, str):
            found[rule.id] = Outcome(rule, False, broken=made)
        else:
            expectations.append(made)
    results = _validate(name, frame, expectations) if expectations else None
    by_id = {rule.id: rule for rule in rules}
    for result in results.results if results else ():
        outcome = _outcome(by_id, result)
        found[outcome.rule.id] = outcome
    lost = [rule.id for rule in rules if rule.id not in found]
    if lost:
        raise EngineError(f"{name}: no result came back for {', '.join(lost)}.")
    return Checked([found[rule.id] for rule in rules], results)


def must_run(rules: Sequence[Rule], columns: Collection[str] | None = None) -> None:
    """Raise RuleError for a rule that names a column which there is not, or that Great Expectations refuses."""
    for rule in rules:
        if columns is not None and (unknown := sorted(rule.needs - set(columns))):
            raise RuleError(f"Rule {rule.id}: there is no column {', '.join(unknown)}.")
        if isinstance(made := _expectation(rule), str):
            raise RuleError(f"Rule {rule.id}: {made}. Compare `expect` and `kwargs` with a shipped rule.")


def write_results(path: Path, checked: Checked, rows: int) -> None:
    """Write what came of every rule as JSON, of so many rows: counts only, no value and no row's number."""
    files.write_json(
        path,
        {
            "rows": rows,
            "rules": [
                {
                    "rule": outcome.rule.code,
                    "severity": outcome.rule.severity,
                    "column": outcome.rule.column,
                    "says": outcome.rule.message,
                    "state": "could not run" if outcome.broken else "passed" if outcome.passed else "failed",
                    "rows_failed": None if outcome.broken else len(outcome.rows),
                    "why": outcome.broken,
                }
                for outcome in checked.outcomes
            ],
        },
    )


def warm_up() -> None:
    """Import Great Expectations (seconds), so that what follows is timed without it."""
    _context()


@cache
def _context() -> EphemeralDataContext:
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context


@cache
def _batches() -> BatchDefinition[Any]:
    """The one batch definition: a whole pandas frame, handed over at each run."""
    return (
        _context()
        .data_sources.add_pandas("frames")
        .add_dataframe_asset("frame")
        .add_batch_definition_whole_dataframe("whole")
    )


def _expectation(rule: Rule) -> Expectation | str:
    """The rule as an expectation, or why Great Expectations refuses it."""
    from great_expectations.exceptions.exceptions import GreatExpectationsError
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    try:
        return ExpectationConfiguration(
            type=rule.expect,
            kwargs=rule.kwargs,
            meta={"rule": rule.id},
            description=f"{rule.id} ({rule.severity}) {rule.message}",
        ).to_domain_obj()
    except (GreatExpectationsError, ValueError, TypeError) as error:
        return f"Great Expectations refuses it ({type(error).__name__})"


def _validate(name: str, frame: pd.DataFrame, expectations: list[Expectation]) -> ExpectationSuiteValidationResult:
    """Which expectations hold; then, of those that do not, which rows."""
    batch = _batches().get_batch({"dataframe": frame})
    results = batch.validate(_suite(name, expectations), result_format=_PASS_OR_FAIL)
    failing = {_rule_id(r) for r in results.results if not r.success and not _exception(r.exception_info)}
    if failing:
        again = [expectation for expectation in expectations if (expectation.meta or {}).get("rule") in failing]
        found = batch.validate(_suite(name, again), result_format=_FAILING_ROWS)
        by_id = {_rule_id(result): result for result in found.results}
        results.results = [by_id.get(_rule_id(result), result) for result in results.results]
    return results


def _suite(name: str, expectations: list[Expectation]) -> ExpectationSuite:
    from great_expectations import ExpectationSuite

    suite = ExpectationSuite(name=name, expectations=expectations)
    if len(suite.expectations) != len(expectations):
        kept = [expectation.meta for expectation in suite.expectations]
        dropped = [str((e.meta or {}).get("rule")) for e in expectations if e.meta not in kept]
        raise EngineError(
            f"{name}: of {len(expectations)} rules Great Expectations kept {len(suite.expectations)}. "
            f"It dropped {', '.join(dropped)}; perhaps another rule checks the same thing."
        )
    return suite


def _rule_id(result: ExpectationValidationResult) -> str:
    config = result.expectation_config
    return str(config.meta["rule"]) if config and config.meta else ""


def _outcome(rules: dict[str, Rule], result: ExpectationValidationResult) -> Outcome:
    """One result, read; its row numbers are taken out, so that nothing keeps them twice."""
    rule = rules[_rule_id(result)]
    broken = _exception(result.exception_info)
    if broken:
        return Outcome(rule, False, broken=broken)
    rows, _ = (result.result.pop(key, None) for key in _ROW_LISTS)
    return Outcome(rule, bool(result.success), [] if result.success else list(rows or ()))


def _exception(info: dict[str, Any]) -> str | None:
    """What kind of exception stopped a rule, without its text, which may quote a value."""
    parts = [info] if "raised_exception" in info else list(info.values())
    raised = [part for part in parts if part.get("raised_exception")]
    if not raised:
        return None
    kinds = re.findall(
        r"^(?:[\w.]+\.)?(\w+(?:Error|Exception|Warning))\b", raised[0]["exception_traceback"] or "", re.M
    )
    return f"it stopped with {kinds[0] if kinds else 'an exception'}"
