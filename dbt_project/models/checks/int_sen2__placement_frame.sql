-- Placements of the SEN2 return, those that plans name and those where children are, with what GIAS says of the school.
with the_return as (
    select * from {{ ref('int_sen2__return') }}
),

placements as (
    select
        'plan_detail' as module,
        plan_detail_table_id as table_id,
        unique_id,
        plan_id,
        placement_id,
        urn,
        ukprn,
        sen_setting,
        sen_setting_other,
        placement_rank,
        cast(null as date) as entry_date,
        cast(null as date) as leaving_date,
        sen_unit_indicator,
        resourced_provision_indicator
    from {{ ref('sen2_plan_detail') }}
    union all
    select
        'placement_detail' as module,
        placement_detail_table_id as table_id,
        unique_id,
        plan_id,
        placement_id,
        urn,
        ukprn,
        sen_setting,
        sen_setting_other,
        placement_rank,
        entry_date,
        leaving_date,
        sen_unit_indicator,
        resourced_provision_indicator
    from {{ ref('sen2_placement_detail') }}
),

gias as (
    select
        *,
        lower(resourced_provision_type) as provision
    from {{ ref('int_establishments__phased') }}
)

select
    placements.module || ' ' || placements.table_id as row_id,
    placements.* exclude (table_id, placement_id),
    -- How many of the three the export has; one alone is returned.
    if(
        held.placement_id is null,
        {{ how_many(['placements.urn', 'placements.ukprn', 'placements.sen_setting']) }},
        {{ how_many(['held.urn', 'held.ukprn', 'held.setting_type_code']) }}
    ) as place_count,
    -- Without GIAS nobody can tell.
    if({{ was_ever_received('gias.establishments') }} and placements.urn is not null, gias.urn is not null, null)
        as is_in_gias,
    gias.establishment_name,
    gias.establishment_type_code,
    gias.close_date,
    -- A school that closed when the child left it was open for the child.
    if(
        gias.urn is null,
        null,
        coalesce(
            gias.close_date < coalesce(placements.leaving_date, the_return.reference_day + 1),
            gias.establishment_status_code = '2' and placements.leaving_date is null,
            false
        )
    ) as is_closed,
    contains(gias.provision, 'unit') as has_sen_unit,
    contains(gias.provision, 'resourced') as has_resourced_provision,
    {{ age_years('persons.person_birth_date', school_year_eve('the_return.reference_day')) }} as age_31_august,
    {{ was_ever_received('capita_one.placements') }} as are_flags_known,
    the_return.survey_year,
    the_return.survey_day
from placements
cross join the_return
left join gias on placements.urn = gias.urn
left join {{ ref('stg_capita_one__placements') }} as held on placements.placement_id = held.placement_id
left join {{ ref('sen2_person') }} as persons on placements.unique_id = persons.unique_id
