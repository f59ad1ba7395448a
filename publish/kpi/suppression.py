"""The public edition of the figures: what may stand in published papers, and [c] for what may not.

A number of children (or of plans, reviews, pieces of advice) below the threshold, but for none at all, is withheld,
and with it whatever it could be worked out from, by whoever has every edition of the last 36 months:

* windows do not slide: of what happens on a day, calendar years, as England's figures are, and school years; of how
  things stand, the last days of quarters. No two windows of a figure overlap, so no two editions differ by a month;
* a window is decided once, in the first edition that reaches its end, and then stays as it was given or withheld
  (publish/kpi/public_record.py): what is entered late shows nowhere as a difference;
* figures of the same children (REST) are given in turn, each only if what is left over beside those before it is none
  or many: plans issued with and without exceptions differ by the exceptions. Plans that begin and end are told by how
  many there are (_flows);
* a figure is given with its numerator and denominator, or not at all; a rate never on a small denominator;
* a breakdown is given once a year, at the last of December, never crossed with another; as many of its cells are
  withheld as it takes for none to be worked out from the others, from the figures that tell some of its cells (TOLD),
  or from the table of all children with a plan.

Breakdowns that count children twice (group, level) are no part of it. tests/attacks tries to get the numbers back.
"""

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from duckdb import DuckDBPyConnection

from publish.kpi.figures import INTERNAL, has_table, month_end
from send_ready.database import literal
from warehouse import run_data, seeds

TABLE = "public_values"
WITHHELD, NONE_TO_COUNT, NEVER_RECEIVED = "[c]", "[z]", "[x]"
RATE_FACTOR = 2  # a rate needs a denominator of this many times the threshold
MONTHS_GIVEN = 36
# The kind of window, and the months at whose end it is, of a word of kpi_catalogue.
WINDOWS: dict[str, tuple[str, tuple[int, ...]]] = {
    "calendar year": ("rolling_12_months", (12,)),
    "school year": ("academic_year_to_date", (8,)),
    "quarter end": ("point", (3, 6, 9, 12)),
    "year end": ("point", (12,)),
}
CATALOGUE = seeds.rows("kpi_catalogue")
# The one kind of window in which a KPI is given.
GIVEN = {row["kpi_id"]: WINDOWS[row["public_window"]] for row in CATALOGUE if row["public_window"]}
# Of a KPI that the council supplies, the first of these that it has.
SUPPLIED = (
    ("calendar_year", (12,)), WINDOWS["calendar year"], ("academic_year", (8,)), WINDOWS["school year"],
    ("financial_year", (3,)), WINDOWS["quarter end"],
)  # fmt: skip


def _links(kind: str) -> list[dict[str, str]]:
    return [row for row in seeds.rows("kpi_links") if row["kind"] == kind]


def _listed(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split("; ")))


# What is left of some children when those in other figures are taken away, which must not be few. Of the figures taken
# away those count that are given; the first must be. N numerator, D denominator, C what is left of it.
REST = [row["figures"] for row in _links("left_over")]
# What says nothing but with others says something of them: exceptions bound the late plans without one from below.
NEEDS = {row["kpi_id"]: _listed(row["figures"]) for row in _links("said_with")}
STARTS, ENDS, STOCK, A_YEAR_OLD = (
    _links(kind)[0]["kpi_id"] for kind in ("begins", "ends", "stands", "stands_a_year")
)  # fmt: skip

# The columns of the public table that say something, with their types.
RECORDED = {
    "kpi_id": str, "period_type": str, "period_end": date, "is_part_period": bool, "breakdown_type": str,
    "breakdown_value": str, "numerator": float, "denominator": int, "value": float, "unit": str,
    "comparator_value": float, "comparator_period": str, "target_value": float, "rag": str, "data_date": date,
    "is_stale": bool, "symbol": str,
}  # fmt: skip

# Breakdowns that are given, and the KPI of whose children these are a part: its table is decided first.
TABLES = {
    row["kpi_id"]: (_listed(row["public_breakdowns"]), row["public_part_of"] or None)
    for row in sorted(CATALOGUE, key=lambda row: bool(row["public_part_of"]))
    if row["public_breakdowns"]
}
# KPI and breakdown whose values share the denominator of the whole: they split the numerator alone.
SHARES = {(row["kpi_id"], row["breakdown_type"]) for row in seeds.rows("kpi_breakdowns") if row["denominator_of"]}
# By breakdown, cells of the table of all children with a plan that a figure of the same day tells, alone or together.
# Where it does so only as a rule (nobody at an independent school, every school known), it counts when it does.
TOLD = [(row["breakdown_type"], row["figures"], _listed(row["breakdown_values"])) for row in _links("tells")]

