-- What: the grain of every staging model and seed. No two rows share the key, and no part of it is blank
-- unless a question mark says that it may be.
-- When it matters: a doubled row counts a child twice.
-- How to fix: the failing rows are keys; look them up in the model's inputs, then in its joins.
-- stg_capita_one__attendance is held by fct_attendance_week, which has as many rows and the same key.
{{ grain([
    'stg_capita_one__annual_reviews',
    'stg_capita_one__ehc_plans',
    'stg_capita_one__ehcp_assessments',
    'stg_capita_one__enrolments',
    'stg_capita_one__exclusions',
    'stg_capita_one__home_education',
    'stg_capita_one__sen_needs',
    'stg_capita_one__sen_provision',
    'stg_capita_one__students',
    'stg_ehc_hub__advice',
    'stg_ehc_hub__cases',
    'stg_ehc_hub__reviews',
    'stg_gias__establishments',
    'stg_local__person_bridge',
    'stg_send_ready__bank_holidays',
    'stg_send_ready__councils',
    'stg_send_ready__feeds',
    'stg_send_ready__person_decisions',
    'stg_send_ready__set_aside',
    'stg_social_care__involvements',
    'annex_a_columns',
    'annex_a_codes',
    'gias_phase',
    'survivorship',
    'event_types',
    'statutory_limits',
]) }}
