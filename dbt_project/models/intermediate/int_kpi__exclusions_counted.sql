-- Exclusions of persons who had a plan on the day they began.
with exclusions as (
    select
        exclusions.exclusion_id,
        exclusions.person_id,
        exclusions.exclusion_category_code,
        exclusions.start_date
    from {{ ref('int_exclusions__unioned') }} as exclusions
    inner join {{ ref('int_persons__merged') }} as persons on exclusions.person_id = persons.person_id
    where
        not coalesce(persons.death_date <= exclusions.start_date, false)
        and exists (
            select 1
            from {{ ref('int_plans__dated') }} as plans
            where
                plans.person_id = exclusions.person_id
                and plans.open_from_date <= exclusions.start_date
                and (plans.cease_date is null or plans.cease_date > exclusions.start_date)
        )
)

select
    windows.period_type,
    windows.period_end,
    exclusions.person_id,
    exclusions.exclusion_id,
    {{ kpi_breakdown_columns('windows.period_end') }},
    false as k45_denominator,
    exclusions.exclusion_category_code = 'PERM' as k45_numerator,
    false as k46_denominator,
    exclusions.exclusion_category_code = 'SUSP' as k46_numerator
from exclusions
inner join {{ ref('int_kpi__windows') }} as windows
    on
        windows.period_type = 'academic_year_to_date'
        and exclusions.start_date between windows.start_date and windows.period_end
{{ kpi_state_join('exclusions.person_id') }}
where exclusions.exclusion_category_code in ('PERM', 'SUSP') and {{ kpi_is_state('windows.period_no') }}
