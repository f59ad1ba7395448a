{#
    Rows that share a key with another row, or lack a part of it, of several models at once: one test a layer is
    quicker than one a model. `keys` maps a model to the columns of its key; a column with ? may be blank.
#}
{% macro grain(keys) -%}
    {%- for model, columns in keys.items() %}
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
