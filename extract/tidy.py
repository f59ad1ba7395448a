"""What stands around a value, and what stands for none: characters that nobody sees, Excel's wrapping, words for blank.

Most columns of most files have none of it. One look at a column tells, and only one that has any is tidied, value by
value; the rest of the work is the database's. Source of the rules: "Reading values" of the feeds' specification.
"""

from dataclasses import dataclass

import duckdb

from extract.contract import Column
from send_ready.database import literal

# By RE2. Format characters (zero width, direction, soft hyphen, byte order), fillers that show nothing, and controls.
_UNSEEN = (
    r"\p{Cf}\x{034f}\x{115f}\x{1160}\x{17b4}\x{17b5}\x{180b}-\x{180d}\x{2800}\x{3164}\x{fe00}-\x{fe0f}\x{ffa0}"
    r"\x00-\x08\x0e-\x1f\x7f-\x{84}\x{86}-\x{9f}"
)
_SPACE = r"\s\x0b\x{85}\p{Z}"
_BLANKS = "' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13)"
# Words that databases and programs write for nothing. In a text column only as they write them: Null is a surname.
_NULL = r"\\n|null|\(null\)|<null>|\[null\]"
_NULL_TEXT = r"\\N|NULL|null|\(null\)|\(NULL\)|<null>|<NULL>|\[NULL\]|\[null\]"
# An ID of nothing but punctuation is none either. One that begins with # is an error of Excel, which is told otherwise.
_NO_ID = (
    rf"{_NULL}|n/?a|n\.a\.?|n\\a|none|nil|nan|<na>|unknown|unk|not-?known|not(applicable|available|recorded)"
    r"|no(upn|uln|urn|id)|[^\p{L}\p{N}#][^\p{L}\p{N}]*"
)
_REASON = r"un0?([1-9]|10)"


@dataclass(frozen=True)
class TidiedColumn:
    """What one column of a file had beside its values: how many values of each sort."""

    column: str
    is_id: bool
    unseen: int  # had characters that nobody sees
    wrapped: int  # were wrapped by Excel
    none: int  # were words for nothing


def odd_columns(con: duckdb.DuckDBPyConnection, columns: list[tuple[Column, str]]) -> set[str]:
    """The columns with any value that has to be looked at closely; `columns` come with their names in table `text`."""
    tests = ", ".join(f"bool_or({_is_odd(column, text)})" for column, text in columns)
    row = con.execute(f"SELECT {tests} FROM text").fetchone() if columns else None
    return {column.name for (column, _), is_odd in zip(columns, row or (), strict=True) if is_odd}


def tidied(column: Column, text: str) -> str:
    """SQL of a text without what stands around its value; for columns that need it."""
    return f"CASE WHEN {_is_odd(column, text)} THEN {_unwrapped(column, _seen(column, text))} ELSE {text} END"


def held(column: Column, tidy: str) -> str:
    """SQL of a tidied text, null when it is blank or a word for nothing."""
    return f"""CASE WHEN {tidy} >= '0' AND {tidy} < ':' OR strlen({tidy}) > 32 THEN {tidy}
        WHEN {_is_none(column, tidy)} THEN NULL ELSE nullif({tidy}, '') END"""


def _is_none(column: Column, tidy: str) -> str:
    """SQL of whether a tidied text is a word for nothing."""
    if column.type == "text":
        return f"regexp_full_match({tidy}, {literal(_NULL_TEXT)})"
    words = f"{_NO_ID}|{_REASON}" if column.type == "id" else _NULL
    return rf"regexp_full_match(lower(regexp_replace({tidy}, '\s', '', 'g')), {literal(words)})"


def reason(tidy: str) -> str:
    """SQL of the reason for which there is no UPN (UN1 to UN10), where one stands in place of it; else null."""
    return rf"'UN' || nullif(regexp_extract(lower(regexp_replace({tidy}, '\s', '', 'g')), '^{_REASON}$', 1), '')"


