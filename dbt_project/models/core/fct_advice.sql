select
    advice.case_id,
    advice.advice_type_local,
    advice.requested_date,
    person.person_id,
    advice.advice_type_code,
    advice.provider,
    advice.received_date,
    {{ run_columns() }}
from {{ ref('stg_ehc_hub__advice') }} as advice
{{ person_join('ehc_hub', 'advice.case_id') }}
