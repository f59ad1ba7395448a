"""Two SEN2 returns side by side: who is who, which record is which, and what each element says."""

from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from publish.sen2 import comparison
from publish.sen2.comparison import DIFFERS, ONLY_FIRST, ONLY_SECOND
from send_ready import sen2
from send_ready.database import identifier
from send_ready.sen2 import ROOT, Module

MODULES = sen2.modules(2026)
TYPES = {"date": "DATE", "flag": "BOOLEAN"}

Rows = dict[str, list[dict[str, Any]]]


def put(con: duckdb.DuckDBPyConnection, schema: str, rows: Rows) -> None:
    """A return as nine tables of a schema."""
    con.execute(f"CREATE SCHEMA {schema}")
    for module in MODULES.values():
        keys = [name for name in (module.key, module.parent_key, "order_seq") if name]
        columns = [f"{name} BIGINT" for name in keys]
        columns += [f"{each.column_name} {TYPES.get(each.data_type, 'VARCHAR')}" for each in module.columns]
        columns += ["unique_id VARCHAR"] if module.name == "person" else []
        con.execute(f"CREATE TABLE {schema}.{module.table} ({', '.join(columns)})")
        for place, row in enumerate(rows.get(module.name, ()), 1):
            held = {"order_seq": place, module.key: place} | row
            names = ", ".join(map(identifier, held))
            con.execute(
                f"INSERT INTO {schema}.{module.table} ({names}) VALUES ({', '.join('?' * len(held))})", [*held.values()]
            )


def person(upn: str | None, surname: str, born: str = "2015-01-02", **more: Any) -> dict[str, Any]:
    return {"upn": upn, "surname": surname, "forename": "Ada", "person_birth_date": born} | more


FIRST: Rows = {
    "person": [
        person("A1", "Able", unique_id="S1"),
        person(None, "O'Brien", unique_id="S2"),
        person("C3", "Cole", unique_id="S3"),
        person("D4", "Twin", unique_id="S4"),
        person("D4", "Twin", "2015-01-03", unique_id="S5"),
    ],
    "requests": [
        {"person_table_id": 1, "received_date": "2024-01-01", "rya": False},
        {"person_table_id": 1, "received_date": "2025-01-01", "rya": False},
        {"person_table_id": 2, "received_date": None},
        {"person_table_id": 3, "received_date": "2025-05-05"},
    ],
    "assessment": [{"requests_table_id": 2, "assessment_outcome": "Y"}],
    "active_plans": [{"requests_table_id": 2}],
    "placement_detail": [
        {"active_plans_table_id": 1, "urn": "100001", "placement_rank": "1", "entry_date": "2024-09-01"},
        {"active_plans_table_id": 1, "urn": "100002", "placement_rank": "2", "entry_date": "2024-09-01"},
    ],
    "sen_need": [{"active_plans_table_id": 1, "sen_type": "ASD", "sen_type_rank": "1"}],
}
SECOND: Rows = {  # other numbers, another order
    "person": [
        person(None, "O BRIEN"),
        person("a1 ", "Abel"),
        person("E5", "Else"),
        person("D4", "Twin", "2015-01-03"),
        person("D4", "Twin"),
    ],
    "requests": [
        {"person_table_id": 2, "received_date": "2025-01-01", "rya": None},
        {"person_table_id": 2, "received_date": "2024-01-01", "rya": False},
        {"person_table_id": 1, "received_date": "2025-03-03"},
        {"person_table_id": 3, "received_date": "2025-05-05"},
    ],
    "assessment": [{"requests_table_id": 1, "assessment_outcome": "H"}],
    "active_plans": [{"requests_table_id": 1}],
    "placement_detail": [
        {"active_plans_table_id": 1, "urn": "100002", "placement_rank": "1", "entry_date": "2024-09-01"},
        {"active_plans_table_id": 1, "urn": "100001", "placement_rank": "2", "entry_date": "2024-09-01"},
    ],
    "sen_need": [
        {"active_plans_table_id": 1, "sen_type": "SLCN", "sen_type_rank": "1"},
        {"active_plans_table_id": 1, "sen_type": "ASD", "sen_type_rank": "2"},
    ],
}


