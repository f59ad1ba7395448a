"""Text to types: the one place where a value becomes a date, a number, a yes or no, and what to say when it cannot.

Every feed's typed table has the contract's columns, `_line_no` and `_unreadable`: the columns of the row that hold
something which cannot be read, joined by commas; null when there is none. Rows that cannot be used are set aside with
a reason; a value that cannot be read is null and reported. A file with other columns than the feed is read by a
contract that is fitted to it (extract/fit.py). Nothing is dropped:
rows in file = accepted + quarantined + exact duplicates.
"""

import datetime as dt
import re
from dataclasses import dataclass, field

import duckdb

from extract import dates, furniture, quarantine, tidy
from extract.contract import NO, TYPES, YES, Column, Contract, normalise
from extract.fit import Fitted, expressions, fit, names_nobody, rows_of_feed
from extract.refusal import MISSING_COLUMN, NO_USABLE_ROW, Refusal
from extract.text.load import TextTable
from send_ready.database import identifier, literal

# Day first, always. A format that reads the month first is never added: 03/04/2026 is 3 April. What none of these
# reads is read one by one (extract/dates.py), and so is what tells an offset from London.
DATE_FORMATS = (
    "%d/%m/%Y",
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S",
    "%d-%m-%Y",
    "%Y-%b-%d %H:%M:%S",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y-%b-%d",
    "%d-%b-%Y",
    "%d %b %Y",
    "%d %B %Y",
    "%d.%m.%Y",
    "%Y/%m/%d",
)
WORDS = ("id", "text", "code", "mark")  # the types of columns whose values stay text
YEARS = (1900, 2100)  # outside is a typing slip or a two-digit year: not read
EVERYDAY = (dt.date(1971, 1, 1), dt.date(2049, 1, 1))  # dates outside are looked at one by one: they may stand for none
TOO_LARGE = 1_000_000_000  # from here on a number is a slip or an ID of another column, and no sum of such is safe
EXPECTED = {
    "id": "an ID in full, not shortened as in 1.2E+12",
    "text": "text",
    "code": "text",
    "mark": "a sign such as / or L",
    "date": "a date such as 31/12/2026 (day first) or 2026-12-31",
    "datetime": "a date and time such as 31/12/2026 14:30:00",
    "integer": "a whole number of up to nine digits",
    "decimal": "a number of up to nine digits before the point",
    "boolean": "Y or N",
}
BATCH = 1000  # values read at a time
MISFITS = 10  # so many rows that do not fit the header are set aside in any case; of more, not most of a file
DETAIL_LIMIT = 500  # issues of one kind in one file that are listed line by line; the rest are counted
QUOTED, HEADING_LENGTH = 20, 60  # headings of unknown columns that a message quotes, and letters of each
# What a spreadsheet shows for an error, a column that is too narrow, and (our word) a formula without its result.
EXCEL_ERROR = (
    r"#(N/A( N/A)?|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!|SPILL!|CALC!|FIELD!|BLOCKED!|UNKNOWN!|CONNECT!|BUSY!|EXTERNAL!"
    r"|PYTHON!|GETTING_DATA|NO RESULT!)|#+|Err:[0-9]{3}"
)
# A long number as Excel shows it, and saves it as CSV: what very many IDs have become, so that it is nobody's. A UPN or
# ULN that looks so joins nothing, being invalid, and is shown as held.
_SHORTENED = r"\d(\.\d+)?E\+\d+"


@dataclass(frozen=True)
class Match:
    """How the export's header met the contract."""

    positions: dict[str, int]  # column -> index in the file
    headers: dict[str, str]  # column -> header in the file
    missing: tuple[str, ...]  # optional columns that the file lacks
    extra: tuple[str, ...]  # headers that the contract does not know
    repeated: tuple[str, ...]  # headers that mean a column which an earlier one already gave


@dataclass(frozen=True)
class Unreadable:
    """Values of one column that could not be read: how many, and the lines of the first of them."""

    column: str
    count: int
    lines: tuple[int, ...]


@dataclass(frozen=True)
class NoneDates:
    """Dates of one column that stand for none: how many, and which."""

    column: str
    count: int
    dates: tuple[str, ...]


