select
    feed.student_id,
    feed.upn,
    feed.former_upn,
    {{ code_columns('upn_unknown_reason', 'upn_unknown_reason') }},
    feed.uln,
    feed.surname,
    feed.forename,
    feed.date_of_birth as birth_date,
    {{ code_columns('sex', 'sex') }},
    {{ code_columns('ethnicity', 'ethnicity') }},
    feed.postcode,
    {{ la_code('feed.home_la', 'home_la') }} as home_la_code,
    feed.disability as is_disabled,
    feed.pupil_premium as has_pupil_premium,
    {{ end_of('feed.date_of_birth', 'feed.date_of_death') }} as death_date,
    feed.last_updated as last_updated_at
from {{ source('raw', 'capita_one__students') }} as feed
{{ crosswalk_join('upn_unknown_reason', 'upn_unknown_reason') }}
{{ crosswalk_join('sex', 'sex') }}
{{ crosswalk_join('ethnicity', 'ethnicity') }}
{{ la_join('feed.home_la', 'home_la') }}
