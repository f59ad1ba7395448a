-- What puts a child into each cohort of seeds/spec/annex_a_cohorts.csv, and since when.
{%- set off_roll = 'if(main_urn is null and subsidiary_urn is null, last_left_date, null)' %}
{%- set cohorts = {
    'not_in_education': (
        "sen_group = 'EHC plan' and age_years between 5 and 15 and main_urn is null and setting_type_code in ('NIEO', 'NIEC')",
        off_roll,
    ),
    'neet': (
        "sen_group = 'EHC plan' and age_years between 16 and 25 and main_urn is null and setting_type_code = 'NEET'",
        off_roll,
    ),
    'no_place_recorded': (
        "age_years between 5 and 15 and main_urn is null and subsidiary_urn is null and not is_home_educated"
        " and coalesce(setting_type_code not in ('OLA', 'OPA', 'EYP', 'OTH', 'NIEO', 'NIEC'), true)",
        off_roll,
    ),
    'home_educated': ('is_home_educated', 'home_education_start_date'),
    'educated_otherwise': (
        "sen_group = 'EHC plan' and not is_home_educated and setting_type_code in ('OLA', 'OPA')",
        off_roll,
    ),
    'alternative_provision': (
        'is_in_alternative_provision',
        'if(' ~ is_alternative_provision('main_phase') ~ ', main_entry_date, subsidiary_entry_date)',
    ),
    'part_time_timetable': ('is_main_part_time', 'main_entry_date'),
} %}
with children as (
    select * from {{ ref('int_annex_a__children') }}
    where
        sen_group <> 'Neither'
        -- SEN support of another council's child is no matter of this area, unless the school is: that is List 2.
        and (list_name is not null or coalesce(home_la_code = '{{ var("la_code") }}', true))
),

members as (
    {%- for cohort_code, (condition, since) in cohorts.items() %}
    select
        '{{ cohort_code }}' as cohort_code,
        {{ since }} as since_date,
        *
    from children
    where {{ condition }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    members.cohort_code,
    cast(cohorts.sort_order as integer) as cohort_order,
    cohorts.cohort,
    members.unique_id,
    members.sen_group,
    members.list_name,
    members.age_years,
    members.nc_year,
    members.primary_need,
    members.since_date,
    members.setting,
    members.main_urn as urn,
    members.main_phase as phase,
    members.social_care_status,
    {{ run_columns() }}
from members
inner join {{ ref('annex_a_cohorts') }} as cohorts
    on members.cohort_code = cohorts.cohort_code and cohorts.layout_version = {{ layout_version() }}
