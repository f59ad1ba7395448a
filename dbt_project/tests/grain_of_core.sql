-- What: the grain of every core model. No two rows share the key, and no part of it is blank
-- unless a question mark says that it may be.
-- When it matters: a doubled row counts a child twice.
-- How to fix: the failing rows are keys; look them up in the model's inputs, then in its joins.
{{ grain({
    'dim_establishment': ['urn'],
    'dim_person': ['person_id'],
    'fct_advice': ['case_id', 'advice_type_local', 'requested_date'],
    'fct_annual_review': ['review_id'],
    'fct_attendance_week': ['student_id', 'urn?', 'week_commencing_date'],
    'fct_ehc_plan': ['plan_id'],
    'fct_ehcp_case': ['case_id'],
    'fct_enrolment': ['student_id', 'urn', 'entry_date'],
    'fct_event': ['event_id'],
    'fct_exclusion': ['exclusion_id'],
    'fct_home_education': ['student_id', 'start_date'],
    'fct_sen_need': ['student_id', 'sen_type_local'],
    'fct_sen_provision': ['student_id', 'start_date'],
    'fct_social_care_involvement': ['social_care_id', 'social_care_status_local', 'start_date'],
}) }}
