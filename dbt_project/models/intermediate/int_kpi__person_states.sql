{%- set care_statuses = "['CLA', 'CPP', 'CIN', 'CL', 'EH', 'Unknown']" -%}
{%- set kinds = ['main', 'subsidiary', 'own_school', 'need', 'plan', 'support', 'home', 'care'] -%}
{%- set every_end = '((cast(1 as bigint) << cast((select count(*) from periods) as integer)) - 1)' -%}
-- Every derivation is the lists' own with the end of a period for D.
-- How: each end has a bit. What lasts is a spell, and the ends it is open at are the bits of one number. Of the spells
-- of a kind the first has its ends, the next what is left of its own, and so on (which comes first does not depend on
-- the day); the rest have none. So a person's ends fall into a few states, in which everything is as it is.
with periods as (
    select
        period_no,
        period_end
    from {{ ref('int_kpi__windows') }}
    where period_type = 'point'
),

people as (
    {%- for model in ['int_plans__dated', 'int_requests__merged', 'int_reviews__unioned'] %}
    select person_id from {{ ref(model) }}
    union
    {%- endfor %}
    select person.person_id
    from {{ ref('stg_ehc_hub__advice') }} as advice
    {{ person_join('ehc_hub', 'advice.case_id') }}
    union
    select person_id
    from {{ ref('int_sen_provision__linked') }}
    where sen_provision_code = 'K'
),

persons as (
    select
        persons.person_id,
        cast(row_number() over () as integer) as person_no,
        persons.birth_date,
        persons.death_date,
        case persons.sex_code when 'M' then 'Male' when 'F' then 'Female' else 'Unknown' end as sex,
        {{ ethnicity_group('persons.ethnicity_code') }} as ethnicity_group,
        {{ is_valid_upn(compared_upn('persons.upn')) }} as is_upn_valid
    from {{ ref('int_persons__merged') }} as persons
    inner join people on persons.person_id = people.person_id
),

enrolments as (
    select
        persons.person_no,
        enrolments.urn,
        enrolments.annex_a_phase,
        enrolments.is_own_la,
        enrolments.has_part_time_timetable,
        enrolments.entry_date,
        enrolments.leaving_date,
        enrolments.enrolment_status_code = 'S' as is_subsidiary,
        cast(row_number() over (
            partition by persons.person_no
            order by
                list_position(['C', 'M', 'F', 'O'], replace(enrolments.enrolment_status_code, 'M', 'C')) asc nulls last,
                enrolments.entry_date desc,
                enrolments.urn asc
        ) as integer) as place
    from {{ ref('int_enrolments__ranked') }} as enrolments
    inner join persons on enrolments.person_id = persons.person_id
    where enrolments.enrolment_status_code in ('C', 'M', 'F', 'O', 'S')
),

needs as (
    select
        persons.person_no,
        needs.sen_type_code,
        needs.source_system,
        needs.start_date,
        needs.end_date,
        cast(row_number() over (
            partition by persons.person_no
            order by
                needs.need_rank asc nulls last,
                needs.start_date desc nulls last,
                needs.sen_type_code asc nulls last,
                needs.sen_type_local asc
        ) as integer) as place
    from {{ ref('int_needs__ranked') }} as needs
    inner join persons on needs.person_id = persons.person_id
),

plans as (
    select
        persons.person_no,
        plans.plan_id,
        {%- if does_return_speak() %}
        -- When it was, a return does not say of a plan that was first issued before its year: by then, it was.
        if(
            plans.source_system = 'sen2' and plans.transferred_in_from_la_code is null,
            coalesce(
                plans.initial_plan_date,
                (
                    select make_date(cast(max(returns.return_year) as integer) - 1, 1, 1) - 1
                    from {{ ref('stg_sen2__persons') }} as returns
                    where returns.reference_date <= {{ as_at() }}
                )
            ),
            plans.initial_plan_date
        ) as initial_plan_date,
        {%- else %}
        plans.initial_plan_date,
        {%- endif %}
        plans.open_from_date,
        plans.cease_date,
        plans.named_urn,
        plans.setting_type_code,
        plans.residential_code,
        cast(row_number() over (
            partition by persons.person_no
            order by
                plans.initial_plan_date desc nulls last, plans.current_plan_date desc nulls last, plans.plan_id desc
        ) as integer) as place
    from {{ ref('int_plans__dated') }} as plans
    inner join persons on plans.person_id = persons.person_id
),

