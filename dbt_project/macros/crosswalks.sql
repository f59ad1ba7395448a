{#
    Local values to standard codes. A coded column `x` of a feed becomes three: x_code (null when blank or not
    mapped), x_local (as held) and is_x_unmapped (held, but no row of the crosswalk knows it). A crosswalk row
    without a code says "known, and means that nothing is recorded".
#}

{% macro code_columns(name, column) -%}
    {{ name }}_xwalk.code as {{ name }}_code,
    feed.{{ column }} as {{ name }}_local,
    feed.{{ column }} is not null and {{ name }}_xwalk.local_value is null as is_{{ name }}_unmapped
{%- endmacro %}

{#
    `name` is the house name of the coded column, `crosswalk` the seed behind it. In that of residential placements a
    value has a code from one survey year to another; of rows that overlap the later one counts.
#}
{% macro crosswalk_join(name, column, crosswalk=none) -%}
    {%- set codes = ref('xwalk_' ~ (crosswalk or name)) %}
    left join {{ codes_of_survey_year(codes) if (crosswalk or name) == 'residential' else codes }} as {{ name }}_xwalk
        on lower(trim(feed.{{ column }})) = lower(trim({{ name }}_xwalk.local_value))
{%- endmacro %}

{# The rows of a crosswalk with years that hold in the survey year of D, one a local value. #}
{% macro codes_of_survey_year(codes) -%}
    (
        select
            local_value,
            code
        from {{ codes }}
        where {{ survey_year() }} between coalesce(first_year, '0000') and coalesce(last_year, '9999')
        qualify row_number() over (partition by lower(trim(local_value)) order by first_year desc nulls last) = 1
    )
{%- endmacro %}

{#
    The year, as text, of the SEN2 survey that D is before: the first whose return is still to come, or due; or the one whose
    return was asked for (int_sen2__return), for which the models that ask are made again, as their tag says.
#}
{% macro survey_year() -%}
    coalesce(
        nullif('{{ var("sen2_year", "") }}', ''),
        (select min(survey_year) from {{ ref('sen2_surveys') }} where cast(due_day as date) >= {{ as_at() }}),
        cast(year({{ as_at() }}) + 1 as varchar)
    )
{%- endmacro %}
