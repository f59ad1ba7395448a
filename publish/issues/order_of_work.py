"""The order of work before the lists go out: what to do first, by whom, and how many children it puts right.

A step is one thing to do. A row for a crosswalk, a file to send again: one action. A rule's findings in one feed or
list: as many actions as records. First come children who may be missing from a list, then whole files and lists, then
errors that stand in a column of the lists, then other errors, then queries; among equals, first rows to add, then what
puts most children right for each action.
"""

import csv
import io
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from send_ready.database import identifier, literal
from send_ready.issues import SEVERITIES
from send_ready.layout import lists
from send_ready.words import counted
from warehouse import run_data

PERHAPS_MISSING = "L-129"  # a child who may belong on a list and is not there
UNMAPPED, NOT_MAPPED, NO_PHASE = "M-01", "L-124", "W-01"  # a value; what the lists lose by it; a school without a phase
MISSING, FILE_OR_LIST, ON_LISTS, AT_SOURCE, QUERY = 0, 1, 2, 3, 4
# The column of the lists that depends on a crosswalk. Of the first three rule L-124 names each child concerned;
# the last two decide who is on List 2, so that everybody counts who holds the value.
CROSSWALKS = (
    ("xwalk_sex", "gender"),
    ("xwalk_ethnicity", "ethnicity"),
    ("xwalk_sen_type", "primary_need"),
    ("xwalk_exclusion_category", "suspension_count"),
    ("xwalk_social_care_status", "known_to_social_care"),
    ("xwalk_enrolment_status", "main_urn"),
    ("xwalk_sen_provision", "unique_id"),
)
NAMED, DECIDING = CROSSWALKS[:3], CROSSWALKS[-2:]
# Whose a record is, by the first id in its key.
LINKED = "SELECT source_id, person_id FROM built.int.int_person_records__linked WHERE source_system = "
HOLDERS = {
    "student_id": f"{LINKED} 'capita_one'",
    "case_reference": f"{LINKED} 'ehc_hub'",
    "person_id": f"{LINKED} 'social_care'",
    "record_1": "SELECT record_id, person_id FROM built.int.int_person_records__linked",
    "plan_id": "SELECT plan_id, person_id FROM built.int.int_plans__unioned",
    "review_id": "SELECT review_id, person_id FROM built.int.int_reviews__unioned",
    "review_reference": "SELECT substr(review_id, 5), person_id FROM built.int.int_reviews__unioned "
    "WHERE source_system = 'ehc_hub'",
    "exclusion_id": "SELECT exclusion_id, person_id FROM built.core.fct_exclusion",
    "involvement_id": "SELECT case_id, person_id FROM built.int.int_requests__merged",
}


@dataclass(frozen=True)
class Step:
    """One thing to do. `records` are source records or rows of a list; `children`, the children on the lists."""

    number: int
    fix: str
    owner: str
    where: str
    why: str
    rule: str
    severity: str
    column: str | None
    message: str
    records: int
    children: int


def steps(con: DuckDBPyConnection, sheets: dict[str, str]) -> list[Step]:
    """The steps in the order in which to take them. `sheets` gives the sheet of each owner; notes ask for no step.

    Needs the temporary table `compared` of publish.issues.compare. Leaves the temporary table `step_of`: for the
    `number` of each issue that asks for work, the step.
    """
    _crosswalk_rows(con)
    _tasks(con)
    _concerned(con)
    con.execute(f"CREATE OR REPLACE TEMP TABLE step AS {_STEPS}")
    con.execute("CREATE OR REPLACE TEMP TABLE step_of AS SELECT task.number, step FROM task JOIN step USING (task)")
    found = con.execute("SELECT * EXCLUDE (task) FROM step ORDER BY step").fetchall()
    headers = _headers()
    on_lists = {crosswalk: headers[column] for crosswalk, column in CROSSWALKS}
    titles = {feed.name: feed.title for feed in run_data.feeds(con)}
    codes = _codes(con)
    steps = []
    for number, tier, fix, owner, rule, severity, column, message, records, children, place, crosswalk, value in found:
        if crosswalk:
            where = _row_to_add(crosswalk, value, codes[crosswalk])
            column = on_lists[crosswalk] if tier == ON_LISTS else column
        else:
            where = f"{titles.get(place, place)}: sheet “{sheets[owner]}”, step {number}"
        why = _why(tier, crosswalk is not None, records, children)
        steps.append(Step(number, fix, owner, where, why, rule, severity, column, message, records, children))
    return steps


