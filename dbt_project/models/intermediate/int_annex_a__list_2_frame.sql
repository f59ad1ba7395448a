with list_1_upns as (
    select distinct compared_upn
    from {{ ref('int_annex_a__persons') }}
    where is_on_list_1 and compared_upn is not null
)

select
    persons.unique_id,
    persons.upn,
    persons.uln,
    persons.birth_date,
    persons.gender,
    persons.ethnicity,
    persons.primary_need,
    persons.main_urn,
    persons.main_phase,
    persons.subsidiary_phase,
    persons.suspension_count,
    persons.permanent_exclusion_count,
    persons.absence_pct,
    persons.pupil_premium,
    persons.known_to_social_care,
    persons.social_care_team,
    persons.disability,
    persons.elective_home_education,
    persons.is_on_list_2 as is_on_list,
    if(persons.has_died, 'died', null) as left_out_reason,
    {{ as_at() }} as as_at_date,
    persons.age_years,
    persons.upn_unknown_reason,
    persons.is_upn_valid,
    persons.is_uln_valid,
    persons.open_plan_count,
    persons.is_on_list_1 as is_on_other_list,
    list_1_upns.compared_upn is not null as is_upn_on_other_list,
    persons.is_known_student,
    persons.is_main_urn_in_gias,
    persons.is_main_establishment_open,
    cast(null as varchar) as setting_type,
    persons.unmapped_columns,
    if(persons.capita_primary_need_code <> persons.hub_primary_need_code, 'need', null) as disagreements,
    'capita_one' as source_system
from {{ ref('int_annex_a__persons') }} as persons
left join list_1_upns on persons.compared_upn = list_1_upns.compared_upn
where persons.is_on_list_2 or (persons.has_died and persons.is_on_sen_support)
