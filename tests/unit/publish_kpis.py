"""Rows of the KPI tables as dbt leaves them, for the tests of publish/."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from send_ready import database
from send_ready.runs import Run
from send_ready.settings import PROJECT

KPI_VALUES = (
    "la_code VARCHAR, kpi_id VARCHAR, period_type VARCHAR, period_end DATE, is_part_period BOOLEAN, "
    "breakdown_type VARCHAR, breakdown_value VARCHAR, numerator DOUBLE, denominator BIGINT, value DOUBLE, "
    "unit VARCHAR, comparator_value DOUBLE, comparator_period VARCHAR, target_value DOUBLE, rag VARCHAR, "
    "data_date DATE, is_stale BOOLEAN, run_id VARCHAR"
)


def kpi_row(
    kpi_id: str,
    period_type: str,
    period_end: date,
    numerator: float | None,
    denominator: int | None = None,
    unit: str = "",
    breakdown: tuple[str, str] = ("all", "all"),
    **changes: Any,
) -> dict[str, Any]:
    """A row of kpi_values: a percentage when it has a denominator, else a count."""
    unit = unit or ("count" if denominator is None else "percent")
    value = numerator
    if denominator is not None and numerator is not None:
        value = numerator * (1 if unit == "weeks" else 100) / denominator if denominator else None
    found = {
        "la_code": "999",
        "kpi_id": kpi_id,
        "period_type": period_type,
        "period_end": period_end,
        "is_part_period": False,
        "breakdown_type": breakdown[0],
        "breakdown_value": breakdown[1],
        "numerator": numerator,
        "denominator": denominator,
        "value": value,
        "unit": unit,
        "comparator_value": None,
        "comparator_period": None,
        "target_value": None,
        "rag": "red",
        "data_date": period_end,
        "is_stale": False,
        "run_id": "run",
    }
    return {**found, **changes}


AREAS = (
    "la_code VARCHAR, area VARCHAR, action_count BIGINT, blue_count BIGINT, green_count BIGINT, amber_count BIGINT, "
    "red_count BIGINT, cancelled_count BIGINT, mean_complete_pct DOUBLE, data_date DATE, is_stale BOOLEAN, "
    "run_id VARCHAR"
)
ACTIONS = (
    "la_code VARCHAR, action_id VARCHAR, area VARCHAR, action VARCHAR, action_owner VARCHAR, start_date DATE, "
    "due_date DATE, status VARCHAR, complete_pct DOUBLE, evidence VARCHAR, rag VARCHAR, rag_reason VARCHAR, "
    "days_overdue INTEGER, impact_kpi_id VARCHAR, impact_title VARCHAR, impact_unit VARCHAR, "
    "impact_start_value DOUBLE, impact_start_period_end DATE, impact_value DOUBLE, impact_change DOUBLE, "
    "impact_trend VARCHAR, run_id VARCHAR"
)
WORKLIST = "la_code VARCHAR, item_type VARCHAR, provider VARCHAR, days_late INTEGER, run_id VARCHAR"
BACKLOG = (
    "la_code VARCHAR, stage_no INTEGER, stage VARCHAR, days_allowed INTEGER, in_time_count BIGINT, late_count BIGINT, "
    "beyond_30_weeks_count BIGINT, run_id VARCHAR"
)
NOT_KNOWN = "la_code VARCHAR, kpi_id VARCHAR, feed VARCHAR, column_name VARCHAR, run_id VARCHAR"
REVIEWS = "la_code VARCHAR, plan_id VARCHAR, meeting_date DATE, run_id VARCHAR"
SEEDS = PROJECT / "dbt_project" / "seeds"


def add_kpis(
    run: Run,
    values: Sequence[Mapping[str, Any]] = (),
    areas: Sequence[Mapping[str, Any]] = (),
    actions: Sequence[Mapping[str, Any]] = (),
    worklist: Sequence[Mapping[str, Any]] = (),
    backlog: Sequence[Mapping[str, Any]] = (),
    reviews: Sequence[Mapping[str, Any]] = (),
    not_known: Sequence[Mapping[str, Any]] = (),
) -> Run:
    """Put the catalogue and the KPI tables into a finished run's warehouse; what a row leaves out is blank."""
    with database.writer(run.warehouse) as con:
        con.execute("CREATE SCHEMA kpi")
        for seed in ("kpi/kpi_catalogue", "kpi/kpi_targets", "kpi/kpi_action_rag", "codes/code_names"):
            path = database.literal(SEEDS / f"{seed}.csv")
            con.execute(f"CREATE TABLE seeds.{Path(seed).name} AS FROM read_csv({path}, all_varchar = true)")
        for table, columns, rows in (
            ("kpi.kpi_values", KPI_VALUES, values),
            ("kpi.kpi_improvement_areas", AREAS, areas),
            ("kpi.kpi_improvement_plan", ACTIONS, actions),
            ("kpi.kpi_worklist", WORKLIST, worklist),
            ("kpi.kpi_not_known", NOT_KNOWN, not_known),
            ("kpi.kpi_backlog", BACKLOG, backlog),
            ("core.fct_annual_review", REVIEWS, reviews),
        ):
            con.execute(f"CREATE TABLE {table} ({columns})")
            for row in rows:
                named = {"la_code": run.la_code, "run_id": run.run_id, **row}
                written = ", ".join(map(database.literal, named.values()))
                con.execute(f"INSERT INTO {table} ({', '.join(named)}) VALUES ({written})")
    return run
