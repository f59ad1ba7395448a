select
    feed.student_id,
    feed.urn,
    feed.week_commencing as week_commencing_date,
    feed.sessions_possible as sessions_possible_count,
    feed.authorised_absence as authorised_absence_count,
    feed.unauthorised_absence as unauthorised_absence_count
from {{ source('raw', 'capita_one__attendance') }} as feed
