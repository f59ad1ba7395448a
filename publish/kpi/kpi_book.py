"""The figures as a workbook, kpi.xlsx, after the Analysis Function's guidance "Releasing statistics in spreadsheets".

Cover, contents, notes and definitions, then one table a sheet, tidy, marked up and named: no merged cells, no blank
rows or cells, nothing said by colour alone. Where there is no number a symbol says why: [c] withheld, [x] not
available, [z] not applicable, [low] above nothing and rounded to it. Percentages, weeks and rates are rounded here,
half up, to one decimal.
"""

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from publish.excel import workbook
from publish.excel.workbook import Block, Column, Grid, Page
from publish.kpi import figures
from publish.kpi.figures import INTERNAL, has_table, rounded
from send_ready.layout import council_or_number
from send_ready.runs import Run
from send_ready.words import long_date, short_date
from warehouse import run_data, seeds

NAME = "kpi.xlsx"
NOT_AVAILABLE, NOT_APPLICABLE, LOW = "[x]", "[z]", "[low]"
KINDS = {
    "month": "Month",
    "rolling_12_months": "12 months",
    "academic_year_to_date": "School year to date",
    "academic_year": "School year",
    "financial_year": "Financial year",
    "calendar_year": "Calendar year",
    "quarter": "Quarter",
    "point": "At the day",
}
# What the notes say of periods; in the public edition they do not slide (publish/kpi/suppression.py).
PERIODS = (
    ("Periods", "The last 36 month ends and the day of the report. A month that has not ended is marked as part."),
    ("Periods", "12 months are whole calendar months at a month end, and on any other day the 12 months up to it."),
    ("The past", "Earlier periods are worked out anew each night from the dates of events, so corrections reach "
     "them too."),
)  # fmt: skip
PUBLIC_PERIODS = (
    (
        "Periods",
        "Of what happens on a day: calendar years, or school years. Of how things stand: the ends of quarters.",
    ),
    ("Periods", "Breakdowns are of the last calendar year, or of its last day."),
    ("The past", "A figure stays as it was first given or withheld. What is entered later does not reach it."),
)


def write(path: Path, con: DuckDBPyConnection, run: Run, values: str = INTERNAL, withhold_below: int = 0) -> None:
    """Write kpi.xlsx from a run's warehouse, attached as `built`.

    `values` names the table of figures: with the public one of publish/kpi/suppression.py, and `withhold_below` set, it
    is the public edition, which has no actions. Tables that are absent or empty get no sheet.
    """
    is_public = values != INTERNAL
    tables = [
        table
        for table in (
            _latest(con, values),
            _over_time(con, values),
            _breakdowns(con, values),
            _areas(con),
            None if is_public else _actions(con),
        )
        if table
    ]
    place = council_or_number(run.la_code)
    definitions = _definitions(con)
    meta = [_notes(is_public, withhold_below), *([definitions] if definitions else [])]
    title = f"SEND figures: {place}, {long_date(run.as_at)}"
    workbook.write(path, title, [_cover(title, run, is_public), _contents([*meta, *tables]), *meta, *tables])


def _cover(title: str, run: Run, is_public: bool) -> Page:
    lines = [
        ("What this is", [
            "Key figures on special educational needs and disabilities (SEND) of this council's children and young "
            "people.",
            f"They are worked out as at {long_date(run.as_at)} from the exports that the council's systems made up to "
            "then.",
        ]),
        ("How to read it", [
            "The sheet Contents leads to every table. The sheet Definitions says what each figure counts and leaves "
            "out; the sheet Notes explains symbols and rounding.",
            "Each sheet has one table, whose header stays in view. Where there is no number, a symbol in square "
            "brackets says why.",
        ]),
        ("Who may have it", [
            "Public edition: small numbers are withheld, and it may be published."
            if is_public
            else "For the council and its partners only. It has numbers of few children: publish the public edition "
            "instead.",
        ]),
    ]  # fmt: skip
    blocks = [Block(heading, [Column("", "text", said)], has_header=False) for heading, said in lines]
    return Page("Cover", title, blocks, widths=(110,))


def _contents(tables: Sequence[Grid]) -> Grid:
    names = [table.name for table in tables]
    return Grid(
        "Contents",
        [
            Column("Sheet", "text", names, 22, sheets=names),
            Column("What it has", "text", [table.above[0] for table in tables], 80),
        ],
        is_wrapped=True,
        above=("Contents", "This sheet has one table: the sheets of this workbook. Each name leads to its sheet."),
        table="contents",
    )


