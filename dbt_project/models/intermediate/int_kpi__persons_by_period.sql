-- Every derivation is the lists' own with the end of the period for D; each join below is set-wise, by intervals.
with periods as (
    select period_end
    from {{ ref('int_kpi__windows') }}
    where period_type = 'point'
),

people as (
    select person_id from {{ ref('int_plans__unioned') }}
    union
    select person_id from {{ ref('int_requests__merged') }}
    union
    select person_id from {{ ref('int_reviews__unioned') }}
    union
    select person_id from {{ ref('int_sen_provision__linked') }}
    where sen_provision_code = 'K'
    union
    select person.person_id
    from {{ ref('stg_ehc_hub__advice') }} as advice
    {{ person_join('ehc_hub', 'advice.case_id') }}
),

persons as (
    select
        persons.person_id,
        persons.birth_date,
        persons.death_date,
        case persons.sex_code when 'M' then 'Male' when 'F' then 'Female' else 'Unknown' end as sex,
        {{ ethnicity_group('persons.ethnicity_code') }} as ethnicity_group,
        {{ is_valid_upn('persons.upn') }} as is_upn_valid
    from {{ ref('int_persons__merged') }} as persons
    inner join people on persons.person_id = people.person_id
),

enrolments as (
    select
        periods.period_end,
        enrolments.person_id,
        arg_min(
            { 'urn': enrolments.urn, 'is_part_time': enrolments.has_part_time_timetable },
            { 'rank': enrolments.main_order, 'latest': -epoch(enrolments.entry_date), 'urn': enrolments.urn }
        ) filter (where enrolments.main_order is not null) as main,
        arg_min(
            { 'phase': enrolments.annex_a_phase },
            { 'latest': -epoch(enrolments.entry_date), 'urn': enrolments.urn }
        ) filter (where enrolments.enrolment_status_code = 'S') as subsidiary,
        coalesce(bool_or(enrolments.main_order is not null), false) as is_enrolled,
        coalesce(bool_or(enrolments.main_order is not null and enrolments.is_own_la), false) as is_enrolled_in_own_la
    from (
        select
            *,
            case enrolment_status_code when 'C' then 1 when 'M' then 1 when 'F' then 2 when 'O' then 3 end as main_order
        from {{ ref('int_enrolments__ranked') }}
        where person_id in (select persons.person_id from persons)
    ) as enrolments
    inner join periods
        on
            enrolments.entry_date <= periods.period_end
            and (enrolments.leaving_date is null or enrolments.leaving_date > periods.period_end)
    group by periods.period_end, enrolments.person_id
),

needs as (
    select
        periods.period_end,
        needs.person_id,
        needs.sen_type_code
    from {{ ref('int_needs__ranked') }} as needs
    inner join periods
        on
            coalesce(needs.start_date, periods.period_end) <= periods.period_end
            and (needs.end_date is null or needs.end_date > periods.period_end)
    where needs.person_id in (select persons.person_id from persons)
    qualify
        row_number() over (
            partition by needs.person_id, periods.period_end
            order by
                needs.need_rank asc nulls last,
                needs.start_date desc nulls last,
                needs.sen_type_code asc nulls last,
                needs.sen_type_local asc
        ) = 1
),

-- The hub's view of a person: the case whose plan is open, then the latest plan, then the latest request.
hub as (
    select
        period_end,
        person_id,
        arg_min(primary_need_code, case_order) as primary_need_code,
        max(named_placement_urn) filter (where case_order = 1) as named_placement_urn
    from (
        select
            periods.period_end,
            person.person_id,
            cases.primary_need_code,
            cases.named_placement_urn,
            row_number() over (
                partition by person.person_id, periods.period_end
                order by
                    {{ is_open_on('cases.final_plan_issued_date', 'cases.case_closed_date', 'periods.period_end') }}
                    desc,
                    if(
                        cases.final_plan_issued_date <= periods.period_end, cases.final_plan_issued_date, null
                    ) desc nulls last,
                    cases.request_received_date desc nulls last,
                    cases.case_id asc
            ) as case_order
        from {{ ref('stg_ehc_hub__cases') }} as cases
        inner join {{ ref('int_person_records__linked') }} as person
            on cases.case_id = person.source_id and person.source_system = 'ehc_hub'
        inner join periods
            on cases.request_received_date is null or cases.request_received_date <= periods.period_end
    ) as ordered
    group by period_end, person_id
),

