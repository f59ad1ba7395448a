select
    code_set,
    code,
    name,
    {{ run_columns() }}
from {{ ref('code_names') }}

union all

select
    'council' as code_set,
    council_code as code,
    council_name as name,
    {{ run_columns() }}
from {{ ref('stg_send_ready__councils') }}