@dataclass
class Typed:
    """What became of the rows of one file."""

    match: Match
    fitted: Fitted  # the contract as the file has it
    rows_in_file: int = 0
    rows_accepted: int = 0
    rows_quarantined: int = 0
    rows_duplicate: int = 0
    unreadable: list[Unreadable] = field(default_factory=list)
    tidied: list[tidy.TidiedColumn] = field(default_factory=list)
    none_dates: list[NoneDates] = field(default_factory=list)
    furniture: list[int] = field(default_factory=list)  # lines that are no records
    filled: dict[str, int] = field(default_factory=dict)  # by column, rows in which another stands in for a blank
    nameless: dict[str, list[int]] = field(default_factory=dict)  # by column of UPNs, lines where it names nobody
    bare: list[int] = field(default_factory=list)  # lines of records that hold nothing beside the key


def match_header(
    header: list[str], contract: Contract, *, is_sure: bool = True, whole: Contract | None = None
) -> Match:
    """Which column of the file is which of the contract. Raises Refusal when a required one is missing.

    `whole` is the feed's own contract, where that one is fitted to the file.

    `is_sure`: most rows fit the header. Otherwise some of it may be a record, and what is not known is not quoted.
    """
    wanted: dict[str, dict[str, int]] = {}  # by header the columns that it may be of, with the rank of the alias
    for column in contract.columns:
        for rank, name in enumerate(column.headers):
            wanted.setdefault(normalise(name), {}).setdefault(column.name, rank)
    found: dict[str, tuple[int, int]] = {}  # column -> (rank of its alias, index)
    extra, repeated = [], []
    for index, cell in enumerate(header):
        meant = wanted.get(normalise(cell), {})
        if not meant:
            extra.append(_shown(index, cell if is_sure else ""))
        for name, rank in meant.items():
            held = found.get(name)
            if held:
                repeated.append(_shown(index, header[index if held[0] <= rank else held[1]]))
            if held is None or rank < held[0]:
                found[name] = (rank, index)
    absent = [column for column in contract.columns if column.name not in found]
    required = [column.headers[0] for column in absent if column.is_required]
    if required:
        quoted = ", ".join(extra[:QUOTED]) if is_sure and len(found) >= 2 else ""
        more = f" and {len(extra) - QUOTED:,} more" if len(extra) > QUOTED else ""
        raise Refusal(
            MISSING_COLUMN,
            f"Required column missing: {', '.join(required)}.",
            f"Add it to the report; if it has another name there, add that name to the column map {contract.name}.csv."
            + _in_its_place(whole or contract, absent)
            + (f" Columns of the file that are not known: {quoted}{more}." if quoted else ""),
        )
    return Match(
        positions={name: index for name, (_, index) in found.items()},
        headers={name: _shown(index, header[index]) for name, (_, index) in found.items()},
        missing=tuple(column.name for column in absent),
        extra=tuple(extra),
        repeated=tuple(repeated),
    )


def _in_its_place(contract: Contract, absent: list[Column]) -> str:
    """What a file may have instead of a required column that it lacks."""
    said = ""
    for column in absent:
        inside = [each.headers[0] for each in contract.stand_ins(column.name) if each.headers]
        if column.is_required and inside:
            said += f" In place of {column.headers[0]} it may have: {', '.join(inside)}."
    return said


def _shown(index: int, cell: str) -> str:
    """A heading as it may be quoted: by its place when it might be a value, such as a date or a number of a child."""
    text = " ".join("".join(sign if sign.isprintable() else " " for sign in cell).split())
    is_word = re.search(r"[^\W\d_]", text) and not re.search(r"\d{3}", text)
    return text[:HEADING_LENGTH] if is_word else f"(column {index + 1})"


