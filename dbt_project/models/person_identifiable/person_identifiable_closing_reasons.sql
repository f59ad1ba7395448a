-- The one field of the feeds in which people write freely about a child: it may hold names, so it stays out of core.
{{ config(alias='closing_reasons') }}

with reasons as (
    select
        1 as source_order,
        'plan_ceased' as event_type,
        {{ plan_source() }},
        close_reason
    from {{ ref('int_plans__unioned') }}
    {%- for event_type in ['plan_ceased', 'request_closed'] %}
    union all
    select
        2 as source_order,
        '{{ event_type }}' as event_type,
        {{ request_source('closed_case_id') }},
        close_reason
    from {{ ref('int_requests__merged') }}
    {%- endfor %}
)

select
    events.event_id,
    events.person_id,
    reasons.close_reason as closing_reason,
    {{ run_columns() }}
from reasons
inner join {{ ref('fct_event') }} as events
    on reasons.event_type = events.event_type and reasons.source_record = events.source_record
where reasons.close_reason is not null
qualify row_number() over (partition by events.event_id order by reasons.source_order, reasons.close_reason) = 1
