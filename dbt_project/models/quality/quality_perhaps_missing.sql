{%- set listing_feeds = {
    'capita_one.ehc_plans': 'List 1',
    'ehc_hub.cases': 'List 1',
    'capita_one.sen_provision': 'List 2',
    'capita_one.enrolments': 'List 2',
} -%}
-- Children who may be missing from a list, though a record of theirs says, or may say, that they belong there: what was
-- set aside, what could not be told, what one system hides of another. Whoever is on a list by another record is not
-- here. The same nights' issues (rule L-129) and the approver's brief begin with it.
with states as (
    select * from {{ ref('stg_send_ready__feeds') }}
),

people as (
    select
        persons.person_id,
        persons.student_id,
        persons.home_la_code,
        {{ age_years('persons.birth_date') }} as age_years,
        coalesce(lists.has_died, persons.death_date <= {{ as_at() }}, false) as has_died,
        coalesce(lists.has_open_plan, false) as has_open_plan,
        coalesce(lists.is_on_sen_support, false) as is_on_sen_support,
        coalesce(lists.is_on_list_1, false) as is_on_list_1,
        coalesce(lists.is_on_list_1 or lists.is_on_list_2, false) as is_on_a_list
    from {{ ref('int_persons__merged') }} as persons
    left join {{ ref('int_annex_a__persons') }} as lists on persons.person_id = lists.unique_id
),

-- Where a child is, or may be, on a roll of this area.
enrolments as (
    select
        enrolments.person_id,
        bool_or(enrolments.is_open and enrolments.enrolment_status_code is null) as is_status_unclear,
        bool_or(
            enrolments.is_on_roll
            and establishments.establishment_la_code is null
            and {{ was_ever_received('gias.establishments') }}
        ) as is_place_unclear,
        bool_or(
            enrolments.is_on_roll
            and (enrolments.is_own_la or not {{ was_ever_received('gias.establishments') }})
        ) as is_on_roll_here
    from {{ ref('int_enrolments__ranked') }} as enrolments
    left join {{ ref('int_establishments__phased') }} as establishments on enrolments.urn = establishments.urn
    group by enrolments.person_id
),

-- Every child who is on neither list, and what is known of school and home.
unlisted as (
    select
        people.*,
        enrolments.person_id is not null as was_ever_enrolled,
        coalesce(enrolments.is_status_unclear, false) as is_status_unclear,
        coalesce(enrolments.is_place_unclear, false) as is_place_unclear,
        coalesce(enrolments.is_on_roll_here, false) as is_on_roll_here,
        coalesce(people.home_la_code = '{{ var("la_code") }}', true) as is_home_here
    from people
    left join enrolments on people.person_id = enrolments.person_id
    where not people.is_on_a_list and not people.has_died
),

plans as (
    select * from {{ ref('int_plans__unioned') }}
),

planned as (
    select distinct person_id from plans
    where person_id is not null
),

capita_one_plans as (
    select
        person_id,
        max(cease_date) as last_cease_date,
        bool_and(cease_date is not null) as are_all_ceased
    from plans
    where source_system = 'capita_one' and person_id is not null
    group by person_id
),

cases as (
    select
        cases.*,
        person.person_id,
        coalesce(cases.plan_closed_date > {{ as_at() }}, true) as is_not_closed,
        coalesce(reviews.is_reviewed, false) as is_reviewed
    from {{ ref('stg_ehc_hub__cases') }} as cases
    {{ person_join('ehc_hub', 'cases.case_id') }}
    left join (
        select
            case_id,
            bool_or(meeting_date <= {{ as_at() }}) as is_reviewed
        from {{ ref('stg_ehc_hub__reviews') }}
        group by case_id
    ) as reviews on cases.case_id = reviews.case_id
),

set_aside as (
    select
        aside.*,
        people.is_on_list_1,
        people.is_on_a_list,
        people.has_died,
        people.is_on_sen_support,
        provision_xwalk.code as sen_provision_code,
        provision_xwalk.local_value is not null as is_sen_provision_mapped,
        status_xwalk.code as enrolment_status_code
    from {{ ref('stg_send_ready__set_aside') }} as aside
    {{ person_join('capita_one', 'aside.student_id') }}
    left join people on person.person_id = people.person_id
    left join {{ ref('xwalk_sen_provision') }} as provision_xwalk
        on lower(trim(aside.sen_provision_local)) = lower(trim(provision_xwalk.local_value))
    left join {{ ref('xwalk_enrolment_status') }} as status_xwalk
        on lower(trim(aside.enrolment_status_local)) = lower(trim(status_xwalk.local_value))
    where
        not coalesce(people.has_died, false)
        and not coalesce(aside.end_date <= {{ as_at() }}, false)
),

