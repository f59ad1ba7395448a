-- Attendance that the returns hold, added up from its codes; from the totals that returns had before 2025 where a pupil
-- has no code. A return holds the attendance of the term before, and that of autumn both halves of summer.
with sessions as (
    select
        pupils.source_id,
        pupils.urn,
        sessions.record_id,
        terms.start as term_start,
        if(sessions.return_period = 'summer half term 2', terms.half_term_2, terms.start) as period_start,
        if(sessions.return_period <> 'summer half term 2' and terms.half_term_2 is not null, terms.half_term_2, null)
            as next_period_start,
        terms."end" as term_end,
        sessions.return_year,
        sessions.return_term,
        sessions.return_period,
        sessions.attendance_code,
        sessions.session_count,
        codes.code is not null as is_code,
        codes.is_possible = 'Y' as is_possible,
        codes.is_absence = 'Y' and codes.is_authorised = 'Y' as is_authorised,
        codes.is_absence = 'Y' and codes.is_authorised = 'N' as is_unauthorised
    from {{ ref('stg_census__sessions') }} as sessions
    inner join {{ ref('int_census__registrations') }} as pupils on sessions.record_id = pupils.record_id
    inner join {{ ref('census_terms') }} as terms
        on sessions.return_year = try_cast(terms.year as integer) and sessions.return_term = lower(terms.term)
    left join {{ ref('attendance_codes') }} as codes on sessions.attendance_code = codes.code
),

-- Where no pupil of a return has a code or a total the table of them never came: nothing is known, which is not nought.
told as (
    select
        *,
        bool_or(attendance_code <> 'POSSIBLE') over (
            partition by return_year, return_term, return_period
        ) as is_absence_known
    from sessions
    where period_start is not null
),

periods as (
    select
        source_id,
        urn,
        record_id,
        cast(period_start as date) as period_start_date,
        coalesce(cast(next_period_start as date) - 1, cast(term_end as date)) as period_end_date,
        {%- for kind in ['authorised', 'unauthorised'] %}
        coalesce(
            if(
                bool_or(is_code),
                sum(session_count) filter (where is_{{ kind }}),
                sum(session_count) filter (where attendance_code = '{{ kind | upper }}')
            ),
            0
        ) as {{ kind }},
        {%- endfor %}
        coalesce(
            sum(session_count) filter (where attendance_code = 'POSSIBLE'),
            sum(session_count) filter (where is_possible),
            0
        ) as possible
    from told
    where is_absence_known
    group by all
),

added as (
    select
        source_id,
        urn,
        period_start_date,
        max(period_end_date) as period_end_date,
        cast(sum(possible) as bigint) as sessions_possible_count,
        cast(sum(authorised) as bigint) as authorised_absence_count,
        cast(sum(unauthorised) as bigint) as unauthorised_absence_count
    from periods
    group by source_id, urn, period_start_date
),

-- Whom Capita One holds attendance of in the six months to D.
held as (
    select distinct person.person_id
    from {{ ref('int_attendance__totalled') }} as attendance
    {{ person_join('capita_one', 'attendance.student_id') }}
    where
        attendance.sessions_possible_count > 0
        and {{ was_ever_received('capita_one.attendance', ['authorised_absence', 'unauthorised_absence']) }}
)

select
    added.*,
    person.person_id,
    coalesce(
        {{ source_place('attendance', "'census'") }} < {{ source_place('attendance', "'capita_one'") }}
        or held.person_id is null,
        true
    ) as is_counted
from added
{{ person_join('census', 'added.source_id') }}
left join held on person.person_id = held.person_id
where {{ source_place('attendance', "'census'") }} is not null
