"""What the public edition gives, withholds and leaves as it was. tests/attacks tries to get back what is withheld."""

import csv
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from publish_kpis import KPI_VALUES, kpi_row
from scipy.optimize import linprog

from publish.kpi import suppression
from publish.kpi.figures import month_end
from publish.kpi.suppression import RECORDED, Given, Past, split
from send_ready import database
from send_ready.settings import PROJECT

BELOW = 5
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
            is_pinned = max(1, ends[0]) + 0.5 > min(BELOW - 1, -ends[1])  # for who knows that it is small
            least = 0 if is_pinned else min(least, -ends[1] - ends[0])
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
    if kept is None:
        return  # nor does anything stand where the breakdown would be
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
    given_too = split(population, BELOW) or set()
    sizes = {value: population[value]["N"] for value in given_too}
    rest = sum(cell["N"] for value, cell in population.items() if value not in given_too)
    sums = [*(({value}, size) for value, size in sizes.items()), (table.keys() - given_too, rest)]
    kept = split(table, BELOW, 10, parent=Given(given_too, sums))
    if kept is None:
        return
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
    if kept is None:
        return
    for block in (*told, "".join(set("abcdefgh") - set("".join(told)))):
        part = {value: table[value] for value in block if value in table}
        assert not 0 < sum(table[value]["N"] for value in part.keys() - kept) < BELOW
        assert room(part, kept & part.keys()) >= BELOW - 1 - 1e-6


@pytest.mark.parametrize("sizes", [[4, 4], [1, 1, 1, 1, 1], [3], [2, 2]])
def test_a_breakdown_of_few_is_not_even_hinted_at(sizes: list[int]) -> None:
    """Two cells of 1 to 4 with eight in both can but be four each."""
    assert split({str(number): {"N": float(size)} for number, size in enumerate(sizes)}, BELOW) is None


@pytest.mark.parametrize("sizes", [[3, 4], [4, 5], [1, 9], [1, 1, 1, 1, 2]])
def test_one_of_several_possibilities_is(sizes: list[int]) -> None:
    assert split({str(number): {"N": float(size)} for number, size in enumerate(sizes)}, BELOW) == set()


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
    end = date(2025, 12, 31)
    rows = [kpi_row("K16", "point", end, 785), *(kpi_row(kpi_id, "point", end, *parts) for kpi_id, *parts in others)]
    rows += [kpi_row("K16", "point", end, number, breakdown=(breakdown, cell)) for cell, number in cells.items()]
    found = public(rows)
    assert {row["kpi_id"] for row in found if row["breakdown_type"] == "all" and row["symbol"]} == set()
    assert {row["breakdown_value"] for row in found if row["symbol"]} == withheld


def public(
    rows: Sequence[dict[str, Any]], below: int = BELOW, past: Past = suppression.NOTHING
) -> list[dict[str, Any]]:
    """The public table of some rows of kpi_values."""
    with database.scratch() as con:
        con.execute("ATTACH ':memory:' AS built; CREATE SCHEMA built.kpi")
        con.execute(f"CREATE TABLE built.kpi.kpi_values ({KPI_VALUES})")
        for row in rows:
            con.execute(f"INSERT INTO built.kpi.kpi_values VALUES ({', '.join('?' * len(row))})", list(row.values()))
        names = ", ".join(RECORDED)
        found = con.execute(
            f"SELECT {names} FROM {suppression.public(con, below, past=past)} "
            "ORDER BY kpi_id, period_type, period_end, breakdown_type, breakdown_value"
        )
        return [dict(zip(RECORDED, row, strict=True)) for row in found.fetchall()]


def test_one_small_cell_takes_the_next_smallest_with_it() -> None:
    table = {"a": {"N": 2.0}, "b": {"N": 30.0}, "c": {"N": 7.0}, "d": {"N": 0.0}}
    assert split(table, BELOW) == {"b", "d"}


def test_a_rate_on_a_small_denominator_is_withheld() -> None:
    table = {"a": {"N": 0.0, "C": 8.0, "D": 8.0}, "b": {"N": 20.0, "C": 20.0, "D": 40.0}}
    assert split(table, BELOW, 10) == {"b"}


SEPTEMBER, DECEMBER = date(2026, 9, 30), date(2026, 12, 31)
YEAR = "rolling_12_months"


def test_a_withheld_figure_leaves_nothing_but_its_symbol() -> None:
    (row,) = public([kpi_row("K05", "point", SEPTEMBER, 3)])
    assert (row["symbol"], row["numerator"], row["value"], row["rag"]) == ("[c]", None, None, None)
    (row,) = public([kpi_row("K05", "point", SEPTEMBER, 5)])
    assert (row["symbol"], row["numerator"], row["value"]) == (None, 5, 5)
    (row,) = public([kpi_row("K05", "point", SEPTEMBER, 5)], below=6)
    assert row["symbol"] == "[c]"


