"""The build: typed files of the run into schema `raw`, then dbt on the run's own warehouse file."""

import csv
import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import duckdb

from extract import contract as contracts
from extract.contract import TYPES, Contract
from extract.typed import YEARS
from send_ready import files, machine, private, runs, tables, warehouse
from send_ready.layout import COUNCILS
from send_ready.runs import Run, RunError
from send_ready.settings import PROJECT, Settings
from send_ready.warehouse import identifier, literal

DBT_PROJECT = PROJECT / "dbt_project"
SEEDS = DBT_PROJECT / "seeds"
OWN_SEEDS = ("crosswalks", "targets")  # folders of SEND_CONFIG whose CSVs stand in for seeds of the same name
HOLIDAY_COLUMNS = {"holiday_date": "DATE", "holiday_name": "VARCHAR"}
DECISION_COLUMNS = ("record_1", "record_2", "decision", "decided_by", "decided_on", "note")
ROW_COLUMNS = ("_line_no BIGINT", "_unreadable VARCHAR")  # what extract/typed.py says of each row
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
        os.environ |= _dbt_environment(run, settings)
        logging.raiseExceptions = False  # a full disk is told once, not with a stack for each line of dbt's log
        outcome = dbtRunner().invoke(["build", *_dbt_arguments(run, target), "--exclude-resource-type", "unit_test"])
        if outcome.exception:
            said = str(outcome.exception)
            raise warehouse.locked(run.warehouse, said) or BuildError(f"dbt stopped: {said}") from outcome.exception
        results: list[Any] = list(cast(RunExecutionResult, outcome.result))
        step.work = _execution_seconds(results)
        step.note = f"{len(results)} models, seeds and tests"
        if not outcome.success:
            _forget_values(target / "run_results.json")
            failed = [f"{result.node.name}: {_why(result)}" for result in results if result.status in ("error", "fail")]
            said = " ".join(str(result.message) for result in results)
            raise warehouse.locked(run.warehouse, said) or BuildError(
                f"dbt built with failures; their SQL is in {target / 'compiled'}:\n  " + "\n  ".join(failed)
            )


def _why(result: Any) -> str:
    """Why a node failed, without what it met: of a seed, which is configuration, all that dbt says."""
    is_safe = result.status == "fail" or result.node.resource_type == "seed"
    return str(result.message) if is_safe else private.kinds(str(result.message))


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


def write_docs(run: Run, settings: Settings) -> Path:
    """What every table and column means, as a page of its own that asks nothing of any network.

    Holds no value of the run's tables. Raises RunError when the run has no warehouse, BuildError when dbt fails.
    """
    from dbt.cli.main import dbtRunner

    if not run.warehouse.exists():
        raise RunError(f"{run.warehouse} is missing. Build the run with `send-ready build`, then run this step again.")
    page = settings.home / "catalogue" / "index.html"
    with TemporaryDirectory(dir=run.folder) as folder:
        target = Path(folder)
        os.environ |= _dbt_environment(run, settings)
        generate = ["docs", "generate", "--static", "--target", "reader", *_dbt_arguments(run, target)]
        outcome = dbtRunner().invoke(generate)
        if not outcome.success:
            raise BuildError(f"dbt could not describe the warehouse: {outcome.exception or 'see its messages above.'}")
        files.write_bytes(page, _closed((target / "static_index.html").read_text(encoding="utf-8")).encode())
    return page


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
    with warehouse.writer(run.warehouse) as con:
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


def _create_decisions(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """What people decided about pairs in the review queue: SEND_CONFIG/decisions/person_links.csv."""
    con.execute(f"CREATE TABLE raw.person_decisions ({', '.join(f'{name} VARCHAR' for name in DECISION_COLUMNS)})")
    decisions = settings.config / "decisions" / "person_links.csv" if settings.config else None
    if decisions and decisions.is_file():
        for _, row in tables.read(decisions, DECISION_COLUMNS[:DECIDING], DECISION_COLUMNS[DECIDING:]):
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


def _dbt_environment(run: Run, settings: Settings) -> dict[str, str]:
    return {
        "SEND_DBT_WAREHOUSE": str(run.warehouse),
        "SEND_DBT_MEMORY": machine.memory_limit(),
        "SEND_SEEDS": str(_seeds(run, settings)),
        "DO_NOT_TRACK": "1",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def _seeds(run: Run, settings: Settings) -> Path:
    """The folder of seeds in force: the shipped one, or a copy with the council's own files laid over it."""
    folders = [settings.config / name for name in OWN_SEEDS] if settings.config else []
    own = [path for folder in folders for path in sorted(folder.glob("*.csv"))]
    if not own:
        return SEEDS
    merged = run.folder / "seeds"
    for path in SEEDS.rglob("*.csv"):  # not as they are: everybody may read the shipped ones
        files.write_bytes(merged / path.relative_to(SEEDS), path.read_bytes())
    for path in own:
        places = list(SEEDS.rglob(path.name))
        if not places:
            raise BuildError(f"{path} is not the name of a seed, so it would have no effect. Names: see {SEEDS}.")
        rows = _own_rows(path, shipped=places[0])
        files.write_bytes(merged / places[0].relative_to(SEEDS), tables.write(rows, list(rows[0])))
    return merged


def _own_rows(path: Path, shipped: Path) -> list[dict[str, str]]:
    """The rows of a council's own seed, with the columns of the shipped one. Raises TableError."""
    with open(shipped, encoding="utf-8", newline="") as file:
        columns = next(csv.reader(file))
    rows = tables.read(path, columns)
    if not rows:
        raise tables.TableError(f"{path} has no row. Begin with a copy of {shipped}, or remove it.")
    if "local_value" in columns:
        _check_crosswalk(path, rows)
    return [row for _, row in rows]


def _check_crosswalk(path: Path, rows: list[tuple[int, dict[str, str]]]) -> None:
    """Raise TableError for a value that stands twice, which would double the records that hold it, or for none."""
    seen: dict[str, int] = {}
    for line, row in rows:
        value = row["local_value"].strip().lower()
        if not value:
            raise tables.TableError(f"{path}, line {line}: there is no local_value. Take the line out.")
        if (first := seen.setdefault(value, line)) != line:
            raise tables.TableError(f"{path}, line {line}: its value stands in line {first} already. Keep one of them.")


def seed(name: str, settings: Settings | None = None) -> list[dict[str, str]]:
    """The rows of the seed in force: of the council's own file of that name if it has one, else of the shipped one.

    Raises TableError when the council's own cannot be used.
    """
    (shipped,) = SEEDS.rglob(f"{name}.csv")
    for folder in OWN_SEEDS if settings else ():
        if settings and (own := settings.config_file(folder, shipped.name, shipped=shipped)) != shipped:
            return _own_rows(own, shipped)
    with open(shipped, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _execution_seconds(results: list[Any]) -> float:
    """From the first node's start to the last one's end: what dbt did, without its parsing."""
    times = [timing for result in results for timing in result.timing if timing.started_at and timing.completed_at]
    if not times:
        return 0.0
    return float((max(t.completed_at for t in times) - min(t.started_at for t in times)).total_seconds())
