with involvements as (
    select
        person.person_id,
        involvements.social_care_id,
        involvements.social_care_status_code,
        involvements.social_care_status_local,
        involvements.team,
        involvements.start_date,
        involvements.end_date,
        involvements.source_system,
        {{ is_open('involvements.start_date', 'involvements.end_date') }} as is_open,
        {{ source_place('social_care', 'involvements.source_system') }} as source_place
    from {{ social_care_involvements() }} as involvements
    {{ person_join('social_care', 'involvements.social_care_id') }}
),

counted as (
    select * exclude (source_place)
    from involvements
    qualify {{ is_of_who_speaks('source_place', 'is_open') }}
)

select
    *,
    -- Looked after, child protection, in need, care leaver, early help; then the latest start.
    is_open and row_number() over (
        partition by person_id, is_open
        order by
            list_position(['CLA', 'CPP', 'CIN', 'CL', 'EH'], social_care_status_code) asc nulls last,
            start_date desc,
            team asc nulls last,
            social_care_id asc,
            social_care_status_local asc
    ) = 1 as is_highest
from counted
