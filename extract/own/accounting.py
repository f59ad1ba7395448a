"""Which rows of a council's sources no feed has used, over all feeds that are prepared from them."""

from typing import Any

import duckdb

from extract import read_file
from send_ready import database, files, issues, runs
from send_ready.database import literal
from send_ready.issues import Issue
from send_ready.runs import Run

SHOWN = 5  # lines that are named


def account(run: Run) -> None:
    """Add to what is on record of each source the rows that no feed used; tells of them. After all feeds were read."""
    sources: list[dict[str, Any]] | None = None
    path = run.folder / runs.SOURCES
    if path.exists():
        sources = files.read_json(path)
    if not sources:
        return
    prepared = [result for result in runs.feed_results(run) if result.get("prepared")]
    with database.scratch(threads=1) as con:
        for each in sources:
            each |= _used(run, con, each, prepared)
        issues.write(run.issues("sources_used"), [told for each in sources for told in _issues(each)], con)
    files.write_json(path, sources)


def _used(
    run: Run, con: duckdb.DuckDBPyConnection, one: dict[str, Any], prepared: list[dict[str, Any]]
) -> dict[str, Any]:
    """What became of the rows of one source: by which feeds they are read, and those that no feed used."""
    name = one["source"]
    reading = [result for result in prepared if name in result["prepared"]["sources"]]
    feeds = [f"{result['source']}.{result['feed']}" for result in reading]
    # Of a feed whose SELECT carries no place nobody knows which rows it used.
    told = [result for result in reading if result["typed_path"] and result["prepared"]["rows_used"] is not None]
    not_known = [f"{each['source']}.{each['feed']}" for each in reading if each["typed_path"] and each not in told]
    rows = [run.home / each["typed_path"] for each in one["files"] if each.get("is_in_use") and each.get("typed_path")]
    rows = [each for each in rows if each.exists()]
    merging = [result["prepared"]["select"] for result in told if name in result["prepared"].get("merges", ())]
    found: dict[str, Any] = {
        "feeds": feeds, "place_not_known": not_known, "rows_unused": None, "first_unused": [], "merged_by": merging,
    }  # fmt: skip
    if not rows or not_known or not reading:
        return found
    listed = ", ".join(map(literal, rows))
    # A row without a line is of none: what a reader says of the file itself.
    all_rows = f"SELECT _file, _line FROM read_parquet([{listed}], union_by_name = true) WHERE _line IS NOT NULL"
    places = [(run.home / each["typed_path"]).with_name(read_file.PLACES) for each in told]
    used = " UNION ".join(f"SELECT _file, _line FROM read_parquet({literal(each)})" for each in places if each.exists())
    unused = f"({all_rows}) EXCEPT ({used})" if used else all_rows
    con.execute(f"CREATE OR REPLACE TABLE unused AS {unused}")
    row = con.execute("SELECT count(*) FROM unused").fetchone()
    first = con.execute(f"SELECT _file, _line FROM unused ORDER BY ALL LIMIT {SHOWN}").fetchall()
    found["rows_unused"] = row[0] if row else 0
    found["first_unused"] = [{"file_name": file, "line": line} for file, line in first]
    return found


def _issues(one: dict[str, Any]) -> list[Issue]:
    def issue(rule: str, severity: str, message: str, fix: str, count: int = 1) -> Issue:
        return Issue("File", rule, severity, message, fix, one["owner"], feed=f"sources.{one['source']}", count=count)

    if not one["feeds"]:
        return [issue("F-53", "query", "No preparation reads this source, so nothing of it is in the lists.",
                      "Write prepare/<system>__<feed>.sql in SEND_CONFIG for a feed that it has, such as "
                      f"prepare/capita_one__ehc_plans.sql: SELECT … FROM {one['source']}; or take the source out. "
                      "make onboard drafts both.")]  # fmt: skip
    if not one["rows_unused"]:
        return []
    first = "; ".join(f"line {each['line']} of {each['file_name']}" for each in one["first_unused"])
    more = ", …" if one["rows_unused"] > len(one["first_unused"]) else ""
    if one["merged_by"]:  # how many are in no list nobody can tell
        said = f"{first}{more}: no row of a feed ({', '.join(one['feeds'])}) names these lines, but others may stand "
        said += f"for them, by GROUP BY, DISTINCT or QUALIFY in {', '.join(one['merged_by'])}."
        return [issue("F-52", "note", said[0].upper() + said[1:], "Nothing, if one row of several is meant there.")]
    said = f"{one['rows_unused']:,} of {one['rows']:,} rows are in no feed ({', '.join(one['feeds'])}): {first}{more}."
    fix = "Nothing, if those are not of these feeds; otherwise look at WHERE and joins of their preparations."
    return [issue("F-52", "note", said, fix, one["rows_unused"])]
