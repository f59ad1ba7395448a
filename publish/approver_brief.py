"""What an approver reads in Airflow before the lists go out: brief.md, in words, counts and dates alone.

Airflow shows it as Markdown with GitHub's tables and without HTML. It holds no name, UPN, Unique ID or date of birth,
nor anything that a source held: of values without a code only how many there are.
"""

import re
import textwrap
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from publish.issues import compare
from publish.issues.compare import Since
from send_ready import configuration, files
from send_ready.database import identifier, literal
from send_ready.layout import lists
from send_ready.runs import Run
from warehouse import run_data
from warehouse.run_data import STATES, Feed

NAME = "brief.md"
SWING = 5  # percent of change in a list that an approver should ask about
RULES, COLUMNS, FEEDS, MESSAGES, REASONS = 8, 6, 16, 3, 4  # so many lines at most: it should be read in two minutes
NAMED, CELL, LINE = 48, 80, 140  # characters of a name, of what is wrong, of a line
PLANS = {"List 1": "List 1: EHC plans", "List 2": "List 2: SEN support"}
NOT_RECORDED = ("UNKNOWN", "Unknown", "Not specified")  # what the lists write where nothing is recorded
RARELY_FILLED = ("uln", "updated_plan_date", "subsidiary_phase", "social_care_team")  # for most children rightly blank
ORDER = ("missing", "refused", "stale", "fresh")
BOARD = "board."  # feeds of the board's report: nothing in the lists comes from them


def write(
    path: Path,
    con: DuckDBPyConnection,
    run: Run,
    manifest: dict[str, Any],
    previous: Path | None,
    chronology_messages: Sequence[str],
    kind: str,
    due: datetime,
) -> None:
    """Write the brief of a frozen version, fewer than 6,000 characters.

    `manifest` is the version's, with `request`; `previous`, the folder of the pack to compare with; `kind`, the
    inspection in words; `due`, when the lists are due, aware. An earlier pack that is damaged is told of, no more.
    """
    compared = compare.compare(con, previous and previous / compare.NAME)
    earlier, label = _earlier(previous)
    of_children = (feed for feed in run_data.feeds(con) if not feed.name.startswith(BOARD))
    feeds = sorted(of_children, key=lambda feed: (ORDER.index(feed.status), feed.title))
    counts = compare.errors(con)
    parts = [
        _head(run, manifest, kind, due),
        ["## Look at this first", *(_flags(con, manifest, earlier, label, feeds, counts, compared))],
        ["## The lists", *_lists(manifest["rows"], earlier, label)],
        ["## Data dates", *_feeds(feeds)],
        ["## Open errors", *_rules(con, manifest, counts, compared)],
        ["## Columns most often blank", *_blanks(con)],
        ["## Chronologies", *_messages(chronology_messages)] if chronology_messages else [],
        _decision(manifest["request"]),
    ]
    files.write_bytes(path, ("\n\n".join("\n".join(part) for part in parts if part) + "\n").encode())


def _head(run: Run, manifest: dict[str, Any], kind: str, due: datetime) -> list[str]:
    request = manifest["request"]
    place = manifest["council"] or f"Local authority {run.la_code}"
    notified_on = date.fromisoformat(request["notified_on"])
    lines = [
        f"**{_plain(kind, NAMED)}** of {_plain(place, NAMED)}, notified on {_day(notified_on)}.",
        f"To release: **version {request['version']}** of the lists, as at **{run.as_at:%d/%m/%Y}**.",
        f"Due: **{_day(due)} at {due:%H:%M}**.",
    ]
    if request["is_rehearsal"]:
        lines.insert(0, "**A rehearsal: nothing here counts as sent.**")
    return ["  \n".join(lines)]


def _flags(
    con: DuckDBPyConnection,
    manifest: dict[str, Any],
    earlier: dict[str, int],
    label: str,
    feeds: Sequence[Feed],
    counts: tuple[int, int, int],
    compared: Since,
) -> Iterator[str]:
    """A line for each thing that should make an approver stop and ask."""
    said = [
        *_missing(con),
        *_swings(manifest["rows"], earlier, label),
        *_old(feeds),
        *_unrecognised(manifest["unrecognised"]),
        *_set_aside(configuration.set_aside_in(manifest)),
        *_never_filled(con),
    ]
    total, new, _ = counts
    if total:
        change = f", {new:,} of them new since {label}" if compared.as_at and new else ""
        said.append(f"{_many(total, 'error is', 'errors are')} open{change}: see below.")
    if not compared.as_at:
        said.append(compared.said)
    elif not earlier:
        said.append("The manifest of the earlier pack cannot be read, so the numbers of children are not compared.")
    yield from (f"- {line}" for line in said) if said else ["Nothing stands out."]


