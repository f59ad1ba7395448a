"""What this project relies on in libraries beyond what they promise: one list, looked at again at every upgrade.

A private name, a text of a message, a table of Airflow's database. Each row says where it is used. A test fails with
the row's own words: "apache-airflow 3.4.0: DAG.test(mark_success_pattern=) is not there: see commands/play_dag.py".
"""

import ast
import inspect
import subprocess
import sys
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from send_ready.settings import PROJECT
from tests import waiting
from tests.contract.test_walls import FILES, imported

# Modules that their libraries document, with all that they hold.
PUBLIC = {
    "airflow": ("airflow.sdk.*", "airflow.configuration.conf", "airflow.plugins_manager.*", "airflow.models.DagRun"),
    "airflow.providers.standard": ("airflow.providers.standard.operators.*.*",),
    "airflow.sdk.exceptions": ("airflow.sdk.exceptions.*",),
    "great_expectations": ("great_expectations", "great_expectations.ExpectationSuite"),
    "dbt": ("dbt.cli.main.dbtRunner",),
    "xlsxwriter": ("xlsxwriter", "xlsxwriter.format.Format", "xlsxwriter.utility.*", "xlsxwriter.worksheet.Worksheet"),
    "msoffcrypto": ("msoffcrypto.OfficeFile", "msoffcrypto.exceptions.*", "msoffcrypto.format.ooxml.OOXMLFile"),
    "python_calamine": ("python_calamine.*",),
}


class Inside(NamedTuple):
    """One thing that is relied on."""

    library: str  # as PyPI names it
    what: str  # a name to import, with what is called or read of it in brackets; or a sentence
    used_in: str
    is_there: Callable[[], Any]


def takes(name: str, *parameters: str) -> Callable[[], bool]:
    """Whether a function, by its dotted name, has these parameters."""
    return lambda: set(parameters) <= set(inspect.signature(_named(name)).parameters)


def has(name: str, *attributes: str) -> Callable[[], bool]:
    """Whether a class or a module, by its dotted name, has these attributes."""
    return lambda: all(hasattr(_named(name), each) for each in attributes)


def says(name: str, *texts: str) -> Callable[[], bool]:
    """Whether the source of a function or a module, by its dotted name, holds these texts."""
    return lambda: all(each in inspect.getsource(_named(name)) for each in texts)


def _named(name: str) -> Any:
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[length:]:
            found = getattr(found, attribute)
        return found
    raise ModuleNotFoundError(name)


def has_columns(**tables: str) -> Callable[[], bool]:
    """Whether Airflow's database has these tables with these columns."""

    def look() -> bool:
        from airflow.models.base import Base

        for module in (
            "jobs.job",
            "models.dag",
            "models.dagrun",
            "models.deadline",
            "models.hitl",
            "models.hitl_history",
        ):
            import_module(f"airflow.{module}")
        known = Base.metadata.tables
        return all(set(columns.split()) <= set(known[table].columns.keys()) for table, columns in tables.items())

    return look


def runs(program: str) -> Callable[[], bool]:
    """Whether a program ends well in a process of its own."""

    def look() -> bool:
        done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=False)
        print(done.stderr)
        return done.returncode == 0

    return look


TWO_VERSIONS = """
import os, tempfile
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp()
import httpx
from airflow.api_fastapi.execution_api.versions import bundle
from airflow.sdk.execution_time.supervisor import in_process_api_server
bundle.versions = bundle.versions[:2]
client = httpx.Client(transport=in_process_api_server().transport, base_url="http://in-process")
assert client.get("/health").status_code == 200
"""
DUCKDB_SAYS = """
import duckdb, subprocess, sys, tempfile
folder = tempfile.mkdtemp()
def said(con, statement):
    try:
        con.execute(statement).fetchall()
    except duckdb.Error as error:
        return str(error)
held = duckdb.connect(folder + "/held")
other = [sys.executable, "-c", "import duckdb, sys; duckdb.connect(sys.argv[1])", folder + "/held"]
told = subprocess.run(other, capture_output=True, text=True).stderr
assert "Could not set lock" in told and "held in" in told and "(PID " in told, told
con = duckdb.connect(config={"memory_limit": "40MB", "threads": 1, "temp_directory": folder})
con.execute("SET max_temp_directory_size = '1MB'")
told = said(con, "SELECT count(*) FROM (SELECT random() AS r FROM range(9_000_000) ORDER BY r)")
assert "Out of Memory Error" in told and "max_temp_directory_size" in told, told
told = said(con, "FROM read_csv('" + folder + "/none.csv')")
assert told.startswith("IO Error"), told
assert said(con, "FROM nothing").startswith("Catalog Error") and said(con, "SELECT x").startswith("Binder Error")
assert said(con, "SELEC 1").startswith("Parser Error") and said(con, "SELECT 'x'::DATE").startswith("Conversion Error")
"""
PANDAS_BY_PARAMETERS = """
import duckdb, sys
duckdb.connect().execute("SELECT 1")
assert "pandas" not in sys.modules
"""

