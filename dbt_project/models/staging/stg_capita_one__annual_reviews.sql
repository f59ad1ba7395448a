select
    feed.review_id,
    feed.plan_id,
    feed.due_date,
    feed.meeting_date,
    {{ code_columns('review_outcome', 'la_outcome') }},
    feed.decision_date,
    feed.amendment_notice_date,
    feed.final_amended_plan_date
from {{ source('raw', 'capita_one__annual_reviews') }} as feed
{{ crosswalk_join('review_outcome', 'la_outcome') }}
