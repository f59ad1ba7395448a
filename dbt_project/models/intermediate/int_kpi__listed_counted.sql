-- A view, as int_kpi__persons_counted is.
{{ config(materialized='view') }}

with listed as (
    select
        periods.period_end,
        states.*,
        {{ age_on('states.birth_date', 'periods.period_end') }} as age_years
    from {{ ref('int_kpi__person_states') }} as states
    inner join {{ ref('int_kpi__windows') }} as periods
        on periods.period_type = 'point' and (states.ends >> periods.period_no) & 1 = 1
    where states.sen_group <> 'other'
)

select
    'point' as period_type,
    period_end,
    person_id,
    plan_id,
    sex,
    ethnicity_group,
    primary_need,
    phase,
    {{ age_band('age_years') }} as age_band,
    sen_group,
    care_status,
    sen_group || ', ' || care_status as sen_group_care_status,
    true as k53_denominator,
    care_status is not null as k53_numerator,
    coalesce(age_years >= 6, false) as k67_denominator,
    k67_denominator and coalesce(is_upn_valid, false) as k67_numerator
from listed
