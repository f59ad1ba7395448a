"""What the rules cost beside plain pandas: the same rows of both lists and every feed, found by both.

usage: python -m tools.bench.rules [--rounds N]    with SEND_HOME of a night, and SEND_RUN_ID where it is not the last

The floor is a function a rule, as an analyst would write it by hand: Python made from the rule's record before the
clock starts. Frames are read before it too. Processor seconds, the least of so many rounds taken in turns; at the end
those of the whole step, which starts a program and imports Great Expectations, beside a program of the floor alone.
The exit status is 1 when the two disagree about a single row, for then nothing is measured.
"""

import argparse
import ast
import itertools
import math
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from expectations import engine, feeds, frames, gx, lists
from expectations.rules import Rule
from extract import contract as contracts
from operations.settle import in_force
from send_ready import database, layout, runs, settings
from send_ready.database import literal

Floor = Callable[[Any], list[int]]
PLAIN = {  # the rows that fail, of the rule's columns c (and d, of a pair)
    "expect_column_pair_values_a_to_be_greater_than_b": "c.notna() & d.notna() & ~(c {at_least} d)",
    "expect_column_pair_values_to_be_equal": "c.notna() & d.notna() & (c != d)",
    "expect_column_values_to_be_between": "c.notna() & ~c.between({least}, {most}, {inclusive!r})",
    "expect_column_values_to_be_in_set": "c.notna() & ~c.isin({values})",
    "expect_column_values_to_be_null": "c.notna()",
    "expect_column_values_to_be_unique": "c.notna() & c.duplicated(keep=False)",
    "expect_column_values_to_match_regex": "c.notna() & ~c.str.contains({regex}, na=False)",
    "expect_column_values_to_not_be_in_set": "c.isin({values})",
    "expect_column_values_to_not_be_null": "c.isna()",
    "expect_column_values_to_not_match_regex": "c.str.contains({regex}, na=False)",
}
INCLUSIVE = {(False, False): "both", (False, True): "left", (True, False): "right", (True, True): "neither"}


@dataclass(frozen=True)
class Suite:
    """A frame, its rules, and the plain function of each."""

    name: str
    frame: Any
    rules: list[Rule]
    floors: list[Floor]


