select
    feed.urn,
    feed.la_code as establishment_la_code,
    feed.establishment_name,
    {{ without_leading_zeros('feed.type_code') }} as establishment_type_code,
    {{ without_leading_zeros('feed.status_code') }} as establishment_status_code,
    {{ without_leading_zeros('feed.phase_code') }} as establishment_phase_code,
    feed.statutory_low_age,
    feed.statutory_high_age,
    feed.ukprn,
    feed.open_date,
    {{ end_of('feed.open_date', 'feed.close_date') }} as close_date,
    feed.postcode,
    feed.resourced_provision_type
from {{ source('raw', 'gias__establishments') }} as feed
