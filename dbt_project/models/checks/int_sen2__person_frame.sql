-- Persons of the SEN2 return, with what the checks need beside what is returned.
with the_return as (
    select * from {{ ref('int_sen2__return') }}
),

persons as (
    select
        *,
        {{ compared_upn('upn') }} as compared_upn
    from {{ ref('sen2_person') }}
),

upn_holders as (
    select
        compared_upn,
        string_agg(unique_id, ', ' order by unique_id) as upn_holders
    from persons
    where compared_upn is not null
    group by compared_upn
    having count(*) > 1
),

open_plans as (
    select
        plans.person_id,
        count(*) as open_plan_count,
        string_agg(plans.plan_id, ', ' order by plans.plan_id) as open_plan_ids
    from {{ ref('int_plans__dated') }} as plans
    inner join {{ ref('int_persons__merged') }} as held on plans.person_id = held.person_id
    cross join the_return
    where
        -- A plan without an initial date is open until it ceases, unless all that tells of it is later.
        coalesce(
            plans.initial_plan_date <= the_return.reference_day,
            plans.open_from_date <= the_return.reference_day or plans.open_from_date = {{ as_at() }}
        )
        and coalesce(plans.cease_date > the_return.reference_day, true)
        and coalesce(held.death_date > the_return.reference_day, true)
    group by plans.person_id
),

active_plans as (
    select
        unique_id,
        count(*) as active_plan_count
    from {{ ref('sen2_active_plans') }}
    group by unique_id
)

select
    cast(persons.person_table_id as varchar) as row_id,
    persons.person_table_id,
    persons.unique_id,
    persons.person_birth_date,
    persons.sex,
    persons.ethnicity,
    persons.post_code,
    persons.upn,
    persons.unique_learner_number,
    persons.upn_unknown,
    {{ is_valid_upn('persons.compared_upn') }} as is_upn_valid,
    upn_holders.upn_holders,
    held.sex_code as held_sex,
    held.ethnicity_code as held_ethnicity,
    {{ age_years('persons.person_birth_date', 'the_return.survey_day') }} as age_at_survey,
    coalesce(active_plans.active_plan_count, 0) as active_plan_count,
    coalesce(open_plans.open_plan_count, 0) as open_plan_count,
    open_plans.open_plan_ids,
    the_return.survey_year,
    the_return.survey_day,
    the_return.reference_day
from persons
cross join the_return
left join {{ ref('int_persons__merged') }} as held on persons.unique_id = held.person_id
left join upn_holders on persons.compared_upn = upn_holders.compared_upn
left join open_plans on persons.unique_id = open_plans.person_id
left join active_plans on persons.unique_id = active_plans.unique_id
