"""Each macro's example, as it stands beside it."""

import re
from pathlib import Path

import duckdb
import pytest

from extract.own import closed, prepare

TEXT = prepare.MACROS.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^-- > (.+)\n-- = (.+)$", TEXT, re.MULTILINE)


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    found = duckdb.connect()
    found.execute(f"CREATE TABLE gias ({', '.join(f'{name} VARCHAR' for name in closed.GIAS)})")
    found.execute("INSERT INTO gias VALUES ('100009', '888', '4001', 'Old', '2', NULL)")
    found.execute("INSERT INTO gias VALUES ('100001', '888', '4001', 'New', '1', '2020-09-01')")
    found.execute("INSERT INTO gias VALUES ('100002', '889', '4001', 'Other', '1', NULL)")
    found.execute(TEXT)
    return found


def test_each_macro_has_an_example() -> None:
    assert len(EXAMPLES) == TEXT.count("CREATE MACRO")


@pytest.mark.parametrize(("asked", "answer"), EXAMPLES)
def test_example(con: duckdb.DuckDBPyConnection, asked: str, answer: str) -> None:
    assert str(con.execute(f"SELECT {asked}").fetchall()[0][0]) == answer


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("any_date('03/04/2026')", "2026-04-03"),
        ("any_date('3rd of neither')", "3rd of neither"),
        ("any_date('46342')", "2026-11-16"),
        ("any_date('November 16, 2026')", "2026-11-16"),
        ("any_date('')", ""),
        ("any_date(NULL)", None),
        ("code_of('ZZZ', MAP {'a': 'b'})", "ZZZ"),
        ("code_of(NULL, MAP {'a': 'b'})", None),
        ("first_filled(['', NULL])", None),
        ("urn_of('4001', '889')", "100002"),
        ("urn_of('8884001', NULL)", "100001"),
        ("urn_of('', '888')", None),
        ("urn_of(NULL, '888')", None),
        ("surname_of('Smith')", "Smith"),
        ("forenames_of('Smith')", None),
        ("steady_key(['A123 ', '2026-11-16']) = steady_key(['a123', '2026-11-16'])", True),
        ("steady_key(['a', 'bc']) = steady_key(['ab', 'c'])", False),
    ],
)
def test_boundary(con: duckdb.DuckDBPyConnection, asked: str, answer: object) -> None:
    assert con.execute(f"SELECT {asked}").fetchall()[0][0] == answer


def test_they_are_shipped_beside_the_preparations() -> None:
    assert prepare.MACROS.parent == prepare.SHIPPED == Path(prepare.HERE.parent, "prepare")
