-- What: what a published table refers to stands in the table that its yml names: persons, days, establishments, KPIs.
-- When it matters: whoever joins the two would silently lose those rows from a figure.
-- How to fix: of a person, int_person_records__unioned has to know every id that the feed may hold; of an establishment
-- or a day, dim_establishment or dim_date has to look at the column.
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
    'fct_placement',
    'fct_sen_need',
    'fct_sen_provision',
    'fct_social_care_involvement',
    'kpi_cases',
    'kpi_improvement_plan',
    'kpi_not_known',
    'kpi_supplied',
    'kpi_values',
    'kpi_worklist',
    'person_identifiable_closing_reasons',
    'person_identifiable_persons',
    'quality_issues',
    'quality_migration_reconciliation',
    'quality_perhaps_missing',
    'quality_person_review_queue',
    'rpt_annex_a__alternative_provision',
    'rpt_annex_a__cohort_children',
    'rpt_annex_a__list_1',
    'rpt_annex_a__list_2',
    'rpt_annex_a__out_of_area',
    'rpt_annex_a__part_time_timetables',
    'rpt_annex_a__settings',
    'rpt_annex_a__tracking_candidates',
], dimensions=[
    'dim_date', 'dim_establishment', 'dim_event_type', 'dim_person', 'fct_event', 'kpi_definitions'
]) }}
