select
    *,
    {{ run_columns() }}
from {{ ref('int_social_care__ranked') }}
