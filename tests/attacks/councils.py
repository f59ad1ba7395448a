"""Councils made of numbers of things by month and kind, with what is entered late, for the attack on public editions.

A family of figures counts the same things. `kinds` are the finest kinds that anybody could tell apart; each number of
a figure is a sum of kinds over the months of its window. The rows are those of kpi_values.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

MONTHS = 72  # from January 2021: 36 month ends before the first edition, and 24 editions
FIRST = 47
LATE = 3  # months after one in which something of it may still be entered or put right
HORIZON = 36
Numbers = NDArray[np.int64]
Form = Sequence[tuple[int, int, NDArray[np.float64]]]  # from a month to before another, how often each kind counts


def month_end(number: int) -> date:
    """The end of a month, the first being January 2021."""
    number += 2021 * 12 + 1
    return date(number // 12, number % 12 + 1, 1) - timedelta(days=1)


ENDS = [month_end(number) for number in range(MONTHS)]


@dataclass(frozen=True)
class Figure:
    """A KPI: which kinds are in its numerator and its denominator, in which windows, and by what it is broken down."""

    kpi_id: str
    numerator: NDArray[np.bool_] | None
    denominator: NDArray[np.bool_] | None = None
    windows: Sequence[str] = ("month", "rolling_12_months")
    unit: str = "percent"
    breakdowns: Mapping[str, Mapping[str, NDArray[np.bool_]]] = field(default_factory=dict)

    def forms(self, window: str, number: int, cell: NDArray[np.bool_] | None = None) -> dict[str, Form]:
        """What its numbers are sums of: numerator N, denominator D, and what is left of it C, by month and kind."""
        months = {"point": 1, "month": 1, "rolling_12_months": 12}
        masks = {"N": self.numerator, "D": self.denominator}
        each = {part: 1.0 * (mask if cell is None else mask & cell) for part, mask in masks.items() if mask is not None}
        if len(each) == 2 and self.unit == "percent":
            each["C"] = each["D"] - each["N"]
        return {part: [(number - months[window] + 1, number + 1, counted)] for part, counted in each.items()}


def count(form: Form, state: Numbers) -> int:
    return round(sum(float(state[start:stop].sum(axis=0) @ counted) for start, stop, counted in form))


@dataclass(frozen=True)
class Family:
    """Figures of the same things. `rates`: how many of each kind there are in a month."""

    figures: Sequence[Figure]
    rates: NDArray[np.float64]
    names: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kinds(self) -> int:
        return len(self.rates)


def by(attribute: Sequence[str], cells: Sequence[str]) -> dict[str, NDArray[np.bool_]]:
    return {cell: np.array([each == cell for each in attribute]) for cell in cells}


def of_events(
    kinds: Mapping[str, float],
    figures: Mapping[str, tuple[str, str | None]],
    broken_down: str,
    cells: Mapping[str, float],
    breakdown: str = "primary_need",
) -> Family:
    """A family whose KPIs are sums of named kinds (`a b`), `broken_down` of them by the cells too."""
    both = list(product(kinds, cells))
    of_kind = {kind: np.array([each == kind for each, _ in both]) for kind in kinds}
    table = by([cell for _, cell in both], list(cells))

    def mask(said: str) -> NDArray[np.bool_]:
        return np.logical_or.reduce([of_kind[kind] for kind in said.split()])

    found = [
        Figure(kpi_id, mask(n), mask(d) if d else None, unit="percent" if d else "count",
               breakdowns={breakdown: table} if kpi_id == broken_down else {})
        for kpi_id, (n, d) in figures.items()
    ]  # fmt: skip
    return Family(found, np.array([kinds[kind] * cells[cell] for kind, cell in both]))


NEEDS = {"ASD": 0.45, "SEMH": 0.25, "SLCN": 0.2, "MLD": 0.07, "MSI": 0.03}
ONE = {"all": 1.0}


def assessments(cells: Mapping[str, float] = ONE) -> Family:
    """Issued in time, late, after a year, without and with an exception; refused in time, and late."""
    kinds = {"a0": 6.0, "a1": 5.0, "a2": 0.6, "e0": 0.4, "e1": 0.5, "e2": 0.2, "r0": 0.8, "r1": 0.5}
    issued = "a0 a1 a2 e0 e1 e2"
    return of_events(
        kinds,
        {
            "K01": ("a0", "a0 a1 a2"), "K02": ("a0 e0", issued), "K03": ("e0 e1 e2", issued), "K04": ("a2 e2", issued),
            "K11": ("r0 r1", f"{issued} r0 r1"), "K12": ("r0", "r0 r1"),
        },
        "K01",
        cells,
    )  # fmt: skip


def decisions(cells: Mapping[str, float] = ONE) -> Family:
    """Decided in time or late, agreed or refused, ours or another authority's."""
    kinds = {"ya": 8.0, "yr": 2.0, "na": 3.0, "nr": 1.0, "xa": 0.3, "xr": 0.1}
    ours = "ya yr na nr"
    figures: dict[str, tuple[str, str | None]] = {
        "K07": ("ya yr", ours), "K09": ("yr nr xr", f"{ours} xa xr"), "K08": (f"{ours} xa xr", None),
    }  # fmt: skip
    return of_events(kinds, figures, "K07", cells)


