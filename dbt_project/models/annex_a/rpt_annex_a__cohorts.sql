{%- set counts = {
    'plan_count': "members.sen_group = 'EHC plan'",
    'sen_support_count': "members.sen_group = 'SEN support'",
    'child_count': 'members.unique_id is not null',
    'neither_list_count': 'members.unique_id is not null and members.list_name is null',
} %}
{%- set needs -%}
    select
        cohort_code as id,
        needed_feed as needs
    from {{ ref('annex_a_cohorts') }}
    where layout_version = {{ layout_version() }}
{%- endset -%}
-- A cohort whose feed or column is not there, or has never come, has no count: nothing is known, which is not nobody.
with known as (
    select
        id as cohort_code,
        bool_and(is_met) as is_known
    from (
        {{ needs_taken_apart(needs) }}
    ) as needs
    group by id
)

select
    cohorts.cohort_code,
    cast(cohorts.sort_order as integer) as cohort_order,
    cohorts.cohort,
    {%- for count, condition in counts.items() %}
    cast(if(known.is_known, count(*) filter (where {{ condition }}), null) as integer) as {{ count }},
    {%- endfor %}
    cohorts.definition,
    {{ run_columns() }}
from {{ ref('annex_a_cohorts') }} as cohorts
left join known on cohorts.cohort_code = known.cohort_code
left join {{ ref('rpt_annex_a__cohort_children') }} as members on cohorts.cohort_code = members.cohort_code
where cohorts.layout_version = {{ layout_version() }}
group by cohorts.cohort_code, cohorts.sort_order, cohorts.cohort, cohorts.definition, known.is_known
