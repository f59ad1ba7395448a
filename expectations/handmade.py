"""The rules of the lists on a workbook that somebody made by hand, by what the workbook itself holds.

What a night knows besides (why there is no UPN, which setting the plan names) counts as blank here, as in the public
validators; a rule that is about nothing else is named as not checked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import jinja2

from expectations import engine, frames, gx, lists
from expectations.rules import Rule
from extract import read_file
from extract.contract import Column, Contract, normalise
from extract.file_issues import file_issues
from extract.refusal import Refusal
from extract.text import workbooks
from extract.text.workbooks import Sheet
from send_ready import database, layout
from send_ready.database import identifier, literal
from send_ready.home import SERVING
from send_ready.issues import Issue
from send_ready.layout import Layout, ListColumn, ListLayout
from send_ready.settings import PROJECT, Settings

MACROS = PROJECT / "dbt_project" / "macros"
HEADER_ROWS = 10  # in which the header of a list is looked for
LEAST = 0.6  # of the headers of a list, in a sheet that is taken for it
_TYPES = {"date": "date", "count": "integer", "percentage": "decimal", "text": "text"}
_IDS = ("unique_id", "upn", "uln", "main_urn")
_BLANK = ("upn_unknown_reason", "setting_type")  # that a night knows, and no list shows


@dataclass(frozen=True)
class Finding:
    """One rule that lines of a sheet fail."""

    rule: Rule
    lines: tuple[int, ...]  # rows of the sheet; none of a rule about the whole list


@dataclass(frozen=True)
class CheckedList:
    """What the rules found on one list of a workbook."""

    listed: ListLayout
    sheet: int  # its place in the workbook, from 1
    rows: int = 0
    refusal: Refusal | None = None  # why nothing of it could be checked
    reading: tuple[Issue, ...] = ()  # what there is to say about its columns, rows and values
    findings: tuple[Finding, ...] = ()
    not_checked: tuple[str, ...] = ()  # codes of rules


def sheets_of_lists(path: Path, shape: Layout, folder: Path) -> dict[str, Sheet]:
    """By the name of a list, the sheet of a workbook that holds it; empty when none does. Raises Refusal.

    A sheet is a list by its tab, else by its headers. `folder` is for scratch files.
    """
    found: dict[str, Sheet] = {}
    every = workbooks.sheets(path, folder)
    for listed in shape.lists:
        by_tab = [each for each in every if normalise(each.name) == normalise(listed.name)]
        likely = by_tab or [each for each in every if _share(each, listed) >= LEAST]
        taken = {each.number for each in found.values()}
        if best := max((e for e in likely if e.number not in taken), key=lambda e: _share(e, listed), default=None):
            found[listed.name] = best
    return found


def _share(sheet: Sheet, listed: ListLayout) -> float:
    """The share of a list's headers that one row of a sheet has."""
    wanted = {normalise(column.header) for column in listed.columns}
    first = (row for _, row in zip(range(HEADER_ROWS), sheet.rows(), strict=False))
    return max((len(wanted & {normalise(cell) for cell in row[1:]}) / len(wanted) for row in first), default=0)


def check_workbook(path: Path, sheets: dict[str, Sheet], settings: Settings, folder: Path) -> list[CheckedList]:
    """What the rules in force find on each list of a workbook, as at the day of the settings.

    `sheets` are those of `sheets_of_lists`; `folder` is for scratch files.
    """
    gx.load()
    shape = layout.in_force(settings.config)
    held = [listed for listed in shape.lists if listed.name in sheets]
    read = {listed.name: _read(path, listed, sheets[listed.name], folder) for listed in held}
    with database.scratch(folder) as con:
        establishments = _establishments(con, settings)
        for listed in held:
            if not read[listed.name].refusal:
                rows = f"SELECT * FROM read_parquet({literal(str(_rows_path(folder, listed)))})"
                con.execute(f"CREATE TABLE {listed.key}_read AS {rows}")
        return [
            found if found.refusal else _checked(con, listed, found, settings, shape, establishments)
            for listed in held
            for found in (read[listed.name],)
        ]


def _rows_path(folder: Path, listed: ListLayout) -> Path:
    return folder / f"{listed.key}.parquet"


def _read(path: Path, listed: ListLayout, sheet: Sheet, folder: Path) -> CheckedList:
    """The list as it was read, its rows in a Parquet file of the folder."""
    contract = _contract(listed)
    with read_file.opened_sheet(sheet, contract, folder) as (con, outcome):
        if isinstance(outcome, Refusal):
            return CheckedList(listed, sheet.number, refusal=outcome)
        table, typed = outcome
        read_file.copy(con, "SELECT * FROM typed", _rows_path(folder, listed))
        issues = file_issues(con, path.name, contract, table, typed)
        return CheckedList(listed, sheet.number, typed.rows_accepted, reading=tuple(issues))


def _contract(listed: ListLayout) -> Contract:
    """What the sheet of a list should look like, to be read as an export is."""
    columns = tuple(
        Column(
            each.column_name,
            "id" if each.column_name in _IDS else _TYPES[each.kind],
            each.column_name == "unique_id",
            None,
            (each.header,),
        )
        for each in listed.held
    )
    return Contract(
        "annex_a", listed.key, listed.name, "one row a child", "Data team", False, listed.key, "file_time",
        ("unique_id",), None, 100, 36_500, columns, "",
    )  # fmt: skip


