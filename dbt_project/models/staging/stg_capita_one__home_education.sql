select
    feed.student_id,
    feed.start_date,
    {{ end_of('feed.start_date', 'feed.end_date') }} as end_date
from {{ records_of('capita_one__home_education', ['student_id', 'start_date']) }} as feed
