"""Example rows of a rule, turned into the frame that the rule would see."""

from datetime import date
from functools import cache
from typing import Any

import pandas as pd
import yaml
from duckdb import DuckDBPyConnection

from expectations import frames, sen2
from expectations.rules import Rule
from expectations.sen2 import Suite
from extract.contract import TYPES, Contract
from send_ready import database
from send_ready.database import identifier
from send_ready.layout import ListLayout
from tests.dbt.harness import PROJECT

AS_AT = date(2026, 11, 16)
KINDS = {"text": "VARCHAR", "date": "DATE", "count": "INTEGER", "percentage": "DECIMAL(7,1)"}
FRAME = {  # what both list frames hold beside the list's own columns
    "elective_home_education": "VARCHAR",
    "is_on_list": "BOOLEAN",
    "left_out_reason": "VARCHAR",
    "as_at_date": "DATE",
    "age_years": "INTEGER",
    "upn_unknown_reason": "VARCHAR",
    "is_upn_valid": "BOOLEAN",
    "is_uln_valid": "BOOLEAN",
    "open_plan_count": "INTEGER",
    "is_on_other_list": "BOOLEAN",
    "is_upn_on_other_list": "BOOLEAN",
    "is_known_student": "BOOLEAN",
    "is_main_urn_in_gias": "BOOLEAN",
    "is_main_establishment_open": "BOOLEAN",
    "setting_type": "VARCHAR",
    "unmapped_columns": "VARCHAR",
    "disagreements": "VARCHAR",
    "source_system": "VARCHAR",
}


def feed_columns(contract: Contract) -> dict[str, str]:
    """The typed columns of a feed."""
    return {column.name: TYPES[column.type] for column in contract.columns}


def list_columns(listed: ListLayout) -> dict[str, str]:
    """The columns of a list's frame."""
    own = {"last_reviewed_months_ok": "BOOLEAN"} if listed.name == "List 1" else {}
    return {column.column_name: KINDS[column.kind] for column in listed.columns} | FRAME | own


def feed_frame(contract: Contract, rule: Rule, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The frame of a feed that holds just these rows."""
    return _frame(feed_columns(contract), contract.id, rule, rows)


def list_frame(listed: ListLayout, rule: Rule, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The frame of a list that holds just these rows, of people on the list unless a row says otherwise."""
    rows = [{"is_on_list": True, "as_at_date": AS_AT} | row for row in rows]
    return _frame(list_columns(listed), listed.name, rule, rows)


def sen2_columns(suite: Suite) -> dict[str, str]:
    """The columns of a frame of the SEN2 return, with types by their names: the warehouse is held to them."""
    path = PROJECT / "models" / "checks" / f"int_sen2__{suite.frame}_frame.yml"
    (described,) = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)["models"]
    return {column["name"]: column["data_type"] for column in described["columns"]}


def sen2_frame(suite: Suite, rule: Rule, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The frame of a suite that holds just these rows, of a return of 2027 as at AS_AT unless a row says otherwise."""
    columns = sen2_columns(suite)
    usual = {"survey_year": 2027, "reference_day": AS_AT, "row_id": "1"}
    usual |= dict.fromkeys(("has_assessment", "has_named_plan", "should_be_active"), True)
    rows = [{name: value for name, value in usual.items() if name in columns} | row for row in rows]
    return _frame(columns, sen2.helpers_name(suite), rule, rows)


def _frame(columns: dict[str, str], name: str, rule: Rule, rows: list[dict[str, Any]]) -> pd.DataFrame:
    con = _scratch()
    made = ", ".join(f"{identifier(column)} {kind}" for column, kind in columns.items())
    con.execute(f"CREATE OR REPLACE TABLE example ({made})")
    for row in rows:
        given = ", ".join(identifier(column) for column in row)
        con.execute(f"INSERT INTO example ({given}) VALUES ({', '.join('?' * len(row))})", list(row.values()))
    return frames.frame_of(con, "example", "rowid", name, rule.needs, AS_AT)


@cache
def _scratch() -> DuckDBPyConnection:
    """One for all examples: to open a database takes longer than to check a rule."""
    return database.scratch()
