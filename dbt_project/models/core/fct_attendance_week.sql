select
    attendance.student_id,
    attendance.urn,
    attendance.week_commencing_date,
    person.person_id,
    attendance.sessions_possible_count,
    attendance.authorised_absence_count,
    attendance.unauthorised_absence_count,
    {{ run_columns() }}
from {{ ref('stg_capita_one__attendance') }} as attendance
{{ person_join('capita_one', 'attendance.student_id') }}
