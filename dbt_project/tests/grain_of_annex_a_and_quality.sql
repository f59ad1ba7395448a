-- What: the grain of both lists, the further items and every quality model. No two rows share the key, and no part of
-- it is blank unless a question mark says that it may be.
-- When it matters: a doubled row counts a child twice.
-- How to fix: the failing rows are keys; look them up in the model's inputs, then in its joins.
{{ grain({
    'rpt_annex_a__list_1': ['unique_id'],
    'rpt_annex_a__list_2': ['unique_id'],
    'rpt_annex_a__settings': ['urn?', 'setting'],
    'rpt_annex_a__settings_by_phase': ['phase'],
    'rpt_annex_a__cohorts': ['cohort_code'],
    'rpt_annex_a__cohort_children': ['unique_id', 'cohort_code'],
    'rpt_annex_a__out_of_area': ['unique_id'],
    'rpt_annex_a__part_time_timetables': ['unique_id'],
    'rpt_annex_a__attendance': ['period', 'sen_group'],
    'rpt_annex_a__alternative_provision': ['unique_id', 'registration'],
    'rpt_annex_a__tracking_candidates': ['unique_id'],
    'quality_feeds': ['feed'],
    'quality_issues': ['rule', 'feed?', 'record_id?', 'column_name?', 'message'],
    'quality_migration_reconciliation': ['case_id'],
    'quality_person_review_queue': ['record_1', 'record_2'],
    'quality_unmapped_codes': ['feed', 'column_name', 'local_value'],
}) }}
