select
    unique_id,
    upn,
    uln,
    birth_date,
    gender,
    ethnicity,
    primary_need,
    main_urn,
    main_phase,
    subsidiary_phase,
    suspension_count,
    permanent_exclusion_count,
    absence_pct,
    pupil_premium,
    known_to_social_care,
    social_care_team,
    disability,
    {{ run_columns() }}
from {{ ref('int_annex_a__list_2_frame') }}
where is_on_list
