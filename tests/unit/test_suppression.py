"""What the public edition withholds cannot be worked out: attacks by linear algebra on all that it gives."""

import csv
import random
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from publish_kpis import KPI_VALUES, kpi_row
from scipy.optimize import linprog

from publish import suppression
from publish.suppression import Given, Key, Stretches, decide, split
from send_ready import warehouse
from send_ready.settings import PROJECT

BELOW = 5
MONTHS = 47  # 36 month ends, and the 11 months before the first that its year reaches back
FIRST = 11


def month_end(number: int) -> date:
    """The end of month `number`, the first being December 2022."""
    number += 2022 * 12 + 12
    return date(number // 12, number % 12 + 1, 1) - timedelta(days=1)


ENDS = [month_end(number) for number in range(MONTHS)]
WINDOWS = {"month": 1, "rolling_12_months": 12}
Part = tuple[str, str]  # KPI, and N, D


class Council:
    """Numbers of things by month and kind, and the KPIs as sums of kinds. Rows are months, columns kinds."""

    def __init__(self, counts: np.ndarray[Any, Any], parts: Mapping[Part, Sequence[int]]) -> None:
        self.counts = counts
        self.parts = parts

    def whole(self) -> dict[Key, dict[str, Any]]:
        """The rows of `all`, as decide takes them."""
        found: dict[Key, dict[str, Any]] = {}
        for kpi_id in sorted({kpi_id for kpi_id, _ in self.parts}):
            for period_type, length in WINDOWS.items():
                for number in range(FIRST, MONTHS):
                    key = (kpi_id, period_type, ENDS[number])
                    numerator = self.sum(kpi_id, "N", number, length)
                    denominator = self.sum(kpi_id, "D", number, length) if (kpi_id, "D") in self.parts else None
                    found[key] = {
                        "numerator": float(numerator),
                        "denominator": denominator,
                        "value": None if denominator == 0 else 1.0,
                        "is_part_period": False,
                    }
        return found

    def sum(self, kpi_id: str, part: str, number: int, length: int) -> int:
        return int(self.row(kpi_id, part, number, length) @ self.counts.ravel())

    def row(self, kpi_id: str, part: str, number: int, length: int) -> np.ndarray[Any, Any]:
        """The coefficients of a number over all months and kinds."""
        row = np.zeros(self.counts.shape)
        row[number - length + 1 : number + 1, list(self.parts[kpi_id, part])] = 1
        return row.ravel()

    def narrowest(self, shown: set[Key], targets: Sequence[np.ndarray[Any, Any]]) -> float:
        """The least room that anybody who knows all that is shown leaves to any of the targets."""
        known = [
            self.row(kpi_id, part, ENDS.index(end), WINDOWS[period_type])
            for kpi_id, period_type, end in shown
            for part in "ND"
            if (kpi_id, part) in self.parts
        ]
        if not known:
            return float("inf")
        matrix = np.array(known)
        right = matrix @ self.counts.ravel()
        room = float("inf")
        for target in targets:
            ends = [
                linprog(sign * target, A_eq=matrix, b_eq=right, bounds=(0, 10_000), method="highs").fun
                for sign in (1, -1)
            ]
            room = min(room, -ends[1] - ends[0])
        return room


# Kinds: in time, late and more than a year late, each without and with an exception; refused in time, and late.
ASSESSMENTS: dict[Part, Sequence[int]] = {
    ("K01", "N"): [0],
    ("K01", "D"): [0, 1, 2],
    ("K02", "N"): [0, 3],
    ("K02", "D"): [0, 1, 2, 3, 4, 5],
    ("K03", "N"): [3, 4, 5],
    ("K03", "D"): [0, 1, 2, 3, 4, 5],
    ("K04", "N"): [2, 5],
    ("K04", "D"): [0, 1, 2, 3, 4, 5],
    ("K11", "N"): [6, 7],
    ("K11", "D"): [0, 1, 2, 3, 4, 5, 6, 7],
    ("K12", "N"): [6],
    ("K12", "D"): [6, 7],
}
# Kinds: decided in time or late, agreed or refused, each ours or another authority's.
DECISIONS: dict[Part, Sequence[int]] = {
    ("K07", "N"): [0, 2],
    ("K07", "D"): [0, 1, 2, 3],
    ("K09", "N"): [2, 3, 6, 7],
    ("K09", "D"): [0, 1, 2, 3, 4, 5, 6, 7],
}
REQUESTS: dict[Part, Sequence[int]] = {("K08", "N"): [0]}
SECRETS = ([3], [4, 5], [4, 5, 6, 7])  # what two KPIs differ by: exceptions in time and late; other authorities' cases


def small(council: Council, limit: int = 40) -> list[np.ndarray[Any, Any]]:
    """Numbers of 1 to 4 that nobody may work out: of a month, a year, or any months in a row."""
    chance = random.Random(1)  # noqa: S311
    kinds = [list(columns) for columns in council.parts.values()]
    for (kpi_id, part), columns in council.parts.items():
        if part == "N" and (kpi_id, "D") in council.parts:
            kinds.append([column for column in council.parts[kpi_id, "D"] if column not in columns])
    kinds += [columns for columns in SECRETS if max(columns) < council.counts.shape[1]]
    found = []
    for columns in kinds:
        for start in range(MONTHS):
            for end in range(start, min(start + 12, MONTHS)):
                row = np.zeros(council.counts.shape)
                row[start : end + 1, columns] = 1
                if 0 < row.ravel() @ council.counts.ravel() < BELOW:
                    found.append(row.ravel())
    chance.shuffle(found)
    return found[:limit]


@pytest.mark.parametrize("parts", [ASSESSMENTS, DECISIONS, REQUESTS], ids=["assessments", "decisions", "requests"])
@pytest.mark.parametrize("seed", range(6))
def test_nothing_small_can_be_worked_out_from_windows_that_overlap(
    parts: Mapping[Part, Sequence[int]], seed: int
) -> None:
    chance = np.random.default_rng(seed)
    kinds = max(max(columns) for columns in parts.values()) + 1
    rates = np.array([6, 5, 1, 0.6, 0.4, 0.2, 1.5, 0.7])[:kinds] * (0.3, 1, 2)[seed % 3]
    council = Council(chance.poisson(rates, (MONTHS, kinds)), parts)
    shown = decide(council.whole(), BELOW)
    targets = small(council)
    assert targets or seed % 3 == 2
    assert council.narrowest(shown, targets) >= BELOW - 1 - 1e-6


@pytest.mark.parametrize("rate", [4, 12, 60])
def test_figures_that_are_not_small_are_given(rate: int) -> None:
    council = Council(np.full((MONTHS, 8), rate), ASSESSMENTS)
    shown = decide(council.whole(), BELOW)
    years = {key for key in council.whole() if key[1] == "rolling_12_months"}
    assert years <= shown
    assert (set(council.whole()) <= shown) == (rate >= BELOW)


def test_the_attack_finds_what_is_not_guarded() -> None:
    """A test that cannot fail proves nothing: with every window given, the small ones are there to be read."""
    council = Council(np.random.default_rng(0).poisson(2.0, (MONTHS, 1)), REQUESTS)
    assert council.narrowest(set(council.whole()), small(council)) < 1e-6


def test_a_later_month_changes_nothing_for_an_earlier_one() -> None:
    counts = np.random.default_rng(3).poisson(1.5, (MONTHS, 8))
    changed = counts.copy()
    changed[36:] = 0
    before, after = (decide(Council(each, ASSESSMENTS).whole(), BELOW) for each in (counts, changed))
    assert before != after
    assert {key for key in before if key[2] <= ENDS[35]} == {key for key in after if key[2] <= ENDS[35]}


def test_what_is_known_of_a_month_between_two_years() -> None:
    """12 months to June less 12 months to May is June less the June before."""
    counts = np.full((MONTHS, 1), 6)
    counts[20] = 2
    whole = Council(counts, REQUESTS).whole()
    known = Stretches.of("K08.N", "K08", whole, BELOW)
    for number in (31, 32):
        known = known.told(
            "rolling_12_months", ENDS[number], whole["K08", "rolling_12_months", ENDS[number]]["numerator"]
        )
    assert known.is_safe()
    known = known.told("month", ENDS[32], 6)
    before, after = (known.boundaries.index(ENDS[number]) for number in (19, 20))
    assert (-known.bounds[after, before], known.bounds[before, after]) == (2, 2)  # the least and the most
    assert not known.is_safe()


CELLS = st.dictionaries(
    st.sampled_from("abcdefgh"), st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=8
)


def room(
    cells: Mapping[str, Mapping[str, float]],
    kept: set[str],
    sizes: Mapping[str, float] | None = None,
    rest: float | None = None,
) -> float:
    """The least room left to a small number of a withheld cell by who knows the totals and all that is given."""
    things = sorted({thing for cell in cells.values() for thing in cell} - {"D"})
    hidden = sorted(set(cells) - kept)
    at = {(value, thing): number for number, (value, thing) in enumerate((v, t) for v in hidden for t in things)}
    matrix, right = [], []

    def know(names: Sequence[tuple[str, str]], total: float) -> None:
        row = np.zeros(len(at))
        row[[at[name] for name in names]] = 1
        matrix.append(row)
        right.append(total)

    for thing in things:
        know([(value, thing) for value in hidden], sum(cells[value][thing] for value in hidden))
    if sizes is not None:
        for value in hidden:
            if value in sizes:
                know([(value, thing) for thing in things], sizes[value])
        others = [value for value in hidden if value not in sizes]
        if others and rest is not None:
            know([(value, thing) for value in others for thing in things], rest)
    least = float("inf")
    for (value, thing), number in at.items():
        if 0 < cells[value][thing] < BELOW:
            target = np.zeros(len(at))
            target[number] = 1
            ends = [linprog(s * target, A_eq=np.array(matrix), b_eq=right, method="highs").fun for s in (1, -1)]
            least = min(least, -ends[1] - ends[0])
    return least


def of_totals(cells: Mapping[str, tuple[int, int]]) -> dict[str, dict[str, float]]:
    return {value: {"N": n, "C": c, "D": n + c} for value, (n, c) in cells.items()}


@settings(deadline=None, max_examples=150)
@given(CELLS)
def test_no_cell_of_a_breakdown_can_be_worked_out(cells: dict[str, tuple[int, int]]) -> None:
    table = of_totals(cells)
    if any(0 < sum(cell[thing] for cell in table.values()) < BELOW for thing in ("N", "C")):
        return  # the whole is withheld, and nothing of it is given
    kept = split(table, BELOW, 10)
    assert all(not 0 < number < BELOW for value in kept for number in table[value].values())
    assert all(table[value]["D"] >= 10 or not table[value]["D"] for value in kept)
    if len(table) > 1:
        assert room(table, kept) >= BELOW - 1 - 1e-6


@settings(deadline=None, max_examples=150)
@given(CELLS)
def test_nor_with_the_table_of_all_children_beside_it(cells: dict[str, tuple[int, int]]) -> None:
    table = of_totals(cells)
    population = {value: {"N": cell["D"]} for value, cell in table.items()}
    totals = [sum(cell[thing] for cell in table.values()) for thing in ("N", "C", "D")]
    if any(0 < total < BELOW for total in totals) or len(table) == 1:
        return
    given_too = split(population, BELOW)
    sizes = {value: population[value]["N"] for value in given_too}
    rest = sum(cell["N"] for value, cell in population.items() if value not in given_too)
    sums = [*(({value}, size) for value, size in sizes.items()), (table.keys() - given_too, rest)]
    kept = split(table, BELOW, 10, parent=Given(given_too, sums))
    assert kept <= given_too
    assert room(table, kept, sizes, rest) >= BELOW - 1 - 1e-6


@settings(deadline=None, max_examples=150)
@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 20), min_size=1),
    st.sampled_from([["ab"], ["a", "b"], ["ab", "cd"], ["abc", "d"]]),
)
def test_nor_with_the_figures_that_tell_some_of_its_cells(cells: dict[str, int], told: list[str]) -> None:
    table = {value: {"N": float(number)} for value, number in cells.items()}
    kept = split(table, BELOW, told=[set(group) for group in told])
    for block in (*told, "".join(set("abcdefgh") - set("".join(told)))):
        part = {value: table[value] for value in block if value in table}
        if not 0 < sum(cell["N"] for cell in part.values()) < BELOW:  # else the figure that tells it is not given
            assert room(part, kept & part.keys()) >= BELOW - 1 - 1e-6


