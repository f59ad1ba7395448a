select
    feed.student_id,
    {{ code_columns('sen_type', 'sen_type') }},
    feed.rank as need_rank,
    feed.start_date,
    {{ end_of('feed.start_date', 'feed.end_date') }} as end_date
from {{ records_of('capita_one__sen_needs', ['student_id', 'sen_type']) }} as feed
{{ crosswalk_join('sen_type', 'sen_type') }}
