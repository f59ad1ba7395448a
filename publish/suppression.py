"""The public edition of the figures: what may stand in published papers, and [c] for what may not.

A number of children (or of plans, reviews, pieces of advice) below the threshold, but for none at all, is withheld,
and with it whatever it could be worked out from. What anybody could combine is thought of in advance:

* a figure is given with its numerator and denominator, or not at all; a rate never on a small denominator;
* figures of the same children (LINKS) are given in turn, each only if what it adds to those before it is not small:
  plans issued with and without exceptions differ by the exceptions;
* windows overlap, and the next edition comes in a month. Every window up to a month is held to be known: one is given
  only if no stretch of time with a small number can then be worked out (Stretches). What a later month brings never
  changes what was decided for an earlier one, so the editions of three years agree;
* windows whose months are not known are given where they do not overlap: 12 months that end in December, as England's
  figures do, and whole school years;
* a breakdown is given once, at the last December or month end, never crossed with another; as many of its cells are
  withheld as it takes for none to be worked out from the others, from the figures that tell some of its cells (TOLD),
  or from the table of all children with a plan.

D itself, unless it is a month end, is not part of it, nor are breakdowns that count children twice (group, level).
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from publish import findings
from publish.figures import INTERNAL, has_table, month_end
from send_ready.warehouse import literal

TABLE = "public_values"
WITHHELD, NONE_TO_COUNT, NEVER_RECEIVED = "[c]", "[z]", "[x]"
RATE_FACTOR = 2  # a rate needs a denominator of this many times the threshold

# What a KPI says beyond those it needs: numbers that must not be small. N numerator, D denominator, C what is left.
# A KPI stands after those it needs.
LINKS: dict[str, tuple[str, ...]] = {
    "K02": ("K02.N", "K02.C", "K02.D", "K02.N - K01.N", "K02.C - K01.C", "K02.D - K01.D"),
    "K03": ("K02.D",),
    "K04": ("K04.N", "K02.C - K04.N"),
    "K06": ("K02.D",),
    "K09": ("K09.N", "K09.C", "K09.D", "K09.D - K07.D"),
    "K10": ("K08.N",),
    "K11": ("K11.D", "K02.D", "K12.D"),
    "K19": ("K19.N", "K19.C", "K16.N - K19.D"),
    "K33": ("K16.N",),
    "K34": ("K34.N", "K34.C", "K16.N"),
    "K32": ("K32.N", "K32.C", "K34.N"),
    "K36": ("K36.N", "K36.C", "K16.N"),
    "K37": ("K37.N", "K37.C", "K16.N - K36.N - K37.N"),
    "K38": ("K38.N", "K38.C", "K16.N - K38.D"),
    "K35": ("K35.N", "K35.C", "K16.N - K38.D - K35.N"),
    "K39": ("K39.N", "K39.C", "K16.N"),
    "K40": ("K40.N", "K40.C", "K16.N"),
    "K41": ("K41.N", "K41.C", "K16.N - K41.D"),
    "K42": ("K42.N", "K42.C", "K16.N - K42.D", "K16.N - K41.D - K42.D"),
    "K49": ("K49.N", "K49.C", "K16.N - K49.D"),
    "K46": ("K46.N", "K49.D"),
    "K47": ("K47.N", "K47.C", "K16.N"),
    "K50": ("K50.N", "K50.C", "K16.N"),
    "K53": ("K53.N", "K53.C", "K53.D - K16.N"),
    "K67": ("K67.N", "K67.C", "K53.D - K67.D"),
}
# What is a part of something that may be given without it: plans that took a year are among the late ones.
PARTS = {"K04.N": "K02.C", "K02.C - K04.N": "K02.C"}
# Of things that happen on a day the windows add up. Of the first both a month and 12 months are worked out.
MONTHLY = frozenset(
    ["K01", "K02", "K03", "K04", "K06", "K07", "K08", "K09", "K11", "K12", "K13", "K14", "K15", "K17", "K20", "K22"]
)
YEARLY = frozenset(("K45", "K46"))
# Of every other KPI a window is given in these months of the year, so that no two overlap.
WINDOWS = {"rolling_12_months": (12,), "academic_year_to_date": (8,)}
OTHERS = frozenset(["K05", "K10", "K16", "K21", "K23", "K24", "K44", "K48"])
KINDS = ("point", "rolling_12_months", "academic_year_to_date", "month")

COMMON = ("sex", "ethnicity_group", "primary_need", "phase", "age_band")
# Breakdowns that are given, and the KPI of whose children these are a part: its table is decided first.
TABLES: dict[str, tuple[tuple[str, ...], str | None]] = {
    "K16": (COMMON, None),
    "K01": (COMMON, None),
    "K05": (COMMON, None),
    "K07": (COMMON, None),
    "K08": (COMMON, None),
    "K10": (("request_source",), None),
    "K13": ((*COMMON, "provider"), None),
    "K14": (("provider",), None),
    "K15": (("provider",), None),
    "K19": (COMMON, "K16"),
    "K20": (COMMON, None),
    "K36": (("sex", "ethnicity_group", "primary_need", "age_band"), "K16"),  # by phase it is all or nothing
    "K37": (("setting_type",), None),
    "K40": (("setting_type",), None),
    "K44": (("cease_reason",), None),
}
SHARES = frozenset(("request_source", "setting_type", "cease_reason"))  # of the numerator alone
MAINSTREAM = (
    "Nursery", "Primary", "Middle (deemed primary)", "Middle (deemed secondary)", "Secondary", "All-through",
)  # fmt: skip
# Cells of the table of all children with a plan (K16) that a figure of the same day tells, alone or together. Where it
# does so only as a rule (nobody at an independent school, every school known), it counts when it does.
TOLD: dict[str, dict[str, tuple[str, ...]]] = {
    "primary_need": {"K32.N": ("MLD",), "K34.N": ("Unknown",)},
    "phase": {"K36.N": MAINSTREAM, "K37.N": ("Special",), "K16.N - K38.D": ("Unknown",)},
    "age_band": {"K41.D": ("5–10", "11–15"), "K42.D": ("16–19", "20–25")},
}

Key = tuple[str, str, date]  # KPI, kind of window, its end
Cell = Mapping[str, Any]


def public(con: DuckDBPyConnection, below: int, values: str = INTERNAL) -> str:
    """Make the temporary table of the public figures, like kpi_values with `symbol`, and give its name.

    Counts of 1 up to `below` less 1 are withheld: symbol [c], and value, numerator, denominator and colour are blank.
    [z] stands where there is nothing to divide by, [x] where the data was never received.
    """
    whole: dict[Key, Cell] = {}
    symbols: list[tuple[Any, ...]] = []
    if values != INTERNAL or has_table(con, "kpi_values"):
        whole = {(row["kpi_id"], row["period_type"], row["period_end"]): row for row in _rows(con, values)}
        shown = decide(whole, below)
        symbols = [(*key, "all", "all", _symbol(whole[key], key in shown)) for key in _given(whole)]
        symbols.extend(_breakdowns(con, values, whole, shown, below))
    _write(con, values, symbols)
    return TABLE


def decide(whole: Mapping[Key, Cell], below: int) -> set[Key]:
    """Which figures of the whole (`all`) are given, decided in the order of time."""
    shown: set[Key] = set()
    known: dict[str, Stretches] = {}
    for key in _given(whole):
        if whole[key]["numerator"] is None:
            continue
        kpi_id, period_type, end = key
        links = _links(kpi_id, whole[key])
        if not _needed(links, key, whole) <= shown or _is_small_rate(whole[key], below):
            continue
        numbers = {link: number for link in links if (number := _number(link, key, whole)) is not None}
        if any(0 < abs(number) < below for number in numbers.values()):
            continue
        if kpi_id in MONTHLY | YEARLY:
            found: dict[str, Stretches | None] = {}
            for link, number in numbers.items():
                if all(name in MONTHLY | YEARLY for _, name, _ in _terms(link)):
                    before = known.get(link) or Stretches.of(link, kpi_id, whole, below)
                    found[link] = before.told(period_type, end, number)
            for part, more in PARTS.items():
                if more in numbers:
                    before = known.get(part) or Stretches.of(part, kpi_id, whole, below)
                    found[part] = before.capped(period_type, end, numbers[more])
            if not all(each and each.is_safe() for each in found.values()):
                continue
            known |= {link: each for link, each in found.items() if each}
        shown.add(key)
    return shown


@dataclass(frozen=True)
class Stretches:
    """What can be known of a number of things over time, from the windows that were told.

    `bounds[a, b]` is the most that the running total can grow from boundary a to b (and less the least that it can
    from b to a), by the windows and because nothing is ever taken away. `truth` holds the running totals themselves.
    """

    boundaries: Sequence[date]
    truth: NDArray[np.float64]
    bounds: NDArray[np.float64]
    below: int

    @staticmethod
    def of(link: str, kpi_id: str, whole: Mapping[Key, Cell], below: int) -> "Stretches":
        """Nothing told yet of what a link counts."""
        boundaries, counts = _by_month(link, kpi_id, whole)
        size = len(boundaries)
        bounds = np.where(np.tri(size, dtype=bool), 0.0, np.inf)
        return Stretches(boundaries, np.concatenate(([0.0], np.cumsum(counts))), bounds, below)

    def told(self, period_type: str, end: date, number: float) -> "Stretches | None":
        """The same when a window's number is known; None when the window begins before anything is known."""
        if _start(period_type, end) not in self.boundaries:
            return None
        start, stop = self._window(period_type, end)
        return self._with(self._shorter(self._shorter(self.bounds, start, stop, number), stop, start, -number))

    def capped(self, period_type: str, end: date, number: float) -> "Stretches | None":
        """The same when it is known that a window's number is no more than this; None as in told."""
        if _start(period_type, end) not in self.boundaries:
            return None
        return self._with(self._shorter(self.bounds, *self._window(period_type, end), number))

    def is_safe(self) -> bool:
        """Whether every stretch of time with a small number may have had as many numbers as the threshold."""
        counts = self.truth[None, :] - self.truth[:, None]
        width = self.bounds + self.bounds.T  # from the least to the most
        return not bool(np.any((counts > 0) & (counts < self.below) & (width < self.below - 1)))

    def _window(self, period_type: str, end: date) -> tuple[int, int]:
        return self.boundaries.index(_start(period_type, end)), self.boundaries.index(end)

    def _with(self, bounds: NDArray[np.float64]) -> "Stretches":
        return Stretches(self.boundaries, self.truth, bounds, self.below)

    @staticmethod
    def _shorter(bounds: NDArray[np.float64], a: int, b: int, most: float) -> NDArray[np.float64]:
        return np.minimum(bounds, bounds[:, a, None] + most + bounds[None, b, :])


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
) -> set[str]:
    """Which cells of a breakdown are given, its total being known.

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
        while kept & block and not table.is_safe(block - kept):
            smallest = min(kept & block, key=lambda value: (sum(cells[value][x] for x in things) or np.inf, value))
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
        """Whether no small number of a withheld cell, or of all of them together, can be worked out."""
        for thing in self.things:
            left = sum(self.cells[value][thing] for value in hidden)
            small = [value for value in hidden if 0 < self.cells[value][thing] < self.below]
            if 0 < left < self.below or (small and len(hidden) == 1):
                return False
            if any(self._most(value, left) - self._least(value, left, hidden) < self.below - 1 for value in small):
                return False
        return True

    def _most(self, value: str, left: float) -> float:
        return min([left, *(number for values, number in self.sums if value in values)])

    def _least(self, value: str, left: float, hidden: Set[str]) -> float:
        others = hidden - {value}
        if others - set().union(*(values for values, _ in self.sums)):
            return 0.0
        return max(0.0, left - sum(number for values, number in self.sums if others & values))


def _breakdowns(
    con: DuckDBPyConnection, values: str, whole: Mapping[Key, Cell], shown: set[Key], below: int
) -> Iterator[tuple[Any, ...]]:
    """Every cell of every breakdown that the edition has, with its symbol."""
    given: dict[tuple[str, str], Given] = {}
    for kpi_id, (breakdowns, parent) in TABLES.items():
        key = _latest(kpi_id, whole)
        if key is None:
            continue
        for breakdown in breakdowns:
            cells = _cells(con, values, breakdown, key)
            table = _cells(con, values, breakdown, (parent, *key[1:])) if parent else {}
            counts = {value: _counts(cell, breakdown, table.get(value)) for value, cell in cells.items()}
            kept: set[str] = set()
            told: list[Set[str]] = []
            if key in shown and parent:
                kept = split(
                    counts, below, RATE_FACTOR * below, parent=given.get((parent, breakdown), Given(set(), ()))
                )
            elif key in shown:
                told = list(_told(key, breakdown, counts, whole, shown)) if kpi_id == "K16" else []
                kept = split(counts, below, 0 if breakdown in SHARES else RATE_FACTOR * below, told)
            given[kpi_id, breakdown] = _given_by(counts, kept, told)
            for value, cell in cells.items():
                yield (*key, breakdown, value, _symbol(cell, value in kept))


def _told(
    key: Key, breakdown: str, counts: Mapping[str, Mapping[str, float]], whole: Mapping[Key, Cell], shown: set[Key]
) -> Iterator[Set[str]]:
    """The sets of a table's cells whose sum is among the figures given."""
    for link, group in TOLD.get(breakdown, {}).items():
        names = {_standing(name, key, whole) for _, name, _ in _terms(link)}
        number = sum(counts[value]["N"] for value in group if value in counts)
        if names <= shown and _number(link, key, whole) == number:
            yield set(group)


