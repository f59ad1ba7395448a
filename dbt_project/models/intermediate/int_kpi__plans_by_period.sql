-- A plan hidden by another system's plan of the person (int_plans__unioned) is hidden at every period's end.
select
    periods.period_no,
    periods.period_end,
    plans.plan_id,
    plans.person_id,
    plans.initial_plan_date,
    plans.named_urn,
    plans.setting_type_code,
    plans.residential_code,
    plans.person_id is not null and row_number() over (
        partition by plans.person_id, periods.period_end
        order by plans.initial_plan_date desc nulls last, plans.current_plan_date desc nulls last, plans.plan_id desc
    ) = 1 as is_main_plan
from {{ ref('int_plans__dated') }} as plans
inner join {{ ref('int_kpi__windows') }} as periods
    on
        periods.period_type = 'point'
        and plans.open_from_date <= periods.period_end
        and (plans.cease_date is null or plans.cease_date > periods.period_end)
