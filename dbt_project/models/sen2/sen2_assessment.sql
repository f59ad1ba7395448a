select
    row_number() over (order by cases.requests_table_id) as assessment_table_id,
    cases.requests_table_id,
    cast(1 as bigint) as order_seq,
    {{ of_shape('assessment', 'assessment_outcome', 'cases.assessment_outcome') }},
    {{ of_shape('assessment', 'assessment_outcome_date', 'cases.assessment_outcome_date') }},
    {{ of_shape('assessment', 'assessment_mediation', 'cases.has_issue_mediation') }},
    {{ of_shape('assessment', 'assessment_tribunal', 'cases.has_issue_tribunal') }},
    {{ of_shape('assessment', 'other_mediation', 'cases.has_other_mediation') }},
    {{ of_shape('assessment', 'other_tribunal', 'cases.has_other_tribunal') }},
    {{ of_shape('assessment', 'week20', 'cases.has_twenty_week_exception') }},
    cases.person_id as unique_id,
    cases.case_id,
    {{ run_columns() }}
from {{ ref('int_sen2__cases') }} as cases
cross join {{ ref('int_sen2__return') }} as the_return
where cases.assessment_outcome is not null
