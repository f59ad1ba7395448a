{{ config(materialized='ephemeral') }}

select
    feed.placement_id,
    feed.record_id,
    feed.kind as placement_kind,
    feed.urn,
    feed.ukprn,
    feed.setting_type as placement_type,
    feed.entry_date,
    {{ end_of('feed.entry_date', 'feed.leaving_date') }} as leaving_date,
    feed.sessions_per_week as sessions_per_week_count,
    feed.reason as placement_reason,
    upper(trim(feed.attendance_pattern)) as attendance_pattern
from {{ source('raw', 'census__alternative_provision') }} as feed
