"""Rules are data: one record a rule, in feeds/<source>__<feed>.yml and lists/*.yml.

Adding a rule is adding a record; docs/developers/rules.md says what each key means. This module
only reads the records and refuses what cannot be a rule. Nothing here needs Great Expectations.
"""

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from send_ready import files

SEVERITIES = ("stop", "error", "query")
_FILE_KEYS = {"about", "owner", "among", "rules"}
_NEEDED = {"code", "severity", "column", "expect", "message", "fix", "passes", "fails"}
_OPTIONAL = {"aspect", "kwargs", "when", "among", "owner", "each"}
_KINDS: dict[str, tuple[type, str]] = {
    **dict.fromkeys(("column", "expect", "message", "fix", "aspect", "when", "among", "owner", "each"), (str, "text")),
    **dict.fromkeys(("passes", "fails"), (list, "a list")),
    "kwargs": (dict, "arguments by name"),
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
    try:
        raw = files.read_yaml(path)
    except ValueError as error:
        raise RuleError(str(error)) from None
    if not isinstance(raw, dict) or not isinstance(raw.get("rules"), list):
        raise RuleError(f"{path}: there must be a list called `rules`.")
    _only(f"{path}", raw, _FILE_KEYS)
    shared = {key: raw[key] for key in ("owner", "among") if key in raw}
    records: list[dict[str, Any]] = []
    for given in raw["rules"]:
        if not isinstance(given, dict):
            raise RuleError(f"{path}: rule {len(records) + 1} is not a record.")
        record = shared | given
        where = f"{path}, rule {record.get('code', '(no code)')}"
        _only(where, record, _NEEDED | _OPTIONAL)
        missing = sorted(_NEEDED - set(record))
        if missing:
            raise RuleError(f"{where}: {', '.join(missing)} is missing.")
        if record["severity"] not in SEVERITIES:
            raise RuleError(f"{where}: severity {record['severity']} is not one of {', '.join(SEVERITIES)}.")
        for key, (kind, said) in _KINDS.items():
            if not (isinstance(record.get(key), kind) or (key in _OPTIONAL and record.get(key) is None)):
                raise RuleError(f"{where}: {key} must be {said}.")
        records.append(record)
    return records


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
    )


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


def _only(where: str, given: Iterable[Any], known: set[str]) -> None:
    unknown = sorted(set(map(str, given)) - known)
    if unknown:
        raise RuleError(f"{where}: unknown {', '.join(unknown)}. Known: {', '.join(sorted(known))}.")
