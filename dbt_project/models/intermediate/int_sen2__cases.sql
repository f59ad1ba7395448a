{{ config(tags=['sen2']) }}
{%- set flags = [
    'request_mediation', 'issue_mediation', 'other_mediation', 'request_tribunal', 'issue_tribunal', 'other_tribunal'
] -%}
{#- An export that tells of one stage by itself tells of all. -#}
{%- set are_flags_by_stage = has_come('capita_one__ehcp_assessments', flags) -%}
-- Requests of the SEN2 return as known at R: cases that matter to W or R, each with its plan, and plans without a case.
with the_return as (
    select * from {{ ref('int_sen2__return') }}
),

plans as (
    select
        plans.plan_id,
        plans.person_id,
        plans.source_system,
        case plans.source_system
            when 'ehc_hub' then 'ehc_hub ' || plans.case_id
            else plans.source_system || ' ' || plans.involvement_id
        end as record_key,
        plans.initial_plan_date,
        {{ seen('plans.current_plan_date') }} as current_plan_date,
        coalesce(
            {{ seen('plans.plan_start_date') }},
            -- greatest() passes over what is blank.
            greatest({{ seen('plans.current_plan_date') }}, plans.initial_plan_date)
        ) as start_date,
        coalesce({{ seen('plans.cease_date') }}, {{ seen('persons.death_date') }}) as cease_date,
        case
            when plans.cease_date <= the_return.reference_day then plans.cease_reason_code
            when persons.death_date <= the_return.reference_day then '8'
        end as cease_reason_code,
        plans.residential_code,
        plans.work_based_learning_code,
        plans.has_personal_budget,
        plans.has_organised_arrangements,
        plans.direct_payment_code,
        plans.named_urn,
        plans.setting_type_code,
        plans.transferred_in_from_la_code,
        plans.transferred_in_date,
        plans.phase_transfer_due_date,
        {{ seen('plans.phase_transfer_final_date') }} as phase_transfer_final_date
    from {{ ref('int_plans__dated') }} as plans
    inner join {{ ref('int_persons__merged') }} as persons on plans.person_id = persons.person_id
    cross join the_return
    where
        -- A plan without an initial date is open until it ceases, unless all that tells of it is later.
        coalesce(
            plans.initial_plan_date <= the_return.reference_day,
            plans.open_from_date <= the_return.reference_day or plans.open_from_date = {{ as_at() }}
        )
),

-- List 1's rule, at R.
ordered_plans as (
    select
        *,
        cease_date is null as is_open,
        cease_date is null and row_number() over (
            partition by person_id
            order by
                cease_date is null desc,
                initial_plan_date desc nulls last,
                current_plan_date desc nulls last,
                plan_id desc
        ) = 1 as is_active
    from plans
),

requests as (
    select
        requests.case_id,
        requests.person_id,
        requests.source_system,
        requests.record_keys,
        requests.is_ours,
        requests.received_date,
        requests.request_source_code,
        {%- for decision in ['assess', 'issue'] %}
        if(
            coalesce(requests.decision_to_{{ decision }}_date > the_return.reference_day, false),
            null,
            requests.decision_to_{{ decision }}_code
        ) as decision_to_{{ decision }}_code,
        {%- endfor %}
        {{ seen('requests.decision_to_assess_date') }} as decision_to_assess_date,
        {{ seen('requests.refused_to_issue_date') }} as refused_to_issue_date,
        {{ seen('requests.final_issued_date') }} as final_issued_date,
        {{ seen('requests.closed_date') }} as closed_date,
        coalesce(requests.is_in_youth_accommodation, false) as is_in_youth_accommodation,
        requests.exported_to_la_code,
        requests.held_twenty_week_exception,
        {%- for flag in flags %}
        requests.has_{{ flag }},
        {%- endfor %}
        requests.has_mediation,
        requests.has_tribunal
    from {{ ref('int_requests__merged') }} as requests
    cross join the_return
    where
        requests.person_id is not null
        and coalesce(requests.received_date <= the_return.reference_day, true)
),

-- A plan's case: the one that it names, else the one of the same person and date of issue.
cases_of_plans as (
    select
        plan_id,
        case_id,
        is_active,
        is_open,
        initial_plan_date,
        is_named
    from (
        select
            plans.plan_id,
            named.case_id,
            named.received_date,
            plans.is_active,
            plans.is_open,
            plans.initial_plan_date,
            true as is_named
        from (
            select
                case_id,
                person_id,
                received_date,
                unnest(record_keys) as record_key
            from requests
        ) as named
        inner join ordered_plans as plans
            on named.record_key = plans.record_key and named.person_id = plans.person_id

        union all

        select
            plans.plan_id,
            requests.case_id,
            requests.received_date,
            plans.is_active,
            plans.is_open,
            plans.initial_plan_date,
            false as is_named
        from requests
        inner join ordered_plans as plans
            on requests.person_id = plans.person_id and requests.final_issued_date = plans.initial_plan_date
    ) as both_ways
    qualify
        row_number() over (
            partition by plan_id order by is_named desc, received_date asc nulls first, case_id asc
        ) = 1
),

-- Of several plans of a case the one that stands; the others have none.
plans_of_cases as (
    select
        case_id,
        plan_id
    from cases_of_plans
    qualify
        row_number() over (
            partition by case_id
            order by is_active desc, is_open desc, is_named desc, initial_plan_date desc nulls last, plan_id desc
        ) = 1
),

joined as (
    select
        coalesce(requests.person_id, plans.person_id) as person_id,
        requests.* exclude (person_id, source_system, record_keys),
        requests.source_system as case_source_system,
        plans.* exclude (person_id, source_system, record_key),
        plans.source_system as plan_source_system,
        requests.case_id is not null as has_case,
        plans.plan_id is not null as has_plan,
        coalesce(requests.final_issued_date, plans.initial_plan_date) as issued_date,
        coalesce(requests.decision_to_assess_code = 'N', false) as is_refused_to_assess,
        coalesce(
            requests.refused_to_issue_date is not null or requests.decision_to_issue_code = 'N', false
        ) as is_refused_to_issue,
        -- Of another authority's assessment nothing is returned as decided here.
        coalesce(
            requests.case_id is null or not requests.is_ours or plans.transferred_in_from_la_code is not null, false
        ) as is_decided_elsewhere
    from requests
    left join plans_of_cases on requests.case_id = plans_of_cases.case_id
    full join ordered_plans as plans on plans_of_cases.plan_id = plans.plan_id
),

staged as (
    select
        joined.*,
        joined.has_plan or joined.issued_date is not null as is_issued,
        -- Whether there is a plan to return: the one that stands, one issued in W or after, or ceased in W.
        coalesce(
            joined.is_active
            or (
                coalesce(joined.cease_date >= the_return.window_start, true)
                and (
                    {{ is_not_before_window('joined.issued_date') }} or {{ is_in_sen2_window('joined.cease_date') }}
                )
            ),
            false
        ) as has_named_plan,
        -- The days of what concludes a request; of a refusal without a date, the day it was closed.
        if(
            joined.is_refused_to_assess, coalesce(joined.decision_to_assess_date, joined.closed_date), null
        ) as refused_to_assess_day,
        if(
            joined.is_refused_to_issue, coalesce(joined.refused_to_issue_date, joined.closed_date), null
        ) as refused_to_issue_day,
        case
            when joined.is_refused_to_assess then 'request'
            when joined.is_refused_to_issue then 'issue'
            else 'other'
        end as flag_stage,
        case
            when joined.is_decided_elsewhere then 'H'
            when joined.is_refused_to_assess then 'N'
            when is_issued and not {{ is_not_before_window('joined.issued_date') }} then 'H'
            when is_issued or joined.is_refused_to_issue or joined.decision_to_assess_code = 'Y'
                then if({{ is_not_before_window('joined.decision_to_assess_date') }}, 'Y', 'H')
            when joined.closed_date is not null then 'W'
            else 'A'
        end as request_outcome,
        case
            when joined.is_decided_elsewhere then 'H'
            when joined.is_refused_to_assess and not is_issued then null
            when joined.is_refused_to_issue then 'N'
            when is_issued then if({{ is_not_before_window('joined.issued_date') }}, 'Y', 'H')
            when request_outcome not in ('Y', 'H') then null
            when joined.closed_date is not null then 'W'
            else 'A'
        end as assessment_outcome
    from joined
    cross join the_return
),

mattering as (
    select
        staged.*,
        -- By which what hangs below the active plan is joined: a condition beside the keys would make it a nested loop.
        if(staged.is_active, staged.plan_id, null) as active_plan_id,
        if(staged.is_active, staged.person_id, null) as active_person_id
    from staged
    cross join the_return
    where
        staged.has_named_plan
        or (
            staged.has_case
            and coalesce(staged.received_date <= the_return.window_end, true)
            and (
                -- Under way at the end of the window.
                coalesce(
                    least(
                        staged.refused_to_assess_day,
                        staged.refused_to_issue_day,
                        staged.issued_date,
                        staged.closed_date
                    ) > the_return.window_end,
                    not (staged.has_plan and staged.issued_date is null)
                )
                or {{ is_in_sen2_window('staged.decision_to_assess_date') }}
                or {{ is_in_sen2_window('staged.refused_to_assess_day') }}
                or {{ is_in_sen2_window('staged.refused_to_issue_day') }}
                or (
                    {{ is_in_sen2_window('staged.closed_date') }}
                    and not (staged.is_refused_to_assess or staged.is_refused_to_issue or staged.is_issued)
                )
            )
        )
),

last_reviews as (
    select
        reviews.plan_id,
        reviews.review_id,
        reviews.meeting_date,
        if(
            coalesce(reviews.decision_date > the_return.reference_day, false), null, reviews.review_outcome_code
        ) as review_outcome_code,
        {{ seen('reviews.decision_date') }} as decision_date,
        {{ seen('reviews.draft_amended_plan_date') }} as draft_amended_plan_date
    from {{ ref('int_reviews__unioned') }} as reviews
    cross join the_return
    where reviews.plan_id is not null and reviews.meeting_date <= the_return.reference_day
    qualify row_number() over (partition by reviews.plan_id order by reviews.meeting_date desc) = 1
),

-- Rank 3 never moves up. What means no need, or what nobody knows, is none.
needs as (
    select
        needs.person_id,
        list(
            needs.sen_type_code
            order by needs.need_rank asc, needs.start_date desc nulls last, needs.sen_type_code asc
        ) filter (where needs.sen_type_code is not null)[1:2] as need_codes
    from {{ ref('int_needs__ranked') }} as needs
    cross join the_return
    where
        needs.need_rank in (1, 2)
        and {{ is_open_at_reference('needs.start_date', 'needs.end_date') }}
        and needs.person_id in (select mattering.active_person_id from mattering)
    group by needs.person_id
),

-- The hub's, of whom Capita One has none.
hub_needs as (
    select
        person.person_id,
        arg_min(
            cases.primary_need_code,
            [
                cast(coalesce(plans.is_active, false) as integer) * -1,
                -1 * date_diff('day', date '0001-01-01', {{ seen('cases.final_plan_issued_date') }}),
                -1 * date_diff('day', date '0001-01-01', cases.request_received_date)
            ]
        ) as need_code
    from {{ ref('stg_ehc_hub__cases') }} as cases
    {{ person_join('ehc_hub', 'cases.case_id') }}
    left join ordered_plans as plans on plans.record_key = 'ehc_hub ' || cases.case_id
    cross join the_return
    where coalesce(cases.request_received_date <= the_return.reference_day, true)
    group by person.person_id
)

select
    cases.person_id,
    cases.case_id,
    if(cases.has_named_plan, cases.plan_id, null) as plan_id,
    dense_rank() over (order by cases.person_id) as person_table_id,
    row_number() over (
        order by
            cases.person_id asc,
            cases.received_date asc nulls last,
            cases.has_case desc,
            coalesce(cases.case_id, cases.plan_id) asc
    ) as requests_table_id,
    coalesce(cases.case_source_system, cases.plan_source_system) as source_system,
    if(cases.is_ours, cases.received_date, null) as received_date,
    cases.request_source_code,
    coalesce(cases.is_in_youth_accommodation, false) as is_in_youth_accommodation,
    cases.request_outcome,
    case cases.request_outcome
        when 'Y' then cases.decision_to_assess_date
        when 'N' then cases.decision_to_assess_date
    end as request_outcome_date,
    cases.exported_to_la_code,
    cases.assessment_outcome,
    case cases.assessment_outcome
        when 'Y' then cases.issued_date
        when 'N' then cases.refused_to_issue_date
    end as assessment_outcome_date,
    {%- for flag in flags %}
    {%- set stage, kind = flag.split('_') %}
    case
        when cases.case_id is null or cases.case_source_system = 'ehc_hub' then false
        {%- if are_flags_by_stage %}
        else cases.has_{{ flag }}
        {%- else %}
        when cases.has_{{ kind }} is not null then cases.has_{{ kind }} and cases.flag_stage = '{{ stage }}'
        {%- endif %}
    end as has_{{ flag }},
    {%- endfor %}
    if(
        cases.case_id is null or cases.case_source_system = 'ehc_hub', false, cases.held_twenty_week_exception
    ) as has_twenty_week_exception,
    cases.has_named_plan,
    coalesce(cases.is_active, false) as is_active,
    cases.plan_source_system,
    if(cases.has_plan, cases.start_date, cases.issued_date) as start_date,
    cases.residential_code,
    cases.work_based_learning_code,
    cases.has_personal_budget,
    cases.has_organised_arrangements,
    cases.direct_payment_code,
    cases.cease_date,
    cases.cease_reason_code,
    cases.named_urn,
    cases.setting_type_code,
    if(
        {{ is_in_sen2_window('coalesce(cases.transferred_in_date, cases.start_date)') }},
        cases.transferred_in_from_la_code,
        null
    ) as transferred_in_from_la_code,
    last_reviews.review_id,
    last_reviews.meeting_date,
    last_reviews.review_outcome_code,
    last_reviews.decision_date,
    last_reviews.draft_amended_plan_date,
    {%- set is_due -%}
    cases.phase_transfer_due_date between the_return.window_start and make_date(the_return.survey_year, 3, 31)
    {%- endset %}
    if({{ is_due }}, cases.phase_transfer_due_date, null) as phase_transfer_due_date,
    if({{ is_due }}, cases.phase_transfer_final_date, null) as phase_transfer_final_date,
    if(
        cases.is_active,
        case
            when needs.person_id is not null then needs.need_codes
            when hub_needs.need_code is not null then [hub_needs.need_code]
        end,
        null
    ) as need_codes
from mattering as cases
cross join the_return
left join last_reviews on cases.active_plan_id = last_reviews.plan_id
left join needs on cases.active_person_id = needs.person_id
left join hub_needs on cases.active_person_id = hub_needs.person_id
