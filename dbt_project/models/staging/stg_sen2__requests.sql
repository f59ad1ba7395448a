{{ config(materialized='ephemeral') }}

select
    feed.return_year,
    feed.reference_date,
    try_cast(feed.requests_table_id as bigint) as requests_table_id,
    try_cast(feed.person_table_id as bigint) as person_table_id,
    feed.order_seq,
    feed.received_date,
    feed.request_source,
    feed.rya,
    feed.request_outcome_date,
    feed.request_outcome,
    feed.request_mediation,
    feed.request_tribunal,
    feed.exported
from {{ source('raw', 'sen2__requests') }} as feed
