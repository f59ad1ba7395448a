"""Readers never block the load, and the load never breaks readers.

The readers are those of bench/readers.py, which measures the same for longer and on a council of any size.
"""

from pathlib import Path

import pytest

from bench import readers
from send_ready import warehouse
from tests import council

PUBLISHES = 30
# Beside eight readers on two cores a publication gets a fifth of the processor that it has alone; the rest is room for
# a busy build server. A publication that waited for its readers would wait for as long as they stay.
MOST_SLOWED = 10.0
SOME = (
    *("core.dim_person", "core.dim_establishment", "core.dim_date", "core.dim_code", "core.fct_attendance_week"),
    *("core.fct_ehc_plan", "kpi.kpi_values", "annex_a.rpt_annex_a__list_1", "quality.quality_feeds"),
    "quality.quality_issues",
)


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> readers.Watch:
    """Two runs of a small council with some tables of each schema, each published before."""
    run, settings = council.copied(tmp_path_factory.mktemp("readers"), tmp_path_factory)
    leave_some_tables(run.warehouse)
    return readers.Watch(run, settings)


def leave_some_tables(path: Path) -> None:
    """What publishing takes is by the table, and thirty publications are to be made."""
    with warehouse.writer(path) as con:
        tables = con.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables()").fetchall()
        for (table,) in tables:
            if table.startswith(readers.SCHEMAS) and table not in SOME:
                con.execute(f"DROP TABLE {table}")


def test_eight_readers_and_thirty_publications_get_on(watch: readers.Watch, capsys: pytest.CaptureFixture[str]) -> None:
    (observed,) = watch.watch(PUBLISHES, tuple(readers.OF_FILES) * 2, pause=0.1).values()
    with capsys.disabled():
        print("", readers.HEADER, *observed.report(), sep="\n")
    assert list(observed.problems()) == []
    assert len(observed.publications) == PUBLISHES
    assert observed.slowed < MOST_SLOWED
    for mine in observed.readings.values():
        assert {reading.run_id for reading in mine} == {"first", "second"}
        assert any(observed.meanwhile(reading) for reading in mine), "nothing was read while it was published"
