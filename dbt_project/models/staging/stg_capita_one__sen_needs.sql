select
    feed.student_id,
    {{ code_columns('sen_type', 'sen_type') }},
    feed.rank as need_rank,
    feed.start_date,
    {{ end_of('feed.start_date', 'feed.end_date') }} as end_date
from {{ source('raw', 'capita_one__sen_needs') }} as feed
{{ crosswalk_join('sen_type', 'sen_type') }}
