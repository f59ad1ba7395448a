{#- What only the SEN2 return asks; the hub has none of it. -#}
{%- set for_sen2 = [
    'is_in_youth_accommodation', 'exported_to_la_code', 'has_request_mediation', 'has_request_tribunal',
    'has_issue_mediation', 'has_issue_tribunal', 'has_other_mediation', 'has_other_tribunal'
] %}
{%- set dates = [
    'decision_to_assess_date', 'draft_issued_date', 'decision_to_issue_date', 'final_issued_date', 'closed_date'
] %}
-- A request for an assessment. Two systems may hold the same one: person and received date tell.
with requests as (
    select
        assessments.involvement_id as case_id,
        'capita_one ' || assessments.involvement_id as record_key,
        'capita_one' as source_system,
        person.person_id,
        assessments.received_date,
        assessments.assessment_type_code,
        assessments.request_source_code,
        case
            when assessments.is_assessment_agreed then 'Y'
            when not assessments.is_assessment_agreed then 'N'
        end as decision_to_assess_code,
        assessments.decision_notified_date as decision_to_assess_date,
        assessments.draft_issued_date,
        case
            when assessments.is_plan_agreed then 'Y'
            when not assessments.is_plan_agreed then 'N'
        end as decision_to_issue_code,
        assessments.no_plan_notified_date as decision_to_issue_date,
        assessments.no_plan_notified_date as refused_to_issue_date,
        assessments.final_issued_date,
        assessments.inactive_date as closed_date,
        assessments.inactive_reason_code,
        null as close_reason,
        assessments.has_twenty_week_exception,
        {%- for column in for_sen2 %}
        assessments.{{ column }},
        {%- endfor %}
        assessments.has_mediation,
        assessments.has_tribunal
    from {{ ref('stg_capita_one__ehcp_assessments') }} as assessments
    {{ person_join('capita_one', 'assessments.student_id') }}

    union all

    select
        {{ hub_id(
            'cases.case_id',
            "'HUB-' || cases.case_id in (select one.involvement_id from " ~ ref('stg_capita_one__ehcp_assessments') ~ " as one)"
        ) }} as case_id,
        'ehc_hub ' || cases.case_id as record_key,
        'ehc_hub' as source_system,
        person.person_id,
        cases.request_received_date as received_date,
        null as assessment_type_code,
        cases.request_source_code,
        cases.decision_to_assess_code,
        cases.decision_to_assess_date,
        cases.draft_plan_sent_date as draft_issued_date,
        cases.decision_to_issue_code,
        cases.decision_to_issue_date,
        if(cases.decision_to_issue_code = 'N', cases.decision_to_issue_date, null) as refused_to_issue_date,
        cases.final_plan_issued_date as final_issued_date,
        cases.case_closed_date as closed_date,
        null as inactive_reason_code,
        cases.close_reason,
        null as has_twenty_week_exception,
        {%- for column in for_sen2 %}
        null as {{ column }},
        {%- endfor %}
        null as has_mediation,
        null as has_tribunal
    from {{ ref('stg_ehc_hub__cases') }} as cases
    {{ person_join('ehc_hub', 'cases.case_id') }}
    {%- if does_return_speak() %}

    union all by name

    -- Who has a plan, or an assessment under way, was agreed to be assessed. When a request was withdrawn, or ended in
    -- a plan before the year, the return does not say: by the end of its year, or of the one before, at the latest.
    select
        {{ return_id('requests_table_id') }} as case_id,
        'sen2 ' || requests_table_id as record_key,
        'sen2' as source_system,
        person_id,
        received_date,
        request_source as request_source_code,
        case
            when request_outcome = 'N' then 'N'
            when request_outcome = 'Y' or assessment_outcome is not null or plan_id is not null then 'Y'
        end as decision_to_assess_code,
        request_outcome_date as decision_to_assess_date,
        case
            when assessment_outcome = 'N' then 'N'
            when assessment_outcome = 'Y' or plan_id is not null then 'Y'
        end as decision_to_issue_code,
        if(assessment_outcome = 'N', assessment_outcome_date, null) as decision_to_issue_date,
        if(assessment_outcome = 'N', assessment_outcome_date, null) as refused_to_issue_date,
        if(assessment_outcome = 'Y', assessment_outcome_date, null) as final_issued_date,
        case
            when request_outcome = 'W' or assessment_outcome = 'W' then window_end_date
            when plan_id is not null and coalesce(assessment_outcome <> 'Y', true)
                then cast(window_end_date - interval 1 year as date)
        end as closed_date,
        week20 as has_twenty_week_exception,
        rya as is_in_youth_accommodation,
        exported as exported_to_la_code,
        request_mediation as has_request_mediation,
        request_tribunal as has_request_tribunal,
        assessment_mediation as has_issue_mediation,
        assessment_tribunal as has_issue_tribunal,
        other_mediation as has_other_mediation,
        other_tribunal as has_other_tribunal,
        request_mediation or assessment_mediation or other_mediation as has_mediation,
        request_tribunal or assessment_tribunal or other_tribunal as has_tribunal
    from {{ ref('int_sen2_read__chains') }}
    where is_first_of_request
    {%- endif %}
),

-- Capita One first; of its own doubles the one that is ours (not AOL), then the lowest id.
ordered as (
    select
        *,
        coalesce(person_id || ' ' || received_date, source_system || ' ' || case_id) as request_key,
        row_number() over (
            partition by person_id, received_date
            order by source_system asc, coalesce(assessment_type_code = 'AOL', false) asc, case_id asc
        ) as request_order
    from requests
    {%- if does_return_speak() %}
    qualify {{ is_not_told_better() }}
    {%- endif %}
)

select
    arg_min(case_id, request_order) as case_id,
    arg_min(person_id, request_order) as person_id,
    arg_min(source_system, request_order) as source_system,
    arg_min(received_date, request_order) as received_date,
    {%- for column in dates + [
        'assessment_type_code', 'request_source_code', 'decision_to_assess_code', 'decision_to_issue_code',
        'refused_to_issue_date', 'inactive_reason_code', 'close_reason'
    ] %}
    arg_min({{ column }}, request_order) as {{ column }},
    {%- endfor %}
    -- Whose record a date was taken from.
    {%- for date in dates %}
    arg_min(case_id, request_order) filter (where {{ date }} is not null) as {{ date | replace('_date', '_case_id') }},
    {%- endfor %}
    list(record_key order by request_order) as record_keys,
    arg_min(has_twenty_week_exception, request_order) as held_twenty_week_exception,
    coalesce(arg_min(has_twenty_week_exception, request_order), false) as has_twenty_week_exception,
    arg_min(has_mediation, request_order) as has_mediation,
    arg_min(has_tribunal, request_order) as has_tribunal,
    {%- for column in for_sen2 %}
    arg_min({{ column }}, request_order) as {{ column }},
    {%- endfor %}
    -- An assessment done by another authority is not in our timeliness figures.
    coalesce(arg_min(assessment_type_code, request_order) <> 'AOL', true) as is_ours
from ordered
group by request_key