def _crosswalk_rows(con: DuckDBPyConnection) -> None:
    """The temporary table `crosswalk_row`: for the number of each M-01 issue, the value and who holds it."""
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE crosswalk_row AS
        SELECT issue.number, held.crosswalk, held.local_value, held.person_id
        FROM compared AS issue
        JOIN built.int.int_unmapped_codes__located AS held USING (feed, column_name)
        WHERE issue.rule = '{UNMAPPED}'
            AND starts_with(issue.message, 'The value “' || left(held.local_value, 60) || '”')
    """)


def _tasks(con: DuckDBPyConnection) -> None:
    """The temporary table `task`: for the number of each issue, the number of the issue that stands for its step.

    What the lists lose by a value without a code (L-124) is the step of that value's row in the crosswalk (M-01).
    """
    named = ", ".join(f"({literal(crosswalk)}, {literal(_headers()[column])})" for crosswalk, column in NAMED)
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE task AS
        WITH lost AS (
            SELECT issue.number, min(crosswalk_row.number) AS task
            FROM compared AS issue
            JOIN (VALUES {named}) AS named (crosswalk, column_name) USING (column_name)
            JOIN crosswalk_row ON crosswalk_row.crosswalk = named.crosswalk
                AND crosswalk_row.person_id = issue.unique_id
            WHERE issue.rule = '{NOT_MAPPED}'
            GROUP BY issue.number
        ),

        placed AS (
            SELECT *, severity = 'stop' OR regexp_matches(rule, '^F-[01]')
                    OR (category = 'List' AND unique_id IS NULL) AS is_whole
            FROM compared WHERE severity <> 'note'
        )

        SELECT number, lost.task IS NOT NULL AS is_lost, is_whole,
            coalesce(
                lost.task,
                CASE WHEN is_whole OR rule IN ('{UNMAPPED}', '{NO_PHASE}') THEN number END,
                min(number) OVER (
                    PARTITION BY lost.task IS NULL, rule, severity, list_name, feed, column_name, owner, fix
                )
            ) AS task
        FROM placed LEFT JOIN lost USING (number)
    """)


