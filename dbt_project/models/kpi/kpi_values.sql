{%- set everybody = "'all', '" ~ kpi_breakdowns() | join("', '") ~ "'" -%}
{%- set target, margin = 'try_cast(targets.target_value as double)', 'try_cast(targets.amber_margin as double)' -%}
with
{%- for each in kpi_counted() %}
{%- set own = [] %}
{%- for kpi in each.kpis.values() %}
{%- set _ = own.extend(kpi.get('parts', {}).values() | list + kpi.get('shares', {}).values() | list) %}
{%- endfor %}

{{ each.name }}_totals as (
    {{ kpi_totals(each.name, each.kpis, own) }}
),
{%- endfor %}

-- Of children with a plan, and once more by group for whoever else attends.
attendance_totals as (
    {{ kpi_totals('attendance', ['K47', 'K48'], where="sen_group = 'plan'", more=['is_severely_absent']) }}
),

attendance_groups as (
    select
        period_type,
        period_end,
        sen_group,
        sum(k47_numerator) as k47_numerator,
        sum(k47_denominator) as k47_denominator,
        count_if(k48_numerator) as k48_numerator,
        count_if(is_severely_absent) as is_severely_absent,
        count_if(k48_denominator) as k48_denominator
    from {{ ref('int_kpi__attendance_counted') }}
    group by period_type, period_end, sen_group
),

care_groups as (
    select
        period_end,
        sen_group,
        care_status,
        count(*) as numerator,
        sum(count(*)) over (partition by period_end, sen_group) as denominator
    from {{ ref('int_kpi__persons_counted') }}
    group by period_end, sen_group, care_status
),

counted as (
    {%- for each in kpi_counted() %}
    {%- for kpi, about in each.kpis.items() %}
    {%- set name = kpi | lower %}
    {%- set shares = about.get('shares', {}) %}
    select
        '{{ kpi }}' as kpi_id,
        {{ "'" ~ about.period_type ~ "'" if about.period_type else 'period_type' }} as period_type,
        period_end,
        breakdown_column as breakdown_type,
        breakdown_value,
        {{ name }}_numerator as numerator,
        {{ name }}_denominator as denominator
    from {{ each.name }}_totals
    where breakdown_column in ({{ everybody }}) and breakdown_column not in ('{{ shares | first }}')

    union all
    {%- for breakdown, column in about.get('parts', {}).items() %}

    select
        '{{ kpi }}' as kpi_id,
        period_type,
        period_end,
        '{{ breakdown }}' as breakdown_type,
        breakdown_value,
        {{ name }}_numerator as numerator,
        {{ name }}_denominator as denominator
    from {{ each.name }}_totals
    where breakdown_column = '{{ column }}'

    union all
    {%- endfor %}
    {%- for breakdown, column in shares.items() %}

    select
        '{{ kpi }}' as kpi_id,
        part.period_type,
        part.period_end,
        '{{ breakdown }}' as breakdown_type,
        part.breakdown_value,
        part.{{ name }}_numerator as numerator,
        if(part.{{ name }}_numerator > 0, whole.{{ name }}_denominator, 0) as denominator
    from {{ each.name }}_totals as part
    inner join {{ each.name }}_totals as whole
        on
            part.period_type = whole.period_type
            and part.period_end = whole.period_end
            and whole.breakdown_column = 'all'
    where part.breakdown_column = '{{ column }}' and part.breakdown_value is not null

    union all
    {%- endfor %}
    {%- endfor %}
    {%- endfor %}

    {%- for kpi in ['k47', 'k48'] %}

    select
        '{{ kpi | upper }}' as kpi_id,
        period_type,
        period_end,
        breakdown_column as breakdown_type,
        breakdown_value,
        {{ kpi }}_numerator as numerator,
        {{ kpi }}_denominator as denominator
    from attendance_totals

    union all

    select
        '{{ kpi | upper }}' as kpi_id,
        period_type,
        period_end,
        'sen_group' as breakdown_type,
        sen_group as breakdown_value,
        {{ kpi }}_numerator as numerator,
        {{ kpi }}_denominator as denominator
    from attendance_groups

    union all
    {%- endfor %}
    {%- for level, column in [('persistent', 'k48_numerator'), ('severe', 'is_severely_absent')] %}

    select
        'K48' as kpi_id,
        period_type,
        period_end,
        'level' as breakdown_type,
        '{{ level }}' as breakdown_value,
        {{ column }} as numerator,
        k48_denominator as denominator
    from attendance_totals
    where breakdown_column = 'all'

    union all

    select
        'K48' as kpi_id,
        period_type,
        period_end,
        'sen_group_level' as breakdown_type,
        sen_group || ', {{ level }}' as breakdown_value,
        {{ column }} as numerator,
        k48_denominator as denominator
    from attendance_groups

    union all
    {%- endfor %}

    select
        'K53' as kpi_id,
        'point' as period_type,
        period_end,
        'sen_group_care_status' as breakdown_type,
        sen_group || ', ' || care_status as breakdown_value,
        numerator,
        denominator
    from care_groups
    where care_status is not null
),

-- A KPI may take its numerator and its denominator from different models.
added as (
    select
        kpi_id,
        period_type,
        period_end,
        breakdown_type,
        breakdown_value,
        coalesce(sum(numerator), 0) as numerator,
        coalesce(sum(denominator), 0) as denominator
    from counted
    group by kpi_id, period_type, period_end, breakdown_type, breakdown_value
    having sum(numerator) > 0 or sum(denominator) > 0
),

catalogue as (
    select
        kpi_id,
        unit,
        direction,
        unnest(string_split(windows, '; ')) as period_type
    from {{ ref('kpi_catalogue') }}
    where is_built = 'Y'
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

-- `all` has a row for every window of every KPI, also where nothing was counted.
wanted as (
    select
        catalogue.kpi_id,
        catalogue.unit,
        catalogue.direction,
        windows.period_type,
        windows.period_end,
        windows.is_part_period
    from catalogue
    inner join {{ ref('int_kpi__windows') }} as windows on catalogue.period_type = windows.period_type
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
            and added.breakdown_type = 'all'

    union all

    select
        wanted.*,
        added.breakdown_type,
        added.breakdown_value,
        added.numerator,
        added.denominator
    from wanted
    inner join added
        on
            wanted.kpi_id = added.kpi_id
            and wanted.period_type = added.period_type
            and wanted.period_end = added.period_end
            and added.breakdown_type <> 'all'
),

measured as (
    select
        figures.* exclude (numerator, denominator),
        feeds.data_date,
        feeds.is_stale,
        -- Not known is not nought. Weeks are of days; what is no number of things has no denominator.
        if(feeds.is_known, figures.numerator / if(figures.unit = 'weeks', 7.0, 1.0), null) as numerator,
        if(feeds.is_known and figures.unit <> 'count', cast(figures.denominator as bigint), null) as denominator
    from figures
    inner join feeds on figures.kpi_id = feeds.kpi_id

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
