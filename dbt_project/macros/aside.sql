{# Values of a record that was set aside (extract/types.py), in a query that calls it `aside`. #}

{% macro held(column) -%}
    aside.held ->> '{{ column }}'
{%- endmacro %}

{# Of a record whose shape is wrong a value may stand in another's place: it is shown when it looks like an ID. #}
{% macro held_id(column) -%}
    case
        when aside.kind = 'key' then {{ held(column) }}
        when
            length({{ held(column) }}) <= 20
            and regexp_full_match({{ held(column) }}, '[A-Za-z0-9_-]*[0-9][A-Za-z0-9_-]*')
            -- Neither a UPN nor a date.
            and not regexp_full_match({{ held(column) }}, '[A-Za-z][0-9]{11}.|[0-9]+-[A-Za-z0-9]+-[0-9]+')
            then {{ held(column) }}
    end
{%- endmacro %}
