-- What: the grain of every model of person_identifiable. No two rows share the key, and no part of it is blank.
-- When it matters: a doubled row counts a child twice.
-- How to fix: the failing rows are keys; look them up in the model's inputs, then in its joins.
{{ grain([
    'person_identifiable_persons',
    'person_identifiable_closing_reasons',
    'person_identifiable_unmapped_values',
]) }}
