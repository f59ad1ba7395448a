{{ config(materialized='ephemeral') }}

select
    feed.record_id,
    feed.year as return_year,
    lower(trim(feed.term)) as return_term,
    lower(trim(feed.period)) as return_period,
    upper(trim(feed.attendance_code)) as attendance_code,
    feed.sessions as session_count
from {{ source('raw', 'census__sessions') }} as feed
