"""A warehouse as warehouse.load leaves it for dbt: schema raw, made from the contracts and given rows.

`build` makes all models of it by the statements that dbt itself runs, at a fifth of what dbt takes; that both come to
the same is a test of its own (test_build.py). `dbt` is dbt, for what is about the build itself.
"""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from extract.contract import TYPES
from send_ready import database
from tests.nights import once
from tests.steps import Step, shared
from warehouse import returns
from warehouse import seeds as loading
from warehouse.load import ASIDE_COLUMNS, DECISION_COLUMNS, FEED_COLUMNS, HOLIDAY_COLUMNS
from warehouse.own_seeds import SEEDS

ROOT = Path(__file__).resolve().parent.parent.parent
PROJECT = ROOT / "dbt_project"
CONTRACTS = ROOT / "extract" / "contracts"
AS_AT = date(2026, 11, 16)
LA_CODE = "999"
COUNCIL_COLUMNS = ("la_code", "la_name")
HOLIDAYS = [{"holiday_date": date(2026, 12, 25), "holiday_name": "Christmas Day"}]

NATIONAL = ("census", "dfe", "ilacs", "sen2")  # of which most councils have no file

Row = Mapping[str, Any]


def contracts() -> dict[str, dict[str, Any]]:
    """Every feed's contract, by `source.feed`."""
    return {
        path.stem.replace("__", "."): yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
        for path in sorted(CONTRACTS.glob("*__*.yml"))
    }


def columns(contract: Mapping[str, Any]) -> dict[str, str]:
    """The typed columns of a contract with their DuckDB types, and what extract says of each row."""
    of_row = {"_line_no": "BIGINT", "_unreadable": "VARCHAR"}
    return {name: TYPES[column["type"]] for name, column in contract["columns"].items()} | of_row


def make_raw(
    path: Path,
    rows: Mapping[str, Sequence[Row]] | None = None,
    decisions: Sequence[Row] = (),
    never_received: Sequence[str] = (),
    columns_missing: Mapping[str, Sequence[str]] | None = None,
    set_aside: Sequence[Row] = (),
) -> Path:
    """Write schema raw into a warehouse file: the rows of each `source.feed`, empty tables for the others.

    `columns_missing` names, by `source.feed`, columns that the file in use has not.
    """
    rows = rows or {}
    feeds = []
    con = database.writer(path)
    try:
        con.execute("CREATE SCHEMA raw")
        for feed, contract in contracts().items():
            source, name = feed.split(".")
            given = [{"_line_no": number, **row} for number, row in enumerate(rows.get(feed, ()), start=2)]
            _make_table(con, f"{source}__{name}", columns(contract), given)
            missing = feed in never_received or (source in NATIONAL and not given)
            feeds.append(
                {
                    "source": source,
                    "feed": name,
                    "status": "missing" if missing else "fresh",
                    "is_stale": missing,
                    "was_ever_received": not missing,
                    "columns_missing": "; ".join((columns_missing or {}).get(feed, ())) or None,
                    "data_date": None if missing else AS_AT,
                    "rows_accepted": len(given),
                    "owner": contract["owner"],
                    "title": contract["title"],
                }
            )
        unknown = set(rows) - set(contracts())
        if unknown:
            raise KeyError(f"no such feed: {sorted(unknown)}")
        _make_table(con, "feeds", FEED_COLUMNS, feeds)
        _make_table(con, "set_aside", ASIDE_COLUMNS, set_aside)
        _make_table(con, "person_decisions", dict.fromkeys(DECISION_COLUMNS, "VARCHAR"), decisions)
        _make_table(con, "bank_holidays", HOLIDAY_COLUMNS, HOLIDAYS)
        _make_table(con, "councils", dict.fromkeys(COUNCIL_COLUMNS, "VARCHAR"), [])
    finally:
        con.close()
    return path


def _make_table(con: Any, name: str, types: Mapping[str, str], rows: Sequence[Row]) -> None:
    definition = ", ".join(f"{database.identifier(column)} {kind}" for column, kind in types.items())
    con.execute(f"CREATE TABLE raw.{name} ({definition})")
    for row in rows:
        if set(row) - set(types):
            raise KeyError(f"raw.{name} has no column {sorted(set(row) - set(types))}")
        names = ", ".join(database.identifier(column) for column in row)
        con.execute(f"INSERT INTO raw.{name} ({names}) VALUES ({', '.join('?' * len(row))})", list(row.values()))


@dataclass(frozen=True)
class Result:
    """What dbt did: each node's status and message, by unique id."""

    success: bool
    nodes: dict[str, tuple[str, str]]
    target: Path

    @property
    def troubles(self) -> dict[str, tuple[str, str]]:
        return {name: node for name, node in self.nodes.items() if node[0] not in ("success", "pass", "no-op")}


def every_quiet_column() -> dict[str, list[str]]:
    """`besides` of a run whose files have every column that may stand in for another."""
    quiet = {
        feed.replace(".", "__"): [
            name for name, column in contract["columns"].items() if column.get("quiet") or "instead_of" in column
        ]
        for feed, contract in contracts().items()
    }
    return {feed: columns for feed, columns in quiet.items() if columns}


