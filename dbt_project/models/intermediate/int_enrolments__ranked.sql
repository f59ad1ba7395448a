with records as (
    select
        student_id,
        urn,
        entry_date,
        enrolment_status_code,
        nc_year,
        leaving_date,
        has_part_time_timetable,
        weekly_hours,
        'capita_one' as source_system,
        student_id as source_id,
        cast(null as varchar) as school_la_code
    from {{ ref('stg_capita_one__enrolments') }}
    union all
    select
        'CENSUS-' || source_id as student_id,
        urn,
        start_date as entry_date,
        enrolment_status_code,
        nc_year,
        end_date as leaving_date,
        has_part_time_timetable,
        null as weekly_hours,
        'census' as source_system,
        source_id,
        school_la_code
    from {{ ref('int_census__registrations') }}
    where is_registration
    -- A date of entry that was put right has made two of one registration.
    qualify row_number() over (partition by source_id, urn, start_date order by reference_date desc) = 1
    {%- if does_return_speak() %}
    union all by name
    -- The first placement is the main one, whatever others of rank 1 stand beside it.
    select
        {{ return_id('source_id') }} as student_id,
        urn,
        entry_date,
        case placement_rank
            when '1' then if(placement_no = 1 or leaving_date is not null, 'C', 'O')
            when '2' then 'S'
        end as enrolment_status_code,
        leaving_date,
        'sen2' as source_system,
        source_id
    from {{ ref('int_sen2_read__placements') }}
    where urn is not null
    qualify row_number() over (partition by source_id, urn, entry_date order by placement_no) = 1
    {%- endif %}
),

enrolments as (
    select
        records.* exclude (source_id, school_la_code),
        person.person_id,
        establishments.annex_a_phase,
        -- Of a school that GIAS does not hold, a return of the school census says whose it is.
        coalesce(
            establishments.is_own_la, records.school_la_code = '{{ var("la_code") }}', false
        ) as is_own_la,
        {{ is_open('records.entry_date', 'records.leaving_date') }} as is_open,
        -- Current and main registrations first, then FE colleges, then other providers.
        case records.enrolment_status_code
            when 'C' then 1
            when 'M' then 1
            when 'F' then 2
            when 'O' then 3
        end as main_order,
        {{ source_place('enrolment', 'records.source_system') }} as source_place
    from records
    left join {{ ref('int_person_records__linked') }} as person
        on records.source_system = person.source_system and records.source_id = person.source_id
    left join {{ ref('int_establishments__phased') }} as establishments on records.urn = establishments.urn
),

counted as (
    select *
    from enrolments
    qualify {{ is_of_who_speaks('source_place', 'is_open and main_order is not null') }}
)

select
    * exclude (main_order, source_place),
    is_open and main_order is not null as is_on_roll,
    is_open and main_order is not null and row_number() over (
        partition by person_id, is_open order by main_order asc nulls last, entry_date desc, urn asc
    ) = 1 as is_main,
    is_open and coalesce(enrolment_status_code = 'S', false) and row_number() over (
        partition by person_id, is_open, enrolment_status_code order by entry_date desc, urn asc
    ) = 1 as is_subsidiary
from counted
