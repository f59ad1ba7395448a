"""A SELECT of a council's over its sources, in a process of its own: `python -m extract.own.closed FOLDER`.

FOLDER has job.json: the SELECT, the shared ones that it names, the macros, the Parquet files of each table, and the
limits. It gets result.parquet (c0, c1, …: the columns as text; _file, _line) and said.json: the columns and the rows of
each table, or the error, without any value.

The database is closed before the SELECT is seen: no files but the result, no network, no extensions, no settings. The
process ends by itself when it takes more time or memory than it may.
"""

import json
import resource
import sys
from pathlib import Path
from typing import Any

import duckdb

from send_ready import database
from send_ready.database import identifier, literal

PLACE = ("_file", "_line")
OWN = (("_file", "VARCHAR"), ("_sheet", "VARCHAR"), ("_line", "BIGINT"), ("_data_date", "VARCHAR"))  # of every row
GIAS = ("urn", "la_code", "establishment_number", "establishment_name", "status_code", "open_date")
# Errors whose words are about names of the SELECT. Those of others quote the value that was at work.
OF_NAMES = ("Binder", "Catalog", "Parser", "Permission", "Syntax Error", "Not implemented")
SIMPLE = ("VARCHAR", "BOOLEAN", "DATE", "TIME", "TIMESTAMP", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT",
          "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "UUID")  # fmt: skip
ADDRESS_SPACE = 4 << 30  # beyond what the database may hold: threads, libraries and what they reserve
DAMAGED = 3  # exit status
CREATE = "CREATE TABLE result AS "


def run(folder: Path, job: dict[str, Any]) -> dict[str, Any]:
    """What came of a SELECT: see above."""
    result = folder / "result.parquet"
    with database.closed(job["memory"], [result], before=lambda con: _load(con, job)) as con:
        counts = {name: _count(con, identifier(name)) for name in job["tables"]}
        for name, select in job["shared"]:
            create = f"CREATE TABLE {identifier(name)} AS "
            try:
                con.execute(create + select)
            except duckdb.Error as error:
                return {"error": _explained(error, create) | {"shared": name}}
        try:
            con.execute(CREATE + job["select"])
            columns = con.execute("DESCRIBE " + job["select"]).fetchall()
        except duckdb.Error as error:
            return {"error": _explained(error)}
        names = [str(name) for name, *_ in columns]
        if fault := _fault(names, [str(kind) for _, kind, *_ in columns]):
            return {"error": {"message": fault}}
        held = [(at, name) for at, name in enumerate(names) if name.lower() not in PLACE]
        cells = con.execute(
            "SELECT column_name FROM duckdb_columns() WHERE table_name = 'result' ORDER BY column_index"
        )
        stored = [name for (name,) in cells.fetchall()]
        values = ", ".join(f"coalesce({identifier(stored[at])}::VARCHAR, '') AS c{n}" for n, (at, _) in enumerate(held))
        carried = {name.lower() for name in names} >= set(PLACE)
        place = (
            "_file::VARCHAR AS _file, try_cast(_line AS BIGINT) AS _line" if carried else "NULL AS _file, NULL AS _line"
        )
        con.execute(
            f"COPY (SELECT rowid + 1 AS line_no, {values}, {place} FROM result ORDER BY rowid) TO {literal(result)} "
            "(FORMAT parquet)"
        )
        return {"columns": [name for _, name in held], "rows": counts, "carries_place": carried,
                "rows_out": _count(con, "result")}  # fmt: skip


def _load(con: duckdb.DuckDBPyConnection, job: dict[str, Any]) -> None:
    parts = job.get("parts", {})
    for name, paths in job["tables"].items():
        rows = f"read_parquet([{', '.join(map(literal, paths))}], union_by_name = true)"
        values, only = "COLUMNS(*)::VARCHAR" if name == "gias" else "*", ""
        if name in parts:
            of, columns = parts[name]
            values = ", ".join(map(identifier, [each for each, _ in OWN] + columns))
            only = f" WHERE _table = {literal(of)}"
        con.execute(f"CREATE TABLE {identifier(name)} AS SELECT {values} FROM {rows}{only}")
    for name, columns in job.get("columns", {}).items():
        con.execute(
            f"CREATE TABLE IF NOT EXISTS {identifier(name)} ({', '.join(f'{each} {kind}' for each, kind in OWN)})"
        )
        held = {
            str(each).casefold()
            for (each,) in con.execute(f"SELECT column_name FROM (DESCRIBE {identifier(name)})").fetchall()
        }
        for each in columns:
            if each.casefold() not in held:
                con.execute(f"ALTER TABLE {identifier(name)} ADD COLUMN {identifier(each)} VARCHAR")
    con.execute("CREATE TABLE IF NOT EXISTS gias (urn VARCHAR)")
    for name in GIAS:
        con.execute(f"ALTER TABLE gias ADD COLUMN IF NOT EXISTS {name} VARCHAR")
    con.execute(job["macros"])


def _fault(names: list[str], kinds: list[str]) -> str:
    """What is wrong with the columns that a SELECT gives; empty when nothing is."""
    lower = [name.lower() for name in names]
    if twice := sorted({name for name, one in zip(names, lower, strict=True) if lower.count(one) > 1}):
        return f"it gives column {', '.join(twice)} twice."
    if not set(lower) - set(PLACE):
        return "it gives no column of the feed."
    others = [f"{name} ({kind})" for name, kind in zip(names, kinds, strict=True) if not _is_simple(kind)]
    return f"a column must be text, a number, a date or true and false, and not {', '.join(others)}." if others else ""


def _is_simple(kind: str) -> bool:
    return kind in SIMPLE or (kind.startswith("DECIMAL(") and "[" not in kind) or kind == '"NULL"'


def _explained(error: duckdb.Error, before: str = CREATE) -> dict[str, Any]:
    """An error as kind, position in the SELECT and words; without words where they may quote a value."""
    text = str(error)
    try:
        said = json.loads(text[text.index("{") :])
    except ValueError:
        said = {}
    kind = str(said.get("exception_type", type(error).__name__))
    message = str(said.get("exception_message", "")) if kind in OF_NAMES else ""
    position = said.get("position")
    return {
        "kind": kind,
        "message": " ".join(message.split())[:600],
        "position": max(0, int(position) - len(before)) if str(position).isdecimal() else None,
    }


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    row = con.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(row[0]) if row else 0


def _main(folder: Path) -> int:
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold the children's data
    resource.setrlimit(resource.RLIMIT_CPU, (job["seconds"], job["seconds"] + 5))
    resource.setrlimit(resource.RLIMIT_AS, (job["memory"] + ADDRESS_SPACE,) * 2)
    try:
        said = run(folder, job)
    except BaseException:  # whatever it was may quote what it stumbled over
        return DAMAGED
    (folder / "said.json").write_text(json.dumps(said), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1])))
