-- What: the grain of every core model. No two rows share the key, and no part of it is blank
-- unless a question mark says that it may be.
-- When it matters: a doubled row counts a child twice.
-- How to fix: the failing rows are keys; look them up in the model's inputs, then in its joins.
{{ grain([
    'dim_code',
    'dim_date',
    'dim_establishment',
    'dim_event_type',
    'dim_person',
    'fct_advice',
    'fct_annual_review',
    'fct_attendance_week',
    'fct_ehc_plan',
    'fct_ehcp_case',
    'fct_enrolment',
    'fct_event',
    'fct_exclusion',
    'fct_home_education',
    'fct_placement',
    'fct_sen_need',
    'fct_sen_provision',
    'fct_social_care_involvement',
]) }}
