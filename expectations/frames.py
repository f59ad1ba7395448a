"""What rules look at: the columns of a feed or list that they name, read from DuckDB into pandas.

Two things are decided here and nowhere else.

Helper columns: some rules need a value that no export holds (an age, a day of the week). Each is
one SQL expression over the columns of its feed or list, and rules use it like any other column.
`$as_at` in it is the as-at date, `$seed(name)` the seed of that name, a table of text.

Types: Great Expectations compares whole columns at once only for float64 (anything else is walked
value by value: 4 s for 1.5 million rows), and pandas has no blank for plain integers and booleans.
So numbers and booleans are read as DOUBLE (true is 1, false is 0), dates as timestamps, and text
as text. Dates are compared with dates by pair expectations, so that no rule needs a bound in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from typing import TYPE_CHECKING

import duckdb

from send_ready.database import identifier, literal
from send_ready.layout import COUNCILS
from warehouse import seeds

if TYPE_CHECKING:
    import pandas as pd

SEN2 = "SEN2"  # begins the names of the frames of the return
_OPEN_PLAN = "cease_date IS NULL OR cease_date > $as_at"


def _looked_up(value: str, seed: str, by: str, column: str) -> str:
    """The value that a seed's row holds for a column of the feed, whatever its case; null when no row has it."""
    rows = f"SELECT {by} AS looked_up, {value} AS found FROM $seed({seed})"
    return f"(SELECT any_value(found) FROM ({rows}) WHERE lower(trim(looked_up)) = lower({column}))"


def _plain_la(name: str) -> str:
    """SQL of the name of an authority without what is said around it; macros/naming.sql has the same."""
    around = "the|london|royal|metropolitan|borough|county|city|district|unitary|council|of|la|authority|local"
    letters = r"nullif(regexp_replace(lower(strip_accents({})), '[^\p{{L}}\p{{N}}]', '', 'g'), '')"
    bare = rf"regexp_replace(lower({name}), '\b({around})\b', '', 'g')"
    return f"coalesce({letters.format(bare)}, {letters.format(name)})"


_LA_NAMES = f"SELECT {_plain_la('la_name')} FROM read_csv({literal(COUNCILS)}, all_varchar = true)"
_IS_WEEK = "if(period_end IS NULL, period_start IS NULL, period_end < week_commencing + 7)"
EVERYWHERE = {
    "as_at_date": "$as_at",
    "forty_years_ago": "$as_at - INTERVAL 40 YEAR",
    "four_weeks_ago": "$as_at - to_days((SELECT days::INTEGER FROM $seed(statutory_limits)"
    " WHERE limit_name = 'review_decision'))",
}
_SQL_OF_UNIT = {"date": "DATE", "list": "VARCHAR"}  # of what limits the checks of the SEN2 return; else a number


def _limit(name: str, kind: str | None = None) -> str:
    """A row of sen2_thresholds; `kind` is its type where it does not follow from the unit."""
    return f"(SELECT any_value(value)::{kind} FROM $seed(sen2_thresholds) WHERE threshold = {literal(name)})"


def _is_code(column: str, code_set: str) -> str:
    """Whether the return of its year may hold the value as a code of the set; null of a blank."""
    found = (
        f"SELECT code FROM $seed(sen2_codes) WHERE code_set = {literal(code_set)} AND first_year::BIGINT <= survey_year"
        " AND coalesce(nullif(last_year, '')::BIGINT, 9999) >= survey_year"
    )
    return f"{column} IN ({found})"


def _share(part: str, of: str) -> str:
    """`part` in per cent of `of`; of nothing anything is the whole, and nothing is nothing."""
    return f"CASE WHEN {of} > 0 THEN 100.0 * {part} / {of} WHEN {part} = 0 THEN 0.0 WHEN {of} = 0 THEN 100.0 END"


