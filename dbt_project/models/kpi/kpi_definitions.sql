-- Table kpi_catalogue: the seed of that name with what the council set beside it.
{{ config(alias='kpi_catalogue') }}

select
    catalogue.kpi_id,
    catalogue.title,
    catalogue.theme,
    catalogue.is_headline = 'Y' as is_headline,
    catalogue.definition,
    catalogue.numerator,
    catalogue.denominator,
    catalogue.exclusions,
    catalogue.windows,
    catalogue.unit,
    catalogue.direction,
    catalogue.breakdowns,
    catalogue.asked_by,
    catalogue.source,
    catalogue.feeds,
    catalogue.is_built = 'supplied' as is_supplied,
    cast(targets.target_value as double) as target_value,
    cast(targets.amber_margin as double) as amber_margin,
    targets.basis as target_basis,
    cast(england.value as double) as comparator_value,
    england.period as comparator_period,
    england.release as comparator_release,
    england.source_url as comparator_url,
    catalogue.comparator_note,
    {{ run_columns() }}
from {{ ref('kpi_catalogue') }} as catalogue
left join {{ ref('kpi_targets') }} as targets on catalogue.kpi_id = targets.kpi_id
left join {{ ref('kpi_comparators') }} as england
    on catalogue.kpi_id = england.kpi_id and england.breakdown_type = 'all' and england.area = 'England'