@pytest.mark.parametrize(
    ("breakdown", "cells", "others", "withheld"),
    [
        (
            "primary_need",
            {"ASD": 700, "SEMH": 73, "MLD": 9, "MSI": 3},
            [("K34", 0, 785), ("K32", 9, 785)],
            {"SEMH", "MSI"},
        ),
        (
            "phase",
            {"Primary": 403, "Secondary": 300, "Nursery": 3, "Special": 20, "FE college": 49, "Unknown": 10},
            [("K36", 706, 785), ("K37", 20, 785), ("K38", 50, 775)],
            {"Secondary", "Nursery"},
        ),
        (
            "age_band",
            {"0–4": 12, "5–10": 300, "11–15": 350, "16–19": 120, "20–25": 3},
            [("K41", 20, 650), ("K42", 30, 123)],
            {"16–19", "20–25"},
        ),
    ],
)
def test_a_cell_that_another_figure_tells_hides_none(
    breakdown: str, cells: dict[str, int], others: list[tuple[str, int, int]], withheld: set[str]
) -> None:
    """Children with moderate learning difficulty, at special schools, of an age: each is a figure of its own."""
    end = date(2026, 10, 31)
    rows = [kpi_row("K16", "point", end, 785), *(kpi_row(kpi_id, "point", end, *parts) for kpi_id, *parts in others)]
    rows += [kpi_row("K16", "point", end, number, breakdown=(breakdown, cell)) for cell, number in cells.items()]
    found = public(rows)
    assert {row["kpi_id"] for row in found if row["breakdown_type"] == "all" and row["symbol"]} == set()
    assert {row["breakdown_value"] for row in found if row["symbol"]} == withheld


