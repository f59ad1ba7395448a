-- An active plan of which nothing is known is left out: the element would be empty.
with first_placements as (
    select
        requests_table_id,
        max(residential_code) filter (where is_first) as residential_code,
        max(work_based_learning_code) filter (where is_first) as work_based_learning_code
    from (
        select
            *,
            place = 1 and placement_rank = '1' and leaving_date is null as is_first
        from {{ ref('int_sen2__placements') }}
        where not is_section_i
    ) as placements
    group by requests_table_id
),

shaped as (
    select
        cases.requests_table_id,
        {{ of_shape('active_plans', 'transfer_la', 'cases.transferred_in_from_la_code') }},
        {{ of_shape('active_plans', 'res', 'first_placements.residential_code') }},
        {{ of_shape('active_plans', 'wbp', 'first_placements.work_based_learning_code') }},
        -- No export holds it.
        cast(null as varchar) as attendance_pattern,
        {{ of_shape('active_plans', 'review_meeting', 'cases.meeting_date') }},
        {{ of_shape('active_plans', 'review_outcome', 'cases.review_outcome_code') }},
        {{ of_shape('active_plans', 'review_draft', 'cases.draft_amended_plan_date') }},
        {{ of_shape('active_plans', 'phase_transfer_due_date', 'cases.phase_transfer_due_date') }},
        {{ of_shape('active_plans', 'phase_transfer_final_date', 'cases.phase_transfer_final_date') }},
        {{ of_shape('active_plans', 'last_review', 'cases.decision_date') }},
        cases.person_id as unique_id,
        cases.plan_id,
        cases.review_id,
        first_placements.requests_table_id is not null or cases.need_codes is not null as has_children
    from {{ ref('int_sen2__cases') }} as cases
    left join first_placements on cases.requests_table_id = first_placements.requests_table_id
    cross join {{ ref('int_sen2__return') }} as the_return
    where cases.is_active
)

select
    row_number() over (order by requests_table_id) as active_plans_table_id,
    requests_table_id,
    cast(1 as bigint) as order_seq,
    * exclude (requests_table_id, unique_id, plan_id, review_id, has_children),
    unique_id,
    plan_id,
    review_id,
    {{ run_columns() }}
from shaped
where
    has_children
    or transfer_la is not null
    or coalesce(review_meeting, phase_transfer_due_date, last_review) is not null
