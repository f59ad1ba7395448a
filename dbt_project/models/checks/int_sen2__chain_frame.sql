-- Requests of the SEN2 return, each with the assessment, the plan and the active plan below it, what hangs below those
-- counted, and what the checks need beside what is returned.
with the_return as (
    select * from {{ ref('int_sen2__return') }}
),

named_counts as (
    select
        named_plan_table_id,
        count(*) as named_count,
        count(*) filter (where placement_rank = '1') as named_rank_1_count,
        count(*) filter (where placement_rank = '2') as named_rank_2_count
    from {{ ref('sen2_plan_detail') }}
    group by named_plan_table_id
),

placement_counts as (
    select
        placements.active_plans_table_id,
        count(*) as placement_count,
        count(*) filter (where placements.is_open) as open_count,
        count(*) filter (where placements.is_open and placements.placement_rank = '1') as rank_1_open_count,
        count(*) filter (where placements.is_open and placements.placement_rank = '2') as rank_2_open_count
    from (
        select
            details.*,
            coalesce(details.leaving_date > the_return.reference_day, true) as is_open
        from {{ ref('sen2_placement_detail') }} as details
        cross join the_return
    ) as placements
    group by placements.active_plans_table_id
),

need_counts as (
    select
        needs.active_plans_table_id,
        count(needs.sen_type) as need_count,
        string_agg(needs.sen_type, ', ' order by needs.sen_type) filter (where known.code is null) as unknown_needs
    from {{ ref('sen2_sen_need') }} as needs
    cross join the_return
    left join {{ ref('sen2_codes') }} as known
        on
            known.code_set = 'sen_type'
            and needs.sen_type = known.code
            and the_return.survey_year >= cast(known.first_year as integer)
            and the_return.survey_year <= coalesce(try_cast(known.last_year as integer), 9999)
    group by needs.active_plans_table_id
),

-- A record later than a plan that ceased by death. What ended since then is no sign of life.
last_events as (
    select
        person_id,
        max(event_date) as last_event_date
    from {{ ref('fct_event') }}
    where
        event_type not in ('plan_ceased', 'died', 'request_closed')
        and not ends_with(event_type, '_ended')
        and not ends_with(event_type, '_left')
        and person_id in (
            select unique_id
            from {{ ref('sen2_named_plan') }}
            where cease_reason = '8'
        )
    group by person_id
),

joined as (
    select
        requests.requests_table_id,
        requests.unique_id,
        requests.case_id,
        coalesce(named_plan.plan_id, requests.plan_id) as plan_id,
        requests.received_date,
        requests.request_source,
        requests.request_outcome,
        requests.request_outcome_date,
        assessment.assessment_outcome,
        assessment.assessment_outcome_date,
        named_plan.start_date,
        named_plan.pb,
        named_plan.oa,
        named_plan.dp,
        named_plan.cease_date,
        named_plan.cease_reason,
        active_plans.transfer_la,
        active_plans.review_meeting,
        active_plans.review_outcome,
        active_plans.last_review,
        active_plans.phase_transfer_due_date,
        active_plans.phase_transfer_final_date,
        assessment.assessment_table_id is not null as has_assessment,
        named_plan.named_plan_table_id is not null as has_named_plan,
        active_plans.active_plans_table_id is not null as has_active_plans,
        -- Whether mediation or an appeal is on record at any stage.
        coalesce(requests.request_mediation, false)
        or coalesce(requests.request_tribunal, false)
        or coalesce(assessment.assessment_mediation, false)
        or coalesce(assessment.assessment_tribunal, false)
        or coalesce(assessment.other_mediation, false)
        or coalesce(assessment.other_tribunal, false) as is_contested,
        assessment.week20,
        coalesce(named_counts.named_count, 0) as named_count,
        coalesce(named_counts.named_rank_1_count, 0) as named_rank_1_count,
        coalesce(named_counts.named_rank_2_count, 0) as named_rank_2_count,
        coalesce(placement_counts.placement_count, 0) as placement_count,
        coalesce(placement_counts.open_count, 0) as open_count,
        coalesce(placement_counts.rank_1_open_count, 0) as rank_1_open_count,
        coalesce(placement_counts.rank_2_open_count, 0) as rank_2_open_count,
        coalesce(need_counts.need_count, 0) as need_count,
        need_counts.unknown_needs,
        bool_or(active_plans.active_plans_table_id is not null) over (partition by requests.unique_id) as has_any_active
    from {{ ref('sen2_requests') }} as requests
    left join {{ ref('sen2_assessment') }} as assessment on requests.requests_table_id = assessment.requests_table_id
    left join {{ ref('sen2_named_plan') }} as named_plan
        on assessment.assessment_table_id = named_plan.assessment_table_id
    left join {{ ref('sen2_active_plans') }} as active_plans
        on requests.requests_table_id = active_plans.requests_table_id
    left join named_counts on named_plan.named_plan_table_id = named_counts.named_plan_table_id
    left join placement_counts on active_plans.active_plans_table_id = placement_counts.active_plans_table_id
    left join need_counts on active_plans.active_plans_table_id = need_counts.active_plans_table_id
)

select
    cast(chains.requests_table_id as varchar) as row_id,
    chains.* exclude (has_any_active),
    -- Also an active plan of which nothing is known, which has no element, and an issued case without a plan's row.
    chains.has_active_plans
    or coalesce(cases.is_active, false)
    or (
        chains.has_named_plan
        and chains.cease_date is null
        and held_plans.plan_id is null
        and not chains.has_any_active
    ) as should_be_active,
    held_cases.decision_to_assess_date as held_request_date,
    coalesce(held_plans.initial_plan_date, held_cases.final_issued_date) as held_issue_date,
    not coalesce(held_cases.is_ours, true)
    or coalesce(held_plans.transferred_in_from_la_code is not null, false) as is_another_council_s,
    coalesce(held_plans.initial_plan_date, chains.start_date) as plan_from_date,
    last_events.last_event_date,
    {{ age_years('persons.person_birth_date', 'the_return.survey_day') }} as age_at_survey,
    {{ age_years('persons.person_birth_date', 'chains.cease_date') }} as age_at_cease,
    {{ age_years('persons.person_birth_date', school_year_eve('the_return.reference_day')) }} as age_31_august,
    {{ was_ever_received('capita_one.annual_reviews') }} or {{ was_ever_received('ehc_hub.reviews') }}
        as are_reviews_known,
    {{ was_ever_received('capita_one.ehc_plans', ['phase_transfer_due_date']) }} as are_phase_transfers_known,
    the_return.survey_year,
    the_return.survey_day,
    the_return.reference_day,
    the_return.window_start,
    make_date(the_return.survey_year - 1, 12, 31) as year_end
from joined as chains
cross join the_return
left join {{ ref('sen2_person') }} as persons on chains.unique_id = persons.unique_id
left join {{ ref('int_sen2__cases') }} as cases on chains.requests_table_id = cases.requests_table_id
left join {{ ref('int_requests__merged') }} as held_cases on chains.case_id = held_cases.case_id
left join {{ ref('int_plans__unioned') }} as held_plans on chains.plan_id = held_plans.plan_id
left join last_events on chains.unique_id = last_events.person_id