Key = tuple[str, str, date]  # KPI, kind of window, its end
Cell = Mapping[str, Any]


@dataclass(frozen=True)
class Past:
    """What earlier public editions gave and withheld.

    `rows` as in the public table. What ended by `until` is as it stands there, or never given. Up to the day `unknown`
    there were editions of which nothing is known: no window that began before it is given.
    """

    rows: Sequence[Cell] = ()
    until: date = date.min
    unknown: date = date.min


NOTHING = Past()


def public(con: DuckDBPyConnection, below: int, values: str = INTERNAL, past: Past = NOTHING) -> str:
    """Make the temporary table of the public figures, like kpi_values with `symbol`, and give its name.

    Counts of 1 up to `below` less 1 are withheld: symbol [c], and value, numerator, denominator and colour are blank.
    [z] stands where there is nothing to divide by, [x] where the data was never received. What `past` holds of the
    last 36 months stands as it was.
    """
    whole: dict[Key, Cell] = {}
    symbols: list[tuple[Any, ...]] = []
    if values != INTERNAL or has_table(con, "kpi_values"):
        whole = {(row["kpi_id"], row["period_type"], row["period_end"]): row for row in _rows(con, values)}
        candidates = _candidates(whole, past)
        shown = decide(whole, below, past)
        symbols = [(*key, "all", "all", _symbol(whole[key], key in shown)) for key in candidates]
        symbols.extend(_breakdowns(con, values, whole, candidates, shown, below))
    _write(con, values, symbols)
    _add(con, past, _horizon(whole))
    return TABLE


def decide(whole: Mapping[Key, Cell], below: int, past: Past = NOTHING) -> set[Key]:
    """Which figures of the whole (`all`) are given for the first time, decided in the order of time."""
    known: dict[Key, Cell] = {
        (row["kpi_id"], row["period_type"], row["period_end"]): row
        for row in past.rows
        if row["breakdown_type"] == "all" and row["numerator"] is not None
    }
    shown: set[Key] = set()
    for key in _candidates(whole, past):
        pair = [(name, *key[1:]) for name in (STARTS, ENDS)]
        together = [each for each in pair if each in whole and whole[each]["numerator"] is not None]
        keys = together if key in together else [key]  # plans that begin and end: both or neither
        if key in shown or any(whole[each]["numerator"] is None for each in keys):
            continue
        trial = known | {each: whole[each] for each in keys}
        if all(_is_safe(each, trial, below) for each in keys) and _flows_are_safe(keys, trial, below):
            shown.update(keys)
            known = trial
    return shown


def _is_safe(key: Key, known: Mapping[Key, Cell], below: int) -> bool:
    """Whether a figure is not small, nor anything that is left over beside the figures known."""
    cell = known[key]
    if cell["denominator"] is not None and 0 < cell["denominator"] < RATE_FACTOR * below:
        return False
    if not all(_at(name, key) in known for name in NEEDS.get(key[0], ())):
        return False
    left = [*_own(cell), *(_left(rest, key, known) for rest in REST if key[0] in rest)]
    if key[0] == A_YEAR_OLD:  # plans of a year ago that have ended since
        before = known.get((STOCK, "point", month_end(key[2], -12)))
        left.append(before["numerator"] - cell["denominator"] if before else None)
    return not any(number is not None and 0 < abs(number) < below for number in left)


def _flows_are_safe(keys: Sequence[Key], known: Mapping[Key, Cell], below: int) -> bool:
    """Whether plans that began and ended in a year may be told beside the number of children with a plan.

    What that number fell by in a quarter has ended, and what it rose by has begun. Enough must be left that may have
    done so at any time; and of the plans that began in the year, those must not be few that ended in it.
    """
    if len(keys) < 2:
        return True
    began, ended = (known[key]["numerator"] for key in keys)
    end = keys[0][2]
    standing = [known.get((STOCK, "point", month_end(end, -months))) for months in (12, 9, 6, 3, 0)]
    stock = [cell["numerator"] for cell in standing if cell]
    rises = sum(max(0.0, after - before) for before, after in pairwise(stock))
    falls = sum(max(0.0, before - after) for before, after in pairwise(stock))
    old = known.get((A_YEAR_OLD, "point", end))
    if old and standing[-1] and 0 < abs(began - (standing[-1]["numerator"] - old["denominator"])) < below:
        return False
    return not (began or ended) or len(stock) < 2 or min(began - rises, ended - falls) >= below - 1


