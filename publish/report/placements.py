"""Where the children with a plan are educated."""

from collections.abc import Sequence
from typing import Any

from duckdb import DuckDBPyConnection

from publish.kpi import figures
from publish.kpi.figures import INTERNAL, Series, rounded, shown
from publish.report.headlines import of_how_many
from send_ready.words import long_date
from warehouse import seeds

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


def places(con: DuckDBPyConnection, kpis: dict[str, Series], values: str) -> list[dict[str, Any]]:
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


def placements(con: DuckDBPyConnection, kpis: dict[str, Series], values: str) -> list[dict[str, Any]]:
    """Where children with a plan are educated, a row a kind of placement, with England's share where there is one."""
    split = (
        {part["breakdown_value"]: part for part in figures.parts(con, "K37", "setting_type", values)} if kpis else {}
    )
    rows = []
    for link in seeds.rows("kpi_links"):
        kpi_id, part, label = link["kpi_id"], link["breakdown_values"] or None, link["title"]
        if link["kind"] != "placement" or kpi_id not in kpis:
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
                "label": f"{label}, at {long_date(found['period_end'])}" if found and is_earlier else label,
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
                "of": of_how_many(numerator, denominator, "percent"),
                "england": comparator,
                "period": now.comparator_period if found is None else found.get("comparator_period"),
            }
        )
    return rows if any(row["value"] is not None for row in rows) else []


def tables(places: Sequence[dict[str, Any]], placements: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What stands behind the bars of both, as rows of words, and how long their longest bars are."""
    shares = [max(row["value"] or 0, row["england"] or 0) for row in placements]
    return {
        "place_whole": max((row["value"] or 0 for row in places), default=0),
        "place_table": [[row["label"], row["shown"], row["share"] or "–"] for row in places],
        "placement_whole": max(shares, default=0),
        "placement_table": [
            [
                row["label"],
                row["of"] or "–",
                row["shown"],
                "–" if row["england"] is None else f"{rounded(row['england'])}%",
                row["period"] or "–",
            ]
            for row in placements
        ],
    }
