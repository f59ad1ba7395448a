select
    feed.source as source_system,
    feed.source || '.' || feed.feed as feed,
    feed.status,
    feed.is_stale,
    feed.was_ever_received,
    feed.columns_missing,
    feed.data_date,
    feed.file_name,
    feed.sha256 as file_sha256,
    feed.rows_in_file as row_count,
    feed.rows_accepted as accepted_row_count,
    feed.rows_quarantined as quarantined_row_count,
    feed.rows_duplicate as duplicate_row_count,
    feed.stale_after_days,
    feed.owner,
    feed.title
from {{ source('raw', 'feeds') }} as feed
