select
    feed.case_reference as case_id,
    feed.child_upn as upn,
    feed.child_first_name as forename,
    feed.child_last_name as surname,
    feed.child_dob as birth_date,
    {{ code_columns('sex', 'gender') }},
    feed.postcode,
    {{ code_columns('primary_need', 'primary_need') }},
    feed.request_received as request_received_date,
    {{ code_columns('request_source', 'requested_by') }},
    {{ code_columns('decision_to_assess', 'decision_to_assess') }},
    feed.decision_to_assess_date,
    feed.draft_plan_sent as draft_plan_sent_date,
    {{ code_columns('decision_to_issue', 'decision_to_issue') }},
    feed.decision_to_issue_date,
    feed.final_plan_issued as final_plan_issued_date,
    -- Agreed, and issued on a day that cannot be read: a plan without a date.
    coalesce(decision_to_issue_xwalk.code = 'Y', false)
    and {{ is_unreadable('final_plan_issued') }} as has_undated_plan,
    {{ is_unreadable('final_plan_issued') }} as is_final_plan_unreadable,
    feed.plan_last_amended as plan_last_amended_date,
    feed.named_placement_urn,
    {{ end_of('feed.request_received', 'feed.case_closed') }} as case_closed_date,
    -- What ends the request may come before the plan, which it does not end then.
    {{ end_of('coalesce(feed.final_plan_issued, feed.request_received)', 'feed.case_closed') }} as plan_closed_date,
    feed.close_reason,
    feed.migrated_student_id,
    feed.migrated_on as migrated_date
from {{ records_of('ehc_hub__cases', ['case_reference'], student=none, urn='named_placement_urn') }} as feed
{{ crosswalk_join('sex', 'gender') }}
{{ crosswalk_join('primary_need', 'primary_need', crosswalk='sen_type') }}
{{ crosswalk_join('request_source', 'requested_by') }}
{{ crosswalk_join('decision_to_assess', 'decision_to_assess', crosswalk='hub_decision') }}
{{ crosswalk_join('decision_to_issue', 'decision_to_issue', crosswalk='hub_decision') }}