def _concerned(con: DuckDBPyConnection) -> None:
    """The temporary table `concerned`: for the number of an issue, each child on the lists whom it is about."""
    holders = " UNION ALL ".join(f"SELECT {literal(name)}, * FROM ({query})" for name, query in HOLDERS.items())
    on_lists = " UNION ALL ".join(f"SELECT unique_id FROM built.{each.table}" for each in lists())
    direct, deciding = (", ".join(literal(crosswalk) for crosswalk, _ in each) for each in (NAMED, DECIDING))
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE concerned AS
        WITH holder (id_name, id, person_id) AS ({holders}),

        record AS (
            SELECT number, split_part(key, '=', 1) AS id_name, substr(key, 1 + strpos(key, '=')) AS id
            FROM (SELECT number, split_part(record_id, '; ', 1) AS key FROM compared WHERE record_id IS NOT NULL)
        )

        SELECT number, unique_id AS person_id FROM compared WHERE unique_id IS NOT NULL
        UNION
        SELECT number, person_id FROM record JOIN holder USING (id_name, id) WHERE person_id IN ({on_lists})
        UNION
        SELECT number, person_id FROM crosswalk_row
        WHERE crosswalk NOT IN ({direct}) AND (crosswalk IN ({deciding}) OR person_id IN ({on_lists}))
    """)


_OF_LISTS = ", ".join(literal(crosswalk) for crosswalk, _ in CROSSWALKS)
_RANK = ", ".join(literal(severity) for severity in SEVERITIES)
_STEPS = f"""
    WITH counted AS (
        SELECT task.task, count(DISTINCT person_id) AS children
        FROM task LEFT JOIN concerned USING (number) GROUP BY ALL
    ),

    summed AS (
        SELECT task, sum(count)::BIGINT AS records, arg_min(message, (-times, message)) AS message,
            -- A line that counts the rest stands for as many actions as records.
            sum(CASE WHEN coalesce(unique_id, record_id) IS NULL AND NOT is_all_listed THEN count ELSE 1 END) AS actions
        FROM (
            SELECT task.task, compared.*, count(*) OVER (PARTITION BY task.task, message) AS times
            FROM task JOIN compared USING (number) WHERE NOT is_lost
        )
        GROUP BY task
    ),

    step AS (
        SELECT task.task, is_whole, fix, owner, rule, severity, column_name, summed.message, records, actions,
            CASE WHEN rule = '{NO_PHASE}' THEN records ELSE children END AS children,
            coalesce(feed, list_name, CASE category WHEN 'File' THEN 'Inbox' ELSE category END) AS place,
            crosswalk, local_value, rule IN ('{UNMAPPED}', '{NO_PHASE}') AS is_row,
            CASE
                WHEN rule = '{PERHAPS_MISSING}' THEN {MISSING}
                WHEN severity = 'query' THEN {QUERY}
                WHEN is_whole THEN {FILE_OR_LIST}
                WHEN category = 'List' OR (crosswalk IN ({_OF_LISTS}) AND counted.children > 0) THEN {ON_LISTS}
                ELSE {AT_SOURCE}
            END AS tier
        FROM task
        JOIN compared USING (number)
        JOIN counted USING (task)
        JOIN summed USING (task)
        LEFT JOIN (SELECT DISTINCT number, crosswalk, local_value FROM crosswalk_row) USING (number)
        WHERE task.number = task.task
    )

    SELECT task,
        row_number() OVER (
            ORDER BY tier, is_whole DESC, list_position([{_RANK}], severity), is_row AND children > 0 DESC,
                children / actions DESC, children DESC, records DESC, task
        ) AS step,
        tier, fix, owner, rule, severity, column_name, message, records, children, place, crosswalk, local_value
    FROM step
"""


def _headers() -> dict[str, str]:
    """The headers of the lists by the names of their columns."""
    return {column.column_name: column.header for each in lists() for column in each.columns}


def _codes(con: DuckDBPyConnection) -> dict[str, list[str]]:
    """The codes that each crosswalk in question knows."""
    used = con.execute("SELECT DISTINCT crosswalk FROM crosswalk_row").fetchall()
    return {
        crosswalk: [
            code
            for (code,) in con.execute(
                f"SELECT DISTINCT code FROM built.seeds.{identifier(crosswalk)} WHERE code IS NOT NULL ORDER BY code"
            ).fetchall()
        ]
        for (crosswalk,) in used
    }


def _row_to_add(crosswalk: str, value: str, codes: list[str]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow([value])
    return f"crosswalks/{crosswalk}.csv, new row: {written.getvalue()},? where ? is one of {', '.join(codes)}"


def _why(tier: int, is_row: bool, records: int, children: int) -> str:
    who, what = counted(children, "child", "children"), counted(records, "record")
    if tier == MISSING:
        return f"Perhaps missing from a list: {what}. Nothing matters more."
    if tier == FILE_OR_LIST:
        return "A whole file or list: until this is right, nothing is that depends on it."
    if tier == QUERY:
        return "May be right as it is: check when the errors are done."
    if is_row:
        return f"One row puts the lists right for {who}." if tier == ON_LISTS else f"One row puts {what} right."
    if tier == ON_LISTS:
        return f"Inspectors would see it: {who}." if children else "Inspectors would see it."
    return (
        f"Wrong at the source, of {who} on the lists." if children else "Wrong at the source, of no child on the lists."
    )
