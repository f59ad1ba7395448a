"""How the figures stand: what a card, a line and a row of the table say of each KPI."""

from collections.abc import Sequence
from typing import Any

from publish.kpi import figures
from publish.kpi.figures import Series, rounded, shown
from publish.report import charts
from send_ready.words import counted, long_date, short_month


def rag_words(kpis: dict[str, Series]) -> str:
    """How the headline figures stand, in one line: 1 red, 4 amber, none green; 5 have no target."""
    rags = [each.now.rag for each in kpis.values() if each.kpi.is_headline]
    standing = [f"{rags.count(rag) or 'none'} {rag}" for rag in ("red", "amber", "green")]
    without = rags.count(None)
    rest = f"; {counted(without, 'has', 'have')} no target or no figure" if without else ""
    return f"Of {counted(len(rags), 'figure')}, {', '.join(standing[:2])} and {standing[2]}{rest}."


def headline(each: Series) -> dict[str, Any]:
    """What a card and a row of the table say of a KPI."""
    now, then, unit = each.now, each.a_year_before(), each.kpi.unit
    change, verdict, against = "", "", ""
    if now.value is not None and then and then.value is not None:
        change, verdict = figures.compared(now.value, then.value, unit, each.kpi.direction)
        against = f"on {short_month(then.period_end)}"
    if now.value is not None:
        note = ""
    elif now.symbol:
        note = "Withheld: the numbers are small"
    elif now.numerator is None:
        note = (each.kpi.not_known or "The data it needs has never been received").removesuffix(".")
    else:
        note = "Nothing to count in this period"
    points = [figure.value for figure in each.figures]
    first = each.figures[0].period_end
    known = [point for point in points if point is not None]
    said = (
        f"From {short_month(first)} to {short_month(now.period_end)}: lowest {shown(min(known), unit)}, highest "
        f"{shown(max(known), unit)}."
        if known
        else "No figures."
    )
    return {
        "kpi": each.kpi,
        "now": now,
        "value": "" if now.value is None else shown(now.value, unit),
        "of": of_how_many(now.numerator, now.denominator, unit),
        "note": note,
        "period": figures.period(now),
        "rag": now.rag,
        "rule": each.kpi.rule(now.target),
        "caution": figures.caution(each),
        "since": figures.caution(each) if now.value is not None else "",
        "rag_word": figures.RAGS.get(now.rag or "", "No target" if now.target is None else "No figure"),
        "england": figures.beside(now, unit),
        "target": "" if now.target is None else f"Target {figures.aim(now.target, unit)}",
        "change": change,
        "verdict": verdict,
        "against": against,
        "first": short_month(first),
        "spark": charts.spark(f"spark-{each.kpi.kpi_id}", f"{each.kpi.title}: trend", said, points, now.comparator)
        if len(known) > 1
        else None,
    }


def of_how_many(numerator: float | None, denominator: int | None, unit: str) -> str:
    """Numerator of denominator, where both are numbers of things."""
    if numerator is None or not denominator or unit not in ("percent", "per 100"):
        return ""
    return f"{rounded(numerator, 0):,} of {denominator:,}"


def history(headlines: Sequence[Series]) -> list[tuple[str, list[str]]]:
    """The table behind the small lines: a row a period, newest first, a cell a headline."""
    ends = sorted({figure.period_end for each in headlines for figure in each.figures}, reverse=True)
    held = [{figure.period_end: figure for figure in each.figures} for each in headlines]
    rows = []
    for end in ends:
        cells = []
        for each, at in zip(headlines, held, strict=True):
            figure = at.get(end)
            cells.append(
                ""
                if figure is None
                else figure.symbol or (shown(figure.value, each.kpi.unit) if figure.value is not None else "–")
            )
        rows.append((long_date(end), cells))
    return rows


def trend(each: Series) -> dict[str, Any]:
    """A large line of a KPI with England's figure, and the rows behind it."""
    kpi, now = each.kpi, each.now
    points = [figure.value for figure in each.figures]
    known = [(figure, figure.value) for figure in each.figures if figure.value is not None]
    levels = []
    if now.comparator is not None:
        levels.append(charts.Level(now.comparator, f"England {shown(now.comparator, kpi.unit)}", "england"))
    ends = [each.figures[0], each.figures[(len(each.figures) - 1) // 2], now]
    drawn = None
    if known:
        last = shown(known[-1][1], kpi.unit)
        drawn = charts.line(
            f"trend-{kpi.kpi_id}",
            f"{kpi.title}, {short_month(ends[0].period_end)} to {short_month(now.period_end)}",
            f"From {shown(known[0][1], kpi.unit)} in {short_month(known[0][0].period_end)} to {last} in "
            f"{short_month(known[-1][0].period_end)}. {figures.beside(now, kpi.unit)}",
            points,
            [short_month(figure.period_end) for figure in ends],
            last,
            levels,
            ceiling=100 if kpi.unit == "percent" else None,
            suffix="%",
        )
    rows = [
        (
            long_date(figure.period_end),
            of_how_many(figure.numerator, figure.denominator, kpi.unit) or "–",
            figure.symbol or ("–" if figure.value is None else shown(figure.value, kpi.unit)),
        )
        for figure in reversed(each.figures)
    ]
    return {
        "kpi": kpi,
        "now": now,
        "chart": drawn,
        "rows": rows,
        "period": figures.period(now),
        "caution": figures.caution(each) or _first_year(each),
    }


def _first_year(each: Series) -> str:
    """Which figures of a line are of less than 12 months, because the data begins within it."""
    begun = each.kpi.begun
    if not begun or begun <= each.figures[0].period_end:  # from the line's first month on: nobody knows what was before
        return ""
    short = [figure for figure in each.figures if figure.value is not None and figures.begins_within(figure, begun)]
    if not short:
        return ""
    last = short_month(short[-1].period_end)
    return f"There is nothing to count before {short_month(begun)}: figures up to {last} are of less than 12 months."


def table(headlines: Sequence[dict[str, Any]]) -> list[list[str]]:
    """A row of words for each KPI, with all that is known of it."""
    return [
        [
            each["kpi"].title,
            each["value"] or each["now"].symbol or ("Not known" if each["kpi"].not_known else "–"),
            each["of"] or "–",
            each["period"],
            each["rag_word"],
            each["england"].removeprefix("England ") or "–",
            each["target"].removeprefix("Target ") or "–",
            each["rule"] or "–",
            each["caution"] or "–",
        ]
        for each in headlines
    ]
