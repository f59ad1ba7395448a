-- Every window is whole months but for the last, which ends at D: so months first, in one pass over the weeks.
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

totals as (
    select
        windows.period_type,
        windows.period_no,
        windows.period_end,
        months.person_id,
        cast(sum(months.possible_count) as bigint) as possible_count,
        cast(sum(months.absent_count) as bigint) as absent_count
    from counted as months
    inner join {{ ref('int_kpi__windows') }} as windows
        on
            windows.period_type in ('month', 'academic_year_to_date')
            and months.month_date between windows.start_date and windows.period_end
    group by windows.period_type, windows.period_no, windows.period_end, months.person_id
),

-- The states that reach into the ends that there is attendance for: the later an end, the higher its bit.
states as (
    select *
    from {{ ref('int_kpi__person_states') }}
    where ends >= (select cast(1 as bigint) << min(totals.period_no) from totals)
),

grouped as (
    select
        totals.*,
        {{ kpi_breakdown_columns('totals.period_end') }},
        coalesce(states.sen_group, 'other') as sen_group
    from totals
    left join states on totals.person_id = states.person_id
    where {{ kpi_is_state('totals.period_no') }}
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
