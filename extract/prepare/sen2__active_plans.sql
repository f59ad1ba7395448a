-- Active plans of each SEN2 return that was read; of two for one year, of the one that stands.
SELECT
    sen2_sets.return_year,
    sen2_sets.reference_date,
    sen2_active_plans.active_plans_table_id,
    sen2_active_plans.requests_table_id,
    sen2_active_plans.order_seq,
    sen2_active_plans.transfer_la AS "TransferLA",
    sen2_active_plans.res AS "Res",
    sen2_active_plans.wbp AS "WBP",
    sen2_active_plans.attendance_pattern AS "AttendancePattern",
    sen2_active_plans.review_meeting AS "ReviewMeeting",
    sen2_active_plans.review_outcome AS "ReviewOutcome",
    sen2_active_plans.review_draft AS "ReviewDraft",
    sen2_active_plans.phase_transfer_due_date AS "PhaseTransferDueDate",
    sen2_active_plans.phase_transfer_final_date AS "PhaseTransferFinalDate",
    sen2_active_plans.last_review AS "LastReview",
    sen2_active_plans._file,
    sen2_active_plans._line
FROM sen2_active_plans
INNER JOIN sen2_sets ON sen2_active_plans._set = sen2_sets._set
WHERE sen2_sets.stands
