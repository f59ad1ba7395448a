select
    feed.student_id,
    {{ code_columns('sen_provision', 'sen_provision') }},
    feed.start_date,
    {{ end_of('feed.start_date', 'feed.end_date') }} as end_date
from {{ records_of('capita_one__sen_provision', ['student_id', 'start_date']) }} as feed
{{ crosswalk_join('sen_provision', 'sen_provision') }}
