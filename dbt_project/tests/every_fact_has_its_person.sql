-- What: a person that a fact or a list names stands in dim_person.
-- When it matters: figures by person would silently leave the fact out.
-- How to fix: int_person_records__unioned has to know every id that the fact's feed may hold.
{%- set facts = [
    'fct_ehcp_case', 'fct_ehc_plan', 'fct_annual_review', 'fct_enrolment', 'fct_sen_need', 'fct_sen_provision',
    'fct_attendance_week', 'fct_exclusion', 'fct_home_education', 'fct_advice', 'fct_social_care_involvement', 'fct_event'
] %}
with named as (
    {%- for fact in facts %}
    select distinct
        '{{ fact }}' as model,
        person_id
    from {{ ref(fact) }}
    union all
    {%- endfor %}
    select
        'rpt_annex_a__list_1' as model,
        unique_id as person_id
    from {{ ref('rpt_annex_a__list_1') }}
    union all
    select
        'rpt_annex_a__list_2' as model,
        unique_id as person_id
    from {{ ref('rpt_annex_a__list_2') }}
)

select
    named.model,
    named.person_id
from named
left join {{ ref('dim_person') }} as persons on named.person_id = persons.person_id
where named.person_id is not null and persons.person_id is null
