"""Which column of which table holds the same keys as another's."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from onboarding.profile import Profile
from onboarding.reading import Table

KEYS = ("upn", "uln", "id", "integer", "urn", "dfe", "text")
LEAST = 10  # different values that a key has
MOSTLY = 0.5  # share of the smaller column's values that the larger one holds too
COLUMNS = 60  # looked at, of all tables


@dataclass(frozen=True)
class Join:
    """Two columns that hold the same keys: `share` of the different values of `one` stand in `other` too."""

    one: tuple[str, str]  # the table's title, and the heading
    other: tuple[str, str]
    share: float
    keys: int


def find_joins(con: duckdb.DuckDBPyConnection, tables: Sequence[tuple[Table, Sequence[Profile]]]) -> list[Join]:
    """Pairs of columns of different tables that hold the same keys, the surest first."""
    held = [(table, profile) for table, profiles in tables for profile in profiles if _may_be_key(profile)][:COLUMNS]
    con.execute("CREATE OR REPLACE TABLE onboarding_keys (number INTEGER, value VARCHAR)")
    for number, (table, profile) in enumerate(held):
        value = rf"upper(regexp_replace(regexp_replace({profile.column}, '\.0+$', ''), '[\s''-]', '', 'g'))"
        con.execute(
            f"INSERT INTO onboarding_keys SELECT DISTINCT {number}, {value} FROM {table.name} "
            f"WHERE {profile.column} IS NOT NULL"
        )
    sizes: dict[int, int] = dict(con.execute("SELECT number, count(*) FROM onboarding_keys GROUP BY 1").fetchall())
    pairs = con.execute(
        "SELECT a.number, b.number, count(*) FROM onboarding_keys a JOIN onboarding_keys b USING (value) "
        "WHERE a.number <> b.number GROUP BY 1, 2"
    ).fetchall()
    con.execute("DROP TABLE onboarding_keys")
    found = []
    for one, other, both in pairs:
        (table, profile), (beside, theirs) = held[one], held[other]
        smaller = (sizes[one], one) <= (sizes[other], other)
        same = {profile.kind, theirs.kind}
        if (
            table is beside
            or not smaller
            or both < LEAST
            or both / sizes[one] < MOSTLY
            or (len(same) > 1 and "text" in same)
        ):
            continue
        found.append(
            Join((table.title, profile.heading), (beside.title, theirs.heading), both / sizes[one], sizes[one])
        )
    return sorted(found, key=lambda join: (-join.share, -join.keys, join.one, join.other))


def _may_be_key(profile: Profile) -> bool:
    if profile.kind not in KEYS or profile.distinct < LEAST:
        return False
    if profile.kind in ("integer", "text"):  # counts and words are no keys
        return bool(re.search(r"id\b|ref|number|no\b|urn|upn|code|key", profile.heading, re.IGNORECASE))
    return True
