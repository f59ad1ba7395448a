select
    feed.student_id,
    {{ code_columns('sen_provision', 'sen_provision') }},
    feed.start_date,
    {{ end_of('feed.start_date', 'feed.end_date') }} as end_date
from {{ source('raw', 'capita_one__sen_provision') }} as feed
{{ crosswalk_join('sen_provision', 'sen_provision') }}
