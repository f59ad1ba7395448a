"""What the columns of a table hold: the kind of their values, codes with counts, and never a child's value."""

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from extract.refusal import Refusal
from onboarding import profile, reading
from onboarding.profile import Profile
from send_ready import database
from tests.fuzz import cases, exports
from tests.onboarding import odd

AS_AT = date(2026, 11, 16)


def profiles(folder: Path, rows: Sequence[Sequence[object]], codes: frozenset[str] = frozenset()) -> dict[str, Profile]:
    odd.write_csv(folder / "export.csv", rows)
    with database.scratch(folder) as con:
        (table,), _ = reading.read_tables(con, folder / "export.csv", ".csv", "export.csv", frozenset(), work(folder))
        gias = frozenset({"900001"}), frozenset({"9992001"})
        found = profile.profile_columns(con, table, gias, codes, lambda heading: heading == "Gender", AS_AT)
        return {each.heading: each for each in found}


def work(folder: Path) -> Path:
    made = folder / "work"
    made.mkdir(exist_ok=True)
    return made


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("upn", [odd.upn(at) for at in range(30)]),
        ("uln", ["9990000009", "9990000017", "9990000025"] * 10),
        ("birth", [f"{odd.born(at):%d/%m/%Y}" for at in range(30)]),
        ("date", [f"{1 + at % 28:02}/10/2026" for at in range(30)]),
        ("postcode", ["ZZ1 1AA", "ZZ11 1AB"] * 15),
        ("urn", ["900001"] * 30),
        ("dfe", ["999/2001"] * 20 + ["9992001"] * 10),
        ("boolean", ["Yes", "No", "Y"] * 10),
        ("code", ["Autism", "SEMH", "SLCN"] * 10),
        ("id", [f"C{at:05}" for at in range(30)]),
        ("decimal", [f"{at}.5" for at in range(30)]),
        ("integer", list(map(str, range(10))) * 3),
        ("text", [f"{odd.MARK} {'x' * at}" for at in range(30)]),
    ],
)  # fmt: skip
def test_kinds(tmp_path: Path, kind: str, values: list[str]) -> None:
    rows = [["Held", "Number"], *([value, at] for at, value in enumerate(values))]
    found = profiles(tmp_path, rows, frozenset({"autism", "semh"}))
    assert found["Held"].kind == kind


def test_dates_of_a_child_are_told_from_dates_of_events(tmp_path: Path) -> None:
    rows = [["D.O.B.", "Seen"], *([f"{odd.born(at):%d/%m/%Y}", f"{1 + at % 28}/09/2026"] for at in range(30))]
    found = profiles(tmp_path, rows)
    assert found["D.O.B."].kind == "birth" and found["D.O.B."].days is None
    assert found["Seen"].days == (date(2026, 9, 1), date(2026, 9, 28))


def test_only_codes_that_many_rows_have_are_shown(tmp_path: Path) -> None:
    values = ["Boy"] * 10 + ["Girl"] * 9 + ["Ash"] * 2 + [odd.upn(1)] * 5
    found = profiles(tmp_path, [["Gender", "No"], *([value, at] for at, value in enumerate(values))])["Gender"]
    assert found.codes == (("Boy", 10), ("Girl", 9)) and found.withheld == 2


def test_names_that_stand_in_many_rows_are_not_shown(tmp_path: Path) -> None:
    """A child's name stands in every row of its attendance: few names, each in many rows, are codes by their number."""
    rows = [["Pupil", "Surname", "Mark"], *([f"{odd.MARK} {at % 4}", odd.MARK, "/"] for at in range(60))]
    found = profiles(tmp_path, rows)
    assert not any(odd.MARK in value for each in found.values() for value, _ in each.codes)


def test_a_upn_is_known_by_its_letter() -> None:
    good = odd.upn(123)
    assert profile.is_upn(good) and profile.is_upn(good.lower())
    wrong = odd.LETTERS[(odd.LETTERS.index(good[0]) + 1) % 23] + good[1:]
    assert not profile.is_upn(wrong) and not profile.is_upn(good[:-1])


def test_no_file_that_mutations_make_stops_it(tmp_path: Path) -> None:
    """Whatever came is read to tables, or refused in words."""
    council = exports.council(tmp_path / "council", odd.given(tmp_path))
    for number in range(48):
        _, case = cases.case(council, 20261116, number)
        suffix = "." + case.name.rpartition(".")[2].strip().casefold()
        if suffix not in (".csv", ".txt", ".tsv", ".xlsx", ".xls"):
            continue
        path = tmp_path / "export"
        path.write_bytes(case.data)
        folder = tmp_path / str(number)
        folder.mkdir()
        with database.scratch(folder) as con:
            try:
                tables, _ = reading.read_tables(con, path, suffix, case.name, frozenset(), folder)
            except Refusal as refusal:
                assert re.fullmatch(r"F-\d\d", refusal.code) and refusal.reason.endswith(".")
                continue
            for table in tables:
                for each in profile.profile_columns(
                    con, table, (frozenset(), frozenset()), frozenset({"asd", "k"}), lambda _: True, AS_AT
                ):
                    assert each.kind in profile.KINDS and 0 <= each.filled <= each.rows
