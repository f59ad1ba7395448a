{%- set gias = was_ever_received('gias.establishments') -%}
-- Without GIAS it is not known what lies in the area, nor what is alternative provision.
with phases as (
    select
        value as phase,
        cast(sort_order as integer) as phase_order
    from {{ ref('annex_a_codes') }}
    where layout_version = {{ layout_version() }} and code_set = 'phase'
),

settings as (
    select
        *,
        case
            when urn is null then 'Other provision, or none'
            else coalesce(phase, 'Phase not known')
        end as shown_phase
    from {{ ref('rpt_annex_a__settings') }}
)

select
    settings.shown_phase as phase,
    cast(coalesce(min(phases.phase_order), if(settings.shown_phase = 'Phase not known', 98, 99)) as integer)
        as phase_order,
    cast(count(*) as integer) as setting_count,
    {%- for area in ['In area', 'Out of area'] %}
    cast(
        if({{ gias }}, count(*) filter (where settings.area = '{{ area }}'), null) as integer
    ) as {{ area | lower | replace(' ', '_') }}_setting_count,
    {%- endfor %}
    {%- for area in ['In area', 'Out of area'] %}
    cast(
        if(
            {{ gias }}, coalesce(sum(settings.plan_count) filter (where settings.area = '{{ area }}'), 0), null
        ) as integer
    ) as plan_{{ area | lower | replace(' ', '_') }}_count,
    {%- endfor %}
    {%- for count in ['plan', 'sen_support', 'dual_registered', 'alternative_provision'] %}
    cast(sum(settings.{{ count }}_count) as integer) as {{ count }}_count,
    {%- endfor %}
    {{ run_columns() }}
from settings
left join phases on settings.shown_phase = phases.phase
group by settings.shown_phase
