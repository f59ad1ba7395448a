"""Where work waits: open assessments, advice that has not come, and annual reviews."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from duckdb import DuckDBPyConnection

from publish.kpi import figures
from send_ready.database import literal
from send_ready.words import short_month
from warehouse import run_data
from warehouse.run_data import Feed

MONTHS_HELD = 12
BANDS = (("in_time", "in time"), ("late", "late, up to 30 weeks"), ("long", "beyond 30 weeks"))


def backlog(con: DuckDBPyConnection, not_known: dict[str, str]) -> dict[str, Any] | None:
    """Open assessments by stage of the 20-week clock, each in time, late, or beyond 30 weeks."""
    if not figures.has_table(con, "kpi_backlog"):
        return None
    if "K05" in not_known:
        return {"unknown": not_known["K05"]}
    found = run_data.rows(con, "SELECT * FROM built.kpi.kpi_backlog ORDER BY stage_no")
    rows = [
        {"label": stage["stage"], "limit": f"{stage['days_allowed'] // 7} weeks", "numbers": numbers}
        | {"total": sum(numbers)}
        for stage in found
        if (numbers := [stage[f"{band}_count"] for band in ("in_time", "late", "beyond_30_weeks")])
    ]
    if not rows:
        return None
    return {
        "unknown": "",
        "rows": rows,
        "total": sum(row["total"] for row in rows),
        "late": sum(stage["late_count"] + stage["beyond_30_weeks_count"] for stage in found),
        "long": sum(stage["beyond_30_weeks_count"] for stage in found),
        "widest": max(row["total"] for row in rows),
        "bands": BANDS,
        "table": [[row["label"], *(f"{number:,}" for number in (*row["numbers"], row["total"]))] for row in rows],
    }


def advice(con: DuckDBPyConnection, not_known: dict[str, str]) -> dict[str, Any] | None:
    """Advice asked for and not received, for open cases, by who was asked: in time, and past its six weeks."""
    if not figures.has_table(con, "kpi_worklist"):
        return None
    if "K13" in not_known:
        return {"unknown": not_known["K13"]}
    rows = run_data.rows(
        con,
        """
        SELECT coalesce(provider, 'Provider not recorded') AS provider, count(*) FILTER (days_late <= 0) AS in_time,
            count(*) FILTER (days_late > 0) AS late, max(days_late) AS longest
        FROM built.kpi.kpi_worklist WHERE item_type = 'advice_outstanding'
        GROUP BY ALL ORDER BY late DESC, in_time DESC, provider
        """,
    )
    return {
        "unknown": "",
        "rows": rows,
        "late": sum(row["late"] for row in rows),
        "total": sum(row["late"] + row["in_time"] for row in rows),
        "widest": max((row["late"] + row["in_time"] for row in rows), default=0),
        "table": [
            [row["provider"], f"{row['in_time']:,}", f"{row['late']:,}", f"{max(row['longest'], 0):,}"] for row in rows
        ],
    }


def reviews(
    con: DuckDBPyConnection, as_at: date, feeds: Sequence[Feed], not_known: dict[str, str]
) -> dict[str, Any] | None:
    """Annual reviews held in each of the last months, those overdue, and those that fall due in the next months."""
    if not figures.has_table(con, "fct_annual_review", "core"):
        return None
    sources = ("capita_one.annual_reviews", "ehc_hub.reviews")
    if not any(run_data.feed_has_columns(feeds, name, "meeting_date") for name in sources):
        missing = [(name, "meeting_date" if run_data.feed_has_columns(feeds, name) else None) for name in sources]
        return {"unknown": run_data.reason_not_known(feeds, missing)}
    end = literal(as_at) + "::DATE"
    held = con.execute(f"""
        SELECT last_day(meeting_date) AS month, count(*) FROM (
            SELECT DISTINCT plan_id, meeting_date FROM built.core.fct_annual_review
            WHERE meeting_date <= {end}
                AND meeting_date > last_day({end} - INTERVAL {MONTHS_HELD} MONTH)
        ) GROUP BY ALL
    """).fetchall()
    counts = dict(held)
    ends = [figures.month_end(as_at, -number) for number in range(MONTHS_HELD - 1, -1, -1)]
    rows = [
        {"label": short_month(end_), "kind": "held", "number": counts.get(end_, 0), "note": "held"} for end_ in ends
    ]
    rows[-1]["note"] = "held so far" if ends[-1] > as_at else "held"
    overdue = None
    if figures.has_table(con, "kpi_worklist") and "K19" not in not_known:
        (found,) = con.execute(
            "SELECT count(*) FILTER (item_type = 'review_overdue'), "
            "count(*) FILTER (item_type = 'review_due_in_8_weeks') FROM built.kpi.kpi_worklist"
        ).fetchall()
        overdue = found[0]
        rows.append({"label": "Overdue", "kind": "long", "number": found[0], "note": "not held"})
        rows.append({"label": "Next 8 weeks", "kind": "ahead", "number": found[1], "note": "fall due"})
    return {
        "unknown": "",
        "rows": rows,
        "overdue": overdue,
        "overdue_unknown": not_known.get("K19", ""),
        "held": sum(counts.values()),
        "widest": max(row["number"] for row in rows),
        "table": [[row["label"], f"{row['number']:,}", row["note"]] for row in rows],
    }
