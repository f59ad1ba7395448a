{{ config(materialized='ephemeral') }}

select
    feed.return_year,
    feed.reference_date,
    try_cast(feed.sen_need_table_id as bigint) as sen_need_table_id,
    try_cast(feed.active_plans_table_id as bigint) as active_plans_table_id,
    feed.order_seq,
    feed.sen_type,
    feed.sen_type_rank
from {{ source('raw', 'sen2__sen_needs') }} as feed
