with held as (
    select
        person.person_id,
        attendance.sessions_possible_count,
        attendance.sessions_absent_count
    from {{ ref('int_attendance__totalled') }} as attendance
    {{ person_join('capita_one', 'attendance.student_id') }}
    where
        {{ was_ever_received('capita_one.attendance', ['authorised_absence', 'unauthorised_absence']) }}
        and coalesce(
            person.person_id not in (
                select counted.person_id
                from {{ ref('int_census__attendance') }} as counted
                where counted.is_counted and {{ is_within_months('counted.period_start_date', 6) }}
            ),
            true
        )
    union all
    select
        person_id,
        sessions_possible_count,
        authorised_absence_count + unauthorised_absence_count as sessions_absent_count
    from {{ ref('int_census__attendance') }}
    where is_counted and {{ is_within_months('period_start_date', 6) }}
),

sessions as (
    select
        person_id,
        sum(sessions_possible_count) as possible,
        sum(sessions_absent_count) as absent
    from held
    group by person_id
)

-- Whole tenths of a percent by whole-number division, half up, so that no binary fraction decides a rounding. A slip
-- below 0, which the rules report, is rounded by its size: `//` cuts towards 0.
select
    person_id,
    cast(sign(absent) * ((2000 * abs(absent) + possible) // (2 * possible)) as decimal(17, 0)) * 0.1 as absence_pct
from sessions
where possible > 0
