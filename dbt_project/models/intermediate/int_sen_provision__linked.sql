with records as (
    select
        student_id,
        sen_provision_code,
        start_date,
        end_date,
        'capita_one' as source_system,
        student_id as source_id
    from {{ ref('stg_capita_one__sen_provision') }}
    union all
    -- What a return says holds from its reference date until the next that the child is in.
    select
        'CENSUS-' || source_id as student_id,
        sen_provision_code,
        reference_date as start_date,
        provision_end_date as end_date,
        'census' as source_system,
        source_id
    from {{ ref('int_census__registrations') }}
    where is_provision
),

provision as (
    select
        records.student_id,
        person.person_id,
        records.sen_provision_code,
        records.start_date,
        records.end_date,
        {{ is_open('records.start_date', 'records.end_date') }} as is_open,
        records.source_system,
        {{ source_place('sen_provision', 'records.source_system') }} as source_place
    from records
    left join {{ ref('int_person_records__linked') }} as person
        on records.source_system = person.source_system and records.source_id = person.source_id
)

select * exclude (source_place)
from provision
qualify {{ is_of_who_speaks('source_place', 'is_open') }}
