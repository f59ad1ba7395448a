select
    *,
    {{ run_columns() }}
from {{ ref('stg_send_ready__feeds') }}
