"""What the public editions gave and withheld, so that a later one decides nothing anew: out/board/published.json.

Every public figure is decided once. It is written down here before the edition that gives it is in its place, and
stands in every later one as it is here. So the record holds nothing that is not public.
"""

import math
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from publish.kpi import suppression
from publish.kpi.figures import month_end
from publish.kpi.suppression import RECORDED, Past
from send_ready import files
from send_ready.home import BOARD
from send_ready.runs import Run, RunError, read_record
from warehouse import run_data

NAME = "published.json"
VERSION = 1
SYMBOLS = (None, suppression.WITHHELD, suppression.NONE_TO_COUNT, suppression.NEVER_RECEIVED)


def load(run: Run) -> Past:
    """What earlier public editions of this council gave and withheld.

    An edition that the record does not name (of an earlier version, or the record is gone) makes all that began
    before its month ended unknown. Raises RunError for a record that cannot be read as it was written.
    """
    folder = _folder(run)
    found = _read(folder / NAME, run)
    unknown = date.min
    for path in folder.glob("[0-9]*"):
        if (path / "public").exists() and path.name not in found["editions"] and (month := _month(path.name)):
            owner = (read_record(path / "manifest.json") or {}).get("la_code", run.la_code)
            unknown = max(unknown, month) if owner == run.la_code else unknown
    return Past(found["rows"], date.fromisoformat(found["until"]), unknown)


def save(run: Run, con: DuckDBPyConnection, past: Past, edition: str | None) -> None:
    """Add what the public table now gives and withholds, and the edition's month, to the record."""
    path = _folder(run) / NAME
    columns = ", ".join(RECORDED)
    now = {_key(row): row for row in run_data.rows(con, f"SELECT {columns} FROM {suppression.TABLE}")}
    rows = now | {_key(row): row for row in past.rows}
    ends = [row["period_end"] for row in now.values() if row["kpi_id"] in suppression.GIVEN]
    files.write_json(
        path,
        {
            "version": VERSION,
            "la_code": run.la_code,
            "until": max([past.until, *ends]).isoformat(),
            "editions": sorted({*_read(path, run)["editions"], *([edition] if edition else [])}),
            "rows": [rows[key] for key in sorted(rows)],
        },
    )


def _folder(run: Run) -> Path:
    return run.home / BOARD


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in list(RECORDED)[:6])


def _read(path: Path, run: Run) -> dict[str, Any]:
    """The record as it was written; an empty one when there is none. Raises RunError."""
    if not path.is_symlink() and not path.exists():
        return {"until": date.min.isoformat(), "editions": [], "rows": []}
    try:
        if path.is_symlink():
            raise ValueError("it is a link")
        found = files.read_json(path)
        if (found["version"], found["la_code"]) != (VERSION, run.la_code):
            raise ValueError(f"it is of version {found['version']} and LA {found['la_code']}")
        date.fromisoformat(found["until"])
        if not all(_month(name) for name in found["editions"]):
            raise ValueError("an edition is not named by its month")
        rows = [_row(row) for row in found["rows"]]
        if len({_key(row) for row in rows}) < len(rows):
            raise ValueError("a figure is there twice")
        return {**found, "rows": rows}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise RunError(
            f"{path} cannot be used ({error}). It says what the public editions gave and withheld; without it a new "
            "one may give small numbers away. Put it back from a backup. If there is none, move it away: figures of "
            "periods that began before the last edition in this folder are then withheld for good."
        ) from None


def _row(given: Mapping[str, Any]) -> dict[str, Any]:
    """A figure of the record, each value of its type. Raises ValueError."""
    row = dict(given)
    if row.keys() != RECORDED.keys() or row["symbol"] not in SYMBOLS:
        raise ValueError("a figure has not the columns or the symbol of one")
    for name, kind in RECORDED.items():
        value = row[name]
        if value is not None and kind is date:
            row[name] = date.fromisoformat(value)
        elif value is not None and kind is float and isinstance(value, int) and not isinstance(value, bool):
            row[name] = float(value)
        elif value is not None and (type(value) is not kind or (isinstance(value, float) and not math.isfinite(value))):
            raise ValueError(f"{name} of a figure is {value!r}")
    if any(row[name] is None for name in list(RECORDED)[:6]) or row["unit"] is None:
        raise ValueError("a figure has no name, period or unit")
    if (row["symbol"] is None) == (row["value"] is None):
        raise ValueError("a figure has neither a value nor a symbol, or both")
    return row


def _month(name: Any) -> date | None:
    """The last day of a month written as YYYY-MM."""
    if not isinstance(name, str) or not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", name):
        return None
    return month_end(date.fromisoformat(f"{name}-01"), 0)
