"""Every dbt unit test of the project, in one dbt run over an empty warehouse."""

from pathlib import Path

import pytest

from tests.dbt.harness import dbt, make_raw


def test_dbt_unit_tests(tmp_path: Path, subtests: pytest.Subtests) -> None:
    warehouse = make_raw(tmp_path / "warehouse.duckdb")
    built = dbt(warehouse, "build", "--exclude-resource-type", "unit_test", "test")
    assert not built.troubles

    tested = dbt(warehouse, "test", "--select", "test_type:unit")
    assert len(tested.nodes) > 30
    for name, (status, message) in tested.nodes.items():
        with subtests.test(name.removeprefix("unit_test.send_ready.")):
            assert status == "pass", message
