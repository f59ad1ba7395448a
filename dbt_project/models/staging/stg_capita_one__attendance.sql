{%- set records = records_of(
    'capita_one__attendance', ['student_id', 'urn', 'week_commencing', 'attendance_code'], urn='urn'
) -%}
{%- if execute and not has_come('capita_one__attendance', ['attendance_code']) -%}
select
    feed.student_id,
    feed.urn,
    feed.week_commencing as week_commencing_date,
    feed.period_end as period_end_date,
    feed.sessions_possible as sessions_possible_count,
    feed.authorised_absence as authorised_absence_count,
    feed.unauthorised_absence as unauthorised_absence_count
from {{ records }} as feed
{%- else -%}
-- A row a mark: attendance_codes.csv says which marks are of possible sessions, and which of absence.
select
    feed.student_id,
    feed.urn,
    feed.week_commencing as week_commencing_date,
    max(feed.period_end) as period_end_date,
    cast(
        coalesce(sum(feed.sessions) filter (where codes.is_possible = 'Y'), max(feed.sessions_possible), 0) as bigint
    ) as sessions_possible_count,
    {%- for kind, flag in [('authorised', 'Y'), ('unauthorised', 'N')] %}
    cast(
        coalesce(
            sum(feed.sessions) filter (where codes.is_absence = 'Y' and codes.is_authorised = '{{ flag }}'),
            max(feed.{{ kind }}_absence),
            0
        ) as bigint
    ) as {{ kind }}_absence_count{{ ',' if not loop.last }}
    {%- endfor %}
from {{ records }} as feed
left join {{ ref('attendance_codes') }} as codes on upper(trim(feed.attendance_code)) = codes.code
group by feed.student_id, feed.urn, feed.week_commencing
{%- endif %}
