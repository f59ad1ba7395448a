select
    person.person_id,
    count(*) filter (where exclusions.exclusion_category_code = 'SUSP') as suspension_count,
    count(*) filter (where exclusions.exclusion_category_code = 'PERM') as permanent_exclusion_count
from {{ ref('stg_capita_one__exclusions') }} as exclusions
{{ person_join('capita_one', 'exclusions.student_id') }}
where
    person.person_id is not null
    and {{ is_within_months('exclusions.start_date', 6) }}
group by person.person_id
