{%- set coded = [
    ('capita_one.students', 'sex', 'sex', 'sex'),
    ('capita_one.students', 'ethnicity', 'ethnicity', 'ethnicity'),
    ('capita_one.students', 'upn_unknown_reason', 'upn_unknown_reason', 'upn_unknown_reason'),
    ('capita_one.enrolments', 'enrolment_status', 'enrolment_status', 'enrolment_status'),
    ('capita_one.sen_provision', 'sen_provision', 'sen_provision', 'sen_provision'),
    ('capita_one.sen_needs', 'sen_type', 'sen_type', 'sen_type'),
    ('capita_one.ehcp_assessments', 'assessment_type', 'assessment_type', 'assessment_type'),
    ('capita_one.ehcp_assessments', 'request_source', 'request_source', 'request_source'),
    ('capita_one.ehcp_assessments', 'inactive_reason', 'inactive_reason', 'inactive_reason'),
    ('capita_one.ehc_plans', 'setting_type', 'setting_type', 'setting_type'),
    ('capita_one.ehc_plans', 'residential', 'residential', 'residential'),
    ('capita_one.ehc_plans', 'cease_reason', 'cease_reason', 'cease_reason'),
    ('capita_one.annual_reviews', 'la_outcome', 'review_outcome', 'review_outcome'),
    ('capita_one.exclusions', 'category', 'exclusion_category', 'exclusion_category'),
    ('capita_one.exclusions', 'reason', 'exclusion_reason', 'exclusion_reason'),
    ('ehc_hub.cases', 'gender', 'sex', 'sex'),
    ('ehc_hub.cases', 'primary_need', 'primary_need', 'sen_type'),
    ('ehc_hub.cases', 'requested_by', 'request_source', 'request_source'),
    ('ehc_hub.cases', 'decision_to_assess', 'decision_to_assess', 'hub_decision'),
    ('ehc_hub.cases', 'decision_to_issue', 'decision_to_issue', 'hub_decision'),
    ('ehc_hub.advice', 'advice_type', 'advice_type', 'advice_type'),
    ('ehc_hub.reviews', 'outcome', 'review_outcome', 'review_outcome'),
    ('social_care.involvements', 'status', 'social_care_status', 'social_care_status'),
] -%}
with unmapped as (
    {%- for feed, column, name, crosswalk in coded %}
    select
        '{{ feed }}' as feed,
        '{{ column }}' as column_name,
        'xwalk_{{ crosswalk }}' as crosswalk,
        {{ name }}_local as local_value,
        count(*) as record_count
    from {{ ref('stg_' ~ feed | replace('.', '__')) }}
    where is_{{ name }}_unmapped
    group by {{ name }}_local
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
)

select
    *,
    {{ run_columns() }}
from unmapped
