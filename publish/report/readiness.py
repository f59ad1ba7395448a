"""The report for the director, readiness.html: one page without scripts or network, figures only and nobody's data.

Are we ready today, how do the headline figures stand, where does work wait, what changed: charts that a person can
read, a table behind every one of them. In the public edition what is of the council's own house is left out, and
small numbers are withheld (publish/kpi/suppression.py). Equal input gives equal bytes: no clock, no run's name.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from publish.approver_brief import NOT_RECORDED, RARELY_FILLED
from publish.issues import compare
from publish.kpi import figures
from publish.kpi.figures import INTERNAL, Series, day, many, month, rounded, shown
from publish.report import charts
from send_ready import configuration, files
from send_ready.database import identifier, literal
from send_ready.home import ALERTS
from send_ready.layout import lists
from send_ready.runs import Run
from warehouse import run_data
from warehouse.run_data import STATES, Feed

NAME = "readiness.html"
TEMPLATES = Path(__file__).parent
ALERTS_OF = timedelta(days=7)
SHOWN_COLUMNS, SHOWN_ALERTS = 8, 5
MONTHS_HELD = 12
# A page of figures has no business with anything but its own style sheet.
POLICY = "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'"

PLAN_PARTS = (("done", "done"), ("on_track", "on track"), ("at_risk", "at risk"), ("overdue", "overdue"))
BANDS = (("in_time", "in time"), ("late", "late, up to 30 weeks"), ("long", "beyond 30 weeks"))
# Where each child with a plan is: every phase of the lists, in words. Anything else is told as it is.
PHASES = (
    ("Nursery", "Nursery"),
    ("Primary", "Primary school"),
    ("Middle (deemed primary)", "Middle school (deemed primary)"),
    ("Middle (deemed secondary)", "Middle school (deemed secondary)"),
    ("Secondary", "Secondary school"),
    ("All-through", "All-through school"),
    ("Special", "Special school"),
    ("Pupil referral unit/Alternative provision", "Alternative provision"),
    ("FE college", "Further education and other post-16"),
)
NO_PHASE = "Unknown"
# And some of them once more, as the KPIs count them and England does.
PLACEMENTS = (
    ("K36", None, "Mainstream school"),
    ("K37", None, "Special school"),
    ("K37", "10", "of these, independent"),
    ("K37", "8", "of these, non-maintained"),
    ("K50", None, "Alternative provision"),
    ("K40", None, "Otherwise than at school"),
    ("K38", None, "In another council’s area"),
    ("K39", None, "Residential placement"),
    ("K41", None, "Not in education, aged 5 to 15"),
    ("K42", None, "Not in education, employment or training, aged 16 to 25"),
    ("K35", None, "Not recorded"),
)


@dataclass(frozen=True)
class Verdict:
    """Whether the lists could go out today: how grave (ready, care or not), in a heading and sentences."""

    level: str
    heading: str
    said: Sequence[str]


@dataclass(frozen=True)
class Column:
    """A column of the lists: for each list the share of rows that have something in it, and its open errors."""

    header: str
    filled: Sequence[float | None]
    errors: Sequence[int]
    is_rarely_filled: bool

    @property
    def error_count(self) -> int:
        return sum(self.errors)

    @property
    def least(self) -> float:
        return min((share for share in self.filled if share is not None), default=100.0)


def write(
    path: Path,
    con: DuckDBPyConnection,
    run: Run,
    manifest: dict[str, Any],
    previous: Path | None,
    values: str = INTERNAL,
    withhold_below: int = 0,
) -> None:
    """Write the page from a run's findings (warehouse.run_data.opened) and what the manifest will say.

    `previous` is the folder of the pack to compare with. `values` names the table of figures: with the public one of
    publish/kpi/suppression.py, and `withhold_below` set, it is the public edition. A KPI, list or table that is empty
    or absent is told of, and stops nothing.
    """
    is_public = values != INTERNAL
    kpis = figures.series(con, values)
    feeds = run_data.feeds(con)
    known = figures.not_known(con)
    columns = _columns(con)
    context: dict[str, Any] = {
        "place": manifest["council"] or f"Local authority {run.la_code}",
        "as_at": run.as_at,
        "is_public": is_public,
        "withhold_below": withhold_below,
        "kpis": kpis,
        "headlines": [_headline(each) for each in kpis.values() if each.kpi.is_headline],
        "all_kpis": [_headline(each) for each in kpis.values()],
        "history_rows": [[end, *cells] for end, cells in _history([e for e in kpis.values() if e.kpi.is_headline])],
        "trends": {kpi_id: _trend(kpis[kpi_id]) for kpi_id in ("K01", "K13", "K19") if kpi_id in kpis},
        "places": _places(con, kpis, values),
        "places_at": max((part["period_end"] for part in figures.parts(con, "K16", "phase", values)), default=None)
        if kpis
        else None,
        "placements": _placements(con, kpis, values),
        "backlog": None if is_public else _backlog(con, known),
        "advice": None if is_public else _advice(con, known),
        "reviews": None if is_public else _reviews(con, run.as_at, feeds, known),
        "plan": _plan(con, is_public),
        "verdict": None
        if is_public
        else _verdict(manifest, feeds, columns, run_data.errors_on_lists(con), _missing(con)),
        "list_rows": [] if is_public else list(manifest["rows"].items()),
        "feeds": [] if is_public else sorted(feeds, key=lambda feed: (feed.status == "fresh", feed.title)),
        "columns": [] if is_public else columns,
        "alerts": [] if is_public else _alerts(run),
        "changes": None if is_public else _changes(con, manifest, previous),
        "states": STATES,
        "oldest": min(
            (feed for feed in feeds if feed.data_date), key=lambda feed: feed.data_date or date.max, default=None
        ),
        "rag_words": _rag_words(kpis),
    }
    context |= _tables(context)
    files.write_bytes(path, render(context).encode())


def _tables(context: dict[str, Any]) -> dict[str, Any]:
    """What stands behind the charts, as rows of words, and how long their longest bars are."""
    columns: Sequence[Column] = context["columns"]
    worst = sorted((column for column in columns if column.error_count), key=lambda column: -column.error_count)
    least = [column for column in columns if not column.is_rarely_filled and rounded(column.least) < 100]
    least.sort(key=lambda column: column.least)
    for name, said in (("backlog", _backlog_rows), ("advice", _advice_rows), ("reviews", _review_rows)):
        if context[name] and not context[name]["unknown"]:
            context[name]["table"] = said(context[name])
    shares = [max(row["value"] or 0, row["england"] or 0) for row in context["placements"]]
    return {
        "list_names": [each.name for each in lists()],
        "error_columns": worst[:SHOWN_COLUMNS],
        "error_widest": max((column.error_count for column in worst), default=0),
        "error_table": [[column.header, *(f"{count:,}" for count in column.errors)] for column in columns],
        "least_columns": least[:SHOWN_COLUMNS],
        "filled_table": [
            [column.header, *("not on it" if share is None else f"{rounded(share)}%" for share in column.filled)]
            for column in columns
        ],
        "place_whole": max((row["value"] or 0 for row in context["places"]), default=0),
        "place_table": [[row["label"], row["shown"], row["share"] or "–"] for row in context["places"]],
        "placement_whole": max(shares, default=0),
        "placement_table": [
            [
                row["label"],
                row["of"] or "–",
                row["shown"],
                "–" if row["england"] is None else f"{rounded(row['england'])}%",
                row["period"] or "–",
            ]
            for row in context["placements"]
        ],
        "all_table": [
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
            for each in context["all_kpis"]
        ],
    }


def _backlog_rows(backlog: dict[str, Any]) -> list[list[str]]:
    return [[row["label"], *(f"{number:,}" for number in (*row["numbers"], row["total"]))] for row in backlog["rows"]]


def _advice_rows(advice: dict[str, Any]) -> list[list[str]]:
    return [
        [row["provider"], f"{row['in_time']:,}", f"{row['late']:,}", f"{max(row['longest'], 0):,}"]
        for row in advice["rows"]
    ]


def _review_rows(reviews: dict[str, Any]) -> list[list[str]]:
    return [[row["label"], f"{row['number']:,}", row["note"]] for row in reviews["rows"]]


def render(context: dict[str, Any]) -> str:
    """The page's text from what it says."""
    style = (TEMPLATES / "readiness.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "day": day,
        "shown": shown,
        "rounded": rounded,
        "number": lambda value: f"{value:,}",
        "short": figures.short,
    }
    environment.globals |= {"many": many, "charts": charts, "Segment": charts.Segment}
    return environment.get_template("readiness.html.j2").render(**context, style=style, policy=POLICY.format(digest))


