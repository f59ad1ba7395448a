-- Pairs of records that resemble one another and are not one person. A row of person_decisions settles a pair.
-- Probabilistic matching (splink) will add its pairs here, with their probability as the score.
with records as (
    select
        records.*,
        person.person_id,
        person.is_ambiguous,
        records.source_system <> 'capita_one' and person.link_rule is null as is_left_over
    from {{ ref('int_person_records__unioned') }} as records
    inner join {{ ref('int_person_records__linked') }} as person on records.record_id = person.record_id
),

left_over as (
    select * from records
    where is_left_over
),

pairs as (
    select
        record_1,
        record_2,
        rule_order,
        rule
    from {{ ref('int_person_pairs__matched') }}

    union all

    select
        record_1,
        record_2,
        5 as rule_order,
        'upn, another birth date' as rule
    from {{ ref('int_person_upns__shared') }}

    {%- for rule, keys in [
        ('name and birth date', ['plain_name', 'birth_date']),
        ('forename, birth date and postcode', ['plain_forename', 'birth_date', 'plain_postcode']),
        ('name and postcode', ['plain_name', 'plain_postcode']),
    ] %}

    union all

    select
        least(left_over.record_id, records.record_id) as record_1,
        greatest(left_over.record_id, records.record_id) as record_2,
        {{ loop.index + 5 }} as rule_order,
        '{{ rule }}' as rule
    from left_over
    inner join records
        on
            {%- for key in keys %}
            left_over.{{ key }} = records.{{ key }} and
            {%- endfor %}
            left_over.record_id <> records.record_id
    {%- endfor %}
),

decisions as (
    select distinct
        record_1,
        record_2
    from {{ ref('stg_send_ready__person_decisions') }}
)

select
    pairs.record_1,
    pairs.record_2,
    pairs.rule,
    cast(null as double) as score,
    case
        when pairs.rule_order = 5 then 'P-01'
        when pairs.rule_order < 5 and (one.is_ambiguous or other.is_ambiguous) then 'P-02'
        else 'P-03'
    end as issue_rule,
    one.person_id as person_id_1,
    other.person_id as person_id_2,
    {{ run_columns() }}
from pairs
inner join records as one on pairs.record_1 = one.record_id
inner join records as other on pairs.record_2 = other.record_id
left join decisions on pairs.record_1 = decisions.record_1 and pairs.record_2 = decisions.record_2
where one.person_id <> other.person_id and decisions.record_1 is null
qualify row_number() over (partition by pairs.record_1, pairs.record_2 order by pairs.rule_order) = 1
