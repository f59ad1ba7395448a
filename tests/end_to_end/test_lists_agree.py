"""The pipeline's lists and the floor's, written independently of each other, agree cell by cell.

Over whole councils, with and without planted faults, in both code styles.
"""

import pytest

from tests import nights
from tests.golden.pipeline import SHEETS, differences
from tests.golden.test_golden import HEADERS
from tools.bench import floor


@pytest.mark.parametrize("drawn", [nights.CLEAN, nights.FAULTY, nights.OTHER], ids=str)
def test_the_lists_agree_with_the_floor(drawn: nights.Drawn, tmp_path_factory: pytest.TempPathFactory) -> None:
    night = nights.of(drawn, tmp_path_factory)
    expected = floor.lists(night.inbox, nights.AS_AT, "999")
    lettered, plain = night.lettered.lists(), night.plain.lists()
    for sheet in SHEETS:
        assert len(expected.plain[sheet]) > 300
        assert differences(expected.lettered[sheet], lettered[sheet][1:], HEADERS[sheet]) == []
        assert differences(expected.plain[sheet], plain[sheet][1:], HEADERS[sheet]) == []