spells as (
    select
        person_no,
        if(is_subsidiary, 'subsidiary', 'main') as kind,
        place,
        entry_date as start_date,
        leaving_date as end_date
    from enrolments
    union all
    select
        person_no,
        'own_school' as kind,
        1 as place,
        entry_date as start_date,
        leaving_date as end_date
    from enrolments
    where is_own_la and not is_subsidiary
    union all
    -- The start of a need may be blank: it then holds from the beginning.
    select
        person_no,
        'need' as kind,
        place,
        coalesce(start_date, date '0001-01-01') as start_date,
        end_date
    from needs
    union all
    select
        person_no,
        'plan' as kind,
        place,
        open_from_date as start_date,
        cease_date as end_date
    from plans
    union all
    select
        persons.person_no,
        'support' as kind,
        1 as place,
        provision.start_date,
        provision.end_date
    from {{ ref('int_sen_provision__linked') }} as provision
    inner join persons on provision.person_id = persons.person_id
    where provision.sen_provision_code = 'K'
    union all
    select
        persons.person_no,
        'home' as kind,
        1 as place,
        episodes.start_date,
        episodes.end_date
    from {{ ref('int_home_education__linked') }} as episodes
    inner join persons on episodes.person_id = persons.person_id
    union all
    select
        persons.person_no,
        'care' as kind,
        coalesce(
            list_position({{ care_statuses }}, involvements.social_care_status_code), len({{ care_statuses }})
        ) as place,
        involvements.start_date,
        involvements.end_date
    from {{ ref('int_social_care__ranked') }} as involvements
    inner join persons on involvements.person_id = persons.person_id
),

-- How many ends lie before a day.
days as (
    select
        dates.the_date,
        cast(count(periods.period_end) as integer) as ends_before
    from (
        select start_date as the_date from spells
        union
        select end_date as the_date from spells
        union
        select meeting_date as the_date from {{ ref('int_reviews__unioned') }}
        union
        select death_date as the_date from persons
    ) as dates
    left join periods on dates.the_date > periods.period_end
    where dates.the_date is not null
    group by dates.the_date
),

open_spells as (
    select
        spells.person_no,
        spells.kind,
        spells.place,
        bit_or(
            {{ every_end }} & ~((cast(1 as bigint) << begun.ends_before) - 1)
            & if(spells.end_date is null, {{ every_end }}, (cast(1 as bigint) << ended.ends_before) - 1)
        ) as ends
    from spells
    inner join days as begun on spells.start_date = begun.the_date
    left join days as ended on spells.end_date = ended.the_date
    group by spells.person_no, spells.kind, spells.place
),

firsts as (
    select
        person_no,
        kind,
        place,
        ends & ~coalesce(
            bit_or(ends) over (
                partition by person_no, kind order by place asc rows between unbounded preceding and 1 preceding
            ),
            0
        ) as ends
    from open_spells
    where ends <> 0
),

-- A kind at a time: the ends of a state so far, split by what comes first at them.
states_0 as (
    select
        person_no,
        {{ every_end }} as ends
    from persons
),

{%- for kind in kinds %}

{{ kind }}_firsts as (
    select
        person_no,
        place,
        ends
    from firsts
    where kind = '{{ kind }}' and ends <> 0
    union all
    select
        persons.person_no,
        null as place,
        {{ every_end }} & ~coalesce(bit_or(firsts.ends), 0) as ends
    from persons
    left join firsts on persons.person_no = firsts.person_no and firsts.kind = '{{ kind }}'
    group by persons.person_no
),

states_{{ loop.index }} as (
    select
        states.* exclude (ends),
        {{ kind }}_firsts.place as {{ kind }}_place,
        states.ends & {{ kind }}_firsts.ends as ends
    from states_{{ loop.index0 }} as states
    inner join {{ kind }}_firsts on states.person_no = {{ kind }}_firsts.person_no
    where states.ends & {{ kind }}_firsts.ends <> 0
),
{%- endfor %}

-- The hub's view of a person: the case whose plan is open, then the latest plan, then the latest request.
hub_views as (
    select
        person_no,
        primary_need_code,
        named_placement_urn,
        bit_or(cast(1 as bigint) << period_no) as ends
    from (
        select
            person_no,
            period_no,
            arg_min(primary_need_code, case_order) as primary_need_code,
            max(named_placement_urn) filter (where case_order = 1) as named_placement_urn
        from (
            select
                persons.person_no,
                periods.period_no,
                cases.primary_need_code,
                cases.named_placement_urn,
                row_number() over (
                    partition by persons.person_no, periods.period_no
                    order by
                        {{ is_open_on(
                            hub_plan_start('cases', 'periods.period_end'),
                            'cases.plan_closed_date',
                            'periods.period_end'
                        ) }} desc,
                        if(
                            cases.final_plan_issued_date <= periods.period_end, cases.final_plan_issued_date, null
                        ) desc nulls last,
                        cases.request_received_date desc nulls last,
                        cases.case_id asc
                ) as case_order
            from {{ ref('stg_ehc_hub__cases') }} as cases
            inner join {{ ref('int_person_records__linked') }} as person
                on cases.case_id = person.source_id and person.source_system = 'ehc_hub'
            inner join persons on person.person_id = persons.person_id
            inner join periods
                on cases.request_received_date is null or cases.request_received_date <= periods.period_end
        ) as ordered
        group by person_no, period_no
    ) as viewed
    group by person_no, primary_need_code, named_placement_urn
),