def _own(cell: Cell) -> list[float]:
    """The numbers of things that a figure itself tells."""
    numerator, denominator = float(cell["numerator"]), cell["denominator"]
    if denominator is None:
        return [numerator]
    if cell["unit"] == "weeks":  # numerator: weeks added up
        return [float(denominator)]
    return [numerator, float(denominator), *([denominator - numerator] if cell["unit"] == "percent" else [])]


def _left(rest: str, key: Key, known: Mapping[Key, Cell]) -> float | None:
    """What is left of the first by the figures known; None when the first is not."""
    left: float | None = None
    for sign, name, part in re.findall(r"(-?) ?(K\d\d)\.([NDC])", rest):
        cell = known.get(_at(name, key))
        if cell is None and not sign:
            return None
        if cell is not None:
            numerator, denominator = float(cell["numerator"]), float(cell["denominator"] or 0)
            number = {"N": numerator, "D": denominator, "C": denominator - numerator}[part]
            left = number if left is None else left - number
    return left


def terms(rest: str) -> list[str]:
    """The KPIs that something left over is worked out from."""
    return re.findall(r"K\d\d", rest)


def _at(kpi_id: str, key: Key) -> Key:
    """Another KPI's figure at the same time."""
    return kpi_id, GIVEN[kpi_id][0] if kpi_id in GIVEN else key[1], key[2]


def _candidates(whole: Mapping[Key, Cell], past: Past) -> list[Key]:
    """The windows that this edition is the first to decide, in the order in which it does."""
    horizon = _horizon(whole)
    decided = {(row["kpi_id"], row["period_type"], row["period_end"]) for row in past.rows}
    kinds = {row["kpi_id"]: row["period_type"] for row in past.rows}
    windows: dict[str, tuple[str, tuple[int, ...]]] = dict(GIVEN)
    for kpi_id in {key[0] for key in whole} - GIVEN.keys():
        had = [
            (kind, months)
            for kind, months in SUPPLIED
            if kind == kinds.get(kpi_id, kind)
            and any(key[:2] == (kpi_id, kind) and key[2].month in months and _is_month_end(key[2]) for key in whole)
        ]
        windows |= {kpi_id: had[0]} if had else {}

    def is_new(key: Key) -> bool:
        kpi_id, period_type, end = key
        kind, months = windows.get(kpi_id, ("", ()))
        return (
            (period_type, end.month in months, _is_month_end(end)) == (kind, True, True)
            and not whole[key]["is_part_period"]
            and horizon[0] < end <= horizon[1]
            and key not in decided
            and (end > past.until or kpi_id not in GIVEN)  # what is supplied may come late
            and (_start(period_type, end) >= past.unknown)
        )

    return sorted(filter(is_new, whole), key=lambda key: (key[2], key[1] != "point", key))


def _horizon(whole: Mapping[Key, Cell]) -> tuple[date, date]:
    """The last 36 months: the day before they begin, and the last month end of the figures."""
    last = max((key[2] for key in whole if _is_month_end(key[2])), default=date.min)
    return (month_end(last, -MONTHS_GIVEN) if last > date.min else last), last


def _start(period_type: str, end: date) -> date:
    """The day before a window begins."""
    return end - timedelta(days=1) if period_type == "point" else month_end(end, -12)


@dataclass(frozen=True)
class Given:
    """What a table gives: its cells that are kept, and sets of its cells with what each holds together."""

    kept: set[str]
    sums: Sequence[tuple[Set[str], float]]


def split(
    cells: Mapping[str, Mapping[str, float]],
    below: int,
    least: int = 0,
    told: Sequence[Set[str]] = (),
    parent: Given | None = None,
) -> set[str] | None:
    """Which cells of a breakdown are given, its total being known; None when not even its rows may be.

    A cell has a number for each thing that it tells of, which add up over the cells; as a rate it has a denominator D,
    and below `least` that is withheld. `told` are sets of cells, apart from one another, whose sums are known too.
    Where the cells are parts of those of another table, `parent` is what that gives; what it withholds is withheld here
    too.
    """
    things = sorted({thing for cell in cells.values() for thing in cell} - {"D"})
    kept = {
        value
        for value, cell in cells.items()
        if not any(0 < number < below for number in cell.values())
        and not 0 < cell.get("D", 0) < least
        and (parent is None or value in parent.kept)
    }
    table = _Table(cells, things, below, parent.sums if parent else ())
    for block in _blocks(cells.keys(), told):
        while not table.is_safe(block - kept):
            if not kept & block:
                return None
            smallest = min(
                kept & block, key=lambda value: (sum(cells[value][x] for x in things) or float("inf"), value)
            )
            kept.remove(smallest)
    return kept


