-- What the facts name and GIAS lacks is a row too, so that nothing is lost in a join.
with named as (
    {%- for model, column in [
        ('fct_enrolment', 'urn'),
        ('fct_attendance_week', 'urn'),
        ('fct_exclusion', 'urn'),
        ('fct_ehc_plan', 'named_urn'),
        ('fct_placement', 'urn'),
        ('dim_person', 'main_urn'),
    ] %}
    select {{ column }} as urn from {{ ref(model) }}
    {{ 'union' if not loop.last }}
    {%- endfor %}
)

select
    coalesce(gias.urn, named.urn) as urn,
    gias.establishment_name,
    gias.establishment_la_code,
    gias.establishment_type_code,
    gias.establishment_status_code,
    gias.establishment_phase_code,
    gias.annex_a_phase,
    gias.statutory_low_age,
    gias.statutory_high_age,
    gias.ukprn,
    gias.open_date,
    gias.close_date,
    gias.postcode,
    gias.is_own_la,
    gias.is_open,
    gias.is_open is not null as is_in_gias,
    {{ run_columns() }}
from {{ ref('int_establishments__phased') }} as gias
full join named on gias.urn = named.urn
where gias.urn is not null or named.urn is not null
