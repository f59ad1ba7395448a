select
    la_code as council_code,
    la_name as council_name
from {{ source('raw', 'councils') }}