AIRFLOW, STANDARD, GX, EXCEL = "apache-airflow", "apache-airflow-providers-standard", "great-expectations", "xlsxwriter"
SUPERVISOR, VERSIONS = "airflow.sdk.execution_time.supervisor", "airflow.api_fastapi.execution_api.versions"
PLAY, REQUEST, RUNS = "commands/play_dag.py", "dags/approval_steps.py", "inspection/airflow_runs.py"
ENGINE, BOOK = "expectations/engine.py", "publish/excel/workbook.py"
OF_GX = "great_expectations.{}".format
BASH, HITL = (f"airflow.providers.standard.operators.{name}" for name in ("bash.BashOperator", "hitl.HITLOperator"))
INSIDES = [
    Inside(AIRFLOW, "airflow.dag_processing.dagbag.BundleDagBag(folder, bundle_path=, bundle_name=)", PLAY,
           lambda: takes("airflow.dag_processing.dagbag.BundleDagBag", "bundle_path")()
           and takes("airflow.dag_processing.dagbag.DagBag", "bundle_name")()
           and says("airflow.dag_processing.dagbag.DagBag", "self.import_errors", "self.dags")()),
    Inside(AIRFLOW, "DAG.test(run_conf=, mark_success_pattern=)", PLAY,
           takes("airflow.sdk.DAG.test", "run_conf", "mark_success_pattern")),
    Inside(AIRFLOW, f"{SUPERVISOR}.in_process_api_server().transport", PLAY,
           has("airflow.api_fastapi.execution_api.app.InProcessExecutionAPI", "transport")),
    Inside(AIRFLOW, f"{VERSIONS}.bundle (cut to its two newest versions, which it can do without the others)", PLAY,
           runs(TWO_VERSIONS)),
    Inside(AIRFLOW, "airflow.utils.db.initdb()", PLAY, has("airflow.utils.db", "initdb")),
    Inside(AIRFLOW, "airflow.configuration.get_airflow_home()", PLAY, has("airflow.configuration", "get_airflow_home")),
    Inside(AIRFLOW, "DAG.deadline can be taken away, as dag.test breaks with one", PLAY,
           lambda: "deadline" in {field.name for field in _named("airflow.sdk.DAG").__attrs_attrs__}),
    Inside(AIRFLOW, "dag.test says 'No tasks to run. unrunnable tasks' when its database lost a task", PLAY,
           says("airflow.sdk.DAG.test", "No tasks to run. unrunnable tasks")),
    Inside(AIRFLOW, "dag.test says 'starting task_id=…' before a task", PLAY,
           says("airflow.sdk.definitions.dag", "starting task_id=%s")),
    Inside(AIRFLOW, "its log says that a task asks, and that the scheduler knows how it ended", "tests/waiting.py",
           lambda: says("airflow.sdk.execution_time.task_runner", waiting.ASKED)()
           and says("airflow.jobs.scheduler_job_runner", waiting.LET_GO)()),
    Inside(STANDARD, "'Command exited with return code' after a step, by airflow.task.hooks", PLAY,
           says("airflow.providers.standard.hooks.subprocess", "Command exited with return code")),
    Inside(STANDARD, "BashOperator skips on exit status 99", "dags/pipeline.py",
           lambda: inspect.signature(_named(BASH).__init__).parameters["skip_on_exit_code"].default == 99),
    Inside(STANDARD, "BashOperator.get_env(context), to which a step adds", REQUEST,
           takes(f"{BASH}.get_env", "context")),
    Inside(STANDARD, "HITLOperator asks what its attributes say", REQUEST,
           says(HITL, "self.subject", "self.body", "self.assigned_users", "self.params")),
    Inside(STANDARD, "HITLOperator gives chosen_options and params_input", REQUEST,
           says(HITL, "chosen_options", "params_input")),
    Inside(AIRFLOW, "airflow.sdk.definitions.param.ParamsDict", REQUEST,
           has("airflow.sdk.definitions.param", "ParamsDict")),
    Inside(AIRFLOW, "the tables of runs, tasks, questions, answers and deadlines", RUNS,
           has_columns(job="job_type latest_heartbeat", dag="dag_id is_paused",
                       dag_run="id run_id dag_id state conf run_after queued_at start_date", deadline="dagrun_id",
                       task_instance="id dag_id run_id task_id map_index",
                       task_instance_history="task_instance_id dag_id run_id task_id map_index",
                       hitl_detail="ti_id subject body options params responded_by chosen_options params_input "
                                   "responded_at",
                       hitl_detail_history="ti_history_id responded_at")),
    Inside(GX, OF_GX("data_context.types.base.ProgressBarsConfig(globally=)"), ENGINE,
           takes("great_expectations.data_context.types.base.ProgressBarsConfig", "globally")),
    Inside(GX, OF_GX("exceptions.exceptions.GreatExpectationsError"), ENGINE,
           has("great_expectations.exceptions.exceptions", "GreatExpectationsError")),
    Inside(GX, OF_GX("expectations.expectation_configuration.ExpectationConfiguration(…).to_domain_obj()"), ENGINE,
           has("great_expectations.expectations.expectation_configuration.ExpectationConfiguration", "to_domain_obj")),
    Inside(GX, OF_GX("execution_engine.pandas_execution_engine.PandasExecutionEngine.resolve_metrics()"), ENGINE,
           has("great_expectations.execution_engine.pandas_execution_engine.PandasExecutionEngine",
               "resolve_metrics", "load_batch_data")),
    Inside(GX, OF_GX("expectations.registry.get_metric_provider()"), ENGINE,
           takes("great_expectations.expectations.registry.get_metric_provider", "metric_name", "execution_engine")),
    Inside(GX, OF_GX("validator.metric_configuration.MetricConfiguration(…).metric_dependencies"), ENGINE,
           has("great_expectations.validator.metric_configuration.MetricConfiguration", "metric_dependencies")),
    Inside(EXCEL, "Worksheet._write_sheet_data, ._check_dimensions, .fh", BOOK,
           lambda: has("xlsxwriter.worksheet.Worksheet", "_write_sheet_data", "_check_dimensions")()
           and hasattr(_named("xlsxwriter.worksheet.Worksheet")(), "fh")),
    Inside(EXCEL, "Worksheet._xml_start_tag_unencoded(tag, attributes)", BOOK,
           takes("xlsxwriter.worksheet.Worksheet._xml_start_tag_unencoded", "tag", "attributes")),
    Inside(EXCEL, "Workbook.str_table._get_shared_string_index, .count", BOOK,
           lambda: has("xlsxwriter.sharedstrings.SharedStringTable", "_get_shared_string_index")()
           and hasattr(_named("xlsxwriter.sharedstrings.SharedStringTable")(), "count")),
    Inside(EXCEL, "Format._get_xf_index", BOOK, has("xlsxwriter.format.Format", "_get_xf_index")),
    Inside("dbt-core", "dbt.artifacts.schemas.run.RunExecutionResult", "warehouse/dbt.py",
           has("dbt.artifacts.schemas.run", "RunExecutionResult")),
    Inside("dbt-core", "dbt.contracts.graph.manifest.Manifest.from_msgpack(decoder=), .build_flat_graph()",
           "warehouse/dbt.py", has("dbt.contracts.graph.manifest.Manifest", "from_msgpack", "build_flat_graph")),
    Inside("dbt-core", "dbt.parser.manifest.extended_mashumuro_decoder, of partial_parse.msgpack",
           "warehouse/dbt.py", lambda: has("dbt.parser.manifest", "extended_mashumuro_decoder")()
           and _named("dbt.constants.PARTIAL_PARSE_FILE_NAME") == "partial_parse.msgpack"),
    Inside("dbt-duckdb", "dbt.adapters.duckdb.connections.DuckDBConnectionManager.close_all_connections()",
           "warehouse/dbt.py", has("dbt.adapters.duckdb.connections.DuckDBConnectionManager", "close_all_connections")),
    Inside("duckdb", "the words for a lock, too little memory, too little disk, and kinds of errors",
           "send_ready/database.py, machine.py, disk.py, private.py", runs(DUCKDB_SAYS)),
    Inside("duckdb", "a statement without parameters imports no pandas", "send_ready/database.py",
           runs(PANDAS_BY_PARAMETERS)),
]  # fmt: skip


