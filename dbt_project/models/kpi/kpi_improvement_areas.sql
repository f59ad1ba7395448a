-- A KPI that several actions of an area name counts once, since the first of them began.
with impacts as (
    select
        area,
        impact_kpi_id,
        impact_trend
    from {{ ref('kpi_improvement_plan') }}
    where impact_kpi_id is not null and rag_reason <> 'cancelled'
    qualify row_number() over (partition by area, impact_kpi_id order by start_date asc nulls last, action_id asc) = 1
),

impact_by_area as (
    select
        area,
        string_agg(impact_kpi_id, '; ' order by impact_kpi_id) as impact_kpi_ids,
        count(*) filter (where impact_trend = 'better') as better_count,
        count(*) filter (where impact_trend = 'worse') as worse_count,
        count(*) filter (where impact_trend = 'no change') as unchanged_count
    from impacts
    group by area
),

progress as (
    select
        area,
        count(*) filter (where rag_reason <> 'cancelled') as action_count,
        count(*) filter (where rag = 'blue') as blue_count,
        count(*) filter (where rag = 'green') as green_count,
        count(*) filter (where rag = 'amber') as amber_count,
        count(*) filter (where rag = 'red') as red_count,
        count(*) filter (where rag_reason = 'cancelled') as cancelled_count,
        avg(complete_pct) filter (where rag_reason <> 'cancelled') as mean_complete_pct,
        min(due_date) filter (where rag_reason not in ('cancelled', 'done')) as next_due_date,
        max(days_overdue) as most_days_overdue,
        min(data_date) as data_date,
        bool_or(is_stale) as is_stale
    from {{ ref('kpi_improvement_plan') }}
    group by area
)

select
    '{{ var("la_code") }}' as la_code,
    progress.area,
    progress.action_count,
    progress.blue_count,
    progress.green_count,
    progress.amber_count,
    progress.red_count,
    progress.cancelled_count,
    progress.mean_complete_pct,
    progress.next_due_date,
    progress.most_days_overdue,
    impact_by_area.impact_kpi_ids,
    coalesce(impact_by_area.better_count, 0) as impact_better_count,
    coalesce(impact_by_area.worse_count, 0) as impact_worse_count,
    coalesce(impact_by_area.unchanged_count, 0) as impact_unchanged_count,
    progress.data_date,
    progress.is_stale,
    '{{ var("run_id") }}' as run_id
from progress
left join impact_by_area on progress.area = impact_by_area.area
