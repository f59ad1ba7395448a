with upns as (
    select
        record_id,
        birth_date,
        valid_upn as upn
    from {{ ref('int_person_records__unioned') }}
    where valid_upn is not null
    union
    select
        record_id,
        birth_date,
        valid_former_upn as upn
    from {{ ref('int_person_records__unioned') }}
    where valid_former_upn is not null
)

select distinct
    one.record_id as record_1,
    other.record_id as record_2
from upns as one
inner join upns as other
    on one.upn = other.upn and one.record_id < other.record_id and one.birth_date <> other.birth_date
