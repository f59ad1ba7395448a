select
    row_number() over (order by active_plans.active_plans_table_id, placements.place) as placement_detail_table_id,
    active_plans.active_plans_table_id,
    placements.place as order_seq,
    {{ of_shape('placement_detail', 'urn', 'placements.urn') }},
    {{ of_shape('placement_detail', 'ukprn', 'placements.ukprn') }},
    {{ of_shape('placement_detail', 'sen_setting', 'placements.setting_type_code') }},
    {{ of_shape('placement_detail', 'sen_setting_other', 'placements.setting_other') }},
    {{ of_shape('placement_detail', 'placement_rank', 'placements.placement_rank') }},
    {{ of_shape('placement_detail', 'entry_date', 'placements.entry_date') }},
    {{ of_shape('placement_detail', 'leaving_date', 'placements.leaving_date') }},
    {{ of_shape('placement_detail', 'sen_unit_indicator', 'placements.is_sen_unit') }},
    {{ of_shape('placement_detail', 'resourced_provision_indicator', 'placements.is_resourced_provision') }},
    {{ of_shape('placement_detail', 'res', 'placements.residential_code') }},
    {{ of_shape('placement_detail', 'wbp', 'placements.work_based_learning_code') }},
    active_plans.unique_id,
    active_plans.plan_id,
    placements.placement_id,
    {{ run_columns() }}
from {{ ref('int_sen2__placements') }} as placements
inner join {{ ref('sen2_active_plans') }} as active_plans
    on placements.requests_table_id = active_plans.requests_table_id
cross join {{ ref('int_sen2__return') }} as the_return
where not placements.is_section_i
