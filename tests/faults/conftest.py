"""A council with one good night behind it, made once for every test of faults, in whichever worker it runs."""

from collections.abc import Iterator
from os import environ
from pathlib import Path

import pytest

from send_ready import files
from tests.faults.house import DAY, EVE, House, drop_exports, moved_in
from tests.steps import Nursery, nursery


@pytest.fixture(scope="session")
def steps_nursery() -> Iterator[Nursery]:
    with nursery() as made:
        yield made


@pytest.fixture(scope="session")
def after_eve(tmp_path_factory: pytest.TempPathFactory, steps_nursery: Nursery) -> Path:
    """A folder with an inbox of two days, and a home that has had the first day's night. To be copied, not used."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in environ else base) / "after_eve"
    with files.locked(shared.with_name("after_eve.lock")):
        if not shared.exists():
            partial = shared.with_name("after_eve.partial")
            drop_exports(partial / "inbox", EVE)
            House(steps_nursery, partial / "home", partial / "inbox").night(run_id="eve", as_at=EVE)
            drop_exports(partial / "inbox", DAY)
            partial.rename(shared)
    return shared


@pytest.fixture
def house(after_eve: Path, steps_nursery: Nursery, tmp_path: Path) -> House:
    """A house of the test's own, on the morning after the first night."""
    return moved_in(after_eve, steps_nursery, tmp_path)
