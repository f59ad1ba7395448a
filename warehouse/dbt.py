"""dbt on a run's own warehouse file: the one module that imports it."""

import json
import logging
import os
import shutil
import sys
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import duckdb

from extract import contract as contracts
from send_ready import database, files, machine, private, runs, systems
from send_ready.runs import Run, RunError
from send_ready.settings import PROJECT, Settings
from warehouse import load, own_seeds, returns, seeds

DBT_PROJECT = PROJECT / "dbt_project"
# dbt's manifest of it. Beside the libraries that made it: whoever may write there may change what runs as well.
KEPT = Path(sys.prefix) / "dbt_project.msgpack"
HASH = 32  # bytes
BUILD = ("build", "--exclude-resource-type", "unit_test", "--exclude-resource-type", "seed")
OF_RETURN = "tag:sen2"  # the models of the SEN2 return and of its checks
NAMED = 3  # feeds that a failure is told of; of more, none is more likely than another


class BuildError(runs.RunError):
    """dbt could not build the warehouse. The text names what failed and where the log is."""


def build(run: Run, settings: Settings) -> None:
    """Build run.warehouse from the chosen files. Raises BuildError, and LockedError when somebody has it open."""
    run.unfinished.touch()
    _build(run, settings)
    run.unfinished.unlink()


def _build(run: Run, settings: Settings) -> None:
    with runs.step(run, "load") as step:
        run.warehouse.unlink(missing_ok=True)
        with database.writer(run.warehouse) as con:
            step.rows = load.create(con, run, settings)
            seeds.create(con, seeds.folder_in_force(run, settings), systems.names_of_run(run))
    with runs.step(run, "dbt") as step:
        target = run.folder / "dbt"
        logging.raiseExceptions = False  # a full disk is told once, not with a stack for each line of dbt's log
        outcome = invoke(run, run.warehouse, target, *BUILD, sen2_year=settings.sen2_year)
        results = _results(run, settings, outcome, run.warehouse, target)
        step.work = _execution_seconds(results)
        step.note = f"{len(results)} models and tests"


def build_return(run: Run, settings: Settings, year: int, into: Run) -> None:
    """Build the SEN2 return of a survey year from a run's warehouse: in the warehouse of `into`, a copy of it.

    `into` has the as-at date of the run, and a folder of its own. Raises BuildError, and LockedError as `build` does.
    """
    with runs.step(run, "build-sen2", str(year)) as step:
        into.folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(run.warehouse, into.warehouse)
        target = into.folder / "dbt"
        outcome = invoke(run, into.warehouse, target, *BUILD, "--select", OF_RETURN, sen2_year=year)
        step.note = f"{len(_results(run, settings, outcome, into.warehouse, target))} models and tests"


def _results(run: Run, settings: Settings, outcome: Any, file: Path, target: Path) -> list[Any]:
    """The results of dbt's nodes. Raises BuildError for what failed, or LockedError."""
    from dbt.artifacts.schemas.run import RunExecutionResult

    if outcome.exception:
        said = str(outcome.exception)
        raise database.locked(file, said) or BuildError(f"dbt stopped: {said}") from outcome.exception
    results: list[Any] = list(cast(RunExecutionResult, outcome.result))
    if not outcome.success:
        _forget_values(target / "run_results.json")
        failed = [
            f"{result.node.name}: {_why(result)}{_made_of(run, settings, result)}"
            for result in results
            if result.status in ("error", "fail")
        ]
        said = " ".join(str(result.message) for result in results)
        raise database.locked(file, said) or BuildError(
            f"dbt built with failures; their SQL is in {target / 'compiled'}:\n  " + "\n  ".join(failed)
        )
    return results


def _why(result: Any) -> str:
    """Why a node failed, without what it met."""
    return str(result.message) if result.status == "fail" else private.kinds(str(result.message))


def _made_of(run: Run, settings: Settings, result: Any) -> str:
    """Of a node that failed: models that a test found wanting, the feeds behind them, the council's own files."""
    manifest = json.loads((run.folder / "dbt" / "manifest.json").read_text(encoding="utf-8"))
    nodes, sources = manifest["nodes"], manifest["sources"]
    models = _wanting(run, result) if result.status == "fail" else []
    begin = [id for id, node in nodes.items() if node["name"] in {name.partition(".")[0] for name in models}]
    above, queue = set[str](), begin or [result.node.unique_id]
    while queue:
        at = queue.pop()
        above.add(at)
        queue += [each for each in nodes.get(at, {}).get("depends_on", {}).get("nodes", ()) if each not in above]
    feeds = {sources[each]["name"] for each in above & sources.keys() if "__" in sources[each]["name"]}
    seeds = {nodes[each]["name"] for each in above & nodes.keys() if nodes[each]["resource_type"] == "seed"}
    return _told_of(run, settings, models, feeds, seeds)


def _told_of(run: Run, settings: Settings, models: list[str], feeds: set[str], seeds: set[str]) -> str:
    found = {contract.name: contract for contract in contracts.load_all(settings) if contract.name in feeds}
    said = [f"in {', '.join(models)}"] if models else []
    if 0 < len(found) <= NAMED:
        files_of = {f"{each['source']}__{each['feed']}": each["file_name"] for each in runs.feed_results(run)}
        named = [f"{each.id} ({files_of.get(name) or 'no file'})" for name, each in found.items()]
        said.append(f"from {', '.join(named)}")
    if settings.config:
        places = [*(own_seeds.path_in_config(name) for name in sorted(seeds & set(own_seeds.seed_names())))]
        for name in sorted(found) if len(found) <= NAMED else ():
            places += [Path("contracts", f"{name}.yml"), Path("column_maps", f"{name}.csv")]
        if own := [place.as_posix() for place in places if (settings.config / place).is_file()]:
            said.append(f"by your own {', '.join(own)} of SEND_CONFIG")
    return f" [{'; '.join(said)}]" if said else ""


