"""The published warehouse: serving/warehouse.duckdb, bi.duckdb and parquet/, replaced together while others read.

`serving` is a link to a folder of `published/`. A new version is built beside the old one and the link is turned in one
move, so every reader gets one whole version. The version before is kept until the next publication, for `rollback`, and
so is any that a reader still has open: a large query may write to disk beside the file. The files are read-only: a
tool that opens one for writing locks all other readers out.
"""

import shutil
import tempfile
from collections.abc import Container
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from duckdb import DuckDBPyConnection

from send_ready import confined, database, files
from send_ready.database import identifier, literal
from send_ready.folders import point
from send_ready.home import PUBLISHED, SERVING, Lock
from send_ready.runs import Run, RunError, Step, step
from send_ready.settings import Settings
from warehouse import published, run_data

DATABASE = "warehouse.duckdb"  # everything
FOR_ALL = "bi.duckdb"  # without lists and identities
PARQUET = "parquet"
RECORD = "publication.json"  # written last: a version without it is not complete


@dataclass(frozen=True)
class Version:
    """A folder of published/: its run, the version before it, and the SHA-256 of its files."""

    folder: Path
    run_id: str
    as_at: date
    previous: str | None
    files: dict[str, str]


def serve(run: Run, settings: Settings) -> Path:
    """The path of the published warehouse, after the run was published. Every table has la_code and run_id.

    A rebuilt past day never replaces a later day here, as BI tools read this; it has its pack only. A published file
    that has changed since it was written is named in the step's note, and replaced.
    """
    with _locked(settings), step(run, "serve") as doing:
        link, now = settings.home / SERVING, served_version(settings)
        damage = file_faults(now) if now else [f"{link / RECORD} cannot be read"] * link.is_symlink()
        if now and now.as_at > run.as_at:
            stays = f"the published warehouse is as at {now.as_at} and stays; delete {link} to publish this day"
            doing.note = ". ".join([*damage, stays])
            return link
        # Nobody would want to go back to a damaged version, nor from a run to the same run.
        before = None
        if now:
            before = now.previous if damage or now.run_id == run.run_id else now.folder.name
        shown = link.resolve().name  # readers may have it open, also after it was replaced
        _remove_all_but(settings, {shown, now.previous if now else None})
        version = _build(run, settings, before, doing)
        point(link, version)
        _remove_all_but(settings, {version.name, shown, before})
        if damage:
            doing.note = ". ".join([*damage, "It was replaced"])
    return link


def rollback(settings: Settings) -> str:
    """A sentence that says what is served now, after the link was turned back to the version before.

    The next publication replaces it as on any night. Raises RunError, and changes nothing, when there is no version
    before, or that one is damaged.
    """
    with _locked(settings):
        now, link = served_version(settings), settings.home / SERVING
        before = recorded_version(settings.home / PUBLISHED / now.previous) if now and now.previous else None
        if not now or not before:
            raise RunError(f"No version before the one at {link} is kept, so that one stays. Publish with `make run`.")
        if damage := file_faults(before):
            raise RunError(". ".join([*damage, f"{link} stays as it is. Publish with `make run`."]))
        point(link, before.folder)
    return (
        f"{link} is back to run {before.run_id} as at {before.as_at}; run {now.run_id} as at {now.as_at} is no longer "
        "served. The next run is published as ever: put right first what was wrong with this one."
    )


def served_version(settings: Settings) -> Version | None:
    """The version that is served; None when there is none, or its record cannot be read."""
    link, versions = settings.home / SERVING, settings.home / PUBLISHED
    if not link.is_symlink() or versions.is_symlink() or (folder := link.resolve()).parent != versions:
        return None
    return recorded_version(folder)


