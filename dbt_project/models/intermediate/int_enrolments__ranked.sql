with enrolments as (
    select
        enrolments.student_id,
        enrolments.urn,
        enrolments.entry_date,
        person.person_id,
        enrolments.enrolment_status_code,
        enrolments.nc_year,
        enrolments.leaving_date,
        enrolments.has_part_time_timetable,
        enrolments.weekly_hours,
        establishments.annex_a_phase,
        coalesce(establishments.is_own_la, false) as is_own_la,
        {{ is_open('enrolments.entry_date', 'enrolments.leaving_date') }} as is_open,
        -- Current and main registrations first, then FE colleges, then other providers.
        case enrolments.enrolment_status_code
            when 'C' then 1
            when 'M' then 1
            when 'F' then 2
            when 'O' then 3
        end as main_order
    from {{ ref('stg_capita_one__enrolments') }} as enrolments
    {{ person_join('capita_one', 'enrolments.student_id') }}
    left join {{ ref('int_establishments__phased') }} as establishments on enrolments.urn = establishments.urn
)

select
    * exclude (main_order),
    is_open and main_order is not null as is_on_roll,
    is_open and main_order is not null and row_number() over (
        partition by person_id, is_open order by main_order asc nulls last, entry_date desc, urn asc
    ) = 1 as is_main,
    is_open and coalesce(enrolment_status_code = 'S', false) and row_number() over (
        partition by person_id, is_open, enrolment_status_code order by entry_date desc, urn asc
    ) = 1 as is_subsidiary
from enrolments
