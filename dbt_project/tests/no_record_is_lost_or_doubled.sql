-- What: a fact has as many rows as the feed it comes from, and a list as many as people are meant to be on it.
-- When it matters: a join that drops or doubles rows changes counts without any error.
-- How to fix: look for a join on a key that is not unique, or an inner join, in the model named.
{%- set pairs = [
    ('stg_capita_one__placements', 'fct_placement'),
    ('stg_ehc_hub__advice', 'fct_advice'),
    ('stg_ehc_hub__cases', 'quality_migration_reconciliation'),
    ('dim_person', 'person_identifiable_persons'),
] %}
with counts as (
    {%- for before, after in pairs %}
    select
        '{{ after }}' as model,
        (select count(*) from {{ ref(before) }}) as rows_expected,
        (select count(*) from {{ ref(after) }}) as rows_found
    union all
    {%- endfor %}
    -- What the census or the ILACS lists speak of instead, if a council puts them first (survivorship.csv), is no loss.
    {%- for fact, before, after, source in [
        ('enrolment', 'stg_capita_one__enrolments', 'fct_enrolment', 'capita_one'),
        ('sen_need', 'stg_capita_one__sen_needs', 'fct_sen_need', 'capita_one'),
        ('sen_provision', 'stg_capita_one__sen_provision', 'fct_sen_provision', 'capita_one'),
        ('attendance', 'stg_capita_one__attendance', 'fct_attendance_week', 'capita_one'),
        ('exclusions', 'stg_capita_one__exclusions', 'fct_exclusion', 'capita_one'),
        ('social_care', 'stg_social_care__involvements', 'fct_social_care_involvement', 'social_care'),
    ] %}
    select
        '{{ after }}' as model,
        if(
            {{ source_place(fact, "'" ~ source ~ "'") }} = 1,
            (select count(*) from {{ ref(before) }}),
            (select count_if(source_system = '{{ source }}') from {{ ref(after) }})
        ) as rows_expected,
        (select count_if(source_system = '{{ source }}') from {{ ref(after) }}) as rows_found
    union all
    {%- endfor %}
    select
        'fct_home_education' as model,
        (select count(*) from {{ ref('stg_capita_one__home_education') }}) as rows_expected,
        -- Placements of a SEN2 return may be at home too.
        (select count_if(not starts_with(student_id, 'SEN2-')) from {{ ref('fct_home_education') }}) as rows_found
    union all
    select
        'fct_ehc_plan' as model,
        (select count(*) from {{ ref('stg_capita_one__ehc_plans') }}) as rows_expected,
        (select count_if(source_system = 'capita_one') from {{ ref('fct_ehc_plan') }}) as rows_found
    union all
    select
        'dim_establishment' as model,
        (select count(*) from {{ ref('stg_gias__establishments') }}) as rows_expected,
        (select count_if(is_in_gias) from {{ ref('dim_establishment') }}) as rows_found
    {%- for list in [1, 2] %}
    union all
    select
        'rpt_annex_a__list_{{ list }}' as model,
        (select count_if(is_on_list_{{ list }}) from {{ ref('dim_person') }}) as rows_expected,
        (select count(*) from {{ ref('rpt_annex_a__list_' ~ list) }}) as rows_found
    {%- endfor %}
)

select *
from counts
where rows_expected <> rows_found
