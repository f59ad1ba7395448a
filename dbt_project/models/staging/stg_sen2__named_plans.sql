{{ config(materialized='ephemeral') }}

select
    feed.return_year,
    feed.reference_date,
    try_cast(feed.named_plan_table_id as bigint) as named_plan_table_id,
    try_cast(feed.assessment_table_id as bigint) as assessment_table_id,
    feed.order_seq,
    feed.start_date,
    feed.plan_res,
    feed.plan_wbp,
    feed.pb,
    feed.oa,
    feed.dp,
    feed.cease_date,
    feed.cease_reason
from {{ source('raw', 'sen2__named_plans') }} as feed
