{{ config(tags=['sen2']) }}
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
    {{ la_code('feed.transferred_in_from_la', 'transfer_la') }} as transferred_in_from_la_code,
    {{ end_of('feed.initial_plan_date', 'feed.cease_date') }} as cease_date,
    {{ code_columns('cease_reason', 'cease_reason') }},
    feed.phase_transfer_due_date,
    feed.phase_transfer_final_date,
    feed.plan_start_date,
    feed.transferred_in_date,
    {{ code_columns('work_based_learning', 'work_based_learning') }},
    feed.organised_arrangements as has_organised_arrangements,
    {{ code_columns('direct_payment', 'direct_payment') }}
from {{ records_of('capita_one__ehc_plans', ['plan_id'], urn='named_urn') }} as feed
{{ crosswalk_join('setting_type', 'setting_type') }}
{{ crosswalk_join('residential', 'residential') }}
{{ crosswalk_join('cease_reason', 'cease_reason') }}
{{ crosswalk_join('work_based_learning', 'work_based_learning') }}
{{ crosswalk_join('direct_payment', 'direct_payment') }}
{{ la_join('feed.transferred_in_from_la', 'transfer_la') }}
