select
    episodes.student_id,
    person.person_id,
    episodes.start_date,
    episodes.end_date,
    {{ is_open('episodes.start_date', 'episodes.end_date') }} as is_open
from {{ ref('stg_capita_one__home_education') }} as episodes
{{ person_join('capita_one', 'episodes.student_id') }}
