"""One landed file, read with one contract: typed Parquet, quarantine, and what there is to say about it.

The result is a pure function of the bytes and the contract. It is kept beside the bytes; the Parquet is
a cache under typed/ that can be deleted at any time.
"""

import datetime as dt
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from extract.contract import Contract
from extract.file_issues import file_issues
from extract.landing import Landed, Taker
from extract.own import places
from extract.own.editions import Edition
from extract.refusal import BAD_DATE_IN_NAME, FEWER_ROWS, Refusal
from extract.text.load import LineCount, TextTable, load_sheet_of, load_text
from extract.text.workbooks import Sheet
from extract.types import Typed, type_rows
from send_ready import confined, database, disk, files, issues
from send_ready.home import LANDING, TYPED

OF_RECORD = "seal"  # in a record of reading
LARGE = 256 * disk.MB  # an export that is worth more than one thread: other feeds and Airflow use the other cores
PLACES = "places.parquet"  # of a prepared feed's rows: file and line of each
SEAL = "sha256.json"  # of the files of one typed folder, written when they are whole


class Spoilt(Exception):
    """The bytes of a landed file are no longer those that came."""

    def __init__(self, landed: Landed):
        super().__init__("Its bytes are not those that came: their SHA-256 is another.")
        self.landed = landed


Outcome = tuple[TextTable, Typed] | Refusal
RecordPaths = dict[Path, list[Path]]  # by a landed file, without its suffix: what reading it came to


@dataclass(frozen=True)
class Reading:
    """What reading one file came to. `status` is accepted or refused."""

    status: str
    code: str | None
    reason: str | None
    fix: str | None
    rows_in_file: int
    rows_accepted: int
    rows_quarantined: int
    rows_duplicate: int
    columns_missing: tuple[str, ...]
    columns_extra: tuple[str, ...]
    lines: dict[str, int] | None = None  # a LineCount; None when the file was not read to its end
    rows_in: dict[str, int] | None = None  # of a prepared feed: the rows of each table that its SELECT read
    rows_used: int | None = None  # of them, as far as the SELECT carries file and line; None when it does not

    def on_record(self) -> dict[str, Any]:
        """The facts of a reading as they are kept; those of a preparation only where there was one."""
        beside = set() if self.rows_in is not None else {"rows_in", "rows_used"}
        return {name: value for name, value in asdict(self).items() if name not in beside}


def places_path(landed: Edition, contract: Contract) -> Path:
    """File and line of each row that an edition's SELECT gave, relative to SEND_HOME."""
    return typed_paths(landed, contract)[0].with_name(PLACES)


def typed_paths(landed: Landed, contract: Taker) -> tuple[Path, Path, Path]:
    """Typed rows, quarantine and issues of one file, relative to SEND_HOME."""
    kept = f"{landed.sha256[:16]}-{contract.fingerprint}"
    folder = Path(TYPED, landed.source, landed.feed, landed.folder.name, kept)
    return folder / "rows.parquet", folder / "quarantine.parquet", folder / "issues.parquet"


def record_paths(home: Path, contract: Taker) -> RecordPaths:
    """The records of all that was ever read of a feed, by its file without suffix, the last by name first."""
    found: RecordPaths = {}
    for day in (home / LANDING / contract.source / contract.feed).glob("*"):
        for name in sorted(os.listdir(day), reverse=True) if day.is_dir() and not day.is_symlink() else ():
            if re.fullmatch(r"[0-9a-f]{64}\.[0-9a-f]+\.json", name):
                found.setdefault(day / name[:64], []).append(day / name)
    return found


