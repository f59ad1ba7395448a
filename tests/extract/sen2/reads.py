"""What the reader makes of files that lie there, as the tables of the truth."""

import datetime as dt
import tempfile
from dataclasses import replace
from pathlib import Path

import duckdb

from extract.landing import Landed
from extract.own import source
from extract.own.source_file import load_rows
from extract.sen2.found import Told
from send_ready import database, settings
from send_ready.settings import Settings
from tests.extract.sen2.truth import COLUMNS, PARENT, Row

GIVEN = settings.load({"AS_AT": "2026-03-01"})


def read(path: Path, given: Settings = GIVEN, name: str | None = None) -> tuple[dict[str, list[Row]], list[Told]]:
    """The tables of one file, and what is told of it. Raises Refusal."""
    found, told = read_all([path], given, name)
    return found, told


def read_all(
    paths: list[Path], given: Settings = GIVEN, name: str | None = None
) -> tuple[dict[str, list[Row]], list[Told]]:
    """The tables of files that belong together, header included, in order of their numbers."""
    one = source.load("sen2_returns", given)
    found: dict[str, list[Row]] = {module: [] for module in ("sen2", *COLUMNS)}
    told: list[Told] = []
    for path in paths:
        landed = Landed("sources", one.feed, name or path.name, path.suffix, 0, 0, "0" * 64, dt.date(2026, 3, 1),
                        "2026-03-01T00:00:00", None)  # fmt: skip
        with tempfile.TemporaryDirectory() as work, database.scratch(Path(work), threads=1) as con:
            told += load_rows(con, path, landed, replace(one), Path(work)).told
            for module, rows in found.items():
                rows += _rows(con, module)
    return {
        module: sorted(rows, key=lambda row: int(row.get(f"{module}_table_id") or 0)) for module, rows in found.items()
    }, told


def _rows(con: duckdb.DuckDBPyConnection, module: str) -> list[Row]:
    if module == "sen2":
        cursor = con.execute("SELECT return_year, reference_date, lea, serial_no FROM rows WHERE _table = 'sen2'")
    else:
        ids = [f"{module}_table_id::INTEGER AS {module}_table_id", "order_seq::INTEGER AS order_seq"]
        ids += [f"{PARENT[module]}_table_id::INTEGER AS {PARENT[module]}_table_id"] if module in PARENT else []
        columns = ", ".join([*ids, *(column for _, column, _ in COLUMNS[module])])
        cursor = con.execute(f"SELECT {columns} FROM rows WHERE _table = '{module}'")
    names = [each[0] for each in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
