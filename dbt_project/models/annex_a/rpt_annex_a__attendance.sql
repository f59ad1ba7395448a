{%- set census = was_ever_received('census.sessions') -%}
{%- set alone = '(' ~ census ~ ' and not ' ~ was_ever_received('capita_one.attendance') ~ ')' -%}
{%- set attended = '(' ~ was_ever_received('capita_one.attendance') ~ ' or ' ~ census ~ ')' -%}
{%- set missed_of_one = was_ever_received('capita_one.attendance', ['authorised_absence', 'unauthorised_absence']) -%}
{%- set missed = '(' ~ missed_of_one ~ ' or ' ~ alone ~ ')' -%}
-- Without attendance nothing is known, which is not nought; without a column of absence, who missed how much.
-- One pass over the weeks, to a child and both periods; then who missed how much of their own possible sessions.
with weeks as (
    select
        *,
        {{ is_within_months('week_commencing_date', 6) }} as is_in_1,
        coalesce(week_commencing_date between {{ academic_year_start() }} and {{ as_at() }}, false) as is_in_2
    from {{ ref('fct_attendance_week') }}
    where coalesce(is_counted, true)
),

totals as (
    select
        person_id,
        {%- for period in [1, 2] %}
        coalesce(sum(sessions_possible_count) filter (where is_in_{{ period }}), 0) as possible_{{ period }},
        coalesce(sum(authorised_absence_count) filter (where is_in_{{ period }}), 0) as authorised_{{ period }},
        coalesce(sum(unauthorised_absence_count) filter (where is_in_{{ period }}), 0) as unauthorised_{{ period }},
        max(week_commencing_date) filter (where is_in_{{ period }}) as last_week_{{ period }},
        {%- endfor %}
        count(*) as week_count
    from weeks
    group by person_id
),

-- Everybody of the lists, with attendance or without, and whoever else has attendance.
children as (
    select
        totals.*,
        case
            when persons.is_on_list_1 then 'EHC plan'
            when persons.is_on_list_2 then 'SEN support'
            else 'Other'
        end as sen_group
    from {{ ref('dim_person') }} as persons
    left join totals on persons.person_id = totals.person_id
    where persons.is_on_list_1 or persons.is_on_list_2 or totals.person_id is not null
),

measured as (
    {%- for period in [1, 2] %}
    select
        {{ period }} as period_order,
        sen_group,
        coalesce(possible_{{ period }}, 0) as possible,
        coalesce(authorised_{{ period }}, 0) as authorised,
        coalesce(unauthorised_{{ period }}, 0) as unauthorised,
        coalesce(authorised_{{ period }}, 0) + coalesce(unauthorised_{{ period }}, 0) as missed,
        last_week_{{ period }} as last_week_date
    from children
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

periods as (
    select
        1 as period_order,
        'Six months, as the lists' as period,
        cast({{ months_before(6) }} + 1 as date) as period_start_date
    union all
    select
        2 as period_order,
        'Academic year to date' as period,
        {{ academic_year_start() }} as period_start_date
),

groups as (
    select
        unnest(['EHC plan', 'SEN support', 'Other']) as sen_group,
        unnest([1, 2, 3]) as group_order
),

counted as (
    select
        period_order,
        sen_group,
        count(*) filter (where possible > 0) as child_count,
        count(*) filter (where possible = 0) as no_attendance_count,
        -- A child without possible sessions has none to miss.
        coalesce(sum(possible) filter (where possible > 0), 0) as possible,
        coalesce(sum(authorised) filter (where possible > 0), 0) as authorised,
        coalesce(sum(unauthorised) filter (where possible > 0), 0) as unauthorised,
        count(*) filter (where possible > 0 and 10 * missed >= possible) as persistent_count,
        count(*) filter (where possible > 0 and 2 * missed >= possible) as severe_count
    from measured
    group by period_order, sen_group
),

last_weeks as (
    select
        period_order,
        max(last_week_date) as last_week_date
    from measured
    group by period_order
)

select
    periods.period,
    periods.period_order,
    periods.period_start_date,
    last_weeks.last_week_date,
    groups.sen_group,
    groups.group_order,
    cast(if({{ attended }}, coalesce(counted.child_count, 0), null) as integer) as child_count,
    cast(
        if({{ attended }} and groups.sen_group <> 'Other', coalesce(counted.no_attendance_count, 0), null) as integer
    ) as no_attendance_count,
    cast(if({{ attended }}, coalesce(counted.possible, 0), null) as bigint) as sessions_possible_count,
    {%- for name in ['authorised', 'unauthorised'] %}
    cast(
        if(
            {{ was_ever_received('capita_one.attendance', [name ~ '_absence']) }}
            or {{ alone }},
            coalesce(counted.{{ name }}, 0), null
        ) as bigint
    ) as sessions_{{ name }}_count,
    {%- endfor %}
    if(
        {{ missed }}, {{ percentage('counted.authorised + counted.unauthorised', 'counted.possible') }}, null
    ) as absence_pct,
    {%- for level in ['persistent', 'severe'] %}
    cast(if({{ missed }}, coalesce(counted.{{ level }}_count, 0), null) as integer) as {{ level }}_count,
    if({{ missed }}, {{ percentage('counted.' ~ level ~ '_count', 'counted.child_count') }}, null) as {{ level }}_pct,
    {%- endfor %}
    {{ run_columns() }}
from periods
cross join groups
left join counted on periods.period_order = counted.period_order and groups.sen_group = counted.sen_group
left join last_weeks on periods.period_order = last_weeks.period_order
