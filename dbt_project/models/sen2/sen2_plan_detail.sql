select
    row_number() over (order by named_plans.named_plan_table_id, placements.place) as plan_detail_table_id,
    named_plans.named_plan_table_id,
    placements.place as order_seq,
    {{ of_shape('plan_detail', 'urn', 'placements.urn') }},
    {{ of_shape('plan_detail', 'ukprn', 'placements.ukprn') }},
    {{ of_shape('plan_detail', 'sen_setting', 'placements.setting_type_code') }},
    {{ of_shape('plan_detail', 'sen_setting_other', 'placements.setting_other') }},
    {{ of_shape('plan_detail', 'placement_rank', 'placements.placement_rank') }},
    {{ of_shape('plan_detail', 'sen_unit_indicator', 'placements.is_sen_unit') }},
    {{ of_shape('plan_detail', 'resourced_provision_indicator', 'placements.is_resourced_provision') }},
    named_plans.unique_id,
    named_plans.plan_id,
    placements.placement_id,
    {{ run_columns() }}
from {{ ref('int_sen2__placements') }} as placements
inner join {{ ref('sen2_named_plan') }} as named_plans on placements.requests_table_id = named_plans.requests_table_id
cross join {{ ref('int_sen2__return') }} as the_return
where placements.is_section_i
