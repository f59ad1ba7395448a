"""As at a prompt, where send-ready sets it."""

import os
from collections.abc import Iterator

import pytest

from send_ready.files import PRIVATE_UMASK
from tests.servers import postgres

__all__ = ["postgres"]


@pytest.fixture(autouse=True)
def _private() -> Iterator[None]:
    before = os.umask(PRIVATE_UMASK)
    yield
    os.umask(before)
