select
    feed.review_reference as review_id,
    feed.case_reference as case_id,
    feed.meeting_date,
    {{ code_columns('review_outcome', 'outcome') }},
    feed.decision_sent_date as decision_date,
    feed.amendment_notice_sent_date as amendment_notice_date,
    feed.amended_plan_issued_date as final_amended_plan_date
from {{ source('raw', 'ehc_hub__reviews') }} as feed
{{ crosswalk_join('review_outcome', 'outcome') }}
