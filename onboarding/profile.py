"""What the columns of a table hold: how filled, of which kind, and codes with their counts. Never a child's value.

A value is shown only of a column that looks coded, when three rows or more have it, and when it has not the shape of
something that names or dates a person.
"""

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import duckdb

from extract import dates
from extract.contract import NO, YES
from extract.fit import compared_upn, valid_upn
from extract.shown import AT_LEAST, LONGEST_CODE, POSTCODE, ULN, UPN, may_be_shown
from onboarding.reading import Table, columns_of

LISTED = 2_000  # different values of a column that are looked at, the most frequent first
CODES = 60  # different values that a coded column may have
MOSTLY = 0.8  # share of a column's rows that make it of a kind
_UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
_URN = re.compile(r"[1-9]\d{5}")
_DFE = re.compile(r"[2-9]\d{2}[/ -]?\d{4}")
_WHOLE = re.compile(r"-?\d{1,15}")
_DECIMAL = re.compile(r"-?\d{1,12}(?:\.\d+)?%?")
_ID = re.compile(r"(?=.*\d)[A-Za-z0-9/_. -]{3,40}")
_FLOAT = re.compile(r"(\d+)\.0+")


@dataclass(frozen=True)
class Profile:
    """One column of a table. `kind` is one of KINDS."""

    column: str  # in the scratch database
    heading: str
    kind: str
    share: float  # of the filled rows, of that kind
    rows: int
    filled: int
    distinct: int
    codes: tuple[tuple[str, int], ...] = ()  # of a coded column, each value that may be shown with its rows
    withheld: int = 0  # values of a coded column that are not shown
    days: tuple[dt.date, dt.date] | None = None  # of dates that are nobody's birthday or death: the first and the last
    values: tuple[tuple[str, int], ...] = ()  # all that was looked at, for comparing alone: nothing of it is written

    @property
    def share_filled(self) -> float:
        return self.filled / self.rows if self.rows else 0.0

    @property
    def others(self) -> int:
        """How many of the filled rows are not of the kind; as far as the most frequent values tell, but for UPNs."""
        return (round((1 - self.share) * self.filled) or int(self.share < 1)) if self.kind in SHAPED else 0


KINDS = {
    "empty": "nothing",
    "upn": "UPNs (the check letter is right)",
    "uln": "ULNs (the check digit is right)",
    "birth": "dates of birth",
    "date": "dates",
    "postcode": "postcodes",
    "urn": "URNs",
    "dfe": "DfE numbers",
    "boolean": "yes or no",
    "code": "codes or words of a list",
    "integer": "whole numbers",
    "decimal": "numbers",
    "id": "IDs or references",
    "text": "text",
}
SHAPED = ("upn", "uln", "birth", "date", "postcode", "dfe", "boolean")  # whose every value is of the kind, or is not
Urns = tuple[frozenset[str], frozenset[str]]  # the URNs and the seven-digit DfE numbers that GIAS has; empty: not known


def profile_columns(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    gias: Urns,
    known_codes: frozenset[str],
    is_coded: Callable[[str], bool],
    as_at: dt.date,
) -> list[Profile]:
    """The profile of each column, in order.

    `known_codes` are local values of any crosswalk, in lower case. Values of a coded column are shown when some are
    among them, or when `is_coded` says that its heading is that of a column with codes.
    """
    return [
        _profile(con, table, column, heading, gias, known_codes, is_coded, as_at)
        for column, heading in columns_of(table)
    ]


def _profile(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    column: str,
    heading: str,
    gias: Urns,
    known_codes: frozenset[str],
    is_coded: Callable[[str], bool],
    as_at: dt.date,
) -> Profile:
    row = con.execute(f"SELECT count({column}), count(DISTINCT {column}) FROM {table.name}").fetchone()
    filled, distinct = row or (0, 0)
    counted = con.execute(
        f"SELECT {column}, count(*) FROM {table.name} WHERE {column} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 "
        f"LIMIT {LISTED}"
    ).fetchall()
    values = tuple((plain(value), count) for value, count in counted)
    rows = table.rows
    if not filled:
        return Profile(column, heading, "empty", 1.0, rows, 0, 0)
    kind, share = _kind(values, filled, distinct, gias, known_codes, heading, as_at)
    if kind == "upn":
        row = con.execute(f"SELECT count_if(NOT {valid_upn(compared_upn(column))}) FROM {table.name}").fetchone()
        share = 1 - (row[0] if row else 0) / filled
    codes: tuple[tuple[str, int], ...] = ()
    withheld, days = 0, None
    if kind in ("code", "boolean"):
        some_known = any(value.casefold() in known_codes for value, _ in values)
        is_list = kind == "boolean" or some_known or is_coded(heading)
        shown = [each for each in values if is_list and each[1] >= AT_LEAST and may_be_shown(each[0])]
        codes, withheld = tuple(shown), distinct - len(shown)
    elif kind == "date" and (held := [day.date() for value, _ in values if (day := dates.parse_date(value))]):
        days = min(held), max(held)
    return Profile(column, heading, kind, share, rows, filled, distinct, codes, withheld, days, values)


def per_cent(share: float) -> float:
    """A share in per cent, with one decimal place; 100 is all, and never less."""
    return round(100 * share, 1) if share >= 1 else min(round(100 * share, 1), 99.9)


