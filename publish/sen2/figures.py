"""What the SEN2 return of a run comes to: its days, what its checks found, and the measures that DfE would publish."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from duckdb import DuckDBPyConnection

from send_ready import issues
from send_ready.database import literal
from send_ready.runs import Run
from warehouse import run_data

WHOLE = "all"  # the part of a measure that has none
ERROR, QUERY = "error", "query"
NOT_RECORDED = "not recorded"
CODE_SETS = {  # of the parts of a measure: the names of its codes
    "new_plans_by_need": "sen_type",
    "plans_by_need": "sen_type",
    "plans_by_sex": "sex",
    "requests_by_source": "request_source",
    "review_outcomes": "review_outcome",
    "ceased_by_reason": "cease_reason",
}


@dataclass(frozen=True)
class Days:
    """The survey year of a return, its days, and the day that it is made as at."""

    year: int
    survey_day: date
    due_day: date
    as_at: date
    is_draft: bool

    @property
    def left(self) -> int:
        """Days from the as-at date to the due day; negative after it."""
        return (self.due_day - self.as_at).days


@dataclass(frozen=True)
class Found:
    """What one check found: its rule, what is wrong, and how many times."""

    rule: str
    severity: str
    message: str
    fix: str
    number: int


@dataclass(frozen=True)
class Measure:
    """One measure, or one part of it: this return's figure, last year's and England's, as people read them."""

    measure: str
    area: str
    title: str
    part: str  # in words; empty for the whole
    value: str  # "Not known" where that is so, "–" where there is nothing to have a share of
    counted: str  # such as "321 of 675"; empty for a count, and where it is not known
    last_year: str
    england: str
    england_period: str
    not_known_because: str
    definition: str
    note: str


def is_there(con: DuckDBPyConnection) -> bool:
    """Whether the warehouse attached as `built` has a return and its measures."""
    place = "database_name = 'built' AND schema_name = 'sen2' AND table_name = 'sen2_measures'"
    return bool(con.execute(f"SELECT 1 FROM duckdb_tables() WHERE {place}").fetchone())


def days(con: DuckDBPyConnection, run: Run) -> Days:
    """The days of the return in the warehouse attached as `built`."""
    ((year, survey_day, due_day, is_draft),) = con.execute(
        "SELECT survey_year, survey_day, due_day, is_draft FROM built.int.int_sen2__return"
    ).fetchall()
    return Days(year, survey_day, due_day, run.as_at, is_draft)


def found(con: DuckDBPyConnection, run: Run) -> list[Found] | None:
    """What the checks of the return found, errors first and then by rule; None when they have not been made.

    Of a rule with several aspects it says what the one with most issues says.
    """
    paths = sorted(run.issues(issues.SEN2).parent.glob("*.parquet"))
    if not paths:
        return None
    rows = con.execute(f"""
        SELECT rule, severity, first(message ORDER BY number DESC, message), first(fix ORDER BY number DESC, message),
            sum(number)::BIGINT
        FROM (
            SELECT rule, severity, message, fix, sum(count) AS number
            FROM read_parquet([{", ".join(map(literal, paths))}])
            WHERE severity IN ('stop', {literal(ERROR)}, {literal(QUERY)})
            GROUP BY ALL
        ) AS aspects
        GROUP BY rule, severity ORDER BY severity = {literal(QUERY)}, rule, severity
    """).fetchall()
    return [Found(rule, QUERY if severity == QUERY else ERROR, *rest) for rule, severity, *rest in rows]


def number(found: Iterable[Found], severity: str) -> int:
    """How many issues of a severity there are."""
    return sum(each.number for each in found if each.severity == severity)


def measures(con: DuckDBPyConnection) -> list[Measure]:
    """Every measure and its parts, in the order of DfE's release; parts by their names, not recorded last."""
    rows = run_data.rows(
        con,
        f"""
        SELECT measures.*, names.name AS code_name
        FROM built.sen2.sen2_measures AS measures
        LEFT JOIN built.seeds.code_names AS names
            ON names.code = measures.breakdown_value AND names.code_set = CASE measures.measure
                {" ".join(f"WHEN {literal(name)} THEN {literal(codes)}" for name, codes in CODE_SETS.items())} END
        ORDER BY measures.measure_no, measures.breakdown_value = {literal(NOT_RECORDED)},
            try_cast(regexp_extract(measures.breakdown_value, '^[0-9]+') AS INTEGER) NULLS LAST,
            measures.breakdown_value
        """,
    )
    return [_measure(row) for row in rows]


def headlines(found: Iterable[Measure]) -> list[Measure]:
    """The measures that are no parts of one."""
    return [each for each in found if not each.part]


def not_known(found: Iterable[Measure]) -> list[str]:
    """Sentences that say which measures are not known, and why."""
    titles: dict[str, dict[str, None]] = {}
    for each in found:
        if each.not_known_because:
            titles.setdefault(each.not_known_because, {})[each.title] = None
    return [f"{'; '.join(of_it)}. {why}" for why, of_it in titles.items()]


def _measure(row: dict[str, Any]) -> Measure:
    unit, part = row["unit"], row["breakdown_value"]
    unknown = row["not_known_because"] or ""
    has_share = unit == "percent" and row["denominator"]
    of = f"{row['numerator']:,} of {row['denominator']:,}" if has_share and not unknown else ""
    words = [row["numerator_words"], row["denominator_words"]]
    return Measure(
        measure=row["measure"],
        area=row["area"],
        title=row["title"],
        part="" if part == WHOLE else (row["code_name"] or part)[:1].upper() + (row["code_name"] or part)[1:],
        value="Not known" if unknown else shown(row["value"], unit) or "–",
        counted=of,
        last_year=shown(row["last_year_value"], unit),
        england=shown(row["england_value"], unit),
        england_period=row["england_period"] or "",
        not_known_because=unknown,
        definition=", of: ".join(filter(None, words)),
        note=row["note"] or "",
    )


def shown(value: Decimal | None, unit: str) -> str:
    """A figure as people read it; empty for none."""
    if value is None:
        return ""
    return f"{value:,.0f}" if unit == "count" else f"{value:.1f}%"