def _given_by(counts: Mapping[str, Mapping[str, float]], kept: set[str], told: Sequence[Set[str]]) -> Given:
    """What a table gives of the sizes of its cells: of each that is kept, and of the others block by block."""
    sets = [{value} for value in sorted(kept)] + [block - kept for block in _blocks(counts.keys(), told)]
    return Given(kept, [(each, sum(counts[value]["N"] for value in each)) for each in sets if each])


def _cells(con: DuckDBPyConnection, values: str, breakdown: str, key: Key) -> dict[str, Cell]:
    return {row["breakdown_value"]: row for row in _rows(con, values, breakdown, key)}


def _counts(cell: Cell, breakdown: str, of: Cell | None) -> dict[str, float]:
    """What a cell tells: numerator, what is left of the denominator, and who of the other table is in neither."""
    numerator = float(cell["numerator"] or 0)
    if breakdown in SHARES or cell["denominator"] is None:
        return {"N": numerator}
    denominator = float(cell["denominator"])
    found = {"N": numerator, "C": denominator - numerator, "D": denominator}
    if of is not None:
        found["rest"] = float(of["numerator"] or 0) - denominator
    return found


def _latest(kpi_id: str, whole: Mapping[Key, Cell]) -> Key | None:
    """The window whose breakdowns are given: the last December's 12 months, or the last month end."""
    found = [
        key for key in whole if key[0] == kpi_id and key[1] in ("rolling_12_months", "point") and _is_month_end(key[2])
    ]
    found = [key for key in found if key[1] == "point" or key[2].month == 12]
    return max(found, key=lambda key: key[2], default=None)


