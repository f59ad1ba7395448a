"""Rules are data: one record a rule, in feeds/<source>__<feed>.yml, lists/*.yml and sen2/*.yml.

Adding a rule is adding a record; docs/developers/rules.md says what each key means. This module
only reads the records and refuses what cannot be a rule. Nothing here needs Great Expectations.
"""

import ast
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from send_ready import records, systems

SEVERITIES = ("stop", "error", "query")
_TEXT, _MAY_BE_TEXT = records.field_of(str), records.field_of(str, is_needed=False)
_SHARED = dict.fromkeys(("owner", "among"), _MAY_BE_TEXT)
_FILE = {"about": _MAY_BE_TEXT, **_SHARED, "rules": records.field_of(list)}
_RULE = {
    "code": records.Field("a code", bool),
    "severity": records.one_of(SEVERITIES),
    **dict.fromkeys(("column", "expect", "message", "fix"), _TEXT),
    **dict.fromkeys(("passes", "fails"), records.field_of(list)),
    **_SHARED,
    **dict.fromkeys(("aspect", "when", "each"), _MAY_BE_TEXT),
    "kwargs": records.field_of(dict, is_needed=False),
    "shows": records.field_of(list, is_needed=False),
}
_COLUMN_KWARGS = ("column", "column_A", "column_B")
ALL_ROWS = "all rows"


class RuleError(ValueError):
    """A rule file cannot be used. The text names the file, the rule and what to change."""


@dataclass(frozen=True)
class Rule:
    """One rule. `id` is the code and, where one code has several aspects, the aspect: unique in its suite."""

    id: str
    code: str
    severity: str
    column: str  # the column that the issue is about
    expect: str  # a native Great Expectations type
    kwargs: dict[str, Any]
    message: str
    fix: str
    owner: str
    passes: list[dict[str, Any]]
    fails: list[dict[str, Any]]
    shows: tuple[str, ...] = ()  # further columns whose values the workbook says, of the SEN2 return

    @cached_property
    def checked_columns(self) -> set[str]:
        """The columns whose values the rule checks."""
        named = {self.kwargs[key] for key in _COLUMN_KWARGS if key in self.kwargs}
        return named | set(self.kwargs.get("column_list", ()))

    @cached_property
    def when(self) -> str | None:
        """The condition of the rows that the rule is about, as pandas reads it; None when it is about all of them."""
        condition = self.kwargs.get("row_condition")
        return condition and condition["pass_through_filter"]

    @cached_property
    def when_columns(self) -> set[str]:
        """The columns that `when` names."""
        return {node.id for node in ast.walk(ast.parse(self.when or "")) if isinstance(node, ast.Name)}

    @property
    def needs(self) -> set[str]:
        """Every column that the rule reads."""
        return self.checked_columns | self.when_columns


def records_in(path: Path) -> list[dict[str, Any]]:
    """The records of one rule file, with the file's owner and `among` filled in. Raises RuleError."""
    raw = records.read_fields(path, _FILE, RuleError)
    shared = {key: raw[key] for key in _SHARED if raw[key] is not None}
    found: list[dict[str, Any]] = []
    for given in raw["rules"]:
        if not isinstance(given, dict):
            raise RuleError(f"{path}: rule {len(found) + 1} is not a record.")
        record = shared | given
        records.checked(f"{path}, rule {record.get('code', '(no code)')}", record, _RULE, RuleError)
        found.append(record)
    return found


def rule_from(record: dict[str, Any]) -> Rule:
    """The rule that a record, whose code is text, declares. Raises RuleError."""
    code, aspect = str(record["code"]), record.get("aspect")
    name = f"{code} {aspect}" if aspect else code
    try:
        kwargs = _kwargs(record)
    except (SyntaxError, ValueError, RecursionError):
        raise RuleError(f"Rule {name}: `when` is not a condition that can be read.") from None
    several = kwargs.get("column_list", [])
    named = [kwargs[key] for key in _COLUMN_KWARGS if key in kwargs]
    if not isinstance(several, list) or not all(isinstance(column, str) for column in (*named, *several)):
        raise RuleError(f"Rule {name}: a column among its arguments is not a name.")
    return Rule(
        id=name,
        code=code,
        severity=record["severity"],
        column=record["column"],
        expect=record["expect"],
        kwargs=kwargs,
        message=" ".join(record["message"].split()),
        fix=" ".join(record["fix"].split()),
        owner=record.get("owner", ""),
        passes=record["passes"],
        fails=record["fails"],
        shows=tuple(record.get("shows") or ()),
    )


def named(rules: Iterable[Rule], names: systems.Names) -> list[Rule]:
    """The rules in the words of the council's own names of systems."""
    if not names.given:
        return list(rules)
    said = names.said
    return [replace(each, message=said(each.message), fix=said(each.fix), owner=said(each.owner)) for each in rules]


def rules_in(path: Path) -> list[Rule]:
    """The rules of a feed's file. Raises RuleError."""
    return distinct(path.name, (rule_from(record) for record in records_in(path)))


def distinct(where: str, rules: Iterable[Rule]) -> list[Rule]:
    """The rules as a list. Raises RuleError when two have the same code and aspect."""
    found: dict[str, Rule] = {}
    for rule in rules:
        if rule.id in found:
            raise RuleError(f"{where}: there are two rules {rule.id}. Give one another code or an aspect.")
        found[rule.id] = rule
    return list(found.values())


def _kwargs(record: dict[str, Any]) -> dict[str, Any]:
    """The expectation's arguments, with what the record leaves unsaid."""
    kwargs = dict(record.get("kwargs") or {})
    if "column_A" in kwargs:
        kwargs.setdefault("ignore_row_if", "either_value_is_missing")
    elif "column_list" not in kwargs:
        kwargs.setdefault("column", record["column"])
    among = record.get("among", ALL_ROWS)
    conditions = [part for part in (None if among == ALL_ROWS else among, record.get("when")) if part]
    if conditions:
        condition = " and ".join(f"({part})" for part in conditions)
        ast.parse(condition, mode="eval")
        kwargs["row_condition"] = {"type": "pass_through", "pass_through_filter": condition}
    return kwargs
