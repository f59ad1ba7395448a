select
    feed.case_reference as case_id,
    {{ code_columns('advice_type', 'advice_type') }},
    feed.provider,
    feed.requested_date,
    feed.received_date
from {{ source('raw', 'ehc_hub__advice') }} as feed
{{ crosswalk_join('advice_type', 'advice_type') }}