def _given(whole: Mapping[Key, Cell]) -> list[Key]:
    """The windows of the edition, in the order in which they are decided."""
    places = {kpi_id: number for number, kpi_id in enumerate(LINKS, 1)}
    usual: dict[str, str] = {}
    for kpi_id, period_type, _ in sorted(whole):
        usual.setdefault(kpi_id, period_type)
    known = MONTHLY | YEARLY | OTHERS | LINKS.keys()

    def is_given(key: Key) -> bool:
        kpi_id, period_type, end = key
        if not _is_month_end(end) or whole[key]["is_part_period"]:
            return False
        if kpi_id not in known:  # as supplied: of one kind only, since kinds may overlap
            return period_type == usual[kpi_id] and end.month in WINDOWS.get(period_type, range(13))
        return kpi_id in MONTHLY | YEARLY or end.month in WINDOWS.get(period_type, range(13))

    def order(key: Key) -> tuple[Any, ...]:
        kind = KINDS.index(key[1]) if key[1] in KINDS else len(KINDS)
        return key[2], kind, key[1], places.get(key[0], 0), key[0]

    return sorted(filter(is_given, whole), key=order)


def _links(kpi_id: str, cell: Cell) -> tuple[str, ...]:
    """The numbers that a KPI tells. Of a rate, with its denominator, which must not be small either."""
    if kpi_id in LINKS:
        return LINKS[kpi_id]
    if cell["denominator"] is None:
        return (f"{kpi_id}.N",)
    return tuple(f"{kpi_id}.{part}" for part in "NCD")


