-- Whole years, without a gap, from the first that a fact names to the year after the last: what is due lies a year on
-- at most, and dates are typed between 1900 and 2100 alone (extract/types.py). A slip in a date widens the calendar.
with held as (
    {%- for fact in [
        'fct_advice', 'fct_annual_review', 'fct_attendance_week', 'fct_ehc_plan', 'fct_ehcp_case', 'fct_enrolment',
        'fct_event', 'fct_exclusion', 'fct_home_education', 'fct_placement', 'fct_sen_need',
        'fct_sen_provision', 'fct_social_care_involvement'
    ] %}
    {%- set relation = ref(fact) %}
    {%- for column, dimension in keys_of(fact).get('references', {}).items() if dimension == 'dim_date' %}
    select
        min({{ column }}) as first_date,
        max({{ column }}) as last_date
    from {{ relation }}
    union all
    {%- endfor %}
    {%- endfor %}
    {%- for column in ['start_date', 'due_date'] %}
    select
        min({{ column }}) as first_date,
        max({{ column }}) as last_date
    from {{ ref('stg_board__actions') }}
    union all
    {%- endfor %}
    select
        min(period_end) as first_date,
        max(period_end) as last_date
    from {{ ref('stg_board__measures') }}
    union all
    -- The months that kpi.values looks back over.
    select
        {{ months_before(37) }} as first_date,
        {{ as_at() }} as last_date
),

days as (
    select
        cast(unnest(generate_series(
            make_date(cast(year(min(first_date)) as integer), 1, 1),
            make_date(cast(year(max(last_date)) as integer) + 1, 12, 31),
            interval 1 day
        )) as date) as calendar_date
    from held
),

years as (
    select
        *,
        {{ first_year('calendar_date', 9) }} as academic_year_first,
        {{ first_year('calendar_date', 4) }} as financial_year_first,
        case
            when month(calendar_date) >= 9 then 1
            when month(calendar_date) <= 3 then 2
            else 3
        end as academic_term_number
    from days
)

select
    years.calendar_date,
    cast(year(years.calendar_date) as integer) as calendar_year,
    cast(quarter(years.calendar_date) as integer) as calendar_quarter,
    cast(month(years.calendar_date) as integer) as month_number,
    strftime(years.calendar_date, '%B') as month_name,
    cast(date_trunc('month', years.calendar_date) as date) as month_start_date,
    cast(date_trunc('week', years.calendar_date) as date) as week_start_date,
    cast(isoyear(years.calendar_date) as integer) as iso_year,
    cast(week(years.calendar_date) as integer) as iso_week,
    cast(isodow(years.calendar_date) as integer) as weekday_number,
    strftime(years.calendar_date, '%A') as weekday_name,
    {{ split_year('years.academic_year_first') }} as academic_year,
    years.academic_year_first,
    cast(years.academic_term_number as integer) as academic_term_number,
    ['Autumn', 'Spring', 'Summer'][years.academic_term_number] as academic_term,
    cast((month(years.calendar_date) + 3) % 12 + 1 as integer) as academic_month_number,
    {{ split_year('years.financial_year_first') }} as financial_year,
    years.financial_year_first,
    cast((quarter(years.calendar_date) + 2) % 4 + 1 as integer) as financial_quarter,
    bank_holidays.holiday_name as bank_holiday_name,
    isodow(years.calendar_date) <= 5 and bank_holidays.holiday_date is null as is_working_day,
    years.calendar_date = last_day(years.calendar_date) as is_month_end,
    years.calendar_date = {{ as_at() }} as is_as_at,
    {{ run_columns() }}
from years
left join {{ ref('stg_send_ready__bank_holidays') }} as bank_holidays
    on years.calendar_date = bank_holidays.holiday_date