LIMITS = {
    f"limit_{row['threshold']}": _limit(row["threshold"], _SQL_OF_UNIT.get(row["unit"], "DOUBLE"))
    for row in seeds.rows("sen2_thresholds")
}
_OF_LISTS = {"compared_upn": r"nullif(upper(regexp_replace(upn, '\s', '', 'g')), '')"}
_POST_CODE = r"^(GIR0AA|[A-Z]{1,2}[0-9][A-Z0-9]?[0-9][A-Z]{2})$"
_UPN_FORM = "[A-HJ-NP-RT-Z][0-9]{11}[0-9A-HJ-NP-RT-Z]"
_UPN = r"upper(regexp_replace(upn, '\s', '', 'g'))"
_WELL_FORMED = f"regexp_full_match({_UPN}, '{_UPN_FORM}')"
_PERIOD_TYPE = _looked_up("code", "xwalk_period_type", "local_value", "period_type")
HELPERS: dict[str, dict[str, str]] = {
    "List 1": _OF_LISTS,
    "List 2": _OF_LISTS,
    "SEN2 person": {
        **_OF_LISTS,
        "is_upn_well_formed": _WELL_FORMED,
        "is_upn_la_possible": f"CASE WHEN {_WELL_FORMED} THEN substr({_UPN}, 2, 3)::DOUBLE BETWEEN"
        f" {LIMITS['limit_first_upn_la']} AND {LIMITS['limit_last_upn_la']} END",
        "is_upn_unknown_known": _is_code("upn_unknown", "upn_unknown_reason"),
        "is_sex_known": f"coalesce({_is_code('sex', 'sex')}, false)",
        "is_ethnicity_known": f"coalesce({_is_code('ethnicity', 'ethnicity')}, false)",
        "is_post_code_well_formed": r"coalesce(regexp_full_match(upper(regexp_replace(post_code, '\s', '', 'g')),"
        f" '{_POST_CODE}'), false)",
    },
    "SEN2 chain": {
        "review_due_since": f"(reference_day - to_months({_limit('review_months', 'INTEGER')}))::DATE",
        "is_phase_transfer_year": "list_contains(string_split("
        f"{LIMITS['limit_transfer_ages']}, ' '), age_31_august::VARCHAR)",
    },
    "SEN2 placement": {
        "is_sen_setting_known": _is_code("sen_setting", "setting_type"),
        "is_unlikely_type": "list_contains(string_split("
        f"{LIMITS['limit_unlikely_types']}, ' '), establishment_type_code)",
    },
    "SEN2 measures": {
        "change_count": "abs(figure - last_figure)",
        "change_pct": _share("abs(figure - last_figure)", "last_figure"),
        "share_change_pct": _share("abs(percentage - last_percentage)", "last_percentage"),
        "fewer_count": "census_figure - figure",
        "fewer_pct": _share("(census_figure - figure)", "census_figure"),
        "more_count": "figure - census_figure",
        "more_pct": _share("(figure - census_figure)", "census_figure"),
    },
    "board.actions": {
        "status_code": _looked_up("code", "xwalk_action_status", "local_value", "status"),
        "impact_title": _looked_up("title", "kpi_catalogue", "kpi_id", "impact_measure"),
    },
    "board.measures": {
        "kpi_is_built": _looked_up("is_built", "kpi_catalogue", "kpi_id", "kpi_id"),
        "kpi_unit": _looked_up("unit", "kpi_catalogue", "kpi_id", "kpi_id"),
        "period_type_code": _PERIOD_TYPE,
        "month_end": "last_day(period_end)",
        "is_breakdown_whole": "(coalesce(lower(breakdown_type), 'all') = 'all')"
        " = (coalesce(lower(breakdown_value), 'all') = 'all')",
        "same_figure_count": f"count(*) OVER (PARTITION BY lower(kpi_id), {_PERIOD_TYPE}, period_end,"
        " replace(lower(coalesce(breakdown_type, 'all')), ' ', '_'),"
        " if(lower(coalesce(breakdown_value, 'all')) = 'all', 'all', breakdown_value))",
    },
    "census.pupils": {"is_perhaps_sen": "is_on_roll AND coalesce(sen_provision, 'K') <> 'N'"},
    "census.sessions": {
        "is_known_code": "upper(attendance_code) IN ('POSSIBLE', 'AUTHORISED', 'UNAUTHORISED') "
        "OR upper(attendance_code) IN (SELECT code FROM $seed(attendance_codes))",
    },
    "ilacs.involvements": {"is_bridged": "coalesce(upn, last_name) IS NOT NULL"},
    "capita_one.attendance": {
        # Of a week alone: a longer period begins on any day, and has as many sessions as it has. 1 is Monday.
        # A start of a period without its end is of no week.
        "weekday": f"CASE WHEN {_IS_WEEK} THEN isodow(week_commencing) END",
        "week_sessions": f"CASE WHEN {_IS_WEEK} THEN sessions_possible END",
        "known_code": _looked_up("code", "attendance_codes", "code", "trim(attendance_code)"),
        "sessions_absent": "coalesce(authorised_absence, 0) + coalesce(unauthorised_absence, 0)",
    },
    "capita_one.ehc_plans": {
        "placement": "coalesce(named_urn, setting_type)",
        "is_open": _OPEN_PLAN,
    },
    "capita_one.placements": {"rank_or_none": "coalesce(rank, 0)"},
    "capita_one.sen_needs": {
        "is_open": "end_date IS NULL OR end_date > $as_at",
    },
    "capita_one.students": {
        # By its number, or by a name that the DfE's list has (macros/naming.sql, la_code).
        "home_la_known": f"CASE WHEN home_la >= ':' AND {_plain_la('home_la')} IN ({_LA_NAMES})"
        " THEN '000' ELSE home_la END",
    },
    "local.person_bridge": {
        "whose": "coalesce(student_id, upn)",
        "child_count": "count(DISTINCT coalesce(student_id, upn)) OVER (PARTITION BY upper(trim(system)), other_id)",
    },
    "social_care.involvements": {
        "is_open": "end_date IS NULL OR end_date > $as_at",
    },
}
_SEED = re.compile(r"\$seed\((\w+)\)")
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UBIGINT", "FLOAT", "DOUBLE", "DECIMAL", "BOOLEAN")


