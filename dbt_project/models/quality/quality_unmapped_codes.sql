select
    feed,
    column_name,
    crosswalk,
    count(distinct local_value) as value_count,
    cast(sum(record_count) as bigint) as record_count,
    {{ run_columns() }}
from {{ ref('int_unmapped_codes__located') }}
group by feed, column_name, crosswalk
