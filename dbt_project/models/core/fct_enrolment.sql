select
    * exclude (annex_a_phase, is_own_la),
    {{ run_columns() }}
from {{ ref('int_enrolments__ranked') }}
