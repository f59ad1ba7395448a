{{ config(materialized='ephemeral') }}

select
    feed.return_year,
    feed.reference_date,
    try_cast(feed.assessment_table_id as bigint) as assessment_table_id,
    try_cast(feed.requests_table_id as bigint) as requests_table_id,
    feed.order_seq,
    feed.assessment_outcome,
    feed.assessment_outcome_date,
    feed.assessment_mediation,
    feed.assessment_tribunal,
    feed.other_mediation,
    feed.other_tribunal,
    feed.week20
from {{ source('raw', 'sen2__assessments') }} as feed
