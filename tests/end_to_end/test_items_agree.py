"""Three further items, worked out once more from the raw exports with pandas alone, agree with the pipeline's.

Only who is on which list is taken from elsewhere: from the floor, which shares no code with the pipeline either.
"""

from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from tests import nights
from tests.nights import AS_AT
from tools.bench import floor

DAY = pd.Timestamp(AS_AT)
ALTERNATIVE_PROVISION = (
    "14",
    "38",
    "42",
    "43",
)  # GIAS: pupil referral unit, alternative provision free school, academies
URN = 10  # of List 1's columns
GROUPS = {"EHC plan": "List_1", "SEN support": "List_2"}


class Exports:
    """The raw exports of a folder, as text but for their dates."""

    def __init__(self, inbox: Path) -> None:
        self.inbox = inbox

    def read(self, stem: str, *dates: str) -> pd.DataFrame:
        [path] = self.inbox.glob(f"{stem}*.csv")
        table = pd.read_csv(path, dtype=str, encoding="cp1252", keep_default_na=False)
        return table.assign(**{name: pd.to_datetime(table[name], format="%d/%m/%Y") for name in dates})

    def establishments(self) -> pd.DataFrame:
        return self.read("edubasealldata").set_index("URN")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Exports, dict[str, list[tuple[Any, ...]]], Path]:
    night = nights.of(nights.CLEAN, tmp_path_factory)
    return Exports(night.inbox), floor.lists(night.inbox, AS_AT, "999").plain, night.warehouse


def published(path: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute(query).fetchall()


def test_placements_out_of_area(made: Any) -> None:
    exports, lists, warehouse = made
    la = exports.establishments()["LA (code)"]
    expected = {(row[0], row[URN]) for row in lists["List_1"] if row[URN] in la.index and la[row[URN]] != "999"}
    assert len(expected) > 20
    assert set(published(warehouse, "SELECT unique_id, urn FROM annex_a.rpt_annex_a__out_of_area")) == expected


@pytest.mark.parametrize(
    ("period", "first"),
    [
        ("Six months, as the lists", DAY - pd.DateOffset(months=6, days=-1)),
        ("Academic year to date", pd.Timestamp(2026, 9, 1)),
    ],
)
def test_attendance(made: Any, period: str, first: pd.Timestamp) -> None:
    exports, lists, warehouse = made
    weeks = exports.read("capita_one_attendance", "Week Commencing")
    weeks = weeks[weeks["Week Commencing"].between(first, DAY)]
    counts = ["Sessions Possible", "Authorised Absence", "Unauthorised Absence"]
    totals = weeks.assign(**{name: pd.to_numeric(weeks[name]) for name in counts}).groupby("Student ID")[counts].sum()
    totals = totals[totals["Sessions Possible"] > 0]
    missed = totals["Authorised Absence"] + totals["Unauthorised Absence"]
    of = {row[0]: group for group, sheet in GROUPS.items() for row in lists[sheet]}
    group_of = pd.Series([of.get(student, "Other") for student in totals.index], index=totals.index)
    expected = {}
    for group in (*GROUPS, "Other"):
        own, lost = totals[group_of == group], missed[group_of == group]
        possible = own["Sessions Possible"]
        expected[group] = (
            len(own),
            *own.sum(),
            (10 * lost >= possible).sum(),
            (2 * lost >= possible).sum(),
            pytest.approx(100 * lost.sum() / possible.sum(), abs=0.0501),
        )
        assert expected[group][4] > 0
    rows = published(
        warehouse,
        f"""
        SELECT sen_group, child_count, sessions_possible_count, sessions_authorised_count,
               sessions_unauthorised_count, persistent_count, severe_count, CAST(absence_pct AS DOUBLE)
        FROM annex_a.rpt_annex_a__attendance WHERE period = '{period}'
        """,
    )
    assert {group: tuple(values) for group, *values in rows} == expected


def test_attendees_of_alternative_provision(made: Any) -> None:
    exports, lists, warehouse = made
    people = exports.read("capita_one_students", "Date of Death").set_index("Student ID")
    enrolled = exports.read("capita_one_enrolments", "Entry Date", "Leaving Date")
    is_open = (enrolled["Entry Date"] <= DAY) & ~(enrolled["Leaving Date"] <= DAY)
    enrolled = enrolled[is_open].assign(
        order=enrolled["Enrolment Status"].map({"C": 1, "M": 1, "F": 2, "O": 3, "S": 4})
    )
    enrolled = enrolled.dropna(subset="order").sort_values(
        ["order", "Entry Date", "URN"], ascending=[True, False, True], kind="stable"
    )
    enrolled = enrolled.assign(registration=enrolled["order"].map(lambda order: "Subsidiary" if order == 4 else "Main"))
    first = enrolled.groupby(["Student ID", "registration"], as_index=False).first()
    kinds = exports.establishments()["TypeOfEstablishment (code)"].str.lstrip("0")
    there = first[first["URN"].map(kinds).isin(ALTERNATIVE_PROVISION)]
    alive = ~(there["Student ID"].map(people["Date of Death"]) <= DAY)
    of = {row[0]: group for group, sheet in GROUPS.items() for row in lists[sheet]}
    expected = {
        (row["Student ID"], row["registration"], row["URN"], of.get(row["Student ID"]))
        for row in there[alive].to_dict("records")
    }
    found = set(
        published(
            warehouse,
            "SELECT unique_id, registration, urn, CASE WHEN list_name IS NOT NULL THEN sen_group END "
            "FROM annex_a.rpt_annex_a__alternative_provision",
        )
    )
    assert len(expected) > 5
    assert found == expected
