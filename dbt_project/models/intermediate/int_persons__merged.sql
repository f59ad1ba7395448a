{%- set is_named = not execute or is_anybody_named_otherwise() -%}
with students as (
    select
        person.person_id,
        person.source_id as student_id,
        students.student_id is not null as is_known_student,
        {{ 'coalesce(students.upn, named.upn) as upn' if is_named else 'students.upn' }},
        students.uln,
        students.upn_unknown_reason_code,
        students.birth_date,
        students.sex_code,
        students.sex_local,
        students.is_sex_unmapped,
        students.ethnicity_code,
        students.is_ethnicity_unmapped,
        students.home_la_code,
        students.is_disabled,
        students.has_pupil_premium,
        min(students.death_date) over (partition by person.person_id) as death_date
    from {{ ref('int_person_records__linked') }} as person
    left join {{ ref('stg_capita_one__students') }} as students on person.source_id = students.student_id
    {%- if is_named %}
    left join {{ ref('stg_send_ready__named_children') }} as named on person.source_id = named.student_id
    {%- endif %}
    where person.source_system = 'capita_one'
    -- Of two students whom a person decided to be one, the lowest Student ID that the feed holds speaks.
    qualify
        row_number() over (
            partition by person.person_id order by students.student_id asc nulls last, person.source_id asc
        ) = 1
),

