{{ config(materialized='ephemeral') }}
{%- set elements = [
    ('Surname', 'surname'), ('Forename', 'forename'), ('PersonBirthDate', 'birth_date'), ('Sex', 'sex'),
    ('Ethnicity', 'ethnicity'), ('PostCode', 'postcode'), ('UPN', 'upn'), ('UniqueLearnerNumber', 'uln'),
    ('AssessmentOutcomeDate', 'initial_date'), ('SENtype', 'need'), ('PlacementDetail', 'placement'),
    ('ReviewMeeting', 'review_date'), ('PlanRes', 'residential'), ('PB', 'has_budget'),
] %}
{#- What a return leaves out is not said to be otherwise. #}
{%- set said_by_both = ['ethnicity', 'postcode', 'initial_date', 'review_date', 'residential', 'has_budget'] %}
{%- set rules = [
    ('UPN', ['upper(trim(upn))']),
    ('ULN', ['trim(uln)']),
    ('name and date of birth', [plain_letters('surname'), plain_letters('forename'), 'birth_date']),
] %}
-- The newest return read beside what the other systems hold of its reference date, child by child: who is in one alone,
-- who has a plan in one alone, and what differs of a child with a plan in both. Nothing of it goes into a list.
with chains as (
    select * from {{ ref('int_sen2_read__chains') }}
),

the_day as (
    select
        max(reference_date) as reference_date,
        max(return_year) as return_year
    from {{ ref('stg_sen2__persons') }} as persons
    where {{ is_of_newest_return('persons') }}
),

returned_needs as (
    select
        needs.active_plans_table_id,
        arg_min(needs.sen_type, [coalesce(needs.sen_type_rank, '9'), cast(needs.order_seq as varchar)]) as need
    from {{ ref('stg_sen2__sen_needs') }} as needs
    where {{ is_of_newest_return('needs') }}
    group by needs.active_plans_table_id
),

-- The plan that is active, if the child has one.
returned as (
    select
        persons.person_table_id,
        persons.surname,
        persons.forename,
        persons.person_birth_date as birth_date,
        persons.sex,
        persons.ethnicity,
        persons.post_code as postcode,
        persons.upn,
        persons.unique_learner_number as uln,
        plans.plan_id is not null as has_plan,
        if(plans.assessment_outcome = 'Y', plans.assessment_outcome_date, null) as initial_date,
        returned_needs.need,
        coalesce(placements.urn, placements.setting_type_code) as placement,
        plans.review_meeting as review_date,
        plans.plan_res as residential,
        plans.pb as has_budget
    from {{ ref('stg_sen2__persons') }} as persons
    left join (
        select *
        from chains
        where plan_id is not null and coalesce(cease_date > reference_date, true)
        qualify
            row_number() over (
                partition by person_table_id
                order by active_plans_table_id is null asc, start_date desc nulls last, plan_id asc
            ) = 1
    ) as plans
        on persons.person_table_id = plans.person_table_id
    left join returned_needs on plans.active_plans_table_id = returned_needs.active_plans_table_id
    left join {{ ref('int_sen2_read__placements') }} as placements
        on
            plans.source_id = placements.source_id
            and placements.placement_no = 1
            and coalesce(placements.leaving_date > placements.reference_date, true)
    where {{ is_of_newest_return('persons') }}
),

-- A need that is recorded anew begins later: without one of the day, the one that came after it.
held_needs as (
    select
        needs.person_id,
        arg_min(
            needs.sen_type_code,
            [
                if(needs.start_date > the_day.reference_date, 1, 0),
                coalesce(needs.need_rank, 9),
                -coalesce(date_diff('day', date '1900-01-01', needs.start_date), 0),
                ascii(coalesce(needs.sen_type_code, '~'))
            ]
        ) as need
    from {{ ref('int_needs__ranked') }} as needs
    cross join the_day
    where coalesce(needs.end_date > the_day.reference_date, true)
    group by needs.person_id
),

held_placements as (
    select
        enrolments.person_id,
        enrolments.urn
    from {{ ref('int_enrolments__ranked') }} as enrolments
    cross join the_day
    where
        enrolments.enrolment_status_code in ('C', 'M', 'F', 'O')
        and enrolments.entry_date <= the_day.reference_date
        and coalesce(enrolments.leaving_date > the_day.reference_date, true)
    qualify
        row_number() over (
            partition by enrolments.person_id
            order by
                list_position(['C', 'F', 'O'], replace(enrolments.enrolment_status_code, 'M', 'C')) asc,
                enrolments.entry_date desc,
                enrolments.urn asc
        ) = 1
),

held_reviews as (
    select
        reviews.plan_id,
        max(reviews.meeting_date) as meeting_date
    from {{ ref('int_reviews__unioned') }} as reviews
    cross join the_day
    where reviews.meeting_date <= the_day.reference_date
    group by reviews.plan_id
),

held_plans as (
    select plans.*
    from {{ ref('int_plans__dated') }} as plans
    cross join the_day
    where
        plans.open_from_date <= the_day.reference_date
        and coalesce(plans.cease_date > the_day.reference_date, true)
        and plans.person_id is not null
    qualify
        row_number() over (
            partition by plans.person_id
            order by
                plans.initial_plan_date desc nulls last, plans.current_plan_date desc nulls last, plans.plan_id desc
        ) = 1
),

held as (
    select
        persons.person_id,
        coalesce(students.surname, cases.surname) as surname,
        coalesce(students.forename, cases.forename) as forename,
        persons.birth_date,
        persons.sex_code as sex,
        nullif(persons.ethnicity_code, 'UNKNOWN') as ethnicity,
        coalesce(students.postcode, cases.postcode) as postcode,
        persons.upn,
        persons.uln,
        plans.plan_id is not null and not coalesce(persons.death_date <= the_day.reference_date, false) as has_plan,
        plans.initial_plan_date as initial_date,
        coalesce(needs.need, persons.hub_primary_need_code) as need,
        coalesce(
            placements.urn,
            if(
                persons.person_id in (
                    select episodes.person_id
                    from {{ ref('int_home_education__linked') }} as episodes
                    cross join the_day as asked
                    where
                        episodes.person_id is not null
                        and episodes.start_date <= asked.reference_date
                        and coalesce(episodes.end_date > asked.reference_date, true)
                ),
                'EHE',
                plans.setting_type_code
            )
        ) as placement,
        reviews.meeting_date as review_date,
        plans.residential_code as residential,
        plans.has_personal_budget as has_budget
    from {{ ref('int_persons__merged') }} as persons
    cross join the_day
    left join {{ ref('stg_capita_one__students') }} as students on persons.student_id = students.student_id
    left join {{ ref('stg_ehc_hub__cases') }} as cases on persons.case_id = cases.case_id
    left join held_plans as plans on persons.person_id = plans.person_id
    left join held_needs as needs on persons.person_id = needs.person_id
    left join held_placements as placements on persons.person_id = placements.person_id
    left join held_reviews as reviews on plans.plan_id = reviews.plan_id
    where persons.student_id is not null or persons.case_id is not null
),

-- By the first rule that finds somebody; a key that two persons have names neither.
keyed as (
    {%- for side, key in [('returned', 'person_table_id'), ('held', 'person_id')] %}
    {%- for rule, parts in rules %}
    select
        '{{ side }}' as side,
        {{ loop.index }} as rule_order,
        '{{ rule }}' as match_rule,
        cast({{ key }} as varchar) as person_key,
        {{ parts | join(" || ' ' || ") }} as match_key
    from {{ side }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

alone as (
    select *
    from keyed
    where match_key is not null
    qualify count(*) over (partition by side, rule_order, match_key) = 1
),

pairs as (
    select
        cast(returned.person_key as bigint) as person_table_id,
        held.person_key as person_id,
        returned.match_rule
    from alone as returned
    inner join alone as held
        on
            returned.side = 'returned'
            and held.side = 'held'
            and returned.rule_order = held.rule_order
            and returned.match_key = held.match_key
    qualify
        returned.rule_order = min(returned.rule_order) over (partition by returned.person_key)
        and returned.rule_order = min(returned.rule_order) over (partition by held.person_key)
),

together as (
    select
        returned.person_table_id,
        held.person_id as unique_id,
        pairs.match_rule,
        returned.has_plan as is_returned_with_plan,
        held.has_plan as is_held_with_plan,
        [
            {%- for tag, column in elements %}
            {
                'element': '{{ tag }}',
                'returned': cast(returned.{{ column }} as varchar),
                'held': cast(held.{{ column }} as varchar),
                {%- set values = ['returned.' ~ column, 'held.' ~ column] %}
                {%- if column in said_by_both %}
                'is_different': coalesce({{ values | join(' <> ') }}, false)
                {%- elif column in ('surname', 'forename') %}
                'is_different': {{ plain_letters(values[0]) }} is distinct from {{ plain_letters(values[1]) }}
                {%- else %}
                'is_different': {{ values | join(' is distinct from ') }}
                {%- endif %}
            }{{ ',' if not loop.last }}
            {%- endfor %}
        ] as elements
    from returned
    full join pairs on returned.person_table_id = pairs.person_table_id
    full join held on pairs.person_id = held.person_id
)

select
    person_table_id,
    unique_id,
    match_rule,
    case
        when unique_id is null then 'only in the return'
        when person_table_id is null then 'not in the return'
        when is_returned_with_plan then 'plan in the return alone'
        else 'plan not in the return'
    end as reconciled_as,
    cast(null as varchar) as element,
    cast(null as varchar) as returned_value,
    cast(null as varchar) as held_value,
    coalesce(is_returned_with_plan, false) as is_returned_with_plan
from together
where
    unique_id is null
    or (person_table_id is null and is_held_with_plan)
    or (person_table_id is not null and is_returned_with_plan <> is_held_with_plan)

union all

select
    person_table_id,
    unique_id,
    match_rule,
    'differs' as reconciled_as,
    each.element,
    each.returned as returned_value,
    each.held as held_value,
    true as is_returned_with_plan
from (
    select
        together.*,
        unnest(together.elements) as each
    from together
    where together.is_returned_with_plan and together.is_held_with_plan
) as told
where each.is_different
