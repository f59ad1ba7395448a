select
    * exclude (close_reason),
    {{ run_columns() }}
from {{ ref('int_plans__dated') }}
