"""Seeds in force: the shipped CSVs of dbt_project/seeds, and the council's own in place of some."""

import csv
from pathlib import Path

import duckdb

from send_ready import files, tables
from send_ready.database import identifier, literal
from send_ready.runs import Run
from send_ready.settings import Settings
from send_ready.systems import Names
from warehouse import own_seeds
from warehouse.own_seeds import SEEDS

OURS = Names({})
PROSE = ("kpi_catalogue", "event_types")  # seeds whose words people read from the warehouse


def folder_in_force(run: Run, settings: Settings) -> Path:
    """The folder of seeds in force: the shipped one, or a copy with the council's own files laid over it."""
    config = settings.config
    own = [
        path
        for name in own_seeds.seed_names()
        if config and (path := config / own_seeds.path_in_config(name)).is_file()
    ]
    if not own:
        return SEEDS
    merged = run.folder / "seeds"
    for path in SEEDS.rglob("*.csv"):  # not as they are: everybody may read the shipped ones
        files.write_bytes(merged / path.relative_to(SEEDS), path.read_bytes())
    for path in own:
        rows = own_seeds.rows_of(path)
        files.write_bytes(
            merged / own_seeds.shipped_path(path.stem).relative_to(SEEDS), tables.write(rows, list(rows[0]))
        )
    return merged


def rows(name: str, settings: Settings | None = None) -> list[dict[str, str]]:
    """The rows of the seed in force: of the council's own file of that name if it has one, else of the shipped one.

    Raises TableError when the council's own cannot be used.
    """
    shipped = own_seeds.shipped_path(name)
    if settings and name in own_seeds.seed_names():
        own = settings.config_file(*own_seeds.path_in_config(name).parts, shipped=shipped)
        if own != shipped:
            return own_seeds.rows_of(own)
    with open(shipped, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def create(con: duckdb.DuckDBPyConnection, folder: Path, names: Names = OURS) -> None:
    """Create schema `seeds` with a table for each CSV of the folder, all columns as text, as models/seeds.yml says.

    What KPIs mean is said in the words of the council's own names of systems.

    dbt would take a node for each, and longer for that than for many a model.
    """
    con.execute("BEGIN; CREATE SCHEMA seeds")
    for path in sorted(folder.rglob("*.csv")):
        with open(path, encoding="utf-8", newline="") as file:
            columns = ", ".join(f"{identifier(name)} VARCHAR" for name in next(csv.reader(file)))
        table = f"seeds.{identifier(path.stem)}"
        con.execute(
            f"CREATE TABLE {table} ({columns}); COPY {table} FROM {literal(path)} (FORMAT CSV, HEADER, DELIMITER ',')"
        )
    if names.given:
        _rename(con, names)
    con.execute("COMMIT")


def _rename(con: duckdb.DuckDBPyConnection, names: Names) -> None:
    for name in PROSE:
        found = con.execute(f"SELECT * FROM seeds.{name}")
        columns = [identifier(column[0]) for column in found.description or ()]
        for row in found.fetchall():
            said = [value and names.said(value) for value in row]
            chosen = ", ".join(f"{column} = ?" for column in columns)
            con.execute(f"UPDATE seeds.{name} SET {chosen} WHERE {columns[0]} = ?", [*said, row[0]])
