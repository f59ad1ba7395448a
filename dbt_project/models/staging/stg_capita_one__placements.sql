{{ config(tags=['sen2']) }}
select
    feed.placement_id,
    feed.student_id,
    feed.plan_id,
    feed.section_i as is_section_i,
    feed.urn,
    feed.ukprn,
    {{ code_columns('setting_type', 'setting_type') }},
    feed.setting_other,
    cast(feed.rank as varchar) as placement_rank,
    feed.entry_date,
    feed.leaving_date,
    feed.sen_unit as is_sen_unit,
    feed.resourced_provision as is_resourced_provision,
    {{ code_columns('residential', 'residential') }},
    {{ code_columns('work_based_learning', 'work_based_learning') }}
from {{ records_of('capita_one__placements', ['placement_id'], urn='urn') }} as feed
{{ crosswalk_join('setting_type', 'setting_type') }}
{{ crosswalk_join('residential', 'residential') }}
{{ crosswalk_join('work_based_learning', 'work_based_learning') }}
