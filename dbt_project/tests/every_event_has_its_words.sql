-- What: every event type of fct_event has a row in event_types.
-- When it matters: a chronology has no words for the event, and no time limit runs.
-- How to fix: add the row to seeds/spec/event_types.csv, or to the council's own copy of it.
select distinct events.event_type
from {{ ref('fct_event') }} as events
left join {{ ref('event_types') }} as types on events.event_type = types.event_type
where types.event_type is null