def type_rows(con: duckdb.DuckDBPyConnection, table: TextTable, contract: Contract) -> Typed:
    """From table `text` make tables `typed` (contract columns, _line_no, _unreadable) and `quarantine`.

    `quarantine`: line_no, kind (see extract/quarantine.py), column_name, reason, record (JSON of the row as it
    stands), held (of a record that fits no key or no header, its columns as far as they are known, as JSON of column
    and value). Raises Refusal when a required column is missing or no row can be used.
    """
    rows, misfits = _count(con, "text"), _count(con, "misfit")
    fitted = fit(contract, table.header)
    contract = fitted.contract
    match = match_header(table.header, contract, is_sure=rows > misfits, whole=fitted.whole)
    result = Typed(match, fitted, rows_in_file=rows + misfits)
    furniture.mark_furniture(con, contract, match.positions, table.header)
    not_fitting = _count(con, f"misfit WHERE kind <> '{quarantine.FURNITURE}'")
    if not_fitting > max(rows, MISFITS):
        raise Refusal(
            NO_USABLE_ROW,
            f"{not_fitting:,} of the {rows + misfits:,} rows have too few or too many values for the header.",
            "Look at the header, the delimiter and the quotation marks; export again, as .xlsx if that goes on.",
        )
    held = [
        (column, f"c{match.positions[column.name]}") for column in contract.columns if column.name in match.positions
    ]
    odd = tidy.odd_columns(con, [(column, text) for column, text in held if column.type in WORDS])
    _create_candidate(con, contract, match, odd)
    unread = _unread_columns(con, "candidate", contract)
    # A date or number that is read needs no tidying: only where one is not, the column is looked at, and read again.
    if more := tidy.odd_columns(con, [(column, text) for column, text in held if column in unread]):
        odd |= more
        con.execute("DROP TABLE candidate")
        _create_candidate(con, contract, match, odd)
    result.tidied = tidy.counts(con, [(column, text) for column, text in held if column.name in odd])
    result.none_dates = _read_dates(con, contract, match, odd) if unread else []
    _set_aside(con, contract, match, table.header)
    result.unreadable = _unreadable(con, contract) if unread else []
    result.rows_duplicate = _settle_keys(con, fitted, table.header)
    for name in fitted.fills:
        if name in match.positions:
            result.filled[name] = _count(con, f"usable WHERE {identifier(name)} IS NULL")
    _hold(con, fitted, result.match)
    result.rows_quarantined = _count(con, "quarantine")
    every = f"SELECT * REPLACE ({_names(contract)} AS _unreadable) FROM candidate"
    accepted = "typed" if contract is fitted.whole else "accepted"
    if result.rows_quarantined or result.rows_duplicate:
        con.execute(f"""
            CREATE TABLE {accepted} AS {every}
            WHERE _line_no NOT IN (SELECT line_no FROM quarantine UNION ALL SELECT line_no FROM duplicate)
            ORDER BY _line_no""")
    else:
        con.execute(f"CREATE VIEW {accepted} AS {every}")
    result.rows_accepted = _count(con, accepted)
    for name, names_none in names_nobody(fitted).items():
        if lines := _lines(con, f"{accepted} WHERE {names_none}", "_line_no"):
            result.nameless[name] = lines
    if accepted != "typed":
        con.execute(f"CREATE VIEW typed AS {rows_of_feed(fitted, accepted)}")
    result.furniture = _lines(con, f"quarantine WHERE kind = '{quarantine.FURNITURE}'", "line_no")
    if _count(con, "bare"):
        result.bare = _lines(con, "typed WHERE _line_no IN (SELECT line_no FROM bare)", "_line_no")
    if result.rows_in_file != result.rows_accepted + result.rows_quarantined + result.rows_duplicate:
        raise AssertionError(f"{contract.id}: the rows of the file are not all accounted for")
    if not result.rows_accepted:
        raise Refusal(
            NO_USABLE_ROW,
            f"None of the {result.rows_in_file:,} rows could be used.",
            "See the quarantine for the reasons; the report or the column map is probably wrong.",
        )
    return result


def expected(column: Column) -> str:
    """What a value of a column should be, in words."""
    words = [word for word in (*column.yes, *column.no) if word]
    is_own = column.type == "boolean" and words and (column.yes, column.no) != (YES, NO)
    return f"one of {', '.join(words)}" if is_own else EXPECTED[column.type]


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    row = con.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(row[0]) if row else 0


def _lines(con: duckdb.DuckDBPyConnection, rows: str, column: str) -> list[int]:
    return [line for (line,) in con.execute(f"SELECT {column} FROM {rows} ORDER BY 1").fetchall()]