def relation(schema: str) -> comparison.Relation:
    def of(module: Module) -> str:
        return f"{schema}.{module.table}"

    return of


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    put(con, "ours", FIRST)
    put(con, "theirs", SECOND)
    comparison.compare(con, MODULES, relation("ours"), relation("theirs"))
    return con


def differences(con: duckdb.DuckDBPyConnection, module: str) -> list[tuple[Any, ...]]:
    return con.execute(
        f"SELECT first_person, second_person, element, first_value, second_value, what FROM {comparison.DIFFERENCES} "
        "WHERE module = ? ORDER BY ALL",
        [module],
    ).fetchall()


def test_persons_go_together_by_what_is_theirs_alone(con: duckdb.DuckDBPyConnection) -> None:
    pairs = con.execute(
        "SELECT one.own, two.own FROM one_person one JOIN two_person two USING (pair) ORDER BY 1"
    ).fetchall()
    assert pairs == [(1, 2), (2, 1), (4, 5), (5, 4)]  # twins of one UPN by their dates of birth
    assert differences(con, "person") == [
        (1, 2, "Surname", "Able", "Abel", DIFFERS),
        (1, 2, "UPN", "A1", "a1", DIFFERS),
        (2, 1, "Surname", "O'Brien", "O BRIEN", DIFFERS),
        (3, None, None, "Surname Cole; Forename Ada; PersonBirthDate 2015-01-02; UPN C3", None, ONLY_FIRST),
        (None, 3, None, None, "Surname Else; Forename Ada; PersonBirthDate 2015-01-02; UPN E5", ONLY_SECOND),
    ]


def test_what_stands_below_goes_together_by_what_tells_it_best(con: duckdb.DuckDBPyConnection) -> None:
    assert differences(con, "requests") == [
        (1, 2, "RYA", "0", None, ONLY_FIRST),
        (2, 1, "ReceivedDate", None, "2025-03-03", ONLY_SECOND),  # in order, as one date is blank
    ]  # of Cole and Else nothing is told again
    assert differences(con, "assessment") == [(1, 2, "AssessmentOutcome", "Y", "H", DIFFERS)]
    assert {row[2:5] for row in differences(con, "placement_detail")} == {
        ("PlacementRank", "1", "2"),
        ("PlacementRank", "2", "1"),
    }
    assert [row[2:] for row in differences(con, "sen_need")] == [
        ("SENtype", "ASD", "SLCN", DIFFERS),
        (None, None, "SENtype ASD; SENtypeRank 2", ONLY_SECOND),
    ]


def test_every_value_is_counted_once(con: duckdb.DuckDBPyConnection) -> None:
    counts = {row[:2]: row[3:] for row in con.execute(f"FROM {comparison.COUNTS}").fetchall()}
    assert counts["person", None] == (4, 0, 1, 1)
    assert counts["person", "UPN"] == (2, 1, 1, 1)
    assert counts["requests", None] == (3, 0, 1, 1)
    assert counts["requests", "RYA"] == (1, 0, 1, 0)
    assert ("requests", "RequestSource") not in counts  # blank everywhere
    for module in MODULES.values():
        if module.name != ROOT:
            ours, theirs = (
                con.execute(f"SELECT count(*) FROM {side}.{module.table}").fetchall()[0][0]
                for side in ("ours", "theirs")
            )
            equal, _, first, second = counts[module.name, None]
            assert (equal + first, equal + second) == (ours, theirs)


def test_a_return_is_equal_to_itself() -> None:
    con = duckdb.connect()
    put(con, "ours", FIRST)
    comparison.compare(con, MODULES, relation("ours"), relation("ours"))
    assert not con.execute(f"FROM {comparison.DIFFERENCES}").fetchall()


def test_the_workbook_names_both_returns(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "sen2_comparison.xlsx"
    sides = comparison.Sides("Made", "Read in")
    told = comparison.write(path, con, MODULES, sides)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["About", "Elements", "Differences"]
    rows = list(book["Differences"].values)
    assert len(rows) == told + 1
    assert rows[0][6:] == ("Made", "Read in", "What is so")
    assert rows[1] == ("S1", 2, "Able", "Ada", "Person", "Surname", "Able", "Abel", "differs")
    assert rows[-1][-1] == "only in Read in"
