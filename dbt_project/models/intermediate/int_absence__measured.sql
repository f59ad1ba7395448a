with sessions as (
    select
        person.person_id,
        sum(attendance.sessions_possible_count) as possible,
        sum(attendance.sessions_absent_count) as absent
    from {{ ref('int_attendance__totalled') }} as attendance
    {{ person_join('capita_one', 'attendance.student_id') }}
    group by person.person_id
)

-- Whole tenths of a percent by whole-number division, half up, so that no binary fraction decides a rounding. A slip
-- below 0, which the rules report, is rounded by its size: `//` cuts towards 0.
select
    person_id,
    cast(sign(absent) * ((2000 * abs(absent) + possible) // (2 * possible)) as decimal(17, 0)) * 0.1 as absence_pct
from sessions
where possible > 0
