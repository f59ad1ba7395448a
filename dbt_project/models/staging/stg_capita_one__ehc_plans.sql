select
    feed.plan_id,
    feed.student_id,
    feed.involvement_id,
    feed.initial_plan_date,
    feed.current_plan_date,
    feed.named_urn,
    {{ code_columns('setting_type', 'setting_type') }},
    {{ code_columns('residential', 'residential') }},
    feed.personal_budget as has_personal_budget,
    feed.transferred_in_from_la as transferred_in_from_la_code,
    {{ end_of('feed.initial_plan_date', 'feed.cease_date') }} as cease_date,
    {{ code_columns('cease_reason', 'cease_reason') }},
    feed.phase_transfer_due_date,
    feed.phase_transfer_final_date
from {{ source('raw', 'capita_one__ehc_plans') }} as feed
{{ crosswalk_join('setting_type', 'setting_type') }}
{{ crosswalk_join('residential', 'residential') }}
{{ crosswalk_join('cease_reason', 'cease_reason') }}
