-- What: the grain of both lists and every quality model. No two rows share the key, and no part of it is blank
-- unless a question mark says that it may be.
-- When it matters: a doubled row counts a child twice.
-- How to fix: the failing rows are keys; look them up in the model's inputs, then in its joins.
{{ grain({
    'rpt_annex_a__list_1': ['unique_id'],
    'rpt_annex_a__list_2': ['unique_id'],
    'quality_feeds': ['feed'],
    'quality_issues': ['rule', 'feed?', 'record_id?', 'column_name?', 'message'],
    'quality_migration_reconciliation': ['case_id'],
    'quality_person_review_queue': ['record_1', 'record_2'],
    'quality_unmapped_codes': ['feed', 'column_name', 'local_value'],
}) }}
