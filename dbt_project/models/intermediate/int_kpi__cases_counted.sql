with cases as (
    select
        case_id,
        person_id,
        received_date,
        decision_to_assess_code,
        decision_to_assess_date,
        coalesce(request_source_code, 'Unknown') as request_source,
        if(decision_to_assess_code in ('Y', 'N'), decision_to_assess_date, null) as decided_date,
        coalesce(decision_to_assess_code = 'N', false) as is_refused,
        final_issued_date,
        refused_to_issue_date,
        closed_date,
        has_twenty_week_exception,
        is_ours,
        received_date + {{ limit_days('assessment_decision') }} as decision_due_date,
        received_date + {{ limit_days('plan_refusal') }} as refusal_due_date,
        received_date + {{ limit_days('plan') }} as issue_due_date,
        received_date + {{ limit_days('assessment_30_weeks') }} as thirty_weeks_date,
        received_date + {{ limit_days('assessment_year') }} as year_date
    from {{ ref('int_requests__merged') }}
),

placed as (
    -- Within a window: what happened in it.
    select
        windows.period_type,
        windows.period_no,
        windows.period_end,
        cases.*,
        {{ is_in_window('cases.received_date') }} as is_received,
        {{ is_in_window('cases.decided_date') }} as is_decided,
        {{ is_in_window('cases.final_issued_date') }} as is_issued,
        {{ is_in_window('cases.refused_to_issue_date') }} as is_refused_to_issue,
        false as is_open_too_long
    from cases
    inner join {{ ref('int_kpi__windows') }} as windows
        on
            windows.period_type in ('month', 'rolling_12_months')
            and (
                {{ is_in_window('cases.received_date') }}
                or {{ is_in_window('cases.decided_date') }}
                or {{ is_in_window('cases.final_issued_date') }}
                or {{ is_in_window('cases.refused_to_issue_date') }}
            )

    union all

    -- At a period's end: open beyond 30 weeks.
    select
        windows.period_type,
        windows.period_no,
        windows.period_end,
        cases.*,
        false as is_received,
        false as is_decided,
        false as is_issued,
        false as is_refused_to_issue,
        true as is_open_too_long
    from cases
    inner join {{ ref('int_kpi__windows') }} as windows
        on windows.period_type = 'point' and cases.thirty_weeks_date < windows.period_end
    where
        cases.is_ours
        and {{ is_case_open('windows.period_end', 'cases') }}
        {%- if does_return_speak() %}
        -- Whether it still is nobody knows.
        and not starts_with(cases.case_id, 'SEN2-')
        {%- endif %}
)

select
    placed.period_type,
    placed.period_end,
    placed.person_id,
    placed.case_id,
    {{ kpi_breakdown_columns('placed.period_end') }},
    placed.request_source,
    placed.decided_date,
    placed.final_issued_date,
    placed.refused_to_issue_date,
    placed.decision_due_date,
    placed.refusal_due_date,
    placed.issue_due_date,
    placed.is_issued and placed.is_ours and not placed.has_twenty_week_exception as k01_denominator,
    k01_denominator and coalesce(placed.final_issued_date <= placed.issue_due_date, false) as k01_numerator,
    placed.is_issued and placed.is_ours as k02_denominator,
    k02_denominator and coalesce(placed.final_issued_date <= placed.issue_due_date, false) as k02_numerator,
    k02_denominator as k03_denominator,
    k02_denominator and placed.has_twenty_week_exception as k03_numerator,
    k02_denominator as k04_denominator,
    k02_denominator and coalesce(placed.final_issued_date > placed.year_date, false) as k04_numerator,
    false as k05_denominator,
    placed.is_open_too_long as k05_numerator,
    k02_denominator as k06_denominator,
    -- Days: kpi_values makes weeks of their sum.
    if(k02_denominator, placed.final_issued_date - placed.received_date, null) as k06_numerator,
    placed.is_decided and placed.is_ours as k07_denominator,
    k07_denominator and coalesce(placed.decided_date <= placed.decision_due_date, false) as k07_numerator,
    false as k08_denominator,
    placed.is_received as k08_numerator,
    placed.is_decided as k09_denominator,
    placed.is_decided and placed.is_refused as k09_numerator,
    placed.is_received as k10_denominator,
    placed.is_received as k10_numerator,
    (placed.is_issued or placed.is_refused_to_issue) and placed.is_ours as k11_denominator,
    placed.is_refused_to_issue and placed.is_ours as k11_numerator,
    placed.is_refused_to_issue and placed.is_ours as k12_denominator,
    k12_denominator and coalesce(placed.refused_to_issue_date <= placed.refusal_due_date, false) as k12_numerator
from placed
{{ kpi_state_join('placed.person_id') }}
where {{ kpi_is_state('placed.period_no') }}