home_education as (
    select distinct
        periods.period_end,
        episodes.person_id
    from {{ ref('int_home_education__linked') }} as episodes
    inner join periods
        on {{ is_open_on('episodes.start_date', 'episodes.end_date', 'periods.period_end') }}
),

sen_support as (
    select distinct
        periods.period_end,
        provision.person_id
    from {{ ref('int_sen_provision__linked') }} as provision
    inner join periods
        on
            provision.start_date <= periods.period_end
            and (provision.end_date is null or provision.end_date > periods.period_end)
    where provision.sen_provision_code = 'K'
),

care as (
    select
        periods.period_end,
        involvements.person_id,
        coalesce(
            arg_min(
                involvements.social_care_status_code,
                list_position(['CLA', 'CPP', 'CIN', 'CL', 'EH'], involvements.social_care_status_code)
            ),
            'Unknown'
        ) as care_status
    from {{ ref('int_social_care__ranked') }} as involvements
    inner join periods
        on
            involvements.start_date <= periods.period_end
            and (involvements.end_date is null or involvements.end_date > periods.period_end)
    group by periods.period_end, involvements.person_id
),

plans as (
    select *
    from {{ ref('int_kpi__plans_by_period') }}
    where is_main_plan
),

-- A meeting is a plan's last one until the next.
meetings as (
    select
        periods.period_end,
        held.plan_id,
        held.meeting_date as last_meeting_date
    from (
        select
            plan_id,
            meeting_date,
            lead(meeting_date) over (partition by plan_id order by meeting_date) as next_meeting_date
        from {{ ref('int_reviews__unioned') }}
        where plan_id is not null and meeting_date is not null
    ) as held
    inner join periods
        on
            held.meeting_date <= periods.period_end
            and (held.next_meeting_date is null or held.next_meeting_date > periods.period_end)
),

joined as (
    select
        periods.period_end,
        persons.person_id,
        persons.sex,
        persons.ethnicity_group,
        persons.is_upn_valid,
        {{ age_on('persons.birth_date', 'periods.period_end') }} as age_years,
        {{ survive('primary_need', 'needs.sen_type_code', 'hub.primary_need_code') }} as need_code,
        {{ survive('placement', 'enrolments.main.urn', 'hub.named_placement_urn') }} as main_urn,
        enrolments.main.is_part_time as has_part_time_timetable,
        enrolments.subsidiary.phase as subsidiary_phase,
        coalesce(enrolments.is_enrolled, false) as is_enrolled,
        home_education.person_id is not null as is_home_educated,
        care.care_status,
        coalesce(persons.death_date <= periods.period_end, false) as has_died,
        plans.plan_id is not null as has_open_plan,
        plans.plan_id,
        plans.initial_plan_date,
        plans.named_urn,
        plans.setting_type_code,
        plans.residential_code,
        meetings.last_meeting_date,
        -- Without GIAS nobody can tell whose school it is: better every enrolled child than none.
        sen_support.person_id is not null
        and coalesce(
            enrolments.is_enrolled_in_own_la
            or (enrolments.is_enrolled and not {{ was_ever_received('gias.establishments') }}),
            false
        ) as has_sen_support
    from persons
    cross join periods
    left join enrolments on persons.person_id = enrolments.person_id and periods.period_end = enrolments.period_end
    left join needs on persons.person_id = needs.person_id and periods.period_end = needs.period_end
    left join hub on persons.person_id = hub.person_id and periods.period_end = hub.period_end
    left join home_education
        on persons.person_id = home_education.person_id and periods.period_end = home_education.period_end
    left join sen_support on persons.person_id = sen_support.person_id and periods.period_end = sen_support.period_end
    left join care on persons.person_id = care.person_id and periods.period_end = care.period_end
    left join plans on persons.person_id = plans.person_id and periods.period_end = plans.period_end
    left join meetings on plans.plan_id = meetings.plan_id and plans.period_end = meetings.period_end
)

select
    joined.* exclude (need_code, has_died, has_open_plan, has_sen_support),
    coalesce(joined.need_code, 'Unknown') as primary_need,
    coalesce(main.annex_a_phase, 'Unknown') as phase,
    main.establishment_type_code as main_type_code,
    coalesce(main.establishment_la_code <> '{{ var("la_code") }}', false) as is_main_elsewhere,
    {{ age_band('joined.age_years') }} as age_band,
    case
        when joined.has_died then 'other'
        when joined.has_open_plan then 'plan'
        when joined.has_sen_support then 'SEN support'
        else 'other'
    end as sen_group
from joined
left join {{ ref('int_establishments__phased') }} as main on joined.main_urn = main.urn
