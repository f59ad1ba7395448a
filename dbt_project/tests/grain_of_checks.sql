-- What: the grain of every frame of the checks of the SEN2 return. No two rows share the key, and no key is blank.
-- When it matters: an issue would name the wrong row.
-- How to fix: the failing rows are keys; look them up in the model's inputs, then in its joins.
{{ grain([
    'int_sen2__person_frame',
    'int_sen2__chain_frame',
    'int_sen2__placement_frame',
    'int_sen2__measures_frame',
]) }}
