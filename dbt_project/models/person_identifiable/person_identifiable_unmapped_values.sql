-- A coded column may hold anything where an export has shifted, a name included, so the values stay out of quality.
{{ config(alias='unmapped_values') }}

select
    feed,
    column_name,
    crosswalk,
    local_value,
    cast(sum(record_count) as bigint) as record_count,
    {{ run_columns() }}
from {{ ref('int_unmapped_codes__located') }}
group by feed, column_name, crosswalk, local_value
