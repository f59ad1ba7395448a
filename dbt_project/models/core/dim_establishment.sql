select
    urn,
    establishment_name,
    establishment_la_code,
    establishment_type_code,
    establishment_status_code,
    establishment_phase_code,
    annex_a_phase,
    statutory_low_age,
    statutory_high_age,
    ukprn,
    open_date,
    close_date,
    postcode,
    is_own_la,
    is_open,
    {{ run_columns() }}
from {{ ref('int_establishments__phased') }}
