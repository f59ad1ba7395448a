-- What: the grain of what the board's own feeds go through: supplied figures and the improvement plan.
-- When it matters: a doubled figure or action is counted twice in what the board reads.
-- How to fix: the failing rows are keys; look them up in the model's inputs, then in its joins.
{{ grain([
    'stg_board__measures',
    'stg_board__actions',
    'int_kpi__measures_supplied',
    'int_kpi__actions_judged',
    'kpi_supplied',
    'kpi_improvement_plan',
    'kpi_improvement_areas',
    'kpi_action_rag',
]) }}