def _checked(
    con: duckdb.DuckDBPyConnection,
    listed: ListLayout,
    found: CheckedList,
    settings: Settings,
    shape: Layout,
    establishments: bool,
) -> CheckedList:
    """The list with what came of its rules."""
    _create_frame(con, listed, settings.as_at, shape, establishments)
    source = f"{listed.key}_frame"
    rules = lists.rules_of(listed, settings)
    columns = {column for rule in rules for column in rule.needs}
    frame = frames.frame_of(con, source, "_line_no", listed.name, columns, settings.as_at)
    can_run = [rule for rule in rules if not rule.needs - set(frame.columns)]
    checked = engine.check(listed.name, frame, can_run)
    findings = [Finding(each.rule, tuple(sorted(each.rows))) for each in checked.failed]
    ran = {each.rule.code for each in checked.outcomes if not each.broken}
    return replace(found, findings=tuple(findings), not_checked=tuple(sorted({rule.code for rule in rules} - ran)))


def _create_frame(
    con: duckdb.DuckDBPyConnection, listed: ListLayout, as_at: date, shape: Layout, establishments: bool
) -> None:
    """Table <list>_frame: the list's columns, codes in their plain form, and what follows from them alone."""
    macros, read = _macros(as_at), f"{listed.key}_read"
    held = {str(row[0]) for row in con.execute(f"DESCRIBE {read}").fetchall()}
    plain = ", ".join(
        f"{_plain(con, read, each, shape) if each.column_name in held else 'NULL'} AS {identifier(each.column_name)}"
        for each in listed.held
    )
    upn = macros.compared_upn("upn")
    more = {
        "is_on_list": "true",
        "as_at_date": macros.as_at(),
        "age_years": macros.age_years("birth_date"),
        "is_upn_valid": macros.is_valid_upn(upn),
        "is_uln_valid": macros.is_valid_uln("uln"),
        **dict.fromkeys(_BLANK, "NULL::VARCHAR"),
    }
    if listed.name == "List 1":
        more["last_reviewed_months_ok"] = (
            f"{macros.is_within_months('last_review_date', 12)} "
            f"OR coalesce(initial_plan_date >= {macros.months_before(12)}, true)"
        )
    for other in (each for each in shape.lists if each != listed and _is_there(con, f"{each.key}_read")):
        upns = f"SELECT {macros.compared_upn('other.upn')} FROM {other.key}_read AS other WHERE other.upn IS NOT NULL"
        more["is_on_other_list"] = f"unique_id IN (SELECT unique_id FROM {other.key}_read)"
        more["is_upn_on_other_list"] = f"coalesce({upn} IN ({upns}), false)"
    if establishments:
        of_main = "FROM establishments WHERE establishments.urn = main_urn"
        more["is_main_urn_in_gias"] = f"CASE WHEN main_urn IS NOT NULL THEN EXISTS (SELECT 1 {of_main}) END"
        more["is_main_establishment_open"] = f"(SELECT any_value(is_open) {of_main})"
    added = ", ".join(f"{expression} AS {name}" for name, expression in more.items())
    con.execute(
        f"CREATE TABLE {listed.key}_frame AS SELECT *, {added} FROM (SELECT _line_no, {plain} FROM {read}) AS plain"
    )


def _plain(con: duckdb.DuckDBPyConnection, table: str, column: ListColumn, shape: Layout) -> str:
    """SQL of a column's values: codes in their plain form, lettered or not, whatever their case; others as they are."""
    name = identifier(column.column_name)
    if not column.code_set:
        return name
    codes = {
        normalise(said): ours
        for ours, shown in shape.letters[column.code_set].items()
        for said in (ours, shown, layout.plain(shown))
    }
    written = [
        str(row[0]) for row in con.execute(f"SELECT DISTINCT {name} FROM {table} WHERE {name} IS NOT NULL").fetchall()
    ]
    meant = {each: codes.get(normalise(each)) or codes.get(normalise(layout.plain(each))) for each in written}
    cases = [f"WHEN {literal(each)} THEN {literal(code)}" for each, code in meant.items() if code]
    return f"CASE {name} {' '.join(cases)} ELSE {name} END" if cases else name


def _is_there(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    return bool(con.execute(f"SELECT 1 FROM duckdb_tables() WHERE table_name = {literal(table)}").fetchone())


def _establishments(con: duckdb.DuckDBPyConnection, settings: Settings) -> bool:
    """Whether there is a table of the establishments of GIAS, copied from the published warehouse."""
    path = settings.home / SERVING / "warehouse.duckdb"
    if not path.is_file():
        return False
    database.attach(con, path, "published")
    con.execute(
        "CREATE TABLE establishments AS SELECT urn, is_open FROM published.core.dim_establishment WHERE is_in_gias"
    )
    con.execute("DETACH published")
    return bool(con.execute("SELECT 1 FROM establishments LIMIT 1").fetchone())


def _macros(as_at: date) -> Any:
    """The macros of the models that say what a valid number or an age is, each giving SQL."""
    text = "".join((MACROS / name).read_text(encoding="utf-8") for name in ("identifiers.sql", "dates.sql"))
    day = f"{{% macro as_at() %}}DATE {literal(as_at)}{{% endmacro %}}"
    return jinja2.Environment(autoescape=False).from_string(text + day).module  # noqa: S701 - SQL, of our own files
