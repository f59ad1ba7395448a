select
    cases.requests_table_id,
    cases.person_table_id,
    row_number() over (partition by cases.person_table_id order by cases.requests_table_id) as order_seq,
    {{ of_shape('requests', 'received_date', 'cases.received_date') }},
    {{ of_shape('requests', 'request_source', 'cases.request_source_code') }},
    {{ of_shape('requests', 'rya', 'cases.is_in_youth_accommodation') }},
    {{ of_shape('requests', 'request_outcome_date', 'cases.request_outcome_date') }},
    {{ of_shape('requests', 'request_outcome', 'cases.request_outcome') }},
    {{ of_shape('requests', 'request_mediation', 'cases.has_request_mediation') }},
    {{ of_shape('requests', 'request_tribunal', 'cases.has_request_tribunal') }},
    {{ of_shape('requests', 'exported', 'cases.exported_to_la_code') }},
    cases.person_id as unique_id,
    cases.case_id,
    cases.plan_id,
    {{ run_columns() }}
from {{ ref('int_sen2__cases') }} as cases
cross join {{ ref('int_sen2__return') }} as the_return