def _notes(is_public: bool, withhold_below: int) -> Grid:
    notes = [
        ("Symbols", "[x] not available: the data was never received, or no figure for England is published."),
        ("Symbols", "[z] not applicable: there is nothing to divide by, or no target."),
        ("Symbols", "[low] more than nothing, but 0.0 when rounded."),
        ("Rounding", "Percentages, weeks and rates are rounded half up to one decimal. Numbers are not rounded."),
        *(PUBLIC_PERIODS if is_public else PERIODS),
        ("Colours", "Green: at the target or beyond. Amber: within the margin of it. Red: further off. Targets and "
         "margins are the council's; as shipped, the target is the legal duty and the margin makes England's own "
         "figure amber."),
        ("England", "Figures of the Department for Education, of the year or date in the table."),
    ]  # fmt: skip
    if is_public:
        notes = [
            ("Symbols", f"[c] withheld: a number from 1 to {withhold_below - 1} could be worked out from it, together "
             "with what else is given here or in another edition."),
            *notes,
        ]  # fmt: skip
    return Grid(
        "Notes",
        [
            Column("Note", "text", [f"note {number}" for number in range(1, len(notes) + 1)], 10),
            Column("About", "text", [about for about, _ in notes], 14),
            Column("What to know", "text", [said for _, said in notes], 90),
        ],
        is_wrapped=True,
        above=("Notes: symbols, rounding and periods", "This sheet has one table."),
        table="notes",
    )


def _definitions(con: DuckDBPyConnection) -> Grid | None:
    if not has_table(con, "kpi_catalogue", "seeds"):
        return None
    rows = run_data.rows(
        con,
        "SELECT c.*, t.target_value, t.amber_margin, t.basis FROM built.seeds.kpi_catalogue AS c "
        "LEFT JOIN built.seeds.kpi_targets AS t USING (kpi_id) ORDER BY kpi_id",
    )
    made = [row for row in rows if row["is_built"] == "Y"]
    if not made:
        return None
    words = {"higher": "Higher", "lower": "Lower", "context": "Neither: for context"}

    def each(name: str) -> list[Any]:
        return [row[name] or NOT_APPLICABLE for row in made]

    return Grid(
        "Definitions",
        [
            Column("KPI", "text", each("kpi_id"), 7),
            Column("Title", "text", each("title"), 30),
            Column("Theme", "text", each("theme"), 20),
            Column("Definition", "text", each("definition"), 50),
            Column("Numerator", "text", each("numerator"), 32),
            Column("Denominator", "text", each("denominator"), 32),
            Column("Left out", "text", each("exclusions"), 28),
            Column("Unit", "text", each("unit"), 9),
            Column("Better when", "text", [words.get(row["direction"], row["direction"]) for row in made], 12),
            Column("Target, and why", "text", [_target(row) for row in made], 36),
            Column("Source", "text", each("source"), 28),
            Column("About England's figure", "text", each("comparator_note"), 36),
        ],
        is_wrapped=True,
        above=("Definitions: what each figure counts, leaves out and is set beside", "This sheet has one table."),
        table="definitions",
    )


def _target(row: dict[str, Any]) -> str:
    if not row["target_value"]:
        return NOT_APPLICABLE
    return f"{row['target_value']}, amber within {row['amber_margin']}. {row['basis']}"


def _latest(con: DuckDBPyConnection, values: str) -> Grid | None:
    """A row a KPI: the window that stands for it, at its last period."""
    found = figures.series(con, values)
    if not found:
        return None
    all_ = list(found.values())
    now = [each.now for each in all_]
    kpis = [each.kpi for each in found.values()]
    units = [kpi.unit for kpi in kpis]
    return Grid(
        "Latest",
        [
            Column("KPI", "text", [kpi.kpi_id for kpi in kpis], 7),
            Column("Title", "text", [kpi.title for kpi in kpis], 44),
            Column("Theme", "text", [kpi.theme for kpi in kpis], 30),
            Column("Period", "text", [KINDS.get(each.period_type, each.period_type) for each in now], 20),
            Column("Period ends", "date", [each.period_end for each in now]),
            *_figures([(each.numerator, each.denominator, each.value, each.symbol) for each in now], units),
            *_beside([(each.comparator, each.comparator_period, each.target, each.rag) for each in now], units),
            *_data([(each.data_date, each.is_stale) for each in now]),
            Column(
                "Green, amber, red", "text", [each.kpi.rule(each.now.target) or NOT_APPLICABLE for each in all_], 36
            ),
            Column("What to know", "text", [figures.caution(each) or NOT_APPLICABLE for each in all_], 50),
        ],
        is_filtered=True,
        is_wrapped=True,
        above=(
            "Latest: every figure at its last period",
            "This sheet has one table. The sheet Notes explains symbols.",
        ),
        table="latest",
    )


