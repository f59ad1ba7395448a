-- Open assessments by the stage of the 20-week clock that they stand in, as far as what K05 needs tells which are open.
-- Where a feed came without the dates of drafts there is one stage from the decision on.
with drafts as (
    select
        {%- for feed, column in [
            ('capita_one.ehcp_assessments', 'draft_issued_date'), ('ehc_hub.cases', 'draft_plan_sent')
        ] %}
        (not {{ was_ever_received(feed) }} or {{ was_ever_received(feed, [column]) }}){{ ' and' if not loop.last }}
        {%- endfor %} as are_known
),

stages as (
    select
        stage_no,
        stage,
        limit_name,
        needs_drafts
    from (
        values
        (1, 'Decision whether to assess', 'assessment_decision', null),
        (2, 'Assessment and draft plan', 'plan', true),
        (2, 'Assessment, draft and final plan', 'plan', false),
        (3, 'Final plan', 'plan', true)
    ) as listed (stage_no, stage, limit_name, needs_drafts) -- noqa: AL05
),

open_cases as (
    select
        {{ as_at() }} - received.received_date as days,
        case
            when coalesce(received.draft_issued_date <= {{ as_at() }}, false) then if(drafts.are_known, 3, 2)
            when
                received.decision_to_assess_code = 'Y'
                and coalesce(received.decision_to_assess_date <= {{ as_at() }}, true)
                then 2
            else 1
        end as stage_no
    from {{ ref('fct_ehcp_case') }} as received
    cross join drafts
    where
        received.is_ours and received.received_date <= {{ as_at() }} and {{ is_case_open(as_at(), 'received') }}
)

select
    '{{ var("la_code") }}' as la_code,
    stages.stage_no,
    stages.stage,
    cast(limits.days as integer) as days_allowed,
    count(*) filter (open_cases.days <= cast(limits.days as integer)) as in_time_count,
    count(*) filter (
        open_cases.days > cast(limits.days as integer) and open_cases.days <= {{ limit_days('assessment_30_weeks') }}
    ) as late_count,
    count(*) filter (open_cases.days > {{ limit_days('assessment_30_weeks') }}) as beyond_30_weeks_count,
    '{{ var("run_id") }}' as run_id
from stages
inner join drafts on coalesce(stages.needs_drafts = drafts.are_known, true)
inner join {{ ref('statutory_limits') }} as limits on stages.limit_name = limits.limit_name
left join open_cases on stages.stage_no = open_cases.stage_no
where 'K05' not in (select not_known.kpi_id from {{ ref('kpi_not_known') }} as not_known)
group by stages.stage_no, stages.stage, limits.days
order by stages.stage_no
