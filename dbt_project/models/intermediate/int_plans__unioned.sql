with capita_one as (
    select
        plans.plan_id,
        person.person_id,
        'capita_one' as source_system,
        plans.student_id,
        cast(null as varchar) as case_id,
        plans.involvement_id,
        plans.initial_plan_date,
        plans.current_plan_date,
        -- The updated date of the lists: only a plan that was issued again has one.
        if(plans.current_plan_date > plans.initial_plan_date, plans.current_plan_date, null) as updated_plan_date,
        plans.named_urn,
        plans.setting_type_code,
        plans.residential_code,
        plans.has_personal_budget,
        plans.transferred_in_from_la_code,
        plans.cease_date,
        plans.cease_reason_code,
        cast(null as varchar) as close_reason,
        plans.phase_transfer_due_date,
        plans.phase_transfer_final_date,
        plans.plan_start_date,
        plans.transferred_in_date,
        plans.work_based_learning_code,
        plans.has_organised_arrangements,
        plans.direct_payment_code
    from {{ ref('stg_capita_one__ehc_plans') }} as plans
    {{ person_join('capita_one', 'plans.student_id') }}
),

-- The hub's plan counts only while Capita One holds no plan at all for the person.
ehc_hub as (
    select
        {{ hub_id(
            'cases.case_id', "'HUB-' || cases.case_id in (select capita_one.plan_id from capita_one)"
        ) }} as plan_id,
        person.person_id,
        'ehc_hub' as source_system,
        cast(null as varchar) as student_id,
        cases.case_id,
        cast(null as varchar) as involvement_id,
        cases.final_plan_issued_date as initial_plan_date,
        cases.plan_last_amended_date as current_plan_date,
        if(cases.final_plan_issued_date is null, null, cases.plan_last_amended_date) as updated_plan_date,
        cases.named_placement_urn as named_urn,
        cast(null as varchar) as setting_type_code,
        cast(null as varchar) as residential_code,
        cast(null as boolean) as has_personal_budget,
        cast(null as varchar) as transferred_in_from_la_code,
        cases.plan_closed_date as cease_date,
        cast(null as varchar) as cease_reason_code,
        cases.close_reason,
        cast(null as date) as phase_transfer_due_date,
        cast(null as date) as phase_transfer_final_date,
        cast(null as date) as plan_start_date,
        cast(null as date) as transferred_in_date,
        cast(null as varchar) as work_based_learning_code,
        cast(null as boolean) as has_organised_arrangements,
        cast(null as varchar) as direct_payment_code
    from {{ ref('stg_ehc_hub__cases') }} as cases
    {{ person_join('ehc_hub', 'cases.case_id') }}
    where
        (cases.final_plan_issued_date is not null or cases.has_undated_plan)
        -- A plan row without a student belongs to nobody; `not in` would let it hide every hub plan.
        and person.person_id not in (
            select capita_one.person_id
            from capita_one
            where capita_one.person_id is not null
        )
),

plans as (
    select
        *,
        -- A plan whose initial date is blank or cannot be read is open at D, if it has not ceased.
        {{ is_open('coalesce(initial_plan_date, ' ~ as_at() ~ ')', 'cease_date') }} as is_open
    from (
        select * from capita_one
        union all
        select * from ehc_hub
    ) as both_systems
)

select
    *,
    -- The plan that stands for the person: open before ceased, then the latest initial date.
    row_number() over (
        partition by person_id
        order by
            is_open desc,
            initial_plan_date desc nulls last,
            current_plan_date desc nulls last,
            plan_id desc
    ) = 1 as is_main_plan
from plans