class _Conditions(ast.NodeTransformer):
    """`a == 1 and b not in ['x']` as whole columns of pandas say it."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.parse(f"frame[{node.id!r}]", mode="eval").body

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        sign = " & " if isinstance(node.op, ast.And) else " | "
        parts = sign.join(f"({ast.unparse(self.visit(value))})" for value in node.values)
        return ast.parse(parts, mode="eval").body

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        said = ast.unparse(self.generic_visit(node))
        if isinstance(node.ops[0], ast.In | ast.NotIn):
            is_in = f"{ast.unparse(node.left)}.isin({ast.unparse(node.comparators[0])})"
            said = is_in if isinstance(node.ops[0], ast.In) else f"~{is_in}"
        return ast.parse(said, mode="eval").body


def plain(rule: Rule) -> Floor:
    """The rule as a function from a frame to the index labels of the rows that fail it."""
    given = rule.kwargs
    fails = PLAIN[rule.expect].format(
        at_least=">=" if given.get("or_equal") else ">",
        least=given.get("min_value", "-math.inf"),
        most=given.get("max_value", "math.inf"),
        inclusive=INCLUSIVE[bool(given.get("strict_min")), bool(given.get("strict_max"))],
        values=given.get("value_set"),
        regex=repr(given.get("regex")),
    )
    first, second = given.get("column_A", given.get("column")), given.get("column_B")
    when = ast.unparse(_Conditions().visit(ast.parse(rule.when, mode="eval"))) if rule.when else None
    source = [
        "def fails(frame):",
        f"    frame = frame[{when}]" if when else "    pass",
        f"    c = frame[{first!r}]",
        f"    d = frame[{second!r}]" if second else "    pass",
        f"    failing = frame.index[{fails}].tolist()",
        f"    return failing if 1 - len(failing) / max(1, len(frame)) < {given.get('mostly', 1)} else []",
    ]
    made: dict[str, Any] = {"math": math}
    exec(compile("\n".join(source), rule.id, "exec"), made)  # noqa: S102  (rules of this checkout, for a measure)
    floor: Floor = made["fails"]
    return floor


def suites() -> Iterator[Suite]:
    """Both lists and every feed of the run that SEND_HOME and SEND_RUN_ID name."""
    given = settings.load()
    run = runs.find(given)
    given = in_force(run, given)
    for listed in layout.lists():
        rules = lists.rules_of(listed, given)
        with database.reader(run.warehouse) as con:
            frame = _frame(con, lists.frame_table(listed), "rowid", listed.name, rules, run)
        yield Suite(listed.name, frame, rules, [plain(rule) for rule in rules])
    for contract in contracts.load_all(given):
        if not ((result := runs.feed_result(run, contract.id)) and result["typed_path"]):
            continue
        absent = set(result["columns_missing"])
        rules = [rule for rule in feeds.rules_of(contract.id, given) if not rule.needs & absent]
        source = f"read_parquet({literal(run.home / result['typed_path'])}, file_row_number = true)"
        with database.scratch() as con:
            frame = _frame(con, source, "file_row_number", contract.id, rules, run)
        if len(frame):
            yield Suite(contract.id, frame, rules, [plain(rule) for rule in rules])


def _frame(con: Any, source: str, row: str, name: str, rules: Sequence[Rule], run: runs.Run) -> Any:
    return frames.frame_of(con, source, row, name, {column for rule in rules for column in rule.needs}, run.as_at)


def disagreements(suite: Suite) -> list[str]:
    """What the engine and the floor see differently, a line a rule; none when they agree."""
    checked = engine.check(suite.name, suite.frame, suite.rules)
    return [
        f"{suite.name} {outcome.rule.id}: {outcome.broken or f'{len(outcome.rows)} rows'}, by hand {len(by_hand)}"
        for outcome, floor in zip(checked.outcomes, suite.floors, strict=True)
        if outcome.broken or outcome.rows != (by_hand := floor(suite.frame))
    ]


def _seconds(work: Callable[[Sequence[Suite]], None], measured: Sequence[Suite]) -> float:
    started = time.process_time()
    work(measured)
    return time.process_time() - started


def _program(*words: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.rules", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--floor-of-lists", action="store_true", help="only that, once: the program compared with")
    given = parser.parse_args()
    if given.floor_of_lists:
        _by_hand(list(itertools.islice(suites(), len(layout.lists()))))
        return 0
    rounds = range(given.rounds)
    gx.load()
    found = list(suites())
    if wrong := [line for suite in found for line in disagreements(suite)]:
        print("\n".join(wrong), file=sys.stderr)
        return 1
    both = len(layout.lists())
    for name, measured in (("both lists", found[:both]), ("the feeds", found[both:])):
        turns = [(_seconds(_ask, measured), _seconds(_by_hand, measured)) for _ in rounds]
        rules, rows = sum(len(suite.rules) for suite in measured), sum(len(suite.frame) for suite in measured)
        _say(f"{name}: {rules} rules, {rows:,} rows", turns)
    step = [str(Path(sys.executable).with_name("send-ready")), "validate-lists"]
    floor = [sys.executable, "-m", "tools.bench.rules", "--floor-of-lists"]
    turns = [(_program(*step), _program(*floor)) for _ in rounds]
    _say("the whole step validate-lists, beside a program of the floor", turns)
    return 0


def _ask(measured: Sequence[Suite]) -> None:
    for suite in measured:
        engine.check(suite.name, suite.frame, suite.rules)


def _by_hand(measured: Sequence[Suite]) -> None:
    for suite in measured:
        for floor in suite.floors:
            floor(suite.frame)


def _say(what: str, turns: Sequence[tuple[float, float]]) -> None:
    engines, floors = (min(seconds) for seconds in zip(*turns, strict=True))
    print(f"{what}: {engines:.3f} s of processor ÷ {floors:.3f} by hand = {engines / floors:.1f}")


if __name__ == "__main__":
    raise SystemExit(main())
