-- Without one of these the figure would count what is not known as not done.
select distinct
    '{{ var("la_code") }}' as la_code,
    kpi_id,
    feed,
    column_name,
    '{{ var("run_id") }}' as run_id
from {{ ref('int_kpi__needs') }}
where is_lacking and not is_met