def _over_time(con: DuckDBPyConnection, values: str) -> Grid | None:
    """A row a KPI, kind of window and period."""
    rows = _rows(con, values, "v.breakdown_type = 'all'", "period_end DESC")
    if not rows:
        return None
    units = [row["unit"] for row in rows]
    return Grid(
        "Over time",
        [
            *_kpi(rows),
            Column("Part of a month", "text", ["Yes" if row["is_part_period"] else "No" for row in rows], 10),
            *_figures([_numbers(row) for row in rows], units),
            *_beside([_context(row) for row in rows], units),
            *_data([(row["data_date"], row["is_stale"]) for row in rows]),
        ],
        is_filtered=True,
        above=(
            "Over time: every figure, kind of period and month end of the last three years",
            "This sheet has one table. The sheet Notes explains symbols.",
        ),
        table="over_time",
    )


def _breakdowns(con: DuckDBPyConnection, values: str) -> Grid | None:
    """A row a KPI, kind of window and value of a breakdown, at the last period that has one."""
    latest = """
        v.breakdown_type <> 'all'
        QUALIFY v.period_end = max(v.period_end) OVER (PARTITION BY v.kpi_id, v.period_type)
    """
    rows = _rows(con, values, latest, "breakdown_type, breakdown_value")
    if not rows:
        return None
    breakdowns = {row["breakdown_type"]: row for row in seeds.rows("kpi_breakdowns")}
    names = _names(con)
    types = [row["breakdown_type"] for row in rows]
    units = [row["unit"] for row in rows]
    return Grid(
        "Breakdowns",
        [
            *_kpi(rows),
            Column("By", "text", [breakdowns[each]["title"] if each in breakdowns else each for each in types], 18),
            Column("Value", "text", [_named(row, breakdowns, names) for row in rows], 40),
            *_figures([_numbers(row) for row in rows], units),
            Column(
                "England",
                "figure",
                [_rounded(row["comparator_value"], unit, NOT_AVAILABLE) for row, unit in zip(rows, units, strict=True)],
            ),
            Column("England's period", "text", [row["comparator_period"] or NOT_AVAILABLE for row in rows], 16),
        ],
        is_filtered=True,
        above=(
            "Breakdowns: the latest figures by sex, ethnic group, need, phase, age and more",
            "This sheet has one table. A value that nobody was counted under has no row. The sheet Notes explains "
            "symbols.",
        ),
        table="breakdowns",
    )


def _areas(con: DuckDBPyConnection) -> Grid | None:
    """A row an area of the improvement plan."""
    if not has_table(con, "kpi_improvement_areas"):
        return None
    rows = run_data.rows(con, "SELECT * FROM built.kpi.kpi_improvement_areas ORDER BY area")
    if not rows:
        return None
    counts = (
        ("Actions", "action_count"),
        ("Done", "blue_count"),
        ("On track", "green_count"),
        ("At risk", "amber_count"),
        ("Overdue", "red_count"),
        ("Cancelled", "cancelled_count"),
    )
    return Grid(
        "Improvement areas",
        [
            Column("Area", "text", [row["area"] for row in rows], 60),
            *(Column(header, "count", [row[name] for row in rows]) for header, name in counts),
            Column(
                "Mean complete, %",
                "figure",
                [_rounded(row["mean_complete_pct"], "percent", NOT_AVAILABLE) for row in rows],
            ),
        ],
        is_wrapped=True,
        above=(
            "Improvement areas: actions of the improvement plan by area of weakness",
            "This sheet has one table. Actions do not include cancelled ones.",
        ),
        table="improvement_areas",
    )


def _actions(con: DuckDBPyConnection) -> Grid | None:
    """A row an action of the improvement plan, with what is different since it began."""
    if not has_table(con, "kpi_improvement_plan"):
        return None
    rows = run_data.rows(con, "SELECT * FROM built.kpi.kpi_improvement_plan ORDER BY area, due_date, action_id")
    if not rows:
        return None

    reasons = {}
    if has_table(con, "kpi_action_rag", "seeds"):
        reasons = dict(con.execute("SELECT reason, title FROM built.seeds.kpi_action_rag").fetchall())

    def each(name: str, say: Callable[[Any], Any] = str) -> list[Any]:
        return [NOT_AVAILABLE if row[name] is None else say(row[name]) for row in rows]

    def value(name: str) -> list[float | str]:
        return [_rounded(row[name], row["impact_unit"] or "percent", NOT_AVAILABLE) for row in rows]

    return Grid(
        "Improvement actions",
        [
            Column("Action", "text", each("action_id"), 10),
            Column("Area", "text", each("area"), 24),
            Column("What is to be done", "text", each("action"), 48),
            Column("Owner", "text", each("action_owner"), 20),
            Column("Starts", "text", each("start_date", short_date), 13),
            Column("Due", "text", each("due_date", short_date), 13),
            Column("State", "text", each("rag_reason", lambda reason: reasons.get(reason, reason)), 15),
            Column("Complete, %", "figure", [_rounded(row["complete_pct"], "percent", NOT_AVAILABLE) for row in rows]),
            Column("Measure of impact", "text", each("impact_title"), 36),
            Column("When it began", "figure", value("impact_start_value")),
            Column("Now", "figure", value("impact_value")),
            Column("Unit", "text", each("impact_unit"), 9),
            Column("What is different", "text", each("impact_trend", str.capitalize), 13),
            Column("Evidence", "text", each("evidence"), 36),
        ],
        is_filtered=True,
        is_wrapped=True,
        above=(
            "Improvement actions: every action, its state, and what is different since it began",
            "This sheet has one table. [x] not available.",
        ),
        table="improvement_actions",
    )


