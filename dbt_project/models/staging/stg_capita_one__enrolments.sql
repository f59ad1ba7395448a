select
    feed.student_id,
    feed.urn,
    {{ code_columns('enrolment_status', 'enrolment_status') }},
    feed.nc_year,
    feed.entry_date,
    {{ end_of('feed.entry_date', 'feed.leaving_date') }} as leaving_date,
    feed.part_time_timetable as has_part_time_timetable,
    feed.weekly_hours
from {{ records_of('capita_one__enrolments', ['student_id', 'urn', 'entry_date'], urn='urn') }} as feed
{{ crosswalk_join('enrolment_status', 'enrolment_status') }}
