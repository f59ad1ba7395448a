select
    episodes.student_id,
    person.person_id,
    episodes.start_date,
    episodes.end_date,
    {{ is_open('episodes.start_date', 'episodes.end_date') }} as is_open
from {{ ref('stg_capita_one__home_education') }} as episodes
{{ person_join('capita_one', 'episodes.student_id') }}
{%- if does_return_speak() %}
union all by name
select
    {{ return_id('source_id') }} as student_id,
    person_id,
    entry_date as start_date,
    leaving_date as end_date,
    {{ is_open('entry_date', 'leaving_date') }} as is_open
from {{ ref('int_sen2_read__placements') }}
where
    setting_type_code = 'EHE'
    -- Capita One's export of home education, if it came, says it of everybody.
    and not {{ was_ever_received('capita_one.home_education') }}
qualify row_number() over (partition by source_id, entry_date order by placement_no) = 1
{%- endif %}
