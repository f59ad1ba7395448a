-- The first reason that holds, in this order, gives an action its colour; which colour is said in kpi_action_rag.
with due_soon as (
    select try_cast(within_days as integer) as within_days
    from {{ ref('kpi_action_rag') }}
    where reason = 'due_soon'
),

judged as (
    select
        *,
        case
            when action_status_code = 'cancelled' then 'cancelled'
            when coalesce(action_status_code = 'complete', complete_pct >= 100) then 'done'
            when due_date < {{ as_at() }} then 'overdue'
            when action_status_code = 'on_hold' then 'on_hold'
            when due_date is null then 'no_due_date'
            when
                start_date < {{ as_at() }}
                and coalesce(action_status_code = 'not_started', coalesce(complete_pct, 0) = 0)
                then 'not_started'
            when due_date <= {{ as_at() }} + (select within_days from due_soon) then 'due_soon'
            else 'on_track'
        end as rag_reason
    from {{ ref('stg_board__actions') }}
)

select
    judged.action_id,
    judged.area,
    judged.action,
    judged.action_owner,
    judged.start_date,
    judged.due_date,
    judged.action_status_code as status,
    case
        when judged.rag_reason = 'done' then 100
        when judged.complete_pct between 0 and 100 then judged.complete_pct
        when judged.action_status_code = 'not_started' then 0
    end as complete_pct,
    judged.evidence,
    judged.impact_kpi_id,
    rags.rag,
    judged.rag_reason,
    if(judged.rag_reason = 'overdue', {{ as_at() }} - judged.due_date, null) as days_overdue,
    feeds.data_date,
    feeds.is_stale
from judged
inner join {{ ref('stg_send_ready__feeds') }} as feeds on feeds.feed = 'board.actions'
left join {{ ref('kpi_action_rag') }} as rags on judged.rag_reason = rags.reason
