"""One build by dbt for all tests that run its statements, in whichever worker they are."""

import pytest

from tests.dbt import harness


@pytest.fixture(scope="session", autouse=True)
def _workers(tmp_path_factory: pytest.TempPathFactory) -> None:
    harness.workers[:] = [tmp_path_factory]
