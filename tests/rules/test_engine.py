"""What Great Expectations would hide, and that rows are found by number and nothing else."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from expectations import engine, feeds, frames
from expectations.rules import Rule
from extract import contract as contracts
from send_ready import database, settings
from tests.rules.examples import AS_AT

SECRET = "Zsecretvalue"


def rule(code: str, expect: str = "expect_column_values_to_not_be_null", **kwargs: Any) -> Rule:
    given = {"column": "upn"} | kwargs if "column_A" not in kwargs else kwargs
    return Rule(code, code, "error", "upn", f"{expect}", given, "M.", "F.", "O", [], [])


FRAME = pd.DataFrame({"upn": [SECRET, None, SECRET + "2"], "age": [1.0, 2.0, float("nan")]}, index=[10, 20, 30])


def test_failing_rows_are_index_labels() -> None:
    checked = engine.check("t", FRAME, [rule("A"), rule("B", "expect_column_values_to_be_null")])
    assert [(o.rule.code, o.passed, o.rows) for o in checked.outcomes] == [("A", False, [20]), ("B", False, [10, 30])]


def test_outcomes_come_in_the_order_of_the_rules() -> None:
    rules = [rule(f"R{n}", "expect_column_values_to_be_between", column="age", min_value=n) for n in (9, 2, 5, 0)]
    checked = engine.check("t", FRAME, rules)
    assert [(o.rule.code, len(o.rows)) for o in checked.outcomes] == [("R9", 2), ("R2", 1), ("R5", 2), ("R0", 0)]


def test_two_rules_may_check_the_same_thing() -> None:
    checked = engine.check("t", FRAME, [rule("A"), rule("B")])
    assert [(outcome.rule.code, outcome.rows) for outcome in checked.failed] == [("A", [20]), ("B", [20])]


def test_a_rule_that_great_expectations_drops_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A suite is a set to Great Expectations: one that leaves a rule out must never do so in silence."""
    import great_expectations as gx

    class Dropping(gx.ExpectationSuite):
        def __init__(self, name: str, expectations: list[Any]):
            super().__init__(name=name, expectations=expectations[:1])

    monkeypatch.setattr(gx, "ExpectationSuite", Dropping)
    means = [rule(code, "expect_column_mean_to_be_between", column="age", min_value=1) for code in "AB"]
    assert len(engine.check("t", FRAME, means[:1]).outcomes) == 1
    with pytest.raises(engine.EngineError, match=r"of 2 rules Great Expectations kept 1\..* dropped B"):
        engine.check("t", FRAME, means)


WHOLE = [  # types that need more than a yes or no from each row
    rule("MEAN", "expect_column_mean_to_be_between", column="age", min_value=1, max_value=2),
    rule("HIGH", "expect_column_mean_to_be_between", column="age", min_value=3),
    rule("LIKE", "expect_column_kl_divergence_to_be_less_than", column="age", threshold=0.1,
         partition_object={"values": [1.0, 2.0], "weights": [0.5, 0.5]}),
    rule("RISE", "expect_column_values_to_be_decreasing", column="age"),
]  # fmt: skip


def test_rules_about_the_whole_run_beside_rules_about_rows() -> None:
    """A council may declare any type; one of these takes scipy, which is imported only then."""
    checked = engine.check("t", FRAME, [WHOLE[0], rule("A"), *WHOLE[1:]])
    assert [(outcome.rule.code, outcome.passed, outcome.rows) for outcome in checked.outcomes] == [
        ("MEAN", True, []),
        ("A", False, [20]),
        ("HIGH", False, []),
        ("LIKE", True, []),
        ("RISE", False, [20]),
    ]
    assert not checked.broken


MOSTLY = [rule(f"M{share}", mostly=share) for share in (0.5, 2 / 3, 0.7, 1)]
BROKEN = [
    rule("TEXT", "expect_column_values_to_be_between", min_value=3),  # text against a number
    rule("CALL", row_condition={"type": "pass_through", "pass_through_filter": "upn.lovely()"}),
]
ALL_NULL = rule("NONE", "expect_column_values_to_be_unique", column="nothing")


