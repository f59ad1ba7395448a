"""The walls between the rooms. Each test names the one place where a thing may be done."""

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from send_ready.settings import PROJECT

# In their order: each may know those before it.
ROOMS = (
    "send_ready",
    "extract",
    "pickup",
    "warehouse",
    "expectations",
    "publish",
    "inspection",
    "operations",
    "onboarding",
    "sample",
    "commands",
    "dags",
    "plugins",
)
FILES = sorted(path for room in ROOMS for path in (PROJECT / room).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """Dotted names that a module imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def used(path: Path) -> frozenset[str]:
    """Dotted names that a module imports or calls."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return frozenset(imported(path)) | {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)}


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
        ("opens DuckDB", ("duckdb.connect",), {"send_ready/database.py"}),
        ("removes folders", ("shutil.rmtree", "os.rmdir"), {"send_ready/confined.py"}),  # never by way of a link
        (
            "writes Excel",
            ("xlsxwriter",),
            {"publish/excel/workbook.py", "sample/national.py", "sample/own_layout.py", "sample/sen2_return.py"},
        ),
        # Airflow and dbt are set up by environment; their own start-up code passes ours on. The plugin is Airflow's.
        (
            "reads the environment",
            ("os.environ", "os.environb", "os.getenv"),
            {
                "send_ready/settings.py",
                "commands/program.py",  # hands the whole of it to the fork server,
                "commands/fork_server.py",  # for the step that takes its place
                "warehouse/dbt.py",
                "commands/airflow_home.py",
                "plugins/inspection_deadline.py",
                "dags/approval_steps.py",  # the whole of it, for the program that asks
            },
        ),
        (
            "reads the clock",
            ("datetime.now", "dt.datetime.now", "date.today", "dt.date.today", "datetime.today", "time.time"),
            {
                "send_ready/settings.py",  # no date given: today
                "send_ready/runs.py",  # the run's id
                "extract/landing.py",  # when a file landed, and whether it still grows
                "publish/pack.py",  # built_at in the manifest
                "plugins/inspection_deadline.py",  # an alarm that cannot be timed rings at once
            },
        ),
        ("imports dbt", ("dbt",), {"warehouse/dbt.py"}),
    ],
)
def test_one_place(what: str, names: tuple[str, ...], allowed: set[str]) -> None:
    assert users(*names) == allowed, f"only {', '.join(sorted(allowed))} {what}"


def modules() -> dict[str, Path]:
    """Every module of the rooms, by its dotted name."""
    named = {".".join(path.relative_to(PROJECT).with_suffix("").parts): path for path in FILES}
    return {name.removesuffix(".__init__"): path for name, path in named.items()}


def arrows() -> dict[str, set[str]]:
    """By module, the modules that it imports: at its top, in a function, or for its types alone."""
    known = modules()
    return {
        module: {found for name in imported(path) for found in (name, name.rpartition(".")[0]) if found in known}
        - {module}
        for module, path in known.items()
    }


def test_each_room_knows_these_rooms_and_no_other() -> None:
    """Ground, rooms, roof, as docs/developers/architecture.md draws them. No row names a later one."""
    knows = {room: set[str]() for room in ROOMS}
    for module, imported in arrows().items():
        knows[module.partition(".")[0]] |= {name.partition(".")[0] for name in imported}
    below_sample = {
        "send_ready",
        "extract",
        "pickup",
        "warehouse",
        "expectations",
        "publish",
        "inspection",
        "operations",
    }
    assert knows == {
        "send_ready": {"send_ready"},
        "extract": {"send_ready", "extract"},
        "pickup": {"send_ready", "extract", "pickup"},
        "warehouse": {"send_ready", "extract", "warehouse"},
        "expectations": {"send_ready", "extract", "warehouse", "expectations"},
        "publish": {"send_ready", "warehouse", "publish"},
        "inspection": {"send_ready", "extract", "pickup", "warehouse", "publish", "inspection"},
        "operations": below_sample,
        "onboarding": {"send_ready", "extract", "warehouse", "publish", "onboarding"},
        "sample": {"sample", "warehouse"},
        "commands": {*below_sample, "onboarding", "sample", "commands"},
        "dags": {"inspection"},
        "plugins": {"inspection"},
    }


def test_every_room_is_packed_and_its_types_are_checked() -> None:
    tool = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    packed = tool["uv"]["build-backend"]["module-name"]
    assert set(packed) == set(ROOMS) - {"dags", "plugins"}  # those Airflow takes from their folders
    assert set(tool["mypy"]["files"]) == {*ROOMS, "tools"}


@pytest.mark.parametrize(
    ("within", "others"),
    [
        ("extract.text.", {"landing", "inbox", "removed", "read_file", "choose", "types", "tidy", "furniture"}),
        ("extract.inbox.", {"types", "tidy", "furniture", "read_file", "file_issues", "choose"}),
    ],
)
def test_extract_takes_each_thing_by_itself(within: str, others: set[str]) -> None:
    """A text is read whatever its feed's history; an inbox is looked through whatever its files hold."""
    found = {name for module, imported in arrows().items() if module.startswith(within) for name in imported}
    assert found and not found & {module for module in modules() if {*module.split(".")[1:2]} & others}


def test_no_circle() -> None:
    imports, order = arrows(), list[str]()

    def follow(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, f"circle: {' -> '.join((*way, module))}"
        if module not in order:
            for each in sorted(imports[module]):
                follow(each, (*way, module))
            order.append(module)

    for module in imports:
        follow(module, ())


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
