-- Assessments of each SEN2 return that was read; of two for one year, of the one that stands.
SELECT
    sen2_sets.return_year,
    sen2_sets.reference_date,
    sen2_assessment.assessment_table_id,
    sen2_assessment.requests_table_id,
    sen2_assessment.order_seq,
    sen2_assessment.assessment_outcome AS "AssessmentOutcome",
    sen2_assessment.assessment_outcome_date AS "AssessmentOutcomeDate",
    sen2_assessment.assessment_mediation AS "AssessmentMediation",
    sen2_assessment.assessment_tribunal AS "AssessmentTribunal",
    sen2_assessment.other_mediation AS "OtherMediation",
    sen2_assessment.other_tribunal AS "OtherTribunal",
    sen2_assessment.week20 AS "Week20",
    sen2_assessment._file,
    sen2_assessment._line
FROM sen2_assessment
INNER JOIN sen2_sets ON sen2_assessment._set = sen2_sets._set
WHERE sen2_sets.stands
