"""Rules to Great Expectations and back: which rules failed, and which rows failed them.

Great Expectations has three habits that would hide things, and this module undoes them: it drops
an expectation that looks like another one (so what it kept is counted), it reports a rule that
could not be run as one that failed (so the two are told apart), and it passes everything on an
empty table (so an empty frame is refused). Failing values are kept out of every result: rows are
known by their number only.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expectations import gx
from expectations.rules import Rule, RuleError
from send_ready import files

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.core import ExpectationSuite
    from great_expectations.core.batch_definition import BatchDefinition
    from great_expectations.expectations.expectation import Expectation

# What is asked of `validate`: the number of every failing row; asking for columns too walks the rows in Python.
_FAILING_ROWS = {
    "result_format": "COMPLETE",
    "exclude_unexpected_values": True,
    "return_unexpected_index_query": False,
}
_ROW_LISTS = ("unexpected_index_list", "partial_unexpected_index_list")
# Types that say yes or no to each row that they look at, and pass when enough of them (`mostly`) do.
BY_ROW = frozenset(
    {
        "expect_column_pair_values_a_to_be_greater_than_b",
        "expect_column_pair_values_to_be_equal",
        "expect_column_values_to_be_between",
        "expect_column_values_to_be_in_set",
        "expect_column_values_to_be_null",
        "expect_column_values_to_be_unique",
        "expect_column_values_to_match_regex",
        "expect_column_values_to_not_be_in_set",
        "expect_column_values_to_not_be_null",
        "expect_column_values_to_not_match_regex",
    }
)
_DOMAIN = ("column", "column_A", "column_B", "ignore_row_if")


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
    """What came of every rule of a suite, in the order given."""

    outcomes: list[Outcome]

    @property
    def failed(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if not outcome.passed and not outcome.broken]

    @property
    def broken(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.broken]


def check(name: str, frame: pd.DataFrame, rules: Sequence[Rule]) -> Checked:
    """What came of the rules of a suite over a frame. Raises EmptyFrame, and EngineError when a rule was dropped."""
    if not len(frame):
        raise EmptyFrame(f"{name} has no rows, so no rule means anything.")
    found: dict[str, Outcome] = {}
    by_row: list[tuple[Rule, Expectation]] = []
    as_a_suite: list[tuple[Rule, Expectation]] = []
    for rule in rules:
        missing = sorted(rule.needs - set(frame.columns))
        made = f"it needs {', '.join(missing)}, which is not there" if missing else _expectation(rule)
        if isinstance(made, str):
            found[rule.id] = Outcome(rule, False, broken=made)
        else:
            (by_row if rule.expect in BY_ROW else as_a_suite).append((rule, made))
    outcomes = [*_check_rows(frame, by_row), *_check_suite(name, frame, as_a_suite)]
    found |= {outcome.rule.id: outcome for outcome in outcomes}
    lost = [rule.id for rule in rules if rule.id not in found]
    if lost:
        raise EngineError(f"{name}: no result came back for {', '.join(lost)}.")
    return Checked([found[rule.id] for rule in rules])


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


@cache
def _batches() -> BatchDefinition[Any]:
    """The one batch definition: a whole pandas frame, handed over at each run."""
    import great_expectations
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = great_expectations.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    frames = context.data_sources.add_pandas("frames")
    return frames.add_dataframe_asset("frame").add_batch_definition_whole_dataframe("whole")


def _expectation(rule: Rule) -> Expectation | str:
    """The rule as an expectation, or why Great Expectations refuses it."""
    gx.load()
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


def _check_rows(frame: pd.DataFrame, expected: Sequence[tuple[Rule, Expectation]]) -> Iterator[Outcome]:
    """What came of each rule of a type in BY_ROW, from Great Expectations' own condition of it over its columns.

    Within a suite each expectation is planned, and the frame filtered and counted for it, again and again, which takes
    ten times as long as the conditions. Here the rows of a `when` are looked for once, and the condition is all
    that is asked for.
    """
    from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine
    from great_expectations.expectations.registry import get_metric_provider
    from great_expectations.validator.metric_configuration import MetricConfiguration

    engine = PandasExecutionEngine(caching=False)
    batch = {"batch_id": "rows"}
    there = MetricConfiguration("table.columns", batch)
    rows_when: dict[str, Any] = {}
    for rule, expectation in expected:
        columns = list(rule.checked_columns)
        try:
            if rule.when and rule.when not in rows_when:
                rows_when[rule.when] = frame[list(rule.when_columns)].eval(rule.when)
            rows = frame.loc[rows_when[rule.when], columns] if rule.when else frame[columns]
            engine.load_batch_data(batch["batch_id"], rows)
            metric = f"{expectation.map_metric}.condition"  # type: ignore[attr-defined]
            provider: Any = get_metric_provider(metric, engine)[0]
            condition = MetricConfiguration(
                metric,
                batch | {key: getattr(expectation, key) for key in _DOMAIN if hasattr(expectation, key)},
                {key: getattr(expectation, key, None) for key in provider.condition_value_keys},
            )
            condition.metric_dependencies = {"table.columns": there}
            is_failing, *_ = engine.resolve_metrics([condition], {there.id: columns})[condition.id]
        except Exception as error:  # whatever it is, the other rules still run
            yield Outcome(rule, False, broken=_stopped("".join(traceback.format_exception(error))))
        else:
            failing = is_failing.index[is_failing].tolist()
            passed = not failing or 1 - len(failing) / len(is_failing) >= rule.kwargs.get("mostly", 1)
            yield Outcome(rule, passed, [] if passed else failing)


def _check_suite(name: str, frame: pd.DataFrame, expected: Sequence[tuple[Rule, Expectation]]) -> Iterator[Outcome]:
    """What came of each rule that asks more than yes or no of each row: a mean, say, or the order of values."""
    if not expected:
        return
    rules = {rule.id: rule for rule, _ in expected}
    batch = _batches().get_batch({"dataframe": frame})
    suite = _suite(name, [expectation for _, expectation in expected])
    for result in batch.validate(suite, result_format=_FAILING_ROWS).results:
        config = result.expectation_config
        rule = rules[str(config.meta["rule"]) if config and config.meta else ""]
        if broken := _exception(result.exception_info):
            yield Outcome(rule, False, broken=broken)
        else:
            failing, _ = (result.result.pop(key, None) for key in _ROW_LISTS)
            yield Outcome(rule, bool(result.success), [] if result.success else list(failing or ()))


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


def _exception(info: dict[str, Any]) -> str | None:
    """What kind of exception stopped a rule of a suite; None when none did."""
    parts = [info] if "raised_exception" in info else list(info.values())
    raised = [part for part in parts if part.get("raised_exception")]
    return _stopped(raised[0]["exception_traceback"] or "") if raised else None


def _stopped(told: str) -> str:
    """The first kind of exception in a traceback, without its text, which may quote a value."""
    kinds = re.findall(r"^(?:[\w.]+\.)?(\w+(?:Error|Exception|Warning))\b", told, re.M)
    return f"it stopped with {kinds[0] if kinds else 'an exception'}"