cases as (
    select
        cases.*,
        person.person_id,
        -- The hub's view of a person: the case whose plan is open, then the latest plan, then the latest request.
        row_number() over (
            partition by person.person_id
            order by
                {{ is_open(hub_plan_start('cases', as_at()), 'cases.plan_closed_date') }} desc,
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

-- Of several pupils of the school census whom a rule joined, the newest return speaks; of ethnicity the newest with it.
pupils as (
    select
        person.person_id,
        {%- for column in ['upn', 'uln', 'birth_date', 'sex_code', 'ethnicity_code'] %}
        arg_max(
            pupils.{{ column }},
            [cast(pupils.reference_date as varchar), cast(pupils.is_on_roll as varchar), pupils.record_id]
        ) as {{ column }},
        {%- endfor %}
        min(pupils.source_id) as census_id,
        bool_or(pupils.is_latest and pupils.is_sex_unmapped) as is_sex_unmapped,
        bool_or(pupils.is_ethnicity_unmapped) as is_ethnicity_unmapped
    from {{ ref('int_census__registrations') }} as pupils
    {{ person_join('census', 'pupils.source_id') }}
    group by person.person_id
),

-- The newest row that says Yes or No, closed ones included.
ilacs as (
    select
        person.person_id,
        arg_max(
            involvements.is_disabled,
            [coalesce(cast(involvements.start_date as varchar), ''), involvements.record_id]
        ) as is_disabled
    from {{ ref('stg_ilacs__involvements') }} as involvements
    {{ person_join('social_care', 'involvements.social_care_id') }}
    where involvements.is_disabled is not null
    group by person.person_id
),

{%- if does_return_speak() %}

-- Of several persons of a return whom a rule joined, the first in it.
returned as (
    select
        person.person_id,
        {%- for column in [
            'upn', 'unique_learner_number', 'upn_unknown', 'person_birth_date', 'sex_code', 'ethnicity_code'
        ] %}
        arg_min(persons.{{ column }}, persons.person_table_id) as {{ column }},
        {%- endfor %}
        bool_or(persons.sex is not null and persons.sex_code is null) as is_sex_unmapped,
        bool_or(persons.ethnicity is not null and persons.ethnicity_code is null) as is_ethnicity_unmapped
    from (
        select
            persons.*,
            sexes.code as sex_code,
            ethnicities.code as ethnicity_code
        from {{ ref('stg_sen2__persons') }} as persons
        left join {{ ref('sen2_codes') }} as sexes on sexes.code_set = 'sex' and persons.sex = sexes.code
        left join {{ ref('sen2_codes') }} as ethnicities
            on ethnicities.code_set = 'ethnicity' and persons.ethnicity = ethnicities.code
        where {{ is_of_newest_return('persons') }}
    ) as persons
    {{ person_join('sen2', 'cast(persons.person_table_id as varchar)') }}
    group by person.person_id
),
{%- endif %}

persons as (
    select distinct person_id
    from {{ ref('int_person_records__linked') }}
)

select
    persons.person_id,
    students.student_id,
    hub.case_id,
    pupils.census_id,
    students.student_id is null or students.is_known_student as is_known_student,
    {{ survive('upn', with_return(
        {'capita_one': 'students.upn', 'ehc_hub': 'hub.upn', 'census': 'pupils.upn'}, 'returned.upn'
    )) }} as upn,
    coalesce(
        students.uln, pupils.uln {{- ', returned.unique_learner_number' if does_return_speak() }}
    ) as uln,
    {%- if does_return_speak() %}
    coalesce(students.upn_unknown_reason_code, returned.upn_unknown) as upn_unknown_reason_code,
    {%- else %}
    students.upn_unknown_reason_code,
    {%- endif %}
    {{ survive('birth_date', with_return(
        {'capita_one': 'students.birth_date', 'ehc_hub': 'hub.birth_date', 'census': 'pupils.birth_date'},
        'returned.person_birth_date'
    )) }} as birth_date,
    {{ survive('sex', with_return(
        {'capita_one': 'students.sex_code', 'ehc_hub': 'hub.sex_code', 'census': 'pupils.sex_code'}, 'returned.sex_code'
    )) }} as sex_code,
    coalesce(students.is_sex_unmapped, false)
    or (
        students.sex_local is null
        and coalesce(
            hub.is_sex_unmapped,
            pupils.is_sex_unmapped,
            {{- ' returned.is_sex_unmapped,' if does_return_speak() }}
            false
        )
    ) as is_sex_unmapped,
    {{ survive('ethnicity', with_return(
        {'capita_one': 'students.ethnicity_code', 'census': 'pupils.ethnicity_code'}, 'returned.ethnicity_code'
    )) }} as ethnicity_code,
    coalesce(
        students.is_ethnicity_unmapped,
        pupils.is_ethnicity_unmapped,
        {{- ' returned.is_ethnicity_unmapped,' if does_return_speak() }}
        false
    ) as is_ethnicity_unmapped,
    students.home_la_code,
    {{ survive('disability', {'capita_one': 'students.is_disabled', 'ilacs': 'ilacs.is_disabled'}) }} as is_disabled,
    {{ survive(
        'pupil_premium', {'capita_one': 'students.has_pupil_premium', 'dfe': 'premium.has_pupil_premium'}
    ) }} as has_pupil_premium,
    students.death_date,
    hub.primary_need_code as hub_primary_need_code,
    coalesce(hub.is_primary_need_unmapped, false) as is_hub_primary_need_unmapped,
    hub.final_plan_issued_date as hub_final_plan_issued_date,
    hub.plan_last_amended_date as hub_plan_last_amended_date,
    hub.named_placement_urn as hub_named_placement_urn
from persons
left join students on persons.person_id = students.person_id
left join hub on persons.person_id = hub.person_id
left join pupils on persons.person_id = pupils.person_id
left join ilacs on persons.person_id = ilacs.person_id
{%- if does_return_speak() %}
left join returned on persons.person_id = returned.person_id
{%- endif %}
left join (
    select
        {{ compared_upn('upn') }} as compared_upn,
        bool_or(has_pupil_premium) as has_pupil_premium
    from {{ ref('stg_dfe__pupil_premium') }}
    group by compared_upn
) as premium
    on
        premium.compared_upn = {{ compared_upn(survive('upn', with_return(
            {'capita_one': 'students.upn', 'ehc_hub': 'hub.upn', 'census': 'pupils.upn'}, 'returned.upn'
        ))) }}
