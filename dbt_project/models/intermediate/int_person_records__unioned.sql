{%- set is_named = not execute or is_anybody_named_otherwise() -%}
{%- set are_reviews_of_students = not execute or has_come(
    'capita_one__annual_reviews', ['student_id', 'upn', 'other_id']
) -%}
-- A student whom only another Capita One feed knows is a record too: nobody disappears.
with student_ids as (
    {%- for model in [
        'stg_capita_one__students', 'stg_capita_one__enrolments', 'stg_capita_one__sen_provision',
        'stg_capita_one__sen_needs', 'stg_capita_one__ehcp_assessments', 'stg_capita_one__ehc_plans',
        'stg_capita_one__exclusions', 'stg_capita_one__home_education', 'stg_capita_one__placements',
        'int_attendance__totalled'
    ] + (['stg_capita_one__annual_reviews'] if are_reviews_of_students else []) %}
    select student_id
    from {{ ref(model) }}
    where student_id is not null
    {% if not loop.last %}union{% endif %}
    {%- endfor %}
),

records as (
    select
        'capita_one' as source_system,
        student_ids.student_id as source_id,
        students.student_id is not null as is_known_student,
        {{ 'coalesce(students.upn, named.upn) as upn' if is_named else 'students.upn' }},
        students.former_upn,
        students.uln,
        students.birth_date,
        students.surname,
        students.forename,
        students.postcode,
        cast(null as varchar) as migrated_student_id
    from student_ids
    left join {{ ref('stg_capita_one__students') }} as students on student_ids.student_id = students.student_id
    {%- if is_named %}
    left join {{ ref('stg_send_ready__named_children') }} as named on student_ids.student_id = named.student_id
    {%- endif %}

    union all

    select
        'ehc_hub' as source_system,
        case_id as source_id,
        false as is_known_student,
        upn,
        null as former_upn,
        null as uln,
        birth_date,
        surname,
        forename,
        postcode,
        migrated_student_id
    from {{ ref('stg_ehc_hub__cases') }}

    union all

    -- One record a child: what the newest return holds.
    select
        'census' as source_system,
        source_id,
        false as is_known_student,
        upn,
        former_upn,
        uln,
        birth_date,
        surname,
        forename,
        postcode,
        null as migrated_student_id
    from {{ ref('int_census__registrations') }}
    where is_latest

    union all

    -- One record a person: what the latest involvement holds, and what it lacks from those before.
    select
        'social_care' as source_system,
        social_care_id as source_id,
        false as is_known_student,
        arg_max(upn, involvement_order) as upn,
        null as former_upn,
        null as uln,
        arg_max(birth_date, involvement_order) as birth_date,
        arg_max(surname, involvement_order) as surname,
        arg_max(forename, involvement_order) as forename,
        arg_max(postcode, involvement_order) as postcode,
        null as migrated_student_id
    from (
        select
            *,
            row_number() over (
                partition by social_care_id order by start_date nulls first, social_care_status_local
            ) as involvement_order
        from {{ social_care_involvements() }}
    ) as involvements
    group by social_care_id
    {%- if does_return_speak() %}

    union all

    -- Persons of the newest SEN2 return.
    select
        'sen2' as source_system,
        cast(persons.person_table_id as varchar) as source_id,
        false as is_known_student,
        persons.upn,
        null as former_upn,
        persons.unique_learner_number as uln,
        persons.person_birth_date as birth_date,
        persons.surname,
        persons.forename,
        persons.post_code as postcode,
        null as migrated_student_id
    from {{ ref('stg_sen2__persons') }} as persons
    where {{ is_of_newest_return('persons') }}
    {%- endif %}
),

compared as (
    select
        *,
        {{ compared_upn('upn') }} as compared_upn,
        {{ compared_upn('former_upn') }} as compared_former_upn
    from records
)

select
    source_system || ':' || source_id as record_id,
    source_system,
    source_id,
    is_known_student,
    case when {{ is_valid_upn('compared_upn') }} then compared_upn end as valid_upn,
    case when {{ is_valid_upn('compared_former_upn') }} then compared_former_upn end as valid_former_upn,
    case when uln <> '9999999999' and {{ is_valid_uln('uln') }} then uln end as valid_uln,
    birth_date,
    {{ plain_letters('surname') }} || ' ' || {{ plain_letters('forename') }} as plain_name,
    {{ plain_letters('forename') }} as plain_forename,
    {{ plain_letters('postcode') }} as plain_postcode,
    migrated_student_id
from compared
