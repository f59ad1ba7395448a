"""The build: typed files of the run into schema `raw`, then dbt on the run's own warehouse file."""

import csv
import errno
import json
import logging
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import duckdb

from extract import contract as contracts
from extract import quarantine
from extract.contract import TYPES, Contract
from extract.types import YEARS
from send_ready import database, files, machine, private, runs, tables
from send_ready.database import identifier, literal
from send_ready.home import CATALOGUE
from send_ready.layout import COUNCILS
from send_ready.runs import Run, RunError
from send_ready.settings import PROJECT, Settings
from warehouse import own_seeds
from warehouse.own_seeds import SEEDS

DBT_PROJECT = PROJECT / "dbt_project"
NAMED = 3  # feeds that a failure is told of; of more, none is more likely than another
HOLIDAY_COLUMNS = {"holiday_date": "DATE", "holiday_name": "VARCHAR"}
DECISION_COLUMNS = ("record_1", "record_2", "decision", "decided_by", "decided_on", "note")
# The feeds that put a child on a list, and what is known of their records that were set aside (see extract/types.py).
LISTING_FEEDS = (
    "capita_one.students",
    "capita_one.ehc_plans",
    "capita_one.sen_provision",
    "capita_one.enrolments",
    "ehc_hub.cases",
)
ASIDE_COLUMNS = {
    "feed": "VARCHAR",
    "file_name": "VARCHAR",
    "line_no": "BIGINT",
    "kind": "VARCHAR",
    "column_name": "VARCHAR",
    "reason": "VARCHAR",
    "held": "VARCHAR",
}
ROW_COLUMNS = ("_line_no BIGINT", "_unreadable VARCHAR")  # what extract/types.py says of each row
DECIDING = 3  # columns of these that a decision cannot do without
FEED_COLUMNS = {
    "source": "VARCHAR",
    "feed": "VARCHAR",
    "title": "VARCHAR",
    "owner": "VARCHAR",
    "status": "VARCHAR",
    "is_stale": "BOOLEAN",
    "was_ever_received": "BOOLEAN",
    "columns_missing": "VARCHAR",  # of the file in use, separated by ; and a blank
    "data_date": "DATE",
    "file_name": "VARCHAR",
    "sha256": "VARCHAR",
    "rows_in_file": "BIGINT",
    "rows_accepted": "BIGINT",
    "rows_quarantined": "BIGINT",
    "rows_duplicate": "BIGINT",
    "stale_after_days": "BIGINT",
}

# In the page that dbt writes. The policy lets nothing out, whatever else the page would ask for. The tree of tables at
# its side unfolds in as many turns as AngularJS allows one change by default: one more, and it is drawn in part.
PAGE_END = "//# sourceMappingURL=main.js.map</script>"
PAGE_TURNS = 'angular.module("dbt").config(["$rootScopeProvider", scope => scope.digestTtl(100)])'
POLICY = "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data:"
PAGE_MENDS = (
    ("<head>", f'<head><meta http-equiv="Content-Security-Policy" content="{POLICY}; font-src data:">'),
    ('<link rel="shortcut icon" href="${require(\'./assets/favicons/favicon.ico\')}"/>', ""),
    (' xlink:href="{{', ' ng-attr-href="{{'),
    (PAGE_END, f"{PAGE_END}<script>{PAGE_TURNS}</script>"),
)


class BuildError(runs.RunError):
    """dbt could not build the warehouse. The text names what failed and where the log is."""


@dataclass(frozen=True)
class Keys:
    """The columns that make a row of one table the only one of its kind, and those that lead to another table."""

    primary_key: tuple[str, ...]
    blank: frozenset[str]  # of these, the columns that may be blank: the key is unique all the same, blanks being equal
    references: dict[str, tuple[str, str]]  # by column: table and column, where every value that is not blank stands


