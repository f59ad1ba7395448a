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

{# `name` is the house name of the coded column, `crosswalk` the seed behind it. #}
{% macro crosswalk_join(name, column, crosswalk=none) -%}
    left join {{ ref('xwalk_' ~ (crosswalk or name)) }} as {{ name }}_xwalk
        on lower(trim(feed.{{ column }})) = lower(trim({{ name }}_xwalk.local_value))
{%- endmacro %}
