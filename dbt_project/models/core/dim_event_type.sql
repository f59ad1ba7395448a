-- A council's own event_types.csv may lack a type; its events are here all the same.
with met as (
    select distinct event_type from {{ ref('fct_event') }}
)

select
    coalesce(met.event_type, types.event_type) as event_type,
    coalesce(types.title, met.event_type) as title,
    types.definition,
    types.code_set,
    types.detail_set,
    cast(limits.days as integer) as days_allowed,
    types.source_feeds,
    cast(types.sort_order as integer) as sort_order,
    {{ run_columns() }}
from met
full join {{ ref('event_types') }} as types on met.event_type = types.event_type
left join {{ ref('statutory_limits') }} as limits on types.limit_name = limits.limit_name
