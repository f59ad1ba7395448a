{#
    dbt-duckdb's own make a table or view beside the old one, look up what is there, and swap: ten statements a node, which
    here take longer than most queries. A run's warehouse is a file of its own that nobody reads while it is built.
#}

{% materialization table, adapter='duckdb' %}
  {{ return(made(this.incorporate(type='table'))) }}
{% endmaterialization %}

{% materialization view, adapter='duckdb' %}
  {{ return(made(this.incorporate(type='view'))) }}
{% endmaterialization %}

{# One statement: what there was is dropped, the relation made, and described as its yml says. #}
{% macro made(relation) -%}
  {%- set existing = load_cached_relation(relation) -%}
  {%- call statement('main') -%}
    {{ 'drop ' ~ existing.type ~ ' if exists ' ~ existing ~ ' cascade;' if existing }}
    {{ create_table_as(false, relation, sql) if relation.is_table else create_view_as(relation, sql) }};
    {%- if config.persist_relation_docs() and model.description %}
    {{ alter_relation_comment(relation, model.description) }}
    {%- endif %}
    {%- if config.persist_column_docs() %}
    {%- for name, column in model.columns.items() %}
    comment on column {{ relation }}.{{ adapter.quote(name) }} is {{ duckdb_escape_comment(column.description) }};
    {%- endfor %}
    {%- endif %}
  {%- endcall -%}
  {%- do adapter.commit() -%}
  {{ return({'relations': [relation]}) }}
{%- endmacro %}
