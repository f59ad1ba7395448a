{{ config(materialized='ephemeral') }}

-- Where the children of the newest return are (macros/returns.sql): its placements in order, by URN, or by the UKPRN of
-- the one establishment that has it.
with establishments as (
    select
        ukprn,
        min(urn) as urn
    from {{ ref('int_establishments__phased') }}
    where ukprn is not null and is_open
    group by ukprn
    having count(*) = 1
)

select
    chains.person_id,
    chains.source_id,
    chains.reference_date,
    coalesce(placements.urn, establishments.urn) as urn,
    placements.sen_setting as setting_type_code,
    placements.placement_rank,
    -- Who is somewhere on the reference date has come by then.
    coalesce(placements.entry_date, chains.reference_date) as entry_date,
    {{ end_of('placements.entry_date', 'placements.leaving_date') }} as leaving_date,
    row_number() over (
        partition by chains.source_id
        order by
            placements.leaving_date is not null,
            placements.placement_rank asc nulls last,
            placements.order_seq asc,
            placements.placement_detail_table_id asc
    ) as placement_no
from {{ ref('stg_sen2__placement_details') }} as placements
inner join {{ ref('stg_sen2__active_plans') }} as active_plans
    on
        placements.return_year = active_plans.return_year
        and placements.active_plans_table_id = active_plans.active_plans_table_id
inner join {{ ref('int_sen2_read__chains') }} as chains
    on
        active_plans.return_year = chains.return_year
        and active_plans.requests_table_id = chains.requests_table_id
        and chains.is_first_of_request
left join establishments on placements.urn is null and placements.ukprn = establishments.ukprn
