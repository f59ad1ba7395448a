-- What: the grain of every table of the SEN2 return. No two rows share the key, and no part of it is blank.
-- When it matters: a doubled row counts a child twice.
-- How to fix: the failing rows are keys; look them up in the model's inputs, then in its joins.
{{ grain([
    'sen2_header',
    'sen2_person',
    'sen2_requests',
    'sen2_assessment',
    'sen2_named_plan',
    'sen2_plan_detail',
    'sen2_active_plans',
    'sen2_placement_detail',
    'sen2_sen_need',
    'sen2_measures',
    'sen2_reconciliation',
]) }}
