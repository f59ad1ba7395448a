"""What the SQL of the models costs: that of finished runs, one model after another in one connection.

usage: python -m tools.bench.models [--rounds N] [--threads N] [--first N] HOME [HOME]

Of each SEND_HOME the last run that has a whole warehouse. Its sources and seeds are copied, and its models made of them
as dbt compiled them, in the order that they need one another. Processor seconds, the least of so many rounds, which
two homes take in turns; of two, the second also as a share of the first. Tests and what dbt takes by itself are left
out.
"""

import argparse
import json
import resource
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from send_ready import database, runs
from send_ready.database import identifier

Seconds = dict[str, float]  # by model


@dataclass(frozen=True)
class Model:
    """A model as dbt compiled it."""

    name: str
    relation: str
    kind: str  # table or view
    sql: str


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.models", description="What the models' SQL costs.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=4, help="DuckDB's, as it is opened everywhere (4)")
    parser.add_argument("--first", type=int, default=25, help="how many models to print, the dearest first (25)")
    parser.add_argument("homes", type=Path, nargs="+", metavar="HOME")
    given = parser.parse_args()
    found = [_last_run(home.resolve()) for home in given.homes]
    least: list[Seconds] = [{} for _ in found]
    for _ in range(given.rounds):
        for run, seconds in zip(found, least, strict=True):
            for name, taken in _measure(run, given.threads).items():
                seconds[name] = min(taken, seconds.get(name, taken))
    _print(least, given.first)


def _last_run(home: Path) -> Path:
    """The folder of the last run in a SEND_HOME that has a whole warehouse."""
    whole = [
        each for each in runs.begun(home) if (each / "warehouse.duckdb").exists() and not (each / "unfinished").exists()
    ]
    if not whole:
        raise SystemExit(f"{home} has no run with a whole warehouse.")
    return whole[-1]


def _models(run: Path) -> list[Model]:
    """The models of a run, each after those that it reads, without those that stand in the SQL of others."""
    written = json.loads((run / "dbt" / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    nodes: dict[str, Any] = {key: node for key, node in written.items() if node["resource_type"] == "model"}
    reads = {key: [each for each in node["depends_on"]["nodes"] if each in nodes] for key, node in nodes.items()}
    return [
        Model(
            node["name"],
            f"{identifier(node['schema'])}.{identifier(node['alias'])}",
            node["config"]["materialized"],
            (run / "dbt" / "compiled" / "send_ready" / node["original_file_path"]).read_text(encoding="utf-8"),
        )
        for node in (nodes[key] for key in TopologicalSorter(reads).static_order())
        if node["config"]["materialized"] != "ephemeral"
    ]


def _measure(run: Path, threads: int) -> Seconds:
    """Processor seconds of each model, made in a new file."""
    seconds: Seconds = {}
    with (
        TemporaryDirectory(dir=run.parent, prefix=".") as folder,
        database.writer(Path(folder, "warehouse.duckdb")) as con,
    ):
        con.execute(f"SET threads = {threads}")
        _copy_sources(con, run)
        for model in _models(run):
            before = _processor_seconds()
            con.execute(f"CREATE {model.kind} {model.relation} AS {model.sql}")
            seconds[model.name] = _processor_seconds() - before
    return seconds


def _copy_sources(con: duckdb.DuckDBPyConnection, run: Path) -> None:
    """What dbt finds when it begins, and the schemas that it makes."""
    database.attach(con, run / "warehouse.duckdb", "built")
    for (schema,) in con.execute(
        "SELECT schema_name FROM duckdb_schemas() "
        "WHERE database_name = 'built' AND NOT internal AND schema_name <> 'main'"
    ).fetchall():
        con.execute(f"CREATE SCHEMA {identifier(schema)}")
    for (sql,) in con.execute(
        "SELECT replace(sql, 'CREATE VIEW built.', 'CREATE VIEW ') FROM duckdb_views() "
        "WHERE database_name = 'built' AND schema_name = 'raw'"
    ).fetchall():
        con.execute(sql)
    for schema, table in con.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() "
        "WHERE database_name = 'built' AND schema_name IN ('raw', 'seeds')"
    ).fetchall():
        name = f"{identifier(schema)}.{identifier(table)}"
        con.execute(f"CREATE TABLE {name} AS FROM built.{name}")
    con.execute("DETACH built")


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _print(least: list[Seconds], first: int) -> None:
    names = sorted(set().union(*least), key=lambda name: -max(seconds.get(name, 0) for seconds in least))
    for name in names[:first]:
        print(f"{name:<42}" + "".join(f"{seconds[name]:>9.2f}" if name in seconds else f"{'':>9}" for seconds in least))
    sums = [sum(seconds.values()) for seconds in least]
    share = f"   {sums[1] / sums[0]:.2f} of the first" if len(sums) == 2 else ""
    print(f"{f'all {len(names)}':<42}" + "".join(f"{each:>9.2f}" for each in sums) + share)


if __name__ == "__main__":
    main()
