with needs as (
    select
        needs.student_id,
        person.person_id,
        needs.sen_type_code,
        needs.sen_type_local,
        needs.is_sen_type_unmapped,
        needs.need_rank,
        needs.start_date,
        needs.end_date,
        -- The start of a need may be blank: it then holds from the beginning.
        {{ is_open('coalesce(needs.start_date, ' ~ as_at() ~ ')', 'needs.end_date') }} as is_open
    from {{ ref('stg_capita_one__sen_needs') }} as needs
    {{ person_join('capita_one', 'needs.student_id') }}
)

select
    *,
    is_open and row_number() over (
        partition by person_id, is_open
        order by need_rank asc nulls last, start_date desc nulls last, sen_type_code asc nulls last, sen_type_local asc
    ) = 1 as is_primary_need
from needs
