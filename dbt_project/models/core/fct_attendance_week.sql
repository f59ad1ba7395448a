-- What the census speaks of from its first period on, Capita One speaks of before: so no session counts twice.
with spoken as (
    select
        person_id,
        min(period_start_date) as first_date
    from {{ ref('int_census__attendance') }}
    where is_counted
    group by person_id
)

select
    attendance.student_id,
    attendance.urn,
    attendance.week_commencing_date,
    person.person_id,
    attendance.sessions_possible_count,
    attendance.authorised_absence_count,
    attendance.unauthorised_absence_count,
    'capita_one' as source_system,
    coalesce(attendance.week_commencing_date < spoken.first_date, true) as is_counted,
    {{ run_columns() }}
from {{ ref('stg_capita_one__attendance') }} as attendance
{{ person_join('capita_one', 'attendance.student_id') }}
left join spoken on person.person_id = spoken.person_id

union all

select
    'CENSUS-' || source_id as student_id,
    urn,
    period_start_date as week_commencing_date,
    person_id,
    sessions_possible_count,
    authorised_absence_count,
    unauthorised_absence_count,
    'census' as source_system,
    is_counted,
    {{ run_columns() }}
from {{ ref('int_census__attendance') }}
