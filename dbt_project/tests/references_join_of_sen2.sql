-- What: what a table of the SEN2 return refers to stands in the table that its yml names. Apart from the others, since
-- all in one statement need more memory than a small machine has.
-- When it matters: a row without its parent would be in no place of the return.
-- How to fix: int_sen2__cases gives each table the keys of its parent.
{{ unmatched([
    'sen2_active_plans',
    'sen2_assessment',
    'sen2_named_plan',
    'sen2_person',
    'sen2_placement_detail',
    'sen2_plan_detail',
    'sen2_reconciliation',
    'sen2_requests',
    'sen2_sen_need',
], dimensions=[
    'dim_person', 'sen2_person', 'sen2_requests', 'sen2_assessment', 'sen2_named_plan', 'sen2_active_plans'
]) }}
