select
    feed.student_id,
    feed.urn,
    feed.week_commencing as week_commencing_date,
    feed.period_end as period_end_date,
    feed.sessions_possible as sessions_possible_count,
    feed.authorised_absence as authorised_absence_count,
    feed.unauthorised_absence as unauthorised_absence_count
from {{ attendance_by_period() }} as feed
