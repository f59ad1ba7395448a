-- A view: its rows are quicker to work out than to store.
{{ config(materialized='view') }}

with persons as (
    select
        periods.period_end,
        states.*,
        {{ age_on('states.birth_date', 'periods.period_end') }} as age_years,
        cast(periods.period_end - interval 12 month as date) as year_before_date
    from {{ ref('int_kpi__person_states') }} as states
    inner join {{ ref('int_kpi__windows') }} as periods
        on periods.period_type = 'point' and (states.ends >> periods.period_no) & 1 = 1
    where states.sen_group = 'plan'
),

settings as (
    select
        *,
        case
            when phase <> 'Special' then null
            when main_type_code in ('10', '8') then main_type_code
            else 'other'
        end as special_setting,
        case
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
    review_due_date,
    false as k16_denominator,
    true as k16_numerator,
    initial_plan_date <= year_before_date as k19_denominator,
    k19_denominator and coalesce(last_meeting_date > year_before_date, false) as k19_numerator,
    primary_need <> 'Unknown' as k32_denominator,
    primary_need = 'MLD' as k32_numerator,
    true as k33_denominator,
    true as k33_numerator,
    true as k34_denominator,
    primary_need = 'Unknown' as k34_numerator,
    true as k35_denominator,
    main_urn is null
    and not is_home_educated
    and named_urn is null
    and setting_type_code is null as k35_numerator,
    true as k36_denominator,
    phase in (
        'Nursery', 'Primary', 'Middle (deemed primary)', 'Middle (deemed secondary)', 'Secondary', 'All-through'
    )
    and coalesce(main_type_code <> '11', true) as k36_numerator,
    true as k37_denominator,
    special_setting is not null as k37_numerator,
    main_urn is not null as k38_denominator,
    is_main_elsewhere as k38_numerator,
    true as k39_denominator,
    coalesce(residential_code in ('A', 'B'), false) as k39_numerator,
    true as k40_denominator,
    otherwise_setting is not null as k40_numerator,
    coalesce(age_years between 5 and 15, false) as k41_denominator,
    k41_denominator and main_urn is null and coalesce(setting_type_code in ('NIEO', 'NIEC'), false) as k41_numerator,
    coalesce(age_years between 16 and 25, false) as k42_denominator,
    k42_denominator and main_urn is null and coalesce(setting_type_code = 'NEET', false) as k42_numerator,
    is_enrolled as k46_denominator,
    false as k46_numerator,
    is_enrolled as k49_denominator,
    k49_denominator and coalesce(has_part_time_timetable, false) as k49_numerator,
    true as k50_denominator,
    (
        {{ is_alternative_provision('phase') }} or {{ is_alternative_provision('subsidiary_phase') }}
    ) as k50_numerator
from settings