def _rows(con: DuckDBPyConnection, values: str, where: str, order: str) -> list[dict[str, Any]]:
    known = figures.catalogue(con)
    if not known or (values == INTERNAL and not has_table(con, "kpi_values")):
        return []
    symbol = "v.symbol" if values != INTERNAL else "NULL"
    return run_data.rows(
        con,
        f"SELECT v.*, {symbol} AS symbol, c.title FROM {values} AS v "
        f"INNER JOIN built.seeds.kpi_catalogue AS c USING (kpi_id) WHERE {where} "
        f"ORDER BY kpi_id, period_type, {order}",
    )


def _kpi(rows: Sequence[dict[str, Any]]) -> list[Column]:
    return [
        Column("KPI", "text", [row["kpi_id"] for row in rows], 7),
        Column("Title", "text", [row["title"] for row in rows], 44),
        Column("Period", "text", [KINDS.get(row["period_type"], row["period_type"]) for row in rows], 20),
        Column("Period ends", "date", [row["period_end"] for row in rows]),
    ]


def _numbers(row: dict[str, Any]) -> tuple[float | None, int | None, float | None, str | None]:
    return row["numerator"], row["denominator"], row["value"], row["symbol"]


def _context(row: dict[str, Any]) -> tuple[float | None, str | None, float | None, str | None]:
    return row["comparator_value"], row["comparator_period"], row["target_value"], row["rag"]


def _figures(
    found: Sequence[tuple[float | None, int | None, float | None, str | None]], units: Sequence[str]
) -> list[Column]:
    """Numerator, denominator, figure and unit: a number or a symbol in each cell."""
    numerators: list[float | str] = []
    denominators: list[float | str] = []
    shown: list[float | str] = []
    for (numerator, denominator, value, symbol), unit in zip(found, units, strict=True):
        missing = symbol or (NOT_AVAILABLE if numerator is None else NOT_APPLICABLE)
        numerators.append(missing if numerator is None else float(rounded(numerator)))
        denominators.append(NOT_APPLICABLE if unit == "count" else missing if denominator is None else denominator)
        shown.append(_rounded(value, unit, missing))
    return [
        Column("Numerator", "figure", numerators),
        Column("Denominator", "figure", denominators),
        Column("Figure", "figure", shown),
        Column("Unit", "text", list(units), 9),
    ]


def _beside(
    found: Sequence[tuple[float | None, str | None, float | None, str | None]], units: Sequence[str]
) -> list[Column]:
    return [
        Column(
            "England",
            "figure",
            [_rounded(each[0], unit, NOT_AVAILABLE) for each, unit in zip(found, units, strict=True)],
        ),
        Column("England's period", "text", [each[1] or NOT_AVAILABLE for each in found], 16),
        Column("Target", "figure", [NOT_APPLICABLE if each[2] is None else each[2] for each in found]),
        Column("Against target", "text", [figures.RAGS.get(each[3] or "", NOT_APPLICABLE) for each in found], 11),
    ]


def _data(found: Sequence[tuple[date | None, bool | None]]) -> list[Column]:
    return [
        Column("Data of", "text", [short_date(when) if when else NOT_AVAILABLE for when, _ in found], 13),
        Column("Stale", "text", ["Yes" if stale else "No" for _, stale in found], 8),
    ]


def _rounded(value: float | None, unit: str, missing: str) -> float | str:
    if value is None:
        return missing
    if unit == "count":
        return float(rounded(value, 0))
    shown = float(rounded(value))
    return LOW if not shown and value > 0 else shown


def _names(con: DuckDBPyConnection) -> dict[tuple[str, str], str]:
    if not has_table(con, "code_names", "seeds"):
        return {}
    rows = con.execute("SELECT code_set, code, name FROM built.seeds.code_names").fetchall()
    return {(code_set, code): name for code_set, code, name in rows}


def _named(row: dict[str, Any], breakdowns: dict[str, dict[str, str]], names: dict[tuple[str, str], str]) -> str:
    """A value of a breakdown in words."""
    value = str(row["breakdown_value"])
    code_set = breakdowns.get(row["breakdown_type"], {}).get("code_set", "")
    name = names.get((code_set, value))
    return f"{name} ({value})" if name and code_set == "sen_type" else name or value