def advice(cells: Mapping[str, float] = ONE) -> Family:
    return of_events({"y": 5.0, "n": 2.0}, {"K13": ("y", "y n")}, "K13", cells, "provider")


PLACES = {
    "Primary": 0.3, "Secondary": 0.2, "Nursery": 0.005, "Special 10": 0.03, "Special 8": 0.01, "Special": 0.25,
    "Pupil referral unit/Alternative provision": 0.015, "FE college": 0.08, "EHE": 0.01, "OLA": 0.015, "OPA": 0.003,
    "NIEO": 0.01, "NEET": 0.02, "named": 0.02, "nothing": 0.01,
}  # fmt: skip
NOWHERE = ("EHE", "OLA", "OPA", "NIEO", "NEET", "named", "nothing")
AGES = {"0–4": 0.04, "5–10": 0.36, "11–15": 0.38, "16–19": 0.17, "20–25": 0.05}
RECORDED = {"ASD": 0.5, "SEMH": 0.35, "MLD": 0.08, "MSI": 0.01, "Unknown": 0.06}


def placements() -> Family:
    """Children with a plan at a day, by need, age and where they are educated: each day's children are their own."""
    whom = [
        each for each in product(PLACES, AGES, RECORDED)
        if not (each[0] == "NIEO" and each[1] not in ("5–10", "11–15"))
        and not (each[0] == "NEET" and each[1] not in ("16–19", "20–25"))
    ]  # fmt: skip
    place, age, need = (np.array(column) for column in zip(*whom, strict=True))
    everyone = np.ones(len(whom), dtype=bool)
    mainstream, special = np.isin(place, ["Primary", "Secondary", "Nursery"]), np.char.startswith(place, "Special")
    main = ~np.isin(place, NOWHERE)
    phase = np.where(special, "Special", np.where(main, place, "Unknown"))
    setting = np.array([{"Special 10": "10", "Special 8": "8"}.get(each, "other") for each in place])
    school, young = np.isin(age, ["5–10", "11–15"]), np.isin(age, ["16–19", "20–25"])
    otherwise = np.isin(place, ["EHE", "OLA", "OPA"])
    tables = {
        "primary_need": by(list(need), list(RECORDED)), "age_band": by(list(age), list(AGES)),
        "phase": by(list(phase), sorted(set(phase))),
    }  # fmt: skip
    aged = np.isin(place, ["Primary", "Special 10", "Nursery", "FE college"]) | (need == "ASD")
    figures = [
        Figure("K16", everyone, None, ("point",), "count", tables),
        Figure("K19", everyone & aged & (need != "SEMH"), everyone & aged, ("point",), "percent",
               {name: tables[name] for name in ("primary_need", "age_band")}),
        Figure("K32", need == "MLD", need != "Unknown", ("point",)),
        Figure("K34", need == "Unknown", everyone, ("point",)),
        Figure("K35", place == "nothing", everyone, ("point",)),
        Figure("K36", mainstream, everyone, ("point",), "percent",
               {name: tables[name] for name in ("primary_need", "age_band")}),
        Figure("K37", special, everyone, ("point",), "percent",
               {"setting_type": by(list(setting), ["10", "8", "other"])}),
        Figure("K38", main & (age == "16–19") & (need == "ASD"), main, ("point",)),
        Figure("K40", otherwise, everyone, ("point",), "percent",
               {"setting_type": by(list(place), ["EHE", "OLA", "OPA"])}),
        Figure("K41", place == "NIEO", school, ("point",)),
        Figure("K42", place == "NEET", young, ("point",)),
        Figure("K50", place == "Pupil referral unit/Alternative provision", everyone, ("point",)),
    ]  # fmt: skip
    return Family(figures, np.array([6 * PLACES[p] * AGES[a] * RECORDED[n] for p, a, n in whom]) * 40)


