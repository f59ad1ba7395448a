{%- set is_beside = not execute or var('sen2', '') == 'beside' -%}
-- Beside Capita One a return that was read is only compared. Without one, or where it is itself the source, there is
-- nothing to compare it with.
select
    row_number() over (
        order by
            reconciled.unique_id asc nulls last,
            reconciled.person_table_id asc nulls last,
            reconciled.reconciled_as asc,
            reconciled.element asc nulls first
    ) as reconciliation_no,
    reconciled.unique_id,
    reconciled.person_table_id,
    reconciled.match_rule,
    reconciled.reconciled_as,
    reconciled.element,
    reconciled.returned_value,
    reconciled.held_value,
    {{ run_columns() }}
{%- if is_beside %}
from {{ ref('int_sen2_read__reconciled') }} as reconciled
{%- else %}
from (
    select
        null::varchar as unique_id,
        null::bigint as person_table_id,
        null::varchar as match_rule,
        null::varchar as reconciled_as,
        null::varchar as element,
        null::varchar as returned_value,
        null::varchar as held_value
    where false
) as reconciled
{%- endif %}
