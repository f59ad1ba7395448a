{{ config(materialized='ephemeral') }}

select
    feed.return_year,
    feed.reference_date,
    try_cast(feed.placement_detail_table_id as bigint) as placement_detail_table_id,
    try_cast(feed.active_plans_table_id as bigint) as active_plans_table_id,
    feed.order_seq,
    feed.urn,
    feed.ukprn,
    feed.sen_setting,
    feed.sen_setting_other,
    feed.placement_rank,
    feed.entry_date,
    feed.leaving_date,
    feed.sen_unit_indicator,
    feed.resourced_provision_indicator,
    feed.res,
    feed.wbp
from {{ source('raw', 'sen2__placement_details') }} as feed
