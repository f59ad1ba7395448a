-- What dbt finds for people to put right, in the shape of send_ready/issues.py.
with feeds as (
    select * from {{ ref('quality_feeds') }}
),

-- Records that point at a student, plan or case that no file holds. Silent while the file itself never came:
-- the missing feed is then the issue.
orphans as (
    {%- for feed, model, count in [
        ('capita_one.enrolments', 'stg_capita_one__enrolments', 'count(*)'),
        ('capita_one.sen_provision', 'stg_capita_one__sen_provision', 'count(*)'),
        ('capita_one.sen_needs', 'stg_capita_one__sen_needs', 'count(*)'),
        ('capita_one.ehcp_assessments', 'stg_capita_one__ehcp_assessments', 'count(*)'),
        ('capita_one.ehc_plans', 'stg_capita_one__ehc_plans', 'count(*)'),
        ('capita_one.attendance', 'int_attendance__totalled', 'sum(record_count)'),
        ('capita_one.exclusions', 'stg_capita_one__exclusions', 'count(*)'),
        ('capita_one.home_education', 'stg_capita_one__home_education', 'count(*)'),
        ('capita_one.annual_reviews', 'stg_capita_one__annual_reviews', 'count(*)'),
        ('capita_one.placements', 'stg_capita_one__placements', 'count(*)'),
    ] %}
    select
        '{{ feed }}' as feed,
        'student_id' as column_name,
        'Student ID' as what,
        'students' as where_missing,
        student_id as missing_id,
        {{ count }} as record_count
    from {{ ref(model) }}
    where
        student_id in (
            select source_id
            from {{ ref('int_person_records__unioned') }}
            where source_system = 'capita_one' and not is_known_student
        )
        and {{ was_ever_received('capita_one.students') }}
    group by student_id

    union all
    {%- endfor %}

    {%- for feed, column, what, parent, parent_column in [
        ('capita_one.annual_reviews', 'plan_id', 'Plan ID', 'capita_one.ehc_plans', 'plan_id'),
        ('capita_one.placements', 'plan_id', 'Plan ID', 'capita_one.ehc_plans', 'plan_id'),
        ('ehc_hub.advice', 'case_id', 'Case Reference', 'ehc_hub.cases', 'case_id'),
        ('ehc_hub.reviews', 'case_id', 'Case Reference', 'ehc_hub.cases', 'case_id'),
    ] %}

    select
        '{{ feed }}' as feed,
        '{{ column | replace('case_id', 'case_reference') }}' as column_name,
        '{{ what }}' as what,
        '{{ parent.split('.')[1] | replace('_', ' ') | replace('ehc', 'EHC') }}' as where_missing,
        child.{{ column }} as missing_id,
        count(*) as record_count
    from {{ ref('stg_' ~ feed | replace('.', '__')) }} as child
    left join {{ ref('stg_' ~ parent | replace('.', '__')) }} as parent
        on child.{{ column }} = parent.{{ parent_column }}
    where
        parent.{{ parent_column }} is null
        and child.{{ column }} is not null
        and {{ was_ever_received(parent) }}
    group by child.{{ column }}

    union all
    {%- endfor %}

    select
        'ehc_hub.cases' as feed,
        'migrated_student_id' as column_name,
        'Migrated Student ID' as what,
        'students' as where_missing,
        migrated_student_id as missing_id,
        count(*) as record_count
    from {{ ref('quality_migration_reconciliation') }}
    where migrated_student_id is not null and not is_migrated and {{ was_ever_received('capita_one.students') }}
    group by migrated_student_id
),

upn_pairs as (
    select
        record_1,
        record_2,
        'P-01' as rule
    from {{ ref('int_person_upns__shared') }}

    union all

    select
        record_1,
        record_2,
        issue_rule as rule
    from {{ ref('quality_person_review_queue') }}
    where issue_rule <> 'P-01'
),

-- What a person decided and the records did not follow.
unheeded as (
    select distinct -- several decisions about one pair may come to the same
        decisions.record_1,
        decisions.record_2,
        case
            when decisions.decision not in ('same', 'different') or decisions.decision is null
                then 'It says neither same nor different.'
            when one.record_id is null or other.record_id is null
                then 'It names a record that no file holds.'
            when decisions.decision = 'same'
                then 'The two are not one person after all: another decision, or a third record, stands against it.'
            else 'The two are one person all the same: other records join them.'
        end as message
    from {{ ref('stg_send_ready__person_decisions') }} as decisions
    left join {{ ref('int_person_records__linked') }} as one on decisions.record_1 = one.record_id
    left join {{ ref('int_person_records__linked') }} as other on decisions.record_2 = other.record_id
    where
        not coalesce(decisions.decision = 'same' and one.person_id = other.person_id, false)
        and not coalesce(decisions.decision = 'different' and one.person_id <> other.person_id, false)
),

-- Schools whose Annex A phase GIAS does not tell.
unphased as (
    select
        main_urn,
        count(*) as person_count
    from {{ ref('int_annex_a__persons') }}
    where (is_on_list_1 or is_on_list_2) and is_main_urn_in_gias and main_phase is null
    group by main_urn
),

