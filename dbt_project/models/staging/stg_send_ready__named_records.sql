-- The student whom a record of social care or of the hub names: by Student ID, or by the bridge. Ephemeral, as most
-- councils have neither.
{{ config(materialized='ephemeral') }}

{%- if execute and not are_records_named() %}

select
    null as source_system,
    null as source_id,
    null as student_id
where false
{%- else %}

with named as (
    select
        'social_care' as source_system,
        person_id as source_id,
        student_id
    from {{ source('raw', 'social_care__involvements') }}
    union
    select
        'ehc_hub' as source_system,
        case_reference as source_id,
        null as student_id
    from {{ source('raw', 'ehc_hub__cases') }}
)

select
    named.source_system,
    named.source_id,
    min(coalesce(named.student_id, bridged.student_id)) as student_id
from named
left join {{ students_by_name() }} as bridged
    on 'KEY-' || upper(named.source_system) || '-' || named.source_id = bridged.named_by
group by named.source_system, named.source_id
-- Two children for one record: neither.
having count(distinct coalesce(named.student_id, bridged.student_id)) = 1
{%- endif %}