def recorded_reading(
    home: Path, landed: Landed, contract: Taker, known: RecordPaths | None = None
) -> tuple[Reading, bool] | None:
    """What reading the file came to, and whether it was with this contract; None when it was never read.

    `known`, where many are asked for, is what `records` gives: else the file's folder is looked through.
    """
    current = _record(home, landed, contract)
    if reading := _parsed_record(current, landed, contract):
        return reading, True
    stem = home / landed.folder / landed.sha256
    others = sorted(stem.parent.glob(f"{stem.name}.*.json"), reverse=True) if known is None else known.get(stem, [])
    for path in others:
        if path != current and (reading := _parsed_record(path, landed, None)):
            return reading, False
    return None


def reading_by(home: Path, landed: Landed, contract: Taker, begins: str, known: RecordPaths) -> Reading | None:
    """What reading a file came to with a contract whose fingerprint begins so; None when it never was."""
    for path in known.get(home / landed.folder / landed.sha256, []):
        if path.name.split(".")[1].startswith(begins) and (reading := _parsed_record(path, landed, None)):
            return reading
    return None


def _parsed_record(path: Path, landed: Landed, contract: Taker | None) -> Reading | None:
    """What a record says; None when there is none, or it does not fit its file: that is read again, to the same end.

    `contract` is the one it was read with, where that is known.
    """
    try:
        kept = files.read_json(path)
        seal = kept.pop(OF_RECORD, None)
        if kept.get("lines"):
            LineCount(**kept["lines"]).check(path.name)
        found = Reading(**kept | {name: tuple(kept[name]) for name in ("columns_missing", "columns_extra")})
    except (FileNotFoundError, ValueError, TypeError, LookupError, AttributeError, RecursionError, AssertionError):
        return None
    fits = _is_whole(found) and seal in (None, _seal(landed, found))  # None: of a version that sealed none
    if fits and isinstance(contract, Contract):
        fits = set(found.columns_missing) <= {column.name for column in contract.columns}
    return found if fits else None


def _is_whole(found: Reading) -> bool:
    """Whether a record is of the types that it should be, and its rows add up."""
    rows = (found.rows_in_file, found.rows_accepted, found.rows_quarantined, found.rows_duplicate)
    why = (found.code, found.reason, found.fix)
    is_right = all(type(each) is int and each >= 0 for each in rows)
    is_right = is_right and all(isinstance(each, str) for each in (*found.columns_missing, *found.columns_extra))
    if found.status == "accepted":
        is_right = is_right and why == (None, None, None)
    else:
        is_right = is_right and found.status == "refused" and all(isinstance(each, str) for each in why)
    return is_right and rows[0] == sum(rows[1:])


