select distinct
    least(trim(decision.record_1), trim(decision.record_2)) as record_1,
    greatest(trim(decision.record_1), trim(decision.record_2)) as record_2,
    lower(trim(decision.decision)) as decision
from {{ source('raw', 'person_decisions') }} as decision