def dbt(
    path: Path,
    *arguments: str,
    as_at: date = AS_AT,
    seeds: str = str(SEEDS),
    besides: Mapping[str, Sequence[str]] | None = None,
    sen2_year: str = "",
    sen2: str = "",
) -> Result:
    """Run dbt on a file called warehouse.duckdb, with everything it writes beside that file."""
    target, results, said = path.parent / "target", path.parent / "results.json", path.parent / "said"
    variables = {"as_at": as_at.isoformat(), "la_code": LA_CODE, "run_id": "test", "besides": besides or {}}
    variables["sen2_year"] = sen2_year
    variables["sen2"] = sen2
    where = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    kept = ["--target-path", str(target), "--log-path", str(path.parent / "logs")]
    given = ["dbt", str(results), *arguments, *where, *kept, "--quiet", "--vars", json.dumps(variables)]
    environment = {**os.environ, "SEND_DBT_WAREHOUSE": str(path)}
    if arguments[0] == "build":
        with database.writer(path) as con:
            con.execute("DROP SCHEMA IF EXISTS seeds CASCADE")
            loading.create(con, Path(seeds))
        given += ["--exclude-resource-type", "seed"]
    ended = Step(shared(), arguments=given, environment=environment, said=str(said)).wait()
    assert ended and ended.status == 0, ended
    success, nodes = json.loads(results.read_text(encoding="utf-8"))
    return Result(success, {name: (status, message) for name, (status, message) in nodes.items()}, target)


@dataclass(frozen=True)
class Statement:
    """What dbt ran for one node, on a day that is no other's: STAND_IN_DAY."""

    node: str
    sql: str


STAND_IN_DAY = date(1812, 6, 24)  # stands in the statements for the as-at day
STAND_IN_YEAR = "2099"  # and for the survey year that is asked for
KEPT = "ran.json"
NAMED = re.compile(r'"warehouse"\."(\w+)"\."(\w+)"')
workers: list[pytest.TempPathFactory] = []  # where all workers find what one of them made, once conftest.py has said


@cache
def statements(is_generous: bool = False) -> tuple[Statement, ...]:
    """What dbt runs for each model and data test, in its order: of one build of an empty council.

    `is_generous`: of files that have every column which may stand in for another, and of a council for which a SEN2
    return is a source; of others it is beside Capita One (warehouse/returns.py). Without rows of one neither counts.
    """
    name = f"statements{'_generous' * is_generous}"
    kept = once(workers[0], name, partial(_keep_statements, is_generous)) / KEPT
    return tuple(Statement(**each) for each in json.loads(kept.read_text(encoding="utf-8")))


def _keep_statements(is_generous: bool, folder: Path) -> None:
    path = make_raw(folder / "warehouse.duckdb")
    besides, sen2 = (every_quiet_column(), returns.SOURCE) if is_generous else ({}, returns.BESIDE)
    built = dbt(
        path,
        "build",
        "--exclude-resource-type",
        "unit_test",
        as_at=STAND_IN_DAY,
        besides=besides,
        sen2_year=STAND_IN_YEAR,
        sen2=sen2,
    )
    assert not built.troubles
    found = {file.stem: file.read_text(encoding="utf-8") for file in (built.target / "run").rglob("*.sql")}
    nodes = [node for node in built.nodes if node.startswith(("model.", "test."))]
    ran = [{"node": node, "sql": found[node.rpartition(".")[2]]} for node in nodes]
    (folder / KEPT).write_text(json.dumps(ran), encoding="utf-8")


def build(
    path: Path,
    *,
    as_at: date = AS_AT,
    seeds: Path = SEEDS,
    is_generous: bool = False,
    sen2_year: int | None = None,
    of: str | None = None,
) -> Path:
    """Build every model in a warehouse file and assert that every data test passes; gives the file.

    `of` names a schema: then its models alone are built, what they are made of, and what tests them.
    """
    ran = statements(is_generous)
    if of:
        ran = _of(of, ran)
    with database.writer(path) as con:
        loading.create(con, seeds)
        con.execute("BEGIN")
        for schema in sorted({schema for each in ran for schema, _ in _tables(each)}):
            con.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        for statement in ran:
            dated = statement.sql.replace(STAND_IN_DAY.isoformat(), as_at.isoformat())
            con.execute(dated.replace(f"'{STAND_IN_YEAR}'", f"'{sen2_year or ''}'"))
            if statement.node.startswith("test."):
                assert con.fetchall() == [(0, False, False)], statement.node
        con.execute("COMMIT")
    return path


def _tables(statement: Statement) -> list[tuple[str, str]]:
    """Schema and name of each table that a statement names: of a model its own first."""
    return [(schema, name.removesuffix("__dbt_tmp")) for schema, name in NAMED.findall(statement.sql)]


def _of(schema: str, ran: Sequence[Statement]) -> tuple[Statement, ...]:
    """The statements of a schema's models, in their order, with those that they depend on and tests of no others."""
    needed: set[tuple[str, str]] = set()
    kept = []
    for statement in reversed([each for each in ran if each.node.startswith("model.")]):
        own = _tables(statement)[0]
        if own[0] == schema or own in needed:
            needed.update(_tables(statement))
            kept.append(statement)
    made = {_tables(each)[0] for each in kept}
    there = made | {table for table in needed if table[0] in ("raw", "seeds")}
    tests = [each for each in ran if each.node.startswith("test.")]
    about = [each for each in tests if there.issuperset(_tables(each)) and schema in dict(_tables(each))]
    return (*reversed(kept), *about)


def read(path: Path, query: str) -> list[dict[str, Any]]:
    """The rows of a query on a finished warehouse."""
    con = database.reader(path)
    try:
        cursor = con.execute(query)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    finally:
        con.close()
