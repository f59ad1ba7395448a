"""Nothing small comes back from the public editions; `python -m tests.attacks.editions` tries more councils."""

from collections.abc import Sequence

import pytest

from tests.attacks import editions
from tests.attacks.editions import FAMILIES, Recovered, attack

LIGHT = [name for name in FAMILIES if name not in ("placements", "assessments by need")]
# A pair, a triple and two years of editions; councils small, middling and large; with corrections in the last.
SEEDS = (0, 1, 2, 3)


def told(found: Sequence[Recovered]) -> str:
    return "\n".join(map(str, found))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", LIGHT)
def test_nothing_small_comes_back(name: str, seed: int) -> None:
    assert not (found := attack(name, seed, 12)), told(found)


@pytest.mark.parametrize("name", ["placements", "assessments by need"])
def test_nor_from_large_tables(name: str) -> None:
    assert not (found := attack(name, 1, 8)), told(found)


@pytest.mark.parametrize("name", ["assessments", "decisions", "plans"])
def test_the_attack_finds_what_is_not_guarded(name: str) -> None:
    """A test that cannot fail proves nothing: where only the small numbers themselves are blank, they come back."""
    assert attack(name, 0, 12, editions.everything, stays=False)


def test_the_record_of_earlier_editions_is_what_guards_them() -> None:
    """Decided anew each time, the same windows with data that changed late give different figures."""
    council = editions.council_of("advice", 2)
    changed = []
    for is_remembered in (True, False):
        given = editions.publish(council, is_remembered)
        first, second = ({editions.key(row): row for row in given[edition]} for edition in council.editions[:2])
        changed.append({of for of in first.keys() & second.keys() if first[of] != second[of]})
    assert not changed[0]
    assert changed[1]
