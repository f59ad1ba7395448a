select
    feed.review_id,
    feed.plan_id,
    feed.student_id,
    feed.involvement_id,
    feed.due_date,
    feed.meeting_date,
    {{ code_columns('review_outcome', 'la_outcome') }},
    feed.decision_date,
    feed.amendment_notice_date,
    feed.final_amended_plan_date,
    feed.draft_amended_plan_date
from {{ records_of('capita_one__annual_reviews', ['review_id']) }} as feed
{{ crosswalk_join('review_outcome', 'la_outcome') }}
