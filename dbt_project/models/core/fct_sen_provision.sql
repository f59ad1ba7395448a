select
    *,
    {{ run_columns() }}
from {{ ref('int_sen_provision__linked') }}
