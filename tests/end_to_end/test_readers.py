"""Readers never block the load, and the load never breaks readers.

The readers are those of tools/bench/readers.py, which measures the same for longer and on a council of any size.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from send_ready import database
from tests import council
from tools.bench import readers
from warehouse import serve

PUBLISHES = 12
# Beside eight readers on two cores a publication gets a fifth of the processor that it has alone; the rest is room for
# a busy build server. A publication that waited for its readers would wait for as long as they stay.
MOST_SLOWED = 10.0
SOME = (
    *("core.dim_person", "core.dim_establishment", "core.dim_date", "core.dim_code", "core.fct_attendance_week"),
    *("core.fct_ehc_plan", "kpi.kpi_values", "annex_a.rpt_annex_a__list_1", "quality.quality_feeds"),
    "quality.quality_issues",
)


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[readers.Watch]:
    """Two runs of a small council with some tables of each schema, each published before."""
    run, settings = council.copied(tmp_path_factory.mktemp("readers"), tmp_path_factory)
    leave_some_tables(run.warehouse)
    with readers.own_postgres() as (publish_url, reading_url):
        yield readers.Watch(run, replace(settings, publish_url=publish_url), reading_url)


def leave_some_tables(path: Path) -> None:
    """What publishing takes is by the table, and many publications are to be made."""
    with database.writer(path) as con:
        tables = con.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables()").fetchall()
        for (table,) in tables:
            if table.startswith(readers.SCHEMAS) and table not in SOME:
                con.execute(f"DROP TABLE {table}")


def test_eight_readers_and_twelve_publications_get_on(watch: readers.Watch, capsys: pytest.CaptureFixture[str]) -> None:
    observed = watch.watch(PUBLISHES, pause=0.1)
    with capsys.disabled():
        print("", readers.HEADER, *(line for each in observed.values() for line in each.report()), sep="\n")
    assert {kind for each in observed.values() for kind in each.readings} == set(readers.KINDS)
    for each in observed.values():
        assert list(each.problems()) == []
        assert len(each.publications) == PUBLISHES
        assert each.slowed < MOST_SLOWED
        for mine in each.readings.values():
            assert {reading.run_id for reading in mine} == {"first", "second"}
            assert any(each.meanwhile(reading) for reading in mine), "nothing was read while it was published"


def test_parquet_is_of_one_run_when_the_link_is_resolved_once_and_may_be_of_two_when_not(watch: readers.Watch) -> None:
    """What docs/users/bi.md warns of, so that it keeps to the truth."""
    link = watch.settings.home / "serving"

    def run_id(folder: Path, table: str) -> object:
        with duckdb.connect() as con:
            return con.execute(f"SELECT any_value(run_id) FROM '{folder}/parquet/{table}.parquet'").fetchall()[0][0]

    serve.serve(watch.runs[0], watch.settings)
    resolved = link.resolve()
    before = run_id(link, "core/dim_person")
    serve.serve(watch.runs[1], watch.settings)
    assert (before, run_id(link, "core/fct_ehc_plan")) == ("first", "second")
    assert {run_id(resolved, table) for table in ("core/dim_person", "core/fct_ehc_plan")} == {"first"}


def test_a_file_opened_again_shows_the_new_run_also_where_the_old_one_is_still_open(watch: readers.Watch) -> None:
    path = str(watch.settings.home / "serving" / "bi.duckdb")
    question = "SELECT run_id FROM quality.runs"
    serve.serve(watch.runs[0], watch.settings)
    with duckdb.connect(path, read_only=True) as old:
        serve.serve(watch.runs[1], watch.settings)
        with duckdb.connect(path, read_only=True) as new:
            assert (old.execute(question).fetchall(), new.execute(question).fetchall()) == ([("first",)], [("second",)])