def _missing(con: DuckDBPyConnection) -> int:
    """How many records, or whole feeds, say that a child may be missing from a list."""
    return int(con.execute("SELECT count(*) FROM built.quality.quality_perhaps_missing").fetchall()[0][0])


def _verdict(
    manifest: dict[str, Any], feeds: Sequence[Feed], columns: Sequence[Column], on_lists: int, missing: int = 0
) -> Verdict:
    """Could the lists go out today? Not when one is empty or a rule says stop; with care when anything would show.

    Errors are those of the whole pack, as the console, the brief and issues.xlsx count them, and of these so many are
    about the lists. `missing` records say that a child may be missing from one.
    """
    empty = [name for name, rows in manifest["rows"].items() if not rows]
    stops = manifest["issues"].get("stop", 0)
    old = [feed for feed in feeds if feed.status != "fresh"]
    errors = manifest["issues"].get("error", 0) + stops
    said = []
    if missing:
        said.append(
            f"{many(missing, 'record says', 'records say')} that a child may be missing from a list: look at the first "
            "sheet of issues.xlsx before anything else."
        )
    if empty:
        said.append(
            f"{' and '.join(empty)} {'has' if len(empty) == 1 else 'have'} no children on it: find out why first."
        )
    if stops:
        said.append(f"{many(stops, 'fault is', 'faults are')} grave enough to stop the lists.")
    if old:
        named = ", ".join(feed.title for feed in old[:3]) + (f" and {len(old) - 3} more" if len(old) > 3 else "")
        said.append(f"Not fresh: {named}. The newest data there is was used.")
    if aside := configuration.set_aside_in(manifest):
        said.append(
            f"{many(len(aside), 'file', 'files')} of the council’s own configuration cannot be used: "
            f"{', '.join(each['file_name'] for each in aside[:3])}{' and more' if len(aside) > 3 else ''}. Codes and "
            "headers of an earlier version count."
        )
    if errors:
        elsewhere = "the others are in the exports alone" if errors > on_lists else "there are no others"
        said.append(
            f"{many(errors, 'error is', 'errors are')} open; {on_lists:,} of them would show in the lists, {elsewhere}."
        )
    in_columns = sum(column.error_count for column in columns)
    if in_columns:
        worst = max(columns, key=lambda column: column.error_count)
        said.append(
            f"Most errors of the lists stand in the column ‘{worst.header}’: {worst.error_count:,} of {on_lists:,}."
        )
    if empty or stops:
        return Verdict("not", "No: the lists should not go out today", said)
    if said:
        old_too = f"{'and ' if errors else ''}{many(len(old), 'feed is', 'feeds are')} not fresh" if old else ""
        lacks = "a child may be missing from a list" + (";" if errors or old else "") if missing else ""
        shows = f"{on_lists:,} of {many(errors, 'open error', 'open errors')} would show" if errors else ""
        what = " ".join(filter(None, (lacks, shows, old_too))) or "part of the configuration was set aside"
        return Verdict("care", f"Yes, but {what}", said)
    return Verdict("ready", "Yes: both lists could go out today", ["Every feed is fresh and no error is open."])


