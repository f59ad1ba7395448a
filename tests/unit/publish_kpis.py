"""Rows of the KPI tables as dbt leaves them, for the tests of publish/."""

from datetime import date
from typing import Any

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
