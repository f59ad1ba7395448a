select
    placements.placement_id,
    placements.student_id,
    person.person_id,
    placements.plan_id,
    placements.is_section_i,
    placements.urn,
    placements.ukprn,
    placements.setting_type_code,
    placements.placement_rank,
    placements.entry_date,
    placements.leaving_date,
    placements.is_sen_unit,
    placements.is_resourced_provision,
    placements.residential_code,
    placements.work_based_learning_code,
    {{ is_open('coalesce(placements.entry_date, ' ~ as_at() ~ ')', 'placements.leaving_date') }} as is_open,
    {{ run_columns() }}
from {{ ref('stg_capita_one__placements') }} as placements
{{ person_join('capita_one', 'placements.student_id') }}
