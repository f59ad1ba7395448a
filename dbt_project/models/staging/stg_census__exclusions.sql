{{ config(materialized='ephemeral') }}

select
    feed.exclusion_id,
    feed.record_id,
    {{ code_columns('exclusion_category', 'category') }},
    feed.start_date,
    feed.sessions as session_count,
    {{ code_columns('exclusion_reason', 'reason') }},
    feed.urn
from {{ source('raw', 'census__exclusions') }} as feed
{{ crosswalk_join('exclusion_category', 'category') }}
{{ crosswalk_join('exclusion_reason', 'reason') }}
