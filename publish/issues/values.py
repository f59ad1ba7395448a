"""The values that an issue of a list is about: the UPN, both dates, who else holds it. For issues.xlsx alone.

They are looked up when the workbook is written, so that no record of issues, log or report ever holds them.
"""

from duckdb import DuckDBPyConnection

from send_ready.database import identifier, literal
from send_ready.layout import ListLayout, lists
from send_ready.systems import Names
from warehouse import run_data

_DATE = "strftime({}, '%d/%m/%Y')"


def _said(what: str, expression: str) -> str:
    return f"{literal(what)} || ' ' || coalesce(CAST({expression} AS VARCHAR), 'blank')"


def _together(*parts: str) -> str:
    return f"concat_ws('; ', {', '.join(parts)})"


def _day(what: str, column: str) -> str:
    return _said(what, _DATE.format(column))


_UPN, _ULN, _BIRTH = _said("UPN", "frame.upn"), _said("ULN", "frame.uln"), _day("date of birth", "frame.birth_date")
_AGE = _said("age", "frame.age_years")
_BORN = _together(_BIRTH, _AGE)
_NO_ID = _together(_UPN, _ULN, _said("reason", "frame.upn_unknown_reason"), _AGE)
_NO_SCHOOL = _together(
    _AGE, _said("setting type", "frame.setting_type"), _said("subsidiary phase", "frame.subsidiary_phase")
)
_HOLDERS = """(
    SELECT string_agg(other.unique_id, ', ' ORDER BY other.unique_id)
    FROM built.int.int_annex_a__persons AS other
    WHERE other.compared_upn = person.compared_upn AND other.unique_id <> frame.unique_id AND other.{on_list}
)"""
_PLANS = f"""(
    SELECT string_agg(
        plan.plan_id || ' of ' || coalesce({_DATE.format("plan.initial_plan_date")}, 'no date'), '; '
        ORDER BY plan.initial_plan_date, plan.plan_id
    )
    FROM built.int.int_plans__unioned AS plan WHERE plan.person_id = frame.unique_id AND plan.is_open
)"""
_UNMAPPED = """(
    SELECT string_agg(DISTINCT '“' || held.local_value || '”', ', ' ORDER BY '“' || held.local_value || '”')
    FROM built.int.int_unmapped_codes__located AS held
    WHERE held.person_id = frame.unique_id AND held.crosswalk = CASE issue.column_name
        WHEN {gender} THEN 'xwalk_sex'
        WHEN {ethnicity} THEN 'xwalk_ethnicity'
        WHEN {primary_need} THEN 'xwalk_sen_type'
    END
)"""
# Rules of both lists, then of List 1 alone. What is not here says the value of the issue's own column.
_BOTH = {
    **dict.fromkeys(("102a", "102b", "105a", "202a", "202b", "205a", "L-123"), _BORN),
    **dict.fromkeys(("107", "207", "L-115"), _NO_ID),
    **dict.fromkeys(("108a", "108b", "208a", "208b"), _NO_SCHOOL),
    "L-112": _day("date of death", "merged.death_date"),
    "L-118": _said("URN", "frame.main_urn"),
    "L-126": _said("Student ID", "frame.unique_id"),
}
_LIST_1 = {
    "106a": _together(_day("updated", "frame.updated_plan_date"), _day("initial", "frame.initial_plan_date")),
    "106b": _together(_day("reviewed", "frame.last_review_date"), _day("initial", "frame.initial_plan_date")),
    "L-110": _PLANS,
    "L-122": _together(_day("initial", "frame.initial_plan_date"), _day("reviewed", "frame.last_review_date")),
    "L-127": _together(
        _said("plan", "plan.plan_id"),
        _day("current date", "plan.current_plan_date"),
    ),
}


def make_table(con: DuckDBPyConnection) -> None:
    """Make the temporary table `issue_value` (number, said): of each issue of a list that names a child, its values.

    Needs the temporary table `compared` of publish.since, and the run's warehouse as `built`.
    """
    con.execute("CREATE OR REPLACE TEMP TABLE issue_value (number BIGINT, said VARCHAR)")
    names = run_data.systems(con)
    for listed in lists():
        con.execute(f"INSERT INTO issue_value {_query(listed, names)}")


def _query(listed: ListLayout, names: Names) -> str:
    headers = {column.column_name: column.header for column in listed.columns}
    frame = "built.int." + f"int_annex_a__{listed.key}_frame"
    is_first = "initial_plan_date" in headers
    other = "is_on_list_2" if is_first else "is_on_list_1"
    own = "is_on_list_1" if is_first else "is_on_list_2"
    rules = _BOTH | (_LIST_1 if is_first else {})
    rules |= dict.fromkeys(("109", "209"), _together(_UPN, _said("also held by", _HOLDERS.format(on_list=own))))
    rules["L-111"] = _together(_UPN, _said("also held by", _HOLDERS.format(on_list=other)))
    unmapped = _UNMAPPED.format(**{name: literal(headers[name]) for name in ("gender", "ethnicity", "primary_need")})
    own_value = " ".join(
        f"WHEN {literal(header)} THEN {_said(header, _shown(name))}" for name, header in headers.items()
    )
    rules["L-124"] = f"coalesce({unmapped}, CASE issue.column_name {own_value} END)"
    rules["L-125"] = _disagreement(headers, is_first, names)
    cases = " ".join(f"WHEN {literal(rule)} THEN {said}" for rule, said in rules.items())
    return f"""
        SELECT issue.number, CASE issue.rule {cases} ELSE CASE issue.column_name {own_value} END END
        FROM compared AS issue
        JOIN {frame} AS frame USING (unique_id)
        LEFT JOIN built.int.int_annex_a__persons AS person USING (unique_id)
        LEFT JOIN built.int.int_persons__merged AS merged ON merged.person_id = frame.unique_id
        LEFT JOIN (
            SELECT person_id, plan_id, initial_plan_date, current_plan_date, named_urn FROM built.int.int_plans__unioned
            WHERE is_main_plan AND person_id IS NOT NULL
        ) AS plan ON plan.person_id = frame.unique_id
        WHERE issue.list_name = {literal(listed.name)} AND issue.category = 'List'
    """


def _disagreement(headers: dict[str, str], is_first: bool, names: Names) -> str:
    """Both systems' values, by the column that the issue is about."""
    pairs = {
        "primary_need": ("person.capita_primary_need_code", "person.hub_primary_need_code"),
        "main_urn": ("plan.named_urn", "person.hub_named_placement_urn"),
    }
    if is_first:
        days = ("plan.initial_plan_date", "person.hub_final_plan_issued_date")
        pairs["initial_plan_date"] = (_DATE.format(days[0]), _DATE.format(days[1]))
    ours, theirs = names.of("capita_one"), names.of("ehc_hub")
    cases = " ".join(
        f"WHEN {literal(headers[name])} THEN {_together(_said(ours, one), _said(theirs, hub))}"
        for name, (one, hub) in pairs.items()
    )
    return f"CASE issue.column_name {cases} END"


def _shown(name: str) -> str:
    column = f"frame.{identifier(name)}"
    return _DATE.format(column) if name.endswith("_date") else column
