"""SEN2 returns of children made by hand: one for each row of the stages and for each sentence of what is settled.

What each child shows is in sen2_council/children.md. Nothing but a person ever writes expected.txt: when a program
disagrees, either it is wrong or a rule has changed.
"""

from datetime import date
from pathlib import Path

import pytest

from tests.end_to_end import sen2_from_exports
from tests.end_to_end.sen2_differences import differences
from tests.golden import sen2_by_hand

COUNCIL = Path(__file__).with_name("sen2_council")
DAYS = sorted(folder.name for folder in COUNCIL.iterdir() if folder.is_dir())


@pytest.mark.parametrize("day", DAYS)
def test_the_second_reading_makes_the_return_worked_out_by_hand(day: str) -> None:
    made = sen2_from_exports.tables(sen2_from_exports.Council(COUNCIL / day, date.fromisoformat(day)))
    assert differences(sen2_by_hand.tables(COUNCIL / day / "expected.txt"), made) == []
