{#
    What: no two rows share the key, and no key column is blank unless it is named in `nullable`.
    When it matters: a doubled row counts a child twice.
    How to fix: the failing rows are keys; look them up in the model's inputs, then in its joins.
#}
{% test grain(model, columns, nullable=[]) %}
    select
        {{ columns | join(', ') }},
        count(*) as row_count
    from {{ model }}
    group by all
    having count(*) > 1
        {%- for column in columns if column not in nullable %}
        or {{ column }} is null
        {%- endfor %}
{% endtest %}
