-- Every date of the feeds that tells something that happened to a child. What the two case systems both hold is
-- merged already where it is read; wording and limits are in seeds/spec/event_types.csv.
with requests as (
    select
        *,
        -- No time runs against us for what another authority did.
        if(is_ours, received_date, null) as clock_date
    from {{ ref('int_requests__merged') }}
    where person_id is not null
),

plans as (
    select * from {{ ref('int_plans__unioned') }}
    where person_id is not null
),

reviews as (
    select * from {{ ref('int_reviews__unioned') }}
    where person_id is not null
),

-- The plan that a request led to: named by either record, or issued on the same day. Where one system holds the
-- request's final plan and the other the plan, the first plan during the case is the same one, and its date counts.
led_to as (
    select
        requests.case_id,
        requests.clock_date,
        requests.has_twenty_week_exception,
        plans.plan_id
    from requests
    inner join plans
        on
            requests.person_id = plans.person_id
            and plans.initial_plan_date is not null -- else the request alone tells when
            and (
                requests.case_id = plans.involvement_id
                -- A hub case that Capita One's request is merged with still ends the plan that the hub alone holds.
                or 'HUB-' || plans.case_id in (requests.case_id, requests.closed_case_id)
                or requests.final_issued_date = plans.initial_plan_date
                or (
                    starts_with(requests.final_issued_case_id, 'HUB-') = (plans.source_system = 'capita_one')
                    and requests.received_date <= plans.initial_plan_date
                    and plans.initial_plan_date <= coalesce(requests.closed_date, {{ as_at() }})
                )
            )
    where requests.final_issued_date is not null
    qualify
        row_number() over (
            partition by requests.case_id
            order by
                coalesce(requests.case_id in (plans.involvement_id, 'HUB-' || plans.case_id), false) desc,
                coalesce(requests.final_issued_date = plans.initial_plan_date, false) desc,
                plans.initial_plan_date asc nulls last,
                plans.plan_id asc
        ) = 1
),

asked_for as (
    select
        plan_id,
        max(clock_date) as clock_date,
        bool_or(has_twenty_week_exception) as has_twenty_week_exception
    from led_to
    group by plan_id
),

-- Issued in a request's record alone.
without_plan_record as (
    select * from requests
    where final_issued_date is not null and case_id not in (select led_to.case_id from led_to)
),

request_events as (
    select
        'request_received' as event_type,
        person_id,
        received_date as event_date,
        {{ request_source('case_id') }},
        request_source_code as code,
        nullif(assessment_type_code, 'INI') as detail
    from requests
    union all by name
    select
        'assess_decision' as event_type,
        person_id,
        decision_to_assess_date as event_date,
        {{ request_source('decision_to_assess_case_id') }},
        decision_to_assess_code as code,
        clock_date as counted_from_date,
        decision_to_assess_date as counted_to_date
    from requests
    union all by name
    select
        'draft_plan' as event_type,
        person_id,
        draft_issued_date as event_date,
        {{ request_source('draft_issued_case_id') }}
    from requests
    union all by name
    select
        if(refused_to_issue_date is null, 'issue_decision', 'issue_refusal') as event_type,
        person_id,
        coalesce(refused_to_issue_date, decision_to_issue_date) as event_date,
        {{ request_source('decision_to_issue_case_id') }},
        if(refused_to_issue_date is null, decision_to_issue_code, null) as code,
        clock_date as counted_from_date,
        refused_to_issue_date as counted_to_date
    from requests
    union all by name
    select
        'request_closed' as event_type,
        person_id,
        closed_date as event_date,
        {{ request_source('closed_case_id') }},
        inactive_reason_code as code
    from requests
    where
        final_issued_date is null
        and not coalesce(closed_date = decision_to_assess_date and decision_to_assess_code = 'N', false)
        and not coalesce(closed_date = refused_to_issue_date, false)
        {%- if does_return_speak() %}
        -- The return says that it was withdrawn, and not when.
        and source_system <> 'sen2'
        {%- endif %}
        -- It ended in a plan whose date cannot be read, and that is what closed.
        and not exists (
            select 1 from plans
            where
                plans.source_system = 'ehc_hub'
                and plans.initial_plan_date is null
                and requests.closed_case_id = 'HUB-' || plans.case_id
        )
),

