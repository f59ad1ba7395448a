"""The pipeline's lists and the floor's, written independently of each other, agree cell by cell.

Over whole councils, with and without planted faults, in both code styles.
"""

from datetime import date
from pathlib import Path

import pytest

from bench import floor
from sample import council
from tests.golden.pipeline import SHEETS, Pipeline, differences
from tests.golden.test_golden import HEADERS

AS_AT = date(2026, 11, 16)


@pytest.mark.parametrize(("seed", "faults"), [(11, 0.0), (12, 0.02), (13, 0.05)])
def test_the_lists_agree_with_the_floor(seed: int, faults: float, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    council.write(
        inbox, as_at=AS_AT, plans=400, sen_support=800, seed=seed, faults=faults, answer_key=tmp_path / "key.csv"
    )
    expected = floor.lists(inbox, AS_AT, "999")
    pipeline = Pipeline(tmp_path / "home", inbox, AS_AT)
    pipeline.night()
    lettered = pipeline.lists()
    pipeline.publish("plain")
    plain = pipeline.lists()
    for sheet in SHEETS:
        assert len(expected.plain[sheet]) > 300
        assert differences(expected.lettered[sheet], lettered[sheet][1:], HEADERS[sheet]) == []
        assert differences(expected.plain[sheet], plain[sheet][1:], HEADERS[sheet]) == []