def _rag_words(kpis: dict[str, Series]) -> str:
    """How the headline figures stand, in one line: 1 red, 4 amber, none green; 5 have no target."""
    rags = [each.now.rag for each in kpis.values() if each.kpi.is_headline]
    counted = [f"{rags.count(rag) or 'none'} {rag}" for rag in ("red", "amber", "green")]
    without = rags.count(None)
    rest = f"; {many(without, 'has', 'have')} no target or no figure" if without else ""
    return f"Of {many(len(rags), 'figure', 'figures')}, {', '.join(counted[:2])} and {counted[2]}{rest}."


def _headline(each: Series) -> dict[str, Any]:
    """What a card and a row of the table say of a KPI."""
    now, then, unit = each.now, each.a_year_before(), each.kpi.unit
    change, verdict, against = "", "", ""
    if now.value is not None and then and then.value is not None:
        change, verdict = figures.compared(now.value, then.value, unit, each.kpi.direction)
        against = f"on {month(then.period_end)}"
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
        f"From {month(first)} to {month(now.period_end)}: lowest {shown(min(known), unit)}, highest "
        f"{shown(max(known), unit)}."
        if known
        else "No figures."
    )
    return {
        "kpi": each.kpi,
        "now": now,
        "value": "" if now.value is None else shown(now.value, unit),
        "of": _of(now.numerator, now.denominator, unit),
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
        "first": month(first),
        "spark": charts.spark(f"spark-{each.kpi.kpi_id}", f"{each.kpi.title}: trend", said, points, now.comparator)
        if len(known) > 1
        else None,
    }


