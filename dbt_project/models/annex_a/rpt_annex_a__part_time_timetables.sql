select
    unique_id,
    sen_group,
    if(is_in_alternative_provision, 'Yes', 'No') as in_alternative_provision,
    age_years,
    nc_year,
    primary_need,
    setting,
    main_urn as urn,
    main_phase as phase,
    cast(main_weekly_hours as double) as weekly_hours,
    main_entry_date as earliest_start_date,
    {{ weeks_since('main_entry_date') }} as weeks_at_most_count,
    main_leaving_date as planned_end_date,
    social_care_status,
    {{ run_columns() }}
from {{ ref('int_annex_a__children') }}
where is_main_part_time and (sen_group = 'EHC plan' or is_in_alternative_provision)
