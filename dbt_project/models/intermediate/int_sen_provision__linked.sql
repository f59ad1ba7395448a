select
    provision.student_id,
    person.person_id,
    provision.sen_provision_code,
    provision.start_date,
    provision.end_date,
    {{ is_open('provision.start_date', 'provision.end_date') }} as is_open
from {{ ref('stg_capita_one__sen_provision') }} as provision
{{ person_join('capita_one', 'provision.student_id') }}
