select
    feed.involvement_id,
    feed.student_id,
    {{ code_columns('assessment_type', 'assessment_type') }},
    {{ code_columns('request_source', 'request_source') }},
    feed.received_date,
    feed.decision_to_assess as is_assessment_agreed,
    feed.decision_notified_date,
    feed.decision_to_issue as is_plan_agreed,
    feed.no_plan_notified_date,
    feed.draft_issued_date,
    feed.final_issued_date,
    feed.twenty_week_exception as has_twenty_week_exception,
    {{ end_of('feed.received_date', 'feed.inactive_date') }} as inactive_date,
    {{ code_columns('inactive_reason', 'inactive_reason') }},
    feed.mediation as has_mediation,
    feed.tribunal as has_tribunal,
    feed.relevant_youth_accommodation as is_in_youth_accommodation,
    {{ la_code('feed.exported_to_la', 'exported_la') }} as exported_to_la_code,
    feed.request_mediation as has_request_mediation,
    feed.request_tribunal as has_request_tribunal,
    feed.issue_mediation as has_issue_mediation,
    feed.issue_tribunal as has_issue_tribunal,
    feed.other_mediation as has_other_mediation,
    feed.other_tribunal as has_other_tribunal
from {{ records_of('capita_one__ehcp_assessments', ['involvement_id']) }} as feed
{{ crosswalk_join('assessment_type', 'assessment_type') }}
{{ crosswalk_join('request_source', 'request_source') }}
{{ crosswalk_join('inactive_reason', 'inactive_reason') }}
{{ la_join('feed.exported_to_la', 'exported_la') }}
