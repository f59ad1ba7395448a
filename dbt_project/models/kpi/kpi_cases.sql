-- Who stands behind every figure of a window that ends at D. Of absence, children with a plan and on SEN support.
{%- set categories, days = ['primary_need', 'level'], [] %}
{%- for each in kpi_models() %}
{%- set _ = categories.extend(each.breakdowns or []) %}
{%- set _ = days.extend(each.days or []) %}
{%- endfor %}
with
{%- for each in kpi_models() %}
{{ each.name }} as materialized (
    select
        *,
        {{ each.reference }} as reference,
        {{ loop.index }}000000000000 + row_number() over () as thing_no
    from {{ ref('int_kpi__' ~ each.name ~ '_counted') }}
    where period_end = {{ as_at() }}{{ " and sen_group <> 'other'" if each.name == 'attendance' }}
),
{%- endfor %}

things as (
    {%- for each in kpi_models() %}
    select columns(c -> not regexp_matches(c, '^k[0-9]+_')) from {{ each.name }}
    {{ 'union all by name' if not loop.last }}
    {%- endfor %}
),

amounts as (
    {%- for each in kpi_models() %}
    select * from (
        unpivot (
            select
                thing_no,
                nullif(cast({{ kpi_counts() }} as bigint), 0) as "\0" -- noqa: RF05
            from {{ each.name }}
        )
        on {{ kpi_counts() }}
        into name measure value amount
    )
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

counted as (
    select
        thing_no,
        left(measure, 3) as kpi,
        coalesce(max(amount) filter (where ends_with(measure, '_numerator')), 0) as numerator,
        coalesce(max(amount) filter (where ends_with(measure, '_denominator')), 0) as denominator
    from amounts
    group by thing_no, kpi
),

wanted as (
    select
        catalogue.kpi_id,
        catalogue.unit,
        catalogue.windows,
        catalogue.due_date as due_column,
        catalogue.done_date as done_column,
        unnest(string_split(catalogue.windows, '; ')) as period_type,
        breakdowns.column_name as category_column
    from {{ ref('kpi_catalogue') }} as catalogue
    left join {{ ref('kpi_breakdowns') }} as breakdowns
        on
            catalogue.kpi_id = breakdowns.kpi_id
            and (breakdowns.denominator_of = 'all' or breakdowns.column_name = 'level')
    where
        catalogue.is_built = 'Y'
        and catalogue.kpi_id not in (select not_known.kpi_id from {{ ref('kpi_not_known') }} as not_known)
)

select
    '{{ var("la_code") }}' as la_code,
    wanted.kpi_id,
    wanted.period_type,
    things.period_end,
    things.person_id as unique_id,
    things.reference,
    if(wanted.unit = 'count', null, counted.denominator > 0) as is_in_denominator,
    counted.numerator > 0 as is_in_numerator,
    -- Weeks since a request whose date is not known are not known.
    case
        when wanted.unit <> 'weeks' then cast(counted.numerator as double)
        when {{ kpi_column('things', 'wanted.due_column', days) }} is not null then counted.numerator / 7.0
    end as numerator,
    if(wanted.unit = 'count', null, counted.denominator) as denominator,
    {{ kpi_column('things', 'wanted.due_column', days) }} as due_date,
    cast(
        coalesce({{ kpi_column('things', 'wanted.done_column', days) }}, things.period_end)
        - {{ kpi_column('things', 'wanted.due_column', days) }} as integer
    ) as days_late,
    things.provider,
    things.sen_group,
    {{ kpi_column('things', 'wanted.category_column', categories) }} as category,
    {%- for breakdown in kpi_breakdowns() %}
    things.{{ breakdown }},
    {%- endfor %}
    '{{ var("run_id") }}' as run_id
from counted
inner join things on counted.thing_no = things.thing_no
inner join wanted
    on
        upper(counted.kpi) = wanted.kpi_id
        and {{ kpi_window('wanted.windows', 'things.period_type') }} = wanted.period_type
