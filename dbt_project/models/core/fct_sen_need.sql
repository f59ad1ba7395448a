select
    * exclude (is_sen_type_unmapped),
    {{ run_columns() }}
from {{ ref('int_needs__ranked') }}
