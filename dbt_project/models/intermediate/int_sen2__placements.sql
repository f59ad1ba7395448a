{{ config(tags=['sen2']) }}
{%- set has_feed = was_ever_received('capita_one.placements') -%}
-- What plans name (section I), and where children with an active plan are: by the placements feed if it came, which
-- then alone speaks; else by plans, enrolments and home education.
with the_return as (
    select * from {{ ref('int_sen2__return') }}
),

named_plans as (
    select
        requests_table_id,
        person_id,
        plan_id,
        is_active,
        plan_source_system,
        named_urn,
        setting_type_code
    from {{ ref('int_sen2__cases') }}
    where has_named_plan
),

-- A row that names no plan of its child is of the active one, else of the last.
plans_of_persons as (
    select
        person_id,
        arg_max(requests_table_id, [cast(is_active as integer), requests_table_id]) as requests_table_id
    from named_plans
    group by person_id
),

fed as (
    select
        coalesce(
            named_plans.requests_table_id, if(plans.plan_id is null, plans_of_persons.requests_table_id, null)
        ) as requests_table_id,
        coalesce(placements.is_section_i, false) as is_section_i,
        placements.placement_id,
        placements.urn,
        placements.ukprn,
        placements.setting_type_code,
        placements.setting_other,
        placements.placement_rank,
        placements.entry_date,
        placements.leaving_date,
        placements.is_sen_unit,
        placements.is_resourced_provision,
        placements.residential_code,
        placements.work_based_learning_code
    from {{ ref('stg_capita_one__placements') }} as placements
    {{ person_join('capita_one', 'placements.student_id') }}
    left join {{ ref('int_plans__unioned') }} as plans
        on placements.plan_id = plans.plan_id and coalesce(person.person_id = plans.person_id, true)
    left join named_plans on plans.plan_id = named_plans.plan_id
    left join plans_of_persons on person.person_id = plans_of_persons.person_id
    where {{ has_feed }}
),

enrolled as (
    select
        person_id,
        urn,
        entry_date,
        if(enrolment_status_code = 'S', '2', '1') as placement_rank,
        list_position(['C', 'M', 'F', 'O', 'S'], enrolment_status_code) as status_order
    from {{ ref('int_enrolments__ranked') }} as enrolments
    cross join the_return
    where
        enrolment_status_code in ('C', 'M', 'F', 'O', 'S')
        and enrolments.entry_date <= the_return.reference_day
        and coalesce(enrolments.leaving_date > the_return.reference_day, true)
        and not {{ has_feed }}
),

home_education as (
    select
        episodes.person_id,
        max(episodes.start_date) as entry_date
    from {{ ref('int_home_education__linked') }} as episodes
    cross join the_return
    where
        episodes.start_date <= the_return.reference_day
        and coalesce(episodes.end_date > the_return.reference_day, true)
        and not {{ has_feed }}
    group by episodes.person_id
),

-- An end before its start ends nothing; the return says it, and a check tells.
fed_in_time as (
    select fed.*
    from fed
    inner join named_plans on fed.requests_table_id = named_plans.requests_table_id
    cross join the_return
    where
        if(
            fed.is_section_i,
            -- What the plan names has no dates, or those of when it holds.
            {{ is_open_at_reference('fed.entry_date', end_of('fed.entry_date', 'fed.leaving_date')) }},
            named_plans.is_active
            and coalesce(fed.entry_date <= the_return.reference_day, true)
            and (
                {{ is_open_at_reference('fed.entry_date', end_of('fed.entry_date', 'fed.leaving_date')) }}
                or {{ is_in_sen2_window('fed.leaving_date') }}
            )
        )
),

placements as (
    select * from fed_in_time

    union all by name

    -- What the plan names. The hub's plans are in no feed of Capita One.
    select
        requests_table_id,
        true as is_section_i,
        named_urn as urn,
        setting_type_code,
        '1' as placement_rank
    from named_plans
    where
        coalesce(named_urn, setting_type_code) is not null
        and (not {{ has_feed }} or plan_source_system = 'ehc_hub')
        and requests_table_id not in (
            select fed_in_time.requests_table_id from fed_in_time
            where fed_in_time.is_section_i
        )

    union all by name

    select
        named_plans.requests_table_id,
        false as is_section_i,
        enrolled.urn,
        enrolled.placement_rank,
        enrolled.entry_date,
        enrolled.status_order
    from named_plans
    inner join enrolled on named_plans.person_id = enrolled.person_id
    where named_plans.is_active

    union all by name

    -- Without a main establishment: at home, else where the plan says; of the hub's plan only where nothing else tells.
    select
        named_plans.requests_table_id,
        false as is_section_i,
        if(
            home_education.person_id is null
            and named_plans.plan_source_system = 'ehc_hub'
            and named_plans.person_id not in (
                select enrolled.person_id from enrolled
                where enrolled.person_id is not null
            ),
            named_plans.named_urn,
            null
        ) as urn,
        if(home_education.person_id is not null, 'EHE', named_plans.setting_type_code) as setting_type_code,
        '1' as placement_rank,
        home_education.entry_date
    from named_plans
    left join home_education on named_plans.person_id = home_education.person_id
    where
        named_plans.is_active
        and (home_education.person_id is not null or coalesce(urn, named_plans.setting_type_code) is not null)
        and (not {{ has_feed }} or named_plans.plan_source_system = 'ehc_hub')
        and named_plans.person_id not in (
            select enrolled.person_id from enrolled
            where enrolled.placement_rank = '1' and enrolled.person_id is not null
        )
        and named_plans.requests_table_id not in (
            select fed_in_time.requests_table_id from fed_in_time
            where not fed_in_time.is_section_i
        )
)

select
    placements.requests_table_id,
    placements.is_section_i,
    row_number() over (
        partition by placements.requests_table_id, placements.is_section_i
        order by
            placements.placement_rank asc nulls last,
            coalesce(placements.leaving_date <= the_return.reference_day, false) asc,
            placements.status_order asc,
            placements.entry_date asc nulls last,
            placements.placement_id asc,
            placements.urn asc
    ) as place,
    placements.placement_id,
    placements.urn,
    if(placements.urn is null, placements.ukprn, null) as ukprn,
    if(coalesce(placements.urn, placements.ukprn) is null, placements.setting_type_code, null) as setting_type_code,
    if(
        coalesce(placements.urn, placements.ukprn) is null and placements.setting_type_code is not null,
        placements.setting_other,
        null
    ) as setting_other,
    placements.placement_rank,
    {{ seen('placements.entry_date') }} as entry_date,
    {{ seen('placements.leaving_date') }} as leaving_date,
    placements.is_sen_unit,
    placements.is_resourced_provision,
    placements.residential_code,
    placements.work_based_learning_code
from placements
cross join the_return
