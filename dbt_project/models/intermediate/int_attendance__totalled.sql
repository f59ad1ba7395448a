-- The one pass over a year of weekly attendance that the lists need.
select
    student_id,
    count(*) as record_count,
    coalesce(sum(sessions_possible_count) filter (where is_in_window), 0) as sessions_possible_count,
    coalesce(sum(authorised_absence_count) filter (where is_in_window), 0)
    + coalesce(sum(unauthorised_absence_count) filter (where is_in_window), 0) as sessions_absent_count
from (
    select
        *,
        {{ is_within_months('week_commencing_date', 6) }} as is_in_window
    from {{ ref('stg_capita_one__attendance') }}
) as weeks
group by student_id
