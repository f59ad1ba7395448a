select
    exclusion_id,
    student_id,
    person_id,
    exclusion_category_code,
    start_date,
    session_count,
    exclusion_reason_code,
    urn,
    source_system,
    {{ run_columns() }}
from {{ ref('int_exclusions__unioned') }}
