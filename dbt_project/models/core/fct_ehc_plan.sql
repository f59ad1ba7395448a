select
    *,
    {{ run_columns() }}
from {{ ref('int_plans__unioned') }}
