"""kpi.values, and the same figures worked out once more from the raw exports, agree: whole councils, several ends."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from tests import nights
from tests.end_to_end.kpis_from_exports import Council, Figures
from tests.nights import AS_AT

ENDS = [
    AS_AT,
    *map(date.fromisoformat, ("2026-10-31", "2026-08-31", "2026-02-28", "2025-02-28", "2024-02-29", "2023-11-30")),
]
LIKE_TO_LIKE = ("K01", "K02", "K03", "K04", "K07", "K09", "K11", "K12", "K13", "K14", "K15", "K19", "K20", "K22", "K24")


@pytest.fixture(scope="module", params=[nights.CLEAN, nights.OTHER], ids=["clean", "with faults"])
def night(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The inbox and the published warehouse of an invented council's night."""
    found = nights.of(request.param, tmp_path_factory)
    return found.inbox, found.warehouse


def published(warehouse: Path, end: date) -> Figures:
    with duckdb.connect(str(warehouse), read_only=True) as con:
        rows = con.execute(
            "SELECT kpi_id, period_type, breakdown_type, breakdown_value, numerator, denominator "
            "FROM kpi.values WHERE period_end = ? AND (numerator <> 0 OR denominator <> 0) "
            "AND kpi_id NOT IN (SELECT kpi_id FROM kpi.supplied)",
            [end],
        ).fetchall()
    return {
        (kpi, window, kind, value): (numerator, denominator)
        for kpi, window, kind, value, numerator, denominator in rows
    }


def test_every_kpi_and_breakdown_agrees_with_a_plain_reading_of_the_exports(night: tuple[Path, Path]) -> None:
    inbox, warehouse = night
    second = Council(inbox, AS_AT)
    for end in ENDS:
        wanted, found = second.figures(end), published(warehouse, end)
        assert len(wanted) > 800
        differing = {
            key: (wanted.get(key), found.get(key))
            for key in wanted.keys() | found.keys()
            if key not in wanted
            or key not in found
            or wanted[key][1] != found[key][1]
            or wanted[key][0] != pytest.approx(found[key][0], abs=1e-6)
        }
        assert differing == {}, end


def read(warehouse: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(warehouse), read_only=True) as con:
        return con.execute(query).fetchall()


def test_a_part_is_never_more_than_the_whole(night: tuple[Path, Path]) -> None:
    _, warehouse = night
    assert read(warehouse, "FROM kpi.values WHERE unit = 'percent' AND numerator > denominator") == []
    assert read(warehouse, "FROM kpi.values WHERE unit = 'percent' AND value NOT BETWEEN 0 AND 100") == []
    assert read(warehouse, "FROM kpi.values WHERE (value IS NULL) <> (denominator IS NOT DISTINCT FROM 0)") == []


def test_every_breakdown_adds_up_to_all(night: tuple[Path, Path]) -> None:
    """But for groups and levels of absence, whose `all` is of children with a plan. A share keeps the denominator."""
    _, warehouse = night
    sums = """
        SELECT kpi_id, period_type, period_end, part.breakdown_type
        FROM kpi.values part JOIN kpi.values whole USING (kpi_id, period_type, period_end)
        WHERE whole.breakdown_type = 'all' AND part.breakdown_type <> 'all' AND NOT (
            part.kpi_id IN ('K47', 'K48') AND part.breakdown_type IN ('level', 'sen_group', 'sen_group_level'))
        GROUP BY ALL
        HAVING abs(sum(part.numerator) - any_value(whole.numerator)) > 1e-6 OR NOT (
            sum(part.denominator) IS NOT DISTINCT FROM any_value(whole.denominator)
            OR min(part.denominator) = any_value(whole.denominator)
            OR part.breakdown_type = 'sen_group_care_status')
    """
    assert read(warehouse, sums) == []
    parts = "SELECT count(DISTINCT breakdown_type) FROM kpi.values WHERE breakdown_type <> 'all'"
    assert read(warehouse, parts) == [(15,)]  # of these, therapies are supplied


def test_the_people_behind_a_figure_add_up_to_it(night: tuple[Path, Path]) -> None:
    _, warehouse = night
    differing = """
        WITH behind AS (
            SELECT kpi_id, period_type, sum(numerator) AS numerator, sum(denominator) AS denominator
            FROM kpi.cases WHERE kpi_id NOT IN ('K47', 'K48') OR sen_group = 'plan' GROUP BY ALL)
        FROM kpi.values AS figure LEFT JOIN behind USING (kpi_id, period_type)
        WHERE figure.breakdown_type = 'all' AND figure.period_end = (SELECT max(period_end) FROM kpi.values)
            AND (abs(figure.numerator - coalesce(behind.numerator, 0)) > 1e-6
                OR figure.denominator <> coalesce(behind.denominator, 0))
    """
    assert read(warehouse, differing) == []
    counted = "WHERE period_end = '2026-11-16' AND numerator + coalesce(denominator, 0) > 0"
    assert read(warehouse, "SELECT DISTINCT kpi_id FROM kpi.cases ORDER BY 1") == read(
        warehouse, f"SELECT DISTINCT kpi_id FROM kpi.values {counted} ORDER BY 1"
    )


def test_the_figures_of_a_day_are_the_lists(night: tuple[Path, Path]) -> None:
    _, warehouse = night
    figure = "SELECT {} FROM kpi.values WHERE kpi_id = '{}' AND breakdown_value = '{}' AND period_end = '2026-11-16'"
    lists = "SELECT count(*) FROM annex_a.rpt_annex_a__list_{}"
    assert read(warehouse, figure.format("numerator", "K16", "all")) == read(warehouse, lists.format(1))
    assert read(warehouse, figure.format("denominator", "K53", "SEN support")) == read(warehouse, lists.format(2))


def test_the_columns_and_their_order_are_as_promised(night: tuple[Path, Path]) -> None:
    _, warehouse = night
    promised = """
        la_code kpi_id period_type period_end is_part_period breakdown_type breakdown_value numerator denominator value
        unit comparator_value comparator_period target_value rag data_date is_stale run_id
    """
    assert [name for name, *_ in read(warehouse, "DESCRIBE kpi.values")] == promised.split()