def recorded_version(folder: Path) -> Version | None:
    """The version in a folder, from its record; None when the record is missing or cannot be read."""
    try:
        found = files.read_json(folder / RECORD)
        held = {name: str(digest) for name, digest in found["files"].items()}
        named = [*held, *([found["previous"]] if found["previous"] is not None else [])]
        if not all(map(confined.is_plain, named)) or "/" in (found["previous"] or ""):
            return None
        return Version(folder, found["run_id"], date.fromisoformat(found["as_at"]), found["previous"], held)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def file_faults(version: Version) -> list[str]:
    """A sentence for each file of a version that is missing, or has changed since it was published."""
    said = []
    for name, digest in version.files.items():
        path = version.folder / name
        if not path.is_file():
            said.append(f"{path} is missing")
        elif files.sha256(path) != digest:
            said.append(f"{path} is damaged, or was changed by a program that had it open for writing")
    return said


def with_suspect_files(version: Version) -> Version:
    """The version with only those files that are missing or were written to after its record, for a quick check."""
    published = (version.folder / RECORD).stat().st_mtime_ns
    paths = {name: version.folder / name for name in version.files}
    names = [name for name, path in paths.items() if not path.is_file() or path.stat().st_mtime_ns > published]
    return replace(version, files={name: version.files[name] for name in names})


def _build(run: Run, settings: Settings, before: str | None, doing: Step) -> Path:
    """The folder of a new version, complete and with its record. When it fails, nothing of it is left."""
    versions = settings.home / PUBLISHED
    versions.mkdir(parents=True, exist_ok=True)
    version = Path(tempfile.mkdtemp(prefix=f"{run.run_id}_", dir=versions))
    try:
        doing.rows = _write(version, run)
        written = sorted(path for path in version.rglob("*") if path.is_file())
        digests = {str(path.relative_to(version)): files.sha256(path) for path in written}
        record = {"run_id": run.run_id, "as_at": run.as_at, "previous": before, "files": digests}
        for path in written:
            path.chmod(files.READ_ONLY)
        files.write_json(version / RECORD, record)
    except BaseException:
        confined.remove_tree(version)
        raise
    return version


def _write(version: Path, run: Run) -> int:
    """The number of rows of all tables, after the databases and Parquet files were written."""
    # Beside it the pack is written: with more than one thread a sixth more work takes as long.
    with database.writer(version / FOR_ALL, threads=1) as con:
        _fill(con, run, published.FOR_ALL)
    shutil.copyfile(version / FOR_ALL, version / DATABASE)
    with database.writer(version / DATABASE, threads=1) as con:
        _fill(con, run, set(published.SCHEMAS) - set(published.FOR_ALL))
        return _write_parquet(con, version / PARQUET)


def _fill(con: DuckDBPyConnection, run: Run, schemas: Container[str]) -> None:
    """Create the tables of some schemas, with their comments."""
    run_data.attach(con, run)
    for table in published.tables(con, run):
        if table.schema in schemas:
            name = f"{table.schema}.{identifier(table.name)}"
            con.execute(f"CREATE SCHEMA IF NOT EXISTS {table.schema}")
            con.execute(f"CREATE TABLE {name} AS {table.query}")
            con.execute(f"COMMENT ON TABLE {name} IS {literal(table.comment)}")
            for column in table.columns:
                con.execute(f"COMMENT ON COLUMN {name}.{identifier(column.name)} IS {literal(column.comment)}")


def _write_parquet(con: DuckDBPyConnection, folder: Path) -> int:
    """The number of rows of all tables, after each was written to a Parquet file."""
    tables = con.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = current_database() AND NOT temporary"
    ).fetchall()
    rows = 0
    for schema, table in tables:
        path = folder / schema / f"{table}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        name = f"{schema}.{identifier(table)}"
        copied = con.execute(f"COPY {name} TO {literal(path)} (FORMAT parquet, COMPRESSION zstd)")
        rows += int(copied.fetchall()[0][0])
    return rows


def _locked(settings: Settings) -> AbstractContextManager[None]:
    return files.locked(settings.home / Lock.SERVE)


def _remove_all_but(settings: Settings, kept: Container[str | None]) -> None:
    """Remove older and incomplete versions, but for those to keep and those that a reader has open."""
    for folder in (settings.home / PUBLISHED).glob("*"):
        if (
            folder.is_dir()
            and not folder.is_symlink()
            and folder.name not in kept
            and not any(database.in_use(path) for path in folder.glob("*.duckdb"))
        ):
            confined.remove_tree(folder)
