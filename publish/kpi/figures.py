"""The KPIs as people read them: which figure stands for a KPI, how it is rounded, and in what words.

The warehouse keeps full precision; this is where a figure is rounded, half up, to one decimal.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from duckdb import CatalogException, DuckDBPyConnection

from send_ready.database import literal
from send_ready.words import long_date, short_month
from warehouse import run_data

INTERNAL = "built.kpi.kpi_values"
# Which window stands for a KPI, when it has several: a year evens out the months.
WINDOWS = ("rolling_12_months", "point", "academic_year_to_date", "month")
PERIODS = {
    "rolling_12_months": "12 months to {}",
    "academic_year_to_date": "School year to {}",
    "month": "Month to {}",
    "point": "At {}",
}
RAGS = {"green": "Green", "amber": "Amber", "red": "Red"}
BETTER = {("higher", 1), ("lower", -1)}
WITHHELD = "[c]"


@dataclass(frozen=True)
class Kpi:
    """A row of the catalogue, as the report needs it."""

    kpi_id: str
    title: str
    theme: str
    definition: str
    unit: str
    direction: str
    is_headline: bool
    amber_margin: float | None = None  # of the target in force
    not_known: str | None = None  # why it has no figure: which feed or column never came
    begun: date | None = None  # first day of the first month with anything to count, of a figure of 12 months

    def rule(self, target: float | None) -> str:
        """When the figure is green, amber or red; nothing where it has no colour."""
        if target is None or self.amber_margin is None or self.direction not in ("higher", "lower"):
            return ""
        limit = target - self.amber_margin if self.direction == "higher" else target + self.amber_margin
        green, amber = aim(target, self.unit), aim(limit, self.unit)
        if self.direction == "higher":
            return f"Green from {green}, amber from {amber}, red below"
        return f"Green up to {green}, amber up to {amber}, red above"


@dataclass(frozen=True)
class Figure:
    """One value of a KPI with what it is set beside."""

    period_type: str
    period_end: date
    numerator: float | None
    denominator: int | None
    value: float | None
    comparator: float | None
    comparator_period: str | None
    target: float | None
    rag: str | None
    data_date: date | None
    is_stale: bool
    symbol: str | None = None  # why there is no value, in the public edition


@dataclass(frozen=True)
class Series:
    """A KPI's window that stands for it: every period from the earliest to the last."""

    kpi: Kpi
    figures: Sequence[Figure]

    @property
    def now(self) -> Figure:
        return self.figures[-1]

    def a_year_before(self) -> Figure | None:
        """The figure of the last period that ended 12 months or more before the last one."""
        limit = year_before(self.now.period_end)
        return next((figure for figure in reversed(self.figures) if figure.period_end <= limit), None)


def has_table(con: DuckDBPyConnection, name: str, schema: str = "kpi") -> bool:
    """Whether the run's warehouse has a table or view."""
    try:
        con.table(f"built.{schema}.{name}")
    except CatalogException:
        return False
    return True


def catalogue(con: DuckDBPyConnection) -> dict[str, Kpi]:
    """Every KPI of the catalogue, by id, in its order; none when the warehouse has no catalogue."""
    if not has_table(con, "kpi_catalogue", "seeds"):
        return {}
    rows = con.execute(
        "SELECT kpi_id, title, theme, definition, unit, direction, is_headline = 'Y', try_cast(amber_margin AS DOUBLE) "
        "FROM built.seeds.kpi_catalogue LEFT JOIN built.seeds.kpi_targets USING (kpi_id) ORDER BY kpi_id"
    ).fetchall()
    why = not_known(con)
    return {row[0]: replace(Kpi(*row), not_known=why.get(row[0])) for row in rows}


def not_known(con: DuckDBPyConnection) -> dict[str, str]:
    """By KPI that has no figure because something never came, a sentence that says what."""
    if not has_table(con, "kpi_not_known"):
        return {}
    missing: dict[str, list[tuple[str, str | None]]] = {}
    for kpi_id, feed, column in con.execute(
        "SELECT kpi_id, feed, column_name FROM built.kpi.kpi_not_known ORDER BY ALL"
    ).fetchall():
        missing.setdefault(kpi_id, []).append((feed, column))
    feeds = run_data.feeds(con)
    return {kpi_id: run_data.reason_not_known(feeds, parts) for kpi_id, parts in missing.items()}


def series(con: DuckDBPyConnection, values: str = INTERNAL) -> dict[str, Series]:
    """For every KPI with figures, the whole of it (`all`) in the window that stands for it, by id."""
    known = catalogue(con)
    symbol = "symbol" if values != INTERNAL else "NULL"
    if not known or (values == INTERNAL and not has_table(con, "kpi_values")):
        return {}
    order = ", ".join(literal(window) for window in WINDOWS)
    rows = run_data.rows(
        con,
        f"""
        SELECT kpi_id, period_type, period_end, numerator, denominator, value,
            comparator_value AS comparator, comparator_period, target_value AS target, rag, data_date, is_stale,
            {symbol} AS symbol
        FROM {values}
        WHERE breakdown_type = 'all'
        -- The most telling window of each KPI; one that is not known comes last.
        QUALIFY dense_rank() OVER (
            PARTITION BY kpi_id ORDER BY coalesce(list_position([{order}], period_type), 99), period_type
        ) = 1
        ORDER BY kpi_id, period_end
        """,
    )
    found: dict[str, list[Figure]] = {}
    for row in rows:
        found.setdefault(row.pop("kpi_id"), []).append(Figure(**row))
    begun = _begun(con, values)
    return {
        kpi_id: Series(replace(known[kpi_id], begun=begun.get(kpi_id)), figures)
        for kpi_id, figures in found.items()
        if kpi_id in known
    }


