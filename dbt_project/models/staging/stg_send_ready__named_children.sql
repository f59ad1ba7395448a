{%- set feeds = [
    'enrolments', 'sen_provision', 'sen_needs', 'ehcp_assessments', 'ehc_plans', 'attendance', 'exclusions',
    'home_education', 'annual_reviews'
] -%}
-- The UPN of whom no student file holds, by the ID that extract/fit.py gave them; ephemeral, as most nights have none.
{{ config(materialized='ephemeral') }}

select
    {{ upn_key('upn') }} as student_id,
    upn
from (
    {%- for feed in feeds %}
    {%- if has_come('capita_one__' ~ feed, ['upn']) %}
    select {{ compared_upn('upn') }} as upn
    from {{ source('raw', 'capita_one__' ~ feed) }}
    where starts_with(student_id, 'UPN-')
    union
    {%- endif %}
    {%- endfor %}
    select {{ compared_upn('upn') }} as upn
    from {{ source('raw', 'local__person_bridge') }}
) as named
where upn is not null
