{%- set is_by_other = has_come(
    'capita_one__annual_reviews', ['student_id', 'upn', 'other_id', 'involvement_id']
) -%}
with plans as (
    select
        *
        {%- if is_by_other %},
        row_number() over (
            partition by involvement_id order by is_main_plan desc, initial_plan_date desc nulls last, plan_id asc
        ) = 1 as is_latest_of_case
        {%- endif %}
    from {{ ref('int_plans__unioned') }}
),

reviews as (
    -- One that names no plan is of the plan of its assessment, else of the student's main plan.
    select
        reviews.review_id,
        {%- if is_by_other %}
        coalesce(reviews.plan_id, plans_of_case.plan_id, plans_of_student.plan_id) as plan_id,
        coalesce(plans.person_id, plans_of_case.person_id, reviewed.person_id) as person_id,
        {%- else %}
        reviews.plan_id,
        plans.person_id,
        {%- endif %}
        'capita_one' as source_system,
        reviews.due_date,
        reviews.meeting_date,
        reviews.review_outcome_code,
        reviews.decision_date,
        reviews.amendment_notice_date,
        reviews.final_amended_plan_date
    from {{ ref('stg_capita_one__annual_reviews') }} as reviews
    left join plans on reviews.plan_id = plans.plan_id and plans.source_system = 'capita_one'
    {%- if is_by_other %}
    left join plans as plans_of_case
        on
            reviews.plan_id is null
            and reviews.involvement_id = plans_of_case.involvement_id
            and plans_of_case.is_latest_of_case
    {{ person_join('capita_one', 'reviews.student_id', alias='reviewed') }}
    left join plans as plans_of_student
        on
            reviews.plan_id is null
            and reviewed.person_id = plans_of_student.person_id
            and plans_of_student.is_main_plan
    {%- endif %}

    union all

    -- A review in the hub is of its case's plan; where Capita One holds the plan, of the person's main plan there.
    select
        {{ hub_id(
            'reviews.review_id',
            "'HUB-' || reviews.review_id in (select one.review_id from " ~ ref('stg_capita_one__annual_reviews') ~ " as one)"
        ) }} as review_id,
        coalesce(hub_plans.plan_id, capita_plans.plan_id) as plan_id,
        person.person_id,
        'ehc_hub' as source_system,
        null as due_date,
        reviews.meeting_date,
        reviews.review_outcome_code,
        reviews.decision_date,
        reviews.amendment_notice_date,
        reviews.final_amended_plan_date
    from {{ ref('stg_ehc_hub__reviews') }} as reviews
    {{ person_join('ehc_hub', 'reviews.case_id') }}
    left join plans as hub_plans on reviews.case_id = hub_plans.case_id
    left join plans as capita_plans
        on
            person.person_id = capita_plans.person_id
            and capita_plans.source_system = 'capita_one'
            and capita_plans.is_main_plan
)

select *
from reviews
-- One review a plan and meeting date, Capita One first. Where either is unknown nothing can be told to be the same.
qualify
    plan_id is null
    or meeting_date is null
    or row_number() over (partition by plan_id, meeting_date order by source_system, review_id) = 1
