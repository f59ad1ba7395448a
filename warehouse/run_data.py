"""The lists, issues, feeds and quarantined rows of a run, read from one connection."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from extract import contract as contracts
from send_ready import database, issues
from send_ready.database import identifier, literal
from send_ready.layout import lists
from send_ready.runs import ABSENT, Run, RunError, feed_results
from send_ready.systems import Names
from send_ready.words import counted

STATES = {"fresh": "Fresh", "stale": "Stale", "refused": "Refused", "missing": "Missing", ABSENT: "Not held"}
UNNAMED = "capita_one"  # the system whose feed titles do not name it


@dataclass(frozen=True)
class Feed:
    """The outcome of one feed in a run, with its contract's title, owner and limit."""

    name: str  # source.feed
    title: str
    owner: str
    status: str
    was_ever_received: bool
    data_date: date | None
    file_name: str | None
    rows_accepted: int | None
    rows_quarantined: int | None
    stale_after_days: int
    columns_missing: tuple[str, ...] = ()  # optional columns that the file in use does not have

    columns_besides: tuple[str, ...] = ()  # quiet columns that it has
    absent_reason: str | None = None  # why the council has none, where it says so

    @property
    def is_in_order(self) -> bool:
        """Whether nobody has to see to it: it is fresh, or one that the council does not have."""
        return self.status in ("fresh", ABSENT)

    def has_columns(self, *columns: str) -> bool:
        """Whether the feed was ever received and the file in use has these columns, so their contents are known."""
        return self.was_ever_received and not {*columns} & {*self.columns_missing}

    @property
    def note(self) -> str | None:
        """What the state means for a reader of the lists; None when there is nothing to say."""
        if self.status == "stale":
            return f"Older than {counted(self.stale_after_days, 'day')} before the as-at date"
        if self.status == "refused":
            older = "an older file is used" if self.was_ever_received else "there is no older file"
            return f"The newest file was refused; {older}"
        if self.status == ABSENT:
            return f"The council does not hold this: {self.absent_reason}"
        return "No file up to the as-at date was ever accepted" if self.status == "missing" else None


def unfinished(run: Run) -> RunError:
    """The error for a run whose warehouse is missing, lacks a table, or failed the tests of its build."""
    return RunError(
        f"Run {run.run_id} has no finished warehouse. Name a finished run with SEND_RUN_ID, or finish this one with "
        "`send-ready build`."
    )


@contextmanager
def opened(run: Run) -> Iterator[DuckDBPyConnection]:
    """A connection with the run's warehouse attached as `built`, and issues in `issue` and, of SEN2, `sen2_issue`."""
    with database.scratch(run.folder / "spill") as con:
        attach(con, run)
        yield con


def attach(con: DuckDBPyConnection, run: Run) -> None:
    """Attach the run's warehouse, read only, as `built`, and make the temporary tables `issue` and `sen2_issue`.

    Raises WarehouseError when either is damaged, and RunError when the warehouse was not built to its end.
    """
    if run.unfinished.exists():
        raise unfinished(run)
    database.attach(con, run.warehouse, "built")
    try:
        con.execute(f"CREATE TEMP TABLE issue AS {_all_issues(run)}")
        con.execute(f"CREATE TEMP TABLE sen2_issue AS {_sen2_issues(run)}")
    except duckdb.CatalogException as error:
        raise unfinished(run) from error
    except (duckdb.InvalidInputException, duckdb.IOException) as error:
        raise database.WarehouseError(
            f"A file in {run.folder / 'issues'} is damaged. Run its steps again from `send-ready extract` on, or "
            "make another: make run."
        ) from error


def feeds(con: DuckDBPyConnection) -> list[Feed]:
    """Every feed that has a contract, in order of name."""
    found = rows(
        con,
        """
        SELECT source || '.' || feed AS name, source, title, owner, status, was_ever_received, data_date, file_name,
            rows_accepted, rows_quarantined, stale_after_days, columns_missing, columns_besides,
            absent_reason
        FROM built.raw.feeds ORDER BY source, feed
        """,
    )
    unnamed = systems(con).of(UNNAMED)
    for row in found:
        row["title"] = f"{unnamed}: {row['title']}" if row.pop("source") == UNNAMED else row["title"]
        row["columns_missing"] = _names(row["columns_missing"])
        row["columns_besides"] = _names(row["columns_besides"])
    return [Feed(**row) for row in found]


def systems(con: DuckDBPyConnection) -> Names:
    """What the council called its systems when the run was built; ours, where the warehouse has no table of them."""
    place = "database_name = 'built' AND schema_name = 'raw' AND table_name = 'systems'"
    is_there = con.execute(f"SELECT 1 FROM duckdb_tables() WHERE {place}").fetchone()  # an error would end our work
    return Names(dict(con.execute("SELECT system, name FROM built.raw.systems").fetchall()) if is_there else {})


def _names(joined: str | None) -> tuple[str, ...]:
    return tuple(joined.split("; ")) if joined else ()


def feed_has_columns(feeds: Sequence[Feed], name: str, *columns: str) -> bool:
    """Whether a feed of a run was ever received and has these columns."""
    return any(feed.name == name and feed.has_columns(*columns) for feed in feeds)


