-- What: the grain of every staging model and seed. No two rows share the key, and no part of it is blank
-- unless a question mark says that it may be.
-- When it matters: a doubled row counts a child twice.
-- How to fix: the failing rows are keys; look them up in the model's inputs, then in its joins.
-- stg_capita_one__attendance is held by fct_attendance_week, which has as many rows and the same key.
{{ grain({
    'stg_capita_one__annual_reviews': ['review_id'],
    'stg_capita_one__ehc_plans': ['plan_id'],
    'stg_capita_one__ehcp_assessments': ['involvement_id'],
    'stg_capita_one__enrolments': ['student_id', 'urn', 'entry_date'],
    'stg_capita_one__exclusions': ['exclusion_id'],
    'stg_capita_one__home_education': ['student_id', 'start_date'],
    'stg_capita_one__sen_needs': ['student_id', 'sen_type_local'],
    'stg_capita_one__sen_provision': ['student_id', 'start_date'],
    'stg_capita_one__students': ['student_id'],
    'stg_ehc_hub__advice': ['case_id', 'advice_type_local', 'requested_date'],
    'stg_ehc_hub__cases': ['case_id'],
    'stg_ehc_hub__reviews': ['review_id'],
    'stg_gias__establishments': ['urn'],
    'stg_send_ready__feeds': ['feed'],
    'stg_send_ready__person_decisions': ['record_1', 'record_2', 'decision'],
    'stg_social_care__involvements': ['social_care_id', 'social_care_status_local', 'start_date'],
    'annex_a_columns': ['layout_version', 'list_name', 'position'],
    'annex_a_codes': ['layout_version', 'code_set', 'value'],
    'gias_phase': ['priority'],
    'survivorship': ['fact'],
    'event_types': ['event_type'],
}) }}
