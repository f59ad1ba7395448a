-- A view: its rows are quicker to work out than to store. Limits and sources: seeds/kpi/kpi_catalogue.csv.
{{ config(materialized='view') }}

with persons as (
    select
        periods.period_end,
        states.*,
        {{ age_on('states.birth_date', 'periods.period_end') }} as age_years,
        states.sen_group = 'plan' as has_plan,
        cast(periods.period_end - interval 12 month as date) as year_before_date
    from {{ ref('int_kpi__person_states') }} as states
    inner join {{ ref('int_kpi__windows') }} as periods
        on periods.period_type = 'point' and (states.ends >> periods.period_no) & 1 = 1
    where states.sen_group <> 'other'
),

settings as (
    select
        *,
        case
            when not has_plan or phase <> 'Special' then null
            when main_type_code in ('10', '8') then main_type_code
            else 'other'
        end as special_setting,
        case
            when not has_plan then null
            when is_home_educated then 'EHE'
            when setting_type_code in ('OLA', 'OPA') then setting_type_code
        end as otherwise_setting,
        cast(coalesce(last_meeting_date, initial_plan_date) + interval 12 month as date) as review_due_date
    from persons
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
    special_setting,
    otherwise_setting,
    care_status,
    if(has_plan, review_due_date, null) as review_due_date,
    false as k16_denominator,
    has_plan as k16_numerator,
    has_plan and initial_plan_date <= year_before_date as k19_denominator,
    k19_denominator and coalesce(last_meeting_date > year_before_date, false) as k19_numerator,
    has_plan and primary_need <> 'Unknown' as k32_denominator,
    has_plan and primary_need = 'MLD' as k32_numerator,
    has_plan as k33_denominator,
    has_plan as k33_numerator,
    has_plan as k34_denominator,
    has_plan and primary_need = 'Unknown' as k34_numerator,
    has_plan as k35_denominator,
    has_plan
    and main_urn is null
    and not is_home_educated
    and named_urn is null
    and setting_type_code is null as k35_numerator,
    has_plan as k36_denominator,
    has_plan
    and phase in (
        'Nursery', 'Primary', 'Middle (deemed primary)', 'Middle (deemed secondary)', 'Secondary', 'All-through'
    )
    and coalesce(main_type_code <> '11', true) as k36_numerator,
    has_plan as k37_denominator,
    special_setting is not null as k37_numerator,
    has_plan and main_urn is not null as k38_denominator,
    has_plan and is_main_elsewhere as k38_numerator,
    has_plan as k39_denominator,
    has_plan and coalesce(residential_code in ('A', 'B'), false) as k39_numerator,
    has_plan as k40_denominator,
    otherwise_setting is not null as k40_numerator,
    has_plan and coalesce(age_years between 5 and 15, false) as k41_denominator,
    k41_denominator and main_urn is null and coalesce(setting_type_code in ('NIEO', 'NIEC'), false) as k41_numerator,
    has_plan and coalesce(age_years between 16 and 25, false) as k42_denominator,
    k42_denominator and main_urn is null and coalesce(setting_type_code = 'NEET', false) as k42_numerator,
    has_plan and is_enrolled as k46_denominator,
    false as k46_numerator,
    has_plan and is_enrolled as k49_denominator,
    k49_denominator and coalesce(has_part_time_timetable, false) as k49_numerator,
    has_plan as k50_denominator,
    has_plan
    and (
        {{ is_alternative_provision('phase') }} or {{ is_alternative_provision('subsidiary_phase') }}
    ) as k50_numerator,
    true as k53_denominator,
    care_status is not null as k53_numerator,
    coalesce(age_years >= 6, false) as k67_denominator,
    k67_denominator and coalesce(is_upn_valid, false) as k67_numerator
from settings
