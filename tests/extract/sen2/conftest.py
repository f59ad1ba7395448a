from pathlib import Path

import pytest

from extract.inbox import arrivals
from tests.extract.own.council import Council, made


@pytest.fixture(autouse=True)
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "SETTLE_SECONDS", 0.0)


@pytest.fixture
def council(tmp_path: Path) -> Council:
    return made(tmp_path)