def test_nothing_to_divide_by_and_nothing_received_are_told_apart() -> None:
    rows = public([kpi_row("K24", YEAR, date(2025, 12, 31), 0, 0), kpi_row("K05", "point", SEPTEMBER, None)])
    assert [(row["kpi_id"], row["symbol"], row["denominator"]) for row in rows] == [
        ("K05", "[x]", None),
        ("K24", "[z]", 0),
    ]


def every(
    kpi_id: str, kind: str, numerator: int, denominator: int | None = None, unit: str = ""
) -> list[dict[str, Any]]:
    """A figure at each of 36 month ends up to December 2026."""
    return [kpi_row(kpi_id, kind, month_end(DECEMBER, -back), numerator, denominator, unit) for back in range(36)]


@pytest.mark.parametrize(
    ("kpi_id", "kind", "months"),
    [
        ("K08", YEAR, [12]),
        ("K08", "month", []),
        ("K45", "academic_year_to_date", [8]),
        ("K16", "point", [3, 6, 9, 12]),
        ("K25", "calendar_year", [12]),
        ("K25", "month", []),
        ("K25", "point", [3, 6, 9, 12]),
    ],
)
def test_windows_do_not_overlap(kpi_id: str, kind: str, months: list[int]) -> None:
    found = public(every(kpi_id, kind, 50))
    assert [row["period_end"] for row in found] == [
        end for back in range(35, -1, -1) if (end := month_end(DECEMBER, -back)).month in months
    ]


def test_the_day_of_the_report_is_not_in_it() -> None:
    rows = [kpi_row("K16", "point", day, 100) for day in (SEPTEMBER, date(2026, 11, 21))]
    assert [row["period_end"] for row in public(rows)] == [SEPTEMBER]


def test_a_supplied_figure_is_given_in_one_kind_of_window_and_without_breakdown() -> None:
    rows = [kpi_row("K25", kind, DECEMBER, 30) for kind in ("month", "calendar_year", YEAR, "point")]
    rows.append(kpi_row("K25", "calendar_year", DECEMBER, 30, breakdown=("sex", "Male")))
    assert [(row["period_type"], row["breakdown_type"]) for row in public(rows)] == [("calendar_year", "all")]
    before = Past(recorded(public([kpi_row("K25", "point", date(2025, 12, 31), 30)])), date(2025, 12, 31))
    assert [row["period_type"] for row in public(rows, past=before)] == ["point", "point"]


def test_whoever_adds_a_kpi_says_in_which_windows_it_is_given() -> None:
    with (PROJECT / "dbt_project" / "seeds" / "kpi" / "kpi_catalogue.csv").open(encoding="utf-8", newline="") as seed:
        computed = {row["kpi_id"] for row in csv.DictReader(seed) if row["is_built"] == "Y"}
    assert computed == suppression.GIVEN.keys(), "in GIVEN of publish/kpi/suppression.py: see CONTRIBUTING"
    named = {name for rest in suppression.REST for name in suppression.terms(rest)}
    assert named <= suppression.GIVEN.keys()


def given_of(rows: Sequence[dict[str, Any]]) -> set[str]:
    return {row["kpi_id"] for row in public(rows) if row["symbol"] is None}


def test_figures_that_differ_by_few_are_not_given_together() -> None:
    """3,000 children with a plan and 2,998 with a need recorded: two have none."""
    rows = [
        kpi_row("K16", "point", SEPTEMBER, 3000),
        kpi_row("K34", "point", SEPTEMBER, 2, 3000),
        kpi_row("K32", "point", SEPTEMBER, 300, 2998),
        kpi_row("K33", "point", SEPTEMBER, 3000, 3000),
    ]
    assert given_of(rows) == {"K16", "K33"}
    issued = [kpi_row("K01", YEAR, DECEMBER, 50, 96), kpi_row("K02", YEAR, DECEMBER, 60, 100)]
    assert given_of(issued) == {"K01"}  # four had an exception
    assert given_of([*issued, kpi_row("K11", YEAR, DECEMBER, 20, 120)]) == {"K01"}  # nor by way of those not refused
    assert given_of([issued[1], kpi_row("K11", YEAR, DECEMBER, 20, 120)]) == {"K02", "K11"}


def test_plans_that_no_assessment_led_to_are_not_told_when_few() -> None:
    """Who moved here with a plan: 103 began, 100 were issued."""
    rows = [kpi_row("K02", YEAR, DECEMBER, 60, 100), kpi_row("K17", YEAR, DECEMBER, 103)]
    assert given_of([*rows, kpi_row("K44", YEAR, DECEMBER, 50, 50)]) == {"K02"}
    assert given_of([rows[0], kpi_row("K17", YEAR, DECEMBER, 107)]) == {"K02", "K17"}