def _create_candidate(con: duckdb.DuckDBPyConnection, contract: Contract, match: Match, odd: set[str]) -> None:
    """Table `candidate`: the columns typed, _line_no, _unreadable (a bit a column). `odd` columns have to be tidied."""
    names = [identifier(column.name) for column in contract.columns]
    formats = _likely_formats(con, contract, match)
    parsed = [
        f"{name}: {_parsed(column, formats.get(column.name, DATE_FORMATS))}"
        for name, column in zip(names, contract.columns, strict=True)
        if column.type not in WORDS
    ]
    values = [
        "NULL::BOOLEAN"
        if "" in (*column.yes, *column.no) and column.name not in match.positions
        # A blank says something only where the column is.
        else _typed(column, column.name in odd)
        for column in contract.columns
    ]
    typed = ", ".join(f"{name}: {value}" for name, value in zip(names, values, strict=True))
    bits = " + ".join(
        f"CASE WHEN typed.{name} IS NULL AND cleaned.{name} IS NOT NULL THEN {1 << number} ELSE 0 END::BIGINT"
        for number, (name, value, column) in enumerate(zip(names, values, contract.columns, strict=True))
        if column.name in match.positions and value != f"cleaned.{name}"
    )
    con.execute(f"""
        CREATE TABLE candidate AS
        SELECT {", ".join(f"typed.{name} AS {name}" for name in names)}, line_no AS _line_no,
            ({bits or 0})::BIGINT AS _unreadable
        FROM (
            SELECT line_no, cleaned, {{{typed}}} AS typed
            FROM (
                SELECT line_no, cleaned, {{{", ".join(parsed) or "_: NULL"}}} AS parsed
                FROM ({_cleaned(contract.columns, match, odd)})))""")


def _cleaned(columns: tuple[Column, ...], match: Match, odd: set[str]) -> str:
    """A query for line_no and `cleaned`: of each column the text that counts, null when it holds nothing."""
    tidied, cleaned = ["'' AS _"], []
    for column in columns:
        name = identifier(column.name)
        if column.name not in match.positions:
            cleaned.append(f"{name}: NULL::VARCHAR")
            continue
        text = f"c{match.positions[column.name]}"
        if is_odd := column.name in odd:
            tidied.append(f"{tidy.tidied(column, text)} AS {name}")
            text = f"tidied.{name}"
        if column.type in ("id", "code"):  # without the `.0` that Excel adds
            text = rf"CASE WHEN contains({text}, '.0') THEN regexp_replace({text}, '^(\d+)\.0+$', '\1') ELSE {text} END"
        text = tidy.held(column, text) if is_odd else f"nullif({text}, '')"
        if column.name == "upn_unknown_reason" and "upn" in odd:
            text = f"coalesce({text}, {tidy.reason('tidied.upn')})"
        cleaned.append(f"{name}: {text}")
    packed = ", ".join(f"{name.rpartition(' AS ')[2]}: {name.rpartition(' AS ')[0]}" for name in tidied)
    return f"""SELECT line_no, {{{", ".join(cleaned)}}} AS cleaned
        FROM (SELECT *, {{{packed}}} AS tidied FROM text)"""


def _likely_formats(con: duckdb.DuckDBPyConnection, contract: Contract, match: Match) -> dict[str, tuple[str, ...]]:
    """By date column all of DATE_FORMATS, first the one in which its first value seems to be.

    No two of them read one text as different everyday dates, so that their order is a matter of time alone: a format
    that does not fit takes seven times as long as one that does.
    """
    dates = [
        column.name
        for column in contract.columns
        if TYPES[column.type] in ("DATE", "TIMESTAMP") and column.name in match.positions
    ]
    if not dates:
        return {}
    first = ", ".join(f"first(c{at}) FILTER (WHERE c{at} > ' ')" for at in map(match.positions.__getitem__, dates))
    values = con.execute(f"SELECT {first} FROM (FROM text LIMIT {BATCH})").fetchone() or ()
    likely = [_BY_SHAPE.get(_shape(value or ""), DATE_FORMATS[0]) for value in values]
    return {
        name: (best, *(each for each in DATE_FORMATS if each != best)) for name, best in zip(dates, likely, strict=True)
    }