def _of(numerator: float | None, denominator: int | None, unit: str) -> str:
    """Numerator of denominator, where both are numbers of things."""
    if numerator is None or not denominator or unit not in ("percent", "per 100"):
        return ""
    return f"{rounded(numerator, 0):,} of {denominator:,}"


def _history(headlines: Sequence[Series]) -> list[tuple[str, list[str]]]:
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
        rows.append((day(end), cells))
    return rows


def _trend(each: Series) -> dict[str, Any]:
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
            f"{kpi.title}, {month(ends[0].period_end)} to {month(now.period_end)}",
            f"From {shown(known[0][1], kpi.unit)} in {month(known[0][0].period_end)} to {last} in "
            f"{month(known[-1][0].period_end)}. {figures.beside(now, kpi.unit)}",
            points,
            [month(figure.period_end) for figure in ends],
            last,
            levels,
            ceiling=100 if kpi.unit == "percent" else None,
            suffix="%",
        )
    rows = [
        (
            day(figure.period_end),
            _of(figure.numerator, figure.denominator, kpi.unit) or "–",
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
    last = month(short[-1].period_end)
    return f"There is nothing to count before {month(begun)}: figures up to {last} are of less than 12 months."


def _backlog(con: DuckDBPyConnection, not_known: dict[str, str]) -> dict[str, Any] | None:
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
    }


def _advice(con: DuckDBPyConnection, not_known: dict[str, str]) -> dict[str, Any] | None:
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
    }


def _reviews(
    con: DuckDBPyConnection, as_at: date, feeds: Sequence[Feed], not_known: dict[str, str]
) -> dict[str, Any] | None:
    """Annual reviews held in each of the last months, those overdue, and those that fall due in the next months."""
    if not figures.has_table(con, "fct_annual_review", "core"):
        return None
    sources = ("capita_one.annual_reviews", "ehc_hub.reviews")
    if not any(run_data.tell(feeds, name, "meeting_date") for name in sources):
        missing = [(name, "meeting_date" if run_data.tell(feeds, name) else None) for name in sources]
        return {"unknown": run_data.lacking(feeds, missing)}
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
    rows = [{"label": month(end_), "kind": "held", "number": counts.get(end_, 0), "note": "held"} for end_ in ends]
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
    }