def _blocks(values: Set[str], told: Sequence[Set[str]]) -> list[Set[str]]:
    """The cells in blocks whose sums are known: those that are told, and the rest."""
    return [block for block in (*(values & block for block in told), values - set().union(*told)) if block]


@dataclass(frozen=True)
class _Table:
    """The cells of a breakdown, and what is known of their sizes: no set of `sums` has more than its number."""

    cells: Mapping[str, Mapping[str, float]]
    things: Sequence[str]
    below: int
    sums: Sequence[tuple[Set[str], float]]

    def is_safe(self, hidden: Set[str]) -> bool:
        """Whether no small number of a withheld cell, or of all of them together, can be worked out.

        Each may have as many numbers as the threshold; and for who knows which of them are small, more than one.
        """
        for thing in self.things:
            left = sum(self.cells[value][thing] for value in hidden)
            small = {value for value in hidden if 0 < self.cells[value][thing] < self.below}
            if 0 < left < self.below or (small and len(hidden) == 1):
                return False
            for value in small:
                most = min([left, *(number for values, number in self.sums if value in values)])
                others = hidden - {value}
                if most - max(0.0, left - self._most(others, set())) < self.below - 1:
                    return False
                fewest = max(1.0, left - self._most(others, small))
                if min(self.below - 1, most, left - len(small - {value})) <= fewest:
                    return False
        return True

    def _most(self, values: Set[str], small: Set[str]) -> float:
        """The most that cells may hold together, by what is known of their sizes; `small` those known to be small."""

        left, total = set(values), 0.0
        for group, size in [*self.sums, (values, float("inf"))]:
            some = left & group
            total += min(size, float("inf") if some - small else len(some) * (self.below - 1.0))
            left -= group
        return total


def _breakdowns(
    con: DuckDBPyConnection,
    values: str,
    whole: Mapping[Key, Cell],
    candidates: Sequence[Key],
    shown: set[Key],
    below: int,
) -> Iterator[tuple[Any, ...]]:
    """Every cell of every breakdown that the edition is the first to have, with its symbol."""
    given: dict[tuple[str, str], Given] = {}
    for kpi_id, (breakdowns, parent) in TABLES.items():
        key = max((key for key in candidates if key[0] == kpi_id and key[2].month == 12), key=_end, default=None)
        if key is None:
            continue
        for breakdown in breakdowns:
            cells = _cells(con, values, breakdown, key)
            table = _cells(con, values, breakdown, (parent, *key[1:])) if parent else {}
            is_share = (kpi_id, breakdown) in SHARES
            counts = {value: _counts(cell, is_share, table.get(value)) for value, cell in cells.items()}
            kept: set[str] | None = set()
            told: list[Set[str]] = []
            if key in shown and parent:
                kept = split(
                    counts, below, RATE_FACTOR * below, parent=given.get((parent, breakdown), Given(set(), ()))
                )
            elif key in shown:
                told = list(_told(key, breakdown, counts, whole, shown)) if kpi_id == STOCK else []
                kept = split(counts, below, 0 if is_share else RATE_FACTOR * below, told)
            if kept is None:
                continue
            given[kpi_id, breakdown] = _given_by(counts, kept, told)
            for value, cell in cells.items():
                yield (*key, breakdown, value, _symbol(cell, value in kept))


def _end(key: Key) -> date:
    return key[2]


def _told(
    key: Key, breakdown: str, counts: Mapping[str, Mapping[str, float]], whole: Mapping[Key, Cell], shown: set[Key]
) -> Iterator[Set[str]]:
    """The sets of a table's cells whose sum is among the figures given."""
    known = {each: whole[each] for each in shown}
    for told, group in ((figures, values) for of, figures, values in TOLD if of == breakdown):
        number = sum(counts[value]["N"] for value in group if value in counts)
        if all(_at(name, key) in known for name in terms(told)) and _left(told, key, known) == number:
            yield set(group)


def _given_by(counts: Mapping[str, Mapping[str, float]], kept: set[str], told: Sequence[Set[str]]) -> Given:
    """What a table gives of the sizes of its cells: of each that is kept, and of the others block by block."""
    sets = [{value} for value in sorted(kept)] + [block - kept for block in _blocks(counts.keys(), told)]
    return Given(kept, [(each, sum(counts[value]["N"] for value in each)) for each in sets if each])