def _shape(text: str) -> str:
    """A text with 9 for each digit and A for each word."""
    return re.sub("[A-Za-z]+", "A", re.sub("[0-9]", "9", text))


_BY_SHAPE = {_shape(dt.datetime(2026, 12, 31, tzinfo=dt.UTC).strftime(form)): form for form in DATE_FORMATS}


def _parsed(column: Column, formats: tuple[str, ...]) -> str:
    """SQL of a date, a number or a yes or no as the database reads it, be it one that may stand or not."""
    name = f"cleaned.{identifier(column.name)}"
    if column.type in ("date", "datetime"):
        return f"try_strptime({name}, [{', '.join(map(literal, formats))}])"
    if column.type == "boolean":
        return f"lower({name})"
    # 50% is 50, as a spreadsheet writes it.
    return f"try_cast(CASE WHEN ends_with({name}, '%') THEN rtrim({name}, '%') ELSE {name} END AS DOUBLE)"


def _typed(column: Column, is_odd: bool) -> str:
    """SQL of a value in its type, from `cleaned` and `parsed`; null when it cannot be read."""
    name = f"{'cleaned' if column.type in WORDS else 'parsed'}.{identifier(column.name)}"
    if column.type == "mark":  # of which # is one
        return name
    if column.type in WORDS:
        faults = [f"starts_with({name}, '#') OR starts_with({name}, 'Err:') THEN {_unless(name, EXCEL_ERROR)}"] * is_odd
        faults += [f"contains({name}, 'E+') THEN {_unless(name, _SHORTENED)}"] * (
            column.type == "id" and (column.is_required or column.form is not None)
        )
        return f"CASE {' '.join(f'WHEN {fault}' for fault in faults)} ELSE {name} END" if faults else name
    if column.type in ("date", "datetime"):
        none = [day for day in column.none_dates if EVERYDAY[0] <= day < EVERYDAY[1]]
        other = f" AND {name}::DATE NOT IN ({', '.join(f'DATE {literal(day)}' for day in none)})" if none else ""
        first, last = (f"TIMESTAMP {literal(day)}" for day in EVERYDAY)
        return f"CASE WHEN {name} >= {first} AND {name} < {last}{other} THEN {name}::{TYPES[column.type]} END"
    if column.type == "boolean":
        yes, no = (_is_one_of(name, words) for words in (column.yes or YES, column.no or NO))
        return f"CASE WHEN {yes} THEN true WHEN {no} THEN false END"
    whole = f"{name} = trunc({name}) AND " if column.type == "integer" else ""
    return f"CASE WHEN {whole}abs({name}) < {TOO_LARGE} THEN {name}::{TYPES[column.type]} END"


def _is_one_of(name: str, words: tuple[str, ...]) -> str:
    """SQL of whether a text is one of some words, of which one may be a blank."""
    said = [f"{name} IN ({', '.join(literal(word) for word in words if word)})"] * any(words)
    return " OR ".join([*said, *[f"{name} IS NULL"] * ("" in words)])


def _unless(name: str, pattern: str) -> str:
    return f"CASE WHEN regexp_full_match({name}, {literal(pattern)}) THEN NULL ELSE {name} END"


