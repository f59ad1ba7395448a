"""Issues: things that somebody should put right, in words a SEND officer understands.

Every room that finds something writes issues of this one shape; publish/ gathers them.
Messages name files, lines, columns and rules, never a child's details.
"""

import json
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from send_ready import files

if TYPE_CHECKING:
    import duckdb

SEN2 = "sen2/validate_sen2"  # the stage whose issues stay apart from the others: those of the SEN2 return
SEVERITIES = ("stop", "error", "query", "note")


@dataclass(frozen=True)
class Issue:
    """One row of quality.issues. `count` is 1, or how many records an issue about many stands for."""

    category: str  # File | Source | Mapping | Linking | List | Worth a look | SEN2
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


@dataclass(frozen=True)
class Sen2Issue(Issue):
    """An issue of the SEN2 return: `column_name` is the element's tag. Kept apart from those of exports and lists."""

    module: str | None = None  # as in sen2_elements.csv
    case_id: str | None = None
    plan_id: str | None = None
    frame: str | None = None  # the table that the rule looked at
    row_id: str | None = None  # of the frame's row
    shown: str | None = None  # columns of the frame whose values the workbook says, with commas between


def columns_of(kind: type[Issue]) -> dict[str, str]:
    """The columns of a kind of issue with their DuckDB types."""
    return {field.name: "BIGINT" if field.name in ("line_no", "count") else "VARCHAR" for field in fields(kind)}


COLUMNS = columns_of(Issue)


def write(
    path: Path, issues: Iterable[Issue], con: "duckdb.DuckDBPyConnection | None" = None, kind: type[Issue] = Issue
) -> int:
    """The number of issues, which are written to a Parquet file (possibly of no rows), whole or not at all.

    `con` is a connection that is there already: to open one takes longer than the writing. All issues are of `kind`.
    """
    from send_ready import database  # every command knows of issues, and few need DuckDB

    path.parent.mkdir(parents=True, exist_ok=True)
    lines, partial = path.with_suffix(".ndjson"), path.with_suffix(".partial")
    columns = columns_of(kind)
    rows = [[getattr(issue, name) for name in columns] for issue in issues]
    # By way of JSON lines: ten times as fast as statements with values.
    with files.created(lines) as file:
        file.writelines(json.dumps(row).encode() + b"\n" for row in rows)
    partial.unlink(missing_ok=True)
    values = ", ".join(f"(row ->> {at})::{held} AS {name}" for at, (name, held) in enumerate(columns.items()))
    with nullcontext(con) if con else database.scratch(threads=1) as opened:
        opened.execute(f"""
            COPY (
                SELECT {values}
                FROM read_csv({database.literal(lines)}, columns = {{'row': 'JSON'}}, header = false, delim = chr(1),
                    quote = '', escape = '', auto_detect = false)
            ) TO {database.literal(partial)} (FORMAT parquet)""")
    partial.replace(path)
    lines.unlink()
    return len(rows)
