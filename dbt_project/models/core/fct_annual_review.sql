select
    *,
    {{ run_columns() }}
from {{ ref('int_reviews__unioned') }}
