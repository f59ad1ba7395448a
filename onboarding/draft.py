"""The files of SEND_CONFIG that proposals come to: as a draft with what is not confirmed marked, or only the confirmed.

Every file is what is in force today with what was found added: nothing of a council's own is taken away.
"""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from extract import contract as contracts
from extract.contract import Column, Contract, normalise
from onboarding.proposals import (
    BESIDE,
    BY_NAME,
    CONFIRMED,
    CONSTANT,
    Proposals,
    Row,
    heading_words,
    own_sources,
)
from onboarding.survey import Group
from send_ready import tables
from send_ready.database import identifier, literal
from send_ready.settings import Settings
from warehouse import own_seeds, seeds

CONFIRM = "confirm"  # what stands beside whatever nobody has confirmed
SOURCES, PREPARE = "sources", "prepare"
ABSENT_FEEDS = "absent_feeds.csv"
_PERSON = ("student_id", "person_id")
Holds = Callable[[Row], bool]


@dataclass(frozen=True)
class Draft:
    """Files by path in SEND_CONFIG; and of each what was added to what is in force, in words."""

    files: Mapping[str, bytes]
    said: Mapping[str, str]


def draft_of(proposals: Proposals, settings: Settings, *, only_confirmed: bool) -> Draft:
    """The files that proposals come to. With `only_confirmed`, what nobody confirmed is left out, and told."""
    held: dict[str, bytes] = {}
    said: dict[str, str] = {}

    def holds(row: Row) -> bool:
        return bool(row.value) and (row.state == CONFIRMED or not only_confirmed)

    feeds = [row for row in proposals.feeds if holds(row)]
    confirmed_sources = {row.key[1] for row in proposals.sources if holds(row)} | own_sources(settings)
    used = [row for row in feeds if row.key[1] in confirmed_sources]
    for row in proposals.sources:
        if holds(row) and any(each.key[1] == row.key[1] for each in used):
            path = f"{SOURCES}/{row.key[1]}.yml"
            held[path] = _source(proposals.group(row.key[1]), row).encode()
            said[path] = f"the source {row.key[1]}"
    by_id = {contract.id: contract for contract in proposals.survey.contracts}
    for feed in dict.fromkeys(row.key[2] for row in used):
        contract = by_id[feed]
        selects = [
            _select(proposals, row, contract, holds, [each for each in used if each.key[1] == row.key[1]])
            for row in used
            if row.key[2] == feed
        ]
        path = f"{PREPARE}/{contract.name}.sql"
        held[path] = _preparation(contract, selects).encode()
        said[path] = f"{contract.title} out of {', '.join(row.key[1] for row in used if row.key[2] == feed)}"
    for feed, added in _headers(proposals, holds).items():
        path = f"{contracts_folder()}/{by_id[feed].name}.csv"
        held[path] = _column_map(by_id[feed], added)
        said[path] = f"{len(added)} headers more"
    for crosswalk in dict.fromkeys(row.key[1] for row in proposals.codes if holds(row)):
        rows = [row for row in proposals.codes if row.key[1] == crosswalk and holds(row)]
        path = own_seeds.path_in_config(f"xwalk_{crosswalk}").as_posix()
        held[path] = _crosswalk(crosswalk, rows, settings)
        said[path] = f"{len(rows)} codes more"
    if absent := [row for row in proposals.absent if row.answer.confirm == "yes"]:
        held[ABSENT_FEEDS] = _absent(absent, settings)
        said[ABSENT_FEEDS] = f"{len(absent)} feeds that the council does not have"
    return Draft(held, said)


def contracts_folder() -> str:
    """The folder of column maps in SEND_CONFIG."""
    return contracts.COLUMN_MAPS.name


def _source(group: Group, row: Row) -> str:
    mark = "" if row.state == CONFIRMED else f"    # {CONFIRM}"
    together = "all_of_newest_date" if group.parts or any("*" in name for name in group.file_names) else "newest"
    lines = [
        f"# Written by make onboard.{mark}",
        f"title: {_yaml(group.name.replace('_', ' ').capitalize())}",
        "owner: SEND data team",
        f"file_names: [{', '.join(_yaml(name) for name in group.file_names)}]",
        f"together: {together}",
    ]
    if group.parts:
        lines.append(f"parts: [{', '.join(_yaml(part) for part in group.parts)}]")
    if group.first.table.header_row:
        lines.append(f"header: {{row: {group.first.table.header_row}}}")
    if group.first.table.sheet:
        lines.append(f"sheet: {_yaml(group.first.table.sheet)}")
    lines.append("stale_after_days: 31                  # days between the data date and the as-at date")
    return "\n".join(lines) + "\n"


def _yaml(text: str) -> str:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(sign if sign.isprintable() else " " for sign in quoted) + '"'