def _cells(con: DuckDBPyConnection, values: str, breakdown: str, key: Key) -> dict[str, Cell]:
    return {row["breakdown_value"]: row for row in _rows(con, values, breakdown, key)}


def _counts(cell: Cell, is_share: bool, of: Cell | None) -> dict[str, float]:
    """What a cell tells: numerator, what is left of the denominator, and who of the other table is in neither."""
    numerator = float(cell["numerator"] or 0)
    if is_share or cell["denominator"] is None:
        return {"N": numerator}
    denominator = float(cell["denominator"])
    found = {"N": numerator, "C": denominator - numerator, "D": denominator}
    if of is not None:
        found["rest"] = float(of["numerator"] or 0) - denominator
    return found


def _is_month_end(day: date) -> bool:
    return (day + timedelta(days=1)).day == 1


def _symbol(cell: Cell, is_shown: bool) -> str | None:
    if cell["numerator"] is None:
        return NEVER_RECEIVED
    if not is_shown:
        return WITHHELD
    return NONE_TO_COUNT if cell["value"] is None else None


def _rows(con: DuckDBPyConnection, values: str, breakdown: str = "all", key: Key | None = None) -> list[dict[str, Any]]:
    chosen = (
        f"AND (kpi_id, period_type, period_end) = ({', '.join(map(literal, key[:2]))}, DATE {literal(key[2])})"
        if key
        else ""
    )
    return run_data.rows(
        con,
        "SELECT kpi_id, period_type, period_end, is_part_period, breakdown_value, numerator, denominator, value, "
        f"unit FROM {values} WHERE breakdown_type = {literal(breakdown)} {chosen} ORDER BY ALL",
    )


def _add(con: DuckDBPyConnection, past: Past, horizon: tuple[date, date]) -> None:
    """Put what earlier editions gave and withheld into the public table, as far as it is of the last 36 months."""
    rows = [row for row in past.rows if horizon[0] < row["period_end"] <= horizon[1]]
    if rows:
        names = ", ".join(RECORDED)
        written = ", ".join(f"({', '.join(literal(row[name]) for name in RECORDED)})" for row in rows)
        con.execute(f"INSERT INTO {TABLE} BY NAME SELECT * FROM (VALUES {written}) AS past ({names})")


def _write(con: DuckDBPyConnection, values: str, symbols: Sequence[tuple[Any, ...]]) -> None:
    con.execute(
        "CREATE OR REPLACE TEMP TABLE public_symbol (kpi_id VARCHAR, period_type VARCHAR, period_end DATE, "
        "breakdown_type VARCHAR, breakdown_value VARCHAR, symbol VARCHAR)"
    )
    if symbols:
        rows = ", ".join("(" + ", ".join(map(literal, row)) + ")" for row in symbols)
        con.execute(f"INSERT INTO public_symbol VALUES {rows}")
    if not symbols:
        values = "(SELECT NULL::VARCHAR AS kpi_id, NULL::VARCHAR AS period_type, NULL::DATE AS period_end, " + (
            "NULL::BOOLEAN AS is_part_period, NULL::VARCHAR AS breakdown_type, NULL::VARCHAR AS breakdown_value, "
            "NULL::DOUBLE AS numerator, NULL::BIGINT AS denominator, NULL::DOUBLE AS value, NULL::VARCHAR AS unit, "
            "NULL::DOUBLE AS comparator_value, NULL::VARCHAR AS comparator_period, NULL::DOUBLE AS target_value, "
            "NULL::VARCHAR AS rag, NULL::DATE AS data_date, NULL::BOOLEAN AS is_stale)"
        )
    # Weeks and sessions added up are nobody's business beside their rate.
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE {TABLE} AS
        SELECT * REPLACE (
            CASE WHEN symbol IS NULL OR symbol = '{NONE_TO_COUNT}' THEN
                if(unit = 'weeks', NULL, numerator) END AS numerator,
            CASE WHEN symbol IS NULL OR symbol = '{NONE_TO_COUNT}' THEN denominator END AS denominator,
            CASE WHEN symbol IS NULL THEN value END AS value,
            CASE WHEN symbol IS NULL THEN rag END AS rag
        )
        FROM {values} INNER JOIN public_symbol
            USING (kpi_id, period_type, period_end, breakdown_type, breakdown_value)
        ORDER BY kpi_id, period_type, period_end, breakdown_type, breakdown_value
    """)