def _places(con: DuckDBPyConnection, kpis: dict[str, Series], values: str) -> list[dict[str, Any]]:
    """Where each child with a plan is, once: rows that add up to all of them, by phase of the main establishment.

    Who has none is told by what is recorded instead, as the further items have it; not in the public edition, whose
    numbers are those that were withheld or not.
    """
    if "K16" not in kpis:
        return []
    by_phase = {part["breakdown_value"]: part for part in figures.parts(con, "K16", "phase", values)}
    counts = [part["numerator"] for part in by_phase.values()]
    whole = sum(counts) if None not in counts else 0  # what is withheld leaves no shares
    rows = [
        _place(label, part["numerator"], whole, part["symbol"])
        for phase, label in (*PHASES, *((phase, phase) for phase in by_phase if phase not in dict(PHASES)))
        if phase != NO_PHASE and (part := by_phase.get(phase))
    ]
    rest = by_phase.get(NO_PHASE)
    if rest:
        elsewhere = [] if values != INTERNAL else _without_phase(con)
        if elsewhere and sum(count for _, count in elsewhere) == rest["numerator"]:
            rows += [_place(label, count, whole) for label, count in elsewhere]
        else:
            rows.append(_place("No establishment, or its phase is not known", rest["numerator"], whole, rest["symbol"]))
    return rows


def _without_phase(con: DuckDBPyConnection) -> list[tuple[str, int]]:
    """Children with a plan whose main establishment has no phase, or who have none: what is recorded instead."""
    if not figures.has_table(con, "rpt_annex_a__settings", "annex_a"):
        return []
    return con.execute(
        """
        SELECT if(urn IS NULL, coalesce(setting, 'None recorded'), 'An establishment without a known phase') AS kind,
            sum(plan_count)::BIGINT AS children
        FROM built.annex_a.rpt_annex_a__settings WHERE phase IS NULL AND plan_count > 0
        GROUP BY kind ORDER BY kind = 'None recorded', children DESC, kind
        """
    ).fetchall()


def _place(label: str, number: float | None, whole: float, symbol: str | None = None) -> dict[str, Any]:
    share = 100 * number / whole if number is not None and whole else None
    return {
        "label": label,
        "value": share,
        "shown": symbol or ("Not known" if number is None else shown(number, "count")),
        "share": "" if share is None else shown(share, "percent"),
    }


def _placements(con: DuckDBPyConnection, kpis: dict[str, Series], values: str) -> list[dict[str, Any]]:
    """Where children with a plan are educated, a row a kind of placement, with England's share where there is one."""
    split = (
        {part["breakdown_value"]: part for part in figures.parts(con, "K37", "setting_type", values)} if kpis else {}
    )
    rows = []
    for kpi_id, part, label in PLACEMENTS:
        if kpi_id not in kpis:
            continue
        now = kpis[kpi_id].now
        found = split.get(part, {}) if part else None
        value = now.value if found is None else found.get("value")
        numerator = now.numerator if found is None else found.get("numerator")
        denominator = now.denominator if found is None else found.get("denominator")
        comparator = now.comparator if found is None else found.get("comparator")
        symbol = now.symbol if found is None else found.get("symbol")
        if found is not None and not found:
            continue
        is_earlier = found is not None and found["period_end"] != now.period_end  # in public, breakdowns are yearly
        rows.append(
            {
                "label": f"{label}, at {day(found['period_end'])}" if found and is_earlier else label,
                "is_part": part is not None,
                "value": value,
                "shown": symbol
                or (
                    shown(value, "percent")
                    if value is not None
                    else "Not known"
                    if kpis[kpi_id].kpi.not_known
                    else "No figure"
                ),
                "of": _of(numerator, denominator, "percent"),
                "england": comparator,
                "period": now.comparator_period if found is None else found.get("comparator_period"),
            }
        )
    return rows if any(row["value"] is not None for row in rows) else []


def _plan(con: DuckDBPyConnection, is_public: bool) -> dict[str, Any] | None:
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
                figures.short(row["action"]),
                figures.short(row["area"], 60),
                row["action_owner"] or "–",
                day(row["due_date"]) if row["due_date"] else "–",
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
        f"{month(row['impact_start_period_end'])}, {shown(row['impact_value'], unit)} now{trend}"
    )


def _action_state(row: dict[str, Any]) -> str:
    said = str(row["rag_reason"] or "").replace("_", " ").capitalize()
    days = row["days_overdue"]
    return f"{said} by {many(days, 'day', 'days')}" if days else said


