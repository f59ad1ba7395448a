with children as (
    select * from {{ ref('int_annex_a__children') }}
    where list_name is not null
),

-- A child counts once at the main establishment or provision, and once more at a subsidiary one elsewhere.
attended as (
    select
        list_name,
        true as is_main,
        main_urn as urn,
        setting,
        main_type as establishment_type,
        main_phase as phase,
        main_la_code as establishment_la_code,
        is_main_own_la as is_own_la
    from children
    union all
    select
        list_name,
        false as is_main,
        subsidiary_urn as urn,
        coalesce(subsidiary_name, 'URN ' || subsidiary_urn) as setting,
        subsidiary_type as establishment_type,
        subsidiary_phase as phase,
        subsidiary_la_code as establishment_la_code,
        is_subsidiary_own_la as is_own_la
    from children
    where subsidiary_urn is not null and subsidiary_urn is distinct from main_urn
)

select
    setting,
    urn,
    establishment_type,
    phase,
    establishment_la_code,
    {{ area_of('urn', 'is_own_la') }} as area,
    cast(count(*) filter (where is_main and list_name = 'List 1') as integer) as plan_count,
    cast(count(*) filter (where is_main and list_name = 'List 2') as integer) as sen_support_count,
    cast(count(*) filter (where not is_main) as integer) as dual_registered_count,
    cast(
        if(
            {{ was_ever_received('gias.establishments') }},
            count(*) filter (where {{ is_alternative_provision('phase') }}),
            null
        ) as integer
    ) as alternative_provision_count,
    cast(count(*) as integer) as child_count,
    {{ run_columns() }}
from attended
group by setting, urn, establishment_type, phase, establishment_la_code, is_own_la