def test_exceptions_are_not_given_without_the_figure_of_the_others() -> None:
    """Of 15 late plans 11 had an exception: four had none, of which a blank says that they are few."""
    rows = [
        kpi_row("K01", YEAR, DECEMBER, 80, 84), kpi_row("K02", YEAR, DECEMBER, 80, 95),
        kpi_row("K03", YEAR, DECEMBER, 11, 95),
    ]  # fmt: skip
    assert given_of(rows) == {"K02"}


@pytest.mark.parametrize(
    ("stock", "began", "ended", "both"),
    [
        ([300, 310, 315, 322, 320], 60, 40, True),
        ([300, 301, 303, 310, 320], 20, 0, False),  # none ended: each quarter's new plans are its rise
        ([300, 330, 320, 310, 320], 50, 30, True),
        ([300, 330, 320, 310, 320], 42, 22, False),  # the falls are all but two of those that ended
        ([300, 310, 315, 322, 320], 23, 3, False),
    ],
)
def test_plans_that_begin_and_end_are_given_both_or_neither(
    stock: list[int], began: int, ended: int, both: bool
) -> None:
    rows = [
        kpi_row("K16", "point", month_end(DECEMBER, 3 * number - 12), size) for number, size in enumerate(stock)
    ] + [kpi_row("K17", YEAR, DECEMBER, began), kpi_row("K44", YEAR, DECEMBER, ended, ended)]  # fmt: skip
    assert given_of(rows) - {"K16"} == ({"K17", "K44"} if both else set())


def test_breakdowns_are_of_the_last_december_and_of_few_kinds() -> None:
    rows = every("K08", YEAR, 120)
    for back in range(36):
        end = month_end(DECEMBER, -back)
        rows += [kpi_row("K08", YEAR, end, 60, breakdown=("sex", sex)) for sex in ("Male", "Female")]
        rows.append(kpi_row("K08", YEAR, end, 100, breakdown=("sen_group", "plan")))
    found = [row for row in public(rows) if row["breakdown_type"] != "all"]
    assert [(row["breakdown_type"], row["period_end"], row["numerator"]) for row in found] == [
        ("sex", DECEMBER, 60), ("sex", DECEMBER, 60),
    ]  # fmt: skip


def test_weeks_added_up_are_not_given() -> None:
    (row,) = public([kpi_row("K06", YEAR, DECEMBER, 2700, 100, "weeks")])
    assert (row["symbol"], row["value"], row["numerator"]) == (None, 27.0, None)


def recorded(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{name: row[name] for name in RECORDED} for row in rows]


def test_what_was_given_or_withheld_stays_and_later_windows_join_it() -> None:
    old = [kpi_row("K05", "point", SEPTEMBER, 4), kpi_row("K16", "point", SEPTEMBER, 800)]
    first = public(old)
    past = Past(recorded(first), SEPTEMBER)
    changed = [kpi_row("K05", "point", SEPTEMBER, 6), kpi_row("K16", "point", SEPTEMBER, 803, rag="green"),
               kpi_row("K21", "point", SEPTEMBER, 40)]  # fmt: skip
    new = [kpi_row("K05", "point", DECEMBER, 6), kpi_row("K16", "point", DECEMBER, 803)]
    found = public([*changed, *new], past=past)
    assert recorded(found) == recorded([*first[:1], *public(new)[:1], *first[1:], *public(new)[1:]])


def test_an_edition_of_an_earlier_month_has_nothing_of_later_ones() -> None:
    past = Past(recorded(public([kpi_row("K16", "point", end, 800) for end in (SEPTEMBER, DECEMBER)])), DECEMBER)
    assert [row["period_end"] for row in public([kpi_row("K16", "point", SEPTEMBER, 803)], past=past)] == [SEPTEMBER]


def test_of_editions_that_are_not_known_nothing_is_told() -> None:
    """What an edition of November 2025 gave of that year is unknown: no figure of the year may stand beside it."""
    past = Past(unknown=date(2025, 11, 30))
    rows = [kpi_row("K08", YEAR, date(year, 12, 31), 90) for year in (2024, 2025, 2026)]
    rows += [kpi_row("K16", "point", date(2025, month, 30), 800) for month in (9,)]
    rows += [kpi_row("K16", "point", date(2025, 12, 31), 800)]
    assert [(row["kpi_id"], row["period_end"]) for row in public(rows, past=past)] == [
        ("K08", DECEMBER), ("K16", date(2025, 12, 31)),
    ]  # fmt: skip


def test_without_figures_the_table_is_there_and_empty() -> None:
    assert public([]) == []
    with database.scratch() as con:
        con.execute("ATTACH ':memory:' AS built")
        assert con.execute(f"SELECT count(*) FROM {suppression.public(con, BELOW)}").fetchall() == [(0,)]