def _seal(landed: Landed, reading: Reading) -> str:
    """The hash of a record together with its file's: neither fits another."""
    text = json.dumps([landed.sha256, reading.on_record()], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def read_landed(
    home: Path, landed: Landed, contract: Contract, baseline: int | None, con: duckdb.DuckDBPyConnection | None = None
) -> Reading:
    """What reading a landed file comes to, which is recorded.

    `baseline` is the number of usable rows of the last accepted file before it, None when there was none. Raises
    Spoilt.
    """
    reading = _read(home, landed, contract, baseline, con)
    record_reading(home, landed, contract, reading)
    return reading


def record_reading(home: Path, landed: Landed, contract: Taker, reading: Reading) -> None:
    """Put on record what reading a file came to."""
    files.write_json(_record(home, landed, contract), {**reading.on_record(), OF_RECORD: _seal(landed, reading)})


def ensure_typed(home: Path, landed: Landed, contract: Contract, con: duckdb.DuckDBPyConnection | None = None) -> None:
    """Make the typed rows of an accepted file again when the cache no longer has them as they were. Raises Spoilt."""
    if not is_typed(home, landed, contract):
        _read(home, landed, contract, None, con)


def is_typed(home: Path, landed: Landed, contract: Taker) -> bool:
    """Whether the cache has the rows of a file as they were written."""
    paths = _paths(home, landed, contract)
    try:
        return bool(files.read_json(paths[0].with_name(SEAL)) == hashes(paths))
    except (FileNotFoundError, ValueError):
        return False


def _lost(typed: Typed) -> str:
    if typed.rows_in_file == typed.rows_accepted:
        return ""
    return f" The file has {typed.rows_in_file:,}; of the others make check tells line and reason."


def hashes(paths: list[Path]) -> dict[str, str]:
    """The SHA-256 of each file, by its name."""
    return {path.name: files.sha256(path) for path in paths}


def _record(home: Path, landed: Landed, contract: Taker) -> Path:
    return home / landed.folder / f"{landed.sha256}.{contract.fingerprint}.json"


def scratch_folder(home: Path, contract: Taker) -> Path:
    """Where an export of the feed is read, and larger work spills to."""
    return home / TYPED / contract.source / contract.feed / ".reading"


def _paths(home: Path, landed: Landed, contract: Taker) -> list[Path]:
    """The files that hold what was read of a landed file."""
    paths = [home / path for path in typed_paths(landed, contract)]
    if isinstance(landed, Edition) and isinstance(contract, Contract):
        paths.append(home / places_path(landed, contract))
    return paths


def _read(
    home: Path, landed: Landed, contract: Contract, baseline: int | None, con: duckdb.DuckDBPyConnection | None
) -> Reading:
    paths = _paths(home, landed, contract)
    if landed.data_date is None:
        refusal = Refusal(
            BAD_DATE_IN_NAME, "The date in the file name does not exist.", "Name it with the date as YYYYMMDD."
        )
        return refused_reading(refusal, 0, None)
    is_prepared = isinstance(landed, Edition)
    if not is_prepared and files.sha256(home / landed.path) != landed.sha256:
        raise Spoilt(landed)
    folder = scratch_folder(home, contract)
    with _opened(home, landed, contract, folder.parent, con) as (scratch, outcome):
        if isinstance(outcome, Refusal):
            return refused_reading(outcome, _rows(scratch), None)
        table, typed = outcome
        fall = 0.0 if not baseline else 100 * (baseline - typed.rows_accepted) / baseline
        if fall > contract.max_row_drop_pct:
            refusal = Refusal(
                FEWER_ROWS,
                f"{typed.rows_accepted:,} usable rows, {fall:.0f} % fewer than the {baseline:,} of the last accepted "
                f"file (limit {contract.max_row_drop_pct:g} %).{_lost(typed)}",
                "Check that the export is whole. If it is right, raise max_row_drop_pct in the contract "
                f"{contract.name}.yml.",
            )
            return refused_reading(refusal, typed.rows_in_file, typed)
        paths[0].parent.mkdir(parents=True, exist_ok=True)
        name = database.literal(landed.file_name)
        found = file_issues(scratch, landed.file_name, contract, table, typed)
        if is_prepared:
            found = places.placed(scratch, found, landed.file_name)
        rows, aside = places.ROWS if is_prepared else "typed", places.ASIDE if is_prepared else "quarantine"
        copy(scratch, f"SELECT * FROM {rows}", paths[0])
        copy(
            scratch,
            f"SELECT {'' if is_prepared else f'{name} AS file_name, '}* FROM {aside} ORDER BY line_no",
            paths[1],
        )
        issues.write(paths[2], found, scratch)
        if is_prepared:
            copy(scratch, "SELECT DISTINCT _file, _line FROM place WHERE _line IS NOT NULL ORDER BY ALL", paths[3])
        files.write_json(paths[0].with_name(SEAL), hashes(paths))
        return Reading(
            "accepted",
            None,
            None,
            None,
            typed.rows_in_file,
            typed.rows_accepted,
            typed.rows_quarantined,
            typed.rows_duplicate,
            typed.fitted.absent,
            typed.match.extra,
            asdict(table.lines),
            table.rows_in,
            table.rows_used,
        )


@contextmanager
def opened_export(
    path: Path, suffix: str, contract: Contract, scratch: Path, con: duckdb.DuckDBPyConnection | None = None
) -> Iterator[tuple[duckdb.DuckDBPyConnection, Outcome]]:
    """A scratch database with tables text, typed and quarantine of one export, or why it is refused.

    One at a time in one folder `scratch`: what a reading there left that was killed is removed. `con` is a connection
    that is there already, and spills into that folder.
    """
    size = path.stat().st_size
    with _opened_rows(
        lambda opened, folder: load_text(opened, path, suffix, contract, folder), contract, scratch, con, size
    ) as found:
        yield found


@contextmanager
def opened_sheet(
    sheet: Sheet, contract: Contract, scratch: Path
) -> Iterator[tuple[duckdb.DuckDBPyConnection, Outcome]]:
    """`opened_export` of one sheet of a workbook."""
    size = sheet.path.stat().st_size
    with _opened_rows(
        lambda opened, folder: load_sheet_of(opened, sheet, contract, folder), contract, scratch, None, size
    ) as found:
        yield found


@contextmanager
def _opened(
    home: Path, landed: Landed, contract: Contract, scratch: Path, con: duckdb.DuckDBPyConnection | None
) -> Iterator[tuple[duckdb.DuckDBPyConnection, Outcome]]:
    """`opened_export` of a landed file, or of the rows that an edition's SELECT gives."""
    if not isinstance(landed, Edition):
        with opened_export(home / landed.path, landed.suffix, contract, scratch, con) as found:
            yield found
        return
    with _opened_rows(
        lambda opened, folder: places.load(opened, home, landed, folder), contract, scratch, con, landed.size
    ) as found:
        yield found


@contextmanager
def _opened_rows(
    load: Callable[[duckdb.DuckDBPyConnection, Path], TextTable],
    contract: Contract,
    scratch: Path,
    con: duckdb.DuckDBPyConnection | None,
    size: int,
) -> Iterator[tuple[duckdb.DuckDBPyConnection, Outcome]]:
    folder = scratch / ".reading"
    confined.remove_tree(folder)
    folder.mkdir(parents=True)
    try:
        with nullcontext(con) if con else database.scratch(folder) as opened:
            database.clear(opened)
            opened.execute(f"SET threads = {database.THREADS if size > LARGE else 1}")
            outcome: Outcome
            try:
                table = load(opened, folder)
                outcome = (table, type_rows(opened, table, contract))
            except Refusal as refusal:
                outcome = refusal
            yield opened, outcome
    finally:
        confined.remove_tree(folder)


def latest_date(path: Path, suffix: str, contract: Contract, column: str) -> dt.date | None:
    """The latest value of a date column: the data date of an undated file whose contract says so."""
    with opened_export(path, suffix, contract, path.parent) as (con, outcome):
        if isinstance(outcome, Refusal):
            return None
        row = con.execute(f"SELECT max({database.identifier(column)})::DATE FROM typed").fetchone()
        return row[0] if row else None


def refused_reading(refusal: Refusal, rows: int = 0, typed: Typed | None = None) -> Reading:
    """What a file comes to that is refused."""
    return Reading(
        "refused",
        refusal.code,
        refusal.reason,
        refusal.fix,
        rows,
        0,
        rows,
        0,
        typed.fitted.absent if typed else (),
        typed.match.extra if typed else (),
    )


def _rows(con: duckdb.DuckDBPyConnection) -> int:
    """Rows of a file that was refused after its text was read, so that they too are accounted for."""
    if not con.execute("SELECT 1 FROM duckdb_views() WHERE view_name = 'text'").fetchone():
        return 0
    row = con.execute("SELECT (SELECT count(*) FROM text) + (SELECT count(*) FROM misfit)").fetchone()
    return int(row[0]) if row else 0


def copy(con: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    """Write what a query gives to a Parquet file, whole or not at all."""
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    con.execute(f"COPY ({query}) TO {database.literal(partial)} (FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2)")
    partial.replace(path)