def plain(value: str) -> str:
    """A value without what spreadsheets add: the `.0` of a whole number, a leading apostrophe."""
    value = value.strip().lstrip("'")
    found = _FLOAT.fullmatch(value)
    return found[1] if found else value


def _kind(
    values: Sequence[tuple[str, int]],
    filled: int,
    distinct: int,
    gias: Urns,
    known_codes: frozenset[str],
    heading: str,
    as_at: dt.date,
) -> tuple[str, float]:
    """The kind of a column and the share of its values that are of it, by what was looked at."""
    looked = sum(count for _, count in values)

    def share(fits: Callable[[str], bool]) -> float:
        return sum(count for value, count in values if fits(value)) / looked

    for name, fits in (("upn", is_upn), ("postcode", _is_postcode), ("date", _is_date)):
        if (found := share(fits)) >= MOSTLY:
            if name == "date" and _are_births(values, heading, as_at):
                name = "birth"
            return name, found
    if (found := share(_is_uln)) >= 0.95 and distinct > 1:
        return "uln", found
    urns, numbers = gias
    if (found := share(lambda value: bool(_URN.fullmatch(value)))) >= MOSTLY:
        in_gias = share(urns.__contains__) if urns else None
        if (in_gias or 0) >= 0.5 or (in_gias is None and _says(heading, "urn", "school", "estab")):
            return "urn", in_gias or found
    if (found := share(lambda value: bool(_DFE.fullmatch(value)))) >= MOSTLY:
        in_gias = share(lambda value: re.sub(r"\D", "", value) in numbers) if numbers else None
        if (in_gias or 0) >= 0.5 or (in_gias is None and _says(heading, "dfe", "estab", "school", "laestab", "dfes")):
            return "dfe", in_gias or found
    if distinct <= 4 and (found := share(lambda value: value.casefold() in {*YES, *NO})) >= 0.95:
        return "boolean", found
    coded = share(lambda value: value.casefold() in known_codes)
    if (
        coded < 0.5
        and (found := share(lambda value: bool(re.search(r"\d{3}", value) and _ID.fullmatch(value)))) >= 0.95
    ):
        return (
            "integer" if share(lambda value: bool(_WHOLE.fullmatch(value))) == 1.0 and distinct <= 20 else "id"
        ), found
    few = distinct <= CODES and (3 * distinct <= filled or distinct <= 3) and not _says(heading, *PERSONAL)
    if (found := share(lambda value: bool(_WHOLE.fullmatch(value)))) >= MOSTLY:
        is_code = few and distinct <= 15 and coded >= MOSTLY
        is_id = not is_code and distinct > 0.5 * filled and distinct > 20
        return ("code" if is_code else "id" if is_id else "integer"), found
    if (found := share(lambda value: bool(_DECIMAL.fullmatch(value)))) >= MOSTLY:
        return "decimal", found
    if few and share(lambda value: len(value) <= LONGEST_CODE) == 1.0:
        return "code", max(coded, MOSTLY)
    if coded >= MOSTLY and distinct <= 2 * CODES and not _says(heading, *PERSONAL):
        return "code", coded
    if distinct > 0.5 * filled and (found := share(lambda value: bool(_ID.fullmatch(value)))) >= 0.95:
        return "id", found
    return "text", 1.0


# Of a heading, what says that the values are of persons: they are never shown, however few.
PERSONAL = ("name", "forename", "surname", "dob", "birth", "address", "street", "town", "email", "phone", "mobile",
            "parent", "carer", "officer", "worker", "contact", "coordinator", "author", "writer")  # fmt: skip


def _says(heading: str, *words: str) -> bool:
    said = re.sub(r"[^a-z]+", " ", heading.casefold())
    return any(word in said for word in words)


def is_upn(value: str) -> bool:
    """Whether a value is a UPN with the right check letter: permanent, or temporary with a letter at its end."""
    value = value.upper()
    if not UPN.fullmatch(value):
        return False
    last = value[12] if value[12].isdigit() else str(_UPN_LETTERS.index(value[12]))
    digits = [int(digit) for digit in value[1:12]] + [int(last)]
    total = sum(weight * digit for weight, digit in zip(range(2, 14), digits, strict=True))
    return _UPN_LETTERS[total % 23] == value[0]


def _is_uln(value: str) -> bool:
    if not ULN.fullmatch(value):
        return False
    rest = sum(weight * int(digit) for weight, digit in zip(range(10, 1, -1), value[:9], strict=True)) % 11
    return rest != 0 and 10 - rest == int(value[9])


def _is_postcode(value: str) -> bool:
    return bool(POSTCODE.fullmatch(" ".join(value.upper().split())))


def _is_date(value: str) -> bool:
    return dates.parse_date(value) is not None or dates.is_nought(value)


def _are_births(values: Sequence[tuple[str, int]], heading: str, as_at: dt.date) -> bool:
    """Whether dates are of birth: by the heading, or because they spread over the years before school age ends."""
    if _says(heading, "birth", "dob", "born"):
        return True
    days = sorted(day.date() for value, _ in values if (day := dates.parse_date(value)))
    if len(days) < 20:
        return False
    # Of events the half is of the last years; of births it is of those 8 to 18 years ago.
    ages = [(as_at - day).days / 365.25 for day in (days[len(days) // 10], days[len(days) // 2], days[-1])]
    return 10 <= ages[0] <= 27 and 6 <= ages[1] <= 18 and ages[2] >= -0.1 and not _says(heading, "start", "plan")
