with needs as (
    select
        active_plans.active_plans_table_id,
        active_plans.unique_id,
        active_plans.plan_id,
        unnest(cases.need_codes) as sen_type_code,
        unnest(range(1, len(cases.need_codes) + 1)) as place
    from {{ ref('int_sen2__cases') }} as cases
    inner join {{ ref('sen2_active_plans') }} as active_plans
        on cases.requests_table_id = active_plans.requests_table_id
)

select
    row_number() over (order by needs.active_plans_table_id, needs.place) as sen_need_table_id,
    needs.active_plans_table_id,
    needs.place as order_seq,
    {{ of_shape('sen_need', 'sen_type', 'needs.sen_type_code') }},
    {{ of_shape('sen_need', 'sen_type_rank', 'cast(needs.place as varchar)') }},
    needs.unique_id,
    needs.plan_id,
    {{ run_columns() }}
from needs
cross join {{ ref('int_sen2__return') }} as the_return
