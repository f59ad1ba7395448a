{# Date rules of the lists. Sources: annex_a rules "Open at D", "D - 6 calendar months". #}

{# Started on or before D and not ended by D. On the day it ends a thing is no longer open. #}
{% macro is_open(start_date, end_date) -%}
    coalesce({{ start_date }} <= {{ as_at() }} and ({{ end_date }} is null or {{ end_date }} > {{ as_at() }}), false)
{%- endmacro %}

{#
    The end of what has a start. An end before its start is a slip and counts as blank (each feed has a rule that
    reports it); on the day of the start it ends. Without a start nothing can be before it. Used in staging, so that
    nobody else meets the slip. Source: annex_a rules, "No child falls off a list for a slip".
#}
{% macro end_of(start_date, end_date) -%}
    if({{ end_date }} < {{ start_date }}, null, {{ end_date }})
{%- endmacro %}

{# D less n calendar months; a day that the month lacks becomes its last day. #}
{% macro months_before(months) -%}
    cast({{ as_at() }} - interval {{ months }} month as date)
{%- endmacro %}

{# Whether a date falls in (D - n months, D]. #}
{% macro is_within_months(the_date, months) -%}
    coalesce({{ the_date }} > {{ months_before(months) }} and {{ the_date }} <= {{ as_at() }}, false)
{%- endmacro %}

{# Age in whole years at D, or at another day. A 29 February birthday falls on 28 February in other years. Below 0 before birth. #}
{% macro age_years(birth_date, the_day=none) -%}
    {%- set the_day = the_day or as_at() -%}
    cast(
        year({{ the_day }}) - year({{ birth_date }})
        - if({{ birth_date }} + to_years(cast(year({{ the_day }}) - year({{ birth_date }}) as integer)) > {{ the_day }}, 1, 0)
        as integer
    )
{%- endmacro %}

{# The 31 August before the school year of a day, by which the DfE counts ages. #}
{% macro school_year_eve(the_day) -%}
    make_date(year({{ the_day }}) - if(month({{ the_day }}) < 9, 1, 0), 8, 31)
{%- endmacro %}

{# Whether a column of a feed held something that could not be read as what it should be (extract/types.py). #}
{% macro is_unreadable(column) -%}
    coalesce(list_contains(string_split(feed._unreadable, ','), '{{ column }}'), false)
{%- endmacro %}
