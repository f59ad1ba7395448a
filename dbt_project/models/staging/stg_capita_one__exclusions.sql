select
    feed.exclusion_id,
    feed.student_id,
    {{ code_columns('exclusion_category', 'category') }},
    feed.start_date,
    feed.sessions as session_count,
    {{ code_columns('exclusion_reason', 'reason') }},
    feed.urn
from {{ records_of('capita_one__exclusions', ['exclusion_id'], urn='urn') }} as feed
{{ crosswalk_join('exclusion_category', 'category') }}
{{ crosswalk_join('exclusion_reason', 'reason') }}