def _read_dates(con: duckdb.DuckDBPyConnection, contract: Contract, match: Match, odd: set[str]) -> list[NoneDates]:
    """Read, value by value, the dates that the common formats do not; those that stand for none are blank."""
    found = []
    for column in _unread_columns(con, "candidate", contract):
        if TYPES[column.type] not in ("DATE", "TIMESTAMP"):
            continue
        number = contract.columns.index(column)
        is_left = f"(_unreadable >> {number}) & 1 = 1"
        name = identifier(column.name)
        con.execute(f"""
            CREATE OR REPLACE TABLE left_over AS SELECT line_no, cleaned.{name} AS value
            FROM ({_cleaned(tuple(contract.columns), match, odd)})
            WHERE line_no IN (SELECT _line_no FROM candidate WHERE {is_left})""")
        con.execute("CREATE OR REPLACE TABLE spelt (value VARCHAR, moment TIMESTAMP)")
        values, none = con.cursor().execute("SELECT DISTINCT value FROM left_over"), set()
        while some := values.fetchmany(BATCH):
            read = []
            for (value,) in some:
                moment = dates.parse_date(value)
                if dates.is_nought(value) or (moment and moment.date() in column.none_dates):
                    read.append(f"({literal(value)}, NULL)")
                    none.add(str(moment.date()) if moment else "00/00/0000")
                elif moment and YEARS[0] <= moment.year <= YEARS[1]:
                    read.append(f"({literal(value)}, TIMESTAMP {literal(moment)})")
            if read:
                con.execute(f"INSERT INTO spelt VALUES {', '.join(read)}")
        con.execute(f"""
            UPDATE candidate SET {name} = moment::{TYPES[column.type]}, _unreadable = _unreadable - {1 << number}
            FROM (SELECT line_no, moment FROM left_over JOIN spelt ON spelt.value = left_over.value) AS now
            WHERE now.line_no = candidate._line_no""")
        if none:
            blank = "left_over JOIN spelt ON spelt.value = left_over.value WHERE moment IS NULL"
            found.append(NoneDates(column.name, _count(con, blank), tuple(sorted(none))))
    return found


def _unread_columns(con: duckdb.DuckDBPyConnection, table: str, contract: Contract) -> list[Column]:
    """The columns of which a value in any row of a table could not be read."""
    row = con.execute(f"SELECT bit_or(_unreadable) FROM {table}").fetchone()
    bits = (row and row[0]) or 0
    return [column for number, column in enumerate(contract.columns) if bits >> number & 1]


def _names(contract: Contract) -> str:
    """The columns whose bit is set in `_unreadable`, joined by commas; null when there is none."""
    held = ", ".join(
        f"CASE WHEN (_unreadable >> {number}) & 1 = 1 THEN {literal(column.name)} END"
        for number, column in enumerate(contract.columns)
    )
    return f"CASE WHEN _unreadable <> 0 THEN concat_ws(',', {held}) END"


def _record(header: list[str], alias: str = "text") -> str:
    """The row as it stands, as JSON of header and text."""
    pairs = ", ".join(f"{literal(f'{index + 1} {cell}')}, {alias}.c{index}" for index, cell in enumerate(header))
    return f"json_object({pairs})::VARCHAR"


def _set_aside(con: duckdb.DuckDBPyConnection, contract: Contract, match: Match, header: list[str]) -> None:
    """Tables `quarantine`, of rows without a key and of lines that are no records, and `usable`, of the others."""
    con.execute(
        "CREATE TABLE quarantine (line_no BIGINT, kind VARCHAR, column_name VARCHAR, reason VARCHAR, record VARCHAR)"
    )
    con.execute("INSERT INTO quarantine SELECT line_no::BIGINT, kind, NULL, reason, record FROM misfit")
    others = "TRUE"
    if _count(con, "furniture"):
        others = "_line_no NOT IN (SELECT line_no FROM furniture)"
        con.execute(f"""
            INSERT INTO quarantine
            SELECT line_no, {literal(quarantine.FURNITURE)}, NULL, {literal(furniture.REASON)}, {_record(header)}
            FROM text WHERE line_no IN (SELECT line_no FROM furniture)""")
    columns = {column.name: column for column in contract.columns}
    tests = [" AND ".join(f"{identifier(name)} IS NULL" for name in group) for group in contract.musts]
    is_blank = " OR ".join(f"({test})" if " AND " in test else test for test in tests)
    headers, reasons = [], []
    for group, test in zip(contract.musts, tests, strict=True):
        shown = " and ".join(match.headers[name] for name in group)
        headers.append(f"WHEN {test} THEN {literal(shown)}")
        what = f"{shown} {'is' if len(group) == 1 else 'are'} blank or cannot be read"
        reasons.append(f"WHEN {test} THEN {literal(f'{what}: expected {expected(columns[group[0]])}.')}")
    if _count(con, f"candidate WHERE {is_blank}"):
        con.execute(f"""
            INSERT INTO quarantine
            SELECT _line_no, {literal(quarantine.KEY)}, CASE {" ".join(headers)} END, CASE {" ".join(reasons)} END,
                {_record(header)}
            FROM candidate JOIN text ON text.line_no = candidate._line_no
            WHERE ({is_blank}) AND {others}""")
        others = f"NOT ({is_blank}) AND {others}"
    con.execute(f"CREATE VIEW usable AS SELECT * FROM candidate WHERE {others}")


