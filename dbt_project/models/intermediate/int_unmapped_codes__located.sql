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
    ('capita_one.ehc_plans', 'work_based_learning', 'work_based_learning', 'work_based_learning'),
    ('capita_one.ehc_plans', 'direct_payment', 'direct_payment', 'direct_payment'),
    ('capita_one.placements', 'setting_type', 'setting_type', 'setting_type'),
    ('capita_one.placements', 'residential', 'residential', 'residential'),
    ('capita_one.placements', 'work_based_learning', 'work_based_learning', 'work_based_learning'),
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
    ('census.pupils', 'sex', 'sex', 'sex'),
    ('census.pupils', 'ethnicity', 'ethnicity', 'ethnicity'),
    ('census.pupils', 'enrolment_status', 'enrolment_status', 'enrolment_status'),
    ('census.pupils', 'sen_provision', 'sen_provision', 'sen_provision'),
    ('census.pupils', 'sen_type_1', 'sen_type_1', 'sen_type'),
    ('census.pupils', 'sen_type_2', 'sen_type_2', 'sen_type'),
    ('board.measures', 'period_type', 'period_type', 'period_type'),
    ('board.actions', 'status', 'action_status', 'action_status'),
] -%}
{%- set ids = {
    'capita_one': 'student_id',
    'ehc_hub': 'case_id',
    'social_care': 'social_care_id',
    'census': 'source_id',
    'board': 'cast(null as varchar)',
} -%}
with unmapped as (
    {%- for feed, column, name, crosswalk in coded %}
    {%- set source_system = feed.split('.')[0] %}
    select
        '{{ feed }}' as feed,
        '{{ column }}' as column_name,
        'xwalk_{{ crosswalk }}' as crosswalk,
        {{ name }}_local as local_value,
        '{{ source_system }}' as source_system,
        {{ ids[source_system] }} as source_id
    -- Of the pupils of the census those who may be known here.
    from {{ ref('int_census__registrations' if source_system == 'census' else 'stg_' ~ feed | replace('.', '__')) }}
    where is_{{ name }}_unmapped

    union all
    {%- endfor %}

    select
        'capita_one.annual_reviews' as feed,
        'la_outcome' as column_name,
        'xwalk_review_outcome' as crosswalk,
        reviews.review_outcome_local as local_value,
        'capita_one' as source_system,
        plans.student_id as source_id
    from {{ ref('stg_capita_one__annual_reviews') }} as reviews
    left join {{ ref('stg_capita_one__ehc_plans') }} as plans on reviews.plan_id = plans.plan_id
    where reviews.is_review_outcome_unmapped

    union all

    select
        'census.exclusions' as feed,
        'category' as column_name,
        'xwalk_exclusion_category' as crosswalk,
        exclusions.exclusion_category_local as local_value,
        'census' as source_system,
        pupils.source_id
    from {{ ref('stg_census__exclusions') }} as exclusions
    inner join {{ ref('int_census__registrations') }} as pupils on exclusions.record_id = pupils.record_id
    where exclusions.is_exclusion_category_unmapped
)

select
    unmapped.feed,
    unmapped.column_name,
    unmapped.crosswalk,
    unmapped.local_value,
    person.person_id,
    count(*) as record_count
from unmapped
left join {{ ref('int_person_records__linked') }} as person
    on unmapped.source_system = person.source_system and unmapped.source_id = person.source_id
group by all
