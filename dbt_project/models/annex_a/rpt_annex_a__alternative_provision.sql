with children as (
    select * from {{ ref('int_annex_a__children') }}
    where is_in_alternative_provision
),

registrations as (
    {%- for place in ['main', 'subsidiary'] %}
    select
        * rename (setting as main_establishment),
        '{{ place | capitalize }}' as registration,
        {{ place }}_urn as urn,
        coalesce({{ place }}_name, 'URN ' || {{ place }}_urn) as setting,
        {{ place }}_type as establishment_type,
        is_{{ place }}_own_la as is_own_la,
        {{ place }}_entry_date as entry_date,
        {{ place }}_leaving_date as planned_end_date,
        {{ place }}_weekly_hours as weekly_hours,
        is_{{ place }}_part_time as is_part_time
    from children
    where {{ is_alternative_provision(place ~ '_phase') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    unique_id,
    sen_group,
    list_name,
    age_years,
    nc_year,
    primary_need,
    setting,
    urn,
    establishment_type,
    {{ area_of('urn', 'is_own_la') }} as area,
    registration,
    entry_date,
    {{ weeks_since('entry_date') }} as weeks_count,
    cast(weekly_hours as double) as weekly_hours,
    case
        when is_part_time then 'Yes'
        when {{ was_ever_received('capita_one.enrolments', ['part_time_timetable']) }} then 'No'
    end as part_time_timetable,
    planned_end_date,
    if(registration = 'Subsidiary' and main_urn is not null, main_establishment, null) as main_setting,
    social_care_status,
    {{ run_columns() }}
from registrations
