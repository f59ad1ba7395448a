{#
    What the models of the SEN2 return share. Each joins the one row of int_sen2__return as `the_return`: R is its
    reference_day, W from its window_start to its window_end.
#}

{# A date as it is known at R: nothing dated after R is seen. #}
{% macro seen(the_date) -%}
    if({{ the_date }} <= the_return.reference_day, {{ the_date }}, null)
{%- endmacro %}

{# Whether what has a start and an end is open at R; a blank start has been. #}
{% macro is_open_at_reference(start_date, end_date) -%}
    (
        coalesce({{ start_date }} <= the_return.reference_day, true)
        and coalesce({{ end_date }} > the_return.reference_day, true)
    )
{%- endmacro %}

{# Whether a date lies in W. #}
{% macro is_in_sen2_window(the_date) -%}
    coalesce({{ the_date }} between the_return.window_start and the_return.window_end, false)
{%- endmacro %}

{# Whether a date is not before W: what happened earlier is returned without its date. #}
{% macro is_not_before_window(the_date) -%}
    coalesce({{ the_date }} >= the_return.window_start, false)
{%- endmacro %}

{# A value under its column of a module; blank in a year whose shape has no such element (seeds/sen2/sen2_elements.csv). #}
{% macro of_shape(module, column, value) -%}
    if(list_contains(the_return.columns_left_out, '{{ module }}.{{ column }}'), null, {{ value }}) as {{ column }}
{%- endmacro %}

{# Of a date that the survey has in a year, the nth Thursday of a month. #}
{% macro thursday(year, month, nth) -%}
    make_date({{ year }}, {{ month }}, 1)
    + cast((11 - isodow(make_date({{ year }}, {{ month }}, 1))) % 7 + {{ 7 * (nth - 1) }} as integer)
{%- endmacro %}

{# A code that the return may hold in its year (seeds/sen2/sen2_codes.csv); another is left out, and a check tells. #}
{% macro sen2_code(code_set, code) -%}
    if(
        {{ code }} in (
            select codes.code
            from {{ ref('sen2_codes') }} as codes
            where codes.code_set = '{{ code_set }}'
        ),
        {{ code }},
        null
    )
{%- endmacro %}
