select
    '{{ var("la_code") }}' as la_code,
    kpi_id,
    period_type,
    period_end,
    breakdown_type,
    breakdown_value,
    source,
    supplied_by,
    note,
    data_date,
    '{{ var("run_id") }}' as run_id
from {{ ref('int_kpi__measures_supplied') }}
