-- Who stands behind every figure of a window that ends at D. Of absence, children with a plan and on SEN support.
with counted as (
    {%- for each in kpi_counted() %}
    {%- for kpi, about in each.kpis.items() %}
    {%- set name = kpi | lower %}
    {%- set own = about.get('shares', {}).values() | list | first %}
    select
        '{{ kpi }}' as kpi_id,
        {{ "'" ~ about.period_type ~ "'" if about.period_type else 'period_type' }} as period_type,
        period_end,
        person_id,
        {{ each.reference }} as reference,
        {{ 'null' if about.no_denominator else name ~ '_denominator' }} as is_in_denominator,
        {{ name }}_numerator > 0 as is_in_numerator,
        cast({{ name }}_numerator as double){{ ' / 7' if kpi == 'K06' }} as numerator,
        {{ 'null' if about.no_denominator else 'cast(' ~ name ~ '_denominator as bigint)' }} as denominator,
        {{ about.due or 'null' }} as due_date,
        {{ about.done or 'null' }} as done_date,
        {{ 'provider' if each.name == 'advice' else 'null' }} as provider,
        {{ 'sen_group' if each.name == 'persons' else 'null' }} as sen_group,
        {{ own or 'null' }} as category,
        {{ kpi_breakdowns() | join(', ') }}
    from {{ ref('int_kpi__' ~ each.name ~ '_counted') }}
    where period_end = {{ as_at() }} and ({{ name }}_denominator or {{ name }}_numerator > 0)

    union all
    {%- endfor %}
    {%- endfor %}
    {%- for kpi in ['k47', 'k48'] %}
    {%- set level = "if(is_severely_absent, 'severe', if(k48_numerator, 'persistent', null))" %}

    select
        '{{ kpi | upper }}' as kpi_id,
        period_type,
        period_end,
        person_id,
        null as reference,
        {{ kpi }}_denominator > 0 as is_in_denominator,
        {{ kpi }}_numerator > 0 as is_in_numerator,
        cast({{ kpi }}_numerator as double) as numerator,
        cast({{ kpi }}_denominator as bigint) as denominator,
        null as due_date,
        null as done_date,
        null as provider,
        sen_group,
        {{ level if kpi == 'k48' else 'null' }} as category,
        {{ kpi_breakdowns() | join(', ') }}
    from {{ ref('int_kpi__attendance_counted') }}
    where
        period_end = {{ as_at() }}
        and sen_group <> 'other'
        and ({{ kpi }}_denominator > 0 or {{ kpi }}_numerator > 0)
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

wanted as (
    select
        kpi_id,
        unnest(string_split(windows, '; ')) as period_type
    from {{ ref('kpi_catalogue') }}
    where is_built = 'Y' and kpi_id not in (select not_known.kpi_id from {{ ref('kpi_not_known') }} as not_known)
)

select
    '{{ var("la_code") }}' as la_code,
    counted.kpi_id,
    counted.period_type,
    counted.period_end,
    counted.person_id as unique_id,
    counted.reference,
    counted.is_in_denominator,
    coalesce(counted.is_in_numerator, false) as is_in_numerator,
    counted.numerator,
    counted.denominator,
    counted.due_date,
    cast(coalesce(counted.done_date, counted.period_end) - counted.due_date as integer) as days_late,
    counted.provider,
    counted.sen_group,
    counted.category,
    {%- for breakdown in kpi_breakdowns() %}
    counted.{{ breakdown }},
    {%- endfor %}
    '{{ var("run_id") }}' as run_id
from counted
inner join wanted on counted.kpi_id = wanted.kpi_id and counted.period_type = wanted.period_type
