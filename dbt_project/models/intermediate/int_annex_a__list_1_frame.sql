with last_reviews as (
    select
        plan_id,
        max(meeting_date) as last_review_date
    from {{ ref('int_reviews__unioned') }}
    where meeting_date <= {{ as_at() }}
    group by plan_id
),

plans as (
    select * from {{ ref('int_plans__unioned') }}
    where is_main_plan
),

list_2_upns as (
    select distinct compared_upn
    from {{ ref('int_annex_a__persons') }}
    where is_on_list_2 and compared_upn is not null
),

frame as (
    select
        persons.*,
        plans.source_system,
        plans.setting_type_code,
        plans.named_urn,
        plans.initial_plan_date as held_initial_plan_date,
        {%- for date, hub_date in [
            ('initial_plan_date', 'hub_final_plan_issued_date'), ('updated_plan_date', 'hub_plan_last_amended_date')
        ] %}
        case
            when plans.source_system in ('ehc_hub', 'sen2') then plans.{{ date }}
            else {{ survive('plan_dates', {'capita_one': 'plans.' ~ date, 'ehc_hub': 'persons.' ~ hub_date}) }}
        end as {{ date }},
        {%- endfor %}
        last_reviews.last_review_date,
        list_2_upns.compared_upn is not null as is_upn_on_other_list
    from {{ ref('int_annex_a__persons') }} as persons
    inner join plans on persons.unique_id = plans.person_id
    left join last_reviews on plans.plan_id = last_reviews.plan_id
    left join list_2_upns on persons.compared_upn = list_2_upns.compared_upn
    where persons.has_open_plan
)

select
    unique_id,
    upn,
    uln,
    birth_date,
    gender,
    ethnicity,
    initial_plan_date,
    updated_plan_date,
    last_review_date,
    primary_need,
    main_urn,
    main_phase,
    subsidiary_phase,
    elective_home_education,
    suspension_count,
    permanent_exclusion_count,
    absence_pct,
    pupil_premium,
    known_to_social_care,
    social_care_team,
    disability,
    is_on_list_1 as is_on_list,
    if(has_died, 'died', null) as left_out_reason,
    {{ as_at() }} as as_at_date,
    age_years,
    upn_unknown_reason,
    is_upn_valid,
    is_uln_valid,
    open_plan_count,
    is_on_list_2 as is_on_other_list,
    is_upn_on_other_list,
    is_known_student,
    is_main_urn_in_gias,
    is_main_establishment_open,
    setting_type_code as setting_type,
    -- Without any reviews nobody can tell who was not reviewed.
    if(
        coalesce(are_reviews_known, true),
        {{ is_within_months('last_review_date', 12) }}
        or coalesce(initial_plan_date >= {{ months_before(12) }}, true),
        null
    ) as last_reviewed_months_ok,
    unmapped_columns,
    nullif(concat_ws(
        ',',
        if(source_system = 'capita_one' and held_initial_plan_date <> hub_final_plan_issued_date, 'plan date', null),
        if(capita_primary_need_code <> hub_primary_need_code, 'need', null),
        if(source_system = 'capita_one' and named_urn <> hub_named_placement_urn, 'placement', null)
    ), '') as disagreements,
    source_system
from frame
