"""What a SEND_HOME holds: as it can be compared with another's, and whether it is whole."""

import json
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb

from send_ready import files
from tests.faults.house import DAY


def landed(home: Path) -> dict[str, Any]:
    """Every file of the landing: the hash of an export, what a record says but for its moments."""
    return {
        str(path.relative_to(home)): _record(path) if path.suffix == ".json" else files.sha256(path)
        for path in sorted((home / "landing").rglob("*"))
        if path.is_file()
    }


def pack(home: Path, day: date = DAY) -> dict[str, Any]:
    """Every file of a pack: its hash, and of the manifest all but who made it and when."""
    folder = home / "out" / day.isoformat()
    found: dict[str, Any] = {
        path.relative_to(folder).as_posix(): files.sha256(path) for path in folder.rglob("*") if path.is_file()
    }
    return found | {"manifest.json": files.read_json(folder / "manifest.json") | {"run_id": "", "built_at": ""}}


def served(home: Path) -> dict[str, list[Any]]:
    """Every row of the published warehouse, by table, in order, without the run that built it."""
    with duckdb.connect(str(home / "serving" / "warehouse.duckdb"), read_only=True) as con:
        return {
            table: con.execute(f"SELECT * EXCLUDE (run_id) FROM {table} ORDER BY ALL").fetchall()
            for table in _tables(con)
        }


def runs_served(home: Path) -> set[str]:
    """Which runs the published warehouse and its Parquet are of."""
    with duckdb.connect(str(home / "serving" / "warehouse.duckdb"), read_only=True) as con:
        sources = [*_tables(con), *(f"'{path}'" for path in (home / "serving" / "parquet").rglob("*.parquet"))]
        found = con.execute(" UNION ".join(f"SELECT run_id FROM {source}" for source in sources)).fetchall()
    return {run for (run,) in found}


def _tables(con: duckdb.DuckDBPyConnection) -> list[str]:
    query = "SELECT schema_name || '.' || table_name FROM duckdb_tables() ORDER BY 1"
    return [name for (name,) in con.execute(query).fetchall()]


def _record(path: Path) -> Any:
    found = files.read_json(path)
    return {name: value for name, value in found.items() if name not in ("landed_at", "ctime_ns")}


def assert_whole(home: Path) -> None:
    """Landing, packs and the published warehouse hold nothing half, whatever was killed."""
    assert_landing(home)
    _assert_published(home, _as_it_lies(home / "out", home / "serving"))


def _as_it_lies(*folders: Path) -> tuple[object, ...]:
    """What changes with any file of the folders, and of those that they lead to."""
    paths = [each for folder in folders for each in (folder, *sorted(folder.resolve().rglob("*")))]
    return tuple((path, (held := path.lstat()).st_ino, held.st_size, held.st_mtime_ns) for path in paths)


@lru_cache(maxsize=20)  # most kills leave what is published as it was, and looking through it takes half a second
def _assert_published(home: Path, _: tuple[object, ...]) -> None:
    for folder in {*(home / "out").glob("20*"), home / "out" / "latest"}:
        manifest = files.read_json(folder / "manifest.json")
        held = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert held == {*manifest["outputs"], "manifest.json"}, folder
        for name, output in manifest["outputs"].items():
            assert files.sha256(folder / name) == output["sha256"], folder / name
    assert len(runs_served(home)) == 1


def assert_landing(home: Path) -> None:
    """Every record has its bytes. Bytes without a record are a landing cut off: whole, and landed again."""
    for path in (home / "landing").rglob("*"):
        if path.is_dir() or path.name.startswith("."):
            continue
        hash_, _, rest = path.name.partition(".")
        if path.suffix != ".json":
            assert files.sha256(path) == hash_, path
        elif rest == "json":
            record = json.loads(path.read_text())
            day = record["duplicate_of"] or path.parent.name
            assert (path.parent.parent / day / f"{hash_}{record['suffix']}").exists(), path
