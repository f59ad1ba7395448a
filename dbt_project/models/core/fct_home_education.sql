select
    *,
    {{ run_columns() }}
from {{ ref('int_home_education__linked') }}
