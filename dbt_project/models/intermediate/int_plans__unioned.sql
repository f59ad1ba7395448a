{{ config(tags=['sen2']) }}
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

{%- if does_return_speak() %}

-- The plans of a return: when each was first issued it says only of those of its year.
sen2 as (
    select
        chains.plan_id,
        chains.person_id,
        'sen2' as source_system,
        {{ return_id('chains.requests_table_id') }} as involvement_id,
        if(chains.assessment_outcome = 'Y', chains.assessment_outcome_date, null) as initial_plan_date,
        chains.start_date as current_plan_date,
        if(
            chains.assessment_outcome = 'Y' and chains.start_date > chains.assessment_outcome_date,
            chains.start_date,
            null
        ) as updated_plan_date,
        chains.named_urn,
        coalesce(
            chains.named_setting, if(chains.active_plans_table_id is null, null, placements.setting_type_code)
        ) as setting_type_code,
        chains.plan_res as residential_code,
        chains.pb as has_personal_budget,
        chains.transfer_la as transferred_in_from_la_code,
        chains.cease_date,
        chains.cease_reason as cease_reason_code,
        chains.phase_transfer_due_date,
        chains.phase_transfer_final_date,
        chains.start_date as plan_start_date,
        chains.plan_wbp as work_based_learning_code,
        chains.oa as has_organised_arrangements,
        chains.dp as direct_payment_code,
        chains.active_plans_table_id is not null as is_active_in_return
    from {{ ref('int_sen2_read__chains') }} as chains
    left join {{ ref('int_sen2_read__placements') }} as placements
        on chains.source_id = placements.source_id and placements.placement_no = 1 and placements.leaving_date is null
    where chains.plan_id is not null
),
{%- endif %}

plans as (
    select
        *,
        -- A plan whose initial date is blank or cannot be read is open at D, if it has not ceased.
        {{ is_open('coalesce(initial_plan_date, ' ~ as_at() ~ ')', 'cease_date') }} as is_open
    from (
        select * from capita_one
        union all
        select * from ehc_hub
        {%- if does_return_speak() %}
        union all by name
        select * from sen2
        {%- endif %}
    ) as both_systems
    {%- if does_return_speak() %}
    qualify {{ is_not_told_better() }}
    {%- endif %}
)

select
    * {{- ' exclude (is_active_in_return)' if does_return_speak() }},
    -- The plan that stands for the person: open before ceased, then the latest initial date.
    row_number() over (
        partition by person_id
        order by
            is_open desc,
            {{- ' is_active_in_return desc nulls last,' if does_return_speak() }}
            initial_plan_date desc nulls last,
            current_plan_date desc nulls last,
            plan_id desc
    ) = 1 as is_main_plan
from plans
