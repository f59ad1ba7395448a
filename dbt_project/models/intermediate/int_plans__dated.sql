{{ config(tags=['sen2']) }}
-- From when each plan counts. One without an initial date counts from the first thing that tells of it: its current
-- date, its first review meeting, the day its request ended in a final plan; with none of these before D, at D alone.
with first_reviews as (
    select
        plan_id,
        min(meeting_date) as meeting_date
    from {{ ref('int_reviews__unioned') }}
    group by plan_id
)

select
    plans.*,
    coalesce(
        plans.initial_plan_date,
        -- least() passes over what is blank.
        least(
            plans.current_plan_date,
            first_reviews.meeting_date,
            assessments.final_issued_date,
            {%- if does_return_speak() %}
            -- What is active in a return was so on its reference date.
            (
                select max(returns.reference_date)
                from {{ ref('stg_sen2__persons') }} as returns
                where plans.source_system = 'sen2' and returns.reference_date <= {{ as_at() }}
            ),
            {%- endif %}
            {{ as_at() }}
        )
    ) as open_from_date
from {{ ref('int_plans__unioned') }} as plans
left join first_reviews on plans.plan_id = first_reviews.plan_id
left join {{ ref('stg_capita_one__ehcp_assessments') }} as assessments
    on plans.involvement_id = assessments.involvement_id
