{%- set is_known = '(feeds.is_known or returned.kpi_id is not null)' if does_return_speak() else 'feeds.is_known' -%}
{%- set target, margin = 'try_cast(targets.target_value as double)', 'try_cast(targets.amber_margin as double)' -%}
-- What each model counts, a column a KPI; then a row a KPI, whichever models it takes its two numbers from.
with totals as materialized (
    {%- for each in kpi_models() %}

    {{ kpi_totals(each.name, kpi_breakdowns() + (each.breakdowns or []), each.where or 'true', each.more) }}

    union all by name
    {%- endfor %}

    {{ kpi_totals('attendance', ['sen_group'], more='is_severely_absent', has_whole=false) }}
),

amounts as (
    unpivot totals
    on {{ kpi_counts() }}
    into name measure value amount
),

added as materialized (
    select
        catalogue.kpi_id,
        {{ kpi_window('catalogue.windows', 'amounts.period_type') }} as period_type,
        amounts.period_end,
        amounts.column_name,
        amounts.breakdown_value,
        cast(sum(amounts.amount) filter (where ends_with(amounts.measure, '_numerator')) as bigint) as numerator,
        cast(sum(amounts.amount) filter (where ends_with(amounts.measure, '_denominator')) as bigint) as denominator
    from amounts
    inner join {{ ref('kpi_catalogue') }} as catalogue on upper(left(amounts.measure, 3)) = catalogue.kpi_id
    where amounts.amount <> 0 and amounts.breakdown_value is not null
    group by all
),

-- Severe absence is part of persistent absence, so that the levels are no column to break down by.
absence_levels as (
    unpivot (
        select
            'K48' as kpi_id,
            period_type,
            period_end,
            if(column_name = 'all', 'level', 'sen_group_level') as column_name,
            if(column_name = 'all', null, breakdown_value) as sen_group,
            k48_numerator as persistent,
            is_severely_absent as severe,
            k48_denominator as denominator
        from totals
        where column_name in ('all', 'sen_group')
    )
    on persistent, severe
    into name level value numerator
),

-- `all` has a row for every window of every KPI, also where nothing was counted.
wanted as (
    select
        catalogue.kpi_id,
        catalogue.unit,
        catalogue.direction,
        windows.period_type,
        windows.period_end,
        {{- ' windows.start_date,' if does_return_speak() }}
        windows.is_part_period
    from (
        select
            *,
            unnest(string_split(windows, '; ')) as period_type
        from {{ ref('kpi_catalogue') }}
        where is_built = 'Y'
    ) as catalogue
    inner join {{ ref('int_kpi__windows') }} as windows on catalogue.period_type = windows.period_type
),

parts as (
    select * from added

    union all by name

    select
        * exclude (sen_group, level),
        concat_ws(', ', sen_group, level) as breakdown_value
    from absence_levels
    where denominator > 0
),

-- A KPI's own way to break down comes before the one of every KPI.
breakdowns as (
    select
        catalogue.kpi_id,
        breakdowns.breakdown_type,
        breakdowns.column_name,
        breakdowns.denominator_of
    from {{ ref('kpi_catalogue') }} as catalogue
    inner join {{ ref('kpi_breakdowns') }} as breakdowns
        on coalesce(breakdowns.kpi_id, catalogue.kpi_id) = catalogue.kpi_id
    qualify
        row_number() over (
            partition by catalogue.kpi_id, breakdowns.breakdown_type order by breakdowns.kpi_id nulls last
        ) = 1
),

figures as (
    select
        wanted.*,
        'all' as breakdown_type,
        'all' as breakdown_value,
        coalesce(added.numerator, 0) as numerator,
        coalesce(added.denominator, 0) as denominator
    from wanted
    left join added
        on
            wanted.kpi_id = added.kpi_id
            and wanted.period_type = added.period_type
            and wanted.period_end = added.period_end
            and added.column_name = 'all'

    union all

    -- Parts of the whole, or of a group, share its denominator; others have their own.
    select
        wanted.*,
        breakdowns.breakdown_type,
        parts.breakdown_value,
        coalesce(parts.numerator, 0) as numerator,
        coalesce(if(breakdowns.denominator_of is null, parts.denominator, wholes.denominator), 0) as denominator
    from wanted
    inner join parts
        on
            wanted.kpi_id = parts.kpi_id
            and wanted.period_type = parts.period_type
            and wanted.period_end = parts.period_end
    inner join breakdowns on parts.kpi_id = breakdowns.kpi_id and parts.column_name = breakdowns.column_name
    left join added as wholes
        on
            parts.kpi_id = wholes.kpi_id
            and parts.period_type = wholes.period_type
            and parts.period_end = wholes.period_end
            and breakdowns.denominator_of = wholes.column_name
            and if(breakdowns.denominator_of = 'all', 'all', split_part(parts.breakdown_value, ', ', 1))
            = wholes.breakdown_value
    where breakdowns.denominator_of is null or parts.numerator > 0
),

