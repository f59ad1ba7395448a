"""Since last time: new, still open and fixed, by a key that outlives the moves of rows in an export."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from duckdb import DuckDBPyConnection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from publish_run import AS_AT, finished_run, issue

from publish.issues import compare
from send_ready import database, files, issues
from send_ready.database import literal
from send_ready.issues import Issue
from warehouse import run_data

EARLIER = date(2026, 11, 15)
Found = list[tuple[str, ...]]


def source(record: str | None = "student_id=1", line: int | None = 7, **changes: Any) -> Issue:
    """An issue of a record in an export, but for the changes."""
    given: dict[str, Any] = {
        "category": "Source",
        "rule": "S-STU-06",
        "message": "The ULN is not ten digits.",
        "feed": "capita_one.students",
        "list_name": None,
        "unique_id": None,
        "record_id": record,
        "column_name": "ULN",
        "file_name": "capita_one_students_20261116.csv",
        "line_no": line,
    }
    return issue(**{**given, **changes})


@pytest.fixture
def con() -> Iterator[DuckDBPyConnection]:
    with database.scratch() as connection:
        yield connection


@pytest.fixture
def pack(con: DuckDBPyConnection, tmp_path: Path) -> Callable[[Sequence[Issue]], Path]:
    """Writes the issues.parquet of an earlier pack."""

    def write(found: Sequence[Issue]) -> Path:
        hold(con, tmp_path, found)
        compare.write_issues(tmp_path / compare.NAME, con, EARLIER)
        return tmp_path / compare.NAME

    return write


def hold(con: DuckDBPyConnection, folder: Path, found: Sequence[Issue]) -> None:
    """The table `issue`, as warehouse.run_data makes it."""
    issues.write(folder / "found.parquet", found)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE issue AS FROM read_parquet({literal(folder / 'found.parquet')}) ORDER BY ALL"
    )


def compared(con: DuckDBPyConnection, folder: Path, previous: Path | None, found: Sequence[Issue]) -> dict[str, Found]:
    """Rule, Unique ID, record, column and message of what is New, Still open and Fixed."""
    hold(con, folder, found)
    compare.compare(con, previous)
    rows: dict[str, Found] = {compare.NEW: [], compare.STILL_OPEN: [], "Fixed": []}
    named = "rule, unique_id, record_id, column_name, message"
    for state, *row in con.execute(
        f"SELECT state, {named} FROM compared UNION ALL SELECT 'Fixed', {named} FROM fixed ORDER BY ALL"
    ).fetchall():
        rows[state].append(tuple(row))
    return rows


def counts(rows: dict[str, Found]) -> tuple[int, int, int]:
    return len(rows[compare.NEW]), len(rows[compare.STILL_OPEN]), len(rows["Fixed"])


Pack = Callable[[Sequence[Issue]], Path]


def test_new_still_open_and_fixed(con: DuckDBPyConnection, tmp_path: Path, pack: Pack) -> None:
    before = pack([issue(unique_id="S1"), issue(unique_id="S2")])
    found = compared(con, tmp_path, before, [issue(unique_id="S2"), issue(unique_id="S3")])
    assert {state: [row[1] for row in rows] for state, rows in found.items()} == {
        compare.NEW: ["S3"],
        compare.STILL_OPEN: ["S2"],
        "Fixed": ["S1"],
    }


def test_rows_that_move_in_the_next_nights_file_are_the_same_issues(
    con: DuckDBPyConnection, tmp_path: Path, pack: Pack
) -> None:
    before = pack([source(f"student_id={at}", at, file_name="students_20261115.csv") for at in range(2, 9)])
    moved = [source(f"student_id={at}", 900 - at, severity="query", owner="Somebody else") for at in range(2, 9)]
    assert counts(compared(con, tmp_path, before, moved)) == (0, 7, 0)


@pytest.mark.parametrize(
    "other",
    [
        {"rule": "S-STU-07"},
        {"record_id": "student_id=2"},
        {"feed": "capita_one.enrolments"},
        {"column_name": "UPN"},
        {"record_id": None, "unique_id": "1"},
    ],
    ids=str,
)
def test_what_makes_another_issue(con: DuckDBPyConnection, tmp_path: Path, pack: Pack, other: dict[str, Any]) -> None:
    before = pack([source()])
    assert counts(compared(con, tmp_path, before, [replace(source(), **other)])) == (1, 0, 1)


def test_issues_about_no_record_are_told_apart_by_what_they_say_but_not_by_its_numbers(
    con: DuckDBPyConnection, tmp_path: Path, pack: Pack
) -> None:
    def said(*messages: str) -> list[Issue]:
        return [source(None, None, category="File", rule="F-16", message=message) for message in messages]

    before = pack(said("Stale: the newest file is 4 days older than 15/11/2026.", "Another thing."))
    found = compared(con, tmp_path, before, said("Stale: the newest file is 1,005 days older than 16/11/2026."))
    assert counts(found) == (0, 1, 1)
    assert found["Fixed"][0][-1] == "Another thing."


def test_files_that_no_feed_knows_are_told_apart_by_their_names_but_not_by_their_dates(
    con: DuckDBPyConnection, tmp_path: Path, pack: Pack
) -> None:
    def unknown(name: str) -> Issue:
        return source(None, None, rule="F-17", feed=None, file_name=name, message="No feed knows this file.")

    before = pack([unknown("notes_20261115.csv"), unknown("minutes.docx")])
    assert counts(compared(con, tmp_path, before, [unknown("notes_20261116.csv"), unknown("list.csv")])) == (1, 1, 1)


def test_values_without_a_code_are_told_apart_also_when_they_are_numbers(
    con: DuckDBPyConnection, tmp_path: Path, pack: Pack
) -> None:
    def unmapped(value: str) -> Issue:
        message = f"The value “{value}” is not mapped to a standard code."
        return source(None, None, category="Mapping", rule="M-01", message=message)

    before = pack([unmapped("42"), unmapped("7")])
    assert counts(compared(con, tmp_path, before, [unmapped("42"), unmapped("8")])) == (1, 1, 1)


def test_issues_that_are_alike_are_counted(con: DuckDBPyConnection, tmp_path: Path, pack: Pack) -> None:
    before = pack([source(None, at, category="File", rule="F-30") for at in (4, 9, 12)])
    found = compared(con, tmp_path, before, [source(None, at, category="File", rule="F-30") for at in (5, 6)])
    assert counts(found) == (0, 2, 1)


def rest(number: int) -> Issue:
    message = f"The ULN is not ten digits. {number + 2:,} rows in all: 2 are listed, {number} are not."
    return source(None, None, message=message, count=number)


def test_what_may_have_stood_among_the_unlisted_is_not_called_new_or_fixed(
    con: DuckDBPyConnection, tmp_path: Path, pack: Pack
) -> None:
    many = [source("student_id=1"), source("student_id=2"), rest(5)]
    fewer = [source("student_id=2"), source("student_id=3")]
    before = pack(many)
    assert counts(compared(con, tmp_path, before, fewer)) == (
        0,
        2,
        2,
    )  # 3 may be one of the five; 1 and the rest are gone
    before = pack(fewer)
    found = compared(con, tmp_path, before, many)
    assert counts(found) == (2, 1, 0)  # 1 is new, since all were listed; 3 may be one of the five now
    assert [row[2] for row in found[compare.STILL_OPEN]] == ["student_id=2"]


def test_no_earlier_pack_is_said_and_no_issue_has_a_state(con: DuckDBPyConnection, tmp_path: Path) -> None:
    hold(con, tmp_path, [issue(), source()])
    found = compare.compare(con, None)
    assert (found.said, found.as_at) == ("There is no earlier pack to compare with.", None)
    assert con.execute("SELECT DISTINCT state FROM compared").fetchall() == [(None,)]
    assert con.execute("SELECT count(*) FROM fixed").fetchall() == [(0,)]


def test_the_earlier_pack_is_named_by_its_date(con: DuckDBPyConnection, tmp_path: Path, pack: Pack) -> None:
    before = pack([issue()])
    found = compare.compare(con, before)
    assert (found.said, found.as_at) == ("Compared with the pack of 15/11/2026.", EARLIER)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def spoiled(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4 : len(data) // 2] = bytes(len(data) // 2 - 4)
    path.write_bytes(bytes(data))


def another_table(path: Path) -> None:
    parquet(path, "SELECT 'S1' AS unique_id", f"layout: '{compare.LAYOUT}', as_at: '2026-11-15'")


def without_a_date(path: Path) -> None:
    parquet(path, f"FROM read_parquet({literal(path.rename(path.with_name('whole.parquet')))})", "layout: '1'")


def of_an_older_layout(path: Path) -> None:
    parquet(path, "SELECT 'S1' AS unique_id", "layout: '0', as_at: '2026-11-15'")


def of_no_layout(path: Path) -> None:
    parquet(path, "SELECT 'S1' AS unique_id", "owner: 'somebody'")


def parquet(path: Path, query: str, metadata: str) -> None:
    with database.scratch() as con:
        con.execute(f"COPY ({query}) TO {literal(path)} (FORMAT parquet, KV_METADATA {{{metadata}}})")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (cut, "issues.parquet of the earlier pack is damaged"),
        (emptied, "issues.parquet of the earlier pack is damaged"),
        (spoiled, "issues.parquet of the earlier pack is damaged"),
        (another_table, "issues.parquet of the earlier pack is damaged"),
        (without_a_date, "issues.parquet of the earlier pack is damaged"),
        (of_an_older_layout, "issues.parquet of the earlier pack has another layout"),
        (of_no_layout, "issues.parquet of the earlier pack has another layout"),
        (Path.unlink, "The earlier pack has no issues.parquet"),
    ],
)
def test_an_earlier_pack_that_cannot_be_read_is_told_and_costs_nothing_else(
    con: DuckDBPyConnection, tmp_path: Path, pack: Pack, damage: Callable[[Path], None], reason: str
) -> None:
    before = pack([issue(unique_id=f"S{at}") for at in range(500)])
    damage(before)
    found = compare.compare(con, before)
    assert found.said.startswith(reason)
    assert found.as_at is None
    assert con.execute("SELECT count(*), count(state) FROM compared").fetchall() == [(500, 0)]
    assert con.execute("SELECT count(*) FROM fixed").fetchall() == [(0,)]


def test_equal_issues_give_an_equal_file_that_only_its_owner_can_read(con: DuckDBPyConnection, tmp_path: Path) -> None:
    written = []
    before = os.umask(files.PRIVATE_UMASK)
    try:
        for order in (1, -1):
            hold(con, tmp_path, [issue(unique_id=f"S{at}") for at in range(3_000)][::order])
            compare.write_issues(tmp_path / compare.NAME, con, EARLIER)
            written.append((tmp_path / compare.NAME).read_bytes())
    finally:
        os.umask(before)
    assert written[0] == written[1]
    assert (tmp_path / compare.NAME).stat().st_mode & 0o777 == 0o600


def test_a_run_has_the_issues_of_every_stage_in_the_file(tmp_path: Path) -> None:
    run = finished_run(tmp_path, found=[issue(unique_id="S1"), source()])
    with run_data.opened(run) as con:
        compare.write_issues(tmp_path / compare.NAME, con, AS_AT)
        rules = con.execute(f"SELECT rule FROM read_parquet({literal(tmp_path / compare.NAME)}) ORDER BY 1").fetchall()
        assert counts_of(con, tmp_path) == {compare.STILL_OPEN: 3}
    assert [rule for (rule,) in rules] == ["101a", "M-01", "S-STU-06"]


def counts_of(con: DuckDBPyConnection, folder: Path) -> dict[str, int]:
    compare.compare(con, folder / compare.NAME)
    return dict(con.execute("SELECT state, count(*) FROM compared GROUP BY 1").fetchall())


ANY = st.lists(
    st.builds(
        source,
        st.sampled_from([None, "student_id=1", "student_id=2", "student_id=1; x=2"]),
        st.sampled_from([None, 3, 4]),
        rule=st.sampled_from(["S-1", "S-2", "M-01"]),
        category=st.sampled_from(["Source", "Mapping"]),
        feed=st.sampled_from([None, "a.b", "a.c"]),
        unique_id=st.sampled_from([None, "1"]),
        column_name=st.sampled_from([None, "UPN"]),
        message=st.sampled_from(["One 1.", "One 2.", "Zwei \x1f."]),
        file_name=st.sampled_from([None, "x_20261115.csv", "y.csv"]),
    ),
    max_size=12,
)


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ANY, ANY)
def test_nothing_is_lost_or_told_twice_whatever_was_found(tmp_path: Path, one: list[Issue], other: list[Issue]) -> None:
    with database.scratch() as con:
        told, keys = [], []
        for before, now in ((one, other), (other, one)):
            hold(con, tmp_path, before)
            compare.write_issues(tmp_path / compare.NAME, con, EARLIER)
            told.append(compared(con, tmp_path, tmp_path / compare.NAME, now))
            keys.append({key for (key,) in con.execute("SELECT key FROM compared").fetchall()})
            assert len(keys[-1]) == len(now)
            states = told[-1]
            named = Counter((i.rule, i.unique_id, i.record_id, i.column_name, i.message) for i in now)
            assert (
                Counter(states[compare.NEW] + states[compare.STILL_OPEN]) == named
            )  # new and still open: all of today's
            gone = {key for (key,) in con.execute("SELECT key FROM earlier").fetchall()} - keys[-1]
            assert len(states["Fixed"]) <= len(gone)  # fixed: none of today's
        # What is new seen from here is fixed seen from there.
        assert [len(told[0][compare.NEW]), len(told[0]["Fixed"])] == [len(told[1]["Fixed"]), len(told[1][compare.NEW])]
        assert (
            counts(told[0])[0] - counts(told[0])[2] == len(other) - len(one) or any_unlisted(one) or any_unlisted(other)
        )


def any_unlisted(found: list[Issue]) -> bool:
    """Whether a rule lists some lines of a feed and counts others."""
    lines: dict[tuple[str, str | None], set[bool]] = {}
    for each in found:
        lines.setdefault((each.rule, each.feed), set()).add(each.line_no is None)
    return any(len(kinds) == 2 for kinds in lines.values())
