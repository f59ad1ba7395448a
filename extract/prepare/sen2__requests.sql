-- Requests for an assessment of each SEN2 return that was read; of two for one year, of the one that stands.
SELECT
    sen2_sets.return_year,
    sen2_sets.reference_date,
    sen2_requests.requests_table_id,
    sen2_requests.person_table_id,
    sen2_requests.order_seq,
    sen2_requests.received_date AS "ReceivedDate",
    sen2_requests.request_source AS "RequestSource",
    sen2_requests.rya AS "RYA",
    sen2_requests.request_outcome_date AS "RequestOutcomeDate",
    sen2_requests.request_outcome AS "RequestOutcome",
    sen2_requests.request_mediation AS "RequestMediation",
    sen2_requests.request_tribunal AS "RequestTribunal",
    sen2_requests.exported AS "Exported",
    sen2_requests._file,
    sen2_requests._line
FROM sen2_requests
INNER JOIN sen2_sets ON sen2_requests._set = sen2_sets._set
WHERE sen2_sets.stands
