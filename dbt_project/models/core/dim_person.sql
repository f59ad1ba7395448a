-- Nothing that identifies a person by itself: names, postcode, UPN, ULN and date of birth are in person_identifiable.
select
    persons.person_id,
    persons.student_id,
    persons.case_id,
    {{ age_years('persons.birth_date') }} as age_years,
    {{ age_band(age_years('persons.birth_date')) }} as age_band,
    {{ split_year(first_year('persons.birth_date', 9)) }} as birth_academic_year,
    persons.sex_code,
    coalesce(persons.ethnicity_code, 'UNKNOWN') as ethnicity_code,
    {{ ethnicity_group('persons.ethnicity_code') }} as ethnicity_group,
    {{ primary_need('needs', 'persons.hub_primary_need_code') }} as primary_need_code,
    enrolments.nc_year,
    {{ placement('enrolments.urn', 'persons.hub_named_placement_urn') }} as main_urn,
    main.annex_a_phase as main_phase,
    persons.home_la_code,
    persons.is_disabled,
    persons.has_pupil_premium,
    persons.death_date,
    persons.is_known_student,
    coalesce(lists.is_on_list_1, false) as is_on_list_1,
    coalesce(lists.is_on_list_2, false) as is_on_list_2,
    {{ run_columns() }}
from {{ ref('int_persons__merged') }} as persons
left join {{ ref('int_annex_a__persons') }} as lists on persons.person_id = lists.unique_id
left join {{ ref('int_needs__ranked') }} as needs
    on persons.person_id = needs.person_id and needs.is_primary_need
left join {{ ref('int_enrolments__ranked') }} as enrolments
    on persons.person_id = enrolments.person_id and enrolments.is_main
-- Not `main_urn`: that would be the column of int_annex_a__persons, which knows only who is on a list.
left join {{ ref('int_establishments__phased') }} as main
    on {{ placement('enrolments.urn', 'persons.hub_named_placement_urn') }} = main.urn
