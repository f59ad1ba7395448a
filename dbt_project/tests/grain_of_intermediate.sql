-- What: the grain of every intermediate model. No two rows share the key, and no part of it is blank
-- unless a question mark says that it may be.
-- When it matters: a doubled row counts a child twice.
-- How to fix: the failing rows are keys; look them up in the model's inputs, then in its joins.
{{ grain([
    'int_absence__measured',
    'int_annex_a__children',
    'int_annex_a__list_1_frame',
    'int_annex_a__list_2_frame',
    'int_annex_a__persons',
    'int_attendance__totalled',
    'int_census__attendance',
    'int_census__registrations',
    'int_enrolments__ranked',
    'int_establishments__phased',
    'int_exclusions__counted',
    'int_exclusions__unioned',
    'int_home_education__linked',
    'int_needs__ranked',
    'int_person_pairs__matched',
    'int_person_records__linked',
    'int_person_records__unioned',
    'int_person_upns__shared',
    'int_persons__merged',
    'int_plans__dated',
    'int_plans__unioned',
    'int_requests__merged',
    'int_reviews__unioned',
    'int_sen2__cases',
    'int_sen2__placements',
    'int_sen2__return',
    'int_sen_provision__linked',
    'int_social_care__ranked',
    'int_unmapped_codes__located',
] + (['int_sen2_read__chains', 'int_sen2_read__placements'] if does_return_speak() else [])
+ (['int_sen2_read__reconciled'] if not execute or var('sen2', '') == 'beside' else [])) }}
