{%- set feeds = [
    'enrolments', 'sen_provision', 'sen_needs', 'ehcp_assessments', 'ehc_plans', 'attendance', 'exclusions',
    'home_education', 'annual_reviews'
] -%}
{%- set bridge = source('raw', 'local__person_bridge') -%}
{%- set students = students_by_name() -%}
-- The UPN of whom no student file holds, by the ID that extract/fit.py gave them; ephemeral, as most nights have none.
{{ config(materialized='ephemeral') }}

select
    {{ upn_key('upn') }} as student_id,
    upn
from (
    {%- for feed in feeds %}
    {%- set records = source('raw', 'capita_one__' ~ feed) %}
    {%- if has_come('capita_one__' ~ feed, ['upn']) %}
    select {{ compared_upn('upn') }} as upn
    from {{ records }}
    where starts_with(student_id, 'UPN-')
    union
    {%- endif %}
    {%- endfor %}
    select {{ compared_upn('upn') }} as upn
    from {{ bridge }}
) as named
where upn is not null
