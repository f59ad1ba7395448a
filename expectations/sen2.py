"""The checks of the SEN2 return: what DfE would refuse or ask about, found before it is sent.

Rules stand in sen2/<suite>.yml, a suite a module of the return and one for the whole. Several suites may look
at one frame. Issues stay apart from those of exports and lists: they are of another reader and another day.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from duckdb import DuckDBPyConnection

from expectations import engine, frames, gx
from expectations.engine import Checked
from expectations.findings import MAINTAINER, could_not_run, none_could_run, summary_of
from expectations.rules import Rule, distinct, named, records_in, rule_from
from send_ready import database, issues, runs, sen2, systems
from send_ready.issues import Issue, Sen2Issue
from send_ready.runs import Run
from send_ready.settings import Settings, load
from send_ready.tables import TableError
from warehouse import seeds

SHIPPED = Path(__file__).with_name("sen2")
CATEGORY = "SEN2"
NOBODY, NOT_CHECKED = "S2-000", "S2-009"
WHOLE = "sen2"  # the module of what is about the return as a whole, whatever element it is about
EVERYBODY = "person"  # the suite that has nothing to look at when nobody is returned


NUMBER = ("a number", r"\d{1,6}(\.\d{1,3})?")
FORMS = {  # of a threshold, by its unit
    "date": ("a date as YYYY-MM-DD", r"\d{4}-\d\d-\d\d"),
    "list": ("numbers with spaces between", r"\d{1,4}( \d{1,4})*"),
    "months": ("a whole number", r"\d{1,3}"),
}


@dataclass(frozen=True)
class Suite:
    """The rules of one file: the frame that they look at, and the module that they are about.

    `module` is None where the frame's column `module` says it, row by row.
    """

    name: str
    frame: str
    module: str | None

    @property
    def table(self) -> str:
        """The frame in the run's warehouse."""
        return f'"int".int_sen2__{self.frame}_frame'


SUITES = (
    Suite("return", "measures", WHOLE),
    Suite("person", "person", "person"),
    Suite("requests", "chain", "requests"),
    Suite("assessment", "chain", "assessment"),
    Suite("named_plan", "chain", "named_plan"),
    Suite("active_plans", "chain", "active_plans"),
    Suite("placement_detail", "placement", None),
)


def helpers_name(suite: Suite) -> str:
    """The name by which expectations/frames.py knows what a suite may read beside its frame."""
    return f"{frames.SEN2} {suite.frame}"


def rules_of(suite: Suite, settings: Settings) -> list[Rule]:
    """The rules of a suite in force. Raises RuleError."""
    name = f"{suite.name}.yml"
    records = records_in(settings.config_file("expectations", "sen2", name, shipped=SHIPPED / name))
    return named(distinct(name, map(rule_from, records)), systems.names(settings.config))


def check_rules(suite: Suite, settings: Settings) -> None:
    """Raise RuleError for a rule in force that could not be run, by what it expects."""
    engine.must_run(rules_of(suite, settings))


def check_thresholds(settings: Settings) -> None:
    """Raise TableError for a threshold in force that is not of the shipped one's unit."""
    values = {row["threshold"]: row["value"] for row in seeds.rows(sen2.THRESHOLDS, settings)}
    for row in seeds.rows(sen2.THRESHOLDS):
        name, unit = row["threshold"], row["unit"]
        in_words, form = FORMS.get(unit, NUMBER)
        if not re.fullmatch(form, values[name]) or (unit == "date" and not _is_day(values[name])):
            raise TableError(f"{sen2.THRESHOLDS}.csv: {name} is {values[name]!r}, and must be {in_words} ({unit}).")


def _is_day(value: str) -> bool:
    try:
        return bool(date.fromisoformat(value))
    except ValueError:
        return False


def validate_sen2(run: Run, settings: Settings) -> int:
    """How many issues the rules find in the SEN2 return; written to run.issues(issues.SEN2)."""
    gx.load()
    found: list[Sen2Issue] = []
    with database.reader(run.warehouse) as con:
        for suite in SUITES:
            try:
                with runs.step(run, "validate-sen2", suite.name) as step:
                    step.rows, new = _validate(con, run, settings, suite)
                    step.note = summary_of(new)
            except database.WarehouseError:  # nor could anybody publish
                raise
            except Exception as error:  # whatever it is, it must not keep the lists from being published
                new = [_of_return(none_could_run(error, CATEGORY, NOT_CHECKED), suite)]
            found += new
    return issues.write(run.issues(issues.SEN2), found, kind=Sen2Issue)


def _tags(con: DuckDBPyConnection, settings: Settings) -> dict[tuple[str, str], str]:
    """The tag of each element of the return by module and column, in the shape of its year; none without a return."""
    year = con.execute('SELECT any_value(survey_year)::BIGINT FROM "int".int_sen2__return').fetchone()
    if not year or year[0] is None:
        return {}
    modules = sen2.modules(year[0], settings)
    found = {(each.name, of.column_name): of.tag for each in modules.values() for of in each.elements}
    return {(WHOLE, column): tag for (_, column), tag in found.items()} | found