found as (
    {%- for feed, list in listing_feeds.items() %}
    select
        1 as kind_order,
        '{{ list }}' as list_name,
        null as unique_id,
        null as record_id,
        feed,
        null as file_name,
        null as line_no,
        if(
            status = 'refused',
            'The newest file of ' || title || ' was refused: whoever only that file holds is missing. '
            || if(was_ever_received, 'An older one is in use.', 'There is no older one.'),
            'No file of ' || title || ' was ever accepted: whoever it puts on the list is missing.'
        ) as reason,
        'Send the file again as soon as it is right: the issues of category File say what is wrong.' as fix
    from states
    where
        feed = '{{ feed }}'
        and (
            status = 'refused'
            {%- if feed.startswith('ehc_hub') %}
            -- A council without the hub has none of its files.
            or (status = 'missing' and {{ was_ever_received('ehc_hub.advice') }})
            or (status = 'missing' and {{ was_ever_received('ehc_hub.reviews') }})
            {%- else %}
            or status = 'missing'
            {%- endif %}
        )

    union all by name
    {%- endfor %}

    select
        2 as kind_order,
        case feed
            when 'capita_one.students' then 'List 1 or 2'
            when 'capita_one.ehc_plans' then 'List 1'
            when 'ehc_hub.cases' then 'List 1'
            else 'List 2'
        end as list_name,
        nullif(concat_ws(
            '; ', 'plan_id=' || plan_id, 'case_reference=' || case_id, 'student_id=' || student_id
        ), '') as record_id,
        feed,
        file_name,
        line_no,
        case quarantine_kind
            when 'key' then 'The record was set aside. ' || reason
            else 'The line was set aside, because it does not fit the header.'
        end as reason,
        'Put the record right in the source system, or export the file again: then the child is on the list.' as fix
    from set_aside
    where
        case feed
            -- A student without a readable ID; with one the plan or SEN support lists the child all the same.
            when 'capita_one.students' then student_id is null
            when 'capita_one.ehc_plans' then not coalesce(is_on_list_1, false)
            when 'capita_one.sen_provision'
                then
                    not coalesce(is_on_a_list, false)
                    and (not is_sen_provision_mapped or coalesce(sen_provision_code = 'K', false))
            when 'capita_one.enrolments'
                then
                    not coalesce(is_on_a_list, false)
                    and (student_id is null or coalesce(is_on_sen_support, false))
                    and coalesce(enrolment_status_code not in ('G', 'S'), true)
            else
                not coalesce(is_on_list_1, false)
                and (quarantine_kind = 'shape' or final_plan_issued_date is not null)
        end

    union all by name

    select
        3 as kind_order,
        'List 1' as list_name,
        null as unique_id,
        'plan_id=' || plan_id as record_id,
        'capita_one.ehc_plans' as feed,
        'The plan is open and names no Student ID, so nobody can tell whose it is.' as reason,
        {{ said('In Capita One, find out whose plan it is and enter the Student ID.') }} as fix
    from plans
    where source_system = 'capita_one' and person_id is null and is_open

    union all by name

    select
        3 as kind_order,
        'List 1' as list_name,
        unlisted.person_id as unique_id,
        if(
            plans.source_system = 'ehc_hub', 'case_reference=' || plans.case_id, 'plan_id=' || plans.plan_id
        ) as record_id,
        if(plans.source_system = 'ehc_hub', 'ehc_hub.cases', 'capita_one.ehc_plans') as feed,
        'The plan is dated after the list, so it does not count yet.' as reason,
        'Check the date the first plan was issued.' as fix
    from plans
    inner join people as unlisted on plans.person_id = unlisted.person_id
    where
        plans.initial_plan_date > {{ as_at() }}
        and coalesce(plans.cease_date > {{ as_at() }}, true)
        and not unlisted.is_on_list_1
        and not unlisted.has_died

    union all by name

    -- A plan of the hub that Capita One's older one hides.
    select
        3 as kind_order,
        'List 1' as list_name,
        people.person_id as unique_id,
        'case_reference=' || cases.case_id as record_id,
        'ehc_hub.cases' as feed,
        {{ said(
            'The EHC Hub holds a plan, issued after the one in Capita One ceased. Capita One counts, so it is '
            ~ 'not shown.'
        ) }}
            as reason,
        {{ said('In Capita One, enter the new plan; if there is none, close the case in the EHC Hub.') }} as fix
    from cases
    inner join people on cases.person_id = people.person_id
    inner join capita_one_plans on people.person_id = capita_one_plans.person_id
    where
        not people.is_on_list_1
        and not people.has_died
        and cases.is_not_closed
        and (cases.final_plan_issued_date <= {{ as_at() }} or cases.has_undated_plan)
        and capita_one_plans.are_all_ceased
        and coalesce(cases.final_plan_issued_date, cases.plan_last_amended_date) > capita_one_plans.last_cease_date

    union all by name

    -- A case whose plan has no date, and nothing that says it was agreed; or none, and something that says it is there.
    select
        3 as kind_order,
        'List 1' as list_name,
        people.person_id as unique_id,
        'case_reference=' || cases.case_id as record_id,
        'ehc_hub.cases' as feed,
        if(
            cases.is_final_plan_unreadable,
            'The date of the final plan cannot be read, and no agreement to issue it is recorded.',
            'The case has no final plan, but was amended or reviewed as if it had one.'
        ) as reason,
        {{ said('In the EHC Hub, enter the date the final plan was issued, and the decision.') }} as fix
    from cases
    inner join people on cases.person_id = people.person_id
    left join capita_one_plans on people.person_id = capita_one_plans.person_id
    where
        not people.is_on_list_1
        and not people.has_died
        and capita_one_plans.person_id is null
        and cases.is_not_closed
        and cases.final_plan_issued_date is null
        and not cases.has_undated_plan
        and coalesce(cases.decision_to_issue_code <> 'N', true)
        and (cases.is_final_plan_unreadable or cases.plan_last_amended_date <= {{ as_at() }} or cases.is_reviewed)

    union all by name

    -- A request of Capita One that ended in a plan which no plan record holds.
    select
        3 as kind_order,
        'List 1' as list_name,
        people.person_id as unique_id,
        'involvement_id=' || requests.case_id as record_id,
        'capita_one.ehcp_assessments' as feed,
        'The assessment ended in a final plan, and no record of a plan is held.' as reason,
        {{ said('In Capita One, enter the plan, or find out why the plans report leaves it out.') }} as fix
    from {{ ref('int_requests__merged') }} as requests
    inner join people on requests.person_id = people.person_id
    where
        requests.source_system = 'capita_one'
        and requests.is_ours
        and requests.final_issued_date <= {{ as_at() }}
        and coalesce(requests.closed_date > {{ as_at() }}, true)
        and coalesce(people.age_years <= 25, true)
        and not people.is_on_list_1
        and not people.has_died
        and people.person_id not in (select planned.person_id from planned)

    union all by name

    select
        3 as kind_order,
        'List 2' as list_name,
        unlisted.person_id as unique_id,
        'student_id=' || provision.student_id as record_id,
        'capita_one.sen_provision' as feed,
        if(
            provision.sen_provision_local is null,
            'The SEN provision is blank: it may be SEN support.',
            'The SEN provision is not mapped to a standard code: it may be SEN support.'
        ) as reason,
        {{ said('Add the value to xwalk_sen_provision.csv, or correct it in Capita One.') }} as fix
    from {{ ref('stg_capita_one__sen_provision') }} as provision
    {{ person_join('capita_one', 'provision.student_id') }}
    inner join unlisted on person.person_id = unlisted.person_id
    where
        (provision.is_sen_provision_unmapped or provision.sen_provision_local is null)
        and {{ is_open('provision.start_date', 'provision.end_date') }}
        and (
            unlisted.is_on_roll_here
            or unlisted.is_status_unclear
            or unlisted.is_place_unclear
            or not unlisted.was_ever_enrolled
        )

    union all by name

    select
        3 as kind_order,
        'List 2' as list_name,
        unlisted.person_id as unique_id,
        'student_id=' || unlisted.student_id as record_id,
        'capita_one.enrolments' as feed,
        case
            when unlisted.is_status_unclear
                then 'On SEN support, and the status of the enrolment is blank or not mapped to a standard code.'
            when unlisted.is_place_unclear
                then 'On SEN support at an establishment that GIAS does not hold: nobody can tell whose area it is in.'
            else 'On SEN support, of school age, and no enrolment was ever recorded.'
        end as reason,
        {{ said(
            'In Capita One, correct the enrolment (status and URN); map a new status in '
            ~ 'xwalk_enrolment_status.csv.'
        ) }} as fix
    from unlisted
    where
        unlisted.is_on_sen_support
        and (
            unlisted.is_status_unclear
            or unlisted.is_place_unclear
            or (
                not unlisted.was_ever_enrolled
                and unlisted.is_home_here
                and coalesce(unlisted.age_years between 5 and 15, true)
            )
        )

    union all by name

    -- What a return says and the system that counts does not, and what a return leaves open.
    select
        3 as kind_order,
        if(pupils.sen_provision_code = 'E', 'List 1', 'List 2') as list_name,
        unlisted.person_id as unique_id,
        'record_id=' || pupils.record_id as record_id,
        'census.pupils' as feed,
        case
            when pupils.sen_provision_code = 'E'
                then 'The school returned an EHC plan, and no record of a plan is held.'
            when pupils.sen_provision_code is null
                then 'The SEN provision of the return is blank or not mapped: it may be SEN support.'
            when provision.person_id is not null
                then 'The school returned SEN support, and Capita One, which counts, says otherwise.'
            when pupils.enrolment_status_code is null
                then 'On SEN support, and the enrolment status of the return is blank or not mapped.'
            else
                'On SEN support at a school that neither GIAS nor the return places in this council’s area.'
        end as reason,
        'Ask the school, and correct the return or the record in Capita One; map a new value in its crosswalk.' as fix
    from {{ ref('int_census__registrations') }} as pupils
    {{ person_join('census', 'pupils.source_id') }}
    inner join unlisted on person.person_id = unlisted.person_id
    left join (
        select distinct person_id
        from {{ ref('int_sen_provision__linked') }}
        where is_open and source_system <> 'census'
    ) as provision on person.person_id = provision.person_id
    left join {{ ref('int_establishments__phased') }} as schools on pupils.urn = schools.urn
    where
        pupils.is_latest
        and pupils.is_on_roll
        and pupils.is_registration
        and {{ is_open('pupils.start_date', 'pupils.end_date') }}
        and coalesce(pupils.sen_provision_code <> 'N', true)
        and coalesce(pupils.enrolment_status_code not in ('G', 'S'), true)
        and coalesce(schools.is_own_la, pupils.school_la_code = '{{ var("la_code") }}', true)
        and (
            coalesce(pupils.sen_provision_code, 'K') <> 'E'
            or unlisted.person_id not in (select planned.person_id from planned)
        )

    union all by name

    select
        3 as kind_order,
        'List 1' as list_name,
        unlisted.person_id as unique_id,
        'student_id=' || unlisted.student_id as record_id,
        'capita_one.sen_provision' as feed,
        'The SEN provision is E, an EHC plan, and no record of a plan is held.' as reason,
        {{ said(
            'In Capita One, enter the plan, or find out why the plans report leaves it out; else correct the SEN '
            ~ 'provision.'
        ) }}
            as fix
    from unlisted
    where
        unlisted.is_home_here
        and coalesce(unlisted.age_years <= 25, true)
        and unlisted.person_id in (
            select provision.person_id
            from {{ ref('int_sen_provision__linked') }} as provision
            where provision.is_open and provision.sen_provision_code = 'E'
        )
        and unlisted.person_id not in (select planned.person_id from planned)

    union all by name

    select
        4 as kind_order,
        if(has_open_plan, 'List 1', 'List 2') as list_name,
        person_id as unique_id,
        'student_id=' || student_id as record_id,
        'capita_one.students' as feed,
        'Left out because a date of death is recorded; the plan or SEN support is still open.' as reason,
        {{ said(
            'If the person died, cease the plan or end the SEN support. If not, remove the date of death in '
            ~ 'Capita One.'
        ) }}
            as fix
    from people
    where has_died and (has_open_plan or is_on_sen_support)
),

-- A child may be missing for one reason in several records.
distinctly as (
    select distinct * from found
)

select
    cast(row_number() over (
        order by
            distinctly.kind_order,
            distinctly.list_name,
            distinctly.feed,
            distinctly.file_name,
            distinctly.line_no,
            distinctly.unique_id,
            distinctly.record_id,
            distinctly.reason
    ) as integer) as missing_no,
    distinctly.list_name,
    distinctly.unique_id,
    distinctly.record_id,
    distinctly.feed,
    distinctly.file_name,
    cast(distinctly.line_no as bigint) as line_no,
    distinctly.reason,
    distinctly.fix,
    coalesce(states.owner, 'Data team') as owner,
    {{ run_columns() }}
from distinctly
left join states on distinctly.feed = states.feed
