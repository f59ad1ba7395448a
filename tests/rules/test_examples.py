"""Every rule's own examples, through the same engine as the night's run."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from expectations import engine, feeds, lists, sen2
from expectations.rules import Rule
from extract import contract as contracts
from send_ready import layout, settings
from tests.rules.examples import feed_frame, list_frame, sen2_frame

SHIPPED = settings.load({})
Build = Callable[[Rule, list[dict[str, Any]]], pd.DataFrame]


def every_rule() -> list[Any]:
    """Every shipped rule with what builds its frame; a name for each."""
    found = []
    for contract in contracts.load_all(SHIPPED):
        for rule in feeds.rules_of(contract.id, SHIPPED):
            found.append((f"{rule.id}", rule, lambda r, rows, c=contract: feed_frame(c, r, rows)))
    for listed in layout.lists():
        for rule in lists.rules_of(listed, SHIPPED):
            found.append((f"{listed.key} {rule.id}", rule, lambda r, rows, c=listed: list_frame(c, r, rows)))
    for suite in sen2.SUITES:
        for rule in sen2.rules_of(suite, SHIPPED):
            found.append((f"{suite.name} {rule.id}", rule, lambda r, rows, s=suite: sen2_frame(s, r, rows)))
    return [pytest.param(rule, build, id=name) for name, rule, build in found]


@pytest.mark.parametrize(("rule", "build"), every_rule())
def test_rule_on_its_examples(rule: Rule, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row of `passes` passes; every row of `fails` fails (of a `mostly` rule: the rows as a whole).

    And as a suite of Great Expectations' own they come to the same.
    """
    assert rule.passes, "a rule needs at least one example that passes"
    assert rule.fails, "a rule needs at least one example that fails"
    (passing,) = engine.check("passes", build(rule, rule.passes), [rule]).outcomes
    assert (passing.broken, passing.passed) == (None, True)
    frame = build(rule, rule.fails)
    (failing,) = engine.check("fails", frame, [rule]).outcomes
    assert (failing.broken, failing.passed) == (None, False)
    if "mostly" not in rule.kwargs:
        assert sorted(failing.rows) == sorted(frame.index)
    everything = build(rule, rule.passes + rule.fails)
    (short,) = engine.check("both", everything, [rule]).outcomes
    monkeypatch.setattr(engine, "BY_ROW", frozenset())
    (whole,) = engine.check("both", everything, [rule]).outcomes
    assert short == whole
