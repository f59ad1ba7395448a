"""Since last time: which issues of a pack are new, which are still open, and which of the earlier pack are fixed.

Beside every pack lies issues.parquet: one row an issue, all that the workbook says of it, and a key that the issue
keeps from night to night. The key is rule, feed or list, Unique ID or record, and column; lines and file names are no
part of it, since rows move about in exports. An issue about no record has its message instead: without numbers and
dates, or whole where it is about a value that has no code. Issues that all this leaves alike are numbered.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from duckdb import DuckDBPyConnection, Error

from send_ready import issues
from send_ready.database import literal
from send_ready.words import short_date

NAME = "issues.parquet"
LAYOUT = "1"  # of the file: keys of another layout are made otherwise
NEW, STILL_OPEN = "New", "Still open"
KIND = {**issues.COLUMNS, "key": "VARCHAR", "is_all_listed": "BOOLEAN"}
ABOUT = r"""
    CASE WHEN coalesce(unique_id, record_id) IS NOT NULL THEN ''
        WHEN category = 'Mapping' THEN message
        ELSE regexp_replace(concat(CASE WHEN feed IS NULL THEN file_name END, ' ', message), '\d[\d,.:/-]*', '#', 'g')
    END
"""


class _Unreadable(Exception):
    """The earlier pack's issues cannot be compared with. The text says why."""


@dataclass(frozen=True)
class Comparison:
    """What there was to compare with: a sentence for people, and the as-at date of the earlier pack, if any."""

    said: str
    as_at: date | None = None


def write_issues(path: Path, con: DuckDBPyConnection, as_at: date) -> None:
    """Write the pack's issues with their keys, in the workbook's order. Equal issues give equal bytes."""
    _identify(con)
    con.execute(
        f"COPY (SELECT {', '.join(KIND)} FROM identified ORDER BY number) TO {literal(path)} "
        f"(FORMAT parquet, KV_METADATA {{layout: {literal(LAYOUT)}, as_at: {literal(as_at)}}})"
    )


def compare(con: DuckDBPyConnection, previous: Path | None) -> Comparison:
    """What the pack's issues were compared with: those of an earlier pack's issues.parquet, or nothing.

    Leaves two temporary tables: `compared`, every issue with its `number` (its place in the workbook) and its `state`
    (New or Still open; blank when there is nothing to compare with), and `fixed`, the issues that are gone. Where a
    rule finds more in a feed than is listed one by one, what may have stood among the rest then is not called new,
    and what may stand there now is not called fixed.
    """
    _identify(con)
    try:
        comparison = _compared_with(con, previous)
    except _Unreadable as reason:
        comparison = Comparison(str(reason))
        con.execute("CREATE OR REPLACE TEMP TABLE earlier AS FROM identified LIMIT 0")
    state = f"""
        CASE WHEN key IN (SELECT key FROM earlier) OR {_may_be_unlisted("earlier")} THEN '{STILL_OPEN}'
            ELSE '{NEW}' END
    """
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE compared AS SELECT *, {state if comparison.as_at else 'NULL::VARCHAR'} AS state "
        "FROM identified"
    )
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE fixed AS
        SELECT {", ".join(issues.COLUMNS)}, row_number() OVER () AS number FROM earlier
        WHERE key NOT IN (SELECT key FROM identified) AND NOT {_may_be_unlisted("identified")}
    """)
    return comparison


def errors(con: DuckDBPyConnection) -> tuple[int, int, int]:
    """Errors that are open, and of these new; and errors that are fixed: of what `compare` has left."""
    serious = "severity IN ('stop', 'error')"
    ((open_, new, fixed),) = con.execute(f"""
        SELECT count(*) FILTER ({serious}), count(*) FILTER ({serious} AND state = '{NEW}'),
            (SELECT count(*) FROM fixed WHERE {serious})
        FROM compared
    """).fetchall()
    return open_, new, fixed


def _identify(con: DuckDBPyConnection) -> None:
    """The temporary table `identified`: every issue with its key, its number, and whether its rule lists all."""
    con.execute(rf"""
        CREATE OR REPLACE TEMP TABLE identified AS
        SELECT * EXCLUDE (named),
            md5(named || row_number() OVER (PARTITION BY named ORDER BY number)) AS key,
            -- A rule that lists lines, and then has an issue without one, has counted the rest.
            NOT (bool_or(line_no IS NULL) OVER same_rule AND bool_or(line_no IS NOT NULL) OVER same_rule)
                AS is_all_listed
        FROM (
            SELECT *, rowid AS number,
                concat(rule, chr(31), feed, chr(31), list_name, chr(31), unique_id, chr(31), record_id, chr(31),
                    column_name, chr(31), {ABOUT}, chr(31)) AS named
            FROM issue
        )
        WINDOW same_rule AS (PARTITION BY rule, feed)
    """)


def _may_be_unlisted(where: str) -> str:
    """Whether an issue may be one of those that a table counts without listing them."""
    return (
        f"(rule, coalesce(feed, '')) IN (SELECT DISTINCT (rule, coalesce(feed, '')) FROM {where} "
        "WHERE NOT is_all_listed)"
    )


def _compared_with(con: DuckDBPyConnection, previous: Path | None) -> Comparison:
    """What there is to compare with, put into the temporary table `earlier`. Raises _Unreadable."""
    if previous is None:
        raise _Unreadable("There is no earlier pack to compare with.")
    if not previous.is_file():
        raise _Unreadable(f"The earlier pack has no {previous.name}, so there is nothing to compare with.")
    source = literal(previous)
    try:
        found = con.execute(f"SELECT key, value FROM parquet_kv_metadata({source})").fetchall()
        said = {bytes(key).decode(): bytes(value).decode() for key, value in found}
        if said.get("layout") != LAYOUT:
            raise _Unreadable(
                f"{previous.name} of the earlier pack has another layout than this version writes, so it cannot be "
                "compared with. The next pack can be."
            )
        chosen = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in KIND.items())
        con.execute(f"CREATE OR REPLACE TEMP TABLE earlier AS SELECT {chosen} FROM read_parquet({source})")
        as_at = date.fromisoformat(said["as_at"])
    except (Error, LookupError, ValueError):
        raise _Unreadable(
            f"{previous.name} of the earlier pack is damaged, so there is nothing to compare with. The next pack "
            "can be compared with this one."
        ) from None
    return Comparison(f"Compared with the pack of {short_date(as_at)}.", as_at)
