"""A council with one good night behind it, made once for every test of faults, in whichever worker it runs."""

import pickle
from pathlib import Path

import pytest

from tests.faults.house import DAY, EVE, House, drop_exports, moved_in
from tests.faults.kills import Undisturbed, undisturbed
from tests.nights import once
from tests.steps import Nursery, shared


@pytest.fixture(scope="session")
def steps_nursery() -> Nursery:
    return shared()


@pytest.fixture(scope="session")
def after_eve(tmp_path_factory: pytest.TempPathFactory, steps_nursery: Nursery) -> Path:
    """A folder with an inbox of two days, and a home that has had the first day's night. To be copied, not used."""

    def make(folder: Path) -> None:
        drop_exports(folder / "inbox", EVE)
        House(steps_nursery, folder / "home", folder / "inbox").night(run_id="eve", as_at=EVE)
        drop_exports(folder / "inbox", DAY)

    return once(tmp_path_factory, "after_eve", make)


@pytest.fixture(scope="session")
def after_night(after_eve: Path, tmp_path_factory: pytest.TempPathFactory, steps_nursery: Nursery) -> Path:
    """The same after the second day's night, which nobody disturbed. To be copied, not used."""

    def make(folder: Path) -> None:
        found = undisturbed(moved_in(after_eve, steps_nursery, folder))
        (folder / "peace").write_bytes(pickle.dumps(found))

    return once(tmp_path_factory, "after_night", make)


@pytest.fixture(scope="session")
def peace(after_night: Path) -> Undisturbed:
    """What that night came to."""
    found: Undisturbed = pickle.loads((after_night / "peace").read_bytes())  # noqa: S301
    return found


@pytest.fixture
def house(after_eve: Path, steps_nursery: Nursery, tmp_path: Path) -> House:
    """A house of the test's own, on the morning after the first night."""
    return moved_in(after_eve, steps_nursery, tmp_path)
