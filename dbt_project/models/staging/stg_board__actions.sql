select
    feed.action_id,
    feed.area,
    feed.action,
    feed.owner as action_owner,
    feed.start_date,
    feed.due_date,
    feed.percent_complete as complete_pct,
    {{ code_columns('action_status', 'status') }},
    feed.evidence,
    upper(feed.impact_measure) as impact_kpi_id
from {{ source('raw', 'board__actions') }} as feed
{{ crosswalk_join('action_status', 'status') }}