hub as (
    select * from hub_views
    union all
    select
        persons.person_no,
        null as primary_need_code,
        null as named_placement_urn,
        {{ every_end }} & ~coalesce(bit_or(hub_views.ends), 0) as ends
    from persons
    left join hub_views on persons.person_no = hub_views.person_no
    group by persons.person_no
),

-- A meeting is a plan's last one until the next.
plan_meetings as (
    select
        held.plan_id,
        held.meeting_date,
        {{ every_end }} & ~((cast(1 as bigint) << met.ends_before) - 1)
        & if(held.next_meeting_date is null, {{ every_end }}, (cast(1 as bigint) << met_again.ends_before) - 1) as ends
    from (
        select
            plan_id,
            meeting_date,
            lead(meeting_date) over (partition by plan_id order by meeting_date) as next_meeting_date
        from {{ ref('int_reviews__unioned') }}
        where plan_id is not null and meeting_date is not null
    ) as held
    inner join days as met on held.meeting_date = met.the_date
    left join days as met_again on held.next_meeting_date = met_again.the_date
),

meetings as (
    select * from plan_meetings
    where ends <> 0
    union all
    select
        plans.plan_id,
        null as meeting_date,
        {{ every_end }} & ~coalesce(bit_or(plan_meetings.ends), 0) as ends
    from plans
    left join plan_meetings on plans.plan_id = plan_meetings.plan_id
    group by plans.plan_id
),

known as (
    select
        persons.*,
        {{ primary_need('needs', 'hub.primary_need_code') }} as need_code,
        {{ placement('main.urn', 'hub.named_placement_urn') }} as main_urn,
        states.main_place is not null as is_enrolled,
        main.has_part_time_timetable,
        subsidiary.annex_a_phase as subsidiary_phase,
        states.home_place is not null as is_home_educated,
        -- Without GIAS nobody can tell whose school it is: better every enrolled child than none.
        states.support_place is not null
        and (
            states.own_school_place is not null
            or (states.main_place is not null and not {{ was_ever_received('gias.establishments') }})
        ) as has_sen_support,
        {{ care_statuses }}[states.care_place] as care_status,
        plans.plan_id,
        plans.initial_plan_date,
        plans.named_urn,
        plans.setting_type_code,
        plans.residential_code,
        meetings.meeting_date as last_meeting_date,
        if(died.ends_before is null, {{ every_end }}, (cast(1 as bigint) << died.ends_before) - 1) as ends_alive,
        states.ends & hub.ends & coalesce(meetings.ends, {{ every_end }}) as ends
    from states_{{ kinds | length }} as states
    inner join persons on states.person_no = persons.person_no
    inner join hub on states.person_no = hub.person_no
    left join days as died on persons.death_date = died.the_date
    left join enrolments as main on states.person_no = main.person_no and states.main_place = main.place
    left join enrolments as subsidiary
        on states.person_no = subsidiary.person_no and states.subsidiary_place = subsidiary.place
    left join needs on states.person_no = needs.person_no and states.need_place = needs.place
    left join plans on states.person_no = plans.person_no and states.plan_place = plans.place
    left join meetings on plans.plan_id = meetings.plan_id
),

grouped as (
    select
        *,
        case
            when plan_id is not null then 'plan'
            when has_sen_support then 'SEN support'
            else 'other'
        end as sen_group,
        ends & ends_alive as group_ends
    from known
    union all
    select
        *,
        'other' as sen_group,
        ends & ~ends_alive as group_ends
    from known
)

select
    grouped.person_id,
    grouped.group_ends as ends,
    grouped.sen_group,
    grouped.sex,
    grouped.ethnicity_group,
    grouped.birth_date,
    grouped.is_upn_valid,
    coalesce(grouped.need_code, 'Unknown') as primary_need,
    coalesce(main.annex_a_phase, 'Unknown') as phase,
    grouped.main_urn,
    main.establishment_type_code as main_type_code,
    coalesce(main.establishment_la_code <> '{{ var("la_code") }}', false) as is_main_elsewhere,
    grouped.is_enrolled,
    grouped.has_part_time_timetable,
    grouped.subsidiary_phase,
    grouped.is_home_educated,
    grouped.care_status,
    grouped.plan_id,
    grouped.initial_plan_date,
    grouped.named_urn,
    grouped.setting_type_code,
    grouped.residential_code,
    grouped.last_meeting_date
from grouped
left join {{ ref('int_establishments__phased') }} as main on grouped.main_urn = main.urn
where grouped.group_ends <> 0
