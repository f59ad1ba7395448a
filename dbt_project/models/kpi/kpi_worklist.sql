-- What managers act on, as at D: one row a thing to do.
with cases as (
    select
        case_id,
        person_id,
        received_date,
        received_date + {{ limit_days('assessment_decision') }} as decision_due_date,
        received_date + {{ limit_days('plan') }} as plan_due_date,
        received_date + {{ limit_days('assessment_30_weeks') }} < {{ as_at() }} as is_beyond_30_weeks,
        decision_to_assess_code in ('Y', 'N') and decision_to_assess_date <= {{ as_at() }} as is_decided,
        is_ours
    from {{ ref('fct_ehcp_case') }}
    where received_date <= {{ as_at() }} and {{ is_case_open(as_at()) }}
),

-- A case of the hub may stand under Capita One's number: person and received date tell which it is.
advice as (
    select
        concat_ws(', ', cases.case_id, advice.advice_type_local, advice.requested_date) as reference,
        cases.person_id,
        advice.advice_type_code as detail,
        advice.provider,
        advice.requested_date + {{ limit_days('advice') }} as due_date
    from {{ ref('stg_ehc_hub__advice') }} as advice
    {{ person_join('ehc_hub', 'advice.case_id') }}
    inner join {{ ref('stg_ehc_hub__cases') }} as hub on advice.case_id = hub.case_id
    inner join cases on person.person_id = cases.person_id and hub.request_received_date = cases.received_date
    where advice.requested_date <= {{ as_at() }} and not coalesce(advice.received_date <= {{ as_at() }}, false)
),

persons as (
    select *
    from {{ ref('int_kpi__persons_counted') }}
    where period_end = {{ as_at() }} and k16_numerator
),

reviews as (
    select *
    from {{ ref('int_kpi__reviews_counted') }}
    where period_end = {{ as_at() }} and period_type = 'point'
),

-- The transfers of this school year: due by the next 31 March, and any that were due before and never finalised.
transfers as (
    select
        plans.plan_id,
        plans.person_id,
        plans.phase_transfer_due_date
    from {{ ref('fct_ehc_plan') }} as plans
    inner join persons on plans.plan_id = persons.plan_id
    where
        not coalesce(plans.phase_transfer_final_date <= {{ as_at() }}, false)
        and plans.phase_transfer_due_date <= make_date(
            cast(year({{ as_at() }}) + if(month({{ as_at() }}) > 3, 1, 0) as integer), 3, 31
        )
),

items as (
    select
        'decision_to_assess_overdue' as item_type,
        'K07' as kpi_id,
        person_id,
        case_id as reference,
        null as detail,
        null as provider,
        decision_due_date as due_date
    from cases
    where is_ours and not coalesce(is_decided, false) and decision_due_date < {{ as_at() }}

    union all

    select
        if(is_beyond_30_weeks, 'assessment_beyond_30_weeks', 'assessment_beyond_20_weeks') as item_type,
        if(is_beyond_30_weeks, 'K05', 'K01') as kpi_id,
        person_id,
        case_id as reference,
        null as detail,
        null as provider,
        plan_due_date as due_date
    from cases
    where is_ours and plan_due_date < {{ as_at() }}

    union all

    select
        'advice_outstanding' as item_type,
        case detail when 'Health' then 'K13' when 'Educational Psychology' then 'K14' when 'Social Care' then 'K15' end
            as kpi_id,
        person_id,
        reference,
        detail,
        provider,
        due_date
    from advice

    union all

    select
        'review_decision_overdue' as item_type,
        'K21' as kpi_id,
        person_id,
        review_id as reference,
        null as detail,
        null as provider,
        decision_due_date as due_date
    from reviews
    where k21_numerator

    union all

    select
        'amendment_overdue' as item_type,
        'K23' as kpi_id,
        person_id,
        review_id as reference,
        null as detail,
        null as provider,
        amendment_due_date as due_date
    from reviews
    where k23_numerator

    union all

    select
        if(review_due_date < {{ as_at() }}, 'review_overdue', 'review_due_in_8_weeks') as item_type,
        'K19' as kpi_id,
        person_id,
        plan_id as reference,
        null as detail,
        null as provider,
        review_due_date as due_date
    from persons
    where review_due_date <= {{ as_at() }} + {{ limit_days('review_soon') }}

    union all

    select
        'phase_transfer_to_finalise' as item_type,
        'K24' as kpi_id,
        person_id,
        plan_id as reference,
        strftime(phase_transfer_due_date, '%-d %B %Y') as detail,
        null as provider,
        phase_transfer_due_date as due_date
    from transfers
)

select
    '{{ var("la_code") }}' as la_code,
    items.item_type,
    items.kpi_id,
    items.person_id as unique_id,
    items.reference,
    items.detail,
    items.provider,
    items.due_date,
    cast({{ as_at() }} - items.due_date as integer) as days_late,
    {{ kpi_breakdown_columns(as_at()) }},
    '{{ var("run_id") }}' as run_id
from items
inner join {{ ref('int_kpi__windows') }} as windows on windows.period_type = 'point' and windows.is_as_at
-- Of what is not known nothing is late: both kinds of open assessments go by what K05 needs, advice by what K13 does.
left join {{ ref('kpi_not_known') }} as not_known
    on
        not_known.kpi_id = case
            when items.kpi_id = 'K01' then 'K05'
            when items.item_type = 'advice_outstanding' then 'K13'
            else items.kpi_id
        end
{{ kpi_state_join('items.person_id') }}
where
    not_known.kpi_id is null
    {%- if does_return_speak() %}
    -- What has come of it since the return nobody knows.
    and not starts_with(items.reference, 'SEN2-')
    {%- endif %}
    and {{ kpi_is_state('windows.period_no') }}
