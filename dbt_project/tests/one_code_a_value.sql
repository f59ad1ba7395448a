-- What: a local value stands once in its crosswalk, whatever its case and spaces.
-- When it matters: two codes for one value would double every record that holds it.
-- How to fix: delete one of the rows from the CSV.
{%- set crosswalks = [
    'xwalk_action_status',
    'xwalk_advice_type',
    'xwalk_assessment_type',
    'xwalk_cease_reason',
    'xwalk_direct_payment',
    'xwalk_enrolment_status',
    'xwalk_ethnicity',
    'xwalk_exclusion_category',
    'xwalk_exclusion_reason',
    'xwalk_hub_decision',
    'xwalk_inactive_reason',
    'xwalk_period_type',
    'xwalk_request_source',
    'xwalk_review_outcome',
    'xwalk_sen_provision',
    'xwalk_sen_type',
    'xwalk_setting_type',
    'xwalk_sex',
    'xwalk_social_care_status',
    'xwalk_upn_unknown_reason',
    'xwalk_work_based_learning',
] %}
{%- for crosswalk in crosswalks %}
select
    '{{ crosswalk }}' as crosswalk,
    lower(trim(local_value)) as plain_value,
    count(*) as row_count
from {{ ref(crosswalk) }}
group by plain_value
having count(*) > 1 or plain_value is null
{{ 'union all' if not loop.last }}
{%- endfor %}
