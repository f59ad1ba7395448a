{# Date rules of the lists. Sources: annex_a rules "Open at D", "D - 6 calendar months". #}

{# Started on or before D and not ended by D. On the day it ends a thing is no longer open. #}
{% macro is_open(start_date, end_date) -%}
    coalesce({{ start_date }} <= {{ as_at() }} and ({{ end_date }} is null or {{ end_date }} > {{ as_at() }}), false)
{%- endmacro %}

{# D less n calendar months; a day that the month lacks becomes its last day. #}
{% macro months_before(months) -%}
    cast({{ as_at() }} - interval {{ months }} month as date)
{%- endmacro %}

{# Whether a date falls in (D - n months, D]. #}
{% macro is_within_months(the_date, months) -%}
    coalesce({{ the_date }} > {{ months_before(months) }} and {{ the_date }} <= {{ as_at() }}, false)
{%- endmacro %}

{# Age in whole years at D. A 29 February birthday falls on 28 February in other years. Below 0 before birth. #}
{% macro age_years(birth_date) -%}
    cast(
        year({{ as_at() }}) - year({{ birth_date }})
        - if({{ birth_date }} + to_years(cast(year({{ as_at() }}) - year({{ birth_date }}) as integer)) > {{ as_at() }}, 1, 0)
        as integer
    )
{%- endmacro %}
