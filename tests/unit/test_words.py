"""How numbers, days and lists of things are said."""

from datetime import date

import pytest

from send_ready import words


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (words.counted(1, "day"), "1 day"),
        (words.counted(0, "day"), "0 days"),
        (words.counted(1_200, "child", "children"), "1,200 children"),
        (words.signed(-1_200), "−1,200"),
        (words.signed(3), "+3"),
        (words.signed(0, "no change"), "no change"),
        (words.change_in_percent(0, 4), "−100.0 %"),
        (words.change_in_percent(107, 100), "+7.0 %"),
        (words.first_few(["a", "b"], 2), "a, b"),
        (words.first_few(["a", "b", "c"], 2), "a, b and 1 more"),
        (words.long_date(date(2026, 11, 1)), "1 November 2026"),
        (words.weekday_date(date(2026, 11, 1)), "Sunday 1 November 2026"),
        (words.short_date(date(2026, 11, 1)), "01/11/2026"),
        (words.short_date(date(850, 11, 1)), "01/11/0850"),
        (words.short_month(date(2026, 11, 1)), "Nov 2026"),
        (words.one_line("a\n b" + " c" * 200, 9), "a b c c …"),
    ],
)
def test_it_is_said_so(said: str, expected: str) -> None:
    assert said == expected
