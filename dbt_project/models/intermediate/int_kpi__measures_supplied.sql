-- Figures that can be used: what the rules of board.measures call an error is left out, and told of there. Of figures
-- for the same KPI, period and breakdown the last in the file counts.
with catalogue as (
    select
        kpi_id,
        unit,
        direction
    from {{ ref('kpi_catalogue') }}
    where is_built = 'supplied'
),

usable as (
    select
        measures.kpi_id,
        catalogue.unit,
        catalogue.direction,
        measures.period_type_code as period_type,
        measures.period_end,
        measures.breakdown_type,
        measures.breakdown_value,
        measures.numerator,
        if(catalogue.unit = 'count', null, measures.denominator) as denominator,
        measures.source,
        measures.supplied_by,
        measures.note,
        measures.line_no
    from {{ ref('stg_board__measures') }} as measures
    inner join catalogue on measures.kpi_id = catalogue.kpi_id
    where
        measures.period_end <= {{ as_at() }}
        and (
            measures.period_type_code in ('point', 'rolling_12_months', 'academic_year_to_date')
            or (measures.period_type_code is not null and measures.period_end = last_day(measures.period_end))
        )
        and (measures.breakdown_type = 'all') = (measures.breakdown_value = 'all')
        and measures.numerator >= 0
        and (catalogue.unit = 'count' or measures.denominator >= 0)
        and (catalogue.unit <> 'percent' or measures.numerator <= measures.denominator)
    qualify
        row_number() over (
            partition by
                measures.kpi_id, period_type, measures.period_end, measures.breakdown_type, measures.breakdown_value
            order by measures.line_no desc
        ) = 1
)

select
    usable.kpi_id,
    usable.unit,
    usable.direction,
    usable.period_type,
    usable.period_end,
    false as is_part_period,
    usable.breakdown_type,
    usable.breakdown_value,
    usable.numerator,
    usable.denominator,
    usable.source,
    usable.supplied_by,
    usable.note,
    feeds.data_date,
    feeds.is_stale
from usable
inner join {{ ref('stg_send_ready__feeds') }} as feeds on feeds.feed = 'board.measures'
