"""The same council in another layout has the same lists, cell by cell."""

from pathlib import Path

import pytest

from send_ready import database
from send_ready.database import identifier
from tests import nights
from tests.golden.pipeline import Pipeline
from tests.nights import AS_AT, CLEAN
from tests.other_layouts.transform import another_layout

LISTS = ("annex_a.rpt_annex_a__list_1", "annex_a.rpt_annex_a__list_2")
OF_A_RUN = {"run_id"}


def rows(warehouse: Path, table: str) -> dict[str, dict[str, object]]:
    """By Unique ID the cells of a list."""
    with database.reader(warehouse) as con:
        names = [name for name, *_ in con.execute(f"DESCRIBE {table}").fetchall() if name not in OF_A_RUN]
        found = con.execute(f"SELECT {', '.join(map(identifier, names))} FROM {table}").fetchall()
    return {str(row[0]): dict(zip(names, row, strict=True)) for row in found}


@pytest.fixture(scope="module")
def warehouses(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The warehouse of the default layout, and of another of the same exports."""
    folder = tmp_path_factory.mktemp("other_layout")
    inbox = folder / "inbox"
    CLEAN.write(inbox, folder / "key.csv")
    another_layout(inbox, AS_AT)
    return nights.of(CLEAN, tmp_path_factory).warehouse, Pipeline(folder / "home", inbox, AS_AT).build()


@pytest.mark.parametrize("table", LISTS)
def test_the_lists_are_the_same_cell_by_cell(warehouses: tuple[Path, Path], table: str) -> None:
    default, other = (rows(warehouse, table) for warehouse in warehouses)
    assert default.keys() == other.keys() and len(default) > 500
    differing = {
        column: sum(default[child][column] != other[child][column] for child in default)
        for column in next(iter(default.values()))
    }
    assert {column: count for column, count in differing.items() if count} == {}


def test_what_stood_in_is_told_and_nobody_became_another(warehouses: tuple[Path, Path]) -> None:
    default, other = (database.reader(warehouse) for warehouse in warehouses)
    with default as one, other as two:
        persons = "SELECT count(*), count(DISTINCT person_id), count(*) FILTER (is_known_student) FROM core.dim_person"
        assert one.execute(persons).fetchall() == two.execute(persons).fetchall()
        made = "SELECT count(*) FROM core.dim_person WHERE regexp_matches(person_id, '^(UPN|KEY)-')"
        assert two.execute(made).fetchall() == [(0,)]
