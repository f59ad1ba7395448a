-- No names, addresses or postcodes: they leave the building only in documents that need them.
select
    persons.person_id,
    persons.student_id,
    persons.case_id,
    persons.upn,
    persons.uln,
    persons.birth_date,
    {{ age_years('persons.birth_date') }} as age_years,
    persons.sex_code,
    coalesce(persons.ethnicity_code, 'UNKNOWN') as ethnicity_code,
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
