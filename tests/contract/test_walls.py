"""The walls between the rooms. Each test names the one place where a thing may be done."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from send_ready.settings import PROJECT

ROOMS = ("send_ready", "extract", "expectations", "publish", "inspection", "operations", "sample", "dags", "plugins")
FILES = sorted(path for room in ROOMS for path in (PROJECT / room).rglob("*.py"))


def used(path: Path) -> Iterator[str]:
    """Dotted names that a module imports or calls."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute):
            yield ast.unparse(node)


def users(*names: str) -> set[str]:
    """Modules that use a name, or anything below it."""
    return {
        str(path.relative_to(PROJECT))
        for path in FILES
        if any(name == found or found.startswith(f"{name}.") for found in used(path) for name in names)
    }


@pytest.mark.parametrize(
    ("what", "names", "allowed"),
    [
        ("opens DuckDB", ("duckdb.connect",), {"send_ready/warehouse.py"}),
        ("removes folders", ("shutil.rmtree", "os.rmdir"), {"send_ready/confined.py"}),  # never by way of a link
        ("writes Excel", ("xlsxwriter",), {"publish/workbook.py"}),
        # Airflow and dbt are set up by environment; their own start-up code passes ours on. The plugin is Airflow's.
        (
            "reads the environment",
            ("os.environ", "os.getenv"),
            {
                "send_ready/settings.py",
                "send_ready/build.py",
                "send_ready/airflow_home.py",
                "plugins/inspection_deadline.py",
                "dags/annex_a_request.py",  # the whole of it, for the program that asks
            },
        ),
        (
            "reads the clock",
            ("datetime.now", "dt.datetime.now", "date.today", "dt.date.today", "datetime.today", "time.time"),
            {
                "send_ready/settings.py",  # no date given: today
                "send_ready/runs.py",  # the run's id
                "send_ready/night.py",  # the run's id
                "extract/landing.py",  # when a file landed, and whether it still grows
                "publish/pack.py",  # built_at in the manifest
                "plugins/inspection_deadline.py",  # an alarm that cannot be timed rings at once
            },
        ),
        ("imports dbt", ("dbt",), {"send_ready/build.py"}),
    ],
)
def test_one_place(what: str, names: tuple[str, ...], allowed: set[str]) -> None:
    assert users(*names) <= allowed, f"only {', '.join(sorted(allowed))} {what}"


def imported(room: str) -> set[str]:
    found = {name.split(".")[0] for path in (PROJECT / room).rglob("*.py") for name in used(path)}
    return found & set(ROOMS)


@pytest.mark.parametrize(
    ("room", "allowed"),
    [
        ("extract", {"extract", "send_ready"}),
        ("expectations", {"expectations", "extract", "send_ready"}),
        ("publish", {"publish", "extract", "send_ready"}),
        ("inspection", {"inspection", "publish", "extract", "send_ready"}),
        ("operations", {"operations", "inspection", "publish", "extract", "send_ready"}),
        ("sample", {"sample", "extract", "send_ready"}),
        ("dags", {"inspection"}),
        ("plugins", {"inspection"}),
    ],
)
def test_rooms_know_only_the_rooms_before_them(room: str, allowed: set[str]) -> None:
    assert imported(room) <= allowed


def test_only_the_commands_and_airflow_know_of_inspections() -> None:
    others = {
        name for name in users("inspection") if not name.startswith(("inspection/", "operations/", "dags/", "plugins/"))
    }
    assert others <= {"send_ready/cli.py"}


@pytest.mark.parametrize("room", ["dags", "plugins"])
def test_airflow_takes_no_more_of_inspections_than_the_clock(room: str) -> None:
    names = {name for path in (PROJECT / room).rglob("*.py") for name in used(path) if name.startswith("inspection.")}
    assert names
    assert all(name.startswith("inspection.clock.") for name in names)


def test_a_plugin_imports_nothing_of_ours_before_it_is_asked() -> None:
    """Airflow's processes load plugins when they start: a fault in ours must not keep them from starting."""
    for path in (PROJECT / "plugins").rglob("*.py"):
        first = [node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.ImportFrom)]
        assert not {str(node.module).split(".")[0] for node in first} & set(ROOMS), path


def test_a_dag_file_imports_nothing_heavy() -> None:
    heavy = {"pandas", "duckdb", "great_expectations", "dbt", "numpy", "xlsxwriter"}
    for path in (PROJECT / "dags").rglob("*.py"):
        assert not {name.split(".")[0] for name in used(path)} & heavy


def test_seeds_are_tables_and_not_something_that_was_written_over_them() -> None:
    for path in (PROJECT / "dbt_project" / "seeds").rglob("*.csv"):
        header = path.read_text(encoding="utf-8").splitlines()[0]
        assert "," in header and " " not in header, path