feeds as (
    select
        kpi_id,
        min(data_date) as data_date,
        bool_or(is_stale) as is_stale,
        kpi_id not in (select not_known.kpi_id from {{ ref('kpi_not_known') }} as not_known) as is_known
    from (
        select
            kpi_id,
            min(data_date) filter (where was_received) as data_date,
            coalesce(bool_or(is_stale) filter (where was_received), true) as is_stale
        from {{ ref('int_kpi__needs') }}
        group by kpi_id, need
    ) as needs
    group by kpi_id
),

{%- if does_return_speak() %}

-- What a SEN2 return tells where nothing else does: of the calendar year before it, and of its day and the month after.
-- That it does not tell it of today, kpi_not_known says.
returned as (
    select
        told.kpi_id,
        returns.reference_date,
        returns.year_start,
        returns.is_stale
    from {{ ref('kpi_returns') }} as told
    inner join (
        select
            max(persons.reference_date) as reference_date,
            make_date(cast(max(persons.return_year) as integer) - 1, 1, 1) as year_start,
            max(persons.return_year) as return_year,
            (
                select states.is_stale from {{ ref('stg_send_ready__feeds') }} as states
                where states.feed = 'sen2.persons'
            ) as is_stale
        from {{ ref('stg_sen2__persons') }} as persons
        where {{ is_of_newest_return('persons') }}
    ) as returns
        on returns.return_year >= cast(told.first_year as integer)
    where
        told.kpi_id not in (
            select needs.kpi_id
            from {{ ref('int_kpi__needs') }} as needs
            where
                not needs.is_met
                and not regexp_matches(
                    needs.need,
                    '^capita_one[.]'
                    || '(ehcp_assessments|ehc_plans|annual_reviews|sen_needs|enrolments|students|home_education)'
                )
        )
),
{%- endif %}

measured as (
    select
        figures.* exclude (numerator, denominator),
        {%- if does_return_speak() %}
        if(feeds.is_known, feeds.data_date, coalesce(returned.reference_date, feeds.data_date)) as data_date,
        if(feeds.is_known, feeds.is_stale, coalesce(returned.is_stale, feeds.is_stale)) as is_stale,
        {%- else %}
        feeds.data_date,
        feeds.is_stale,
        {%- endif %}
        -- Not known is not nought. Weeks are of days; what is no number of things has no denominator.
        if({{ is_known }}, figures.numerator / if(figures.unit = 'weeks', 7.0, 1.0), null) as numerator,
        if({{ is_known }} and figures.unit <> 'count', cast(figures.denominator as bigint), null) as denominator
    from figures
    inner join feeds on figures.kpi_id = feeds.kpi_id
    {%- if does_return_speak() %}
    left join returned
        on
            figures.kpi_id = returned.kpi_id
            and if(
                figures.period_type = 'point',
                figures.period_end between returned.reference_date and returned.reference_date + 31,
                figures.start_date >= returned.year_start
                and figures.period_end < returned.year_start + interval 1 year
            )
    {%- endif %}

    union all by name

    -- What is not worked out from the exports, as far as somebody supplies it.
    select * exclude (source, supplied_by, note)
    from {{ ref('int_kpi__measures_supplied') }}
),

valued as (
    select
        *,
        case
            when unit = 'count' then numerator
            when denominator > 0 then numerator * if(unit = 'weeks', 1, 100) / denominator
        end as value -- noqa: RF04
    from measured
)

select
    '{{ var("la_code") }}' as la_code,
    valued.kpi_id,
    valued.period_type,
    valued.period_end,
    valued.is_part_period,
    valued.breakdown_type,
    valued.breakdown_value,
    cast(valued.numerator as double) as numerator,
    valued.denominator,
    cast(valued.value as double) as value, -- noqa: RF04
    valued.unit,
    try_cast(comparators.value as double) as comparator_value,
    comparators.period as comparator_period,
    try_cast(targets.target_value as double) as target_value,
    {{ kpi_rag('valued.value', 'valued.direction', target, margin) }} as rag,
    valued.data_date,
    valued.is_stale,
    '{{ var("run_id") }}' as run_id
from valued
left join {{ ref('kpi_targets') }} as targets on valued.kpi_id = targets.kpi_id
left join {{ ref('kpi_comparators') }} as comparators
    on
        valued.kpi_id = comparators.kpi_id
        and valued.breakdown_type = comparators.breakdown_type
        and valued.breakdown_value = comparators.breakdown_value
