select
    person_id,
    count(*) filter (where exclusion_category_code = 'SUSP') as suspension_count,
    count(*) filter (where exclusion_category_code = 'PERM') as permanent_exclusion_count
from {{ ref('int_exclusions__unioned') }}
where person_id is not null and {{ is_within_months('start_date', 6) }}
group by person_id
