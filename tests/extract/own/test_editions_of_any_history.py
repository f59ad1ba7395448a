"""Whatever comes in whatever order: an edition is what belongs together at a day, and no later file changes that."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extract import contract as contracts
from extract.landing import Landed
from extract.own import editions
from extract.own.editions import Accepted
from extract.own.prepare import Preparation
from extract.own.source import ALL, ALL_OF_NEWEST_DATE, NEWEST, SET_ASIDE, Source
from send_ready import settings as environment

FIRST = dt.date(2026, 11, 1)
PREPARATION = Preparation("capita_one__students", Path("x.sql"), "", ("one", "two"), False, False, "x")


def source_of(name: str, together: str) -> Source:
    patterns = (f"{name} {{part}} {{date}}",)
    return Source(name, "T", "O", patterns, together, (), None, None, (), SET_ASIDE, "file_time", 8, None, "x")


files = st.lists(
    st.tuples(
        st.sampled_from(["one", "two"]), st.sampled_from(["north", "south"]), st.integers(0, 6), st.integers(0, 5)
    ),
    min_size=1, max_size=12,
)  # fmt: skip


def landed(drawn: list[tuple[str, str, int, int]]) -> dict[str, list[Landed]]:
    """Files of two sources in the order in which they landed; equal bytes of a source come once, as landing has it."""
    found: dict[str, list[Landed]] = {"one": [], "two": []}
    for at, (name, part, day, content) in enumerate(drawn):
        date, sha256 = FIRST + dt.timedelta(days=day), f"{name}{content}"
        same = [each for each in found[name] if each.sha256 == sha256]
        if any(each.data_date == date for each in same):
            continue
        earlier = next(
            (each for each in same if not each.duplicate_of and each.data_date and each.data_date < date), None
        )
        found[name].append(
            Landed("sources", name, f"{name} {part} {date:%Y%m%d}.csv", ".csv", 1, 1, sha256, date,
                   f"2026-12-01T00:00:{at:02}.000000+00:00", str(earlier.data_date) if earlier else None)
        )  # fmt: skip
    return found


def tables(drawn: list[tuple[str, str, int, int]], together: str) -> list[Accepted]:
    held = landed(drawn)
    return [Accepted(name, held[name], source_of(name, together), lambda each, _: each.path) for name in ("one", "two")]


def made(found: list[editions.Edition]) -> list[tuple[Any, ...]]:
    return [(each.order, each.sha256, each.data_date, each.members) for each in found]


@pytest.mark.parametrize("together", [NEWEST, ALL_OF_NEWEST_DATE, ALL])
@settings(max_examples=80, deadline=None)
@given(drawn=files, until=st.integers(0, 6))
def test_an_edition_is_what_belongs_together_at_its_day(
    together: str, drawn: list[tuple[str, str, int, int]], until: int
) -> None:
    contract = contracts.load("capita_one.students", environment.load({}))
    day = FIRST + dt.timedelta(days=until)
    accepted = tables(drawn, together)
    found = editions.editions(contract, PREPARATION, accepted, day)
    assert len({each.order for each in found}) == len(found)
    assert [each.order for each in found] == sorted(each.order for each in found)
    in_use = [member for table in accepted for member in editions.in_use_at(table, day)]
    if {member.table for member in in_use} == {"one", "two"}:
        assert list(found[-1].members) == in_use
        days: dict[tuple[str, str], list[dt.date]] = {}
        for member in in_use:
            days.setdefault((member.table, member.part), []).append(member.data_date)
        assert found[-1].data_date == min(map(max, days.values()))  # never newer than the oldest part of it
        assert found[-1].newest_date == max(member.data_date for member in in_use)
    else:
        assert not found
    # What is of a later day changes nothing of this one.
    later = editions.editions(contract, PREPARATION, accepted, FIRST + dt.timedelta(days=9))
    assert made(found) == [each for each in made(later) if each[0][0] <= day]


@settings(max_examples=60, deadline=None)
@given(drawn=files)
def test_each_part_has_its_newest_file_and_none_is_lost(drawn: list[tuple[str, str, int, int]]) -> None:
    for table in tables(drawn, NEWEST):
        found = editions.in_use_at(table, FIRST + dt.timedelta(days=9))
        own = [each for each in table.files if not each.duplicate_of]
        parts = {each.file_name.split()[1] for each in own}
        assert {member.part for member in found} == parts
        for member in found:
            of_part = [each for each in own if each.file_name.split()[1] == member.part]
            assert member.landed == max(of_part, key=lambda each: each.order)
