{# Years that begin in the middle of one, as people write them. #}

{# The first calendar year of the year, begun on the first of a month, that a date falls in. #}
{% macro first_year(the_date, first_month) -%}
    cast(year({{ the_date }}) - if(month({{ the_date }}) < {{ first_month }}, 1, 0) as integer)
{%- endmacro %}

{# 2026/27 for 2026. #}
{% macro split_year(first) -%}
    {{ first }} || '/' || right(cast({{ first }} + 1 as varchar), 2)
{%- endmacro %}
