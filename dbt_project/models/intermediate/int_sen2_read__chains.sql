{{ config(materialized='ephemeral') }}

-- The chains of the newest return with a reference date on or before D (macros/returns.sql): a request with the
-- assessment and the plan below it, and what is active of the plan.
with returns as (
    select
        return_year,
        reference_date
    from {{ ref('stg_sen2__persons') }}
    where reference_date <= {{ as_at() }}
    order by reference_date desc, return_year desc
    limit 1
),

-- Of several in one request the first says what is active; needs and placements of the others are read all the same.
active_plans as (
    select *
    from {{ ref('stg_sen2__active_plans') }}
    qualify
        row_number() over (
            partition by return_year, requests_table_id order by order_seq asc, active_plans_table_id asc
        ) = 1
),

-- What the plan names first: by rank, then as it stands in the return.
plan_details as (
    select *
    from {{ ref('stg_sen2__plan_details') }}
    qualify
        row_number() over (
            partition by return_year, named_plan_table_id
            order by placement_rank asc nulls last, order_seq asc, plan_detail_table_id asc
        ) = 1
),

chains as (
    select
        requests.person_table_id,
        requests.requests_table_id,
        assessments.assessment_table_id,
        named_plans.named_plan_table_id,
        returns.return_year,
        returns.reference_date,
        make_date(cast(returns.return_year as integer) - 1, 12, 31) as window_end_date,
        requests.received_date,
        requests.request_source,
        requests.request_outcome,
        requests.request_outcome_date,
        assessments.assessment_outcome,
        assessments.assessment_outcome_date,
        assessments.week20,
        requests.rya,
        requests.exported,
        requests.request_mediation,
        requests.request_tribunal,
        assessments.assessment_mediation,
        assessments.assessment_tribunal,
        assessments.other_mediation,
        assessments.other_tribunal,
        named_plans.start_date,
        named_plans.plan_res,
        named_plans.plan_wbp,
        named_plans.pb,
        named_plans.oa,
        named_plans.dp,
        named_plans.cease_date,
        named_plans.cease_reason,
        plan_details.urn as named_urn,
        plan_details.sen_setting as named_setting,
        active_plans.active_plans_table_id,
        active_plans.transfer_la,
        active_plans.review_meeting,
        active_plans.review_outcome,
        active_plans.review_draft,
        active_plans.last_review,
        active_plans.phase_transfer_due_date,
        active_plans.phase_transfer_final_date,
        row_number() over (
            partition by requests.requests_table_id
            order by
                named_plans.cease_date is not null,
                named_plans.start_date desc nulls last,
                named_plans.named_plan_table_id asc,
                assessments.assessment_table_id asc
        ) = 1 as is_first_of_request
    from {{ ref('stg_sen2__requests') }} as requests
    inner join returns on requests.return_year = returns.return_year
    left join {{ ref('stg_sen2__assessments') }} as assessments
        on
            requests.return_year = assessments.return_year
            and requests.requests_table_id = assessments.requests_table_id
    left join {{ ref('stg_sen2__named_plans') }} as named_plans
        on
            assessments.return_year = named_plans.return_year
            and assessments.assessment_table_id = named_plans.assessment_table_id
    left join plan_details
        on
            named_plans.return_year = plan_details.return_year
            and named_plans.named_plan_table_id = plan_details.named_plan_table_id
    left join active_plans
        on
            requests.return_year = active_plans.return_year
            and requests.requests_table_id = active_plans.requests_table_id
)

select
    chains.* exclude (active_plans_table_id),
    person.person_id,
    cast(chains.person_table_id as varchar) as source_id,
    -- What is active is so of one plan of the request.
    if(chains.is_first_of_request, chains.active_plans_table_id, null) as active_plans_table_id,
    -- A plan that is active and not in the return as a plan is one all the same.
    case
        when chains.named_plan_table_id is not null then {{ return_id('chains.named_plan_table_id') }}
        when chains.is_first_of_request and chains.active_plans_table_id is not null
            then {{ return_id("'A' || chains.active_plans_table_id") }}
    end as plan_id
from chains
{{ person_join('sen2', 'cast(chains.person_table_id as varchar)') }}
