select
    exclusions.exclusion_id,
    exclusions.student_id,
    person.person_id,
    exclusions.exclusion_category_code,
    exclusions.start_date,
    exclusions.session_count,
    exclusions.exclusion_reason_code,
    exclusions.urn,
    {{ run_columns() }}
from {{ ref('stg_capita_one__exclusions') }} as exclusions
{{ person_join('capita_one', 'exclusions.student_id') }}
