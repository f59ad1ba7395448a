"""What a declaration of a source may say, and which files are of it."""

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extract.inbox import names
from extract.own import source
from extract.own.source import Source, SourceError

GOOD = """
title: T
owner: O
file_names: ["EHCP tracker {date}*"]
stale_after_days: 8
"""


def parse(tmp_path: Path, text: str, name: str = "tracker") -> Source:
    path = tmp_path / f"{name}.yml"
    path.write_text(text)
    return source.parse(name, path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('["EHCP tracker {date}*"]', '["*"]', "fits any file"),
        ('["EHCP tracker {date}*"]', '["{date}*"]', "fits any file"),
        ('["EHCP tracker {date}*"]', '["{part} {date}"]', "fits any file"),
        ('["EHCP tracker {date}*"]', '["*.xlsx"]', "fits any file"),
        ('["EHCP tracker {date}*"]', '["a* b*"]', "fits any file"),
        ('["EHCP tracker {date}*"]', '["tracker {part}*"]', "beside"),
        ('["EHCP tracker {date}*"]', '["tracker {date} {date}"]', "twice"),
        ('["EHCP tracker {date}*"]', '["tracker {month}"]', "{month}"),
        ('["EHCP tracker {date}*"]', "[]", "file_names"),
        ("owner: O", "owner: O\nparts: [north]", "{part}"),
        ("owner: O", "owner: O\nheader: {row: 0}", "header"),
        ("owner: O", "owner: O\nheader: {row: 5, columns: [a]}", "header"),
        ("owner: O", "owner: O\ntogether: sometimes", "together"),
        ("owner: O", "owner: O\nheaders: 5", "headers"),
        ("stale_after_days: 8", "", "stale_after_days"),
    ],
)
def test_a_slip_is_refused_with_what_to_write(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(SourceError, match=r"tracker\.yml") as error:
        parse(tmp_path, GOOD.replace(old, new))
    assert said in str(error.value)


@pytest.mark.parametrize("name", ["gias", "Tracker", "1tracker", "a-b", ""])
def test_a_name_is_one_that_sql_and_paths_take(tmp_path: Path, name: str) -> None:
    with pytest.raises(SourceError, match="named with small letters"):
        parse(tmp_path, GOOD, name)


@pytest.mark.parametrize("other", ['["EHCP tracker {date}*"]', '["*tracker*"]', '["EHCP tracker"]', '["EHCP*"]'])
def test_two_sources_of_the_same_files_are_refused(tmp_path: Path, other: str) -> None:
    one = parse(tmp_path, GOOD)
    two = parse(tmp_path, GOOD.replace('["EHCP tracker {date}*"]', other), "other")
    with pytest.raises(SourceError, match="would be of source other and of tracker"):
        source.check_alone(two, [one], tmp_path / "other.yml")


SPELT = {
    "20261116": dt.date(2026, 11, 16), "2026-11-16": dt.date(2026, 11, 16), "16-11-2026": dt.date(2026, 11, 16),
    "16112026": dt.date(2026, 11, 16), "16 Nov 2026": dt.date(2026, 11, 16),
    "16th November 2026": dt.date(2026, 11, 16),
    "16.11.26": dt.date(2026, 11, 16), "20261116T0200": dt.date(2026, 11, 16), "Nov26": dt.date(2026, 11, 1),
    "November 2026": dt.date(2026, 11, 1), "2026-11": dt.date(2026, 11, 1), "11-2026": dt.date(2026, 11, 1),
    "": None,
}  # fmt: skip


@pytest.mark.parametrize(("spelt", "day"), SPELT.items())
@pytest.mark.parametrize("pattern", ["tracker {part} {date}", "{date} tracker {part}", "tracker {date} {part}.csv"])
def test_a_date_in_every_usual_writing(spelt: str, day: dt.date | None, pattern: str) -> None:
    stem, _ = names.stem_and_suffix(
        pattern.replace("{part}", "North East").replace("{date}", spelt).strip(".csv") + ".x"
    )
    found = names.in_pattern(stem, pattern.removesuffix(".csv"))
    assert found and (found.date, found.part, found.has_bad_date) == (day, "north_east", False)


def test_a_date_that_there_is_not_is_none_and_no_part() -> None:
    assert names.in_pattern("tracker_20261332", "tracker {date}") == names.DateInName(None, has_bad_date=True)
    month = names.in_pattern("half_term_of_april_2026_20261116", "half-term of {part} {date}")
    assert month == names.DateInName(dt.date(2026, 11, 16), part="april_2026")
    found = names.in_pattern("tracker_north_2026113", "tracker {part} {date}")
    assert found and found.has_bad_date


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(SPELT)), st.lists(st.sampled_from(["north", "south", "mid-east", "a b"]), max_size=1),
    st.sampled_from([" ", "_", " - ", "."]),
)  # fmt: skip
def test_whatever_stands_between_parts_and_dates(spelt: str, part: list[str], gap: str) -> None:
    pattern = "EHCP tracker {part} {date}" if part else "EHCP tracker {date}"
    stem, _ = names.stem_and_suffix(gap.join(["EHCP tracker", *part, spelt]) + ".x")
    found = names.in_pattern(stem, pattern)
    assert found and found.date == SPELT[spelt]
    assert found.part == (names.stem_and_suffix(f"{part[0]}.x")[0] if part else "")


@pytest.mark.parametrize(
    ("name", "part"),
    [("tracker north 20261116", "north"), ("tracker north east 16 Nov 2026 final", "north_east"),
     ("tracker north east", "north_east")],
)  # fmt: skip
def test_a_part_ends_where_the_date_begins(name: str, part: str) -> None:
    found = names.in_pattern(names.stem_and_suffix(f"{name}.x")[0], "Tracker {part} {date}*")
    assert found and found.part == part