def _needed(links: Sequence[str], key: Key, whole: Mapping[Key, Cell]) -> set[Key]:
    """The figures of other KPIs that must be given before this one. What was never received tells nothing."""
    names = {name for link in links for _, name, _ in _terms(link)} - {key[0]}
    found = {_standing(name, key, whole) for name in names}
    return {each for each in found if each in whole and whole[each]["numerator"] is not None}


def _standing(kpi_id: str, key: Key, whole: Mapping[Key, Cell]) -> Key:
    """Another KPI's figure at the same time: of the same window, or else of the day."""
    same = (kpi_id, key[1], key[2])
    return same if same in whole else (kpi_id, "point", key[2])


def _terms(link: str) -> Iterator[tuple[int, str, str]]:
    for sign, name, part in re.findall(r"(-?) ?(K\d\d)\.([NDC])", link):
        yield (-1 if sign else 1), name, part


def _number(link: str, key: Key, whole: Mapping[Key, Cell]) -> float | None:
    """A link's number in a window; None when something in it is not known."""
    total = 0.0
    for sign, name, part in _terms(link):
        cell = whole.get(_standing(name, key, whole))
        if cell is None or cell["numerator"] is None:
            return None
        numerator, denominator = float(cell["numerator"]), float(cell["denominator"] or 0)
        total += sign * {"N": numerator, "D": denominator, "C": denominator - numerator}[part]
    return total


