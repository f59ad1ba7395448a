-- What: a KPI has a complete row in kpi_catalogue and figures in kpi.values, or is supplied and says why. Targets and
-- comparators are numbers, of KPIs that are in the catalogue.
-- When it matters: a figure without a definition cannot be read, and a target with a slip in it colours nothing.
-- How to fix: complete the row in seeds/kpi, or in the council's own file under SEND_CONFIG/targets.
with incomplete as (
    select
        kpi_id,
        'kpi_catalogue: incomplete or not one of the values that seeds.yml lists' as problem
    from {{ ref('kpi_catalogue') }}
    where
        {%- for column in [
            'title', 'theme', 'definition', 'numerator', 'denominator', 'exclusions', 'windows', 'breakdowns',
            'asked_by', 'source', 'comparator_note'
        ] %}
        coalesce(trim({{ column }}), '') = ''
        or
        {%- endfor %}
        coalesce(unit not in ('percent', 'count', 'weeks', 'per 100'), true)
        or coalesce(direction not in ('higher', 'lower', 'context'), true)
        or coalesce(is_headline not in ('Y', 'N'), true)
        or coalesce(is_built not in ('Y', 'supplied'), true)
        or (is_built = 'Y' and (coalesce(feeds, '') = '' or coalesce(not_built_because, '') <> ''))
        or (is_built = 'supplied' and (coalesce(feeds, '') <> 'board.measures' or coalesce(not_built_because, '') = ''))
),

counted as (
    select distinct kpi_id from {{ ref('kpi_values') }}
),

known as (
    select
        kpi_id,
        is_built
    from {{ ref('kpi_catalogue') }}
)

select * from incomplete

union all

select
    known.kpi_id,
    'kpi_catalogue says it is built, and kpi.values has no row of it' as problem
from known
left join counted on known.kpi_id = counted.kpi_id
where known.is_built = 'Y' and counted.kpi_id is null

union all

select
    targets.kpi_id,
    'kpi_targets: no such KPI, or the target or margin is no number' as problem
from {{ ref('kpi_targets') }} as targets
left join known on targets.kpi_id = known.kpi_id
where
    known.kpi_id is null
    or try_cast(targets.target_value as double) is null
    or coalesce(try_cast(targets.amber_margin as double) < 0, true)

union all

select
    comparators.kpi_id,
    'kpi_comparators: no such KPI, or the value is no number' as problem
from {{ ref('kpi_comparators') }} as comparators
left join known on comparators.kpi_id = known.kpi_id
where
    known.kpi_id is null
    or try_cast(comparators.value as double) is null
    or coalesce(comparators.period, '') = ''
    or coalesce(comparators.release, '') = ''