def build(run: Run, settings: Settings) -> None:
    """Build run.warehouse from the chosen files. Raises BuildError, and LockedError when somebody has it open."""
    run.unfinished.touch()
    _build(run, settings)
    run.unfinished.unlink()


def _build(run: Run, settings: Settings) -> None:
    from dbt.artifacts.schemas.run import RunExecutionResult
    from dbt.cli.main import dbtRunner

    with runs.step(run, "load") as step:
        step.rows = _load_raw(run, settings)
    with runs.step(run, "dbt") as step:
        target = run.folder / "dbt"
        os.environ |= _dbt_environment(run.warehouse, _seeds(run, settings))
        logging.raiseExceptions = False  # a full disk is told once, not with a stack for each line of dbt's log
        outcome = dbtRunner().invoke(["build", *_dbt_arguments(run, target), "--exclude-resource-type", "unit_test"])
        if outcome.exception:
            said = str(outcome.exception)
            raise database.locked(run.warehouse, said) or BuildError(f"dbt stopped: {said}") from outcome.exception
        results: list[Any] = list(cast(RunExecutionResult, outcome.result))
        step.work = _execution_seconds(results)
        step.note = f"{len(results)} models, seeds and tests"
        if not outcome.success:
            _forget_values(target / "run_results.json")
            failed = [
                f"{result.node.name}: {_why(result)}{_made_of(run, settings, result)}"
                for result in results
                if result.status in ("error", "fail")
            ]
            said = " ".join(str(result.message) for result in results)
            raise database.locked(run.warehouse, said) or BuildError(
                f"dbt built with failures; their SQL is in {target / 'compiled'}:\n  " + "\n  ".join(failed)
            )


def _why(result: Any) -> str:
    """Why a node failed, without what it met: of a seed, which is configuration, all that dbt says."""
    is_safe = result.status == "fail" or result.node.resource_type == "seed"
    return str(result.message) if is_safe else private.kinds(str(result.message))


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
        places = [*(own_seeds.place(name) for name in sorted(seeds & set(own_seeds.names())))]
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


def keys(run: Run) -> dict[str, Keys]:
    """By `schema.table` as built, what each model's yml says of its keys; each build has tested that it is so.

    Raises RunError when the run was never built.
    """
    manifest = run.folder / "dbt" / "manifest.json"
    if not manifest.exists():
        raise RunError(f"{manifest} is missing. Build the run with `send-ready build`, then run this step again.")
    nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"].values()
    models = {node["name"]: node for node in nodes if node["resource_type"] == "model"}
    return {_table(node): _keys(node["config"]["meta"], models) for node in models.values()}


def _keys(meta: dict[str, Any], models: dict[str, Any]) -> Keys:
    primary_key = tuple(column.removesuffix("?") for column in meta["primary_key"])
    references = {
        column: (_table(models[dimension]), models[dimension]["config"]["meta"]["primary_key"][0])
        for column, dimension in meta.get("references", {}).items()
    }
    return Keys(primary_key, frozenset(primary_key) - set(meta["primary_key"]), references)


def _table(node: dict[str, Any]) -> str:
    return f"{node['schema']}.{node['alias']}"


def write_docs(settings: Settings) -> Path:
    """What every table and column means, as a page of its own that asks nothing of any network.

    Of the run that SEND_RUN_ID names, else of the last that has a whole warehouse, so that a night at work is neither
    waited for nor kept waiting. Holds no value of the run's tables. Raises RunError when there is no such run,
    BuildError when dbt fails.
    """
    from dbt.cli.main import dbtRunner

    page = settings.home / CATALOGUE / "index.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=page.parent, prefix=".") as folder:
        target = Path(folder)
        run = _linked(settings, target / "warehouse.duckdb")
        os.environ |= _dbt_environment(target / "warehouse.duckdb", SEEDS)
        generate = ["docs", "generate", "--static", "--target", "reader", *_dbt_arguments(run, target)]
        outcome = dbtRunner().invoke(generate)
        if not outcome.success:
            raise BuildError(f"dbt could not describe the warehouse: {outcome.exception or 'see its messages above.'}")
        files.write_bytes(page, _closed((target / "static_index.html").read_text(encoding="utf-8")).encode())
    return page


