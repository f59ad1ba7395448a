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
    {%- if does_return_speak() %}
    union all by name
    select
        {{ return_id('chains.source_id') }} as student_id,
        codes.code as sen_type_code,
        needs.sen_type as sen_type_local,
        codes.code is null as is_sen_type_unmapped,
        try_cast(needs.sen_type_rank as integer) as need_rank,
        'sen2' as source_system,
        chains.source_id
    from {{ ref('stg_sen2__sen_needs') }} as needs
    inner join {{ ref('stg_sen2__active_plans') }} as active_plans
        on
            needs.return_year = active_plans.return_year
            and needs.active_plans_table_id = active_plans.active_plans_table_id
    inner join {{ ref('int_sen2_read__chains') }} as chains
        on
            active_plans.return_year = chains.return_year
            and active_plans.requests_table_id = chains.requests_table_id
            and chains.is_first_of_request
    left join {{ ref('sen2_codes') }} as codes on codes.code_set = 'sen_type' and needs.sen_type = codes.code
    where needs.sen_type is not null
    qualify
        row_number() over (
            partition by chains.source_id, needs.sen_type
            order by needs.sen_type_rank asc nulls last, needs.order_seq asc, needs.sen_need_table_id asc
        ) = 1
    {%- endif %}
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