def reason_not_known(feeds: Sequence[Feed], missing: Iterable[tuple[str, str | None]]) -> str:
    """A sentence that says why something is not known: feeds (`source.feed`) never received, columns missing."""
    titles = {feed.name: feed.title for feed in feeds}
    absent = {feed.name: feed.absent_reason for feed in feeds if feed.status == ABSENT}
    by_feed: dict[str, list[str]] = {}
    for name, column in missing:
        by_feed.setdefault(name, []).extend([column] if column else [])
    never = [titles.get(name, name) for name, columns in by_feed.items() if not columns and name not in absent]
    said = [f"the council does not hold {titles[name]}: {absent[name]}" for name in by_feed if name in absent]
    said += [f"no export of {' or of '.join(never)} has ever been received"] if never else []
    said += [
        f"the export of {titles.get(name, name)} has no column "
        + " and no column ".join(f"‘{contracts.default_header(name, column)}’" for column in columns)
        for name, columns in by_feed.items()
        if columns and name not in absent
    ]
    return f"Not known: {'; '.join(said)}."


def errors_on_lists(con: DuckDBPyConnection) -> int:
    """The number of open errors about the lists, which inspectors would see; the others are about exports alone."""
    found = rows(con, "SELECT count(*) AS n FROM issue WHERE severity IN ('stop', 'error') AND list_name IS NOT NULL")
    return int(found[0]["n"])


def list_rows(con: DuckDBPyConnection) -> dict[str, int]:
    """The number of rows of each list, by the list's name."""
    return {each.name: rows(con, f"SELECT count(*) AS n FROM built.{each.table}")[0]["n"] for each in lists()}


def issues_by_severity(con: DuckDBPyConnection) -> dict[str, int]:
    """The number of issues of each severity, zero included, the worst severity first."""
    found = {row["severity"]: row["n"] for row in rows(con, "SELECT severity, count(*) AS n FROM issue GROUP BY 1")}
    return {severity: found.get(severity, 0) for severity in issues.SEVERITIES}


def columns(con: DuckDBPyConnection, query: str) -> list[list[Any]]:
    """A query's result, as a list for each column."""
    result = con.execute(query)
    width = len(result.description or ())
    rows = result.fetchall()
    return [list(values) for values in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def rows(con: DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    """A query's result, as a dictionary for each row."""
    result = con.execute(query)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def quarantine(run: Run) -> str:
    """A query for the quarantined rows of the files in use: file, line, column and reason, without any value."""
    parts = [
        f"SELECT {literal(result['source'] + '.' + result['feed'])} AS feed, file_name, line_no, column_name, reason "
        f"FROM read_parquet({literal(run.home / result['quarantine_path'])})"
        for result in feed_results(run)
        if result.get("quarantine_path")
    ]
    none = "SELECT '' AS feed, '' AS file_name, 0 AS line_no, '' AS column_name, '' AS reason WHERE false"
    return " UNION ALL ".join(parts or [none]) + " ORDER BY ALL"


def _all_issues(run: Run) -> str:
    chosen = ", ".join(f"CAST({identifier(name)} AS {kind}) AS {identifier(name)}" for name, kind in _COLUMNS)
    paths = ", ".join(literal(path) for path in sorted((run.folder / "issues").glob("*.parquet")))
    found = f"SELECT {chosen} FROM built.quality.quality_issues"
    if paths:
        found += f" UNION ALL SELECT {chosen} FROM read_parquet([{paths}])"
    order = ", ".join(f"{identifier(name)} NULLS FIRST" for name in _ORDER)
    ranks = ", ".join(literal(severity) for severity in issues.SEVERITIES)
    return f"SELECT * FROM ({found}) ORDER BY list_position([{ranks}], severity), {order}"


def _sen2_issues(run: Run) -> str:
    """A query for the issues of the SEN2 return; of none, where its rules were not run."""
    held = issues.columns_of(issues.Sen2Issue)
    paths = ", ".join(literal(path) for path in sorted(run.issues(issues.SEN2).parent.glob("*.parquet")))
    if not paths:
        return f"SELECT {', '.join(f'NULL::{kind} AS {identifier(name)}' for name, kind in held.items())} WHERE false"
    chosen = ", ".join(f"CAST({identifier(name)} AS {kind}) AS {identifier(name)}" for name, kind in held.items())
    first = ("rule", "message", "unique_id", "case_id", "plan_id", "module", "row_id")
    order = ", ".join(
        f"{identifier(name)} NULLS FIRST" for name in (*first, *(each for each in held if each not in first))
    )
    ranks = ", ".join(literal(severity) for severity in issues.SEVERITIES)
    return f"SELECT {chosen} FROM read_parquet([{paths}]) ORDER BY list_position([{ranks}], severity), {order}"


_COLUMNS = tuple(issues.COLUMNS.items())
_FIRST = ("rule", "list_name", "unique_id", "feed", "file_name", "line_no", "column_name", "record_id")
_ORDER = (*_FIRST, *(name for name in issues.COLUMNS if name not in _FIRST))  # every column: equal input, equal order
