-- Exact rules, in the order in which they are believed. A pair may match by several.
with records as (
    select * from {{ ref('int_person_records__unioned') }}
),

decisions as (
    select * from {{ ref('stg_send_ready__person_decisions') }}
),

keys as (
    select
        record_id,
        2 as rule_order,
        'upn and birth date' as rule,
        valid_upn || ' ' || birth_date as match_key
    from records
    union
    select
        record_id,
        2 as rule_order,
        'upn and birth date' as rule,
        valid_former_upn || ' ' || birth_date as match_key
    from records
    union all
    select
        record_id,
        3 as rule_order,
        'uln and birth date' as rule,
        valid_uln || ' ' || birth_date as match_key
    from records
    union all
    select
        record_id,
        4 as rule_order,
        'name, birth date and postcode' as rule,
        plain_name || ' ' || birth_date || ' ' || plain_postcode as match_key
    from records
),

pairs as (
    select
        record_1,
        record_2,
        0 as rule_order,
        'decided' as rule
    from decisions
    where decision = 'same'

    union all

    select
        students.record_id as record_1,
        cases.record_id as record_2,
        1 as rule_order,
        'migrated student id' as rule
    from records as cases
    inner join records as students
        on cases.migrated_student_id = students.source_id and students.source_system = 'capita_one'

    union

    {% if not execute or are_records_named() -%}
    select
        students.record_id as record_1,
        named.source_system || ':' || named.source_id as record_2,
        1 as rule_order,
        'student id' as rule
    from {{ ref('stg_send_ready__named_records') }} as named
    inner join records as students on named.student_id = students.source_id and students.source_system = 'capita_one'

    union

    {% endif -%}
    select
        one.record_id as record_1,
        other.record_id as record_2,
        one.rule_order,
        one.rule
    from keys as one
    inner join keys as other
        on one.rule_order = other.rule_order and one.match_key = other.match_key and one.record_id < other.record_id
)

select
    pairs.record_1,
    pairs.record_2,
    pairs.rule_order,
    pairs.rule
from pairs
inner join records as first_record on pairs.record_1 = first_record.record_id
inner join records as second_record on pairs.record_2 = second_record.record_id
left join decisions
    on
        pairs.record_1 = decisions.record_1
        and pairs.record_2 = decisions.record_2
        and decisions.decision = 'different'
where decisions.record_1 is null
