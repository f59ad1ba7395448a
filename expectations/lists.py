"""The Annex A rules on both finished lists: every failing row becomes an issue."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from expectations import engine, frames, gx
from expectations.engine import Checked
from expectations.findings import MAINTAINER, could_not_run, none_could_run, summary_of
from expectations.rules import Rule, RuleError, distinct, named, records_in, rule_from
from send_ready import database, issues, layout, runs, systems
from send_ready.issues import Issue
from send_ready.layout import ListLayout
from send_ready.runs import Run
from send_ready.settings import Settings

SHIPPED = Path(__file__).with_name("lists")
CODED_COLUMNS = "coded columns"
NOBODY, NOT_CHECKED = "L-100", "L-101"


def rules_of(listed: ListLayout, settings: Settings) -> list[Rule]:
    """The rules in force for one list: both.yml and its own file. Raises RuleError."""
    records = [
        record
        for name in ("both.yml", f"{listed.key}.yml")
        for record in records_in(settings.config_file("expectations", "lists", name, shipped=SHIPPED / name))
    ]
    codes = layout.in_force(settings.config).letters
    rules = distinct(listed.name, (rule_from(record) for given in records for record in _expand(given, listed, codes)))
    gone = _gone(listed)
    return named([rule for rule in rules if rule.column not in gone], systems.names(settings.config))


def _gone(listed: ListLayout) -> set[str]:
    """The columns of the lists that the layout of one, which may be the council's own, does not have."""
    every = {column.column_name for each in layout.lists() if each.name == listed.name for column in each.columns}
    return every - {column.column_name for column in listed.columns}


def check_rules(listed: ListLayout, settings: Settings) -> None:
    """Raise RuleError for a rule in force that could not be run, by what it expects."""
    engine.must_run(rules_of(listed, settings))


def frame_table(listed: ListLayout) -> str:
    """The table of the run's warehouse that holds what the rules of a list look at."""
    return f'"int".int_annex_a__{listed.key}_frame'


def validate_lists(run: Run, settings: Settings) -> int:
    """How many issues the rules find on both lists; written to run.issues("validate_lists")."""
    gx.load()
    found: list[Issue] = []
    for listed in layout.in_force(settings.config).lists:
        try:
            with runs.step(run, "validate-lists", listed.name) as step:
                step.rows, new = _validate(run, settings, listed)
                step.note = summary_of(new)
        except database.WarehouseError:  # nor could anybody publish
            raise
        except Exception as error:  # whatever it is, it must not keep the lists from being published
            new = [none_could_run(error, "List", NOT_CHECKED, list_name=listed.name)]
        found += new
    return issues.write(run.issues("validate_lists"), found)


def _validate(run: Run, settings: Settings, listed: ListLayout) -> tuple[int, list[Issue]]:
    rules = rules_of(listed, settings)
    columns = {column for rule in rules for column in rule.needs} | {"unique_id"}
    with database.reader(run.warehouse) as con:
        frame = frames.frame_of(con, frame_table(listed), "rowid", listed.name, columns, run.as_at)
    if not len(frame):
        return 0, [_nobody(listed)]
    checked = engine.check(listed.name, frame, rules)
    engine.write_results(run.folder / "rules" / "lists" / f"{listed.key}.json", checked, len(frame))
    unique_ids = dict(zip(frame.index.tolist(), frame["unique_id"].tolist(), strict=True))
    return len(frame), list(_issues(listed, unique_ids, checked))


def _issues(listed: ListLayout, unique_ids: dict[int, str], checked: Checked) -> Iterator[Issue]:
    headers = {column.column_name: column.header for column in listed.columns}
    for outcome in checked.broken:
        yield could_not_run(outcome, "List", list_name=listed.name)
    for outcome in checked.failed:
        rule = outcome.rule
        people: list[str | None] = [unique_ids[row] for row in outcome.rows]
        for unique_id in people or [None]:  # None: a rule about the whole list
            yield Issue(
                "List",
                rule.code,
                rule.severity,
                rule.message,
                rule.fix,
                rule.owner,
                list_name=listed.name,
                unique_id=unique_id,
                column_name=headers.get(rule.column, rule.column),
            )


def _nobody(listed: ListLayout) -> Issue:
    return Issue(
        "List",
        NOBODY,
        "error",
        f"{listed.name} has nobody on it, so none of its rules could be checked.",
        "Look at the feeds in the summary: a file that the list is made from is missing, or was refused.",
        MAINTAINER,
        list_name=listed.name,
    )


def _expand(given: dict[str, Any], listed: ListLayout, values: dict[str, dict[str, str]]) -> Iterator[dict[str, Any]]:
    """One record, with the list's own code; or, for `each: coded columns`, one for every such column."""
    record = dict(given)
    if isinstance(record["code"], dict):
        if listed.key not in record["code"]:
            raise RuleError(f"Rule {record['code']}: `code` names no rule of {listed.key}.")
        record["code"] = record["code"][listed.key]
    if record.pop("each", None) != CODED_COLUMNS:
        yield record
        return
    if not record.get("aspect"):
        raise RuleError(f"Rule {record['code']}: with `each`, `aspect` is needed too.")
    for column in listed.held:
        if column.code_set:
            codes = list(values[column.code_set])
            filled = _fill(record, column.column_name, codes)
            yield filled | {"aspect": f"{record['aspect']} {column.column_name}"}


def _fill(value: Any, column: str, codes: list[str]) -> Any:
    """A record with $column, $codes and $code (the first one) put in."""
    if isinstance(value, dict):
        return {_fill(key, column, codes): _fill(held, column, codes) for key, held in value.items()}
    if isinstance(value, list):
        return [_fill(held, column, codes) for held in value]
    if value in ("$codes", "$code"):
        return codes if value == "$codes" else codes[0]
    return value.replace("$column", column) if isinstance(value, str) else value
