-- GIAS to Annex A phase: of the rows of gias_phase.csv that fit, the one with the lowest priority number.
with establishments as (
    select * from {{ ref('stg_gias__establishments') }}
),

kinds as (
    select distinct
        establishment_type_code,
        establishment_phase_code,
        statutory_low_age,
        statutory_high_age
    from establishments
),

phases as (
    select
        kinds.*,
        arg_min(rules.annex_a_phase, cast(rules.priority as integer)) as annex_a_phase
    from kinds
    inner join {{ ref('gias_phase') }} as rules
        on
            coalesce(kinds.establishment_type_code = rules.type_code, rules.type_code is null)
            and coalesce(kinds.establishment_phase_code = rules.phase_code, rules.phase_code is null)
            and (rules.low_age_max is null or kinds.statutory_low_age <= cast(rules.low_age_max as integer))
            and (rules.low_age_min is null or kinds.statutory_low_age >= cast(rules.low_age_min as integer))
            and (rules.high_age_max is null or kinds.statutory_high_age <= cast(rules.high_age_max as integer))
            and (rules.high_age_min is null or kinds.statutory_high_age >= cast(rules.high_age_min as integer))
    group by all
)

select
    establishments.*,
    phases.annex_a_phase,
    coalesce(establishments.establishment_la_code = '{{ var("la_code") }}', false) as is_own_la,
    -- Status 2 is closed. A date, where there is one, says more than the status on the day of the extract.
    not coalesce(
        establishments.close_date <= {{ as_at() }},
        establishments.establishment_status_code = '2',
        false
    ) as is_open
from establishments
left join phases
    on
        establishments.establishment_type_code is not distinct from phases.establishment_type_code
        and establishments.establishment_phase_code is not distinct from phases.establishment_phase_code
        and establishments.statutory_low_age is not distinct from phases.statutory_low_age
        and establishments.statutory_high_age is not distinct from phases.statutory_high_age