def _begun(con: DuckDBPyConnection, values: str) -> dict[str, date]:
    """By KPI the first day of the first month with anything to count; of what is withheld, that there is some."""
    counted = "numerator > 0 OR denominator > 0" + (" OR symbol IS NOT NULL" if values != INTERNAL else "")
    rows = con.execute(
        f"""
        SELECT kpi_id, date_trunc('month', min(period_end))::DATE FROM {values}
        WHERE breakdown_type = 'all' AND period_type = 'month' AND ({counted}) GROUP BY kpi_id
        """
    ).fetchall()
    return dict(rows)


def parts(con: DuckDBPyConnection, kpi_id: str, breakdown: str, values: str = INTERNAL) -> list[dict[str, Any]]:
    """A KPI's breakdown at its last period, in the window that stands for it: value, numerator, denominator, symbol."""
    symbol = "symbol" if values != INTERNAL else "NULL"
    order = ", ".join(literal(window) for window in WINDOWS)
    return run_data.rows(
        con,
        f"""
        SELECT breakdown_value, numerator, denominator, value, comparator_value AS comparator, comparator_period,
            period_type, period_end, {symbol} AS symbol
        FROM {values}
        WHERE kpi_id = {literal(kpi_id)} AND breakdown_type = {literal(breakdown)}
        QUALIFY dense_rank() OVER (
            ORDER BY coalesce(list_position([{order}], period_type), 99), period_type, period_end DESC
        ) = 1
        ORDER BY breakdown_value
        """,
    )


def rounded(value: float | Decimal, places: int = 1) -> Decimal:
    """Half up, as people round: 12.25 becomes 12.3."""
    exact = value if isinstance(value, Decimal) else Decimal(repr(float(value)))
    return exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def shown(value: float | None, unit: str) -> str:
    """A figure with its unit: 47.6%, 1,183, 27.0 weeks, 5.2 per 100."""
    if value is None:
        return "No figure"
    if unit == "count":
        return f"{rounded(value, 0):,}"
    return f"{rounded(value):,}%" if unit == "percent" else f"{rounded(value):,} {unit}"


def aim(value: float, unit: str) -> str:
    """A target with its unit, as it was set: 100%, 7.5%."""
    said = f"{Decimal(repr(float(value))).normalize():,f}"
    return f"{said}%" if unit == "percent" else said if unit == "count" else f"{said} {unit}"


def compared(now: float, then: float, unit: str, direction: str) -> tuple[str, str]:
    """What changed, in words, and whether that is better, worse or neither: ("up 3.4 points", "better")."""
    places = 0 if unit == "count" else 1
    change = rounded(now, places) - rounded(then, places)
    if not change:
        return "no change", ""
    sign = 1 if change > 0 else -1
    what = {"percent": "point" if abs(change) == 1 else "points", "weeks": "weeks", "count": ""}.get(unit, unit)
    verdict = "" if direction == "context" else "better" if (direction, sign) in BETTER else "worse"
    return f"{'up' if sign > 0 else 'down'} {abs(change):,} {what}".strip(), verdict


def beside(figure: Figure, unit: str) -> str:
    """What the figure is set beside in England, or nothing: England 46.4% (2024)."""
    if figure.comparator is None:
        return ""
    period = f" ({figure.comparator_period})" if figure.comparator_period else ""
    return f"England {shown(figure.comparator, unit)}{period}"


def caution(each: Series) -> str:
    """What to know before reading a figure: why there is none, or since when there is anything to count."""
    if each.now.value is None and each.kpi.not_known:
        return each.kpi.not_known
    if each.now.value is not None and each.kpi.begun and begins_within(each.now, each.kpi.begun):
        return f"Of less than 12 months: there is nothing to count before {short_month(each.kpi.begun)}."
    return ""


def begins_within(figure: Figure, begun: date) -> bool:
    """Whether 12 months hold at least one whole month before the first that has anything to count."""
    return figure.period_type == "rolling_12_months" and begun > month_end(figure.period_end, -11)


def period(figure: Figure) -> str:
    """The window in words: 12 months to 21 November 2026."""
    return PERIODS.get(figure.period_type, "{}").format(long_date(figure.period_end))


def month_end(value: date, months: int) -> date:
    """The last day of the month so many months after a day's, or before it."""
    number = value.year * 12 + value.month + months
    return date(number // 12, number % 12 + 1, 1) - timedelta(days=1)


def year_before(value: date) -> date:
    return value.replace(year=value.year - 1, day=28 if (value.month, value.day) == (2, 29) else value.day)
