-- The ends of periods: the last 36 month ends up to D, and D itself, which may be one of them.
with month_ends as (
    select last_day(cast({{ as_at() }} - to_months(cast(months_ago as integer)) as date)) as period_end
    from range(37) as numbers (months_ago) -- noqa: AL05
),

last_month_ends as (
    select period_end
    from month_ends
    where period_end <= {{ as_at() }}
    order by period_end desc
    limit 36
),

periods as (
    select
        period_end,
        cast(row_number() over (order by period_end asc) - 1 as integer) as period_no
    from (
        select period_end from last_month_ends
        union
        select {{ as_at() }} as period_end
    ) as ends
),

windows as (
    select
        'point' as period_type,
        period_no,
        period_end,
        period_end as start_date,
        false as is_part_period
    from periods

    union all

    select
        'month' as period_type,
        period_no,
        period_end,
        cast(date_trunc('month', period_end) as date) as start_date,
        period_end < last_day(period_end) as is_part_period
    from periods

    union all

    -- Whole calendar months at a month end; on any other day the twelve months up to it.
    select
        'rolling_12_months' as period_type,
        period_no,
        period_end,
        if(
            period_end = last_day(period_end),
            cast(date_trunc('month', period_end) - interval 11 month as date),
            cast(period_end - interval 12 month as date) + 1
        ) as start_date,
        false as is_part_period
    from periods

    union all

    select
        'academic_year_to_date' as period_type,
        period_no,
        period_end,
        make_date(cast(year(period_end) - if(month(period_end) < 9, 1, 0) as integer), 9, 1) as start_date,
        false as is_part_period
    from periods
)

select
    period_type,
    period_no,
    period_end,
    start_date,
    is_part_period,
    period_end = {{ as_at() }} as is_as_at
from windows