def _linked(settings: Settings, place: Path) -> Run:
    """Have a whole warehouse under another name, and give its run.

    A build takes the file's own name away before it makes another, so that neither has the other's file open.
    """
    for run in [runs.find(settings)] if settings.run_id else runs.whole(settings):
        if not run.warehouse.exists():
            continue
        with suppress(FileNotFoundError):
            try:
                os.link(run.warehouse, place)
            except OSError as error:
                if error.errno == errno.ENOENT:
                    raise
                shutil.copyfile(run.warehouse, place)  # a file system without links, such as some drives have
            if not run.unfinished.exists():
                return run
        place.unlink(missing_ok=True)
    raise RunError(
        "There is no run with a whole warehouse to describe. Let the night that is at work come to its end, or make "
        "one with `make run`; then run this step again."
    )


def _closed(page: str) -> str:
    """dbt's page without what it would ask for: usage statistics, and pictures by addresses that are templates yet."""
    for asks, mended in PAGE_MENDS:
        if asks not in page:
            raise BuildError(
                f"The page of this version of dbt has no {asks!r}: look at what it asks for, in PAGE_MENDS."
            )
        page = page.replace(asks, mended)
    return page


def _load_raw(run: Run, settings: Settings) -> int:
    """Schema raw: a view of each feed's typed rows, an empty table where there are none, and what was received."""
    run.warehouse.unlink(missing_ok=True)
    results = {f"{result['source']}.{result['feed']}": result for result in runs.feed_results(run)}
    rows = 0
    with database.writer(run.warehouse) as con:
        con.execute("CREATE SCHEMA raw")
        for contract in contracts.load_all(settings):
            result = results.get(contract.id)
            _create_feed(con, run, contract, result["typed_path"] if result else None)
            rows += result["rows_accepted"] if result else 0
        con.execute(f"CREATE TABLE raw.feeds ({', '.join(f'{name} {kind}' for name, kind in FEED_COLUMNS.items())})")
        for result in results.values():
            values = result | {
                "was_ever_received": result["typed_path"] is not None,
                "columns_missing": "; ".join(result["columns_missing"]) or None,
            }
            con.execute(
                f"INSERT INTO raw.feeds VALUES ({', '.join('?' * len(FEED_COLUMNS))})",
                [values[name] for name in FEED_COLUMNS],
            )
        _create_aside(con, run, results)
        _create_decisions(con, settings)
        _create_calendar(con)
        con.execute(f"CREATE TABLE raw.councils AS FROM read_csv({literal(COUNCILS)}, all_varchar = true)")
    return rows


def _create_feed(con: duckdb.DuckDBPyConnection, run: Run, contract: Contract, typed_path: str | None) -> None:
    table = f"raw.{identifier(contract.name)}"
    if typed_path:
        con.execute(f"CREATE VIEW {table} AS FROM read_parquet({literal(run.home / typed_path)})")
    else:
        columns = [f"{identifier(column.name)} {TYPES[column.type]}" for column in contract.columns]
        con.execute(f"CREATE TABLE {table} ({', '.join([*columns, *ROW_COLUMNS])})")


def _create_aside(con: duckdb.DuckDBPyConnection, run: Run, results: dict[str, Any]) -> None:
    """Records set aside that may be of a child: neither titles and totals nor rows whose key another row has."""
    con.execute(f"CREATE TABLE raw.set_aside ({', '.join(f'{name} {kind}' for name, kind in ASIDE_COLUMNS.items())})")
    for feed in LISTING_FEEDS:
        path = results[feed]["quarantine_path"] if feed in results else None
        if path:
            con.execute(f"""
                INSERT INTO raw.set_aside
                SELECT {literal(feed)}, file_name, line_no, kind, column_name, reason, held
                FROM read_parquet({literal(run.home / path)})
                WHERE kind IN ({literal(quarantine.KEY)}, {literal(quarantine.SHAPE)})""")