plan_events as (
    select
        'plan_issued' as event_type,
        plans.person_id,
        plans.initial_plan_date as event_date,
        {{ plan_source('plans.plan_id') }},
        if(asked_for.has_twenty_week_exception, 'Y', null) as code,
        plans.transferred_in_from_la_code as detail,
        asked_for.clock_date as counted_from_date,
        plans.initial_plan_date as counted_to_date
    from plans
    left join asked_for on plans.plan_id = asked_for.plan_id
    union all by name
    select
        'plan_issued' as event_type,
        person_id,
        final_issued_date as event_date,
        {{ request_source('final_issued_case_id') }},
        if(has_twenty_week_exception, 'Y', null) as code,
        clock_date as counted_from_date,
        final_issued_date as counted_to_date
    from without_plan_record
    union all by name
    select
        'plan_ceased' as event_type,
        person_id,
        cease_date as event_date,
        {{ plan_source() }},
        cease_reason_code as code
    from plans
    union all by name
    select
        'plan_ceased' as event_type,
        person_id,
        closed_date as event_date,
        {{ request_source('closed_case_id') }},
        inactive_reason_code as code
    from without_plan_record
    union all by name
    select
        'phase_transfer_plan' as event_type,
        person_id,
        phase_transfer_final_date as event_date,
        {{ plan_source() }},
        phase_transfer_due_date as counted_from_date,
        phase_transfer_final_date as counted_to_date
    from plans
),

-- An amended plan may stand in its review, in its plan and in a hub case: one event a person and day, the review first.
amendments as (
    select
        1 as source_order,
        person_id,
        final_amended_plan_date as event_date,
        {{ review_source() }},
        meeting_date as counted_from_date,
        final_amended_plan_date as counted_to_date
    from reviews
    union all by name
    select
        2 as source_order,
        person_id,
        -- In the hub an amendment is one, whether the plan has a date or not.
        if(source_system = 'ehc_hub', current_plan_date, updated_plan_date) as event_date,
        {{ plan_source() }}
    from plans
    union all by name
    -- The hub fills what Capita One lacks.
    select
        3 as source_order,
        persons.person_id,
        persons.hub_plan_last_amended_date as event_date,
        {{ request_source("'HUB-' || persons.case_id") }}
    from {{ ref('int_persons__merged') }} as persons
    inner join plans on persons.person_id = plans.person_id
    where plans.is_main_plan and plans.source_system = 'capita_one' and plans.updated_plan_date is null
),

review_events as (
    select
        'review_meeting' as event_type,
        person_id,
        meeting_date as event_date,
        {{ review_source() }},
        -- The decision, where it is dated, is an event of its own.
        if(decision_date is null, review_outcome_code, null) as code,
        due_date as counted_from_date,
        meeting_date as counted_to_date
    from reviews
    union all by name
    select
        'review_decision' as event_type,
        person_id,
        decision_date as event_date,
        {{ review_source() }},
        review_outcome_code as code,
        meeting_date as counted_from_date,
        decision_date as counted_to_date
    from reviews
    union all by name
    select
        'amendment_notice' as event_type,
        person_id,
        amendment_notice_date as event_date,
        {{ review_source() }},
        meeting_date as counted_from_date,
        amendment_notice_date as counted_to_date
    from reviews
    union all by name
    select
        'plan_amended' as event_type,
        * exclude (source_order)
    from amendments
    qualify row_number() over (partition by person_id, event_date order by source_order, source_record) = 1
),

advice as (
    select
        *,
        concat(
            'case_reference=', case_id, '; advice_type=', advice_type_local, '; requested_date=', requested_date
        ) as source_record,
        coalesce(received_date <= {{ as_at() }}, false) as is_received
    from {{ ref('fct_advice') }}
),

