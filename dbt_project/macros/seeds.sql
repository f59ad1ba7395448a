{#
    dbt's own macro of this name also writes the statement to <target>/run/<path of the seed>. With seed-paths an
    absolute folder (SEND_SEEDS) that path is the CSV itself, which it would overwrite. A seed has no SQL to keep.
#}
{% macro noop_statement(name=none, message=none, code=none, rows_affected=none, res=none) -%}
    {%- set _ = caller() -%}
    {%- if name is not none -%}
        {{ store_raw_result(name, message=message, code=code, rows_affected=rows_affected, agate_table=res) }}
    {%- endif -%}
{%- endmacro %}
