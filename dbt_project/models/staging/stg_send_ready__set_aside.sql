select
    aside.feed,
    aside.file_name,
    aside.line_no,
    aside.kind as quarantine_kind,
    aside.column_name,
    aside.reason,
    coalesce({{ held_id('student_id') }}, {{ held_id('migrated_student_id') }}) as student_id,
    {{ held_id('plan_id') }} as plan_id,
    {{ held_id('case_reference') }} as case_id,
    {{ held('sen_provision') }} as sen_provision_local,
    {{ held('enrolment_status') }} as enrolment_status_local,
    -- Dates only where they were typed, which those of a wrong shape are not.
    if(aside.kind = 'key', try_cast({{ held('final_plan_issued') }} as date), null) as final_plan_issued_date,
    if(
        aside.kind = 'key',
        try_cast(coalesce(
            {{ held('cease_date') }}, {{ held('end_date') }}, {{ held('leaving_date') }}, {{ held('case_closed') }}
        ) as date),
        null
    ) as end_date
from {{ source('raw', 'set_aside') }} as aside
