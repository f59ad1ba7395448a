-- Record ids sort by system, so in a pair with a student the student is record_1.
with recursive pairs as (
    select
        *,
        starts_with(record_1, 'capita_one:') as is_first_student,
        starts_with(record_2, 'capita_one:') as is_second_student
    from {{ ref('int_person_pairs__matched') }}
),

-- Records of the other systems merge among themselves; students only when a person decided it.
both_ways as (
    {%- for one, other in [('record_1', 'record_2'), ('record_2', 'record_1')] %}
    select
        rule_order,
        {{ one }} as from_id,
        {{ other }} as to_id
    from pairs
    where not is_first_student or (is_second_student and rule_order = 0)
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

parted as (
    {%- for record in ['record_1', 'record_2'] %}
    select {{ record }} as record_id
    from {{ ref('stg_send_ready__person_decisions') }}
    where decision = 'different'
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- Of those who match by one rule each follows the lowest. That joins the same records as all their pairs, of which a
-- thousand records with one placeholder for a name would have half a million. Where a person took a pair apart the
-- others of these two stay, since a chain may lead over any of them.
followed_records as (
    select
        from_id,
        min(to_id) as to_id
    from both_ways
    group by from_id, rule_order, if(rule_order = 0 or from_id in (select record_id from parted), to_id, null)
),

edges as (
    select
        from_id,
        to_id
    from followed_records
    union
    select
        to_id as from_id,
        from_id as to_id
    from followed_records
),

-- Outwards from each record that has none lower beside it; the lowest that reaches a record names its group.
reached as (
    select
        from_id as lowest_id,
        from_id as record_id
    from edges
    group by from_id
    having min(to_id) >= from_id
    union
    select
        reached.lowest_id,
        edges.to_id as record_id
    from reached
    inner join edges on reached.record_id = edges.from_id
),

records as (
    select
        records.record_id,
        records.source_system,
        records.source_id,
        coalesce(min(reached.lowest_id), records.record_id) as group_id
    from {{ ref('int_person_records__unioned') }} as records
    left join reached on records.record_id = reached.record_id
    group by records.record_id, records.source_system, records.source_id
),

candidates as (
    select
        pairs.record_2 as record_id,
        students.group_id as student_group_id,
        pairs.rule
    from pairs
    inner join records as students on pairs.record_1 = students.record_id
    where pairs.is_first_student and not pairs.is_second_student
    qualify pairs.rule_order = min(pairs.rule_order) over (partition by pairs.record_2)
),

-- The first rule that finds a student settles it; when it finds two, a person has to.
direct as (
    select
        record_id,
        min(student_group_id) as student_group_id,
        count(distinct student_group_id) as candidate_count,
        min(rule) as rule
    from candidates
    group by record_id
),

-- A record without a student of its own follows the records it belongs with.
followed as (
    select
        records.group_id,
        min(direct.student_group_id) as student_group_id,
        count(distinct direct.student_group_id) as candidate_count
    from direct
    inner join records on direct.record_id = records.record_id
    where direct.candidate_count = 1
    group by records.group_id
),

placed as (
    select
        records.*,
        case
            when records.source_system = 'capita_one' then records.group_id
            when direct.candidate_count = 1 then direct.student_group_id
            when direct.candidate_count is null and followed.candidate_count = 1 then followed.student_group_id
            else 'own ' || records.group_id
        end as anchor,
        case
            when records.source_system = 'capita_one' then null
            when direct.candidate_count = 1 then direct.rule
            when direct.candidate_count is null and followed.candidate_count = 1 then 'through another record'
        end as link_rule,
        records.source_system <> 'capita_one'
        and coalesce(direct.candidate_count, followed.candidate_count, 0) > 1 as is_ambiguous
    from records
    left join direct on records.record_id = direct.record_id
    left join followed on records.group_id = followed.group_id
),

named as (
    select
        *,
        min(source_id) filter (where source_system = 'ehc_hub') over (partition by anchor) as first_case_id,
        min(source_id) filter (where source_system = 'census') over (partition by anchor) as first_pupil_id,
        min(source_id) filter (where source_system = 'sen2') over (partition by anchor) as first_returned_id
    from placed
),

student_ids as (
    select source_id
    from placed
    where source_system = 'capita_one'
)

select
    record_id,
    source_system,
    source_id,
    coalesce(
        min(source_id) filter (where source_system = 'capita_one') over (partition by anchor),
        {{ hub_id('first_case_id', "'HUB-' || first_case_id in (select student_ids.source_id from student_ids)") }},
        {{ return_id('first_returned_id') }},
        'CENSUS-' || first_pupil_id,
        'SC-' || min(source_id) over (partition by anchor)
    ) as person_id,
    link_rule,
    is_ambiguous
from named
