-- What: the grain of the KPI models and their seeds. No two rows share the key, and no part of it is blank unless a
-- question mark says that it may be.
-- When it matters: a doubled row counts a child twice in a figure the board reads.
-- How to fix: the failing rows are keys; look them up in the model's inputs, then in its joins.
{{ grain([
    'int_kpi__windows',
    'int_kpi__plans_by_period',
    'int_kpi__person_states',
    'int_kpi__persons_counted',
    'int_kpi__listed_counted',
    'int_kpi__cases_counted',
    'int_kpi__advice_counted',
    'int_kpi__plans_counted',
    'int_kpi__reviews_counted',
    'int_kpi__exclusions_counted',
    'int_kpi__attendance_counted',
    'int_kpi__needs',
    'kpi_values',
    'kpi_not_known',
    'kpi_backlog',
    'kpi_cases',
    'kpi_worklist',
    'kpi_definitions',
    'kpi_catalogue',
    'kpi_breakdowns',
    'kpi_targets',
    'kpi_comparators',
]) }}
