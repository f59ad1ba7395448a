-- Named plans of each SEN2 return that was read; of two for one year, of the one that stands.
SELECT
    sen2_sets.return_year,
    sen2_sets.reference_date,
    sen2_named_plan.named_plan_table_id,
    sen2_named_plan.assessment_table_id,
    sen2_named_plan.order_seq,
    sen2_named_plan.start_date AS "StartDate",
    sen2_named_plan.plan_res AS "PlanRes",
    sen2_named_plan.plan_wbp AS "PlanWBP",
    sen2_named_plan.pb AS "PB",
    sen2_named_plan.oa AS "OA",
    sen2_named_plan.dp AS "DP",
    sen2_named_plan.cease_date AS "CeaseDate",
    sen2_named_plan.cease_reason AS "CeaseReason",
    sen2_named_plan._file,
    sen2_named_plan._line
FROM sen2_named_plan
INNER JOIN sen2_sets ON sen2_named_plan._set = sen2_sets._set
WHERE sen2_sets.stands
