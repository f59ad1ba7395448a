select
    upper(feed.kpi_id) as kpi_id,
    {{ code_columns('period_type', 'period_type') }},
    feed.period_end,
    coalesce(replace(lower(feed.breakdown_type), ' ', '_'), 'all') as breakdown_type,
    if(lower(coalesce(feed.breakdown_value, 'all')) = 'all', 'all', feed.breakdown_value) as breakdown_value,
    feed.numerator,
    feed.denominator,
    feed.source,
    feed.supplied_by,
    feed.note,
    feed._line_no as line_no
from {{ source('raw', 'board__measures') }} as feed
{{ crosswalk_join('period_type', 'period_type') }}
