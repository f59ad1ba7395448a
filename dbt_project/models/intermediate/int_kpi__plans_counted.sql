with plans as (
    select
        plan_id,
        person_id,
        cease_date,
        coalesce(cease_reason_code, 'Unknown') as cease_reason,
        phase_transfer_due_date,
        phase_transfer_final_date,
        -- One new plan a person and date; a plan of nobody known stands for itself.
        if(
            person_id is null
            or row_number() over (partition by person_id, initial_plan_date order by source_system, plan_id) = 1,
            initial_plan_date,
            null
        ) as new_plan_date
    from {{ ref('int_plans__unioned') }}
),

placed as (
    select
        windows.period_type,
        windows.period_no,
        windows.period_end,
        plans.*,
        {{ is_in_window('plans.new_plan_date') }} as is_new,
        {{ is_in_window('plans.cease_date') }} as is_ceased,
        {{ is_in_window('plans.phase_transfer_due_date') }} as is_transfer_due
    from plans
    inner join {{ ref('int_kpi__windows') }} as windows
        on
            windows.period_type in ('month', 'rolling_12_months')
            and (
                plans.new_plan_date between windows.start_date and windows.period_end
                or plans.cease_date between windows.start_date and windows.period_end
                or plans.phase_transfer_due_date between windows.start_date and windows.period_end
            )
)

select
    placed.period_type,
    placed.period_end,
    placed.person_id,
    placed.plan_id,
    {{ kpi_breakdown_columns('placed.period_end') }},
    placed.cease_reason,
    placed.phase_transfer_due_date,
    placed.phase_transfer_final_date,
    false as k17_denominator,
    placed.is_new as k17_numerator,
    placed.is_transfer_due as k24_denominator,
    placed.is_transfer_due
    and coalesce(placed.phase_transfer_final_date <= placed.phase_transfer_due_date, false) as k24_numerator,
    placed.is_ceased as k44_denominator,
    placed.is_ceased as k44_numerator
from placed
{{ kpi_state_join('placed.person_id') }}
where {{ kpi_is_state('placed.period_no') }}