def test_one_small_cell_takes_the_next_smallest_with_it() -> None:
    table = {"a": {"N": 2.0}, "b": {"N": 30.0}, "c": {"N": 7.0}, "d": {"N": 0.0}}
    assert split(table, BELOW) == {"b", "d"}


def test_a_rate_on_a_small_denominator_is_withheld() -> None:
    table = {"a": {"N": 0.0, "C": 8.0, "D": 8.0}, "b": {"N": 20.0, "C": 20.0, "D": 40.0}}
    assert split(table, BELOW, 10) == {"b"}


def public(rows: Sequence[dict[str, Any]], below: int = BELOW) -> list[dict[str, Any]]:
    """The public table of some rows of kpi_values."""
    with warehouse.scratch() as con:
        con.execute("ATTACH ':memory:' AS built; CREATE SCHEMA built.kpi")
        con.execute(f"CREATE TABLE built.kpi.kpi_values ({KPI_VALUES})")
        for row in rows:
            con.execute(f"INSERT INTO built.kpi.kpi_values VALUES ({', '.join('?' * len(row))})", list(row.values()))
        found = con.execute(f"FROM {suppression.public(con, below)}")
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def test_a_withheld_figure_leaves_nothing_but_its_symbol() -> None:
    (row,) = public([kpi_row("K05", "point", date(2026, 10, 31), 3)])
    assert (row["symbol"], row["numerator"], row["value"], row["rag"]) == ("[c]", None, None, None)
    (row,) = public([kpi_row("K05", "point", date(2026, 10, 31), 5)])
    assert (row["symbol"], row["numerator"], row["value"]) == (None, 5, 5)
    (row,) = public([kpi_row("K05", "point", date(2026, 10, 31), 5)], below=6)
    assert row["symbol"] == "[c]"


