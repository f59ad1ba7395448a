{{ config(materialized='ephemeral') }}

select
    feed.record_id,
    feed.year as return_year,
    lower(trim(feed.term)) as return_term,
    feed.reference_date,
    feed.urn,
    feed.la_code as school_la_code,
    feed.estab as establishment_number,
    feed.upn,
    feed.former_upn,
    feed.uln,
    feed.surname,
    feed.forename,
    feed.date_of_birth as birth_date,
    feed.postcode,
    {{ code_columns('sex', 'sex') }},
    {{ code_columns('ethnicity', 'ethnicity') }},
    coalesce(feed.is_on_roll, true) as is_on_roll,
    {{ code_columns('enrolment_status', 'enrolment_status') }},
    feed.entry_date,
    feed.leaving_date,
    feed.nc_year,
    feed.part_time as has_part_time_timetable,
    {{ code_columns('sen_provision', 'sen_provision') }},
    {{ code_columns('sen_type_1', 'sen_type_1') }},
    {{ code_columns('sen_type_2', 'sen_type_2') }},
    coalesce(feed.carries_details, false) as has_details
from {{ source('raw', 'census__pupils') }} as feed
{{ crosswalk_join('sex', 'sex') }}
{{ crosswalk_join('ethnicity', 'ethnicity') }}
{{ crosswalk_join('enrolment_status', 'enrolment_status') }}
{{ crosswalk_join('sen_provision', 'sen_provision') }}
{{ crosswalk_join('sen_type_1', 'sen_type_1', crosswalk='sen_type') }}
{{ crosswalk_join('sen_type_2', 'sen_type_2', crosswalk='sen_type') }}
