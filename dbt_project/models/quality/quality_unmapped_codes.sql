select
    feed,
    column_name,
    crosswalk,
    local_value,
    cast(sum(record_count) as bigint) as record_count,
    {{ run_columns() }}
from {{ ref('int_unmapped_codes__located') }}
group by feed, column_name, crosswalk, local_value