def test_nothing_to_divide_by_and_nothing_received_are_told_apart() -> None:
    rows = public(
        [
            kpi_row("K24", "rolling_12_months", date(2025, 12, 31), 0, 0),
            kpi_row("K05", "point", date(2026, 10, 31), None),
        ]
    )
    assert [(row["kpi_id"], row["symbol"], row["denominator"]) for row in rows] == [
        ("K05", "[x]", None),
        ("K24", "[z]", 0),
    ]


def test_the_day_of_the_report_and_part_months_are_not_in_it() -> None:
    rows = [kpi_row("K16", "point", day, 100) for day in (date(2026, 10, 31), date(2026, 11, 21))]
    assert [row["period_end"] for row in public(rows)] == [date(2026, 10, 31)]


def test_whoever_adds_a_kpi_says_what_it_shares_with_the_others() -> None:
    with (PROJECT / "dbt_project" / "seeds" / "kpi" / "kpi_catalogue.csv").open(encoding="utf-8", newline="") as seed:
        computed = {row["kpi_id"] for row in csv.DictReader(seed) if row["is_built"] == "Y"}
    known = suppression.MONTHLY | suppression.YEARLY | suppression.OTHERS | suppression.LINKS.keys()
    assert computed == known, "in LINKS, MONTHLY, YEARLY or OTHERS of publish/suppression.py: see CONTRIBUTING"


