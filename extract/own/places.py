"""The rows that a SELECT gave, as text, and where each of them comes from: its file and line.

While they are typed each row has a number of its own, as a file's rows have their lines: one line of a source may be
several rows of a feed, and two files have a line 5 each. Afterwards the place stands in its stead.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import duckdb

from extract.own import prepare
from extract.own.editions import Edition
from extract.refusal import HEADER_ONLY, Refusal
from extract.text.load import LineCount, TextTable
from send_ready.database import literal
from send_ready.issues import Issue

ROWS, ASIDE = "placed", "placed_aside"  # views of typed and of quarantine
_LINES = re.compile(r"^Lines? ([0-9, ]+)(?= and |: )")
_KEPT = r"^Line ([0-9]+) has the same key"


def load(con: duckdb.DuckDBPyConnection, home: Path, edition: Edition, work: Path) -> TextTable:
    """Make `text` and `misfit` of what an edition's SELECT gives, and `place` (line_no, _file, _line). Raises Refusal.

    A place counts only when it is that of a row which the SELECT read.
    """
    if edition.preparation is None:
        raise AssertionError(edition.file_name)
    tables = edition.tables(home)
    found = prepare.run(
        edition.preparation, tables, work / "prepare", columns=dict(edition.columns), parts=dict(edition.parts)
    )
    if not found.rows_out:
        rows = ", ".join(f"{count:,} of {name}" for name, count in found.rows_in.items())
        raise Refusal(
            HEADER_ONLY,
            f"{edition.preparation.file_name} gives no row, of {rows}.",
            "Look at its WHERE and its joins.",
        )
    cells = ", ".join(f"c{at}" for at in range(len(found.columns)))
    con.execute(f"CREATE TABLE body AS FROM read_parquet({literal(found.path)})")
    con.execute(f"CREATE VIEW text AS SELECT line_no, {cells} FROM body")
    con.execute("CREATE TABLE misfit (line_no BIGINT, kind VARCHAR, reason VARCHAR, record VARCHAR)")
    known = " UNION ALL ".join(
        f"SELECT _file, _line FROM read_parquet([{', '.join(map(literal, paths))}], union_by_name = true)"
        for paths in dict.fromkeys(tuple(paths) for name, paths in tables.items() if name != prepare.GIAS)
    )
    con.execute(f"""
        CREATE TABLE place AS
        SELECT line_no, known._file, known._line FROM body
        LEFT JOIN (SELECT DISTINCT _file, _line FROM ({known})) AS known USING (_file, _line)""")
    lines = LineCount(total=found.rows_out, header=0, titles=0, blank=0, rows=found.rows_out, in_values=0, set_aside=0)
    used = con.execute("SELECT count(DISTINCT (_file, _line)) FROM place WHERE _line IS NOT NULL").fetchone()
    return TextTable(list(found.columns), (), lines, found.rows_in, used[0] if used and found.carries_place else None)


def placed(con: duckdb.DuckDBPyConnection, found: Sequence[Issue], name: str) -> list[Issue]:
    """Issues of rows with the file and line that they come from; makes the views ROWS and ASIDE of the same."""
    con.execute(f"""
        CREATE VIEW {ROWS} AS
        SELECT typed.* REPLACE (place._line AS _line_no), coalesce(place._file, {literal(name)}) AS _file
        FROM typed JOIN place ON place.line_no = typed._line_no ORDER BY place.line_no""")
    con.execute(f"""
        CREATE VIEW {ASIDE} AS
        SELECT coalesce(place._file, {literal(name)}) AS file_name, aside.* REPLACE (
            place._line AS line_no,
            CASE WHEN kept.line_no IS NULL THEN reason
                ELSE regexp_replace(reason, {literal(_KEPT)},
                    concat('Line ', kept._line, ' of ', coalesce(kept._file, {literal(name)}), ' has the same key'))
            END AS reason)
        FROM quarantine AS aside
        JOIN place ON place.line_no = aside.line_no
        LEFT JOIN place AS kept ON kept.line_no = try_cast(regexp_extract(reason, {literal(_KEPT)}, 1) AS BIGINT)""")
    lines = {each.line_no for each in found if each.line_no}
    lines |= {int(line) for each in found for line in _quoted(each)}
    if not lines:
        return list(found)
    listed = ", ".join(map(str, sorted(lines)))
    rows = con.execute(f"SELECT line_no, _file, _line FROM place WHERE line_no IN ({listed})").fetchall()
    at = {line_no: (file, line) for line_no, file, line in rows}
    return [_placed(each, at) for each in found]


def _quoted(issue: Issue) -> list[str]:
    """The numbers of rows that an issue's message begins with."""
    match = _LINES.match(issue.message)
    return re.findall("[0-9]+", match[1]) if match else []


def _placed(issue: Issue, at: dict[int, tuple[str | None, int | None]]) -> Issue:
    if issue.line_no:
        file, line = at.get(issue.line_no, (None, None))
        issue = replace(issue, file_name=file or issue.file_name, line_no=line)
    if lines := _quoted(issue):
        named = [
            f"{line} of {file}" if file else "of a row" for file, line in (at.get(int(n), (None, None)) for n in lines)
        ]
        return replace(issue, message=_LINES.sub(f"Line{'s' * (len(named) > 1)} {', '.join(named)}", issue.message))
    return issue