def _missing(con: DuckDBPyConnection) -> Iterator[str]:
    """Who may be missing from a list: how many, and why; issues.xlsx names them."""
    found = con.execute("""
        SELECT list_name, reason, count(*) AS records FROM built.quality.quality_perhaps_missing
        GROUP BY list_name, reason ORDER BY min(missing_no)
    """).fetchall()
    if not found:
        return
    total = sum(records for *_, records in found)
    yield (
        f"**Perhaps missing from a list: {_many(total, 'record', 'records')}.** The first sheet of issues.xlsx says "
        "which. Do not release before somebody has looked."
    )
    for listed, reason, records in found[:REASONS]:
        yield f"{_plain(listed)}, {records:,}: {_plain(reason, LINE)}"
    if len(found) > REASONS:
        yield f"And {_many(len(found) - REASONS, 'reason', 'reasons')} more, in that sheet."


def _swings(rows: dict[str, int], earlier: dict[str, int], label: str) -> Iterator[str]:
    for name, now in rows.items():
        then = earlier.get(name)
        if not now:
            yield f"**{name} is empty.** Do not release it before somebody knows why."
        elif then is not None and abs(now - then) * 100 > SWING * then:
            more = "more" if now > then else "fewer"
            share = f", {_percent(now, then)}" if then else ""
            yield (
                f"**{name} has {abs(now - then):,} children {more} than {label}{share}.** That is more than {SWING} %: "
                "ask why before you approve."
            )


def _old(feeds: Sequence[Feed]) -> Iterator[str]:
    old = [feed for feed in feeds if feed.status != "fresh"]
    if old:
        yield (
            f"**{_many(len(old), 'feed', 'feeds')} of {len(feeds)} not fresh** (missing, refused or stale): "
            "first in the table of data dates."
        )


def _unrecognised(found: Sequence[object]) -> Iterator[str]:
    if found:
        yield (
            f"{_many(len(found), 'file', 'files')} in the inbox had a name that no feed knows, and nothing of it was "
            "used. The manifest names it. Is it an export under a wrong name?"
        )


def _set_aside(found: Sequence[object]) -> Iterator[str]:
    if found:
        yield (
            f"**{_many(len(found), 'file', 'files')} of the council's own configuration could not be used**, and an "
            "earlier version counts: codes and headers may be read otherwise than you expect. See F-40 in the issues."
        )


def _never_filled(con: DuckDBPyConnection) -> Iterator[str]:
    empty = [f"{header} ({name})" for name, header, blank, rows in _counted(con) if rows and blank == rows]
    if empty:
        yield f"**Blank for every child:** {_plain('; '.join(empty), LINE)}."


def _lists(rows: dict[str, int], earlier: dict[str, int], label: str) -> Iterator[str]:
    if not earlier:
        yield from _table(("List", "Children"), [(PLANS.get(name, name), f"{now:,}") for name, now in rows.items()])
        return
    body = []
    for name, now in rows.items():
        then = earlier.get(name)
        change = "" if then is None else f"{_signed(now - then)}{f' ({_percent(now, then)})' if then else ''}"
        body.append((PLANS.get(name, name), f"{now:,}", "" if then is None else f"{then:,}", change))
    yield from _table(("List", "Children", label[0].upper() + label[1:], "Change"), body)


def _feeds(feeds: Sequence[Feed]) -> Iterator[str]:
    body = []
    for feed in feeds[:FEEDS]:
        state = STATES[feed.status] if feed.status == "fresh" else f"**{STATES[feed.status].upper()}**: {feed.note}"
        body.append((_plain(feed.title, NAMED), f"{feed.data_date:%d/%m/%Y}" if feed.data_date else "none", state))
    yield from _table(("Feed", "Data date", "State"), body, right=())
    if len(feeds) > FEEDS:
        yield f"\nAnd {_many(len(feeds) - FEEDS, 'feed', 'feeds')} more, in the sheet About of the lists."


def _rules(
    con: DuckDBPyConnection, manifest: dict[str, Any], counts: tuple[int, int, int], compared: Since
) -> Iterator[str]:
    """The rules with errors, those about the lists first."""
    total, new, fixed = counts
    change = f": {new:,} new, {total - new:,} still open; {fixed:,} fixed" if compared.as_at else ""
    queries = manifest["issues"]["query"]
    on_lists = run_data.errors_on_lists(con)
    opened = f"{_many(total, 'error is', 'errors are')} open, {on_lists:,} of them about the lists{change}."
    yield f"{opened} {_many(queries, 'query', 'queries')} to look at.\n"
    found = con.execute(f"""
        WITH named AS (
            SELECT rule, severity, category, state,
                -- The message would quote the value, and whatever stands in a column of codes by mistake.
                CASE category WHEN 'Mapping' THEN 'Values without a standard code count as blank.' ELSE message END
                    AS message
            FROM (
                SELECT rule, severity, category, message, state FROM compared
                UNION ALL SELECT rule, severity, category, message, 'Fixed' FROM fixed
            )
            WHERE severity IN ('stop', 'error')
        ),

        counted AS (SELECT *, count(*) OVER (PARTITION BY rule, message) AS times FROM named)

        SELECT rule, arg_min(message, (-times, message)), count(*) FILTER (state IS DISTINCT FROM 'Fixed') AS issues,
            count(*) FILTER (state = '{compare.NEW}'), count(*) FILTER (state = '{compare.STILL_OPEN}'),
            count(*) FILTER (state = 'Fixed')
        FROM counted GROUP BY rule HAVING issues > 0
        ORDER BY bool_or(severity = 'stop') DESC, bool_or(category = 'List') DESC, issues DESC, rule
    """).fetchall()
    headers = ("Rule", "What is wrong", "Errors", "New", "Still open", "Fixed")
    width = len(headers) if compared.as_at else 3
    body = [(rule, _plain(message), *(f"{n:,}" for n in numbers))[:width] for rule, message, *numbers in found[:RULES]]
    if body:
        yield from _table(headers[:width], body, right=range(2, width))
    if len(found) > RULES:
        rest = sum(row[2] for row in found[RULES:])
        rules = _many(len(found) - RULES, "rule", "rules")
        yield f"\nAnd {rest:,} more, by {rules}: see the sheet Order of work of issues.xlsx."