@pytest.mark.usefixtures("airflow_settings")
@pytest.mark.parametrize("inside", INSIDES, ids=lambda inside: f"{inside.library}: {inside.what}"[:80])
def test_what_is_relied_on_is_there(inside: Inside) -> None:
    try:
        found = bool(inside.is_there())
    except (ImportError, LookupError, AttributeError, TypeError, ValueError) as error:
        print(repr(error))
        found = False
    assert found, f"{inside.library} {version(inside.library)}: {inside.what} is not there: see {inside.used_in}"


def test_the_list_names_every_private_module_that_is_imported() -> None:
    """By its dotted name, with which the row begins; and every row of that form names something that is imported."""
    found = {name for path in FILES for name in imported(path) if _is_private(name)}
    found -= {name for path in FILES for name in _for_types_alone(path)}
    listed = {inside.what.partition(" ")[0].partition("(")[0].removesuffix("().transport") for inside in INSIDES}
    listed = {name for name in listed if name.partition(".")[0] in PUBLIC}
    assert found == {next((each for each in found if name.startswith(each)), name) for name in listed}


def _is_private(name: str) -> bool:
    root = name.partition(".")[0]
    allowed = [pattern for patterns in PUBLIC.values() for pattern in patterns]
    return root in PUBLIC and not any(
        fnmatchcase(name, each) and name.count(".") == each.count(".") for each in allowed
    )


def _for_types_alone(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for inner in ast.walk(node):
                if isinstance(inner, ast.ImportFrom) and inner.module:
                    yield from (f"{inner.module}.{alias.name}" for alias in inner.names)
