with records as (
    select
        student_id,
        sen_type_code,
        sen_type_local,
        is_sen_type_unmapped,
        need_rank,
        start_date,
        end_date,
        'capita_one' as source_system,
        student_id as source_id
    from {{ ref('stg_capita_one__sen_needs') }}
    {%- for rank in [1, 2] %}
    union all
    -- Only the return of spring holds needs: they stand until the next one.
    select
        'CENSUS-' || source_id as student_id,
        sen_type_{{ rank }}_code as sen_type_code,
        sen_type_{{ rank }}_local as sen_type_local,
        is_sen_type_{{ rank }}_unmapped as is_sen_type_unmapped,
        {{ rank }} as need_rank,
        null as start_date,
        null as end_date,
        'census' as source_system,
        source_id
    from {{ ref('int_census__registrations') }}
    where
        has_needs
        and sen_type_{{ rank }}_local is not null
        {%- if rank == 2 %}
        and sen_type_2_local is distinct from sen_type_1_local
        {%- endif %}
    {%- endfor %}
),

needs as (
    select
        records.* exclude (source_id),
        person.person_id,
        -- The start of a need may be blank: it then holds from the beginning.
        {{ is_open('coalesce(records.start_date, ' ~ as_at() ~ ')', 'records.end_date') }} as is_open,
        {{ source_place('sen_need', 'records.source_system') }} as source_place
    from records
    left join {{ ref('int_person_records__linked') }} as person
        on records.source_system = person.source_system and records.source_id = person.source_id
),

counted as (
    select * exclude (source_place)
    from needs
    qualify {{ is_of_who_speaks('source_place', 'is_open') }}
)

select
    *,
    is_open and row_number() over (
        partition by person_id, is_open
        order by need_rank asc nulls last, start_date desc nulls last, sen_type_code asc nulls last, sen_type_local asc
    ) = 1 as is_primary_need
from counted