class Stock(Figure):
    """Figures of plans that stand: what has begun up to a day, less what has ended."""

    def forms(self, window: str, number: int, cell: NDArray[np.bool_] | None = None) -> dict[str, Form]:
        if window != "point":
            return super().forms(window, number, cell)
        stock = np.array([1.0, -1.0, -1.0, 1.0])  # begun, ended of the year's own, ended of older ones, there before
        if self.kpi_id == "K16":
            return {"N": [(0, number + 1, stock)]}
        return {"D": [(0, number - 11, stock), (number - 11, number + 1, stock * (0, 0, 1, 1))]}


def plans() -> Family:
    """Plans that begin and end, month by month. Of those a year old only the number is made, at the year's end."""
    begun, own, older, standing = np.eye(4, dtype=bool)
    figures = [
        Stock("K16", standing, None, ("point",), "count"),
        Stock("K17", begun, None, unit="count"),
        Stock("K44", own | older, None, ("rolling_12_months",), "count"),
        Stock("K19", None, standing, ("point",), "per 100"),
    ]
    return Family(figures, np.array([4.0, 0.3, 2.0, 0.0]))


@dataclass(frozen=True)
class Council:
    """A family's numbers as each edition finds them: `states[edition][month, kind]`."""

    family: Family
    editions: Sequence[int]
    states: Mapping[int, Numbers]

    @staticmethod
    def make(family: Family, editions: Sequence[int], size: float, seed: int, is_corrected: bool = False) -> "Council":
        """One of a size: some of each month is entered in the months after; `is_corrected`: and some is put right."""
        chance = np.random.default_rng(seed)
        counts = chance.poisson(np.broadcast_to(family.rates * size, (MONTHS, family.kinds)))
        if isinstance(family.figures[0], Stock):
            counts[0, 3] = chance.poisson(400 * size) + 60
        delays = chance.multinomial(counts, [0.9, 0.05, 0.03, 0.02])
        month = np.arange(MONTHS)[:, None, None] + np.arange(LATE + 1)
        states = {}
        for edition in editions:
            states[edition] = np.where(month <= edition, delays, 0).sum(axis=2)
            if is_corrected:
                for number in range(max(0, edition - LATE), edition):
                    kind = chance.integers(family.kinds)
                    if states[edition][number, kind]:
                        states[edition][number, kind] -= 1
                        states[edition][number, chance.integers(family.kinds)] += 1
        return Council(family, editions, states)

    def numbers(self, edition: int) -> Iterator[tuple[Figure, str, int, str, str, dict[str, Form]]]:
        """Every row of an edition's kpi_values: figure, window, month of its end, breakdown, value and forms."""
        for figure in self.family.figures:
            for window in figure.windows:
                for number in range(edition - HORIZON + 1, edition + 1):
                    if figure.kpi_id == "K19" and ENDS[number].month != 12:
                        continue
                    yield figure, window, number, "all", "all", figure.forms(window, number)
                    if window == "month" or ENDS[number].month != 12:
                        continue
                    for breakdown, cells in figure.breakdowns.items():
                        for cell, mask in cells.items():
                            yield figure, window, number, breakdown, cell, figure.forms(window, number, mask)

    def rows(self, edition: int) -> list[dict[str, Any]]:
        """The rows of an edition's kpi_values; a cell that nobody is in has none."""
        found = []
        state = self.states[edition]
        for figure, window, number, breakdown, cell, forms in self.numbers(edition):
            counted = {part: count(form, state) for part, form in forms.items()}
            denominator = counted.get("D")
            numerator = counted.get("N", denominator)
            if breakdown != "all" and not (numerator or denominator):
                continue
            value: float | None = float(numerator or 0)
            if denominator is not None:
                value = 100 * (numerator or 0) / denominator if denominator else None
            found.append(
                {
                    "kpi_id": figure.kpi_id, "period_type": window, "period_end": ENDS[number],
                    "breakdown_type": breakdown, "breakdown_value": cell, "numerator": float(numerator or 0),
                    "denominator": denominator, "value": value, "unit": figure.unit,
                }
            )  # fmt: skip
        return found
