with plans as (
    select * from {{ ref('int_plans__unioned') }}
),

reviews as (
    select
        reviews.review_id,
        reviews.plan_id,
        plans.person_id,
        'capita_one' as source_system,
        reviews.due_date,
        reviews.meeting_date,
        reviews.review_outcome_code,
        reviews.decision_date,
        reviews.amendment_notice_date,
        reviews.final_amended_plan_date,
        reviews.draft_amended_plan_date
    from {{ reviews_of_plans() }} as reviews
    left join plans on reviews.plan_id = plans.plan_id and {{ is_plan_of_reviews('plans') }}

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
        reviews.final_amended_plan_date,
        null as draft_amended_plan_date
    from {{ ref('stg_ehc_hub__reviews') }} as reviews
    {{ person_join('ehc_hub', 'reviews.case_id') }}
    left join plans as hub_plans on reviews.case_id = hub_plans.case_id
    left join plans as capita_plans
        on
            person.person_id = capita_plans.person_id
            and capita_plans.source_system = 'capita_one'
            and capita_plans.is_main_plan
    {%- if does_return_speak() %}

    union all by name

    -- A return has one review a plan; where another system holds the plan it is of the person's main one.
    select
        {{ return_id('chains.active_plans_table_id') }} as review_id,
        coalesce(plans.plan_id, main_plans.plan_id) as plan_id,
        chains.person_id,
        'sen2' as source_system,
        chains.review_meeting as meeting_date,
        chains.review_outcome as review_outcome_code,
        chains.last_review as decision_date,
        chains.review_draft as draft_amended_plan_date
    from {{ ref('int_sen2_read__chains') }} as chains
    left join plans on chains.plan_id = plans.plan_id
    left join plans as main_plans on chains.person_id = main_plans.person_id and main_plans.is_main_plan
    where
        chains.active_plans_table_id is not null
        and (chains.review_meeting is not null or chains.last_review is not null)
    {%- endif %}
){%- if does_return_speak() -%},

counted as (
    select *
    from reviews
    qualify {{ is_not_told_better() }}
){%- endif %}

select *
from {{ 'counted' if does_return_speak() else 'reviews' }}
-- One review a plan and meeting date, Capita One first. Where either is unknown nothing can be told to be the same.
qualify
    plan_id is null
    or meeting_date is null
    or row_number() over (partition by plan_id, meeting_date order by source_system, review_id) = 1
