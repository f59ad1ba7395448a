"""What was put into an invented council comes back: its headline figures are near those that it was made from."""

from datetime import date
from math import sqrt

import duckdb
import pytest

from sample import council
from tests.golden.pipeline import Pipeline

AS_AT = date(2026, 11, 16)
# England, 2025 release of the DfE's "Education, health and care plans" (calendar 2024, January 2025), in per cent;
# absence: the median of councils, 2024/25. The sample is drawn from these.
PUBLISHED = {
    ("K01", "rolling_12_months"): 46.4,
    ("K02", "rolling_12_months"): 45.9,
    ("K07", "rolling_12_months"): 84.8,
    ("K20", "rolling_12_months"): 44.4,
    ("K32", "point"): 10.6,
    ("K34", "point"): 0.8,
    ("K36", "point"): 43.6,
    ("K37", "point"): 30.4,
    ("K42", "point"): 10.9,
}
NEEDS = {"ASD": 31.5, "SLCN": 21.3, "SEMH": 20.7, "MLD": 10.6, "SLD": 4.0, "PD": 3.9, "SPLD": 2.3}
DEVIATIONS = 4  # of a sample of so many children: one council in 15,000 is further off by chance
ROUNDING = 1.5  # points: what is published is rounded, and the sample's council is not all of England


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str, str], tuple[float, int]]:
    """Numerator and denominator at D, by KPI, window and value of the breakdown."""
    folder = tmp_path_factory.mktemp("council")
    council.write(
        folder / "inbox", as_at=AS_AT, plans=2_500, sen_support=2_500, faults=0.0, answer_key=folder / "key.csv"
    )
    warehouse = Pipeline(folder / "home", folder / "inbox", AS_AT).build()
    with duckdb.connect(str(warehouse), read_only=True) as con:
        rows = con.execute(
            "SELECT kpi_id, period_type, breakdown_value, numerator, denominator FROM kpi.kpi_values "
            "WHERE period_end = ? AND breakdown_type IN ('all', 'primary_need')",
            [AS_AT],
        ).fetchall()
    return {(kpi, window, value): (numerator, denominator) for kpi, window, value, numerator, denominator in rows}


def near(numerator: float, denominator: int, published: float) -> bool:
    share = published / 100
    chance = 100 * sqrt(share * (1 - share) / denominator)
    return abs(100 * numerator / denominator - published) <= DEVIATIONS * chance + ROUNDING


@pytest.mark.parametrize(("key", "published"), PUBLISHED.items(), ids=[kpi for kpi, _ in PUBLISHED])
def test_headline_figures(
    figures: dict[tuple[str, str, str], tuple[float, int]], key: tuple[str, str], published: float
) -> None:
    assert near(*figures[(*key, "all")], published), figures[(*key, "all")]


def test_the_mix_of_needs(figures: dict[tuple[str, str, str], tuple[float, int]]) -> None:
    far = {
        need: figures["K33", "point", need] for need in NEEDS if not near(*figures["K33", "point", need], NEEDS[need])
    }
    assert far == {}


def test_it_can_tell() -> None:
    assert near(1_090, 2_500, 43.6)
    assert not near(1_300, 2_500, 43.6)
