"""Back test of the KPIs: a council made by hand, whose every figure was worked out by hand from the definitions.

What each child shows is in kpi_council/children.md. Nothing but a person ever writes expected.csv: when the pipeline
disagrees, either it is wrong or a definition has changed.
"""

import csv
from datetime import date
from fractions import Fraction
from functools import cache
from pathlib import Path

import duckdb
import pytest

from tests import nights
from tests.end_to_end.kpis_from_exports import Council

COUNCIL = Path(__file__).with_name("kpi_council")
AS_AT = date(2026, 11, 16)
# The breakdowns that every KPI has are worked out for K16 alone; of the others it is tested that they add up.
EVERYBODYS = ("sex", "ethnicity_group", "primary_need", "phase", "age_band")
Key = tuple[str, str, str, str, str]


@cache
def expected() -> dict[Key, tuple[float, int | None]]:
    with open(COUNCIL / "expected.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(row["working"] for row in rows)
    found = {
        (row["kpi_id"], row["period_type"], row["period_end"], row["breakdown_type"], row["breakdown_value"]): (
            float(Fraction(row["numerator"])),
            int(row["denominator"]) if row["denominator"] else None,
        )
        for row in rows
    }
    assert len(found) == len(rows)
    return found


@cache
def ends() -> set[str]:
    return {period_end for _, _, period_end, _, _ in expected()}


def is_worked_out(key: Key) -> bool:
    kpi, _, end, breakdown, _ = key
    if end not in ends():
        return False
    if breakdown in EVERYBODYS and (kpi, breakdown) != ("K33", "primary_need"):
        return kpi == "K16" and end == str(AS_AT)
    return True


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return nights.of_kpis(tmp_path_factory).home / "serving" / "warehouse.duckdb"


def test_every_figure_is_as_worked_out_by_hand(warehouse: Path) -> None:
    with duckdb.connect(str(warehouse), read_only=True) as con:
        rows = con.execute(
            "SELECT kpi_id, period_type, period_end::VARCHAR, breakdown_type, breakdown_value, numerator, denominator "
            "FROM kpi.values"
        ).fetchall()
    found = {tuple(key): (numerator, denominator) for *key, numerator, denominator in rows}
    found = {key: figure for key, figure in found.items() if is_worked_out(key)}
    wanted = expected()
    differing = {
        key: (wanted.get(key), found.get(key))
        for key in wanted.keys() | found.keys()
        if key not in wanted
        or key not in found
        or wanted[key][1] != found[key][1]
        or wanted[key][0] != pytest.approx(found[key][0])
    }
    assert differing == {}


def test_the_second_implementation_finds_the_same(warehouse: Path) -> None:
    council = Council(COUNCIL / "exports", AS_AT)
    for end in (AS_AT, date(2026, 8, 31)):
        wanted = {
            (kpi, window, *key): figure for (kpi, window, end_, *key), figure in expected().items() if end_ == str(end)
        }
        made = council.figures(end)
        for key, (numerator, denominator) in wanted.items():
            assert made.get(key, (0, 0 if denominator == 0 else denominator)) == (
                pytest.approx(numerator),
                denominator,
            ), key


def test_every_kpi_with_a_model_is_worked_out(warehouse: Path) -> None:
    with duckdb.connect(str(warehouse), read_only=True) as con:
        built = con.execute("SELECT DISTINCT kpi_id, period_type FROM kpi.values").fetchall()
    assert set(built) == {(kpi, window) for kpi, window, _, _, _ in expected()}


def test_the_worklist_is_as_worked_out_by_hand(warehouse: Path) -> None:
    """No decision is late, and no advice is outstanding: H14 and H15 have their plan, H18 was refused one."""
    with open(COUNCIL / "expected_worklist.csv", encoding="utf-8", newline="") as file:
        wanted = sorted(tuple(row.values())[:5] for row in csv.DictReader(file))
    with duckdb.connect(str(warehouse), read_only=True) as con:
        found = con.execute(
            "SELECT item_type, unique_id, reference, due_date::VARCHAR, days_late::VARCHAR FROM kpi.worklist"
        ).fetchall()
    assert sorted(found) == wanted
