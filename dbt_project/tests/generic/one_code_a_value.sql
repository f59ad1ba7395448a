{#
    What: a local value stands once in a crosswalk, whatever its case and spaces.
    When it matters: two codes for one value would double every record that holds it.
    How to fix: delete one of the rows from the CSV.
#}
{% test one_code_a_value(model) %}
    select
        lower(trim(local_value)) as plain_value,
        count(*) as row_count
    from {{ model }}
    group by plain_value
    having count(*) > 1 or plain_value is null
{% endtest %}