def _create_decisions(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """What people decided about pairs in the review queue: SEND_CONFIG/decisions/person_links.csv."""
    con.execute(f"CREATE TABLE raw.person_decisions ({', '.join(f'{name} VARCHAR' for name in DECISION_COLUMNS)})")
    decisions = settings.config / "decisions" / "person_links.csv" if settings.config else None
    if decisions and decisions.is_file():
        for _, row in tables.read(decisions, *tables.DECISIONS):
            con.execute(
                f"INSERT INTO raw.person_decisions VALUES ({', '.join('?' * len(DECISION_COLUMNS))})",
                list(row.values()),
            )


def _create_calendar(con: duckdb.DuckDBPyConnection) -> None:
    """The bank holidays of England, which are those of Wales too, for every year that a date may be of."""
    import holidays

    first, last = YEARS
    found = holidays.country_holidays("GB", subdiv="ENG", years=range(first, last + 1))
    columns = ", ".join(f"{name} {kind}" for name, kind in HOLIDAY_COLUMNS.items())
    con.execute(f"CREATE TABLE raw.bank_holidays ({columns})")
    rows = ", ".join(f"({literal(day)}, {literal(name)})" for day, name in sorted(found.items()))
    con.execute(f"INSERT INTO raw.bank_holidays VALUES {rows}")


def _dbt_arguments(run: Run, target: Path) -> list[str]:
    variables = {"as_at": run.as_at.isoformat(), "la_code": run.la_code, "run_id": run.run_id}
    folders = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    # Its logs quote what it fails on; what a log may hold of that, BuildError says.
    logs = ["--target-path", str(target), "--log-path", str(target), "--log-level", "none", "--log-level-file", "none"]
    return [*folders, *logs, "--vars", json.dumps(variables)]


def _dbt_environment(path: Path, seeds: Path) -> dict[str, str]:
    return {
        "SEND_DBT_WAREHOUSE": str(path),
        "SEND_DBT_MEMORY": machine.memory_limit(),
        "SEND_SEEDS": str(seeds),
        "DO_NOT_TRACK": "1",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def _seeds(run: Run, settings: Settings) -> Path:
    """The folder of seeds in force: the shipped one, or a copy with the council's own files laid over it."""
    config = settings.config
    own = [path for name in own_seeds.names() if config and (path := config / own_seeds.place(name)).is_file()]
    if not own:
        return SEEDS
    merged = run.folder / "seeds"
    for path in SEEDS.rglob("*.csv"):  # not as they are: everybody may read the shipped ones
        files.write_bytes(merged / path.relative_to(SEEDS), path.read_bytes())
    for path in own:
        rows = own_seeds.read(path)
        files.write_bytes(merged / own_seeds.shipped(path.stem).relative_to(SEEDS), tables.write(rows, list(rows[0])))
    return merged


def seed(name: str, settings: Settings | None = None) -> list[dict[str, str]]:
    """The rows of the seed in force: of the council's own file of that name if it has one, else of the shipped one.

    Raises TableError when the council's own cannot be used.
    """
    shipped = own_seeds.shipped(name)
    if settings and name in own_seeds.names():
        own = settings.config_file(*own_seeds.place(name).parts, shipped=shipped)
        if own != shipped:
            return own_seeds.read(own)
    with open(shipped, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _execution_seconds(results: list[Any]) -> float:
    """From the first node's start to the last one's end: what dbt did, without its parsing."""
    times = [timing for result in results for timing in result.timing if timing.started_at and timing.completed_at]
    if not times:
        return 0.0
    return float((max(t.completed_at for t in times) - min(t.started_at for t in times)).total_seconds())
