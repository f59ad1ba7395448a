with students as (
    select
        person.person_id,
        min(person.source_id) as student_id,
        bool_or(students.student_id is not null) as is_known_student,
        -- Of two students whom a person decided to be one, the lower Student ID first; the other fills its blanks.
        arg_min(students.upn, person.source_id) as upn,
        arg_min(students.uln, person.source_id) as uln,
        arg_min(students.upn_unknown_reason_code, person.source_id) as upn_unknown_reason_code,
        arg_min(students.birth_date, person.source_id) as birth_date,
        arg_min(students.sex_code, person.source_id) as sex_code,
        arg_min(students.sex_local, person.source_id) as sex_local,
        coalesce(bool_or(students.is_sex_unmapped), false) as is_sex_unmapped,
        arg_min(students.ethnicity_code, person.source_id) as ethnicity_code,
        coalesce(bool_or(students.is_ethnicity_unmapped), false) as is_ethnicity_unmapped,
        arg_min(students.home_la_code, person.source_id) as home_la_code,
        arg_min(students.is_disabled, person.source_id) as is_disabled,
        arg_min(students.has_pupil_premium, person.source_id) as has_pupil_premium,
        min(students.death_date) as death_date
    from {{ ref('int_person_records__linked') }} as person
    left join {{ ref('stg_capita_one__students') }} as students on person.source_id = students.student_id
    where person.source_system = 'capita_one'
    group by person.person_id
),

cases as (
    select
        cases.*,
        person.person_id,
        -- The hub's view of a person: the case whose plan is open, then the latest plan, then the latest request.
        row_number() over (
            partition by person.person_id
            order by
                {{ is_open('cases.final_plan_issued_date', 'cases.case_closed_date') }} desc,
                cases.final_plan_issued_date desc nulls last,
                cases.request_received_date desc nulls last,
                cases.case_id asc
        ) as case_order
    from {{ ref('stg_ehc_hub__cases') }} as cases
    inner join {{ ref('int_person_records__linked') }} as person
        on cases.case_id = person.source_id and person.source_system = 'ehc_hub'
),

hub as (
    select
        person_id,
        arg_min(case_id, case_order) as case_id,
        arg_min(upn, case_order) as upn,
        arg_min(birth_date, case_order) as birth_date,
        arg_min(sex_code, case_order) as sex_code,
        bool_or(is_sex_unmapped) as is_sex_unmapped,
        arg_min(primary_need_code, case_order) as primary_need_code,
        bool_or(is_primary_need_unmapped) as is_primary_need_unmapped,
        max(final_plan_issued_date) filter (where case_order = 1) as final_plan_issued_date,
        max(plan_last_amended_date) filter (where case_order = 1) as plan_last_amended_date,
        max(named_placement_urn) filter (where case_order = 1) as named_placement_urn
    from cases
    group by person_id
),

persons as (
    select distinct person_id
    from {{ ref('int_person_records__linked') }}
)

select
    persons.person_id,
    students.student_id,
    hub.case_id,
    students.student_id is null or students.is_known_student as is_known_student,
    {{ survive('upn', 'students.upn', 'hub.upn') }} as upn,
    students.uln,
    students.upn_unknown_reason_code,
    {{ survive('birth_date', 'students.birth_date', 'hub.birth_date') }} as birth_date,
    {{ survive('sex', 'students.sex_code', 'hub.sex_code') }} as sex_code,
    coalesce(students.is_sex_unmapped, false)
    or (students.sex_local is null and coalesce(hub.is_sex_unmapped, false)) as is_sex_unmapped,
    students.ethnicity_code,
    coalesce(students.is_ethnicity_unmapped, false) as is_ethnicity_unmapped,
    students.home_la_code,
    students.is_disabled,
    students.has_pupil_premium,
    students.death_date,
    hub.primary_need_code as hub_primary_need_code,
    coalesce(hub.is_primary_need_unmapped, false) as is_hub_primary_need_unmapped,
    hub.final_plan_issued_date as hub_final_plan_issued_date,
    hub.plan_last_amended_date as hub_plan_last_amended_date,
    hub.named_placement_urn as hub_named_placement_urn
from persons
left join students on persons.person_id = students.person_id
left join hub on persons.person_id = hub.person_id
