"""The nine tables of the SEN2 return, and the same worked out once more from the raw exports, agree element by element.

Over whole councils with and without planted faults, small drawn ones on the edges of the survey, and children worked
out by hand. More drawn ones: `python -m tests.end_to_end.sen2_walk --councils 200`.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from tests import nights
from tests.dbt import harness
from tests.end_to_end import sen2_councils, sen2_from_exports, sen2_walk
from tests.end_to_end.sen2_differences import differences
from tests.end_to_end.sen2_from_exports import Council
from tests.end_to_end.sen2_walk import Tried
from tests.golden import sen2_by_hand
from tests.golden.test_sen2_council import COUNCIL, DAYS

DRAWN = [  # day, survey, with placements
    Tried(5, date(2027, 2, 20), None, True),
    Tried(6, date(2026, 11, 16), None, False),
    Tried(7, date(2027, 1, 1), 2024, True),
]


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Seeds with a council's own words; and where the statements of the models are kept."""
    harness.workers[:] = [tmp_path_factory]
    yield sen2_walk.seeds_with_codes(tmp_path_factory.mktemp("seeds") / "seeds")


@pytest.mark.parametrize("drawn", [nights.CLEAN, nights.OTHER], ids=str)
def test_the_return_of_a_night_is_that_of_its_exports(
    drawn: nights.Drawn, tmp_path_factory: pytest.TempPathFactory
) -> None:
    night = nights.of(drawn, tmp_path_factory)
    expected = sen2_from_exports.tables(Council(night.inbox, nights.AS_AT))
    assert len(expected["requests"]) > 400
    assert differences(expected, sen2_walk.made(night.warehouse, prefix="")) == []


@pytest.mark.parametrize("drawn", DRAWN, ids=str)
def test_the_return_of_a_council_on_the_edges_is_that_of_its_exports(drawn: Tried, tmp_path: Path, seeds: Path) -> None:
    assert drawn.differences(tmp_path, seeds) == []


@pytest.mark.parametrize("day", DAYS)
def test_the_models_make_the_return_worked_out_by_hand(day: str, tmp_path: Path, seeds: Path) -> None:
    council = sen2_councils.read(COUNCIL / day, date.fromisoformat(day))
    made = sen2_walk.made(council.build(tmp_path / "warehouse.duckdb", seeds=seeds))
    assert differences(sen2_by_hand.tables(COUNCIL / day / "expected.txt"), made) == []