def _by_month(link: str, kpi_id: str, whole: Mapping[Key, Cell]) -> tuple[list[date], list[float]]:
    """A link's number between boundaries, which are days' ends: a month each, and of a year to date what came before.

    The months before the first that is worked out follow from how the 12 months change from one month to the next.
    """
    kind = "academic_year_to_date" if kpi_id in YEARLY else "month"
    ends = sorted(
        end for name, period_type, end in whole if (name, period_type) == (kpi_id, kind) and _is_month_end(end)
    )
    if not ends:
        return [], []
    at = {end: _number(link, (kpi_id, kind, end), whole) or 0.0 for end in ends}
    if kind != "month":
        boundaries = [_start(kind, ends[0]), *ends]
        return boundaries, [
            at[end] - (at.get(before, 0.0) if _start(kind, end) != before else 0.0)
            for before, end in zip(boundaries, ends, strict=False)
        ]
    years = {end: _number(link, (kpi_id, "rolling_12_months", end), whole) or 0.0 for end in ends}
    earlier = {
        month_end(end, -12): max(0.0, at[end] - years[end] + years[before])
        for before, end in itertools.pairwise(ends)
        if month_end(end, -12) < ends[0]
    }
    counts = earlier | at
    months = sorted(counts)
    return [month_end(months[0], -1), *months], [counts[end] for end in months]


def _start(period_type: str, end: date) -> date:
    """The end of the day before a window begins."""
    if period_type == "month":
        return month_end(end, -1)
    if period_type == "rolling_12_months":
        return month_end(end, -12)
    return date(end.year - (end.month < 9), 8, 31)


def _is_month_end(day: date) -> bool:
    return (day + timedelta(days=1)).day == 1


def _is_small_rate(cell: Cell, below: int) -> bool:
    return cell["denominator"] is not None and 0 < cell["denominator"] < RATE_FACTOR * below


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
    return findings.rows(
        con,
        "SELECT kpi_id, period_type, period_end, is_part_period, breakdown_value, numerator, denominator, value "
        f"FROM {values} WHERE breakdown_type = {literal(breakdown)} {chosen} ORDER BY ALL",
    )


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