def _blanks(con: DuckDBPyConnection) -> Iterator[str]:
    counted = [row for row in _counted(con) if row[2]]
    first = sorted(counted, key=lambda row: (-row[2] / row[3], row[:2]))[:COLUMNS]
    body = [(_plain(header), name, f"{blank:,}", f"{100 * blank / rows:.1f} %") for name, header, blank, rows in first]
    if not body:
        yield "None: every column that concerns every child is filled."
        return
    yield from _table(("Column", "List", "Blank or unknown", "Of the list"), body, right=(2, 3))
    yield "\nWithout the columns that are blank for most children, such as the subsidiary establishment."


def _counted(con: DuckDBPyConnection) -> list[tuple[str, str, int, int]]:
    """List, header, rows with nothing recorded, rows: of every column that most children should have."""
    unknown = ", ".join(literal(value) for value in NOT_RECORDED)
    found = []
    for each in lists():
        columns = [column for column in each.columns if column.column_name not in RARELY_FILLED]
        blank = ", ".join(
            f"count(*) FILTER (coalesce({identifier(column.column_name)}::VARCHAR, 'UNKNOWN') IN ({unknown}))"
            for column in columns
        )
        rows, *numbers = con.execute(f"SELECT count(*), {blank} FROM built.{each.table}").fetchall()[0]
        found += [(each.name, column.header, number, rows) for column, number in zip(columns, numbers, strict=True)]
    return found


def _messages(messages: Sequence[str]) -> Iterator[str]:
    yield from (f"- {_plain(message, LINE)}" for message in messages[:MESSAGES])
    if len(messages) > MESSAGES:
        yield f"- And {len(messages) - MESSAGES:,} more, in the workbook."


def _decision(request: dict[str, Any]) -> list[str]:
    number = request["version"]
    return [
        "## Your decision",
        f"- **Approve** releases exactly these files. They are copied to `released/v{number}`, with an encrypted copy "
        "if a password is set, and the release log keeps your name, the time and your comment. Nothing is sent by "
        "itself. After the deadline it is still possible, and recorded as late.",
        "- **Reject** needs a reason, which is kept. Nothing is released. When the fault is put right, trigger "
        f"the same call again: that makes version {number + 1}.",
    ]


def _earlier(previous: Path | None) -> tuple[dict[str, int], str]:
    """Rows of each list in the earlier pack, and what to call it. Nothing when there is none that can be read."""
    try:
        found = files.read_json(previous / "manifest.json") if previous else {}
        rows = {name: int(count) for name, count in found["rows"].items()}
        as_at = date.fromisoformat(found["as_at"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}, "the earlier pack"
    version = found.get("request", {}).get("version")
    return rows, f"version {version}" if version else f"the pack of {as_at:%d/%m/%Y}"


def _table(headers: Sequence[str], body: Sequence[Sequence[str]], right: Sequence[int] | None = None) -> Iterator[str]:
    """A table as GitHub writes it; columns `right` (by default all but the first) stand to the right."""
    numbers = range(1, len(headers)) if right is None else right
    yield f"| {' | '.join(headers)} |"
    yield "|" + "|".join("--:" if at in numbers else "---" for at in range(len(headers))) + "|"
    yield from (f"| {' | '.join(row)} |" for row in body)


def _plain(text: str, width: int = CELL) -> str:
    """Text of one line that Markdown leaves as it is."""
    return re.sub(r"([\\`*_\[\]<>|~#&@!]|:(?=//))", r"\\\1", textwrap.shorten(text, width, placeholder=" …"))


def _many(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _signed(number: int) -> str:
    return f"{number:+,}".replace("-", "−") if number else "0"


def _percent(now: int, then: int) -> str:
    return f"{100 * (now - then) / then:+.1f} %".replace("-", "−")


def _day(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B %Y}"
