"""An issue: one thing that somebody should put right, in words a SEND officer understands.

Every room that finds something writes issues of this one shape; publish/ gathers them.
Messages name files, lines, columns and rules, never a child's details.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from send_ready import warehouse

SEVERITIES = ("stop", "error", "query", "note")


@dataclass(frozen=True)
class Issue:
    """One row of quality.issues. `count` is 1, or how many records an issue about many stands for."""

    category: str  # File | Source | Mapping | Linking | List | Worth a look
    rule: str
    severity: str  # one of SEVERITIES
    message: str
    fix: str
    owner: str
    feed: str | None = None  # source.feed
    list_name: str | None = None  # List 1 | List 2
    unique_id: str | None = None  # of the list row
    record_id: str | None = None  # of the source record: key=value; key=value
    column_name: str | None = None
    file_name: str | None = None
    line_no: int | None = None
    count: int = 1


COLUMNS = {field.name: "BIGINT" if field.name in ("line_no", "count") else "VARCHAR" for field in fields(Issue)}


def write(path: Path, issues: Iterable[Issue]) -> int:
    """Write issues to a Parquet file (possibly of no rows) and say how many."""
    rows = [tuple(asdict(issue).values()) for issue in issues]
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = ", ".join(f"{warehouse.identifier(name)} {kind}" for name, kind in COLUMNS.items())
    with warehouse.scratch() as con:
        con.execute(f"CREATE TABLE issue ({columns})")
        for start in range(0, len(rows), 10_000):
            part = rows[start : start + 10_000]
            values = ", ".join("(" + ", ".join(map(warehouse.literal, row)) + ")" for row in part)
            con.execute(f"INSERT INTO issue VALUES {values}")
        con.execute(f"COPY issue TO {warehouse.literal(path)} (FORMAT parquet)")
    return len(rows)