def _select(proposals: Proposals, use: Row, contract: Contract, holds: Holds, uses: Sequence[Row]) -> str:
    """One SELECT from one source: every column of the feed, those not found as comments, since they are not there."""
    _, source, feed = use.key
    rows = {row.key[3]: row for row in proposals.columns if row.key[1] == source and row.key[2] == feed}
    lines = [
        line for column in contract.columns for line in _column_lines(column, rows.get(column.name), contract, holds)
    ]
    width = max((len(sql) for sql, _ in lines), default=0)
    body = [
        f"    {sql + ',':<{width + 1}}{note and f'  -- {note}'}".rstrip() if sql else f"    -- {note}"
        for sql, note in lines
    ]
    text = "\n".join([f"SELECT{_mark(use)}", *body, "    _file,", "    _line", f"FROM {identifier(source)}"])
    needed = [
        rows[column.name].value
        for column in contract.columns
        if column.is_required and column.name in rows and holds(rows[column.name]) and column.name not in _PERSON
        and BESIDE not in rows[column.name].value and not _is_constant(rows[column.name].value)
    ]  # fmt: skip
    if len(uses) > 1 and not needed:  # a row of a tracker need not be a record of each feed
        needed = [row.value for column in contract.columns if column.type in ("date", "datetime")
                  and (row := rows.get(column.name)) and holds(row) and BESIDE not in row.value]  # fmt: skip
        filled = "\n    OR ".join(_is_filled(heading) for heading in needed)
    else:
        filled = "\n    AND ".join(_is_filled(heading) for heading in needed)
    return f"{text}\nWHERE {filled}" if len(uses) > 1 and filled else text


def _is_filled(heading: str) -> str:
    return f"coalesce(trim({identifier(heading)}), '') <> ''"


def _column_lines(column: Column, row: Row | None, contract: Contract, holds: Holds) -> list[tuple[str, str]]:
    """The expressions of a SELECT for a column, each with the comment behind it; of one not found only a comment."""
    name = identifier(column.name)
    wide = contract.side_by_side
    if not row or not row.value:
        return [("", f"NULL AS {name}: not found" + (f", {heading_words(row.why)}" if row and row.why else ""))]
    if not holds(row):
        return [("", f"{CONFIRM}: {heading_words(row.proposed)} AS {name} ({row.score or 0:.0f})")]
    note = heading_words(f"{CONFIRM}: {row.score or 0:.0f}, {row.why}") if row.state != CONFIRMED else ""
    if _is_constant(row.value):
        return [(f"{literal(row.value[len(CONSTANT) :].strip())} AS {name}", note)]
    headings = [each.strip() for each in row.value.split(BESIDE)]
    if len(headings) == 1:
        return [(f"{identifier(headings[0])} AS {name}", note)]
    if wide and column.name == wide.column:
        return [
            (f"{identifier(heading)} AS {identifier(names[0])}", note)
            for heading, names in zip(headings, wide.headers, strict=False)
        ]
    filled = ", ".join(f"nullif(trim({identifier(heading)}), '')" for heading in headings)
    return [(f"coalesce({filled}) AS {name}", note)]


def _is_constant(value: str) -> bool:
    return value.casefold().startswith(CONSTANT)


def _mark(row: Row) -> str:
    return "" if row.state == CONFIRMED else f"  -- {CONFIRM} this feed: {row.score or 0:.0f}, {heading_words(row.why)}"


def _preparation(contract: Contract, selects: Sequence[str]) -> str:
    head = f"-- {contract.title}: {contract.grain}. Written by make onboard.\n"
    return head + "\n\nUNION ALL BY NAME\n\n".join(selects) + "\n"


def _headers(proposals: Proposals, holds: Holds) -> dict[str, list[Row]]:
    """By feed, headings of files that are the feed's by name, which its column map lacks."""
    found: dict[str, list[Row]] = {}
    for row in proposals.columns:
        if row.key[1] == BY_NAME and holds(row) and not _is_constant(row.value) and BESIDE not in row.value:
            found.setdefault(row.key[2], []).append(row)
    return found


def _column_map(contract: Contract, added: Iterable[Row]) -> bytes:
    rows = [
        {"column": column.name, "header": header, "note": ""}
        for column in contract.columns
        for header in column.headers
    ]
    taken = {normalise(row["header"]) for row in rows}
    for row in added:
        if normalise(row.value) not in taken:
            taken.add(normalise(row.value))
            rows.append({"column": row.key[3], "header": row.value, "note": "" if row.state == CONFIRMED else CONFIRM})
    return _table(rows)


def _crosswalk(crosswalk: str, added: Iterable[Row], settings: Settings) -> bytes:
    rows = [{**row, "note": ""} for row in seeds.rows(f"xwalk_{crosswalk}", settings)]
    for row in added:
        note = "" if row.state == CONFIRMED else CONFIRM
        rows.append({**dict.fromkeys(rows[0], ""), "local_value": row.key[2], "code": row.value, "note": note})
    return _table(rows)


def _absent(rows: Iterable[Row], settings: Settings) -> bytes:
    own = settings.config / ABSENT_FEEDS if settings.config else None
    columns = ["feed", "reason", "said_by", "said_on"]
    held = [row for _, row in tables.read_rows(own, columns)] if own and own.is_file() else []
    said = {row["feed"] for row in held}
    held += [
        {
            "feed": row.key[1], "reason": row.answer.instead or "We do not have this", "said_by": "onboarding",
            "said_on": f"{settings.as_at}",
        }
        for row in rows
        if row.key[1] not in said
    ]  # fmt: skip
    return tables.write(held, columns)


def _table(rows: Sequence[dict[str, str]]) -> bytes:
    """As CSV, without the notes where there are none."""
    columns = list(rows[0])
    if not any(row["note"] for row in rows):
        columns.remove("note")
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
