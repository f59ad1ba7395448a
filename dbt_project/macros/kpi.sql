{# What the KPIs share: days and ages at the end of any period, breakdowns, and which model counts what. #}

{# Started on or before a day and not ended by it: "open at" that day. #}
{% macro is_open_on(start_date, end_date, day) -%}
    coalesce({{ start_date }} <= {{ day }} and ({{ end_date }} is null or {{ end_date }} > {{ day }}), false)
{%- endmacro %}

{# Whether a date falls in a window; blank dates do not. #}
{% macro is_in_window(the_date, alias='windows') -%}
    coalesce({{ the_date }} between {{ alias }}.start_date and {{ alias }}.period_end, false)
{%- endmacro %}

{# Whole years at a day; a 29 February birthday falls on 28 February in other years. Below 0 before birth. #}
{% macro age_on(birth_date, day) -%}
    cast(
        year({{ day }}) - year({{ birth_date }})
        - if({{ birth_date }} + to_years(cast(year({{ day }}) - year({{ birth_date }}) as integer)) > {{ day }}, 1, 0)
        as integer
    )
{%- endmacro %}

{% macro age_band(age) -%}
    case
        when {{ age }} between 0 and 4 then '0–4'
        when {{ age }} between 5 and 10 then '5–10'
        when {{ age }} between 11 and 15 then '11–15'
        when {{ age }} between 16 and 19 then '16–19'
        when {{ age }} between 20 and 25 then '20–25'
        when {{ age }} > 25 then 'over 25'
        else 'Unknown'
    end
{%- endmacro %}

{# The main ethnic group of a main code of Annex A. #}
{% macro ethnicity_group(code) -%}
    case
        when {{ code }} in ('WBRI', 'WIRI', 'WIRT', 'WROM', 'WOTH') then 'White'
        when {{ code }} in ('MWBC', 'MWBA', 'MWAS', 'MOTH') then 'Mixed'
        when {{ code }} in ('AIND', 'APKN', 'ABAN', 'AOTH') then 'Asian'
        when {{ code }} in ('BCRB', 'BAFR', 'BOTH') then 'Black'
        when {{ code }} in ('CHNE', 'OOTH') then 'Other'
        else 'Unknown'
    end
{%- endmacro %}

{# The breakdowns that every KPI has besides `all`. Each is a column of every int_kpi__*_counted. #}
{% macro kpi_breakdowns() -%}
    {{ return(['sex', 'ethnicity_group', 'primary_need', 'phase', 'age_band']) }}
{%- endmacro %}

{#
    The state a person was in at the end of a period, for a record that may have no person. All states of the person
    are joined, and kpi_is_state, in the `where`, keeps the one whose bits have that end: as a condition of the join
    it would be tried on every pair.
#}
{% macro kpi_state_join(person_id) -%}
    left join {{ ref('int_kpi__person_states') }} as states on {{ person_id }} = states.person_id
{%- endmacro %}

{% macro kpi_is_state(period_no) -%}
    (states.person_id is null or (states.ends >> {{ period_no }}) & 1 = 1)
{%- endmacro %}

{# The breakdowns, of the state that kpi_state_join found. #}
{% macro kpi_breakdown_columns(period_end) -%}
    {%- for breakdown in kpi_breakdowns() if breakdown != 'age_band' %}
    coalesce(states.{{ breakdown }}, 'Unknown') as {{ breakdown }},
    {%- endfor %}
    {{ age_band(age_on('states.birth_date', period_end)) }} as age_band
{%- endmacro %}

{#
    The models that count. int_kpi__<name>_counted has a row a thing and window and, for K01, the columns k01_denominator
    and k01_numerator (true, or a number to add up; blank or false: not counted).
    - reference: the column that names the thing in its own system
    - breakdowns: its columns that seeds/kpi/kpi_breakdowns.csv names besides those of every KPI
    - days: its columns that seeds/kpi/kpi_catalogue.csv names: by when a thing had to be done, and when it was
    - where: the rows that count in the breakdowns of every KPI, if not all do; more: a further column to add up
#}
{% macro kpi_models() -%}
    {{ return([
        {
            'name': 'cases',
            'reference': 'case_id',
            'breakdowns': ['request_source'],
            'days': [
                'issue_due_date', 'final_issued_date', 'decision_due_date', 'decided_date',
                'refusal_due_date', 'refused_to_issue_date'
            ],
        },
        {
            'name': 'advice',
            'reference': 'advice_id',
            'breakdowns': ['provider'],
            'days': ['due_date', 'received_date'],
        },
        {
            'name': 'persons',
            'reference': 'plan_id',
            'breakdowns': ['special_setting', 'otherwise_setting'],
            'days': ['review_due_date'],
        },
        {
            'name': 'listed',
            'reference': 'plan_id',
            'breakdowns': ['sen_group', 'care_status', 'sen_group_care_status'],
        },
        {
            'name': 'plans',
            'reference': 'plan_id',
            'breakdowns': ['cease_reason'],
            'days': ['phase_transfer_due_date', 'phase_transfer_final_date'],
        },
        {
            'name': 'reviews',
            'reference': 'review_id',
            'days': ['decision_due_date', 'decision_date', 'amendment_due_date', 'final_amended_plan_date'],
        },
        {
            'name': 'exclusions',
            'reference': 'exclusion_id',
        },
        {
            'name': 'attendance',
            'reference': 'null',
            'where': "sen_group = 'plan'",
            'more': 'is_severely_absent',
        },
    ]) }}
{%- endmacro %}

{# What stands in the column of a table that a seed names, one of `columns`. #}
{% macro kpi_column(table, name, columns) -%}
    case {{ name }}
        {%- for column in columns | unique %}
        when '{{ column }}' then {{ table }}.{{ column }}
        {%- endfor %}
    end
{%- endmacro %}

{# The columns of a model that count: in SQL a pattern, so that a KPI needs no list of its own. #}
{% macro kpi_counts() -%}
    columns('^k[0-9]+_(numerator|denominator)$')
{%- endmacro %}

{#
    Sums of what a model counts: one row a window, column to break down by and value of it, and `all` where that is not
    left out. Of a column only values that somebody has.
#}
{% macro kpi_totals(name, columns, where='true', more=none, has_whole=true) -%}
    select
        period_type,
        period_end,
        case
            {%- for column in columns %}
            when grouping({{ column }}) = 0 then '{{ column }}'
            {%- endfor %}
            else 'all'
        end as column_name,
        case
            {%- for column in columns %}
            when grouping({{ column }}) = 0 then {{ column }}
            {%- endfor %}
            else 'all'
        end as breakdown_value,
        {%- if more %}
        sum(cast({{ more }} as bigint)) as {{ more }},
        {%- endif %}
        sum(cast({{ kpi_counts() }} as bigint)) as "\0" -- noqa: RF05
    from {{ ref('int_kpi__' ~ name ~ '_counted') }}
    where {{ where }}
    group by grouping sets (
        {%- if has_whole %}
        (period_type, period_end),
        {%- endif %}
        {%- for column in columns %}
        (period_type, period_end, {{ column }}){{ ',' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}

{# The window that a figure of a kind of window is of: a figure of a day may be the denominator of a school year. #}
{% macro kpi_window(windows, period_type) -%}
    if({{ windows }} = 'academic_year_to_date' and {{ period_type }} = 'point', {{ windows }}, {{ period_type }})
{%- endmacro %}

{#
    Red, amber, green of a value: green at or beyond the target, amber within the margin of it, red past that.
    Blank without a target, without a value, or where neither high nor low is better.
#}
{% macro kpi_rag(value, direction, target, margin) -%}
    case
        when {{ value }} is null or {{ target }} is null then null
        when {{ direction }} = 'higher' and {{ value }} >= {{ target }} then 'green'
        when {{ direction }} = 'higher' and {{ value }} >= {{ target }} - {{ margin }} then 'amber'
        when {{ direction }} = 'lower' and {{ value }} <= {{ target }} then 'green'
        when {{ direction }} = 'lower' and {{ value }} <= {{ target }} + {{ margin }} then 'amber'
        when {{ direction }} in ('higher', 'lower') then 'red'
    end
{%- endmacro %}
