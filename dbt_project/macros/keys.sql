{# Keys stand once, in each model's yml: meta.primary_key, where a column with ? may be blank, and meta.references. #}

{# What a model's or seed's yml says of its keys; nothing while dbt parses, as it has not read every yml yet. #}
{% macro keys_of(name) -%}
    {%- set nodes = graph.nodes if execute else {} -%}
    {%- set node = nodes.get('model.send_ready.' ~ name) or nodes.get('seed.send_ready.' ~ name) or {'config': {}} -%}
    {{ return(node['config'].get('meta', {})) }}
{%- endmacro %}

{#
    Rows that share a key with another row, or lack a part of it, of several models at once: one test a layer is
    quicker than one a model.
#}
{% macro grain(models) -%}
    {%- for model in models %}
    {%- set columns = keys_of(model).get('primary_key', ['key']) %}
    select
        '{{ model }}' as model,
        {%- for column in columns %}
        {{ "'" ~ column | replace('?', '') ~ "=' || coalesce(cast(" ~ column | replace('?', '') ~ " as varchar), '')" }}
        {{- " || '; ' ||" if not loop.last else ' as failing_key,' }}
        {%- endfor %}
        count(*) as row_count
    from {{ ref(model) }}
    group by {{ columns | join(', ') | replace('?', '') }}
    having
        count(*) > 1
        {%- for column in columns if not column.endswith('?') %}
        or {{ column }} is null
        {%- endfor %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# Values of several models that the dimension they refer to does not hold. #}
{% macro unmatched(models, dimensions) -%}
    {%- for dimension in dimensions -%}
    {%- set _ = ref(dimension) -%}
    {%- endfor -%}
    {%- for model in models %}
    {%- set relation = ref(model) %}
    {%- for column, dimension in keys_of(model).get('references', {}).items() %}
    select distinct
        '{{ model }}.{{ column }}' as failing_column,
        cast({{ column }} as varchar) as failing_value
    from {{ relation }}
    where
        {{ column }} is not null
        and {{ column }} not in (select {{ keys_of(dimension).primary_key[0] }} from {{ ref(dimension) }})
    union all
    {%- endfor %}
    {%- endfor %}
    select
        null as failing_column,
        null as failing_value
    where false
{%- endmacro %}