def counts(con: duckdb.DuckDBPyConnection, columns: list[tuple[Column, str]]) -> list[TidiedColumn]:
    """How many values of each odd column were tidied, in the order of the columns; those with none are left out."""
    if not columns:
        return []
    seen, whole, tests = [], [], []
    for at, (column, text) in enumerate(columns):
        seen.append(f"{_seen(column, text)} AS seen{at}, trim({text}, {_BLANKS}) AS plain{at}")
        whole.append(f"{_unwrapped(column, f'seen{at}')} AS whole{at}")
        tests += [f"count_if(length(seen{at}) <> length(plain{at}))", f"count_if(whole{at} <> seen{at})"]
        tests += [f"count_if(whole{at} <> '' AND {_is_none(column, f'whole{at}')})"]
    odd = " OR ".join(f"({_is_odd(column, text)})" for column, text in columns)
    row = (
        con.execute(f"""
        SELECT {", ".join(tests)}
        FROM (SELECT *, {", ".join(whole)} FROM (SELECT {", ".join(seen)} FROM text WHERE {odd}))""").fetchone()
        or ()
    )
    found = [
        TidiedColumn(column.name, column.type == "id", *row[3 * at : 3 * at + 3])
        for at, (column, _) in enumerate(columns)
    ]
    return [each for each in found if each.unseen or each.wrapped or each.none]


def _is_odd(column: Column, text: str) -> str:
    """SQL of a cheap test that no plain value meets: beyond ASCII, beginning or ending with a sign, perhaps a word."""
    if column.type == "id":  # one with a digit second, as a UPN, or at the end of four, as EHC-104001, is no word
        no_number = f"coalesce(try_cast(right({text}, 4) AS INTEGER), 0) < 1000"
        short = f"strlen({text}) < 17 AND NOT substr({text}, 2, 1) BETWEEN '0' AND '9' AND {no_number}"
    else:
        short = f"{text} IN ('NULL', 'null', 'Null') OR starts_with({text}, 'Err:')"
    ends = " OR ".join(f"ends_with({text}, '{blank}')" for blank in " \t\n\r")
    return f"""CASE WHEN strlen({text}) <> length({text}) OR {ends} THEN true
        WHEN {text} >= '0' AND {text} < ':' THEN false
        WHEN {text} = '' THEN false
        WHEN {text} >= 'A' AND {text} < '[' OR {text} >= 'a' AND {text} < '{{' THEN {short}
        ELSE true END"""


def _seen(column: Column, text: str) -> str:
    """SQL of a text without what nobody sees: anywhere in an ID, a code and the like, at the ends of other text."""
    if column.type == "text":
        bare = rf"regexp_replace({text}, '^[{_SPACE}{_UNSEEN}]+|[{_SPACE}{_UNSEEN}]+$', '', 'g')"
    else:
        bare = rf"regexp_replace({text}, '[{_UNSEEN}]+', '', 'g')"
    return rf"trim(regexp_replace({bare}, '[\x{{85}}\p{{Z}}]', ' ', 'g'), {_BLANKS})"


def _unwrapped(column: Column, text: str) -> str:
    """SQL of what Excel's wrapping wraps: ="00123", =00123, '00123."""
    formula = rf"regexp_replace({text}, '^=\s*\"([^\"]*)\"?$', '\1')"
    if column.type == "text":
        return f"CASE WHEN {text} LIKE '=%' THEN trim({formula}, {_BLANKS}) ELSE {text} END"
    plain = rf"regexp_replace({formula}, '^=\s*([0-9A-Za-z][0-9A-Za-z/_-]*)$', '\1')"
    quoted = rf"regexp_replace({text}, '^[''‘’`](.*?)[''‘’`]?$|^\"(.*)\"$', '\1\2')"
    return f"""CASE WHEN {text} LIKE '=%' THEN trim({plain}, {_BLANKS})
        WHEN regexp_matches({text}, '^[''‘’`"]') THEN trim({quoted}, {_BLANKS}) ELSE {text} END"""
