-- What: the grain of what the board's own feeds go through: supplied figures and the improvement plan.
-- When it matters: a doubled figure or action is counted twice in what the board reads.
-- How to fix: the failing rows are keys; look them up in the model's inputs, then in its joins.
{{ grain({
    'stg_board__measures': ['line_no'],
    'stg_board__actions': ['action_id'],
    'int_kpi__measures_supplied': ['kpi_id', 'period_type', 'period_end', 'breakdown_type', 'breakdown_value'],
    'int_kpi__actions_judged': ['action_id'],
    'kpi_supplied': ['kpi_id', 'period_type', 'period_end', 'breakdown_type', 'breakdown_value'],
    'kpi_improvement_plan': ['action_id'],
    'kpi_improvement_areas': ['area'],
    'kpi_action_rag': ['reason'],
}) }}
