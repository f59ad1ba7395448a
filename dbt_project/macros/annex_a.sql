{# What the further items of Annex A share. #}

{# The layout in force, as send_ready/layout.py has it; a test holds the two together. #}
{% macro layout_version() -%}
    '2022-11'
{%- endmacro %}

{# Whether an Annex A phase is alternative provision (as KPI K50). #}
{% macro is_alternative_provision(phase) -%}
    coalesce({{ phase }} = 'Pupil referral unit/Alternative provision', false)
{%- endmacro %}

{# What seeds/codes/code_names.csv calls a code, in a query that joins it under this alias. #}
{% macro code_name_join(code_set, code, alias) -%}
    left join {{ ref('code_names') }} as {{ alias }}
        on {{ alias }}.code_set = '{{ code_set }}' and {{ alias }}.code = {{ code }}
{%- endmacro %}

{# In area, Out of area, or Not known, of an establishment; blank where there is none. #}
{% macro area_of(urn, is_own_la) -%}
    case
        when {{ urn }} is null then null
        when {{ is_own_la }} then 'In area'
        when not {{ is_own_la }} then 'Out of area'
        else 'Not known'
    end
{%- endmacro %}

{# The 1 September on or before D. #}
{% macro academic_year_start() -%}
    make_date(cast(year({{ as_at() }}) - if(month({{ as_at() }}) < 9, 1, 0) as integer), 9, 1)
{%- endmacro %}

{# Whole weeks from a date to D. #}
{% macro weeks_since(the_date) -%}
    cast(({{ as_at() }} - {{ the_date }}) // 7 as integer)
{%- endmacro %}

{# One tenth of a percent, half up, by whole numbers, as the lists round absence. Blank when the whole is 0. #}
{% macro percentage(part, whole) -%}
    cast(
        if(({{ whole }}) > 0, cast((2000 * ({{ part }}) + ({{ whole }})) // (2 * ({{ whole }})) as decimal(17, 0)) * 0.1, null)
        as decimal(18, 1)
    )
{%- endmacro %}