def _wanting(run: Run, result: Any) -> list[str]:
    """What the first column of a failed test's rows says: models, columns or seeds, never a value of a record."""
    try:
        with database.reader(run.warehouse) as con:
            rows = con.execute(f"SELECT DISTINCT #1 FROM ({result.node.compiled_code}) ORDER BY 1 LIMIT 10").fetchall()
    except (duckdb.Error, RunError):
        return []
    return [str(name) for (name,) in rows if name]


def _forget_values(path: Path) -> None:
    """Take out of dbt's own record what it quotes of the rows that it failed on."""
    written = files.read_json(path)
    for result in written["results"]:
        if result["status"] == "error":
            result["message"] = private.kinds(result["message"])
    files.write_json(path, written)


def invoke(run: Run, file: Path, target: Path, *command: str, sen2_year: int | None = None) -> Any:
    """What a command of dbt came to, on a warehouse file, with all that dbt writes in the folder `target`."""
    variables: dict[str, Any] = {"as_at": run.as_at.isoformat(), "la_code": run.la_code, "run_id": run.run_id}
    if replaced := dict(systems.names_of_run(run).replaced()):
        variables["systems"] = replaced
    variables["besides"] = columns_besides(run)
    if sen2_year:
        variables["sen2_year"] = str(sen2_year)
    variables["sen2"] = returns.role(run)
    os.environ |= _environment(file)
    return call([*command, *_folders(target), "--vars", json.dumps(variables)])


def columns_besides(run: Run) -> dict[str, list[str]]:
    """By feed, as `source__feed`, the quiet columns that the file in use has; feeds without any are left out."""
    found = {f"{each['source']}__{each['feed']}": each.get("columns_besides") for each in runs.feed_results(run)}
    return {name: columns for name, columns in sorted(found.items()) if columns}


def call(arguments: list[str]) -> Any:
    """What dbt made of its arguments, and the warehouse file is closed: open, it would stay locked in this process.

    The parsed project is used once: dbt notes in it what it compiled, and would take that for done another time.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    try:
        return dbtRunner(parsed_project()).invoke(arguments)
    finally:
        cast(Any, DuckDBConnectionManager).close_all_connections()
        for project in (parsed_project, kept_project):
            project.cache_clear()


@cache
def parsed_project() -> Any:
    """dbt's manifest of the project: the one kept of the very same files and versions, else parsed now, and kept.

    Parsing takes a third of a small council's build, and nothing in it depends on a run: variables are read when a
    node is run. The seeds that are loaded may be a council's own; here they are known by name alone.
    """
    return kept_project() or _parse()


@cache
def kept_project() -> Any:
    """dbt's manifest of the project as an earlier process kept it, if it is whole and the project is still the same."""
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    kept = KEPT.read_bytes() if KEPT.is_file() and os.access(KEPT, os.R_OK) else b""
    if kept[:HASH] != _sources() or kept[HASH : 2 * HASH] != sha256(kept[2 * HASH :]).digest():
        return None
    manifest: Any = Manifest.from_msgpack(kept[2 * HASH :], decoder=extended_mashumuro_decoder)
    manifest.build_flat_graph()
    return manifest


def _parse() -> Any:
    from dbt.cli.main import dbtRunner

    sources = _sources()
    with TemporaryDirectory() as folder:
        os.environ |= _environment(Path(folder, "warehouse.duckdb")) | os.environ  # a file is named, and not opened
        variables = json.dumps(dict.fromkeys(("as_at", "la_code", "run_id"), "of a run"))
        outcome = dbtRunner().invoke(["parse", *_folders(Path(folder)), "--vars", variables])
        if not outcome.success:
            raise BuildError(f"dbt could not read its project: {outcome.exception or 'see its messages above.'}")
        data = Path(folder, "partial_parse.msgpack").read_bytes()
    with suppress(OSError):  # an environment that is closed to this user keeps what it was built with
        _keep(sources + sha256(data).digest() + data)
    return outcome.result


def _sources() -> bytes:
    """A hash of all that the parsed project is made of: every file of it, where it lies, and dbt's versions."""
    found = sha256(str([DBT_PROJECT, *(version(name) for name in ("dbt-core", "dbt-adapters", "dbt-duckdb"))]).encode())
    for path in sorted(DBT_PROJECT.rglob("*.*")):
        if path.is_file():
            data = path.read_bytes()
            found.update(f"{path.relative_to(DBT_PROJECT)} {len(data)} ".encode() + data)
    return found.digest()


def _keep(data: bytes) -> None:
    """Write the parsed project, for everybody who may read the code."""
    partial = KEPT.with_name(f".{KEPT.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(data)
        partial.chmod(0o644)
        partial.replace(KEPT)
    finally:
        partial.unlink(missing_ok=True)


def _folders(target: Path) -> list[str]:
    folders = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    # Its logs quote what it fails on; what a log may hold of that, BuildError says.
    logs = ["--target-path", str(target), "--log-path", str(target), "--log-level", "none", "--log-level-file", "none"]
    return [*folders, *logs]


def _environment(file: Path) -> dict[str, str]:
    return {
        "SEND_DBT_WAREHOUSE": str(file),
        "SEND_DBT_MEMORY": machine.memory_limit(),
        "DO_NOT_TRACK": "1",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def _execution_seconds(results: list[Any]) -> float:
    """From the first node's start to the last one's end: what dbt did, without its parsing."""
    times = [timing for result in results for timing in result.timing if timing.started_at and timing.completed_at]
    if not times:
        return 0.0
    return float((max(t.completed_at for t in times) - min(t.started_at for t in times)).total_seconds())