advice_events as (
    select
        if(is_received, 'advice_requested', 'advice_awaited') as event_type,
        person_id,
        requested_date as event_date,
        'ehc_hub.advice' as source_feed,
        source_record,
        coalesce(advice_type_code, advice_type_local) as code,
        provider as detail,
        if(is_received, null, requested_date) as counted_from_date,
        {{ as_at() }} as counted_to_date
    from advice
    -- Without the column nobody knows what is still awaited.
    where is_received or {{ was_ever_received('ehc_hub.advice', ['received_date']) }}
    union all by name
    select
        'advice_received' as event_type,
        person_id,
        received_date as event_date,
        'ehc_hub.advice' as source_feed,
        source_record,
        coalesce(advice_type_code, advice_type_local) as code,
        provider as detail,
        requested_date as counted_from_date,
        received_date as counted_to_date
    from advice
),

school_events as (
    {%- for event_type, event_date, timetable in [
        ('school_joined', 'entry_date', "if(has_part_time_timetable, 'PT', null)"),
        ('school_left', 'leaving_date', 'cast(null as varchar)')
    ] %}
    select
        '{{ event_type }}' as event_type,
        person_id,
        {{ event_date }} as event_date,
        if(
            source_system = 'census', 'census.pupils', {{ feed_of_student('enrolments', 'placement_details') }}
        ) as source_feed,
        concat('student_id=', student_id, '; urn=', urn, '; entry_date=', entry_date) as source_record,
        enrolment_status_code as code,
        {{ timetable }} as detail,
        urn
    from {{ ref('fct_enrolment') }}
    {%- if event_type == 'school_left' %}
    -- A return says when a pupil came; that one is gone it may say by silence alone, which is no date.
    where source_system is distinct from 'census'
    {%- elif does_return_speak() %}
    where
        source_system is distinct from 'sen2'
        or entry_date not in (select returns.reference_date from {{ ref('stg_sen2__persons') }} as returns)
    {%- endif %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

exclusion_events as (
    select
        case exclusion_category_code
            when 'SUSP' then 'suspension'
            when 'PERM' then 'permanent_exclusion'
            else 'exclusion'
        end as event_type,
        person_id,
        start_date as event_date,
        if(source_system = 'census', 'census.exclusions', 'capita_one.exclusions') as source_feed,
        'exclusion_id=' || exclusion_id as source_record,
        exclusion_reason_code as code,
        urn,
        session_count
    from {{ ref('fct_exclusion') }}
),

-- What has a start and an end, each an event.
spell_events as (
    {%- for moment, date in [('started', 'start_date'), ('ended', 'end_date')] %}
    select
        'home_education_{{ moment }}' as event_type,
        person_id,
        {{ date }} as event_date,
        {{ feed_of_student('home_education', 'placement_details') }} as source_feed,
        concat('student_id=', student_id, '; start_date=', start_date) as source_record
    from {{ ref('fct_home_education') }}
    union all by name
    select
        'sen_provision_{{ moment }}' as event_type,
        person_id,
        {{ date }} as event_date,
        'capita_one.sen_provision' as source_feed,
        concat('student_id=', student_id, '; start_date=', start_date) as source_record,
        sen_provision_code as code
    from {{ ref('fct_sen_provision') }}
    -- Of the days on which a return found it, none is the day it began or ended.
    where source_system is distinct from 'census'
    union all by name
    select
        'need_{{ 'recorded' if moment == 'started' else moment }}' as event_type,
        person_id,
        {{ date }} as event_date,
        {{ feed_of_student('sen_needs', 'sen_needs') }} as source_feed,
        concat('student_id=', student_id, '; sen_type=', sen_type_local) as source_record,
        coalesce(sen_type_code, sen_type_local) as code,
        need_rank
    from {{ ref('fct_sen_need') }}
    union all by name
    select
        'social_care_{{ moment }}' as event_type,
        person_id,
        {{ date }} as event_date,
        if(source_system = 'ilacs', 'ilacs.involvements', 'social_care.involvements') as source_feed,
        concat(
            'person_id=', social_care_id, '; status=', social_care_status_local, '; start_date=', start_date
        ) as source_record,
        coalesce(social_care_status_code, social_care_status_local) as code,
        team as detail
    from {{ ref('fct_social_care_involvement') }}
    {{ 'union all by name' if not loop.last }}
    {%- endfor %}
),

-- Nobody misses half of a week in all who did not miss half of it at some school.
severe_somewhere as (
    select distinct person_id
    from {{ ref('fct_attendance_week') }}
    where
        source_system is distinct from 'census'
        and sessions_possible_count > 0
        and 2 * (coalesce(authorised_absence_count, 0) + coalesce(unauthorised_absence_count, 0))
        >= sessions_possible_count
        {{ is_of_a_week('fct_attendance_week') }}
),

-- Their weeks with sessions, at all schools together.
attended_weeks as (
    select
        person_id,
        min(student_id) as student_id,
        min(week_commencing_date) as week_date,
        sum(sessions_possible_count) as possible,
        coalesce(sum(authorised_absence_count), 0) + coalesce(sum(unauthorised_absence_count), 0) as absent,
        row_number() over (partition by person_id order by min(week_commencing_date)) as week_number
    from {{ ref('fct_attendance_week') }}
    where
        source_system is distinct from 'census'
        and sessions_possible_count > 0
        and week_commencing_date <= {{ as_at() }}
        and person_id in (select severe_somewhere.person_id from severe_somewhere)
        {{ is_of_a_week('fct_attendance_week') }}
    group by person_id, date_trunc('week', week_commencing_date)
),

absence_events as (
    select
        'severe_absence' as event_type,
        person_id,
        min(week_date) as event_date,
        nullif(max(week_date), min(week_date)) as end_date,
        'capita_one.attendance' as source_feed,
        concat('student_id=', min(student_id), '; week_commencing=', min(week_date)) as source_record,
        cast(sum(absent) as bigint) as session_count,
        cast(sum(possible) as bigint) as sessions_possible_count,
        cast(count(*) as integer) as week_count,
        cast((2000 * sum(absent) + sum(possible)) // (2 * sum(possible)) as decimal(17, 0)) * 0.1 as missed_pct
    from (
        select
            *,
            week_number - row_number() over (partition by person_id order by week_number) as spell_number
        from attended_weeks
        where 2 * absent >= possible
    ) as severe_weeks
    group by person_id, spell_number
),

events as (
    {%- for part in ['request', 'plan', 'review', 'advice', 'school', 'exclusion', 'spell', 'absence'] %}
    select * from {{ part }}_events
    union all by name
    {%- endfor %}
    select
        'died' as event_type,
        person_id,
        death_date as event_date,
        'capita_one.students' as source_feed,
        'student_id=' || student_id as source_record
    from {{ ref('int_persons__merged') }}
),

timed as (
    select
        events.*,
        date_diff('day', events.counted_from_date, events.counted_to_date) - cast(limits.days as integer)
            as days_over
    from events
    left join {{ ref('event_types') }} as types on events.event_type = types.event_type
    left join {{ ref('statutory_limits') }} as limits on types.limit_name = limits.limit_name
    where events.person_id is not null and events.event_date <= {{ as_at() }}
)

select
    event_type || '; ' || source_record as event_id,
    person_id,
    event_date,
    end_date,
    event_type,
    split_part(source_feed, '.', 1) as source_system,
    source_feed,
    source_record,
    code,
    detail,
    urn,
    counted_from_date,
    cast(if(days_over < 0, 0, days_over) as integer) as days_late,
    session_count,
    sessions_possible_count,
    week_count,
    cast(missed_pct as decimal(18, 1)) as missed_pct,
    need_rank,
    {{ run_columns() }}
from timed
