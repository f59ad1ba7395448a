select
    feed.person_id as social_care_id,
    feed.upn,
    feed.first_name as forename,
    feed.last_name as surname,
    feed.date_of_birth as birth_date,
    feed.postcode,
    {{ code_columns('social_care_status', 'status') }},
    feed.team,
    feed.start_date,
    {{ end_of('feed.start_date', 'feed.end_date') }} as end_date
from {{ source('raw', 'social_care__involvements') }} as feed
{{ crosswalk_join('social_care_status', 'status') }}
