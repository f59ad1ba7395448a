select
    feed.record_id,
    feed.child_id as social_care_id,
    feed.list_no as ilacs_list,
    feed.upn,
    feed.first_name as forename,
    feed.last_name as surname,
    feed.date_of_birth as birth_date,
    feed.postcode,
    {{ code_columns('social_care_status', 'status') }},
    feed.team,
    feed.start_date,
    {{ end_of('feed.start_date', 'feed.end_date') }} as end_date,
    feed.disability as is_disabled
from {{ source('raw', 'ilacs__involvements') }} as feed
{{ crosswalk_join('social_care_status', 'status') }}
