"""What there is to say about returns as wholes: files that belong together, and one return beside another."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from extract.sen2.csv_file import BLADES, D2I
from extract.sen2.found import BY_DATES, BY_HEADER, BY_NAME, Told
from extract.sen2.shape import FILE, Shape
from send_ready.database import literal
from send_ready.sen2 import ROOT

MISSING_FILES, TWO_RETURNS, NO_PARENT, YEAR_ASSUMED = "F-68", "F-69", "F-70", "F-71"
HOW = {BY_NAME: "its name", BY_DATES: "the latest request or decision in it"}  # else by the day of the file
SETS = Path(__file__).resolve().parent.parent / "prepare" / "sen2_sets.sql"
OF_D2I = ("person", "requests", "assessment", "named_plan", "active_plans")
SHOWN = 3


def told(con: duckdb.DuckDBPyConnection, shape: Shape, rows: Sequence[Path]) -> list[tuple[str, Told]]:
    """What is to be told of all returns together, each with the file that it is of; `rows` are the files as read."""
    if not rows:
        return []
    listed = ", ".join(map(literal, rows))
    con.execute(f"CREATE OR REPLACE VIEW every AS FROM read_parquet([{listed}], union_by_name = true)")
    con.execute(f"CREATE OR REPLACE TABLE sen2_file AS FROM every WHERE _table = '{FILE}'")
    con.execute(f"CREATE OR REPLACE TABLE sets AS {SETS.read_text(encoding='utf-8')}")
    return [*_assumed(con), *_missing(con, shape), *_beside(con), *_without_parent(con, shape)]


def _assumed(con: duckdb.DuckDBPyConnection) -> list[tuple[str, Told]]:
    rows = con.execute("""
        SELECT min(_file), min(_basis::INTEGER), any_value(sets.return_year)
        FROM sen2_file INNER JOIN sets USING (_set) GROUP BY _set ORDER BY 1""").fetchall()
    return [
        (file_name, Told(
            YEAR_ASSUMED, "query", "It does not say of which survey it is; by "
            f"{HOW.get(basis, 'the day of the file')} it is read as the return of {year}.",
            "If that is wrong, put the year alone into its name, such as SEN2 2025.",
        ))
        for file_name, basis, year in rows if basis > BY_HEADER
    ]  # fmt: skip


def _missing(con: duckdb.DuckDBPyConnection, shape: Shape) -> list[tuple[str, Told]]:
    found = []
    of_sets = con.execute("""
        SELECT any_value(form ORDER BY _file), min(_file), list(DISTINCT _module) FROM sen2_file
        GROUP BY _set ORDER BY 2""").fetchall()
    for form, file_name, there in of_sets:
        expected = list(shape.tables) if form == BLADES else list(OF_D2I) if form == D2I else []
        lacking = [shape.tables[name] for name in expected if name not in there]
        if not lacking:
            continue
        words = ", ".join(table.blade if form == BLADES else table.name for table in lacking)
        weight = "query" if [table.name for table in lacking] == [ROOT] else "error"
        count = f"{len(lacking)} of the {len(expected)} {form} that belong together are"
        if len(lacking) == 1:
            count = f"One of the {len(expected)} {form} that belong together is"
        found.append((file_name, Told(
            MISSING_FILES, weight, f"{count} not there: {words}. What is there is read; of the rest nothing is known.",
            "Drop it into the inbox beside the others, under a name that differs by the table alone.",
        )))  # fmt: skip
    return found


def _beside(con: duckdb.DuckDBPyConnection) -> list[tuple[str, Told]]:
    rows = con.execute("""
        SELECT other.return_year, min(one._file), min(two._file), other.is_draft, other.modules < stands.modules,
            other.serial < stands.serial
        FROM sets AS other
        INNER JOIN sets AS stands ON other.return_year = stands.return_year AND stands.stands AND NOT other.stands
        INNER JOIN sen2_file AS one ON one._set = stands._set
        INNER JOIN sen2_file AS two ON two._set = other._set
        GROUP BY ALL ORDER BY ALL""").fetchall()
    found = []
    for year, stands, other, is_draft, is_less, is_lower in rows:
        why = "it is no draft" if is_draft else "it holds more tables" if is_less else "its serial number is higher"
        why = why if is_draft or is_less or is_lower else "it came later"
        found.append((other, Told(
            TWO_RETURNS, "query", f"There are two returns for {year}. {stands} stands, since {why}; the rows of this "
            "one are in no list.", "Nothing, if that is right. Otherwise take the other one out of the landing.",
        )))  # fmt: skip
    return found


def _without_parent(con: duckdb.DuckDBPyConnection, shape: Shape) -> list[tuple[str, Told]]:
    found = []
    for table in shape.tables.values():
        if not table.parent or not table.parent_key:
            continue
        rows = con.execute(f"""
            SELECT child._file, count(*), min(child._line)
            FROM every AS child
            SEMI JOIN sen2_file ON sen2_file._set = child._set AND sen2_file._module = '{table.parent}'
            ANTI JOIN (FROM every WHERE _table = '{table.parent}') AS parent
                ON parent._set = child._set AND parent.{table.parent}_table_id = child.{table.parent_key}
            WHERE child._table = '{table.name}'
            GROUP BY 1 ORDER BY 1""").fetchall()
        above = shape.tables[table.parent].tag
        for file_name, count, line in rows:
            found.append((file_name, Told(
                NO_PARENT, "error", f"{count:,} {table.tag} whose {above} is not there, first in line {line}. They are "
                "kept, and belong to nobody.", "Put the number of the row above right in the system that made the "
                "return, and make it again.", line, count,
            )))  # fmt: skip
    return found