@pytest.mark.parametrize("given", [*MOSTLY, *BROKEN, ALL_NULL], ids=lambda given: given.code)
def test_rows_are_asked_as_a_suite_would_ask_them(given: Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    """The short way to Great Expectations' conditions says what its whole way through a suite says."""
    frame = FRAME.assign(nothing=float("nan"))
    (short,) = engine.check("t", frame, [given]).outcomes
    monkeypatch.setattr(engine, "BY_ROW", frozenset())
    (whole,) = engine.check("t", frame, [given]).outcomes
    assert short == whole
    assert (short.broken is not None) == (given in BROKEN)


def test_a_rule_that_great_expectations_refuses_is_reported() -> None:
    unknown = rule("X", "expect_column_values_to_be_lovely")
    misspelt = rule("Y", "expect_column_values_to_be_between", min_valu=3)
    checked = engine.check("t", FRAME, [unknown, rule("A"), misspelt])
    assert [outcome.rule.code for outcome in checked.broken] == ["X", "Y"]
    assert [outcome.rule.code for outcome in checked.failed] == ["A"]


def test_a_rule_that_cannot_be_run_is_not_one_that_failed() -> None:
    """The kind of the exception is told, not its text; the other rules still run."""
    bad = rule("BAD", "expect_column_values_to_be_between", min_value=3)  # text against a number
    checked = engine.check("t", FRAME, [bad, rule("A")])
    assert [outcome.rule.code for outcome in checked.broken] == ["BAD"]
    assert [outcome.rule.code for outcome in checked.failed] == ["A"]
    assert "Error" in str(checked.broken[0].broken)
    assert SECRET not in str(checked.broken[0].broken)
    assert not checked.broken[0].rows


def test_a_rule_whose_column_is_missing_says_which() -> None:
    condition = {"type": "pass_through", "pass_through_filter": "colour == 'red' and upn.notnull()"}
    bad = rule("BAD", row_condition=condition)
    checked = engine.check("t", FRAME, [rule("A"), bad])
    assert [outcome.broken for outcome in checked.outcomes] == [None, "it needs colour, which is not there"]


def test_nothing_can_be_said_of_no_rows() -> None:
    with pytest.raises(engine.EmptyFrame):
        engine.check("t", FRAME.iloc[:0], [rule("A")])


def test_results_say_what_came_of_each_rule_and_hold_no_value_and_no_row(tmp_path: Path) -> None:
    rules = [
        rule("A", "expect_column_values_to_match_regex", regex="^A"),
        rule("B", "expect_column_values_to_be_unique"),
        rule("C", "expect_column_values_to_be_in_set", value_set=["x"]),
        rule("D", "expect_column_values_to_be_between", min_value=3),
        rule("E", "expect_column_value_lengths_to_be_between", max_value=3),  # by way of a suite
    ]
    checked = engine.check("t", FRAME, rules)
    assert [outcome.rule.code for outcome in checked.failed] == ["A", "C", "E"]
    assert SECRET not in repr(checked)
    engine.write_results(tmp_path / "results.json", checked, len(FRAME))
    text = (tmp_path / "results.json").read_text()
    assert SECRET not in text
    results = json.loads(text)
    assert results["rows"] == len(FRAME)
    failing = {outcome.rule.code: len(outcome.rows) for outcome in checked.failed}
    assert {each["rule"]: each["rows_failed"] for each in results["rules"] if each["state"] == "failed"} == failing
    assert [each["rule"] for each in results["rules"]] == ["A", "B", "C", "D", "E"]


def test_a_big_feed_is_compared_by_whole_columns() -> None:
    """Half a million weeks with 22,728 failures: seconds where value by value takes a minute."""
    contract = contracts.load("capita_one.attendance", settings.load({}))
    rules = [rule for rule in feeds.rules_of(contract.id, settings.load({})) if "attendance_code" not in rule.needs]
    with database.scratch() as con:
        con.execute("""
            CREATE TABLE week AS SELECT NULL::DATE AS period_start, NULL::DATE AS period_end,
                DATE '2026-01-05' + ((range % 40) * 7 + if(range % 22 = 0, 1, 0))::INTEGER AS week_commencing,
                10::BIGINT AS sessions_possible, (range % 11)::BIGINT AS authorised_absence,
                if(range % 50 = 0, NULL, 0)::BIGINT AS unauthorised_absence
            FROM range(500000)""")
        needed = {column for rule in rules for column in rule.needs}
        frame = frames.frame_of(con, "week", "rowid", contract.id, needed, AS_AT)
    numbers = frame.drop(columns=["week_commencing", "as_at_date"])
    assert set(numbers.dtypes.astype(str)) == {"float64"}
    assert set(frame[["week_commencing", "as_at_date"]].dtypes.astype(str)) == {"datetime64[us]"}
    started = time.process_time()
    checked = engine.check(contract.id, frame, rules)
    assert time.process_time() - started < 10
    assert {outcome.rule.code: len(outcome.rows) for outcome in checked.failed} == {"S-ATT-02": 22_728}


def test_great_expectations_is_imported_without_what_no_rule_needs() -> None:
    """Nor is anything lost by that: who asks for it, has it."""
    program = """
import sys
from expectations import gx
gx.load()
heavy = [name for name in ("scipy.stats._stats_py", "altair.vegalite", "sqlalchemy") if name in sys.modules]
assert not heavy, heavy
import altair, scipy.stats, sqlalchemy
from scipy import stats
assert altair.Chart and sqlalchemy.select and stats.entropy([1, 1]) and scipy.stats.norm
assert "scipy.stats._stats_py" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=settings.PROJECT)
