select
    row_number() over (order by cases.requests_table_id) as named_plan_table_id,
    assessments.assessment_table_id,
    cast(1 as bigint) as order_seq,
    {{ of_shape('named_plan', 'start_date', 'cases.start_date') }},
    {{ of_shape('named_plan', 'plan_res', 'cases.residential_code') }},
    {{ of_shape('named_plan', 'plan_wbp', 'cases.work_based_learning_code') }},
    {{ of_shape('named_plan', 'pb', 'cases.has_personal_budget') }},
    {{ of_shape('named_plan', 'oa', 'cases.has_organised_arrangements') }},
    {{ of_shape('named_plan', 'dp', 'cases.direct_payment_code') }},
    {{ of_shape('named_plan', 'cease_date', 'cases.cease_date') }},
    {{ of_shape('named_plan', 'cease_reason', 'cases.cease_reason_code') }},
    cases.person_id as unique_id,
    cases.plan_id,
    cases.requests_table_id,
    {{ run_columns() }}
from {{ ref('int_sen2__cases') }} as cases
inner join {{ ref('sen2_assessment') }} as assessments on cases.requests_table_id = assessments.requests_table_id
cross join {{ ref('int_sen2__return') }} as the_return
where cases.has_named_plan
