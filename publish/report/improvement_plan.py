"""The improvement plan: how far its areas and actions are, and what is different since they began."""

from datetime import date
from typing import Any

from duckdb import DuckDBPyConnection

from publish.kpi import figures
from publish.kpi.figures import rounded, shown
from send_ready.words import counted, long_date, one_line, short_month
from warehouse import run_data

PLAN_PARTS = (("done", "done"), ("on_track", "on track"), ("at_risk", "at risk"), ("overdue", "overdue"))


def plan(con: DuckDBPyConnection, is_public: bool) -> dict[str, Any] | None:
    """The improvement plan: progress by area, what is different since, and its actions (not in the public edition)."""
    if not (figures.has_table(con, "kpi_improvement_areas") and figures.has_table(con, "kpi_improvement_plan")):
        return None
    areas = run_data.rows(
        con,
        "SELECT area, action_count, blue_count AS done, green_count AS on_track, amber_count AS at_risk, "
        "red_count AS overdue, mean_complete_pct, data_date, is_stale FROM built.kpi.kpi_improvement_areas "
        "ORDER BY red_count DESC, amber_count DESC, area",
    )
    if not areas:
        return None
    impacts: dict[str, list[str]] = {}
    actions: list[dict[str, Any]] = []
    if not is_public:
        actions = run_data.rows(
            con,
            "SELECT area, action, action_owner, due_date, rag, rag_reason, days_overdue, complete_pct, impact_title, "
            "impact_unit, impact_start_value, impact_start_period_end, impact_value, impact_change, impact_trend "
            "FROM built.kpi.kpi_improvement_plan ORDER BY start_date, area, action_id",
        )
        for row in actions:
            said = _impact(row)
            if said and not any(row["impact_title"] in each for each in impacts.setdefault(row["area"], [])):
                impacts[row["area"]].append(said)
        order = {"overdue": 0, "not_started": 1, "due_soon": 2}
        actions.sort(key=lambda row: (order.get(row["rag_reason"], 3), row["due_date"] or date.max, row["action"]))
    for area in areas:
        area["impacts"] = impacts.get(area["area"], [])
    return {
        "areas": areas,
        "total": sum(area["action_count"] for area in areas),
        "done": sum(area["done"] for area in areas),
        "overdue": sum(area["overdue"] for area in areas),
        "widest": max(area["action_count"] for area in areas),
        "data_date": areas[0]["data_date"],
        "is_stale": areas[0]["is_stale"],
        "parts": PLAN_PARTS,
        "table": [
            [area["area"], *(f"{area[kind]:,}" for kind, _ in PLAN_PARTS), f"{area['action_count']:,}"]
            for area in areas
        ],
        "actions": [
            [
                one_line(row["action"]),
                one_line(row["area"], 60),
                row["action_owner"] or "–",
                long_date(row["due_date"]) if row["due_date"] else "–",
                _action_state(row),
                "–" if row["complete_pct"] is None else f"{rounded(row['complete_pct'], 0)}%",
                _impact(row) or row["impact_title"] or "–",
            ]
            for row in actions
        ],
    }


def _impact(row: dict[str, Any]) -> str:
    """What is different since an action began, in words; nothing until there is a figure from after its start."""
    if row["impact_change"] is None:
        return ""
    unit = row["impact_unit"]
    trend = {"better": ": better", "worse": ": worse", "no change": ": no change"}.get(row["impact_trend"], "")
    return (
        f"{row['impact_title']}: {shown(row['impact_start_value'], unit)} in "
        f"{short_month(row['impact_start_period_end'])}, {shown(row['impact_value'], unit)} now{trend}"
    )


def _action_state(row: dict[str, Any]) -> str:
    said = str(row["rag_reason"] or "").replace("_", " ").capitalize()
    days = row["days_overdue"]
    return f"{said} by {counted(days, 'day', 'days')}" if days else said
