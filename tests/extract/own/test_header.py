"""Where a header stands that nobody has said, and when nobody can tell."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extract.own import header
from extract.own.header import Table
from extract.own.source import SET_ASIDE, Source
from extract.refusal import Refusal
from extract.text.load import Candidate

TITLES = ["UPN", "Surname", "Date of birth", "School", "Need", "Need", "Year", "Stage"]
ROWS = [
    ["A823432112001", "Smith", "01/02/2015", "Hill", "ASD", "", "6", "Plan"],
    ["A823432112002", "Jones", "03/02/2015", "Dale", "", "SLCN", "7", "Draft"],
    ["A823432112003", "Patel", "04/05/2014", "Hill", "SEMH", "ASD", "8", ""],
]


def source_of(row: int | None = None, columns: tuple[str, ...] = ()) -> Source:
    return Source(
        "tracker", "T", "O", ("tracker",), "newest", (), None, row, columns, SET_ASIDE, "file_time", 8, None, "x"
    )


def find(rows: Sequence[Sequence[str]], source: Source | None = None) -> int | None:
    """The place of the header that is found, from 0."""
    table = Table(
        [Candidate(list(row), {}, at, at + 1) for at, row in enumerate(rows)][: header.SEARCH_ROWS],
        [list(row) for row in rows],
        list(range(1, len(rows) + 1)),
    )
    found = header.find(table, source or source_of())
    return found.before if found else None


BANNERS = [
    ["EHCP tracker, as at 16/11/2026"],
    ["Run by", "J Officer"],
    ["Run on", "16/11/2026"],
    ["LA", "888", "Report", "EHCP 7.2"],
    ["Confidential: personal data"],
    [],
    ["", "", "Child", "", "", "Plan"],
    ["Total", "3"],
]


@pytest.mark.parametrize("banner", [*([each] for each in BANNERS), BANNERS, []])
def test_it_stands_below_whatever_banners(banner: list[list[str]]) -> None:
    assert find([*banner, TITLES, *ROWS]) == len(banner)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(BANNERS), max_size=8),
    st.lists(st.tuples(st.from_regex(r"[A-Z][0-9]{6}", fullmatch=True),
                       *[st.sampled_from(["", "a word", "01/02/2015", "X"])] * 7), min_size=1, max_size=30),
    st.permutations(TITLES),
    st.sampled_from(["", "Total"]),
)  # fmt: skip
def test_whatever_stands_above_and_below(
    banner: list[list[str]], rows: list[tuple[str, ...]], titles: list[str], last: str
) -> None:
    body = [list(row) for row in rows] + ([[last, str(len(rows))]] if last else [])
    found: int | None = None
    try:
        found = find([*banner, titles, *body])
    except Refusal:
        return  # it is said, and where it is can be given
    assert found in (None, len(banner))  # never another row


def test_ids_below_are_proof_enough() -> None:
    assert find([["UPN", "Name"], *([f"A{n:06}", "A"] for n in range(9))]) == 0


@pytest.mark.parametrize(
    "rows",
    [
        ROWS,  # no header at all
        [["Name", "School"], ["Ann", "Hill"], ["Bob", "Dale"]],  # words above words
        [["UPN", "01/09/2026", "08/09/2026"], ["A823432112001", "1", "0"]],  # dates as titles
        [["UPN"], ["A823432112001"]],
        [],
        [["", ""], ["", ""]],
        [TITLES],  # nothing below
    ],
)
def test_where_nobody_can_tell_there_is_none(rows: list[list[str]]) -> None:
    assert find(rows) is None


def test_of_two_that_are_as_full_nobody_can_tell() -> None:
    other = ["Key", "Child", "Born", "Setting", "First need", "Second need", "NCY", "State"]
    with pytest.raises(Refusal, match=r"Rows 1 and 2 may both be the header"):
        find([other, TITLES, *ROWS])
    assert find([other, TITLES, *ROWS], source_of(row=2)) == 1
    assert find([other, TITLES, *ROWS], source_of(columns=("upn", "Stage"))) == 1


def test_of_a_heading_of_groups_and_the_titles_below_the_fuller_counts() -> None:
    groups = ["Child", "", "", "Setting", "Needs", "", "", "Plan"]
    assert find([groups, TITLES, *ROWS]) == 1


def test_the_same_header_once_more_is_no_other() -> None:
    assert find([TITLES, *ROWS, TITLES, *ROWS]) == 0


@pytest.mark.parametrize(
    ("cells", "named"),
    [
        (["Need", "Need", "need"], ["Need", "Need 2", "need 3"]),
        (["Need", "Need 2", "Need"], ["Need", "Need 2", "Need 3"]),
        (["", "A\nB", " A  B "], ["column 1", "A B", "A B 2"]),
        (["_file", "_Line"], ["_file 2", "_Line 2"]),
        (["a\u200b", "a"], ["a", "a 2"]),
        (["column 2", ""], ["column 2", "column 2 2"]),
    ],
)
def test_columns_have_names_of_their_own(cells: list[str], named: list[str]) -> None:
    assert header.unique(cells) == named


@given(st.lists(st.text(max_size=6), max_size=12))
def test_no_two_columns_have_one_name(cells: list[str]) -> None:
    names = [name.casefold() for name in header.unique(cells)]
    assert len(set(names)) == len(names) == len(cells) and all(names)