def _hold(con: duckdb.DuckDBPyConnection, fitted: Fitted, match: Match) -> None:
    """Add to `quarantine` what is known of records set aside for their key (typed) or their shape (text by place)."""
    con.execute("ALTER TABLE quarantine ADD COLUMN held VARCHAR")
    if not _count(con, "quarantine"):
        return
    values = {
        column.name: f"candidate.{identifier(column.name)}"
        for column in fitted.contract.columns
        if column.name in match.positions
    }
    values |= {name: value for name, value in expressions(fitted).items() if name in fitted.fills}
    typed = ", ".join(f"{literal(name)}, {value}" for name, value in values.items())
    con.execute(f"""
        UPDATE quarantine SET held = json_object({typed})::VARCHAR FROM candidate
        WHERE kind = {literal(quarantine.KEY)} AND candidate._line_no = quarantine.line_no""")
    placed = ", ".join(
        f"{literal(name)}, nullif(trim(record ->> '$[{place}]'), '')" for name, place in match.positions.items()
    )
    con.execute(f"""
        UPDATE quarantine SET held = json_object({placed})::VARCHAR
        WHERE kind = {literal(quarantine.SHAPE)} AND json_valid(record)""")


def _unreadable(con: duckdb.DuckDBPyConnection, contract: Contract) -> list[Unreadable]:
    """Values, of rows not in quarantine, that are there and could not be read."""
    found = []
    for column in _unread_columns(con, "usable", contract):
        number = contract.columns.index(column)
        where = f"FROM usable WHERE (_unreadable >> {number}) & 1 = 1"
        row = con.execute(f"SELECT count(*), list(_line_no ORDER BY _line_no)[:{DETAIL_LIMIT}] {where}").fetchone()
        if row and row[0]:
            found.append(Unreadable(column.name, row[0], tuple(row[1])))
    return found


def _settle_keys(con: duckdb.DuckDBPyConnection, fitted: Fitted, header: list[str]) -> int:
    """Of rows that share a key, exact repeats become `duplicate` and all but the latest go to quarantine.

    Gives the number of exact repeats. The latest is by `latest_by`, then by line.
    """
    contract, key = fitted.contract, ", ".join(fitted.key)
    con.execute("CREATE TABLE duplicate (line_no BIGINT)")
    hashed = f"hash({key})"  # where no two are the same, neither are two keys
    if con.execute(f"SELECT count(*) = count(DISTINCT {hashed}) FROM usable").fetchone() == (True,):
        return 0
    every = ", ".join(identifier(column.name) for column in contract.columns)
    latest = f"{identifier(contract.latest_by)} DESC NULLS LAST, " if contract.latest_by else ""
    con.execute(f"""
        CREATE TABLE contested AS
        SELECT *, row_number() OVER (PARTITION BY {every} ORDER BY _line_no DESC) > 1 AS is_repeat
        FROM usable WHERE ({key}) IN (SELECT ({key}) FROM usable GROUP BY {key} HAVING count(*) > 1)""")
    con.execute("INSERT INTO duplicate SELECT _line_no FROM contested WHERE is_repeat")
    con.execute(f"""
        INSERT INTO quarantine
        SELECT ranked._line_no, {literal(quarantine.REPEATED_KEY)}, NULL,
            'Line ' || ranked.kept_line || ' has the same key ({", ".join(contract.key)}) and is later; it was kept.',
            {_record(header)}
        FROM (
            SELECT _line_no, first_value(_line_no) OVER latest AS kept_line, row_number() OVER latest AS place
            FROM contested WHERE NOT is_repeat
            WINDOW latest AS (PARTITION BY {key} ORDER BY _line_no IN (SELECT line_no FROM bare), {latest}_line_no DESC)
        ) AS ranked
        JOIN text ON text.line_no = ranked._line_no
        WHERE ranked.place > 1""")
    return _count(con, "duplicate")
