-- Whom the further items are about, and where each learns at D.
{%- set places = ['main', 'subsidiary'] %}
with enrolments as (
    select
        person_id,
        {%- for place in places %}
        max(urn) filter (where is_{{ place }}) as {{ place }}_urn,
        max(entry_date) filter (where is_{{ place }}) as {{ place }}_entry_date,
        max(leaving_date) filter (where is_{{ place }}) as {{ place }}_leaving_date,
        bool_or(has_part_time_timetable) filter (where is_{{ place }}) as is_{{ place }}_part_time,
        max(weekly_hours) filter (where is_{{ place }}) as {{ place }}_weekly_hours,
        {%- endfor %}
        coalesce(max(nc_year) filter (where is_main), max(nc_year) filter (where is_subsidiary)) as nc_year,
        max(leaving_date) filter (where leaving_date <= {{ as_at() }}) as last_left_date
    from {{ ref('int_enrolments__ranked') }}
    group by person_id
),

home_education as (
    select
        person_id,
        max(start_date) as start_date
    from {{ ref('int_home_education__linked') }}
    where is_open
    group by person_id
),

plans as (
    select * from {{ ref('int_plans__unioned') }}
    where is_main_plan and is_open
),

social_care as (
    select * from {{ ref('int_social_care__ranked') }}
    where is_highest
),

children as (
    select
        persons.person_id as unique_id,
        case
            when lists.has_open_plan then 'EHC plan'
            when lists.is_on_sen_support then 'SEN support'
            else 'Neither'
        end as sen_group,
        case when lists.is_on_list_1 then 'List 1' when lists.is_on_list_2 then 'List 2' end as list_name,
        {{ age_years('persons.birth_date') }} as age_years,
        enrolments.nc_year,
        lists.primary_need,
        persons.home_la_code,
        -- The lists' main establishment may come from the hub; of everybody else there are only enrolments.
        if(lists.unique_id is not null, lists.main_urn, enrolments.main_urn) as main_urn,
        enrolments.main_urn as enrolled_urn,
        enrolments.* exclude (person_id, nc_year, main_urn),
        home_education.person_id is not null as is_home_educated,
        home_education.start_date as home_education_start_date,
        plans.initial_plan_date,
        plans.named_urn,
        plans.setting_type_code,
        plans.residential_code,
        plans.phase_transfer_due_date,
        plans.phase_transfer_final_date,
        social_care.person_id is not null as is_known_to_social_care,
        social_care.social_care_status_code
    from {{ ref('int_persons__merged') }} as persons
    left join {{ ref('int_annex_a__persons') }} as lists on persons.person_id = lists.unique_id
    left join enrolments on persons.person_id = enrolments.person_id
    left join home_education on persons.person_id = home_education.person_id
    left join plans on persons.person_id = plans.person_id
    left join social_care on persons.person_id = social_care.person_id
    where not coalesce(persons.death_date <= {{ as_at() }}, false)
)

select
    children.unique_id,
    children.sen_group,
    children.list_name,
    children.age_years,
    children.nc_year,
    children.primary_need,
    children.home_la_code,
    {%- for place in places %}
    children.{{ place }}_urn,
    {{ place }}.establishment_name as {{ place }}_name,
    {{ place }}.annex_a_phase as {{ place }}_phase,
    coalesce({{ place }}_type.name, 'Type ' || {{ place }}.establishment_type_code) as {{ place }}_type,
    {{ place }}.establishment_la_code as {{ place }}_la_code,
    {{ place }}.is_own_la as is_{{ place }}_own_la,
    {%- for column in ['entry_date', 'leaving_date', 'weekly_hours'] %}
    {%- if place == 'main' %}
    if(children.main_urn = children.enrolled_urn, children.main_{{ column }}, null) as main_{{ column }},
    {%- else %}
    children.subsidiary_{{ column }},
    {%- endif %}
    {%- endfor %}
    coalesce(children.is_{{ place }}_part_time, false) as is_{{ place }}_part_time,
    {%- endfor %}
    coalesce(
        main.establishment_name,
        'URN ' || children.main_urn,
        if(children.is_home_educated, 'Home educated', null),
        setting_type.name,
        if(children.subsidiary_urn is not null, 'Subsidiary registration only', null),
        if(children.named_urn is not null, 'On no roll: the plan names a school', 'None recorded')
    ) as setting,
    {{ is_alternative_provision('main.annex_a_phase') }}
    or {{ is_alternative_provision('subsidiary.annex_a_phase') }}
        as is_in_alternative_provision,
    children.is_home_educated,
    children.home_education_start_date,
    children.last_left_date,
    children.initial_plan_date,
    children.setting_type_code,
    children.residential_code,
    children.phase_transfer_due_date,
    children.phase_transfer_final_date,
    children.is_known_to_social_care,
    if(
        children.is_known_to_social_care, coalesce(social_care_status.name, 'Status not mapped'), null
    ) as social_care_status
from children
left join {{ ref('int_establishments__phased') }} as main on children.main_urn = main.urn
left join {{ ref('int_establishments__phased') }} as subsidiary on children.subsidiary_urn = subsidiary.urn
{{ code_name_join('establishment_type', 'main.establishment_type_code', 'main_type') }}
{{ code_name_join('establishment_type', 'subsidiary.establishment_type_code', 'subsidiary_type') }}
{{ code_name_join('setting_type', 'children.setting_type_code', 'setting_type') }}
{{ code_name_join('social_care_status', 'children.social_care_status_code', 'social_care_status') }}
where
    children.list_name is not null
    -- SEN support without a school of this area, unless the child is known to live elsewhere.
    or (children.sen_group = 'SEN support' and coalesce(children.home_la_code = '{{ var("la_code") }}', true))
    or {{ is_alternative_provision('main.annex_a_phase') }}
    or {{ is_alternative_provision('subsidiary.annex_a_phase') }}
