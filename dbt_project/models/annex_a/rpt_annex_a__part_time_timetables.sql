select
    unique_id,
    sen_group,
    case
        when is_in_alternative_provision then 'Yes'
        when {{ was_ever_received('gias.establishments') }} then 'No'
    end as in_alternative_provision,
    age_years,
    nc_year,
    primary_need,
    setting,
    main_urn as urn,
    main_phase as phase,
    cast(main_weekly_hours as double) as weekly_hours,
    main_entry_date as on_roll_since_date,
    {{ weeks_since('main_entry_date') }} as weeks_on_roll_count,
    main_leaving_date as planned_end_date,
    social_care_status,
    {{ run_columns() }}
from {{ ref('int_annex_a__children') }}
where is_main_part_time and (sen_group = 'EHC plan' or is_in_alternative_provision)
