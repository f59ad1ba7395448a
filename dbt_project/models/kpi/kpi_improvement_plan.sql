with actions as (
    select * from {{ ref('int_kpi__actions_judged') }}
),

-- A KPI is read in one kind of window, the first of those listed that it has: a year is slow to move, but a month of a
-- small council moves by itself. Years to date are read at month ends alone: an earlier year has the same day.
measures as (
    select
        kpi_id,
        period_type,
        period_end,
        value,
        target_value,
        rag
    from {{ ref('kpi_values') }}
    where
        breakdown_type = 'all'
        and value is not null
        and not is_part_period
        and (period_type <> 'academic_year_to_date' or period_end = last_day(period_end))
    qualify
        rank() over (
            partition by kpi_id
            order by
                list_position(
                    [
                        'point', 'rolling_12_months', 'academic_year', 'financial_year', 'calendar_year',
                        'academic_year_to_date', 'quarter', 'month'
                    ],
                    period_type
                )
        ) = 1
),

latest as (
    select *
    from measures
    qualify row_number() over (partition by kpi_id order by period_end desc) = 1
),

-- The last figure that was there when the action began; of a year to date, to the same day of the year as the latest.
at_start as (
    select
        actions.action_id,
        measures.period_end,
        measures.value
    from actions
    inner join latest on actions.impact_kpi_id = latest.kpi_id
    inner join measures on actions.impact_kpi_id = measures.kpi_id
    where
        measures.period_end <= actions.start_date
        and (
            measures.period_type <> 'academic_year_to_date'
            or month(measures.period_end) = month(latest.period_end)
        )
    qualify row_number() over (partition by actions.action_id order by measures.period_end desc) = 1
),

compared as (
    select
        actions.*,
        catalogue.title as impact_title,
        catalogue.unit as impact_unit,
        catalogue.direction as impact_direction,
        latest.period_type as impact_period_type,
        at_start.period_end as impact_start_period_end,
        at_start.value as impact_start_value,
        latest.period_end as impact_period_end,
        latest.value as impact_value,
        if(latest.period_end > actions.start_date, round(latest.value - at_start.value, 9), null) as impact_change,
        latest.target_value as impact_target_value,
        latest.rag as impact_rag
    from actions
    left join {{ ref('kpi_catalogue') }} as catalogue on actions.impact_kpi_id = catalogue.kpi_id
    left join latest on actions.impact_kpi_id = latest.kpi_id
    left join at_start on actions.action_id = at_start.action_id
)

select
    '{{ var("la_code") }}' as la_code,
    action_id,
    area,
    action,
    action_owner,
    start_date,
    due_date,
    status,
    cast(complete_pct as double) as complete_pct,
    evidence,
    rag,
    rag_reason,
    cast(days_overdue as integer) as days_overdue,
    impact_kpi_id,
    impact_title,
    impact_unit,
    impact_direction,
    impact_period_type,
    impact_start_period_end,
    impact_start_value,
    impact_period_end,
    impact_value,
    impact_change,
    case
        when impact_change is null or impact_direction not in ('higher', 'lower') then null
        when impact_change = 0 then 'no change'
        when (impact_change > 0) = (impact_direction = 'higher') then 'better'
        else 'worse'
    end as impact_trend,
    impact_target_value,
    impact_rag,
    data_date,
    is_stale,
    '{{ var("run_id") }}' as run_id
from compared
