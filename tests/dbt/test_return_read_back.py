"""The return made of Capita One, read back alone: its List 1 is Capita One's wherever a return can say what it says."""

from pathlib import Path
from typing import Any

import pytest

from publish.sen2.beside import FEEDS
from send_ready import database, sen2
from send_ready.database import identifier, literal
from tests import nights
from tests.dbt.harness import build, make_raw, read
from tests.dbt.test_returns import NO_HUB, NO_ONE
from tests.nights import AS_AT

SAME = ("upn", "uln", "birth_date", "gender", "ethnicity", "last_review_date", "primary_need")
PLACED = ("main_urn", "main_phase", "subsidiary_phase")


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> nights.Night:
    return nights.of(nights.CLEAN, tmp_path_factory)


@pytest.fixture(scope="module")
def read_back(night: nights.Night, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The warehouse of the return alone, as at the same day: what it describes is known up to that day."""
    path = make_raw(tmp_path_factory.mktemp("read_back") / "warehouse.duckdb", never_received=NO_ONE + NO_HUB)
    (built,) = (night.folder / "home" / "runs").glob("*/warehouse.duckdb")
    with database.writer(path) as con:
        con.execute(f"ATTACH {literal(built)} AS built (READ_ONLY)")
        schools = night.folder / "home" / "typed" / "gias" / "establishments" / "*" / "*" / "rows.parquet"
        con.execute(f"INSERT INTO raw.gias__establishments BY NAME FROM read_parquet({literal(schools)})")
        for module in sen2.modules(AS_AT.year + 1).values():
            if module.name != sen2.ROOT:
                keys = [key for key in (module.key, module.parent_key) if key]
                columns = ", ".join(
                    map(identifier, [*keys, "order_seq", *(each.column_name for each in module.columns)])
                )
                con.execute(f"""
                    INSERT INTO raw.{identifier("sen2__" + FEEDS[module.name])} BY NAME
                    SELECT {AS_AT.year + 1} AS return_year, {literal(AS_AT)} AS reference_date, {columns}
                    FROM built.{sen2.SCHEMA}.{identifier(module.table)}""")
        con.execute("DETACH built")
    return build(path, is_generous=True)


def lists(night: nights.Night, read_back: Path) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Each child's row in Capita One's List 1 and in that of the return alone, by its number there."""
    numbers = read(night.warehouse, "SELECT unique_id, person_table_id FROM sen2.person")
    alone = {row["unique_id"]: row for row in read(read_back, "FROM annex_a.rpt_annex_a__list_1")}
    ours = {row["unique_id"]: row for row in read(night.warehouse, "FROM annex_a.rpt_annex_a__list_1")}
    named = {row["unique_id"]: f"SEN2-{row['person_table_id']}" for row in numbers}
    assert len(ours) > 50 and {named.get(unique_id) for unique_id in ours} == set(alone)
    return [(row, alone[named[unique_id]]) for unique_id, row in ours.items()]


def test_list_1_of_the_return_alone_is_that_of_capita_one(night: nights.Night, read_back: Path) -> None:
    returned = "SELECT unique_id, bool_or(assessment_outcome = 'Y') AS is_dated FROM sen2.assessment GROUP BY ALL"
    dated = {row["unique_id"] for row in read(night.warehouse, returned) if row["is_dated"]}
    homes = {row["person_id"] for row in read(night.warehouse, "FROM core.fct_home_education WHERE is_open")}
    differing = []
    for ours, alone in lists(night, read_back):
        columns = [*SAME, *PLACED]
        if ours["unique_id"] in dated:
            columns += ["initial_plan_date", "updated_plan_date"]
        elif (alone["initial_plan_date"], alone["updated_plan_date"]) != (None, None):
            differing.append((ours["unique_id"], "dated", alone["initial_plan_date"], None))
        # At home and on a roll, a return has the school; of a child who is nowhere it says nothing.
        is_nowhere = ours["main_urn"] is None and ours["subsidiary_phase"] is None and ours["unique_id"] not in homes
        if not (ours["unique_id"] in homes and ours["main_urn"]) and not is_nowhere:
            columns += ["elective_home_education"]
        differing += [
            (ours["unique_id"], column, ours[column], alone[column])
            for column in columns
            if ours[column] != alone[column]
        ]
    assert not differing
    assert dated


def test_the_return_alone_says_nothing_of_what_it_cannot_hold(read_back: Path) -> None:
    unknown = ("suspension_count", "permanent_exclusion_count", "absence_pct", "pupil_premium")
    held = " OR ".join(f"{column} IS NOT NULL" for column in unknown)
    assert not read(read_back, f"FROM annex_a.rpt_annex_a__list_1 WHERE {held} OR disability <> 'Unknown'")
    assert not read(read_back, "FROM annex_a.rpt_annex_a__list_2")
