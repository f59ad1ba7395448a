-- What: the grain of both lists, the further items and every quality model. No two rows share the key, and no part of
-- it is blank unless a question mark says that it may be.
-- When it matters: a doubled row counts a child twice.
-- How to fix: the failing rows are keys; look them up in the model's inputs, then in its joins.
{{ grain([
    'rpt_annex_a__list_1',
    'rpt_annex_a__list_2',
    'rpt_annex_a__settings',
    'rpt_annex_a__settings_by_phase',
    'rpt_annex_a__cohorts',
    'rpt_annex_a__cohort_children',
    'rpt_annex_a__out_of_area',
    'rpt_annex_a__part_time_timetables',
    'rpt_annex_a__attendance',
    'rpt_annex_a__alternative_provision',
    'rpt_annex_a__tracking_candidates',
    'quality_feeds',
    'quality_issues',
    'quality_migration_reconciliation',
    'quality_perhaps_missing',
    'quality_person_review_queue',
    'quality_unmapped_codes',
]) }}