def _columns(con: DuckDBPyConnection) -> list[Column]:
    """Every column of the lists, in their order, with how complete it is and its open errors on each list."""
    unknown = ", ".join(literal(value) for value in NOT_RECORDED)
    errors: dict[tuple[str, str], int] = {}
    for name, header, count in con.execute(
        "SELECT list_name, column_name, count(*) FROM issue WHERE severity IN ('stop', 'error') "
        "AND list_name IS NOT NULL AND column_name IS NOT NULL GROUP BY ALL"
    ).fetchall():
        errors[name, header] = count
    filled: dict[str, dict[str, float]] = {}
    order: dict[str, str] = {}
    for each in lists():
        counted = ", ".join(
            f"count(*) FILTER (coalesce({identifier(column.column_name)}::VARCHAR, 'UNKNOWN') NOT IN ({unknown}))"
            for column in each.columns
        )
        rows, *numbers = con.execute(f"SELECT count(*), {counted} FROM built.{each.table}").fetchall()[0]
        for column, number in zip(each.columns, numbers, strict=True):
            order.setdefault(column.header, column.column_name)
            if rows:
                filled.setdefault(column.header, {})[each.name] = 100 * number / rows
    names = [each.name for each in lists()]
    return [
        Column(
            header,
            [filled.get(header, {}).get(name) for name in names],
            [errors.get((name, header), 0) for name in names],
            column_name in RARELY_FILLED,
        )
        for header, column_name in order.items()
    ]


def _alerts(run: Run) -> list[dict[str, Any]]:
    """What people were told in the week up to D, newest first: title, text, when, and whether it reached everybody."""
    path = run.home / ALERTS
    first, last = (run.as_at - ALERTS_OF).isoformat(), run.as_at.isoformat()
    found: dict[str, dict[str, Any]] = {}
    for line in _lines(path):
        found[line["key"]] = line
    told = [line for line in found.values() if first < line["at"][:10] <= last and line["level"] != "record"]
    told.sort(key=lambda line: (line["at"], line["key"]), reverse=True)
    return [
        {
            "title": line["title"],
            "text": line["text"],
            "level": line["level"],
            "at": f"{day(date.fromisoformat(line['at'][:10]))} at {line['at'][11:16]}",
            "sent": bool(line.get("sent")),
        }
        for line in told[:SHOWN_ALERTS]
    ]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of a record of alerts; torn or foreign ones are left out."""
    if not path.is_file():
        return
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
            date.fromisoformat(line["at"][:10])
            if all(isinstance(line[name], str) for name in ("key", "level", "title", "text", "at")):
                yield line
        except (ValueError, LookupError, TypeError):
            continue


def _changes(con: DuckDBPyConnection, manifest: dict[str, Any], previous: Path | None) -> dict[str, Any]:
    """What is different from the earlier pack: children on each list, errors new and fixed, and feeds' dates."""
    compared = compare.compare(con, previous and previous / compare.NAME)
    open_, new, fixed = compare.errors(con)
    earlier = _earlier(previous)
    rows = []
    for name, now in manifest["rows"].items():
        then = earlier.get("rows", {}).get(name)
        if isinstance(then, int):
            rows.append((f"Children on {name}", f"{then:,}", f"{now:,}", _signed(now - then)))
    if compared.as_at:
        rows.append(("Errors in exports and lists", f"{open_ - new + fixed:,}", f"{open_:,}", _signed(new - fixed)))
    return {
        "said": compared.said,
        "as_at": compared.as_at,
        "rows": rows,
        "new": new if compared.as_at else 0,
        "fixed": fixed if compared.as_at else 0,
    }


def _earlier(previous: Path | None) -> dict[str, Any]:
    """The earlier pack's manifest, or nothing when it cannot be read."""
    try:
        found = files.read_json(previous / "manifest.json") if previous else {}
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and isinstance(found.get("rows", {}), dict) else {}


def _signed(number: int) -> str:
    return f"{number:+,}".replace("-", "−") if number else "no change"
