select
    children.unique_id,
    children.age_years,
    children.nc_year,
    children.primary_need,
    children.setting,
    children.main_urn as urn,
    children.main_type as establishment_type,
    children.main_phase as phase,
    children.main_la_code as establishment_la_code,
    children.main_entry_date as entry_date,
    residential.name as residential,
    children.initial_plan_date,
    children.home_la_code,
    children.social_care_status,
    {{ run_columns() }}
from {{ ref('int_annex_a__children') }} as children
{{ code_name_join('residential', 'children.residential_code', 'residential') }}
where children.list_name = 'List 1' and not children.is_main_own_la
