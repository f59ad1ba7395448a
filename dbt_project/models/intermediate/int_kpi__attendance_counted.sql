-- Every window is whole months but for the last, which ends at D: so months first, in one pass over the weeks.
-- Persons and windows have numbers here, which are quicker to group by than their names.
-- What the census speaks of from its first period on, Capita One speaks of before: so no session counts twice.
with spoken as (
    select
        person_id,
        min(period_start_date) as first_date
    from {{ ref('int_census__attendance') }}
    where is_counted
    group by person_id
),

months as (
    select
        student_id,
        cast(date_trunc('month', week_commencing_date) as date) as month_date,
        sum(coalesce(sessions_possible_count, 0)) as possible_count,
        sum(coalesce(authorised_absence_count, 0) + coalesce(unauthorised_absence_count, 0)) as absent_count
    from {{ ref('stg_capita_one__attendance') }}
    where week_commencing_date <= {{ as_at() }}
    group by student_id, month_date
),

counted as (
    select
        person.person_id,
        months.month_date,
        months.possible_count,
        months.absent_count
    from months
    {{ person_join('capita_one', 'months.student_id') }}
    left join spoken on person.person_id = spoken.person_id
    where coalesce(months.month_date < spoken.first_date, true)
    union all
    select
        person_id,
        cast(date_trunc('month', period_start_date) as date) as month_date,
        sessions_possible_count as possible_count,
        authorised_absence_count + unauthorised_absence_count as absent_count
    from {{ ref('int_census__attendance') }}
    where is_counted
),

windows as (
    select
        *,
        cast(row_number() over () as integer) as window_no
    from {{ ref('int_kpi__windows') }}
    where period_type in ('month', 'academic_year_to_date')
),

months_of_windows as (
    select
        windows.window_no,
        held.month_date
    from (select distinct counted.month_date from counted) as held
    inner join windows on held.month_date between windows.start_date and windows.period_end
),

people as (
    select
        person_id,
        cast(row_number() over () as integer) as person_no
    from (select distinct counted.person_id from counted) as attending
),

-- First of all, or persons would be compared by name for each of a month's windows.
numbered as materialized (
    select
        people.person_no,
        counted.month_date,
        cast(counted.possible_count as bigint) as possible_count,
        cast(counted.absent_count as bigint) as absent_count
    from counted
    inner join people on counted.person_id is not distinct from people.person_id
),

summed as (
    select
        months_of_windows.window_no,
        numbered.person_no,
        cast(sum(numbered.possible_count) as bigint) as possible_count,
        cast(sum(numbered.absent_count) as bigint) as absent_count
    from numbered
    inner join months_of_windows on numbered.month_date = months_of_windows.month_date
    group by months_of_windows.window_no, numbered.person_no
),

-- The states that reach into the ends that there is attendance for: the later an end, the higher its bit.
states as (
    select
        people.person_no,
        people.person_id as attending_person_id,
        states.*
    from people
    left join {{ ref('int_kpi__person_states') }} as states
        on
            people.person_id = states.person_id
            and states.ends >= (
                select cast(1 as bigint) << min(windows.period_no)
                from windows
                inner join months_of_windows on windows.window_no = months_of_windows.window_no
            )
),

grouped as (
    select
        windows.period_type,
        windows.period_end,
        states.attending_person_id as person_id,
        summed.possible_count,
        summed.absent_count,
        {{ kpi_breakdown_columns('windows.period_end') }},
        coalesce(states.sen_group, 'other') as sen_group
    from summed
    inner join windows on summed.window_no = windows.window_no
    inner join states on summed.person_no = states.person_no
    where {{ kpi_is_state('windows.period_no') }}
)

select
    period_type,
    period_end,
    person_id,
    {%- for breakdown in kpi_breakdowns() %}
    {{ breakdown }},
    {%- endfor %}
    sen_group,
    possible_count as k47_denominator,
    absent_count as k47_numerator,
    possible_count > 0 as k48_denominator,
    possible_count > 0 and 10 * absent_count >= possible_count as k48_numerator,
    possible_count > 0 and 2 * absent_count >= possible_count as is_severely_absent,
    if(is_severely_absent, 'severe', if(k48_numerator, 'persistent', null)) as level
from grouped
-- Who is on SEN support, and so who is not, is known only where provision and enrolments came.
where
    sen_group = 'plan'
    or (
        {{ was_ever_received('capita_one.sen_provision', ['end_date']) }}
        and {{ was_ever_received('capita_one.enrolments', ['leaving_date']) }}
    )
    or (
        {{ was_ever_received('census.pupils') }}
        and not {{ was_ever_received('capita_one.sen_provision') }}
        and not {{ was_ever_received('capita_one.enrolments') }}
    )
