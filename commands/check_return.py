"""`make check FILE=` of a SEN2 return: what the next night would make of one file of it. Nothing is landed or kept."""

import datetime as dt
import tempfile
from pathlib import Path

import duckdb

from extract import dates
from extract.inbox import arrivals
from extract.own import source
from extract.own.source import Source
from extract.refusal import Refusal
from extract.sen2.csv_file import BLADES, D2I
from extract.sen2.found import Came, Read
from extract.sen2.returns import MISSING_FILES, YEAR_ASSUMED
from extract.sen2.shape import FILE, Shape
from send_ready import database
from send_ready.database import identifier, literal
from send_ready.sen2 import ROOT
from send_ready.settings import LONDON, Settings
from send_ready.words import counted, long_date

FLAGS = ("0", "1", "true", "false", "y", "n", "yes", "no")


def takes(settings: Settings, path: Path) -> Source | None:
    """The source with a reader that takes a file by its name; None where there is none."""
    every = (source.load(name, settings) for name in dict.fromkeys(source.tables_by_name(settings).values()))
    return next((one for one in every if arrivals.named(path.name, one)), None)


def check_return(settings: Settings, path: Path, one: Source) -> int:
    """The exit status after a report on one file was printed: 0 when it would be accepted, else 1."""
    if one.reader is None:
        raise AssertionError(one.id)
    shape = one.reader.shape
    name, suffix = arrivals.printable(path.name), arrivals.stem_and_suffix(path.name)[1]
    modified = dt.datetime.fromtimestamp(path.stat().st_mtime, LONDON)
    with tempfile.TemporaryDirectory() as folder, database.scratch(Path(folder), threads=1) as con:
        export, work = Path(folder, f"export{suffix}"), Path(folder, "work")
        export.symlink_to(path.resolve())  # DuckDB would read a `*` in a name as a pattern
        work.mkdir()
        con.execute(
            "CREATE TABLE set_aside (file_name VARCHAR, line_no BIGINT, kind VARCHAR, column_name VARCHAR, "
            "reason VARCHAR, record VARCHAR, held VARCHAR)"
        )
        day = one.reader.data_date(export, name, suffix, modified.date()) or modified.date()
        try:
            read = one.reader.read(con, export, Came(name, suffix, day, modified.isoformat()), work)
        except Refusal as refusal:
            print(f"{name}: {one.id}\n\nWould be REFUSED ({refusal.code}).\n  {refusal.reason}\n  {refusal.fix}")
            return 1
        _print(con, shape, one, name, day, read, Path(folder, "rows.parquet"))
    print("\nWould be accepted.")
    return 0


def _print(
    con: duckdb.DuckDBPyConnection, shape: Shape, one: Source, name: str, day: dt.date, read: Read, rows: Path
) -> None:
    counts = dict(con.execute("SELECT _table, count(*) FROM rows GROUP BY 1").fetchall())
    (form, year), *_ = con.execute(f"SELECT form, return_year FROM rows WHERE _table = '{FILE}'").fetchall()
    what = f"one of the {form}" if form in (BLADES, D2I) else form
    print(f"{name}: {one.id}, {what}\nSEN2 return of {year}; data date {long_date(day)}")
    held = [f"{counts[each.name]:,} {each.tag}" for each in shape.tables.values() if counts.get(each.name)]
    print("\nRows: " + (", ".join(each for each in held if not each.endswith(" Message")) or "the header alone"))
    con.execute(f"COPY (FROM rows) TO {literal(rows)} (FORMAT parquet)")
    beside = (MISSING_FILES, *([YEAR_ASSUMED] if form == BLADES else []))  # what the other files would say
    told = [each for _, each in one.reader.told_of_all(con, [rows]) if each.rule not in beside] if one.reader else []
    said = [f"{each.rule} {each.message} {each.fix}" for each in (*read.told, *told)]
    said += [f"Line {line:,}: {reason} Set aside." for line, reason in read.misfits]
    said += [*read.notes, *_unread(con, shape)]
    print("\nWhat would be told" + ("" if said else ": nothing"))
    for each in said:
        print(f"  {each}")


def _unread(con: duckdb.DuckDBPyConnection, shape: Shape) -> list[str]:
    """How many values of each element cannot be read as what it should be, with the first line."""
    found = []
    for table in shape.tables.values():
        for column, kind in table.columns.items():
            if kind not in ("date", "flag") or table.name == ROOT:
                continue
            name = identifier(column)
            values = con.execute(
                f"SELECT {name}, count(*), min(_line) FROM rows WHERE _table = '{table.name}' AND {name} IS NOT NULL "
                "GROUP BY 1"
            ).fetchall()
            bad = [
                (count, line)
                for value, count, line in values
                if (dates.parse_date(value) is None if kind == "date" else value.lower() not in FLAGS)
            ]
            if bad:
                expected = "a date such as 2026-12-31" if kind == "date" else "0 or 1"
                count, line = sum(count for count, _ in bad), min(line or 0 for _, line in bad)
                found.append(f"{counted(count, 'value')} of {table.tag} {column}, first in line {line:,}: expected "
                             f"{expected}. Blank until it is put right.")  # fmt: skip
    return found
