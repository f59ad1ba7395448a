-- A cohort whose feed is not there, or has never come, has no count: nothing is known, which is not nobody.
{%- set counts = {
    'plan_count': "members.sen_group = 'EHC plan'",
    'sen_support_count': "members.sen_group = 'SEN support'",
    'child_count': 'members.unique_id is not null',
    'neither_list_count': 'members.unique_id is not null and members.list_name is null',
} %}
select
    cohorts.cohort_code,
    cast(cohorts.sort_order as integer) as cohort_order,
    cohorts.cohort,
    {%- for count, condition in counts.items() %}
    cast(if(feeds.was_ever_received, count(*) filter (where {{ condition }}), null) as integer) as {{ count }},
    {%- endfor %}
    cohorts.definition,
    {{ run_columns() }}
from {{ ref('annex_a_cohorts') }} as cohorts
left join {{ ref('stg_send_ready__feeds') }} as feeds on cohorts.needed_feed = feeds.feed
left join {{ ref('rpt_annex_a__cohort_children') }} as members on cohorts.cohort_code = members.cohort_code
where cohorts.layout_version = {{ layout_version() }}
group by cohorts.cohort_code, cohorts.sort_order, cohorts.cohort, cohorts.definition, feeds.was_ever_received
