-- What: the grain of the KPI models and their seeds. No two rows share the key, and no part of it is blank unless a
-- question mark says that it may be.
-- When it matters: a doubled row counts a child twice in a figure the board reads.
-- How to fix: the failing rows are keys; look them up in the model's inputs, then in its joins.
{{ grain({
    'int_kpi__windows': ['period_type', 'period_end'],
    'int_kpi__plans_by_period': ['period_end', 'plan_id'],
    'int_kpi__person_states': ['person_id', 'ends'],
    'int_kpi__persons_counted': ['period_type', 'period_end', 'person_id'],
    'int_kpi__cases_counted': ['period_type', 'period_end', 'case_id'],
    'int_kpi__advice_counted': ['period_type', 'period_end', 'advice_id'],
    'int_kpi__plans_counted': ['period_type', 'period_end', 'plan_id'],
    'int_kpi__reviews_counted': ['period_type', 'period_end', 'review_id'],
    'int_kpi__exclusions_counted': ['period_type', 'period_end', 'exclusion_id'],
    'int_kpi__attendance_counted': ['period_type', 'period_end', 'person_id'],
    'kpi_values': ['kpi_id', 'period_type', 'period_end', 'breakdown_type', 'breakdown_value'],
    'kpi_cases': ['kpi_id', 'period_type', 'unique_id?', 'reference?'],
    'kpi_worklist': ['item_type', 'reference'],
    'kpi_catalogue': ['kpi_id'],
    'kpi_targets': ['kpi_id'],
    'kpi_comparators': ['kpi_id', 'breakdown_type', 'breakdown_value'],
}) }}
