{{ config(materialized='ephemeral') }}

select
    feed.return_year,
    feed.reference_date,
    try_cast(feed.active_plans_table_id as bigint) as active_plans_table_id,
    try_cast(feed.requests_table_id as bigint) as requests_table_id,
    feed.order_seq,
    feed.transfer_la,
    feed.res,
    feed.wbp,
    feed.attendance_pattern,
    feed.review_meeting,
    feed.review_outcome,
    feed.review_draft,
    feed.phase_transfer_due_date,
    feed.phase_transfer_final_date,
    feed.last_review
from {{ source('raw', 'sen2__active_plans') }} as feed