def helpers_of(name: str) -> dict[str, str]:
    """The helper columns of a feed, a list or a frame of the SEN2 return."""
    return EVERYWHERE | HELPERS.get(name, {}) | (LIMITS if name.startswith(SEN2) else {})


def readable(name: str, columns: Iterable[str]) -> set[str]:
    """What rules of a feed with these columns may name: those, and the helpers."""
    return {*columns, *helpers_of(name)}


def frame_of(
    con: duckdb.DuckDBPyConnection,
    source: str,
    row: str,
    name: str,
    columns: Iterable[str],
    as_at: date,
    seed: Callable[[str], list[dict[str, str]]] = seeds.rows,
) -> pd.DataFrame:
    """A frame of the named columns of `source` (a table or table function), helpers included, for the rules of `name`.

    The index is the SQL expression `row` (a row's number in the source). Columns that the source
    cannot give are left out: the engine reports the rules that needed them. `seed` gives a seed's rows.
    """
    columns = sorted(set(columns))
    helpers = {
        helper: _SEED.sub(
            lambda found: _table(con, found[1], seed), expression.replace("$as_at", f"DATE {literal(as_at)}")
        )
        for helper, expression in helpers_of(name).items()
        if helper in columns
    }
    held = {column: kind for column, kind, *_ in con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    selected = []
    for column in columns:
        expression = identifier(column) if column in held else helpers.get(column)
        kind = held.get(column) or (expression and _type(con, source, expression))
        if kind:
            selected.append(f"{_cast(f'({expression})', kind)} AS {identifier(column)}")
    frame = con.execute(f"SELECT {', '.join([f'{row} AS _row', *selected])} FROM {source}").df().set_index("_row")
    frame.index.name = None  # a named index makes Great Expectations collect rows one by one
    return frame


def _table(con: duckdb.DuckDBPyConnection, name: str, seed: Callable[[str], list[dict[str, str]]]) -> str:
    """The name of a temporary table of the connection that is made of a seed."""
    table = identifier(f"seed_{name}")
    rows = seed(name)
    names = ", ".join(map(identifier, rows[0]))
    values = ", ".join(f"({', '.join(map(literal, row.values()))})" for row in rows)
    con.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * FROM (VALUES {values}) AS seed({names})")
    return table


def _type(con: duckdb.DuckDBPyConnection, source: str, expression: str) -> str | None:
    """The type of an expression over the source; None when the source lacks a column that it uses."""
    try:
        return str(con.execute(f"DESCRIBE SELECT {expression} AS value FROM {source}").fetchall()[0][1])
    except duckdb.BinderException:
        return None


def _cast(expression: str, kind: str) -> str:
    if kind.startswith(_NUMBERS):
        return f"{expression}::DOUBLE"
    return f"{expression}::TIMESTAMP" if kind.startswith(("DATE", "TIMESTAMP")) else f"{expression}::VARCHAR"