issues as (
    select
        'Mapping' as category,
        'M-01' as rule,
        'error' as severity,
        'The value “' || left(unmapped.local_value, 60) || '” is not mapped to a standard code: '
        || 'the records that hold it count as blank.' as message,
        'Add a row for it to ' || unmapped.crosswalk || '.csv, or correct the records.' as fix,
        'Data team' as owner,
        unmapped.feed,
        null as record_id,
        unmapped.column_name,
        sum(unmapped.record_count) as issue_count
    from {{ ref('int_unmapped_codes__located') }} as unmapped
    group by unmapped.feed, unmapped.column_name, unmapped.crosswalk, unmapped.local_value

    union all

    select
        'Linking' as category,
        rule,
        case rule when 'P-03' then 'query' else 'error' end as severity,
        case rule
            when 'P-01' then 'Two records hold the same UPN and different dates of birth. They were not merged for it.'
            when 'P-02' then 'A record fits more than one person. It was linked to none of them.'
            else 'Two records resemble one another. They were not merged.'
        end as message,
        case rule
            when 'P-01' then 'Correct the UPN or the date of birth in the system that has it wrong.'
            else 'Decide whether they are the same person and say so in decisions/person_links.csv.'
        end as fix,
        'Data team' as owner,
        null as feed,
        'record_1=' || record_1 || '; record_2=' || record_2 as record_id,
        null as column_name,
        1 as issue_count
    from upn_pairs

    union all

    select
        'Linking' as category,
        'P-04' as rule,
        'error' as severity,
        'A decision about two records has no effect. ' || message as message,
        'Correct the decision in decisions/person_links.csv, or take it out.' as fix,
        'Data team' as owner,
        null as feed,
        concat('record_1=', record_1, '; record_2=', record_2) as record_id,
        null as column_name,
        1 as issue_count
    from unheeded

    union all

    select
        'Source' as category,
        'O-01' as rule,
        'error' as severity,
        'The ' || orphans.what || ' of these records is not in the ' || orphans.where_missing
        || ' export. They were kept.' as message,
        'Correct the ' || orphans.what || ', or put the record it points at into the ' || orphans.where_missing
        || ' export.' as fix,
        coalesce(feeds.owner, 'Data team') as owner,
        orphans.feed,
        orphans.column_name || '=' || orphans.missing_id as record_id,
        orphans.column_name,
        orphans.record_count as issue_count
    from orphans
    left join feeds on orphans.feed = feeds.feed

    union all

    -- Before all others (publish/issues/order_of_work.py).
    select
        'Perhaps missing' as category,
        'L-129' as rule,
        'error' as severity,
        'Perhaps missing from ' || list_name || ': ' || reason as message,
        fix,
        owner,
        feed,
        record_id,
        null as column_name,
        count(*) as issue_count
    from {{ ref('quality_perhaps_missing') }}
    group by list_name, reason, fix, owner, feed, record_id

    union all

    select
        'Worth a look' as category,
        'W-01' as rule,
        'query' as severity,
        'GIAS does not tell the Annex A phase of this establishment: it is blank in the lists.' as message,
        'Look the establishment up and add a row for its type to gias_phase.csv.' as fix,
        'Data team' as owner,
        'gias.establishments' as feed,
        'urn=' || main_urn as record_id,
        'main_phase' as column_name,
        person_count as issue_count
    from unphased
    {%- if not execute or var('sen2', '') == 'beside' %}

    union all

    -- What differs of a child is in sen2_reconciliation alone.
    select
        'Linking' as category,
        case reconciled_as
            when 'only in the return' then 'S2-701'
            when 'plan in the return alone' then 'S2-702'
            else 'S2-703'
        end as rule,
        'query' as severity,
        case reconciled_as
            when 'only in the return'
                then
                    'The SEN2 return has this child with an active plan, and no other system has anybody of the UPN, '
                    || 'the ULN, or the name and date of birth.'
            when 'plan in the return alone'
                then {{ said('The SEN2 return has an active plan, and Capita One none that was open on its day.') }}
            else {{ said('A plan in Capita One was open on the day of the SEN2 return, which has none active.') }}
        end as message,
        case reconciled_as
            when 'only in the return'
                then {{ said('Look the child up in sen2_reconciliation.xlsx. Enter child and plan in Capita One, or '
                    ~ 'correct what the two are told by.') }}
            else {{ said('Look at the dates of the plan in Capita One: one of the two is wrong.') }}
        end as fix,
        'SEN casework team' as owner,
        'sen2.persons' as feed,
        nullif(concat_ws('; ', 'person_table_id=' || person_table_id, 'unique_id=' || unique_id), '') as record_id,
        null as column_name,
        1 as issue_count
    from {{ ref('int_sen2_read__reconciled') }}
    where
        reconciled_as in ('plan in the return alone', 'plan not in the return', 'not in the return')
        or (reconciled_as = 'only in the return' and is_returned_with_plan)
    {%- endif %}
)

select
    category,
    rule,
    severity,
    message,
    fix,
    owner,
    feed,
    cast(null as varchar) as list_name,
    cast(null as varchar) as unique_id,
    record_id,
    column_name,
    cast(null as varchar) as file_name,
    cast(null as bigint) as line_no,
    cast(issue_count as bigint) as count,
    {{ run_columns() }}
from issues
