with considered as (
    select
        person_id,
        bool_or(is_from_plan) as has_open_plan,
        bool_or(not is_from_plan) as is_on_sen_support,
        cast(count(*) filter (where is_from_plan) as integer) as open_plan_count
    from (
        select
            person_id,
            true as is_from_plan
        from {{ ref('int_plans__unioned') }}
        where is_open
        union all
        select
            person_id,
            false as is_from_plan
        from {{ ref('int_sen_provision__linked') }}
        where is_open and sen_provision_code = 'K'
    ) as plans_and_provision
    group by person_id
),

establishments as (
    select * from {{ ref('int_establishments__phased') }}
),

enrolments as (
    select
        person_id,
        max(urn) filter (where is_main) as main_urn,
        max(annex_a_phase) filter (where is_subsidiary) as subsidiary_phase,
        bool_or(is_on_roll) as is_on_roll,
        bool_or(is_on_roll and is_own_la) as is_on_roll_in_own_la
    from {{ ref('int_enrolments__ranked') }}
    group by person_id
),

needs as (
    select * from {{ ref('int_needs__ranked') }}
    where is_primary_need
),

home_education as (
    select distinct person_id
    from {{ ref('int_home_education__linked') }}
    where is_open
),

social_care as (
    select * from {{ ref('int_social_care__ranked') }}
    where is_highest
),

valued as (
    select
        considered.*,
        persons.* exclude (person_id, is_hub_primary_need_unmapped),
        {{ placement('enrolments.main_urn', 'persons.hub_named_placement_urn') }} as main_urn,
        enrolments.subsidiary_phase,
        coalesce(enrolments.is_on_roll, false) as is_on_roll,
        coalesce(enrolments.is_on_roll_in_own_la, false) as is_on_roll_in_own_la,
        -- Named by a UPN or another system's key that no student file holds (extract/fit.py).
        coalesce(regexp_matches(persons.student_id, '^(UPN|KEY)-'), false)
        and not persons.is_known_student
        and enrolments.person_id is null as is_known_by_name_alone,
        if(needs.source_system in ('census', 'sen2'), null, needs.sen_type_code) as capita_primary_need_code,
        {{ primary_need('needs', 'persons.hub_primary_need_code') }} as primary_need,
        coalesce(needs.is_sen_type_unmapped, persons.is_hub_primary_need_unmapped) as is_primary_need_unmapped,
        home_education.person_id is not null as is_home_educated,
        exclusions.suspension_count,
        exclusions.permanent_exclusion_count,
        absence.absence_pct,
        social_care.person_id is not null as is_known_to_social_care,
        social_care.team as social_care_team,
        coalesce(persons.death_date <= {{ as_at() }}, false) as has_died
    from considered
    inner join {{ ref('int_persons__merged') }} as persons on considered.person_id = persons.person_id
    left join enrolments on considered.person_id = enrolments.person_id
    left join needs on considered.person_id = needs.person_id
    left join home_education on considered.person_id = home_education.person_id
    left join {{ ref('int_exclusions__counted') }} as exclusions on considered.person_id = exclusions.person_id
    left join {{ ref('int_absence__measured') }} as absence on considered.person_id = absence.person_id
    left join social_care on considered.person_id = social_care.person_id
)

select
    valued.person_id as unique_id,
    valued.upn,
    valued.uln,
    valued.birth_date,
    case valued.sex_code
        when 'M' then 'Male'
        when 'F' then 'Female'
        when 'U' then 'Not known'
        else 'Not specified'
    end as gender,
    coalesce(valued.ethnicity_code, 'UNKNOWN') as ethnicity,
    valued.primary_need,
    valued.main_urn,
    main.annex_a_phase as main_phase,
    valued.subsidiary_phase,
    -- What never came is not known, which is not No.
    case
        when valued.is_home_educated then 'Yes'
        when {{ was_ever_received('capita_one.home_education') }} then 'No'
        {%- if does_return_speak() %}
        -- The return says where the child was, and that is not at home.
        when valued.person_id in (
            select placements.person_id
            from {{ ref('int_sen2_read__placements') }} as placements
            where placements.person_id is not null and {{ is_open('placements.entry_date', 'placements.leaving_date') }}
        ) then 'No'
        {%- endif %}
    end as elective_home_education,
    {%- for count in ['suspension_count', 'permanent_exclusion_count'] %}
    cast(
        if(
            valued.{{ count }} is not null
            or (
                {{ was_ever_received('capita_one.exclusions') }}
                and (valued.student_id is not null or valued.census_id is null)
            )
            or ({{ was_ever_received('census.exclusions') }} and valued.census_id is not null),
            coalesce(valued.{{ count }}, 0),
            null
        ) as integer
    ) as {{ count }},
    {%- endfor %}
    cast(valued.absence_pct as decimal(18, 1)) as absence_pct,
    case when valued.has_pupil_premium then 'Yes' when not valued.has_pupil_premium then 'No' end as pupil_premium,
    case
        when valued.is_known_to_social_care then 'Yes'
        when {{ is_social_care_known() }} then 'No'
    end as known_to_social_care,
    valued.social_care_team,
    case when valued.is_disabled then 'Yes' when not valued.is_disabled then 'No' else 'Unknown' end as disability,
    {{ age_years('valued.birth_date') }} as age_years,
    valued.upn_unknown_reason_code as upn_unknown_reason,
    {{ compared_upn('valued.upn') }} as compared_upn,
    {{ is_valid_upn(compared_upn('valued.upn')) }} as is_upn_valid,
    {{ is_valid_uln('valued.uln') }} as is_uln_valid,
    valued.is_known_student,
    case
        when valued.main_urn is not null and {{ was_ever_received('gias.establishments') }} then main.urn is not null
    end as is_main_urn_in_gias,
    main.is_open as is_main_establishment_open,
    nullif(concat_ws(
        ',',
        if(valued.is_sex_unmapped, 'gender', null),
        if(valued.is_ethnicity_unmapped, 'ethnicity', null),
        if(valued.is_primary_need_unmapped, 'primary_need', null)
    ), '') as unmapped_columns,
    valued.capita_primary_need_code,
    valued.hub_primary_need_code,
    valued.hub_final_plan_issued_date,
    valued.hub_plan_last_amended_date,
    valued.hub_named_placement_urn,
    {{ was_ever_received('capita_one.annual_reviews', ['meeting_date']) }}
    or {{ was_ever_received('ehc_hub.reviews', ['meeting_date']) }}
    {%- if does_return_speak() %}
    -- A return tells of reviews until its reference date; of those since nobody knows.
    or exists (
        select 1
        from {{ ref('stg_sen2__active_plans') }} as reviewed
        where reviewed.review_meeting is not null and reviewed.reference_date > {{ as_at() }} - interval 1 month
    )
    {%- endif %}
        as are_reviews_known,
    valued.has_died,
    valued.has_open_plan,
    valued.open_plan_count,
    valued.is_on_sen_support,
    valued.has_open_plan and not valued.has_died as is_on_list_1,
    -- Without GIAS nobody can tell whose school it is: better every enrolled child than none.
    valued.is_on_sen_support
    and not valued.has_open_plan
    and not valued.has_died
    and (
        valued.is_on_roll_in_own_la
        -- Nobody knows where the child learns: better on the list, and reported, than on none.
        or valued.is_known_by_name_alone
        or (valued.is_on_roll and not {{ was_ever_received('gias.establishments') }})
    ) as is_on_list_2
from valued
left join establishments as main on valued.main_urn = main.urn
