-- Of each value the first that a system holds: Capita One, the hub, the school census, social care; of several records
-- of a system the one that speaks for the person (int_persons__merged), of the census and social care the latest.
{{ config(alias='persons') }}

with social_care as (
    select
        person_id,
        arg_max(forename, involvement_order) as forename,
        arg_max(surname, involvement_order) as surname,
        arg_max(postcode, involvement_order) as postcode,
        arg_max(upn, involvement_order) as upn,
        arg_max(birth_date, involvement_order) as birth_date
    from (
        select
            involvements.*,
            person.person_id,
            row_number() over (
                partition by person.person_id
                order by
                    involvements.start_date asc nulls first,
                    involvements.social_care_id asc,
                    involvements.social_care_status_local asc
            ) as involvement_order
        from {{ social_care_involvements() }} as involvements
        {{ person_join('social_care', 'involvements.social_care_id') }}
    ) as involvements
    group by person_id
),

pupils as (
    select
        person.person_id,
        arg_max(pupils.forename, [cast(pupils.reference_date as varchar), pupils.record_id]) as forename,
        arg_max(pupils.surname, [cast(pupils.reference_date as varchar), pupils.record_id]) as surname,
        arg_max(pupils.postcode, [cast(pupils.reference_date as varchar), pupils.record_id]) as postcode,
        arg_max(pupils.former_upn, [cast(pupils.reference_date as varchar), pupils.record_id]) as former_upn
    from {{ ref('int_census__registrations') }} as pupils
    {{ person_join('census', 'pupils.source_id') }}
    group by person.person_id
)
{%- if does_return_speak() %},

returned as (
    select
        person.person_id,
        arg_min(persons.forename, persons.person_table_id) as forename,
        arg_min(persons.surname, persons.person_table_id) as surname,
        arg_min(persons.post_code, persons.person_table_id) as postcode
    from {{ ref('stg_sen2__persons') }} as persons
    {{ person_join('sen2', 'cast(persons.person_table_id as varchar)') }}
    where {{ is_of_newest_return('persons') }}
    group by person.person_id
)
{%- endif %}

select
    persons.person_id,
    {%- for column in ['forename', 'surname', 'postcode'] %}
    coalesce(
        students.{{ column }},
        cases.{{ column }},
        pupils.{{ column }},
        {{- ' returned.' ~ column ~ ',' if does_return_speak() }}
        social_care.{{ column }}
    ) as {{ column }},
    {%- endfor %}
    coalesce(persons.birth_date, social_care.birth_date) as birth_date,
    coalesce(persons.upn, social_care.upn) as upn,
    coalesce(students.former_upn, pupils.former_upn) as former_upn,
    persons.uln,
    {{ run_columns() }}
from {{ ref('int_persons__merged') }} as persons
left join {{ ref('stg_capita_one__students') }} as students on persons.student_id = students.student_id
left join {{ ref('stg_ehc_hub__cases') }} as cases on persons.case_id = cases.case_id
left join pupils on persons.person_id = pupils.person_id
left join social_care on persons.person_id = social_care.person_id
{%- if does_return_speak() %}
left join returned on persons.person_id = returned.person_id
{%- endif %}
