-- What: what a published table refers to stands in the dimension: persons in dim_person.
-- When it matters: whoever joins the two would silently lose those rows from a figure.
-- How to fix: of a person, int_person_records__unioned has to know every id that the feed may hold.
{{ unmatched([
    'fct_advice',
    'fct_annual_review',
    'fct_attendance_week',
    'fct_ehc_plan',
    'fct_ehcp_case',
    'fct_enrolment',
    'fct_event',
    'fct_exclusion',
    'fct_home_education',
    'fct_sen_need',
    'fct_sen_provision',
    'fct_social_care_involvement',
    'kpi_cases',
    'kpi_worklist',
    'quality_issues',
    'quality_migration_reconciliation',
    'quality_person_review_queue',
    'rpt_annex_a__alternative_provision',
    'rpt_annex_a__cohort_children',
    'rpt_annex_a__list_1',
    'rpt_annex_a__list_2',
    'rpt_annex_a__out_of_area',
    'rpt_annex_a__part_time_timetables',
    'rpt_annex_a__tracking_candidates',
], dimensions=['dim_person']) }}
