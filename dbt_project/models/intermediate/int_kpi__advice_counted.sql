with advice as (
    select
        concat_ws(', ', 'HUB-' || advice.case_id, advice.advice_type_local, advice.requested_date) as advice_id,
        person.person_id,
        advice.advice_type_code,
        coalesce(advice.provider, 'Unknown') as provider,
        advice.requested_date,
        advice.received_date,
        advice.requested_date + {{ limit_days('advice') }} as due_date
    from {{ ref('stg_ehc_hub__advice') }} as advice
    {{ person_join('ehc_hub', 'advice.case_id') }}
    where advice.advice_type_code in ('Health', 'Educational Psychology', 'Social Care')
)

select
    windows.period_type,
    windows.period_end,
    advice.person_id,
    advice.advice_id,
    {{ kpi_breakdown_columns('windows.period_end') }},
    {%- for kpi, advice_type in [('k13', 'Health'), ('k14', 'Educational Psychology'), ('k15', 'Social Care')] %}
    advice.advice_type_code = '{{ advice_type }}' as {{ kpi }}_denominator,
    {{ kpi }}_denominator and coalesce(advice.received_date <= advice.due_date, false) as {{ kpi }}_numerator,
    {%- endfor %}
    advice.provider,
    advice.due_date,
    advice.received_date
from advice
inner join {{ ref('int_kpi__windows') }} as windows
    on
        windows.period_type in ('month', 'rolling_12_months')
        and advice.due_date between windows.start_date and windows.period_end
{{ kpi_state_join('advice.person_id') }}
where {{ kpi_is_state('windows.period_no') }}
