-- The SEN2 return as a whole: what it says of itself, and figures that are compared with a share, with last year's
-- return and with the spring census.
with the_return as (
    select * from {{ ref('int_sen2__return') }}
),

chains as (
    select * from {{ ref('int_sen2__chain_frame') }}
),

figures as (
    select
        'other_source' as measure,
        cast(null as varchar) as about,
        count(*) filter (where request_source = '5') as figure,
        count(*) as total
    from chains
    where received_date >= window_start and survey_year >= 2026
    union all
    select
        'exception' as measure,
        null as about,
        count(*) filter (where week20) as figure,
        count(*) as total
    from chains
    where assessment_outcome = 'Y'
    union all
    select
        'other_reason' as measure,
        null as about,
        count(*) filter (where cease_reason = '9') as figure,
        count(*) as total
    from chains
    where cease_date is not null
    union all
    select
        'requests' as measure,
        null as about,
        count(*) filter (where received_date between window_start and year_end) as figure,
        null as total
    from chains
    union all
    select
        'plans' as measure,
        null as about,
        count(*) filter (where has_active_plans) as figure,
        null as total
    from chains
    union all
    select
        'placement_not_known' as measure,
        null as about,
        count(*) filter (where open_count = 0) as figure,
        count(*) as total
    from chains
    where has_active_plans
    union all
    select
        'need' as measure,
        sen_type as about,
        count(*) as figure,
        null as total
    from {{ ref('sen2_sen_need') }}
    where sen_type_rank = '1' and sen_type is not null
    group by sen_type
    union all
    select
        'flags_not_known' as measure,
        null as about,
        count(*) as figure,
        null as total
    from {{ ref('int_sen2__placement_frame') }}
    where urn is not null and not are_flags_known
    having count(*) > 0
    union all
    select
        'reviews_not_known' as measure,
        null as about,
        count(*) as figure,
        null as total
    from chains
    where should_be_active and not are_reviews_known and survey_year >= 2024
    having count(*) > 0
),

last_figures as (
    {{ sen2_figures_of_last_year() }}
),

compared as (
    select
        coalesce(figures.measure, last_figures.measure) as measure,
        coalesce(figures.about, last_figures.about) as about,
        coalesce(figures.figure, 0) as figure,
        figures.total,
        {{ percentage('figures.figure', 'figures.total') }} as percentage,
        -- What a return of last year does not have, it has none of. The year's requests are compared once it is over.
        if(
            last_year.is_there
            and (
                coalesce(figures.measure in ('plans', 'need', 'placement_not_known'), true)
                or (
                    figures.measure = 'requests'
                    and the_return.window_end = make_date(the_return.survey_year - 1, 12, 31)
                )
            ),
            coalesce(last_figures.figure, 0),
            null
        ) as last_figure,
        {{ percentage('last_figures.figure', 'last_figures.total') }} as last_percentage,
        cast(null as bigint) as census_figure
    from figures
    full join last_figures
        on figures.measure = last_figures.measure and figures.about is not distinct from last_figures.about
    cross join (select count(earlier.measure) > 0 as is_there from last_figures as earlier) as last_year
    cross join the_return
),

-- The newest spring census of each school up to R.
spring as (
    select
        urn,
        count(*) filter (where is_on_roll and sen_provision_code = 'E') as census_figure
    from (
        select
            pupils.*,
            max(pupils.reference_date) over (partition by pupils.urn) as newest_date
        from {{ ref('stg_census__pupils') }} as pupils
        cross join the_return
        where
            pupils.urn is not null
            and pupils.return_term = 'spring'
            and pupils.reference_date <= the_return.reference_day
            and pupils.reference_date > the_return.reference_day - interval 12 month
    ) as of_springs
    where reference_date = newest_date
    group by urn
),

placed as (
    select
        placements.urn,
        count(distinct placements.unique_id) as figure
    from {{ ref('int_sen2__placement_frame') }} as placements
    cross join the_return
    where
        placements.module = 'placement_detail'
        and coalesce(placements.leaving_date > the_return.reference_day, true)
        and placements.urn is not null
    group by placements.urn
),

schools as (
    select
        'school' as measure,
        spring.urn as about,
        coalesce(placed.figure, 0) as figure,
        spring.census_figure
    from spring
    left join placed on spring.urn = placed.urn
),

everything as (
    select * from compared
    union all by name
    select * from schools
    union all by name
    select
        'header' as measure,
        try_cast(header.year as integer) as header_year,
        header.reference_date as header_reference_date,
        header.lea as header_lea
    from {{ ref('sen2_header') }} as header
)

select
    concat_ws(' ', everything.measure, everything.about) as row_id,
    everything.*,
    case everything.measure
        when 'plans' then 'active plans'
        when 'requests' then 'requests of the year'
        when 'need' then 'active plans with primary need ' || everything.about
        when 'school' then concat_ws(' ', 'plans at', gias.establishment_name, '(' || everything.about || ')')
    end as counted,
    the_return.survey_year,
    the_return.survey_day
from everything
cross join the_return
left join {{ ref('int_establishments__phased') }} as gias
    on everything.measure = 'school' and everything.about = gias.urn
