-- What: the grain of every intermediate model. No two rows share the key, and no part of it is blank
-- unless a question mark says that it may be.
-- When it matters: a doubled row counts a child twice.
-- How to fix: the failing rows are keys; look them up in the model's inputs, then in its joins.
{{ grain({
    'int_absence__measured': ['person_id'],
    'int_annex_a__children': ['unique_id'],
    'int_annex_a__list_1_frame': ['unique_id'],
    'int_annex_a__list_2_frame': ['unique_id'],
    'int_annex_a__persons': ['unique_id'],
    'int_attendance__totalled': ['student_id'],
    'int_enrolments__ranked': ['student_id', 'urn', 'entry_date'],
    'int_establishments__phased': ['urn'],
    'int_exclusions__counted': ['person_id'],
    'int_home_education__linked': ['student_id', 'start_date'],
    'int_needs__ranked': ['student_id', 'sen_type_local'],
    'int_person_pairs__matched': ['record_1', 'record_2', 'rule'],
    'int_person_records__linked': ['record_id'],
    'int_person_records__unioned': ['record_id'],
    'int_person_upns__shared': ['record_1', 'record_2'],
    'int_persons__merged': ['person_id'],
    'int_plans__unioned': ['plan_id'],
    'int_requests__merged': ['case_id'],
    'int_reviews__unioned': ['review_id'],
    'int_sen_provision__linked': ['student_id', 'start_date'],
    'int_social_care__ranked': ['social_care_id', 'social_care_status_local', 'start_date'],
    'int_unmapped_codes__located': ['feed', 'column_name', 'local_value', 'person_id?'],
}) }}
