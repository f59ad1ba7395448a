{# What a run is handed: the as-at date D, the council and the run. Nothing reads the clock. #}

{% macro as_at() -%}
    date '{{ var("as_at") }}'
{%- endmacro %}

{# The two columns that every published table ends with. #}
{% macro run_columns() -%}
    '{{ var("la_code") }}' as la_code,
    '{{ var("run_id") }}' as run_id
{%- endmacro %}
