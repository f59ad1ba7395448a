with needs as (
    select * from {{ ref('int_needs__ranked') }}
    where is_primary_need and source_system is distinct from 'sen2'
),

plans as (
    select * from {{ ref('int_plans__unioned') }}
    where source_system = 'capita_one' and is_main_plan
),

students as (
    select source_id
    from {{ ref('int_person_records__unioned') }}
    where source_system = 'capita_one'
),

compared as (
    select
        cases.case_id,
        person.person_id,
        persons.student_id,
        person.link_rule,
        cases.migrated_student_id,
        students.source_id is not null as is_migrated,
        -- Of several cases of a person the lists look at one; the others are history.
        coalesce(cases.case_id = persons.case_id, false) as is_current_case,
        plans.plan_id,
        cases.final_plan_issued_date as hub_plan_date,
        plans.initial_plan_date as capita_one_plan_date,
        cases.primary_need_code as hub_primary_need_code,
        needs.sen_type_code as capita_one_primary_need_code,
        cases.named_placement_urn as hub_urn,
        plans.named_urn as capita_one_urn
    from {{ ref('stg_ehc_hub__cases') }} as cases
    {{ person_join('ehc_hub', 'cases.case_id') }}
    left join {{ ref('int_persons__merged') }} as persons on person.person_id = persons.person_id
    left join plans on person.person_id = plans.person_id
    left join needs on person.person_id = needs.person_id
    left join students on cases.migrated_student_id = students.source_id
),

judged as (
    select
        *,
        is_current_case and coalesce(hub_plan_date <> capita_one_plan_date, false) as is_plan_date_different,
        is_current_case
        and coalesce(hub_primary_need_code <> capita_one_primary_need_code, false) as is_need_different,
        is_current_case and coalesce(hub_urn <> capita_one_urn, false) as is_placement_different
    from compared
)

select
    *,
    case
        when migrated_student_id is not null and not is_migrated then 'migrated id not known'
        when student_id is null then {{ said('hub only') }}
        when is_plan_date_different or is_need_different or is_placement_different then 'differs'
        when plan_id is null and hub_plan_date is not null then {{ said('plan not in Capita One') }}
        else 'agrees'
    end as reconciliation_status,
    {{ run_columns() }}
from judged
