"""Lines that are no records: titles, totals, page footers, the header again. Set aside as such; nobody is made of them.

A line is furniture by what stands in place of its key, against the keys of the other lines, and by what stands beside
it. A key of the usual shape with anything beside it is a record whatever it says, and so is, in doubt, any other line.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb

from extract import dates, quarantine
from extract.contract import Contract, normalise
from send_ready.database import literal

REASON = "The line is a title, a total, a footer or the header again, and no record."
BESIDE = 4  # cells beside a title or a total, at most
BATCH = 1000  # lines looked at a time
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_THINGS = r"(?:row|record|line|entr|student|pupil|child|person|people|case|plan|result|item)\w*"
# What only reports say in place of a key, with or without something beside it.
_SAID = re.compile(
    r"(?:grand|sub|overall|report|running|column)?[ -]?totals?\b.*"
    r"|page:? ?\d+(?: ?(?:of|/) ?\d+)?\b.*"
    r"|[*=\- ]*end(?: of .*)?[*=\-. ]*"
    rf"|\(?\d[\d,]* {_THINGS}(?: (?:affected|selected|returned|found|fetched|exported|in set|in total|listed))?\)?\.?"
    rf"|(?:total )?(?:no\.?|number|count) of .*|(?:{_THINGS}|count) ?[:=]? ?\d[\d,]*"
    r"|(?:report |list |data |extract |export |file )?"
    r"(?:run|printed|generated|created|produced|exported|extracted|prepared|downloaded|as at)"
    r"(?: (?:on|at|by|date|time|from))*\b ?[:\d].*"
    r"|(?:report |list |data |extract |export |file )?"
    r"(?:run|printed|generated|created|produced|exported|extracted|prepared|downloaded)"
    r"(?: (?:on|at|by|date|time|from))+.*"
    r"|(?:report|print|run|extract)(?:ed)? (?:date|time|title|name|id|by)\b.*"
    r"|(?:strictly )?(?:private|confidential|official|restricted|sensitive)\b.*"
)
_RULE = re.compile(r"[-=_*~.+|# ]*[-=_*~]{2,}[-=_*~.+|# ]*")
_COUNTED = re.compile(r"count|sum|average|mean|median|minimum|maximum")
_NUMBER = re.compile(r"[-+£]?\d[\d, ]{0,8}(?:\.\d+)?%?")


@dataclass(frozen=True)
class Keys:
    """What the keys of the ordinary lines look like."""

    shapes: frozenset[str]
    digits: int  # how many the shortest of those that are all digits has; 0 when there is none


def mark_furniture(
    con: duckdb.DuckDBPyConnection, contract: Contract, positions: dict[str, int], header: Sequence[str]
) -> None:
    """Make tables `furniture` and `bare` (line_no; `bare` of records that are but a key); mark lines of `misfit`."""
    con.execute("CREATE TABLE furniture (line_no BIGINT); CREATE TABLE bare (line_no BIGINT)")
    required = [positions[column.name] for column in contract.required]
    groups = [[positions[name] for name in group] for group in contract.musts]
    filled = [[at] for at in required] + [group for group in groups if len(group) > 1]
    keys = [positions[name] for name in contract.key if name in positions]
    key = next(positions[name] for group in contract.musts for name in group if name in positions)
    con.execute(f"""
        CREATE TABLE suspect AS SELECT line_no, [{", ".join(f"c{at}" for at in range(len(header)))}] AS held
        FROM text WHERE {_is_suspect(key, filled, keys, sorted(positions.values()), header)}""")
    titles = {at: normalise(header[at]) for at in keys if normalise(header[at])}
    usual: Keys | None = None
    for table, held in (("suspect", "held"), ("misfit", "record")):
        lines = con.cursor().execute(f"SELECT line_no::BIGINT, {held} FROM {table}")
        found, bare = [], []
        while some := lines.fetchmany(BATCH):
            usual = usual or _usual(con, key)
            for line, values in some:
                cells = [_tidy(value) for value in (json.loads(values) if table == "misfit" else values)]
                at = key if table == "suspect" else 0
                if _is_furniture(cells, at, titles, usual):
                    found.append(line)
                elif table == "suspect" and set(required) > set(keys) and not any(_beside(cells, keys)):
                    bare.append(line)
        if table == "misfit" and found:
            con.execute(
                f"UPDATE misfit SET kind = {literal(quarantine.FURNITURE)} WHERE line_no::BIGINT IN ({_list(found)})"
            )
        elif found:
            con.execute(f"INSERT INTO furniture SELECT unnest([{_list(found)}])")
        if bare:
            con.execute(f"INSERT INTO bare SELECT unnest([{_list(bare)}])")


def _list(lines: list[int]) -> str:
    return ", ".join(map(str, lines))


def _is_suspect(
    key: int, required: Sequence[Sequence[int]], keys: list[int], known: list[int], header: Sequence[str]
) -> str:
    """SQL of a cheap test for lines that may be furniture: an odd key, or something missing and little beside it."""
    beside = " + ".join(f"(c{at} >= '!')::INTEGER" for at in known if at != key)
    missing = " OR ".join(" AND ".join(f"NOT c{at} >= '!'" for at in group) for group in required)
    letters = f"CASE WHEN c{key} >= ':' THEN NOT regexp_matches(c{key}, '[0-9]') ELSE false END"
    again = " OR ".join(_is_title(f"c{at}", header[at].strip().lower()) for at in keys if at != key) or "false"
    few = f"({missing}) AND {beside or '0'} <= {BESIDE}"
    return f"c{key} < '0' OR contains(c{key}, ' ') OR {letters} OR {again} OR ({few})"


def _is_title(text: str, title: str) -> str:
    """SQL of whether a value is the title of its column; of one in digits it is seen without changing its case."""
    is_same = f"lower({text}) = {literal(title)}"
    return f"CASE WHEN {text} >= 'A' THEN {is_same} ELSE false END" if title >= "A" else is_same


def _usual(con: duckdb.DuckDBPyConnection, key: int) -> Keys:
    ordinary = f"FROM (SELECT trim(c{key}) AS key FROM text WHERE line_no NOT IN (SELECT line_no FROM suspect))"
    shape = r"regexp_replace(regexp_replace(key, '\p{L}+', 'A', 'g'), '[0-9]+', '9', 'g')"
    shapes = con.execute(f"SELECT DISTINCT {shape} {ordinary} LIMIT 1000").fetchall()
    row = con.execute(f"SELECT min(length(key)) {ordinary} WHERE regexp_full_match(key, '[0-9]+')").fetchone()
    return Keys(frozenset(shape for (shape,) in shapes if shape), (row and row[0]) or 0)


def _tidy(value: object) -> str:
    return " ".join(_UNSEEN.sub("", str(value or "")).split())


def _beside(cells: Sequence[str], at: Sequence[int]) -> Iterator[str]:
    return (cell for place, cell in enumerate(cells) if cell and place not in at)


def _is_furniture(cells: Sequence[str], key: int, titles: dict[int, str], usual: Keys) -> bool:
    """Whether a line is no record. `key` is where the key stands."""
    if any(at < len(cells) and normalise(cells[at]) == title for at, title in titles.items()):
        return True
    filled = [at for at, cell in enumerate(cells) if cell]
    if not filled:
        return False
    at = key if key in filled else filled[0]
    said, beside = cells[at].casefold(), list(_beside(cells, [at]))
    if all(_RULE.fullmatch(cells[place]) for place in filled) and any(len(cells[place]) > 2 for place in filled):
        return True
    are_figures = len(beside) <= BESIDE and all(map(_is_figure, beside))
    if at == key and _shape(cells[at]) in usual.shapes:
        is_short = bool(re.fullmatch(r"[0-9]+", said)) and len(said) < usual.digits  # a count, when it is alone
        first = cells[filled[0]].casefold()
        return is_short and are_figures if filled[0] != key and _SAID.fullmatch(first) else is_short and not beside
    if _SAID.fullmatch(said):
        return at == key or are_figures
    if not are_figures:
        return False
    if _COUNTED.fullmatch(said):
        return True
    if _NUMBER.fullmatch(said):  # a count, where no key looks like that
        return not beside and (at != key or bool(usual.shapes))
    # A title. Where nothing tells what keys look like, it may be one.
    return at == key and bool(usual.shapes) and (" " in said or not re.search(r"\d", said))


def _is_figure(cell: str) -> bool:
    return bool(_NUMBER.fullmatch(cell) or _SAID.fullmatch(cell.casefold()) or dates.parse_date(cell))


def _shape(text: str) -> str:
    return re.sub(r"[0-9]+", "9", re.sub(r"[^\W\d_]+", "A", text))
