"""What takes long to import is imported by the commands that need it alone, and by a fork server beforehand."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from commands import fork_server
from commands.program import BUILD, LIGHT, RULES
from send_ready.settings import PROJECT

HEAVY = (
    *("airflow", "apprise", "dbt", "duckdb", "great_expectations", "holidays", "icalendar", "jinja2", "msoffcrypto"),
    *("numpy", "pandas", "psycopg2", "python_calamine", "scipy", "sqlalchemy", "xlsxwriter", "yaml"),
)
OF_COMMAND = """
import sys
heavy = set({heavy}) - set(sys.modules)
from commands import {program}
sys.argv[1:] = {arguments}
try:
    {program}.main()
except SystemExit:
    pass
print("imported", *sorted(heavy & {{name.partition(".")[0] for name in sys.modules}}))
"""
OF_FORK = """
import importlib, sys
from commands import fork_server
fork_server._import("light")
fork_server._import({server!r})
before = set(sys.modules)
for name in {used}:
    importlib.import_module(name)
print("imported", *sorted(set(sys.modules) - before))
"""


def imported(program: str, home: Path) -> list[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SEND_", "AIRFLOW", "AS_AT"))}
    environment = kept | {"SEND_HOME": str(home), "AS_AT": "2026-11-16"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    found = [line for line in done.stdout.splitlines() if line.startswith("imported")]
    assert found, done
    return found[0].split()[1:]


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        (["verdict", "capita_one.students"], []),
        (["serve-postgres"], []),
        (["chosen-day", ""], []),
        (["chosen-day", "2026-11-16"], ["holidays"]),
        (["begin"], ["duckdb", "yaml"]),
        (["extract", "capita_one.students"], ["duckdb", "yaml"]),
        (["build"], ["duckdb"]),
        (["serve"], ["duckdb"]),
        (["publish"], ["duckdb", "jinja2", "xlsxwriter", "yaml"]),
        (["summary"], ["duckdb", "jinja2", "xlsxwriter", "yaml"]),
        (["run", "--help"], []),
    ],
    ids=lambda value: "_".join(value) if isinstance(value, list) else None,
)
def test_a_command_imports_no_more_than_it_needs(arguments: list[str], allowed: list[str], tmp_path: Path) -> None:
    """Without a run it comes as far as its imports."""
    given = OF_COMMAND.format(heavy=HEAVY, program="cli", arguments=arguments)
    assert set(imported(given, tmp_path / "home")) <= set(allowed)


def test_the_program_that_hands_a_step_over_imports_next_to_nothing() -> None:
    command = [sys.executable, "-X", "importtime", "-c", "import commands.program"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    names = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "commands.program" in names
    assert not names & {"argparse", "enum", "json", "re", "signal", "socket", "subprocess", "typing", "commands.cli"}


@pytest.mark.parametrize(
    ("server", "used"),
    [
        (
            LIGHT,
            ["extract.choose", "extract.text.load", "publish.pack", "publish.kpi.kpi_book", "warehouse.serve", "yaml"],
        ),
        (RULES, ["great_expectations", "pandas", "expectations.engine", "expectations.frames"]),
        (
            BUILD,
            ["dbt.cli.main", "dbt.adapters.duckdb", "dbt.task.build", "warehouse.dbt", "warehouse.load", "holidays"],
        ),
    ],
)
def test_a_fork_has_imported_what_its_steps_use(server: str, used: list[str], tmp_path: Path) -> None:
    assert imported(OF_FORK.format(server=server, used=used), tmp_path) == []
    assert set(fork_server.NEEDED) == {LIGHT, RULES, BUILD}