def _validate(con: DuckDBPyConnection, run: Run, settings: Settings, suite: Suite) -> tuple[int, list[Sen2Issue]]:
    rules = rules_of(suite, settings)
    held = [column for column, *_ in con.execute(f"DESCRIBE {suite.table}").fetchall()]
    columns = {column for rule in rules for column in rule.needs} | ({"module"} if suite.module is None else set())
    seed = partial(seeds.rows, settings=settings)
    frame = frames.frame_of(con, suite.table, "rowid", helpers_name(suite), columns, run.as_at, seed)
    if not len(frame):
        return 0, [_nobody()] if suite.name == EVERYBODY else []
    checked = engine.check(suite.name, frame, rules)
    engine.write_results(run.folder / "rules" / "sen2" / f"{suite.name}.json", checked, len(frame))
    return len(frame), list(_issues(con, suite, checked, _tags(con, settings), held))


def _issues(
    con: DuckDBPyConnection, suite: Suite, checked: Checked, tags: dict[tuple[str, str], str], held: list[str]
) -> Iterator[Sen2Issue]:
    for outcome in checked.broken:
        yield _of_return(could_not_run(outcome, CATEGORY), suite)
    about = _about(con, suite, {row for outcome in checked.failed for row in outcome.rows}, held)
    for outcome in checked.failed:
        rule = outcome.rule
        shown = [column for column in dict.fromkeys((rule.column, *sorted(rule.needs), *rule.shows)) if column in held]
        for row in outcome.rows:
            of_row = about[row]
            module = str(suite.module or of_row["module"])
            yield Sen2Issue(
                CATEGORY,
                rule.code,
                rule.severity,
                rule.message,
                rule.fix,
                rule.owner,
                unique_id=of_row.get("unique_id"),
                column_name=tags.get((module, rule.column), tags.get((WHOLE, rule.column), rule.column)),
                module=module,
                case_id=of_row.get("case_id"),
                plan_id=of_row.get("plan_id"),
                frame=suite.frame,
                row_id=of_row["row_id"],
                shown=",".join(shown),
            )


def _about(con: DuckDBPyConnection, suite: Suite, rows: set[int], held: list[str]) -> dict[int, dict[str, str | None]]:
    """What says whose each of these rows of a frame is, by the row's number."""
    names = [name for name in ("row_id", "module", "unique_id", "case_id", "plan_id") if name in held]
    found = con.execute(
        f"SELECT rowid, {', '.join(names)} FROM {suite.table} WHERE rowid IN (SELECT unnest(?::BIGINT[]))",
        [sorted(rows)],
    ).fetchall()
    return {row: dict(zip(names, values, strict=True)) for row, *values in found}


def _of_return(issue: Issue, suite: Suite) -> Sen2Issue:
    return Sen2Issue(**vars(issue), module=suite.module)


def _nobody() -> Sen2Issue:
    return Sen2Issue(
        CATEGORY,
        NOBODY,
        "query",
        "The SEN2 return has nobody in it, so none of its rules could be checked.",
        "Look at the feeds in the summary: without plans and assessments there is nothing to return.",
        MAINTAINER,
        module=EVERYBODY,
    )


PAGE = """# Checks of the SEN2 return

Every night the return is made as it would be that day, and checked: what would stop its authorisation (errors), and
what DfE would ask about (queries). `out/<D>/sen2/sen2_issues.xlsx` has what they found, with the values, what to do and
who; `quality.sen2_issues` of the warehouse has the same without values. The codes are our own: DfE's rules are not
published, and COLLECT may find more. Two are of the file alone: S2-001, what the council's own XSD does not allow, and
S2-005, characters that no XML can hold.

A council replaces a file of rules by its own in `$SEND_CONFIG/expectations/sen2/`, and a threshold by a row in
`$SEND_CONFIG/sen2/sen2_thresholds.csv` (the others stay as shipped). This page is written from `expectations/sen2` and
`sen2_thresholds.csv`.

| code | severity | module, element | what is wrong | what to do | who |
|---|---|---|---|---|---|
"""


def page(survey_year: int) -> str:
    """The page for users: every shipped check as a row of a table, and every threshold, in Markdown."""
    shipped = load({})
    modules = sen2.modules(survey_year)
    tags = {column.column_name: column.tag for each in modules.values() for column in each.elements}
    rules = [(suite, rule) for suite in SUITES for rule in rules_of(suite, shipped)]
    lines = [
        f"| {rule.code} | {rule.severity} | {modules[suite.module or suite.name].tag}, "
        f"{tags.get(rule.column, 'Person')} | {rule.message} | {rule.fix} | {rule.owner} |"
        for suite, rule in sorted(rules, key=lambda each: each[1].id)
    ]
    thresholds = [
        f"| `{row['threshold']}` | {row['value']} | {row['unit']} | {row['checks']} | {row['fires_when']} |"
        for row in seeds.rows(sen2.THRESHOLDS)
    ]
    head = ["", "| threshold | value | unit | check | meaning |", "|---|---|---|---|---|"]
    return PAGE + "\n".join([*lines, *head, *thresholds, ""])
