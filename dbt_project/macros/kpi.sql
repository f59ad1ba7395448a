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
    Which model counts which KPI. A model int_kpi__<name>_counted has, for K01, the columns k01_denominator and
    k01_numerator (true, or a number to add up; blank or false: not counted), a row a thing and window.
    - reference: the column that names the thing in its own system
    - due, done: when it had to be done by and when it was, where the KPI sets a limit
    - parts: breakdowns of the KPI's own that split numerator and denominator, and their columns
    - shares: breakdowns of the KPI's own that split the numerator alone; the denominator is that of `all`
    - no_denominator: the KPI is a count
    - period_type: where a figure of a day serves as the denominator of a window
    Absence (K47, K48), which has groups and levels, is written out where it is used.
#}
{% macro kpi_counted() -%}
    {%- set cases = {
        'K01': {'due': 'issue_due_date', 'done': 'final_issued_date'},
        'K02': {'due': 'issue_due_date', 'done': 'final_issued_date'},
        'K03': {'due': 'issue_due_date', 'done': 'final_issued_date'},
        'K04': {'due': 'issue_due_date', 'done': 'final_issued_date'},
        'K05': {'due': 'issue_due_date', 'no_denominator': true},
        'K06': {'due': 'issue_due_date', 'done': 'final_issued_date'},
        'K07': {'due': 'decision_due_date', 'done': 'decided_date'},
        'K08': {'no_denominator': true},
        'K09': {'due': 'decision_due_date', 'done': 'decided_date'},
        'K10': {'shares': {'request_source': 'request_source'}},
        'K11': {},
        'K12': {'due': 'refusal_due_date', 'done': 'refused_to_issue_date'},
    } -%}
    {%- set advice = {
        'K13': {'due': 'due_date', 'done': 'received_date', 'parts': {'provider': 'provider'}},
        'K14': {'due': 'due_date', 'done': 'received_date', 'parts': {'provider': 'provider'}},
        'K15': {'due': 'due_date', 'done': 'received_date', 'parts': {'provider': 'provider'}},
    } -%}
    {%- set persons = {
        'K16': {'no_denominator': true},
        'K19': {'due': 'review_due_date'},
        'K32': {},
        'K33': {'shares': {'primary_need': 'primary_need'}},
        'K34': {},
        'K35': {},
        'K36': {},
        'K37': {'shares': {'setting_type': 'special_setting'}},
        'K38': {},
        'K39': {},
        'K40': {'shares': {'setting_type': 'otherwise_setting'}},
        'K41': {},
        'K42': {},
        'K46': {'period_type': 'academic_year_to_date'},
        'K49': {},
        'K50': {},
        'K53': {'parts': {'sen_group': 'sen_group'}, 'shares': {'care_status': 'care_status'}},
        'K67': {'parts': {'sen_group': 'sen_group'}},
    } -%}
    {%- set plans = {
        'K17': {'no_denominator': true},
        'K24': {'due': 'phase_transfer_due_date', 'done': 'phase_transfer_final_date'},
        'K44': {'shares': {'cease_reason': 'cease_reason'}},
    } -%}
    {%- set reviews = {
        'K20': {'due': 'decision_due_date', 'done': 'decision_date'},
        'K21': {'due': 'decision_due_date', 'no_denominator': true},
        'K22': {'due': 'amendment_due_date', 'done': 'final_amended_plan_date'},
        'K23': {'due': 'amendment_due_date', 'no_denominator': true},
    } -%}
    {%- set exclusions = {'K45': {'no_denominator': true}, 'K46': {}} -%}
    {{ return([
        {'name': 'cases', 'reference': 'case_id', 'kpis': cases},
        {'name': 'advice', 'reference': 'advice_id', 'kpis': advice},
        {'name': 'persons', 'reference': 'plan_id', 'kpis': persons},
        {'name': 'plans', 'reference': 'plan_id', 'kpis': plans},
        {'name': 'reviews', 'reference': 'review_id', 'kpis': reviews},
        {'name': 'exclusions', 'reference': 'exclusion_id', 'kpis': exclusions},
    ]) }}
{%- endmacro %}

{#
    Sums of a model's rows: one row a window's end, breakdown and value. `all` and the breakdowns that every KPI
    has; `own` are further columns to break down by. Of a breakdown only values that somebody has.
#}
{% macro kpi_totals(name, kpis, own=[], where=none, more=[]) -%}
    {%- set columns = kpi_breakdowns() + own | reject('in', kpi_breakdowns()) | unique | list -%}
    select
        period_type,
        period_end,
        case
            {%- for column in columns %}
            when grouping({{ column }}) = 0 then '{{ column }}'
            {%- endfor %}
            else 'all'
        end as breakdown_column,
        case
            {%- for column in columns %}
            when grouping({{ column }}) = 0 then {{ column }}
            {%- endfor %}
            else 'all'
        end as breakdown_value,
        {%- for kpi in kpis %}
        sum(cast({{ kpi | lower }}_numerator as bigint)) as {{ kpi | lower }}_numerator,
        sum(cast({{ kpi | lower }}_denominator as bigint)) as {{ kpi | lower }}_denominator
        {{- ',' if not loop.last or more }}
        {%- endfor %}
        {%- for column in more %}
        sum(cast({{ column }} as bigint)) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('int_kpi__' ~ name ~ '_counted') }}
    {%- if where %}
    where {{ where }}
    {%- endif %}
    group by grouping sets (
        (period_type, period_end)
        {%- for column in columns %},
        (period_type, period_end, {{ column }})
        {%- endfor %}
    )
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
