{{ config(materialized='ephemeral') }}

select
    feed.return_year,
    feed.reference_date,
    try_cast(feed.plan_detail_table_id as bigint) as plan_detail_table_id,
    try_cast(feed.named_plan_table_id as bigint) as named_plan_table_id,
    feed.order_seq,
    feed.urn,
    feed.ukprn,
    feed.sen_setting,
    feed.sen_setting_other,
    feed.placement_rank,
    feed.sen_unit_indicator,
    feed.resourced_provision_indicator
from {{ source('raw', 'sen2__plan_details') }} as feed