def test_windows_whose_months_are_unknown_do_not_overlap() -> None:
    rows = [kpi_row("K24", "rolling_12_months", month_end(number), 50, 100) for number in range(24)]
    assert [row["period_end"] for row in public(rows)] == [date(2022, 12, 31), date(2023, 12, 31)]


def test_a_supplied_figure_is_given_in_one_kind_of_window_and_without_breakdown() -> None:
    end = date(2026, 9, 30)
    rows = [kpi_row("K25", kind, end, 30) for kind in ("month", "quarter")]
    rows.append(kpi_row("K25", "month", end, 30, breakdown=("sex", "Male")))
    assert [(row["period_type"], row["breakdown_type"]) for row in public(rows)] == [("month", "all")]


def test_linked_figures_are_withheld_when_they_differ_by_few() -> None:
    """3,000 children with a plan and 2,998 with a need recorded: two have none."""
    end = date(2026, 10, 31)
    rows = [
        kpi_row("K16", "point", end, 3000),
        kpi_row("K34", "point", end, 2, 3000),
        kpi_row("K32", "point", end, 300, 2998),
        kpi_row("K33", "point", end, 3000, 3000),
    ]
    assert {row["kpi_id"]: row["symbol"] for row in public(rows)} == {
        "K16": None, "K32": "[c]", "K33": None, "K34": "[c]",
    }  # fmt: skip


def years(kpi_id: str, numerator: int, denominator: int | None = None, unit: str = "") -> list[dict[str, Any]]:
    """The month and the 12 months of every month end, each month being like the last."""
    return [
        kpi_row(kpi_id, kind, end, numerator * length, denominator and denominator * length, unit)
        for kind, length in WINDOWS.items()
        for end in ENDS[FIRST:]
    ]


def test_breakdowns_are_of_one_window_and_of_few_kinds() -> None:
    rows = years("K08", 20)
    for end in ENDS[FIRST:]:
        rows += [kpi_row("K08", "rolling_12_months", end, 120, breakdown=("sex", sex)) for sex in ("Male", "Female")]
        rows.append(kpi_row("K08", "rolling_12_months", end, 100, breakdown=("sen_group", "plan")))
    found = [row for row in public(rows) if row["breakdown_type"] != "all"]
    assert [(row["breakdown_type"], row["period_end"], row["numerator"]) for row in found] == [
        ("sex", ENDS[-11], 120), ("sex", ENDS[-11], 120),
    ]  # fmt: skip


def test_weeks_added_up_are_not_given() -> None:
    rows = years("K01", 50, 100) + years("K02", 50, 100) + years("K06", 2700, 100, "weeks")
    weeks = [row for row in public(rows) if row["kpi_id"] == "K06"]
    assert [(row["symbol"], row["value"], row["numerator"]) for row in weeks] == [(None, 27.0, None)] * 72


def test_a_year_of_whose_months_nothing_is_known_is_withheld() -> None:
    rows = [kpi_row("K08", kind, ENDS[-1], 50) for kind in WINDOWS]
    assert {row["period_type"]: row["symbol"] for row in public(rows)} == {"month": None, "rolling_12_months": "[c]"}


def test_without_figures_the_table_is_there_and_empty() -> None:
    assert public([]) == []
    with warehouse.scratch() as con:
        con.execute("ATTACH ':memory:' AS built")
        assert con.execute(f"SELECT count(*) FROM {suppression.public(con, BELOW)}").fetchall() == [(0,)]
